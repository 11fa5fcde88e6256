"""Sums of losses: the same bits for every number of threads, on every run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import types

from .double_word import two_sum
from .elementary import settle
from .inside import overload
from .jit import kernel
from .loops import CHUNK
from .vector_sums import sum_exactly, sum_of


def add_terms(total: float, lost: float, terms: Any, like: Any) -> tuple[float, float]:
    """Return a sum in two parts with more terms.

    Parameters
    ----------
    total, lost : float
        The sum so far, and what it lost in rounding.
    terms : ndarray
        What to add.
    like : ndarray
        Its dtype says how accurate the sum has to be.
    """
    if like.dtype == np.float32:
        return total + sum_of(terms), lost
    return _add_exactly(total, lost, terms)


@kernel
def _add_exactly(total: float, lost: float, terms: Any) -> tuple[float, float]:
    more, error = sum_exactly(terms)
    total, rounded = two_sum(total, more)
    return total, lost + (rounded + error)


@overload(add_terms)
def _add_terms_compiled(total: Any, lost: Any, terms: Any, like: Any) -> Any:
    def simply(total: Any, lost: Any, terms: Any, like: Any) -> Any:
        return total + sum_of(terms), lost

    def exactly(total: Any, lost: Any, terms: Any, like: Any) -> Any:
        return _add_exactly(total, lost, terms)

    return simply if like.dtype == types.float32 else exactly


@kernel
def total_weight(weight: Any) -> tuple[bool, float]:
    """Return True and the sum of the weights of a block of samples."""
    total, lost, terms = 0.0, 0.0, np.empty(CHUNK)
    for start in range(0, weight.size, CHUNK):
        part = weight[start : start + CHUNK]
        terms[: part.size] = part
        total, lost = _add_exactly(total, lost, terms[: part.size])
    return True, settle(total, lost)


def combine(sums: Sequence[float]) -> float:
    """Return the sum of the sums of the blocks, rounded once."""
    if len(sums) == 1:
        return sums[0]
    try:
        return math.fsum(sums)
    except (OverflowError, ValueError):  # an intermediate overflow, or inf - inf: what plain addition gives
        return sum(sums, 0.0)
