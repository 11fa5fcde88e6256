"""A part of a row without what NumPy's indexing costs, as `stretches` gives it of a row of several."""

from __future__ import annotations

from typing import Any

from numba import types
from numba.extending import intrinsic

from .inside import overload
from .jit import kernel
from .late import make_array, populate_array


def span(row: Any, start: int, stop: int) -> Any:
    """Return ``row[start:stop]``, where that lies inside, to be used while the row exists."""
    return row[start:stop]


@intrinsic
def _span(typingctx: Any, row: Any, start: Any, stop: Any) -> Any:
    result = types.Array(row.dtype, 1, "C")

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source = make_array(row)(context, builder, args[0])
        kind = context.get_data_type(row.dtype)
        out = make_array(result)(context, builder)
        populate_array(
            out,
            data=builder.gep(source.data, [args[1]], inbounds=True, source_etype=kind),
            shape=[builder.sub(args[2], args[1])],
            strides=[context.get_constant(types.intp, context.get_abi_sizeof(kind))],
            itemsize=context.get_constant(types.intp, context.get_abi_sizeof(kind)),
            meminfo=None,
        )
        return out._getvalue()

    return result(row, types.intp, types.intp), build


@overload(span, jit_options={"forceinline": True})
def _span_compiled(row: Any, start: Any, stop: Any) -> Any:
    def implementation(row: Any, start: Any, stop: Any) -> Any:
        return _span(row, start, stop)

    return implementation


@kernel
def copy_rows(source: Any, start: int, out: Any, first: int, count: int) -> None:
    """Write ``source[start : start + count]`` to ``out[first : first + count]``.

    Numba compiles a loop in a tenth of the time that an assignment of slices takes, which reports their shapes.
    """
    for i in range(count):
        for k in range(out.shape[1]):
            out[first + i, k] = source[start + i, k]
