"""What generated modules need beside NumPy and Numba; a copy of this folder lies next to them."""

from . import twofold
from .bits import by_dtype
from .describe import REALS, Array, Finite, Interval, Labels, Scalar, describe
from .driver import Driver
from .jit import inlined, kernel, polymorphic
from .loops import CHUNK, cut, in_dtype_of, weighted, wide_vectors
from .reduce import add_terms
from .rows import ROOM, largest_of, room
from .twofold import refined

__all__ = [
    "CHUNK",
    "REALS",
    "ROOM",
    "Array",
    "Driver",
    "Finite",
    "Interval",
    "Labels",
    "Scalar",
    "add_terms",
    "by_dtype",
    "cut",
    "describe",
    "in_dtype_of",
    "inlined",
    "kernel",
    "largest_of",
    "polymorphic",
    "refined",
    "room",
    "twofold",
    "weighted",
    "wide_vectors",
]
