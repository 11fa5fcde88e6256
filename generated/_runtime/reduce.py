"""Sums in an order that is written down: the same bits for every number of threads, on every run.

The four quarters of a block are added elementwise, then the four quarters of the result, and so on: pairwise
summation, which LLVM vectorises without reordering anything.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .jit import kernel


@kernel
def _fold(a: Any, b: Any, c: Any, d: Any) -> None:
    """Add the four vectors into ``a``."""
    for i in range(a.size):
        a[i] = (a[i] + b[i]) + (c[i] + d[i])


@kernel
def pairwise_sum(terms: Any) -> float:
    """Return the sum of a float64 vector, which is overwritten; accurate far beyond float32."""
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


@kernel
def _two_sum(a: float, b: float) -> tuple[float, float]:
    """Return the rounded sum and what the rounding took away (Knuth)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


@kernel
def _fold_with_errors(a: Any, b: Any, c: Any, d: Any) -> None:
    """Add the four vectors into ``a``; ``b`` becomes what the additions rounded off."""
    for i in range(a.size):
        left, left_error = _two_sum(a[i], b[i])
        right, right_error = _two_sum(c[i], d[i])
        total, error = _two_sum(left, right)
        a[i] = total
        b[i] = (left_error + right_error) + error


@kernel
def compensated_sum(terms: Any) -> float:
    """Return the sum of a float64 vector, which is overwritten; the exact sum rounded, but for ``eps**2`` of terms."""
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
    if math.isfinite(rest) and math.isfinite(error):
        return rest + error
    return rest


def combine(sums: Sequence[float]) -> float:
    """Return the sum of the sums of the blocks, rounded once."""
    if len(sums) == 1:
        return sums[0]
    try:
        return math.fsum(sums)
    except (OverflowError, ValueError):  # an intermediate overflow, or inf - inf: what plain addition gives
        return sum(sums, 0.0)
