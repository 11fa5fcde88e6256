"""Squares of entries, transposed in registers: read as vectors along one axis and written as vectors along the other.

Entry by entry, one of the two is far apart each time, and what LLVM makes of that takes longer than what a short row is
computed with.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .inside import overload
from .late import make_array

ir = cgutils.ir  # llvmlite's, by way of Numba, which is what is required


def _turned(builder: Any, rows: list[Any]) -> list[Any]:
    """Return the columns of a square of vectors: in each step the corners off the diagonal change places."""
    size = len(rows)
    step = 1
    while step < size:
        # Of two vectors one after the other: their entries of the upper corners, and those of the lower ones.
        upper = [j if not j & step else size + j - step for j in range(size)]
        lower = [j + step if not j & step else size + j for j in range(size)]
        whole = ir.VectorType(ir.IntType(32), size)
        for a in range(size):
            if not a & step:
                pair = rows[a], rows[a + step]
                rows[a], rows[a + step] = (
                    builder.shuffle_vector(*pair, ir.Constant(whole, places)) for places in (upper, lower)
                )
        step *= 2
    return rows


def _places(context: Any, builder: Any, kind: Any, array: Any, row: Any, column: Any, size: int) -> list[Any]:
    """Return where vectors begin: those at a column of some rows of an array."""
    source = make_array(kind)(context, builder, array)
    entry = context.get_data_type(kind.dtype)
    width = cgutils.unpack_tuple(builder, source.shape, 2)[1]
    vector = ir.VectorType(entry, size).as_pointer()
    found = []
    for n in range(size):
        place = builder.add(builder.mul(builder.add(row, row.type(n)), width), column)
        found.append(builder.bitcast(builder.gep(source.data, [place], source_etype=entry), vector))
    return found


def _as_wide(builder: Any, vector: Any, kind: Any) -> Any:
    """Return floats as floats of another width."""
    if vector.type == kind:
        return vector
    widened = isinstance(kind.element, ir.DoubleType)
    return builder.fpext(vector, kind) if widened else builder.fptrunc(vector, kind)


def _square(size: int) -> Callable[..., None]:
    """Return a function that transposes squares of that size."""

    def turn(source: Any, i: int, k: int, into: Any) -> None:
        into[k : k + size, i : i + size] = source[i : i + size, k : k + size].T

    @intrinsic
    def turned(typingctx: Any, source: Any, i: Any, k: Any, into: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            array, row, column, target = args
            read, written = (ir.VectorType(context.get_data_type(of.dtype), size) for of in (source, into))
            given, aligned = (context.get_abi_sizeof(of.element) for of in (read, written))
            places = _places(context, builder, source, array, row, column, size)
            rows = [builder.load(place, align=given, typ=read) for place in places]
            columns = _turned(builder, [_as_wide(builder, vector, written) for vector in rows])
            for vector, place in zip(columns, _places(context, builder, into, target, column, row, size), strict=True):
                builder.store(vector, place, align=aligned)
            return context.get_dummy_value()

        return types.none(source, types.intp, types.intp, into), build

    @overload(turn)
    def turn_compiled(source: Any, i: Any, k: Any, into: Any) -> Any:
        def in_registers(source: Any, i: Any, k: Any, into: Any) -> None:
            turned(source, i, k, into)

        def one_by_one(source: Any, i: Any, k: Any, into: Any) -> None:
            for a in range(i, i + size):
                for b in range(k, k + size):
                    into[b, a] = source[a, b]

        return in_registers if source.layout == into.layout == "C" else one_by_one

    return turn


turn_4 = _square(4)
turn_8 = _square(8)
