"""Parts of arrays without what NumPy's indexing costs: some hundred instructions a front.

A slice that Numba makes looks for negative indices, cuts what lies outside, and counts one more owner of the memory.
What is returned here does none of that: it is to be used while the array exists, and inside of it.
"""

from __future__ import annotations

from typing import Any

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .inside import overload
from .late import make_array, populate_array


def stretch(array: Any, row: int, start: int, stop: int) -> Any:
    """Return ``array[row, start:stop]``, where that lies inside."""
    return array[row, start:stop]


@intrinsic
def _stretch(typingctx: Any, array: Any, row: Any, start: Any, stop: Any) -> Any:
    result = types.Array(array.dtype, 1, "C")

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source = make_array(array)(context, builder, args[0])
        width = builder.extract_value(source.shape, 1)
        kind = context.get_data_type(array.dtype)
        size = context.get_constant(types.intp, context.get_abi_sizeof(kind))
        first, last = (builder.trunc(a, width.type) if a.type.width > width.type.width else a for a in args[2:])
        at = builder.add(builder.mul(args[1], width), first)
        out = make_array(result)(context, builder)
        populate_array(
            out,
            data=builder.gep(source.data, [at], inbounds=True, source_etype=kind),
            shape=[builder.sub(last, first)],
            strides=[size],
            itemsize=size,
            meminfo=None,
        )
        return out._getvalue()

    return result(array, types.intp, types.intp, types.intp), build


@overload(stretch, jit_options={"forceinline": True})
def _stretch_compiled(array: Any, row: Any, start: Any, stop: Any) -> Any:
    def implementation(array: Any, row: Any, start: Any, stop: Any) -> Any:
        return _stretch(array, row, start, stop)

    return implementation


def row_at(array: Any, row: int) -> Any:
    """Return ``array[row]``, where that exists."""
    return array[row]


@overload(row_at, jit_options={"forceinline": True})
def _row_compiled(array: Any, row: Any) -> Any:
    def implementation(array: Any, row: Any) -> Any:
        return _stretch(array, row, 0, array.shape[1])

    return implementation


def rows_between(array: Any, start: int, stop: int) -> Any:
    """Return ``array[start:stop]`` as one long row, where that lies inside."""
    return array[start:stop].reshape(-1)


@overload(rows_between, jit_options={"forceinline": True})
def _rows_compiled(array: Any, start: Any, stop: Any) -> Any:
    def implementation(array: Any, start: Any, stop: Any) -> Any:
        return _stretch(array, start, 0, (stop - start) * array.shape[1])

    return implementation


def borrowed(array: Any) -> Any:
    """Return an array whose owners nobody counts any more: those who pass it on touch no memory that threads share."""
    return array


@intrinsic
def _borrowed(typingctx: Any, array: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        out = make_array(array)(context, builder, args[0])
        out.meminfo = cgutils.get_null_value(out.meminfo.type)
        return out._getvalue()

    return array(array), build


@overload(borrowed, jit_options={"forceinline": True})
def _borrowed_compiled(array: Any) -> Any:
    def implementation(array: Any) -> Any:
        return _borrowed(array)

    return implementation
