"""Sums in vectors, in an order that is written down: the same bits wherever they are compiled, and in Python.

Every n-th term is added up by itself, for n as long as there are so many, then the halves of these sums.  LLVM may not
change the order of additions, so it makes no vectors of them; here they are vectors to begin with.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .inside import overload
from .late import make_array

_Operation = Callable[[Any, Any], Any]
ir = cgutils.ir  # llvmlite's types, by way of Numba, which is what is required
_WIDTHS = (16, 4, 1)  # partial sums that run side by side, as long as there is enough to add up
_EXACT_WIDTHS = (8, 1)  # the same where each is two numbers


def sum_of(terms: Any) -> float:
    """Return the sum of float64 or float32 numbers, in float64."""
    return _in_lanes(np.asarray(terms, np.float64))


def dot(a: Any, b: Any) -> float:
    """Return the sum of products of float64 numbers, in the order of `sum_of`."""
    return _in_lanes(np.asarray(a) * np.asarray(b))


def sum_exactly(terms: Any) -> tuple[float, float]:
    """Return the sum of float64 numbers, and what it lost in rounding: exact but for ``eps**2`` of the terms.

    Neumaier's sum, with Knuth's error of an addition, in the order of `sum_of`.
    """
    total, lost, done = 0.0, 0.0, 0
    for width in _EXACT_WIDTHS:
        whole = done + (terms.size - done) // width * width
        lanes, errors = np.zeros(width), np.zeros(width)
        for row in terms[done:whole].reshape(-1, width):
            lanes, error = _two_sum(lanes, row)
            errors = errors + error
        while lanes.size > 1:
            half = lanes.size // 2
            lanes, error = _two_sum(lanes[:half], lanes[half:])
            errors = (errors[:half] + errors[half:]) + error
        total, error = _two_sum(total, float(lanes[0]))
        lost, done = lost + (float(errors[0]) + error), whole
    return total, lost


def _two_sum(a: Any, b: Any, plus: _Operation = operator.add, minus: _Operation = operator.sub) -> tuple[Any, Any]:
    """Return the rounded sum and what the rounding took away (Knuth)."""
    total = plus(a, b)
    part = minus(total, a)
    return total, plus(minus(a, minus(total, part)), minus(b, part))


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


def _added_up(builder: Any, count: Any, term: Callable[[Any, Any], Any]) -> Any:
    """Return the sum of what ``term(index, kind)`` returns, a number or a vector of them."""
    total, done = ir.Constant(ir.DoubleType(), 0.0), ir.Constant(count.type, 0)
    for width in _WIDTHS:
        lanes = _Lanes(builder, width)
        whole = _whole(builder, done, count, width)
        with cgutils.for_range_slice(builder, done, whole, ir.Constant(count.type, width)) as (i, _):
            lanes.set(builder.fadd(lanes.get(), term(i, lanes.kind)))
        part = lanes.get()
        while part.type.count > 1:
            part = builder.fadd(*_halves(builder, part))
        total, done = builder.fadd(total, _first(builder, part)), whole
    return total


def _exactly_added_up(builder: Any, count: Any, term: Callable[[Any, Any], Any]) -> tuple[Any, Any]:
    """Return the sum of what ``term(index, kind)`` returns, and what it lost."""
    total = lost = ir.Constant(ir.DoubleType(), 0.0)
    done = ir.Constant(count.type, 0)
    for width in _EXACT_WIDTHS:
        lanes, errors = _Lanes(builder, width), _Lanes(builder, width)
        whole = _whole(builder, done, count, width)
        with cgutils.for_range_slice(builder, done, whole, ir.Constant(count.type, width)) as (i, _):
            part, error = _two_sum_of(builder, lanes.get(), term(i, lanes.kind))
            lanes.set(part)
            errors.set(builder.fadd(errors.get(), error))
        part, rest = lanes.get(), errors.get()
        while part.type.count > 1:
            part, error = _two_sum_of(builder, *_halves(builder, part))
            rest = builder.fadd(builder.fadd(*_halves(builder, rest)), error)
        total, error = _two_sum_of(builder, total, _first(builder, part))
        lost, done = builder.fadd(lost, builder.fadd(_first(builder, rest), error)), whole
    return total, lost


class _Lanes:
    """A vector of partial sums, all 0 at first."""

    def __init__(self, builder: Any, width: int) -> None:
        self.kind = ir.VectorType(ir.DoubleType(), width)
        self._builder = builder
        self._room = cgutils.alloca_once_value(builder, ir.Constant(self.kind, [0.0] * width))

    def get(self) -> Any:
        """Return it."""
        return self._builder.load(self._room)

    def set(self, value: Any) -> None:
        """Replace it."""
        self._builder.store(value, self._room)


def _whole(builder: Any, done: Any, count: Any, width: int) -> Any:
    """Return where the last whole vector ends."""
    step = ir.Constant(count.type, width)
    return builder.add(done, builder.mul(builder.udiv(builder.sub(count, done), step), step))


def _two_sum_of(builder: Any, a: Any, b: Any) -> tuple[Any, Any]:
    return _two_sum(a, b, builder.fadd, builder.fsub)


def _halves(builder: Any, vector: Any) -> list[Any]:
    """Return the halves of a vector."""
    width = vector.type.count // 2
    places, nothing = ir.VectorType(ir.IntType(32), width), ir.Constant(vector.type, ir.Undefined)
    halves = [ir.Constant(places, list(range(k, k + width))) for k in (0, width)]
    return [builder.shuffle_vector(vector, nothing, half) for half in halves]


def _first(builder: Any, vector: Any) -> Any:
    return builder.extract_element(vector, ir.Constant(ir.IntType(32), 0))


def _reader(context: Any, builder: Any, kind: Any, value: Any) -> tuple[Any, Callable[[Any, Any], Any]]:
    """Return the length of an array, and what loads a vector of its entries as float64."""
    array = make_array(kind)(context, builder, value)
    entry = context.get_data_type(kind.dtype)

    def load(i: Any, wanted: Any) -> Any:
        at = builder.gep(array.data, [i], inbounds=True, source_etype=entry)
        found = builder.load(at, align=kind.dtype.bitwidth // 8, typ=ir.VectorType(entry, wanted.count))
        return found if kind.dtype == types.float64 else builder.fpext(found, wanted)

    return builder.extract_value(array.shape, 0), load


@intrinsic
def _sum_of(typingctx: Any, terms: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _added_up(builder, *_reader(context, builder, terms, args[0]))

    return types.float64(terms), build


@intrinsic
def _dot(typingctx: Any, a: Any, b: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        (count, first), (_, second) = (_reader(context, builder, k, x) for k, x in zip((a, b), args, strict=True))
        return _added_up(builder, count, lambda i, kind: builder.fmul(first(i, kind), second(i, kind)))

    return types.float64(a, b), build


@intrinsic
def _sum_exactly(typingctx: Any, terms: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        parts = _exactly_added_up(builder, *_reader(context, builder, terms, args[0]))
        return context.make_tuple(builder, signature.return_type, parts)

    return types.UniTuple(types.float64, 2)(terms), build


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


@overload(sum_exactly)
def _sum_exactly_compiled(terms: Any) -> Any:
    def implementation(terms: Any) -> Any:
        return _sum_exactly(terms)

    return implementation
