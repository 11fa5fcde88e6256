"""Parts of arrays and sums over them without what NumPy's indexing costs: some hundred instructions a front.

A slice that Numba makes looks for negative indices, cuts what lies outside, and counts one more owner of the memory.
What is returned here does none of that: it is to be used while the array exists, and inside of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .inside import overload
from .late import make_array, populate_array

_WIDTH = 16  # partial sums that run side by side


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


def sum_of(terms: Any) -> float:
    """Return the sum of float64 numbers: every sixteenth by itself, then the halves of those, then what is left."""
    return _in_lanes(np.asarray(terms))


def dot(a: Any, b: Any) -> float:
    """Return the sum of products of float64 numbers, in the order of `sum_of`."""
    return _in_lanes(np.asarray(a) * np.asarray(b))


def _in_lanes(terms: Any) -> float:
    whole = terms.size - terms.size % _WIDTH
    lanes = np.zeros(_WIDTH)
    for row in terms[:whole].reshape(-1, _WIDTH):
        lanes += row
    while lanes.size > 1:
        half = lanes.size // 2
        lanes = lanes[:half] + lanes[half:]
    total = float(lanes[0])
    for term in terms[whole:]:
        total += float(term)
    return total


def _added_up(builder: Any, count: Any, term: Any) -> Any:
    """Return the sum of what ``term(index, kind)`` returns, a number or a vector of them."""
    one, many = ir.DoubleType(), ir.VectorType(ir.DoubleType(), _WIDTH)
    lanes = cgutils.alloca_once_value(builder, ir.Constant(many, [0.0] * _WIDTH))
    step = ir.Constant(count.type, _WIDTH)
    whole = builder.sub(count, builder.urem(count, step))
    with cgutils.for_range_slice(builder, ir.Constant(count.type, 0), whole, step) as (i, _):
        builder.store(builder.fadd(builder.load(lanes), term(i, many)), lanes)
    part, width = builder.load(lanes), _WIDTH
    while width > 1:
        width //= 2
        places = ir.VectorType(ir.IntType(32), width)
        low, high = (ir.Constant(places, list(range(k, k + width))) for k in (0, width))
        nothing = ir.Constant(part.type, ir.Undefined)
        part = builder.fadd(builder.shuffle_vector(part, nothing, low), builder.shuffle_vector(part, nothing, high))
    total = cgutils.alloca_once_value(builder, builder.extract_element(part, ir.Constant(ir.IntType(32), 0)))
    with cgutils.for_range_slice(builder, whole, count, ir.Constant(count.type, 1)) as (i, _):
        builder.store(builder.fadd(builder.load(total), term(i, one)), total)
    return builder.load(total)


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
