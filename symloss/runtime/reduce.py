"""Sums in an order that is written down: the same bits for every number of threads, on every run.

The four quarters of a block are added elementwise, then the four quarters of the result, and so on: pairwise
summation, which LLVM vectorises without reordering anything.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import types

from .elementary import settle
from .inside import overload
from .jit import inlined, kernel
from .loops import CHUNK, wide_vectors
from .stack import on_stack


@inlined
def _fold(a: Any, b: Any, c: Any, d: Any) -> None:
    """Add the four vectors into ``a``."""
    for i in range(a.size):
        a[i] = (a[i] + b[i]) + (c[i] + d[i])


@kernel
def pairwise_sum(terms: Any) -> float:
    """Return the sum of a float64 vector, which is overwritten; accurate far beyond float32."""
    wide_vectors()
    count, rest = terms.size, 0.0
    while count >= 4:
        q = count // 4
        for i in range(4 * q, count):
            rest += terms[i]
        _fold(terms[:q], terms[q : 2 * q], terms[2 * q : 3 * q], terms[3 * q : 4 * q])
        count = q
    for i in range(count):
        rest += terms[i]
    return rest


_sums = on_stack(CHUNK // 4)


@inlined
def _widened(a: Any, b: Any, c: Any, d: Any, sums: Any) -> None:
    """Add the four float32 vectors in float64."""
    for i in range(sums.size):
        sums[i] = (np.float64(a[i]) + np.float64(b[i])) + (np.float64(c[i]) + np.float64(d[i]))


@kernel
def sum_of_singles(terms: Any) -> float:
    """Return the sum of a float32 vector of at most `CHUNK` terms, in float64."""
    wide_vectors()
    q, rest = terms.size // 4, 0.0
    for i in range(4 * q, terms.size):
        rest += terms[i]
    sums = _sums(1.0)[:q]
    _widened(terms[:q], terms[q : 2 * q], terms[2 * q : 3 * q], terms[3 * q : 4 * q], sums)
    return rest + pairwise_sum(sums)


@inlined
def _two_sum(a: float, b: float) -> tuple[float, float]:
    """Return the rounded sum and what the rounding took away (Knuth)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


@inlined
def _fold_with_errors(a: Any, b: Any, c: Any, d: Any) -> None:
    """Add the four vectors into ``a``; ``b`` becomes what the additions rounded off."""
    for i in range(a.size):
        left, left_error = _two_sum(a[i], b[i])
        right, right_error = _two_sum(c[i], d[i])
        total, error = _two_sum(left, right)
        a[i] = total
        b[i] = (left_error + right_error) + error


@kernel
def compensated_sum(terms: Any) -> tuple[float, float]:
    """Return the sum of a float64 vector, which is overwritten, and what it lost; exact but for ``eps**2`` of terms."""
    wide_vectors()
    count, rest, error = terms.size, 0.0, 0.0
    while count > 0:
        q = count // 4
        for i in range(4 * q, count):
            rest, lost = _two_sum(rest, terms[i])
            error += lost
        if q > 0:
            _fold_with_errors(terms[:q], terms[q : 2 * q], terms[2 * q : 3 * q], terms[3 * q : 4 * q])
            error += pairwise_sum(terms[q : 2 * q])
        count = q
    return rest, error


def add_terms(total: float, lost: float, terms: Any, like: Any) -> tuple[float, float]:
    """Return a sum in two parts with more terms, which are overwritten.

    Parameters
    ----------
    total, lost : float
        The sum so far, and what it lost in rounding.
    terms : ndarray
        What to add.
    like : ndarray
        Its dtype says how accurate the sum has to be.
    """
    if terms.dtype == np.float32:
        return total + sum_of_singles(terms), lost
    if like.dtype == np.float32:
        return total + pairwise_sum(terms), lost
    return _add_exactly(total, lost, terms)


@kernel
def _add_exactly(total: float, lost: float, terms: Any) -> tuple[float, float]:
    more, error = compensated_sum(terms)
    total, rounded = _two_sum(total, more)
    return total, lost + (rounded + error)


@overload(add_terms)
def _add_terms_compiled(total: Any, lost: Any, terms: Any, like: Any) -> Any:
    def simply(total: Any, lost: Any, terms: Any, like: Any) -> Any:
        return total + pairwise_sum(terms), lost

    def widened(total: Any, lost: Any, terms: Any, like: Any) -> Any:
        return total + sum_of_singles(terms), lost

    def exactly(total: Any, lost: Any, terms: Any, like: Any) -> Any:
        return _add_exactly(total, lost, terms)

    if terms.dtype == types.float32:
        return widened
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
