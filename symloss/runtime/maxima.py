"""The largest entry of a row and its place, in vectors: LLVM makes none of a loop that stops, or that knows NaN."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .inside import overload
from .late import make_array

ir = cgutils.ir  # llvmlite's types, by way of Numba, which is what is required
LANES = 16  # of a vector, and as many entries as there are at least
_SIDE_BY_SIDE = 4  # vectors: one maximum waits for the one before


def greatest(terms: Any) -> Any:
    """Return the largest of at least 16 floats, or NaN if one of them is."""
    return np.max(terms)


def place_of(terms: Any, wanted: float) -> int:
    """Return where the first of at least 16 floats is that equals one of them."""
    return int(np.argmax(terms == wanted))


class _Vectors:
    """An array, vector by vector.

    Attributes
    ----------
    count : llvmlite value
        How many entries it has.
    kind : llvmlite type
        Of a vector.
    """

    def __init__(self, context: Any, builder: Any, kind: Any, array: Any) -> None:
        source = make_array(kind)(context, builder, array)
        self._builder, self._data = builder, source.data
        self._entry, self._align = context.get_data_type(kind.dtype), kind.dtype.bitwidth // 8
        self.count, self.kind = builder.extract_value(source.shape, 0), ir.VectorType(self._entry, LANES)

    def at(self, place: Any) -> Any:
        """Return the vector that begins there."""
        at = self._builder.gep(self._data, [place], inbounds=True, source_etype=self._entry)
        return self._builder.load(at, align=self._align, typ=self.kind)

    def number(self, n: int) -> Any:
        """Return an index."""
        return ir.Constant(self.count.type, n)

    def each(self, do: Callable[[Any, int], None]) -> None:
        """Let a function see every vector, four in turn; the last one overlaps the one before."""
        builder, step = self._builder, LANES * _SIDE_BY_SIDE
        whole = builder.and_(self.count, self.number(-step))
        with cgutils.for_range_slice(builder, self.number(0), whole, self.number(step)) as (i, _):
            for n in range(_SIDE_BY_SIDE):
                do(builder.add(i, self.number(n * LANES)), n)
        rest = builder.and_(self.count, self.number(-LANES))
        with cgutils.for_range_slice(builder, whole, rest, self.number(LANES)) as (i, _):
            do(i, 0)
        do(builder.sub(self.count, self.number(LANES)), 1)


def _bits(builder: Any, mask: Any) -> Any:
    return builder.bitcast(mask, ir.IntType(LANES))


def _larger(builder: Any, a: Any, b: Any) -> Any:
    """Return the larger of two, or the second: one instruction of most processors."""
    return builder.select(builder.fcmp_ordered(">", a, b), a, b)


@intrinsic
def _greatest(typingctx: Any, terms: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vectors = _Vectors(context, builder, terms, args[0])
        first = vectors.at(vectors.number(0))
        largest = [cgutils.alloca_once_value(builder, first) for _ in range(_SIDE_BY_SIDE)]
        none = ir.Constant(ir.VectorType(ir.IntType(1), LANES), [0] * LANES)
        odd = cgutils.alloca_once_value(builder, none)  # where there was a NaN

        def raise_by(place: Any, n: int) -> None:
            found = vectors.at(place)
            builder.store(_larger(builder, builder.load(largest[n]), found), largest[n])
            builder.store(builder.or_(builder.load(odd), builder.fcmp_unordered("uno", found, found)), odd)

        vectors.each(raise_by)
        whole = builder.load(largest[0])
        for other in largest[1:]:
            whole = _larger(builder, whole, builder.load(other))
        half = LANES // 2
        while half:
            places = ir.VectorType(ir.IntType(32), half)
            parts = (ir.Constant(places, list(range(k, k + half))) for k in (0, half))
            whole = _larger(builder, *(builder.shuffle_vector(whole, whole, part) for part in parts))
            half //= 2
        result = builder.extract_element(whole, ir.Constant(ir.IntType(32), 0))
        is_odd = builder.icmp_unsigned("!=", _bits(builder, builder.load(odd)), ir.Constant(ir.IntType(LANES), 0))
        return builder.select(is_odd, ir.Constant(result.type, math.nan), result)

    return terms.dtype(terms), build


@intrinsic
def _place_of(typingctx: Any, terms: Any, wanted: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vectors = _Vectors(context, builder, terms, args[0])
        one = builder.insert_element(ir.Constant(vectors.kind, ir.Undefined), args[1], ir.Constant(ir.IntType(32), 0))
        every = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        wanted_vector = builder.shuffle_vector(one, one, every)
        last = builder.sub(vectors.count, vectors.number(LANES))
        place = cgutils.alloca_once_value(builder, vectors.number(0))
        bits, none = cgutils.alloca_once(builder, ir.IntType(LANES)), ir.Constant(ir.IntType(LANES), 0)
        search, further, found = (builder.append_basic_block(name) for name in ("search", "further", "found"))
        builder.branch(search)
        with builder.goto_block(search):
            equal = builder.fcmp_ordered("==", vectors.at(builder.load(place)), wanted_vector)
            builder.store(_bits(builder, equal), bits)
            nowhere = builder.icmp_unsigned("==", builder.load(bits), none)
            builder.cbranch(builder.and_(nowhere, builder.icmp_signed("<", builder.load(place), last)), further, found)
        with builder.goto_block(further):
            next_place = builder.add(builder.load(place), vectors.number(LANES))
            past = builder.icmp_signed(">", next_place, last)
            builder.store(builder.select(past, last, next_place), place)  # the last one overlaps the one before
            builder.branch(search)
        builder.position_at_end(found)
        within = builder.cttz(builder.load(bits), ir.Constant(ir.IntType(1), 1))
        return builder.add(builder.load(place), builder.zext(within, vectors.count.type))

    return types.intp(terms, terms.dtype), build


@overload(greatest)
def _greatest_compiled(terms: Any) -> Any:
    def in_vectors(terms: Any) -> Any:
        return _greatest(terms)

    def one_by_one(terms: Any) -> Any:
        largest = terms[0]
        for j in range(terms.size):
            largest = terms[j] if terms[j] > largest or terms[j] != terms[j] else largest
        return largest

    return in_vectors if terms.layout == "C" else one_by_one


@overload(place_of)
def _place_compiled(terms: Any, wanted: Any) -> Any:
    def in_vectors(terms: Any, wanted: Any) -> Any:
        return _place_of(terms, wanted)

    def one_by_one(terms: Any, wanted: Any) -> Any:
        place = 0
        while terms[place] != wanted:
            place += 1
        return place

    return in_vectors if terms.layout == "C" else one_by_one
