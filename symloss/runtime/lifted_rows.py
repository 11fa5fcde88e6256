"""Exponentials of a row relative to its largest entry, also times the power of two of `exponential.lifted`."""

from __future__ import annotations

from .double_word import two_sum
from .exponential import _lift_of as lift_of
from .exponential import exp_nonpositive, lifted, lifted_nonpositive_parts, lowered
from .jit import polymorphic


@polymorphic
def exp_below(x: float, y: float) -> float:
    """exp(x - y) for x <= y, and 1 where the two are equal, infinite ones too; as `elementary.exp_minus`, with less."""
    apart, lost = two_sum(x, -y)
    result = exp_nonpositive(0.0 if x == y else apart)
    return result + result * lost if abs(lost) < 1.0 else result


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
def times_log_softmax(x: float, total: float, log_total: float, k: float, weight: float) -> float:
    """K * weight * (x - log_total), and 0 where k * weight = 0, for log_total = log1p(lowered(total)).

    What a subnormal log_total lacks is added.  A k * weight that may be subnormal is lifted until x has multiplied it.
    """
    whole = lifted(k) * weight
    is_small = abs(lifted(whole)) < 1.0
    factor = whole if is_small else k * weight
    product = factor * x - lowered(factor * total) if lowered(total) < _AS_IT_IS else factor * (x - log_total)
    return 0.0 if whole == 0.0 else lowered(product) if is_small else product
