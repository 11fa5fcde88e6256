"""Numbers in two parts: a tuple (high, low) of float64 that stands for high + low, with about 100 bits.

Kernels use them where single roundings would add up to more than the certified error.  Arithmetic follows Joldes,
Muller & Popescu (2017), Tight and rigorous error bounds for basic building blocks of double-word arithmetic; the
functions are good to 2**-56, an eighth of a unit in the last place.  Neither infinities nor NaN are kept apart:
`refined` falls back to plain floats there.  Nothing branches, so that LLVM can widen loops around it.
"""

from __future__ import annotations

import math

import numpy as np

from .bits import by_dtype, fused, polynomial, raised, split
from .coefficients import LOG_DOUBLE
from .double_word import (
    Twofold,
    absolute,
    add,
    divide,
    fast_two_sum,
    fast_two_sum_of,
    multiply,
    negate,
    sqrt,
    subtract,
    two_product,
    two_sum,
)
from .error_function import erf_parts as erf
from .error_function import erfc_curvature_parts as erfc_curvature
from .error_function import erfc_excess_parts as erfc_excess
from .error_function import erfc_hazard_parts as erfc_hazard
from .error_function import erfc_parts as erfc
from .error_function import gaussian_parts as gaussian
from .error_function import log_erfc_parts as log_erfc
from .error_function import log_half_erfc_parts as log_half_erfc
from .excess import distance_excess_parts as distance_excess
from .excess import excess_parts as excess
from .exponential_parts import (
    ROUNDER,
    exp,
    expm1,
    lifted,
    lifted_logistic_density,
    lifted_sigmoid,
    logistic_density,
    lowered,
    over,
    scaled,
    sigmoid,
    small,
    times_exp,
    times_expm1,
    times_log_2,
)
from .gamma_function import digamma_parts as digamma
from .gamma_function import loggamma_parts as loggamma
from .gamma_function import tetragamma_parts as tetragamma
from .gamma_function import trigamma_parts as trigamma
from .inverse import asinh_parts as asinh
from .inverse import atan_parts as atan
from .jit import inlined
from .scaled_tail import erfcx_parts as erfcx

# log(2).
_LOG_2_PARTS = (float.fromhex("0x1.62e42fefa39efp-1"), float.fromhex("0x1.abc9e3b39803fp-56"))


@inlined
def refined(plain: float, better: float) -> float:
    """Return the better number, or the plain one where infinities or NaN took part."""
    return better if abs(better) < math.inf and plain == plain else plain


@inlined
def _finite_single(x: float, _other: float) -> bool:
    return True


@inlined
def _finite_double(x: float, other: float) -> bool:
    return abs(x) < math.inf and abs(other) < math.inf


finite_with = by_dtype(_finite_single, _finite_double)  # whether two numbers are finite; float32 need not be


@inlined
def twofold(x: float) -> Twofold:
    """Return a float as a number in two parts."""
    return np.float64(x), 0.0


@inlined
def merged(x: Twofold) -> float:
    """Return the nearest float."""
    return x[0] + x[1]


@inlined
def _log_series(f: Twofold) -> Twofold:
    """Return log(1 + f) for -1/4 <= f <= 1/2: a series in s = f/(2 + f), of which s is in two parts."""
    whole = fast_two_sum_of(2.0, f)
    s = over(f, whole, 1.0 / whole[0])
    square = s[0] * s[0]
    cubic = s[0] * square * polynomial(square, LOG_DOUBLE)
    high, low = fast_two_sum(2.0 * s[0], cubic)
    return high, fused(2.0, s[1], low)


@inlined
def _log_near(f: Twofold, k: float) -> Twofold:
    """Return k*log(2) + log(1 + f) for -1/4 <= f <= 1/2."""
    near = _log_series(f)
    whole = add(times_log_2(k), near)
    return near if k == 0.0 else whole


@inlined
def log(x: Twofold) -> Twofold:
    """Return log(x)."""
    tiny = x[0] < 2.0**-900
    lift = 2.0**200 if tiny else 1.0
    m, k = split(x[0] * lift)
    f = add((m - 1.0, 0.0), (x[1] * lift * raised(ROUNDER - k), 0.0))  # beyond 2**1000 a lower part counts for nothing
    return _log_near(f, k - 200.0 if tiny else k)


@inlined
def log1p(x: Twofold) -> Twofold:
    """Return log(1 + x)."""
    whole = add((1.0, 0.0), x)
    m, k = split(whole[0])
    f = add((m - 1.0, 0.0), (whole[1] * raised(ROUNDER - (k if k < 1000.0 else 1000.0)), 0.0))
    near = k == 0.0
    high, low = _log_near((x[0] if near else f[0], x[1] if near else f[1]), k)
    tiny = abs(x[0]) < 2.0**-120  # where half of x may be subnormal
    return x[0] if tiny else high, x[1] if tiny else low


@inlined
def power(x: Twofold, y: Twofold) -> Twofold:
    """Return x to the y, for positive x."""
    return exp(multiply(y, log(x)))


@inlined
def sgn(x: Twofold) -> Twofold:
    """Return -1, 0 or 1."""
    return (1.0 if x[0] > 0.0 else -1.0 if x[0] < 0.0 else x[0]), 0.0


@inlined
def _log1p_unit(x: Twofold) -> Twofold:
    """Return log(1 + x) for 0 <= x <= 1."""
    large = x[0] > 0.5
    half = fast_two_sum(0.5 * (x[0] - 1.0), 0.5 * x[1])
    near = _log_series(half if large else x)
    high, low = fast_two_sum(_LOG_2_PARTS[0] if large else 0.0, near[0])
    return fast_two_sum(high, low + (near[1] + (_LOG_2_PARTS[1] if large else 0.0)))


@inlined
def softplus(x: Twofold) -> Twofold:
    """Return log(1 + exp(x))."""
    positive = x[0] > 0.0
    rest = _log1p_unit(small(x))
    whole = add(absolute(x), rest)
    return whole if positive else rest


@inlined
def sigmoid_mix(x: Twofold, a: Twofold, b: Twofold) -> Twofold:
    """Return a*sigmoid(x) + b*sigmoid(-x)."""
    return add(multiply(a, sigmoid(x)), multiply(b, sigmoid(negate(x))))


@inlined
def softplus_mix(x: Twofold, a: Twofold, b: Twofold) -> Twofold:
    """Return a*softplus(x) + b*softplus(-x)."""
    return add(multiply_no_nan(a, softplus(x)), multiply_no_nan(b, softplus(negate(x))))


@inlined
def log1mexp(x: Twofold) -> Twofold:
    """Return log(1 - exp(x)) for x < 0."""
    near = log(negate(expm1(x)))
    far = log1p(negate(exp(x)))
    return near if x[0] > -0.6931471805599453 else far


@inlined
def sinh(x: Twofold) -> Twofold:
    """Return the hyperbolic sine."""
    part = expm1(absolute(x))
    size = multiply((0.5, 0.0), add(part, divide(part, add((1.0, 0.0), part))))
    return negate(size) if x[0] < 0.0 else size


@inlined
def cosh(x: Twofold) -> Twofold:
    """Return the hyperbolic cosine."""
    large = exp(absolute(x))
    return multiply((0.5, 0.0), add(large, divide((1.0, 0.0), large)))


@inlined
def tanh(x: Twofold) -> Twofold:
    """Return the hyperbolic tangent."""
    size = absolute(x)
    part = expm1((-2.0 * size[0], -2.0 * size[1]))
    quotient = divide(part, add((2.0, 0.0), part))
    return quotient if x[0] < 0.0 else negate(quotient)


@inlined
def sech(x: Twofold) -> Twofold:
    """Return 1 / cosh(x)."""
    small = exp(negate(absolute(x)))
    return divide((2.0 * small[0], 2.0 * small[1]), add((1.0, 0.0), multiply(small, small)))


@inlined
def log_cosh(x: Twofold) -> Twofold:
    """Return log(cosh(x))."""
    size = absolute(x)
    far = add(subtract(size, times_log_2(1.0)), log1p(exp((-2.0 * size[0], -2.0 * size[1]))))
    half = sinh((0.5 * size[0], 0.5 * size[1]))
    square = multiply(half, half)
    near = log1p((2.0 * square[0], 2.0 * square[1]))
    return far if size[0] > 1.0 else near


@inlined
def divide_no_nan(x: Twofold, y: Twofold) -> Twofold:
    """Return x / y, and 0 where y = 0."""
    return (0.0, 0.0) if y[0] == 0.0 else divide(x, y)


@inlined
def divide_twice(x: Twofold, y: Twofold) -> Twofold:
    """Return x / y / y."""
    return divide(divide(x, y), y)


@inlined
def multiply_no_nan(x: Twofold, y: Twofold) -> Twofold:
    """Return x * y: neither is infinite here."""
    return multiply(x, y)


@inlined
def xlogy(x: Twofold, y: Twofold) -> Twofold:
    """Return x * log(y), and 0 where x = 0."""
    return (0.0, 0.0) if x[0] == 0.0 else multiply(x, log(y))


@inlined
def xlog1py(x: Twofold, y: Twofold) -> Twofold:
    """Return x * log(1 + y), and 0 where x = 0."""
    return (0.0, 0.0) if x[0] == 0.0 else multiply(x, log1p(y))


@inlined
def log1p_ratio(x: Twofold) -> Twofold:
    """Return log(1 + x) / x, and 1 where x = 0."""
    return (1.0, 0.0) if x[0] == 0.0 else divide(log1p(x), x)


@inlined
def logaddexp(x: Twofold, y: Twofold) -> Twofold:
    """Return log(exp(x) + exp(y))."""
    rest = log1p(exp(negate(absolute(subtract(y, x)))))
    return add(maximum(x, y), rest)


@inlined
def maximum(x: Twofold, y: Twofold) -> Twofold:
    """Return the larger of the two."""
    return x if x[0] > y[0] or (x[0] == y[0] and x[1] > y[1]) else y


@inlined
def minus(x: Twofold, y: Twofold) -> Twofold:
    """Return x - y."""
    return subtract(x, y)


@inlined
def hypot(x: Twofold, y: Twofold) -> Twofold:
    """Return sqrt(x**2 + y**2)."""
    _, scale = split(max(abs(x[0]), abs(y[0]), 2.0**-1022))
    a, b = scaled(x, -scale), scaled(y, -scale)
    return scaled(sqrt(add(multiply(a, a), multiply(b, b))), scale)


@inlined
def ratio(x: Twofold, y: Twofold) -> Twofold:
    """Return x / y, and 0 where y = 0."""
    return (0.0, 0.0) if y[0] == 0.0 else divide(x, y)


@inlined
def sqrt1pm1(x: Twofold) -> Twofold:
    """Return sqrt(1 + x) - 1."""
    return divide(x, add(sqrt(add((1.0, 0.0), x)), (1.0, 0.0)))
