"""Rows that belong to one front of a recurrence: their softmax, the weights of the places that read them, gradients.

Everything is computed in float64, in the gradient too, which is the small difference of a softmax and a posterior
where the two agree: it is rounded once, to the dtype of the row.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .elementary import exp_minus, settle
from .jit import kernel
from .lattice import distinct, exponential, gap, halved, settled
from .loops import in_dtype_of, wide_vectors
from .reduce import add_terms
from .rows import ROOM, largest_of, room

_LEAST = 2.0**-900  # exponentials above it have all their digits, times anything that a softmax is divided by


@kernel
def grouped(entry: Any) -> tuple[Any, Any]:
    """Group places by the entry that they read.

    Returns
    -------
    entries : ndarray
        The different entries.
    entry_of : ndarray
        For each place where its entry is in ``entries``.
    """
    places = np.argsort(entry, kind="mergesort")
    entries, entry_of = np.empty(entry.size, np.int64), np.empty(entry.size, np.uint64)  # no test for negative ones
    count = 0
    for i in range(entry.size):
        if i == 0 or entry[places[i]] != entry[places[i - 1]]:
            entries[count] = entry[places[i]]
            count += 1
        entry_of[places[i]] = count - 1
    return entries[:count], entry_of


@kernel
def exponentials_of(row: Any, largest: float, terms: Any) -> None:
    """Write ``exp(row - largest)``, in float64."""
    wide_vectors()
    distinct()
    for k in range(terms.size):
        terms[k] = exp_minus(np.float64(row[k]), largest)


@kernel
def _rounded(terms: Any, out: Any) -> None:
    wide_vectors()
    for k in range(out.size):
        out[k] = terms[k]


@kernel
def sum_of_others(terms: Any, place: int) -> float:
    """Return the sum of all terms but one."""
    part, total, lost = room(terms), 0.0, 0.0
    for start in range(0, terms.size, ROOM):
        size = min(ROOM, terms.size - start)
        part[:size] = terms[start : start + size]
        if start <= place < start + size:
            part[place - start] = 0.0
        total, lost = add_terms(total, lost, part[:size], terms)
    return settle(total, lost)


@kernel
def _settle(m: Any, e: Any, factor: float) -> None:
    wide_vectors()
    distinct()
    for i in range(m.size):
        m[i], e[i] = settled(m[i] * factor, 0.0)


@kernel
def weigh_row(row: Any, entries: Any, terms: Any, m: Any, e: Any, exps: Any) -> tuple[int, float]:
    """Reduce a row, and write the softmax of some of its entries as numbers with exponents.

    Parameters
    ----------
    row : ndarray
        Entries of a prediction.
    entries : ndarray
        Which ones to write, to ``m`` and ``e``.
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
    found, place = largest_of(row)
    largest = np.float64(found)
    exponentials_of(row, largest, terms)
    if exps.shape[0] > 0:
        _rounded(terms, exps[0])
    others = sum_of_others(terms, place) if largest > -math.inf else math.nan  # no softmax
    inverse, least = 1.0 / (1.0 + others), math.inf
    for i in range(entries.size):
        m[i] = terms[entries[i]]
        least = m[i] if m[i] < least else least
    if least >= _LEAST:
        _settle(m, e, inverse)
    else:
        for i in range(entries.size):
            apart, lost = gap(np.float64(row[entries[i]]), largest)
            m[i], e[i] = exponential(apart, lost, inverse)
    return place, others


@kernel
def spread(weight_m: Any, weight_e: Any, entry_of: Any, m: Any, e: Any) -> None:
    """Write the weights of entries to the places that read them."""
    for place in range(m.size):
        entry = entry_of[place]
        m[place], e[place] = weight_m[entry], weight_e[entry]


@kernel
def sum_groups(terms: Any, entry_of: Any, out: Any) -> None:
    """Write the sums of the terms of the places that read each entry."""
    out[:] = 0.0
    for place in range(entry_of.size):
        out[entry_of[place]] += terms[place]


@kernel
def sum_of_rest(terms: Any, entries: Any) -> float:
    """Return the sum of all terms but those of some entries; -1 if two of these are the same."""
    total = 0.0
    for k in range(terms.size):
        found = 0
        for entry in entries:
            found += k == entry
        if found > 1:
            return -1.0
        total += terms[k] if found == 0 else 0.0
    return total


@kernel
def _scale(out: Any, factor: float) -> None:
    wide_vectors()
    for k in range(out.size):
        out[k] *= factor


@kernel
def complete_row(
    sums: Any, entries: Any, weight_m: Any, weight_e: Any, place: int, others: float, factor: float, out: Any
) -> None:
    """Write the gradient of a row.

    ``out`` holds the exponentials of `weigh_row` and becomes ``factor`` times the derivatives ``sums`` in the
    log-softmax of ``entries``, less the softmax times their total; at the largest entry that is put together of what
    is small.
    """
    elsewhere, at_place = 0.0, 0.0
    for i in range(entries.size):
        if entries[i] == place:
            at_place = sums[i]
        else:
            elsewhere += sums[i]
    total, inverse = at_place + elsewhere, 1.0 / (1.0 + others)
    _scale(out, in_dtype_of(out, -(total * inverse * factor)))
    for i in range(entries.size):
        out[entries[i]] = factor * (sums[i] - total * weight_m[i] * halved(weight_e[i]))
    out[place] = factor * ((at_place * others - elsewhere) * inverse)
