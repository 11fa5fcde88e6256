"""What generated modules need beside NumPy and Numba; a copy of this folder lies next to them."""

from .describe import REALS, Array, Finite, Interval, Labels, Scalar, describe
from .driver import Driver
from .jit import kernel

__all__ = ["REALS", "Array", "Driver", "Finite", "Interval", "Labels", "Scalar", "describe", "kernel"]
