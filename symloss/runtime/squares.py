"""What sums of squares are made of and what is made of them, each rounded once: squares, quotients and sums."""

from __future__ import annotations

import math

from .bits import fused
from .double_word import two_sum
from .jit import polymorphic


@polymorphic
def squared_difference(x: float, y: float) -> float:
    """(x - y)**2."""
    apart, lost = two_sum(x, -y)
    cross = 2.0 * apart * lost
    return fused(apart, apart, cross if cross > -math.inf else 0.0)  # an infinite square has lost nothing


@polymorphic
def times_square(x: float, k: float) -> float:
    """K * x**2, and 0 where k = 0."""
    once = k * x
    product = once * x
    better = product + fused(fused(k, x, -once), x, fused(once, x, -product))
    return 0.0 if k == 0.0 and x == x else better if better == better else product


@polymorphic
def sum_ratio(total: float, rest: float, y: float) -> float:
    """(total + rest) / y, for a total that rounding took the rest of."""
    quotient = total / y
    better = quotient + (fused(-quotient, y, total) + rest) * (1.0 / y)
    return better if better == better else quotient


@polymorphic
def added_once(x: float, y: float, rest: float) -> float:
    """X + y + rest, for sums that rounding took the rest of."""
    total, lost = two_sum(x, y)
    better = total + (lost + rest)
    return better if better == better else total
