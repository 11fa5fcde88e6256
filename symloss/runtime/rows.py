"""Sums and maxima over the entries of a row, in vectors: terms go to a piece of the stack and are folded there."""

from __future__ import annotations

from typing import Any

import numpy as np

from .jit import inlined, kernel
from .loops import wide_vectors
from .maxima import LANES, greatest, place_of
from .stack import on_stack

ROOM = 256  # terms that are folded together


room = on_stack(ROOM)


@kernel
def largest_of(terms: Any) -> tuple[float, int]:
    """Return the largest term, or a NaN, and the place of the first such; -inf and -1 of nothing."""
    wide_vectors()
    if terms.size >= LANES:
        largest = greatest(terms)
        return largest, place_of(terms, largest) if largest == largest else _first(terms, largest)
    largest = terms.dtype.type(-np.inf)
    for j in range(terms.size):
        largest = terms[j] if terms[j] > largest or terms[j] != terms[j] else largest
    return largest, _first(terms, largest)


@inlined
def _first(terms: Any, wanted: float) -> int:
    """Return the place of the first such term, NaN equal to NaN, or -1."""
    for j in range(terms.size):
        if terms[j] == wanted or (terms[j] != terms[j] and wanted != wanted):
            return j
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
