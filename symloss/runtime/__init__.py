"""What generated modules need beside NumPy and Numba; a copy of this folder lies next to them."""

from . import twofold
from .bits import by_dtype
from .brief import briefly
from .by_entries import SHORT_ROW, entries, entry_factors, factor_at, rows_at_once
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
from .row_literals import rows_kernel
from .row_sums import sum_rows
from .rows import ROOM, largest_of, raised_over, room
from .special_case import SpecialCase
from .stretches import row_at, rows_between
from .tiles import FEW, LANES, all_inside, collect, is_at, lanes, raised_to, spread, spread_factor, spread_numbers, tile
from .twofold import finite_with, refined

__all__ = [
    "CHUNK",
    "FEW",
    "LANES",
    "REALS",
    "ROOM",
    "SHORT_CHUNK",
    "SHORT_ROW",
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
    "entries",
    "entry_factors",
    "factor_at",
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
    "rows_at_once",
    "rows_between",
    "rows_kernel",
    "spread",
    "spread_factor",
    "spread_numbers",
    "sum_rows",
    "tile",
    "twofold",
    "weighed",
    "weighted",
    "wide_vectors",
]
