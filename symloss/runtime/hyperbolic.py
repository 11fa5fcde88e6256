"""sinh, tanh, 1/cosh and log(cosh) for float32 and float64: a polynomial near 0, one exponential elsewhere."""

from __future__ import annotations

import math

from .bits import by_dtype, fused, polynomial
from .coefficients import LOG_COSH_DOUBLE, LOG_COSH_SINGLE, TANH_DOUBLE, TANH_SINGLE
from .exponential import half_exp_parts
from .jit import polymorphic
from .logistic import divide_parts, log1pexp, small_parts

_LOG_2 = math.log(2.0)
_NEAR = 0.55  # below, tanh is a polynomial


@polymorphic
def _tanh_single(square: float) -> float:
    return polynomial(square, TANH_SINGLE)


@polymorphic
def _tanh_double(square: float) -> float:
    return polynomial(square, TANH_DOUBLE)


@polymorphic
def _log_cosh_single(square: float) -> float:
    return polynomial(square, LOG_COSH_SINGLE)


@polymorphic
def _log_cosh_double(square: float) -> float:
    return polynomial(square, LOG_COSH_DOUBLE)


_tanh_polynomial = by_dtype(_tanh_single, _tanh_double)
_log_cosh_polynomial = by_dtype(_log_cosh_single, _log_cosh_double)


# Taylor coefficients of (sinh(x) - x) / x**3 in the square, for abs(x) < 1.
_SINH_SINGLE = tuple(1.0 / math.factorial(n) for n in range(11, 1, -2))
_SINH_DOUBLE = tuple(1.0 / math.factorial(n) for n in range(19, 1, -2))


@polymorphic
def _sinh_single(square: float) -> float:
    return polynomial(square, _SINH_SINGLE)


@polymorphic
def _sinh_double(square: float) -> float:
    return polynomial(square, _SINH_DOUBLE)


_sinh_polynomial = by_dtype(_sinh_single, _sinh_double)


@polymorphic
def sinh(x: float) -> float:
    """Hyperbolic sine."""
    size, square = abs(x), x * x
    near = fused(size * square, _sinh_polynomial(square), size)
    half, rest = half_exp_parts(size)
    inverse = 0.25 / half
    apart = half - inverse
    far = apart + (((half - apart) - inverse) + rest)
    far = far if half < math.inf else half
    result = near if size < 1.0 else far
    return -result if x < 0.0 else result


@polymorphic
def tanh(x: float) -> float:
    """Hyperbolic tangent."""
    size = abs(x)
    square = x * x
    near = fused(size * square, _tanh_polynomial(square), size)
    small, rest = small_parts(-2.0 * size)
    top, whole = 1.0 - small, 1.0 + small
    lost = (1.0 - top) - small  # of the difference, as is what the sum loses: both are exact
    inverse = 1.0 / whole
    whole_part, left = divide_parts(top, lost - rest, whole, (small - (whole - 1.0)) + rest, inverse)
    result = near if size < _NEAR else fused(left, inverse, whole_part)
    return -result if x < 0.0 else result


@polymorphic
def sech(x: float) -> float:
    """1 / cosh(x)."""
    small, rest = small_parts(-abs(x))
    square = small * small
    whole = 1.0 + square
    lost = (square - (whole - 1.0)) + fused(small, small, -square) + 2.0 * small * rest
    inverse = 1.0 / whole
    whole_part, left = divide_parts(2.0 * small, 2.0 * rest, whole, lost, inverse)
    return fused(left, inverse, whole_part)


@polymorphic
def log_cosh(x: float) -> float:
    """log(cosh(x))."""
    size, square = abs(x), x * x
    near = fused(square * square, _log_cosh_polynomial(square), 0.5 * square)
    return (size - _LOG_2) + log1pexp(-2.0 * size) if size > 1.0 else near
