"""What generated modules need beside NumPy and Numba; a copy of this folder lies next to them."""

from . import twofold
from .bits import by_dtype
from .brief import briefly
from .describe import REALS, Array, Finite, Interval, Labels, Scalar, describe
from .driver import Driver
from .jit import inlined, kernel, polymorphic
from .loops import (
    CHUNK,
    SHORT_CHUNK,
    all_hard,
    cut,
    four_at_a_time,
    in_dtype_of,
    parts_in_dtype_of,
    weighed,
    weighted,
    wide_vectors,
)
from .reduce import add_terms
from .rows import ROOM, largest_of, raised_over, room
from .special_case import SpecialCase
from .stretches import row_at
from .tiles import LANES, all_inside, collect, is_at, lanes, raised_to, spread, spread_factor, spread_numbers, tile
from .twofold import finite_with, refined

__all__ = [
    "CHUNK",
    "LANES",
    "REALS",
    "ROOM",
    "SHORT_CHUNK",
    "Array",
    "Driver",
    "Finite",
    "Interval",
    "Labels",
    "Scalar",
    "SpecialCase",
    "add_terms",
    "all_hard",
    "all_inside",
    "briefly",
    "by_dtype",
    "collect",
    "cut",
    "describe",
    "finite_with",
    "four_at_a_time",
    "in_dtype_of",
    "inlined",
    "is_at",
    "kernel",
    "lanes",
    "largest_of",
    "parts_in_dtype_of",
    "polymorphic",
    "raised_over",
    "raised_to",
    "refined",
    "room",
    "row_at",
    "spread",
    "spread_factor",
    "spread_numbers",
    "tile",
    "twofold",
    "weighed",
    "weighted",
    "wide_vectors",
]
