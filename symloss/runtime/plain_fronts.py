"""Fronts of a recurrence in plain floats with one scale each: fast, and sure to notice where that is not enough.

A scale for a whole front loses what lies too far below its largest number.  A state is lost visibly here: it falls
below `TINY` before it could vanish.  A path that is lost on one way only is known on the other, and its share of the
total is at most ``TINY * 2**FAR`` (times the number of states).  A path that is lost on a front on the way there, and
on this or a later front on the way back, has at most ``TINY**2`` times the product of the largest numbers of the two
fronts, since the weights with which a state is left are together at most 1; against the total that is at most
``TINY**2 * 2**BOTH``.

On many fronts one scale will do where paths are nearly sure, and hardly where they are not.  There every place has a
gauge as well (`gauges`), and no path may be lost on the way there: what is lost on the way back is at most
``TINY * 2**FAR`` of the total, as before.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .bits import raised
from .front_rows import _scale, softmax_terms
from .greatest import greatest_of
from .jit import inlined, kernel
from .lattice import _ROUNDER, distinct
from .loops import in_dtype_of, wide_vectors
from .pointers import extent
from .pools import floats, natural_rows, naturals, wholes, zeroed
from .stretches import row_at
from .vector_sums import dot, sum_of

TINY = 2.0**-900  # numbers of a front below it count as lost; 2**-100 times it has all its digits
FAR = 700  # a share of the total is at most 2**FAR times what the two numbers are that it is a product of
BOTH = 1500
LITTLE = 800  # a path that is lost has no more than what is lost there: `TINY` times 2**LITTLE of the total
FAINT = 2.0**-100  # weights below it are too small for plain floats
_NEAR = 1e-9  # how far the shares of a front may be from 1 together
_CACHED = 1 << 18  # points of a lattice, at four numbers each, that caches hold
_EXPONENTIALS = 1 << 16  # numbers more that they hold beside such a lattice


@kernel
def sparingly(checkpoint: bool, fronts: int, places: int, entries: int) -> bool:
    """Return whether to compute fronts twice rather than keep them: if asked to, or as memory takes longer."""
    return checkpoint or (fronts * places > _CACHED and entries <= places)


@kernel
def worth_keeping(fronts: int, places: int, entries: int) -> bool:
    """Return whether to keep the exponentials of the rows of so many fronts: where rows and all of them are short."""
    return entries <= places and fronts * entries <= _EXPONENTIALS


@kernel
def readers(pool: Any, entry: Any, size: int) -> tuple[Any, Any, Any, Any, Any]:
    """Say which places read which of ``size`` entries; arrays come from a pool.

    Returns
    -------
    entries : ndarray of uint64, which no index has to test for being negative
        The different entries, the one that most places read first.
    reader : ndarray of uint64
        For each of them a place that reads it.
    others : ndarray of uint64
        The places that do not read the first entry, where in ``entries`` their own is, and their own.
    most : ndarray
        1 for places that read the first entry, 0 for others.
    where : ndarray
        For every entry where in ``entries`` it is, or -1.
    """
    where, own, times = wholes(pool, size), wholes(pool, entry.size), zeroed(wholes(pool, entry.size))
    where[:] = -1
    count = 0
    for place in range(entry.size):
        at = where[entry[place]]
        if at < 0:
            at, where[entry[place]], own[count] = count, count, entry[place]
            count += 1
        times[at] += 1
    most = 0
    for at in range(1, count):
        most = at if times[at] > times[most] else most
    where[own[0]], where[own[most]] = most, 0
    entries, reader = naturals(pool, count), naturals(pool, count)
    others = natural_rows(pool, 3, entry.size - times[most])
    marks, found = zeroed(floats(pool, entry.size)), 0
    for place in range(entry.size):
        at = where[entry[place]]
        entries[at], reader[at] = entry[place], place
        if at == 0:
            marks[place] = 1.0
        else:
            others[0, found], others[1, found], others[2, found] = place, at, entry[place]
            found += 1
    return entries, reader, others, marks, where


@inlined
def power(k: float) -> float:
    """Return 2**k for a whole k."""
    return raised(np.float64(k) + _ROUNDER)


@inlined
def exponent_of(top: int) -> int:
    """Return k with 2**k <= x < 2**(k + 1), for x > 0 as `greatest.as_whole` gives it."""
    return (top >> 52) - 1023


@kernel
def _fill(out: Any, x: float) -> None:
    for i in range(out.size):
        out[i] = x


@kernel
def weigh_places(
    size: int, places: int, apart: int, row: Any, first: int, others: Any, own: Any, terms: Any, node: Any
) -> tuple[int, float, float]:
    """Reduce a row, and write its softmax to the places that read it.

    Parameters
    ----------
    size, places, apart : int
        Entries of a row, places of a front, and those of them that do not read the first of the `readers`.
    row : pointer
        Entries of a prediction.
    first : int
        The entry that most places read.
    others, own : pointer
        The other places, and their entries.
    terms : pointer
        Becomes ``exp(row - max(row))``, in float64.
    node : pointer
        For each place the softmax of its entry.

    Returns
    -------
    place : int
        Of the largest entry.
    others : float
        The sum of the exponentials of all other entries below it.
    inverse : float
        What the softmax multiplies them by; 0 where it does not exist.
    """
    wide_vectors()
    row, terms, node = extent(row, size), extent(terms, size), extent(node, places)
    found, place = greatest_of(row)
    largest = np.float64(found)
    rest = softmax_terms(row, largest, place, terms)
    inverse = 1.0 / (1.0 + rest)
    _fill(node, terms[first] * inverse)
    _place(terms, inverse, extent(others, apart), extent(own, apart), node)
    return place, rest, inverse if abs(largest) < math.inf else 0.0


@kernel
def _place(terms: Any, inverse: float, places: Any, entries: Any, out: Any) -> None:
    for i in range(places.size):
        out[places[i]] = terms[entries[i]] * inverse


@inlined
def _add(terms: Any, places: Any, groups: Any, out: Any) -> None:
    for i in range(places.size):
        out[groups[i]] += terms[places[i]]


@inlined
def _sum_readers(terms: Any, most: Any, first: int, places: Any, groups: Any, out: Any) -> None:
    """Write the sums of the terms of places that read the same, of most of them to the first."""
    _fill(out, 0.0)
    _add(terms, places, groups, out)
    out[first] += dot(terms, most)


@inlined
def _divided(sums: Any, at: int) -> tuple[float, float]:
    """Return one of the sums, if there is such, which becomes 0, and the total of all others."""
    at_place = 0.0
    if at >= 0:
        at_place, sums[at] = sums[at], 0.0
    return at_place, sum_of(sums)


@inlined
def _complete_largest(out: Any, place: int, at_place: float, elsewhere: float, rest: float, factor: float) -> bool:
    """Write the gradient at the largest entry, put together of what is small; return whether the shares are 1 together.

    A function because of what `extent` says of writing.
    """
    out[place] = factor * ((at_place * rest - elsewhere) * (1.0 / (1.0 + rest)))
    return abs(at_place + elsewhere - 1.0) <= _NEAR


@kernel
def complete_places(
    shares: Any,
    entries: Any,
    reader: Any,
    others: Any,
    most: Any,
    where: Any,
    node: Any,
    sums: Any,
    place: int,
    rest: float,
    factor: float,
    out: Any,
) -> bool:
    """Write the gradient of a row of many entries, as `front_rows.complete_row` does.

    Parameters
    ----------
    shares : ndarray
        How much of the total passes each place.
    entries, reader, others, most, where : ndarray
        From `readers`.
    node : ndarray
        For each place the softmax of its entry.
    sums : ndarray
        Room for as many numbers as there are different entries.
    place, rest : int, float
        From `weigh_places`.
    factor : float
        What the gradient is multiplied by.
    out : ndarray
        The exponentials of the row; becomes the gradient.

    Returns
    -------
    bool
        Whether the shares are 1 together.
    """
    wide_vectors()
    _sum_readers(shares, most, 0, row_at(others, 0), row_at(others, 1), sums)
    at_place, elsewhere = _divided(sums, where[place])
    total, inverse = at_place + elsewhere, 1.0 / (1.0 + rest)
    _scale(out, in_dtype_of(out, -(total * inverse * factor)))
    for i in range(entries.size):
        out[entries[i]] = factor * (sums[i] - total * node[reader[i]])
    return _complete_largest(out, place, at_place, elsewhere, rest, factor)


@kernel
def _less_share(sums: Any, terms: Any, share: float, factor: float, out: Any) -> None:
    wide_vectors()
    distinct()
    for k in range(out.size):
        out[k] = factor * (sums[k] - share * terms[k])


@kernel
def complete_entries(
    size: int,
    places: int,
    apart: int,
    shares: Any,
    first: int,
    others: Any,
    own: Any,
    most: Any,
    terms: Any,
    sums: Any,
    place: int,
    rest: float,
    factor: float,
    out: Any,
) -> bool:
    """Do what `complete_places` does for a row of few entries, of which all exponentials are kept.

    Parameters
    ----------
    size, places, apart, first, others, own
        As `weigh_places` takes them.
    shares, most : pointer
        As `complete_places` takes them.
    terms : pointer
        From `weigh_places`.
    sums : pointer
        Room for as many numbers as the row has.
    place, rest, factor
        As `complete_places` takes them.
    out : pointer
        Becomes the gradient.

    Returns
    -------
    bool
        Whether the shares are 1 together.
    """
    wide_vectors()
    sums, terms, out = extent(sums, size), extent(terms, size), extent(out, size)
    _sum_readers(extent(shares, places), extent(most, places), first, extent(others, apart), extent(own, apart), sums)
    at_place, elsewhere = _divided(sums, place)
    total, inverse = at_place + elsewhere, 1.0 / (1.0 + rest)
    _less_share(sums, terms, total * inverse, factor, out)
    return _complete_largest(out, place, at_place, elsewhere, rest, factor)
