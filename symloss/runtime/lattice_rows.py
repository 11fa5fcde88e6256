"""Softmax over the last axis of the predictions of a recurrence: statistics of rows, and gradients, in float64."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import types

from .elementary import settle
from .front_rows import exponentials_of
from .inside import overload
from .jit import kernel, polymorphic
from .lattice import distinct
from .lifted_rows import exp_below
from .logarithm import log1p
from .loops import wide_vectors
from .reduce import add_terms
from .rows import ROOM, largest_of, room


@kernel
def statistics(row: Any) -> tuple[float, int, float]:
    """Return the largest entry, its place, and the sum of the exponentials of all others below it."""
    found, place = largest_of(row)
    largest = np.float64(found)
    terms = room(0.0)
    total, lost = 0.0, 0.0
    for start in range(0, row.size, ROOM):
        size = min(ROOM, row.size - start)
        exponentials_of(row[start : start + size], largest, terms[:size])
        if start <= place < start + size:
            terms[place - start] = 0.0
        total, lost = add_terms(total, lost, terms[:size], terms)
    others = settle(total, lost)
    if largest == -math.inf:  # no softmax
        others = math.nan
    return largest, place, others


@kernel
def clear(out: Any) -> None:
    """Write zeros."""
    entries = out.reshape(-1)
    for i in range(entries.size):
        entries[i] = 0.0


def widened(out: Any) -> Any:
    """Return zeros in float64 to add a gradient to: ``out`` itself, or an array of its shape."""
    if out.dtype != np.float64:
        return np.zeros(out.shape)
    out[...] = 0.0
    return out


@overload(widened)
def _widened_compiled(out: Any) -> Any:
    def itself(out: Any) -> Any:
        clear(out)
        return out

    def another(out: Any) -> Any:
        return np.zeros(out.shape)

    return itself if out.dtype == types.float64 else another


def rounded(wide: Any, out: Any) -> None:
    """Write what `widened` returned to ``out``."""
    if wide is not out:
        out[...] = wide


@overload(rounded)
def _rounded_compiled(wide: Any, out: Any) -> Any:
    def nothing(wide: Any, out: Any) -> None:
        pass

    def copied(wide: Any, out: Any) -> None:
        source, into = wide.reshape(-1), out.reshape(-1)
        for i in range(into.size):
            into[i] = source[i]

    return nothing if out.dtype == types.float64 else copied


@polymorphic
def log_total(largest: float, others: float) -> float:
    """Return the log-sum-exp of a row."""
    return largest + log1p(others)


@kernel
def _add_share(row: Any, largest: float, factor: float, out: Any) -> None:
    wide_vectors()
    distinct()
    for k in range(out.size):
        out[k] += factor * exp_below(np.float64(row[k]), largest)


@kernel
def add_share(row: Any, largest: float, place: int, others: float, at_place: float, elsewhere: float, out: Any) -> None:
    """Complete the gradient of a row that occurs in its log-softmax.

    ``elsewhere`` is the sum of the derivatives in all log-softmaxes but the largest, which ``out`` holds already;
    ``at_place`` is the derivative in the largest, which it does not: it is put together of what is small.
    """
    inverse = 1.0 / (1.0 + others)
    factor = -(at_place + elsewhere) * inverse
    before = out[place]
    _add_share(row, largest, factor, out)
    out[place] = before + (at_place * others - elsewhere) * inverse
