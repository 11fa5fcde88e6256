"""Small arrays of samples, one after the other in one place: a short recurrence has thirty, which took it a tenth.

An allocation costs little; that Numba counts the owners of every array, with an instruction that waits for all writes
before it, costs more.  Arrays out of a pool have no owner to be counted: they are to be used until it is cleared, by
functions that are called by the one to which the pool belongs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from .inside import overload
from .jit import inlined, kernel
from .late import make_array, populate_array
from .spans import span
from .stretches import borrowed

_FLOATS, _WHOLES = 4096, 2048  # numbers of a pool, of which the first says how many are taken


@kernel
def pools() -> tuple[Any, Any, Any]:
    """Return pools of float64, int64 and uint64."""
    return np.empty(_FLOATS), np.empty(_WHOLES, np.int64), np.empty(_WHOLES, np.uint64)


@inlined
def cleared(pool: Any) -> Any:
    """Take back all arrays; return the pools as something without owner, to be used while `pools` exist."""
    pool[0][0], pool[1][0], pool[2][0] = 1.0, 1, 1
    return borrowed(pool[0]), borrowed(pool[1]), borrowed(pool[2])


def _rows_at(pool: Any, at: int, rows: int, columns: int) -> Any:
    """Return a part of an array as a matrix, to be used while the array exists."""
    return pool[at : at + rows * columns].reshape(rows, columns)


@intrinsic
def _rows(typingctx: Any, pool: Any, at: Any, rows: Any, columns: Any) -> Any:
    result = types.Array(pool.dtype, 2, "C")

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source = make_array(pool)(context, builder, args[0])
        kind = context.get_data_type(pool.dtype)
        size = context.get_constant(types.intp, context.get_abi_sizeof(kind))
        out = make_array(result)(context, builder)
        populate_array(
            out,
            data=builder.gep(source.data, [args[1]], inbounds=True, source_etype=kind),
            shape=[args[2], args[3]],
            strides=[builder.mul(args[3], size), size],
            itemsize=size,
            meminfo=None,
        )
        return out._getvalue()

    return result(pool, types.intp, types.intp, types.intp), build


@overload(_rows_at, jit_options={"forceinline": True})
def _rows_compiled(pool: Any, at: Any, rows: Any, columns: Any) -> Any:
    def implementation(pool: Any, at: Any, rows: Any, columns: Any) -> Any:
        return _rows(pool, at, rows, columns)

    return implementation


@kernel
def _take(pool: Any, size: int) -> Any:
    at = int(pool[0])
    if at + size > pool.size:
        return np.empty(size, pool.dtype)
    pool[0] = at + size
    return span(pool, at, at + size)


@kernel
def _take_rows(pool: Any, rows: int, columns: int) -> Any:
    at = int(pool[0])
    if at + rows * columns > pool.size:
        return np.empty((rows, columns), pool.dtype)
    pool[0] = at + rows * columns
    return _rows_at(pool, at, rows, columns)


@inlined
def floats(pool: Any, size: int) -> Any:
    """Return an array of so many float64; one of its own where the pool has no room for it."""
    return _take(pool[0], size)


@inlined
def wholes(pool: Any, size: int) -> Any:
    """Return an array of int64, as `floats` does."""
    return _take(pool[1], size)


@inlined
def naturals(pool: Any, size: int) -> Any:
    """Return an array of uint64, as `floats` does."""
    return _take(pool[2], size)


@inlined
def float_rows(pool: Any, rows: int, columns: int) -> Any:
    """Return a matrix of float64, as `floats` does."""
    return _take_rows(pool[0], rows, columns)


@inlined
def natural_rows(pool: Any, rows: int, columns: int) -> Any:
    """Return a matrix of uint64, as `floats` does."""
    return _take_rows(pool[2], rows, columns)


@inlined
def zeroed(array: Any) -> Any:
    """Write zeros to an array, and return it."""
    array[:] = 0
    return array
