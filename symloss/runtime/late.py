"""Parts of Numba that take long to import, and that only compiling needs."""

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
