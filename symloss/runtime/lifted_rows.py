"""Exponentials of a row relative to its largest entry, times the power of two of `exponential.lifted`."""

from __future__ import annotations

from .double_word import two_sum
from .exponential import _lift_of as lift_of
from .exponential import lifted_nonpositive_parts, lowered
from .jit import polymorphic


@polymorphic
def lifted_exp_minus(x: float, y: float) -> float:
    """lifted(exp(x - y)) for x <= y, and lifted(1) where the two are equal, infinite ones too."""
    apart, lost = two_sum(x, -y)
    high, low = lifted_nonpositive_parts(0.0 if x == y else apart)
    return high + (low + high * lost) if abs(lost) < 1.0 else high


@polymorphic
def lifted_one_plus(x: float) -> float:
    """lifted(1) + x."""
    return lift_of(x)[0] + x


_AS_IT_IS = 2.0**-60  # log1p of less is as good as it


@polymorphic
def times_log_softmax(x: float, total: float, log_total: float, k: float) -> float:
    """K * (x - log_total) for log_total = log1p(lowered(total)), with what a subnormal one lacks; 0 where k = 0."""
    product = k * x - lowered(k * total) if lowered(total) < _AS_IT_IS else k * (x - log_total)
    return 0.0 if k == 0.0 else product
