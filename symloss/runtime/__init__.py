"""What generated modules need beside NumPy and Numba; a copy of this folder lies next to them."""

from . import twofold
from .describe import REALS, Array, Finite, Interval, Labels, Scalar, describe
from .driver import Driver
from .jit import kernel
from .twofold import is_double, refined

__all__ = [
    "REALS",
    "Array",
    "Driver",
    "Finite",
    "Interval",
    "Labels",
    "Scalar",
    "describe",
    "is_double",
    "kernel",
    "refined",
    "twofold",
]
