"""Sums of many short rows that lie one after the other: eight rows at a time, each in the order of `vector_sums`.

One short row keeps no processor busy: every step of its sum waits for the one before.  What is added to what is the
same as in a row alone, and so are the bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .inside import overload
from .late import make_array
from .reduce import add_terms
from .vector_sums import _EXACT_WIDTHS, _WIDTHS, _Lanes, _reader, _two_sum_of, _whole

ir = cgutils.ir  # llvmlite's types, by way of Numba, which is what is required
SIDE_BY_SIDE = 8  # rows that are added up together
_Part = tuple[Any, Any]  # vectors of sums, and of what they lost in rounding


def sum_rows(terms: Any, rows: int, totals: Any, losts: Any, like: Any) -> None:
    """Add up each row of terms.

    Parameters
    ----------
    terms : ndarray
        Rows of equal length end to end, float64 or float32.
    rows : int
        How many there are, at least 1.
    totals, losts : ndarray of float64
        Where the sums go, and what they lost in rounding.  There is room for a multiple of eight rows.
    like : ndarray
        Its dtype says how accurate the sums have to be.
    """
    for i, row in enumerate(terms.reshape(rows, -1)):
        totals[i], losts[i] = add_terms(0.0, 0.0, row, like)


class _Simply:
    """How sums are made of floats that are wide enough for them."""

    widths: tuple[int, ...] = _WIDTHS

    def __init__(self, builder: Any) -> None:
        self._builder = builder

    def more(self, sums: _Part, terms: Any) -> _Part:
        """Return sums with a term more."""
        return self._builder.fadd(sums[0], terms), sums[1]

    def both(self, a: _Part, b: _Part) -> _Part:
        """Return the sums of two parts of the same rows."""
        return self._builder.fadd(a[0], b[0]), a[1]


class _Exactly(_Simply):
    """The same in two parts."""

    widths = _EXACT_WIDTHS

    def more(self, sums: _Part, terms: Any) -> _Part:
        """Return sums with a term more."""
        total, error = _two_sum_of(self._builder, sums[0], terms)
        return total, self._builder.fadd(sums[1], error)

    def both(self, a: _Part, b: _Part) -> _Part:
        """Return the sums of two parts of the same rows."""
        total, error = _two_sum_of(self._builder, a[0], b[0])
        return total, self._builder.fadd(self._builder.fadd(a[1], b[1]), error)


def _added_up(builder: Any, firsts: Sequence[Any], length: Any, load: Callable[[Any, Any], Any], how: _Simply) -> _Part:
    """Return the sums of the rows that begin at these places."""
    done, zeros = (
        ir.Constant(length.type, 0),
        ir.Constant(ir.VectorType(ir.DoubleType(), SIDE_BY_SIDE), [0.0] * SIDE_BY_SIDE),
    )
    sums = (zeros, zeros)
    for width in how.widths:
        kind = ir.VectorType(ir.DoubleType(), width)
        lanes = [(_Lanes(builder, width), _Lanes(builder, width)) for _ in firsts]
        if width == 1:  # of every row, in one vector
            lanes = [(_Lanes(builder, SIDE_BY_SIDE), _Lanes(builder, SIDE_BY_SIDE))]
        whole = _whole(builder, done, length, width)
        with cgutils.for_range_slice(builder, done, whole, ir.Constant(length.type, width)) as (i, _):
            terms = [load(builder.add(first, i), kind) for first in firsts]
            if width == 1:
                terms = [_joined(builder, terms)]
            for (total, lost), term in zip(lanes, terms, strict=True):
                for room, value in zip((total, lost), how.more((total.get(), lost.get()), term), strict=True):
                    room.set(value)
        parts = [(total.get(), lost.get()) for total, lost in lanes]
        more, error = _folded(builder, parts, width, how)
        total, rounded = how.both((sums[0], zeros), (more, zeros))
        sums, done = (total, builder.fadd(sums[1], builder.fadd(error, rounded))), whole
    return sums


def _folded(builder: Any, parts: list[_Part], lanes: int, how: _Simply) -> _Part:
    """Return the sums of rows of which every vector has so many parts each, as one vector: halves of rows are added."""
    while lanes > 1:
        pairs = list(zip(parts[::2], parts[1::2], strict=True)) if len(parts) > 1 else [(parts[0], None)]
        parts = [how.both(*_halves_of(builder, a, b, lanes)) for a, b in pairs]
        lanes //= 2
    return _joined(builder, [part[0] for part in parts]), _joined(builder, [part[1] for part in parts])


def _halves_of(builder: Any, a: _Part, b: _Part | None, lanes: int) -> list[_Part]:
    """Return the first halves of the rows of one or two vectors, one after the other, and the second halves."""
    rows = a[0].type.count // lanes * (1 if b is None else 2)
    halves = []
    for begin in (0, lanes // 2):
        places = [row * lanes + begin + k for row in range(rows) for k in range(lanes // 2)]
        halves.append(tuple(_chosen(builder, x, x if b is None else b[n], places) for n, x in enumerate(a)))
    return halves


def _joined(builder: Any, vectors: list[Any]) -> Any:
    """Return vectors as one."""
    while len(vectors) > 1:
        both = range(2 * vectors[0].type.count)
        pairs = zip(vectors[::2], vectors[1::2], strict=True)
        vectors = [_chosen(builder, a, b, both) for a, b in pairs]
    return vectors[0]


def _chosen(builder: Any, a: Any, b: Any, places: Sequence[int]) -> Any:
    """Return entries of two vectors, one after the other."""
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(ir.IntType(32), len(places)), list(places)))


def _store(context: Any, builder: Any, kind: Any, array: Any, place: Any, vector: Any) -> None:
    at = builder.gep(
        make_array(kind)(context, builder, array).data, [place], inbounds=True, source_etype=ir.DoubleType()
    )
    builder.store(vector, builder.bitcast(at, vector.type.as_pointer()), align=8)


def _intrinsic(how: type[_Simply]) -> Any:
    @intrinsic
    def add_up(typingctx: Any, terms: Any, rows: Any, totals: Any, losts: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            count, load = _reader(context, builder, terms, args[0])
            length, last = builder.sdiv(count, args[1]), builder.sub(args[1], ir.Constant(count.type, 1))
            none, step = (ir.Constant(count.type, n) for n in (0, SIDE_BY_SIDE))
            with cgutils.for_range_slice(builder, none, args[1], step) as (i, _):
                firsts = []
                for n in range(SIDE_BY_SIDE):
                    row = builder.add(i, ir.Constant(count.type, n))
                    row = builder.select(builder.icmp_signed("<", row, last), row, last)  # the last one repeatedly
                    firsts.append(builder.mul(row, length))
                total, lost = _added_up(builder, firsts, length, load, how(builder))
                _store(context, builder, totals, args[2], i, total)
                _store(context, builder, losts, args[3], i, lost)
            return context.get_dummy_value()

        return types.none(terms, types.intp, totals, losts), build

    return add_up


_add_up_simply, _add_up_exactly = _intrinsic(_Simply), _intrinsic(_Exactly)


@overload(sum_rows)
def _sum_rows_compiled(terms: Any, rows: Any, totals: Any, losts: Any, like: Any) -> Any:
    def simply(terms: Any, rows: Any, totals: Any, losts: Any, like: Any) -> None:
        _add_up_simply(terms, rows, totals, losts)

    def exactly(terms: Any, rows: Any, totals: Any, losts: Any, like: Any) -> None:
        _add_up_exactly(terms, rows, totals, losts)

    return simply if like.dtype == types.float32 else exactly
