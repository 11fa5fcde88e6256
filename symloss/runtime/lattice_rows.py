"""Softmax over the last axis of the predictions of a recurrence: statistics of rows, and gradients."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .elementary import exp_minus, settle
from .jit import kernel, polymorphic
from .lattice import distinct
from .logarithm import log1p
from .loops import in_dtype_of, wide_vectors
from .reduce import add_terms
from .rows import ROOM, largest_of, room


@kernel
def _exponentials(row: Any, largest: float, out: Any) -> None:
    wide_vectors()
    distinct()
    for k in range(out.size):
        out[k] = exp_minus(row[k], largest)


@kernel
def statistics(row: Any) -> tuple[float, int, float]:
    """Return the largest entry, its place, and the sum of the exponentials of all others below it."""
    wide_vectors()
    largest, place = largest_of(row)
    terms = room(row)
    total, lost = 0.0, 0.0
    for start in range(0, row.size, ROOM):
        size = min(ROOM, row.size - start)
        _exponentials(row[start : start + size], largest, terms[:size])
        if start <= place < start + size:
            terms[place - start] = 0.0
        total, lost = add_terms(total, lost, terms[:size], row)
    others = settle(total, lost)
    if largest == -math.inf:  # no softmax
        others = math.nan
    return np.float64(largest), place, others


@polymorphic
def log_total(largest: float, others: float) -> float:
    """Return the log-sum-exp of a row."""
    return largest + log1p(others)


@kernel
def _add_share(row: Any, largest: float, factor: float, out: Any) -> None:
    wide_vectors()
    distinct()
    for k in range(out.size):
        out[k] += factor * exp_minus(row[k], largest)


@kernel
def add_share(row: Any, largest: float, place: int, others: float, at_place: float, elsewhere: float, out: Any) -> None:
    """Complete the gradient of a row that occurs in its log-softmax.

    ``elsewhere`` is the sum of the derivatives in all log-softmaxes but the largest, which ``out`` holds already;
    ``at_place`` is the derivative in the largest, which it does not: it is put together of what is small.
    """
    inverse = 1.0 / (1.0 + others)
    factor = -(at_place + elsewhere) * inverse
    before = np.float64(out[place])
    _add_share(row, in_dtype_of(row, largest), in_dtype_of(row, factor), out)
    out[place] = before + (at_place * others - elsewhere) * inverse
