"""What takes long to import, and only compiling, or uncompiled code, needs."""

from __future__ import annotations

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
