"""Rows that belong to one front of a recurrence: their softmax, the weights of the places that read them, gradients.

Everything is computed in float64, in the gradient too, which is the small difference of a softmax and a posterior
where the two agree: it is rounded once, to the dtype of the row.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import types

from .bits import fused, polynomial, raised
from .coefficients import EXP_BRIEF
from .elementary import settle
from .greatest import greatest_of
from .inside import overload
from .jit import inlined, kernel
from .lattice import _ROUNDER, distinct, exponential, gap, halved
from .lifted_rows import exp_below
from .loops import in_dtype_of, wide_vectors
from .reduce import add_terms
from .rows import ROOM, room
from .vector_sums import sum_of

_LOG_2, _INVERSE_LOG_2 = math.log(2.0), 1.0 / math.log(2.0)
_FARTHEST = -700.0  # exponentials of less are as good as 0
_LEAST = 2.0**-900  # exponentials above it have all their digits, times anything that a softmax is divided by
STRANDS = 4  # sums that run side by side, as each waits for its last addition


@kernel
def grouped(entry: Any, size: int) -> tuple[Any, Any]:
    """Group places by which of ``size`` entries they read.

    Returns
    -------
    entries : ndarray
        The different entries, in order.
    entry_of : ndarray
        For each place where its entry is in ``entries``.
    """
    where, count = np.zeros(size, np.int64), 0
    entries, entry_of = np.empty(entry.size, np.int64), np.empty(entry.size, np.uint64)  # no test for negative ones
    for place in range(entry.size):
        where[entry[place]] = 1
    for k in range(size):
        if where[k] > 0:
            entries[count], where[k] = k, count
            count += 1
    for place in range(entry.size):
        entry_of[place] = where[entry[place]]
    return entries[:count], entry_of


@kernel
def exponentials_of(row: Any, largest: float, terms: Any) -> None:
    """Write ``exp(row - largest)``, in float64."""
    wide_vectors()
    distinct()
    for k in range(terms.size):
        terms[k] = exp_below(np.float64(row[k]), largest)


@inlined
def _brief_exp(x: float) -> float:
    """Return exp(x) for x <= 0, good to 2**-45, or something below 2**-1000."""
    x = _FARTHEST if x < _FARTHEST else x
    shifted = fused(x, _INVERSE_LOG_2, _ROUNDER)
    r = fused(shifted - _ROUNDER, -_LOG_2, x)
    scale = raised(shifted)
    return fused(scale, fused(r * r, polynomial(r, EXP_BRIEF), r), scale)


@kernel
def _brief_exponentials(row: Any, largest: float, terms: Any) -> None:
    """Write ``exp(row - largest)``."""
    wide_vectors()
    distinct()
    for k in range(terms.size):
        terms[k] = _brief_exp(np.float64(row[k]) - largest)


@kernel
def _briefly(row: Any, largest: float, place: int, terms: Any) -> float:
    wide_vectors()  # it becomes part of this function
    _brief_exponentials(row, largest, terms)
    terms[place] = 0.0
    others = sum_of(terms)
    terms[place] = 1.0
    return others


@kernel
def _copy(terms: Any, start: int, out: Any) -> None:
    for i in range(out.size):
        out[i] = terms[start + i]


@kernel
def _sum_of_others(terms: Any, place: int) -> float:
    """Return the sum of all terms but one."""
    part, total, lost = room(terms), 0.0, 0.0
    for start in range(0, terms.size, ROOM):
        size = min(ROOM, terms.size - start)
        _copy(terms, start, part[:size])
        if start <= place < start + size:
            part[place - start] = 0.0
        total, lost = add_terms(total, lost, part[:size], terms)
    return settle(total, lost)


@kernel
def _exactly(row: Any, largest: float, place: int, terms: Any) -> float:
    exponentials_of(row, largest, terms)
    return _sum_of_others(terms, place)


def softmax_terms(row: Any, largest: float, place: int, terms: Any) -> float:
    """Write ``exp(row - largest)`` to float64 terms, and return the sum of all but the one at a place.

    For a row of float32 they are good to 2**-45.
    """
    return (_briefly if row.dtype == np.float32 else _exactly)(row, largest, place, terms)


@overload(softmax_terms)
def _softmax_terms_compiled(row: Any, largest: Any, place: Any, terms: Any) -> Any:
    chosen = _briefly if row.dtype == types.float32 else _exactly

    def implementation(row: Any, largest: Any, place: Any, terms: Any) -> Any:
        return chosen(row, largest, place, terms)

    return implementation


@kernel
def keep_rounded(terms: Any, out: Any) -> None:
    """Write numbers in the dtype of ``out``."""
    wide_vectors()
    distinct()
    for k in range(out.size):
        out[k] = terms[k]


@kernel
def weigh_row(row: Any, entries: Any, terms: Any, m: Any, e: Any, exps: Any) -> tuple[int, float]:
    """Reduce a row, and write the softmax of some of its entries as numbers with exponents.

    Parameters
    ----------
    row : ndarray
        Entries of a prediction.
    entries : ndarray
        Which ones to write, to ``m`` and ``e``: mantissas of any size, with an exponent of 0 wherever that will do.
    terms : ndarray
        Room for as many numbers as the row has.
    exps : ndarray
        One row, which becomes ``exp(row - max(row))``, or none.

    Returns
    -------
    place : int
        Of the largest entry.
    others : float
        The sum of the exponentials of all other entries below it.
    """
    found, place = greatest_of(row)
    largest = np.float64(found)
    others = _exactly(row, largest, place, terms)
    if exps.shape[0] > 0:
        keep_rounded(terms, exps[0])
    if largest == -math.inf:  # no softmax
        others = math.nan
    inverse, least = 1.0 / (1.0 + others), math.inf
    for i in range(entries.size):
        term = terms[np.uint64(entries[i])]
        least = term if term < least else least
        m[i] = term * inverse
    if least >= _LEAST:
        e[:] = 0.0
    else:
        for i in range(entries.size):
            apart, lost = gap(np.float64(row[entries[i]]), largest)
            m[i], e[i] = exponential(apart, lost, inverse)
    return place, others


@kernel
def spread(weight_m: Any, weight_e: Any, entry_of: Any, m: Any, e: Any) -> None:
    """Write the weights of entries to the places that read them."""
    for place in range(m.size):
        m[place] = weight_m[entry_of[place]]
    for place in range(e.size):
        e[place] = weight_e[entry_of[place]]


@kernel
def sum_groups(terms: Any, entry_of: Any, strands: Any, out: Any) -> None:
    """Write the sums of the terms of the places that read each entry.

    Parameters
    ----------
    terms, entry_of : ndarray
        Of each place.
    strands : ndarray
        Room for `STRANDS` rows like ``out``.
    """
    strands[:] = 0.0
    quarter = entry_of.size // STRANDS
    first, second, third, fourth = strands
    for i in range(quarter):
        first[entry_of[i]] += terms[i]
        second[entry_of[quarter + i]] += terms[quarter + i]
        third[entry_of[2 * quarter + i]] += terms[2 * quarter + i]
        fourth[entry_of[3 * quarter + i]] += terms[3 * quarter + i]
    for place in range(STRANDS * quarter, entry_of.size):
        first[entry_of[place]] += terms[place]
    _fold(first, second, third, fourth, out)


@kernel
def _fold(a: Any, b: Any, c: Any, d: Any, out: Any) -> None:
    wide_vectors()
    distinct()
    for i in range(out.size):
        out[i] = (a[i] + b[i]) + (c[i] + d[i])


@kernel
def _scale(out: Any, factor: float) -> None:
    wide_vectors()
    for k in range(out.size):
        out[k] *= factor


@kernel
def _divided(sums: Any, entries: Any, place: int) -> tuple[float, float]:
    """Return the sum that belongs to a place, and the sum of all others."""
    a, b, c, d, at_place = 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(sums.size):
        at_place += sums[i] if entries[i] == place else 0.0
        a, b, c, d = b, c, d, a + (sums[i] if entries[i] != place else 0.0)
    return at_place, (a + b) + (c + d)


@kernel
def complete_row(
    sums: Any, entries: Any, weight_m: Any, weight_e: Any, place: int, others: float, factor: float, out: Any
) -> None:
    """Write the gradient of a row.

    ``out`` holds the exponentials of `weigh_row` and becomes ``factor`` times the derivatives ``sums`` in the
    log-softmax of ``entries``, less the softmax times their total; at the largest entry that is put together of what
    is small.
    """
    at_place, elsewhere = _divided(sums, entries, place)
    total, inverse = at_place + elsewhere, 1.0 / (1.0 + others)
    _scale(out, in_dtype_of(out, -(total * inverse * factor)))
    for i in range(entries.size):
        out[np.uint64(entries[i])] = factor * (sums[i] - total * weight_m[i] * halved(weight_e[i]))
    out[place] = factor * ((at_place * others - elsewhere) * inverse)
