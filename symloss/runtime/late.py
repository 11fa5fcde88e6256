"""What takes long to import, and only compiling, or uncompiled code, needs."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any


def make_array(array_type: Any) -> Any:
    """Return the class of a compiled array: see `numba.np.arrayobj.make_array`."""
    from numba.np import arrayobj

    return arrayobj.make_array(array_type)


def populate_array(array: Any, **parts: Any) -> None:
    """Fill in a compiled array: see `numba.np.arrayobj.populate_array`."""
    from numba.np import arrayobj

    arrayobj.populate_array(array, **parts)


def Fraction(number: float) -> Any:  # noqa: N802
    """Return the number as a fraction: see `fractions.Fraction`."""
    from fractions import Fraction

    return Fraction(number)


def prepare() -> None:
    """Load what Numba compiles arrays with, but not SciPy, which it would import only to see whether it is there."""
    if "numba.np.arraymath" in sys.modules:
        return
    from numba.np import linalg

    usual = linalg.ensure_blas
    linalg.ensure_blas = _ensure_installed
    try:
        from numba.np import arraymath
    finally:
        linalg.ensure_blas = usual
    arraymath.ensure_blas = usual


def _ensure_installed() -> None:
    if importlib.util.find_spec("scipy") is None:
        raise ImportError("SciPy is not installed")
