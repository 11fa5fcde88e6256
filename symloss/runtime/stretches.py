"""Parts of arrays and sums over them without what NumPy's indexing costs: some hundred instructions a front.

A slice that Numba makes looks for negative indices, cuts what lies outside, and counts one more owner of the memory.
What is returned here does none of that: it is to be used while the array exists, and inside of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .inside import overload
from .late import make_array, populate_array

ir = cgutils.ir  # llvmlite's types, by way of Numba, which is what is required
_WIDTHS = (16, 4, 1)  # partial sums that run side by side, as long as there is enough to add up


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


def row_of(array: Any, row: int) -> Any:
    """Return ``array[row]``, where that exists."""
    return array[row]


@overload(row_of, jit_options={"forceinline": True})
def _row_compiled(array: Any, row: Any) -> Any:
    def implementation(array: Any, row: Any) -> Any:
        return _stretch(array, row, 0, array.shape[1])

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


def sum_of(terms: Any) -> float:
    """Return the sum of float64 numbers: of every sixteenth by itself, of halves of those, of what is left."""
    return _in_lanes(np.asarray(terms))


def dot(a: Any, b: Any) -> float:
    """Return the sum of products of float64 numbers, in the order of `sum_of`."""
    return _in_lanes(np.asarray(a) * np.asarray(b))


def _in_lanes(terms: Any) -> float:
    total, done = 0.0, 0
    for width in _WIDTHS:
        whole = done + (terms.size - done) // width * width
        lanes = np.zeros(width)
        for row in terms[done:whole].reshape(-1, width):
            lanes += row
        while lanes.size > 1:
            half = lanes.size // 2
            lanes = lanes[:half] + lanes[half:]
        total, done = total + float(lanes[0]), whole
    return total


def _added_up(builder: Any, count: Any, term: Any) -> Any:
    """Return the sum of what ``term(index, kind)`` returns, a number or a vector of them."""
    total, done = ir.Constant(ir.DoubleType(), 0.0), ir.Constant(count.type, 0)
    for width in _WIDTHS:
        kind = ir.VectorType(ir.DoubleType(), width)
        lanes = cgutils.alloca_once_value(builder, ir.Constant(kind, [0.0] * width))
        step = ir.Constant(count.type, width)
        whole = builder.add(done, builder.mul(builder.udiv(builder.sub(count, done), step), step))
        with cgutils.for_range_slice(builder, done, whole, step) as (i, _):
            builder.store(builder.fadd(builder.load(lanes), term(i, kind)), lanes)
        total, done = builder.fadd(total, _folded(builder, builder.load(lanes), width)), whole
    return total


def _folded(builder: Any, part: Any, width: int) -> Any:
    """Return the sum of the entries of a vector."""
    while width > 1:
        width //= 2
        places = ir.VectorType(ir.IntType(32), width)
        low, high = (ir.Constant(places, list(range(k, k + width))) for k in (0, width))
        nothing = ir.Constant(part.type, ir.Undefined)
        part = builder.fadd(builder.shuffle_vector(part, nothing, low), builder.shuffle_vector(part, nothing, high))
    return builder.extract_element(part, ir.Constant(ir.IntType(32), 0))


def _load(builder: Any, array: Any, i: Any, kind: Any) -> Any:
    at = builder.gep(array.data, [i], inbounds=True, source_etype=ir.DoubleType())
    return builder.load(at, align=8, typ=kind)


@intrinsic
def _sum_of(typingctx: Any, terms: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array = make_array(terms)(context, builder, args[0])
        count = builder.extract_value(array.shape, 0)
        return _added_up(builder, count, lambda i, kind: _load(builder, array, i, kind))

    return types.float64(terms), build


@intrinsic
def _dot(typingctx: Any, a: Any, b: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        first, second = (make_array(kind)(context, builder, x) for kind, x in zip((a, b), args, strict=True))
        count = builder.extract_value(first.shape, 0)

        def term(i: Any, kind: Any) -> Any:
            return builder.fmul(_load(builder, first, i, kind), _load(builder, second, i, kind))

        return _added_up(builder, count, term)

    return types.float64(a, b), build


@overload(sum_of)
def _sum_compiled(terms: Any) -> Any:
    def implementation(terms: Any) -> Any:
        return _sum_of(terms)

    return implementation


@overload(dot)
def _dot_compiled(a: Any, b: Any) -> Any:
    def implementation(a: Any, b: Any) -> Any:
        return _dot(a, b)

    return implementation
