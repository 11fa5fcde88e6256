"""Sums and maxima over the entries of a row, in vectors: terms go to a piece of the stack and are folded there."""

from __future__ import annotations

from typing import Any

import numpy as np

from .jit import inlined, kernel
from .loops import wide_vectors
from .stack import on_stack

ROOM = 256  # terms that are folded together
_LANES = 64


room = on_stack(ROOM)


@inlined
def _raise(lanes: Any, terms: Any) -> None:
    """Replace every entry by the term in its place where that is larger, or NaN."""
    for j in range(lanes.size):
        lanes[j] = terms[j] if (terms[j] > lanes[j]) | (terms[j] != terms[j]) else lanes[j]


@kernel
def largest_of(terms: Any) -> tuple[float, int]:
    """Return the largest term, or a NaN, and the place of the first such; -inf and -1 of nothing."""
    wide_vectors()
    count, largest = terms.size, terms.dtype.type(-np.inf)
    if count < _LANES:
        for j in range(count):
            largest = terms[j] if terms[j] > largest or terms[j] != terms[j] else largest
        return largest, _first(terms, largest)
    lanes = room(terms)
    for j in range(_LANES):
        lanes[j] = terms[j]
    for start in range(_LANES, count - _LANES, _LANES):
        _raise(lanes[:_LANES], terms[start : start + _LANES])
    _raise(lanes[:_LANES], terms[count - _LANES :])
    left = _LANES // 2
    while left > 0:
        _raise(lanes[:left], lanes[left : 2 * left])
        left //= 2
    return lanes[0], _first(terms, lanes[0])


@kernel
def _first(terms: Any, wanted: float) -> int:
    """Return the place of the first such term, NaN equal to NaN, or -1."""
    wide_vectors()
    for start in range(0, terms.size, _LANES):
        part = terms[start : start + _LANES]
        found = False
        for j in range(part.size):
            found |= (part[j] == wanted) | ((part[j] != part[j]) & (wanted != wanted))
        if found:
            for j in range(part.size):
                if part[j] == wanted or (part[j] != part[j] and wanted != wanted):
                    return start + j
    return -1


@kernel
def raised_over(largest: float, place: int, terms: Any, start: int) -> tuple[float, int]:
    """Return the largest of what was found and the terms of a piece that starts there, or a NaN, and the first place.

    The place of nothing is -1.
    """
    candidate, at = largest_of(terms)
    if place < 0 or candidate > largest or (candidate != candidate and largest == largest):
        return candidate, start + at
    return largest, place
