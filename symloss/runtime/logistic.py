"""The logistic function and its integral, for float32 and float64, from one exponential: exp(-abs(x)).

Where several occur with one argument the compiler computes it once.  In float64 the exponential has two parts, so
that its rounding does not count: sigmoid, density and softplus are then within 1 unit in the last place.
"""

from __future__ import annotations

from .bits import by_dtype, fused
from .exponential import exp_nonpositive, exp_nonpositive_parts, lifted, lifted_nonpositive_parts
from .jit import polymorphic
from .logarithm import log1p_unit_double, log1p_unit_single


@polymorphic
def _small_single(x: float) -> tuple[float, float]:
    return exp_nonpositive(x), -0.0


small_parts = by_dtype(_small_single, exp_nonpositive_parts)  # exp(x) for x <= 0, in float64 with what it lacks


@polymorphic
def _log1p_single(small: float, _rest: float) -> float:
    return log1p_unit_single(small)


_log1p = by_dtype(_log1p_single, log1p_unit_double)


@polymorphic
def log1pexp(x: float) -> float:
    """log(1 + exp(x)) for x <= 0."""
    small, rest = small_parts(x)
    return _log1p(small, rest)


@polymorphic
def divide_parts(top: float, rest: float, whole: float, lost: float, inverse: float) -> tuple[float, float]:
    """Return (top + rest) / (whole + lost), rounded, and what is left of the dividend."""
    quotient = top * inverse
    return quotient, fused(-quotient, whole, top) - quotient * lost + rest


@polymorphic
def _divided(top: float, top_rest: float, small: float, rest: float) -> float:
    """Return top / (1 + small), with what the sum and the quotient lose in rounding."""
    whole = 1.0 + small
    inverse = 1.0 / whole
    quotient, left = divide_parts(top, top_rest, whole, (small - (whole - 1.0)) + rest, inverse)
    return fused(left, inverse, quotient)


@polymorphic
def sigmoid(x: float) -> float:
    """1 / (1 + exp(-x))."""
    small, rest = small_parts(-abs(x))
    return _divided(1.0 if x > 0.0 else small, -0.0 if x > 0.0 else rest, small, rest)


@polymorphic
def _no_rest(factor: float, _rest: float) -> float:
    return -0.0


@polymorphic
def _times(factor: float, rest: float) -> float:
    return factor * rest


_times_rest = by_dtype(_no_rest, _times)


@polymorphic
def sigmoid_mix(x: float, a: float, b: float) -> float:
    """a*sigmoid(x) + b*sigmoid(-x)."""
    small, rest = small_parts(-abs(x))
    larger, smaller = a if x > 0.0 else b, b if x > 0.0 else a
    return _divided(fused(smaller, small, larger), _times_rest(smaller, rest), small, rest)


@polymorphic
def logistic_density(x: float) -> float:
    """sigmoid(x) * sigmoid(-x)."""
    small, rest = small_parts(-abs(x))
    whole = 1.0 + small
    inverse, lost = 1.0 / whole, (small - (whole - 1.0)) + rest
    once, left = divide_parts(small, rest, whole, lost, inverse)
    twice, left = divide_parts(once, left * inverse, whole, lost, inverse)
    return fused(left, inverse, twice)


@polymorphic
def softplus(x: float) -> float:
    """log(1 + exp(x))."""
    return (x if x > 0.0 else 0.0) + log1pexp(-abs(x))


@polymorphic
def softplus_mix(x: float, a: float, b: float) -> float:
    """a*softplus(x) + b*softplus(-x), where a = 0 or b = 0 win over an infinite x."""
    size = abs(x)
    product = (a if x > 0.0 else b) * size
    part = product if product == product else 0.0  # 0 * inf; what is NaN otherwise is so in the other part, too
    return fused(a + b, log1pexp(-size), part)


@polymorphic
def logaddexp(x: float, y: float) -> float:
    """log(exp(x) + exp(y))."""
    apart = 0.0 if x == y else abs(x - y)
    return (x if x > y else y) + log1pexp(-apart)


@polymorphic
def lifted_sigmoid(x: float) -> float:
    """lifted(sigmoid(x)), which is not subnormal where sigmoid(x) is."""
    small, rest = small_parts(-abs(x))
    high, low = lifted_nonpositive_parts(-abs(x))
    return _divided(lifted(1.0) if x > 0.0 else high, -0.0 if x > 0.0 else low, small, rest)


@polymorphic
def lifted_logistic_density(x: float) -> float:
    """lifted(logistic_density(x)), which is not subnormal where the density is."""
    small, rest = small_parts(-abs(x))
    high, low = lifted_nonpositive_parts(-abs(x))
    whole = 1.0 + small
    inverse, lost = 1.0 / whole, (small - (whole - 1.0)) + rest
    once, left = divide_parts(high, low, whole, lost, inverse)
    twice, left = divide_parts(once, left * inverse, whole, lost, inverse)
    return fused(left, inverse, twice)
