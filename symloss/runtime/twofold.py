"""Numbers in two parts: a tuple (high, low) of float64 that stands for high + low, with about 100 bits.

Kernels use them where single roundings would add up to more than the certified error.  Arithmetic follows Joldes,
Muller & Popescu (2017), Tight and rigorous error bounds for basic building blocks of double-word arithmetic; the
functions are good to 2**-64.  Neither infinities nor NaN are kept apart: `refined` falls back to plain floats there.
"""

from __future__ import annotations

import math

import numpy as np

from .bits import exponent, fused, is_float64, power_of_two
from .jit import inlined

Twofold = tuple[float, float]

_INVERSE_LOG_2 = 1.0 / math.log(2.0)
# log(2) in parts: a whole number of up to 2**11 times the first is exact.
_LOG_2 = (float.fromhex("0x1.62e42fefa38p-1"), float.fromhex("0x1.ef35793c7673p-45"))
_LOG_2_REST = float.fromhex("0x1.f97b57a079a19p-103")
_ROUNDER = 1.5 * 2.0**52  # x + this - this is x rounded to a whole number
_SIXTH = (1.0 / 6.0, float.fromhex("0x1.5555555555555p-57"))
_TINY = 2.0**-110  # whose square is nothing
_SQRT_2 = math.sqrt(2.0)
_ARTANH = tuple(1.0 / n for n in range(15, 1, -2))  # artanh(s)/s - 1 in powers of s**2
_TAYLOR = tuple(1.0 / math.factorial(n) for n in range(12, 3, -1))  # exp beyond the cubic term


@inlined
def is_double(x: float) -> bool:
    """Whether x is a float64; known when the kernel is compiled."""
    return is_float64(x)


@inlined
def refined(plain: float, better: float) -> float:
    """Return the better number, or the plain one where infinities or NaN took part."""
    return better if abs(better) < math.inf else plain


@inlined
def twofold(x: float) -> Twofold:
    """Return a float as a number in two parts."""
    return np.float64(x), 0.0


@inlined
def merged(x: Twofold) -> float:
    """Return the nearest float."""
    return x[0] + x[1]


@inlined
def _two_sum(a: float, b: float) -> Twofold:
    total = a + b
    back = total - a
    return total, (a - (total - back)) + (b - back)


@inlined
def _fast_two_sum(a: float, b: float) -> Twofold:
    total = a + b
    return total, b - (total - a)


@inlined
def _two_product(a: float, b: float) -> Twofold:
    product = a * b
    return product, fused(a, b, -product)


@inlined
def negate(x: Twofold) -> Twofold:
    """Return -x."""
    return -x[0], -x[1]


@inlined
def add(x: Twofold, y: Twofold) -> Twofold:
    """Return x + y; relative error below 2**-104."""
    high, low = _two_sum(x[0], y[0])
    rest, least = _two_sum(x[1], y[1])
    high, low = _fast_two_sum(high, low + rest)
    return _fast_two_sum(high, low + least)


@inlined
def subtract(x: Twofold, y: Twofold) -> Twofold:
    """Return x - y."""
    return add(x, (-y[0], -y[1]))


@inlined
def multiply(x: Twofold, y: Twofold) -> Twofold:
    """Return x * y; relative error below 2**-103."""
    high, low = _two_product(x[0], y[0])
    cross = fused(x[0], y[1], x[1] * y[0])
    return _fast_two_sum(high, low + cross)


@inlined
def divide(x: Twofold, y: Twofold) -> Twofold:
    """Return x / y; relative error below 2**-101."""
    quotient = x[0] / y[0]
    high, low = _two_product(quotient, y[0])
    rest = ((x[0] - high) - low) + fused(-quotient, y[1], x[1])
    return _fast_two_sum(quotient, rest / y[0])


@inlined
def sqrt(x: Twofold) -> Twofold:
    """Return the square root."""
    if x[0] == 0.0:
        return 0.0, 0.0
    root = math.sqrt(x[0])
    high, low = _two_product(root, root)
    return _fast_two_sum(root, ((x[0] - high) - low + x[1]) / (2.0 * root))


@inlined
def _scaled(x: Twofold, power: int) -> Twofold:
    """Return x * 2**power, in two steps as either may be beyond the floats."""
    half = power >> 1
    first, second = power_of_two(half), power_of_two(power - half)
    return x[0] * first * second, x[1] * first * second


@inlined
def _reduced_expm1(x: Twofold) -> Twofold:
    """Return exp(x) - 1 for abs(x) < 0.36: a Taylor series at x/8, then three times p -> 2p + p**2."""
    if abs(x[0]) < _TINY:  # where an eighth of x might be subnormal
        return x
    r = (0.125 * x[0], 0.125 * x[1])
    tail = 0.0
    for coefficient in _TAYLOR:
        tail = (tail + coefficient) * r[0]
    square = multiply(r, r)
    cubic = multiply(square, multiply(r, add(_SIXTH, (tail, 0.0))))
    p = add(r, add((0.5 * square[0], 0.5 * square[1]), cubic))
    for _ in range(3):
        p = add((2.0 * p[0], 2.0 * p[1]), multiply(p, p))
    return p


@inlined
def _reduce(x: Twofold) -> tuple[float, Twofold]:
    """Return k and r with x = k*log(2) + r, abs(r) < 0.36."""
    k = (x[0] * _INVERSE_LOG_2 + _ROUNDER) - _ROUNDER
    first = x[0] - k * _LOG_2[0]
    return k, subtract(add((first, 0.0), (x[1], 0.0)), add(_two_product(k, _LOG_2[1]), (k * _LOG_2_REST, 0.0)))


@inlined
def exp(x: Twofold) -> Twofold:
    """Return exp(x)."""
    if x[0] < -800.0:
        return 0.0, 0.0
    if not x[0] < 720.0:
        return math.inf, math.nan
    k, r = _reduce(x)
    return _scaled(add((1.0, 0.0), _reduced_expm1(r)), int(k))


@inlined
def expm1(x: Twofold) -> Twofold:
    """Return exp(x) - 1."""
    if abs(x[0]) < 0.34:
        return _reduced_expm1(x)
    return subtract(exp(x), (1.0, 0.0))


@inlined
def _log1p_near(x: Twofold) -> Twofold:
    """Return log(1 + x) for 1/sqrt(2) - 1 < x < sqrt(2) - 1.

    A series in floats, mended by t = (1 + x)*exp(-start) - 1, in parts that do not cancel: log(1 + t) is what it lacks.
    """
    if abs(x[0]) < _TINY:
        return x
    s = x[0] / (2.0 + x[0])
    square, tail = s * s, 0.0
    for coefficient in _ARTANH:
        tail = (tail + coefficient) * square
    start = (2.0 * s + 2.0 * s * tail, 0.0)
    back = _reduced_expm1(negate(start))
    t = add(add(x, multiply(x, back)), back)
    return add(start, (t[0], t[1] - 0.5 * t[0] * t[0]))


@inlined
def log(x: Twofold) -> Twofold:
    """Return log(x)."""
    if not 0.0 < x[0] < math.inf:
        return math.nan, math.nan
    lift = 54.0 if x[0] < 2.0**-1000 else 0.0
    high, low = (x[0] * 2.0**54, x[1] * 2.0**54) if lift else x
    power = exponent(high * _SQRT_2)
    near = add(_scaled((high, low), -power), (-1.0, 0.0))
    k = power - lift
    whole = add((k * _LOG_2[0], 0.0), add(_two_product(k, _LOG_2[1]), (k * _LOG_2_REST, 0.0)))
    return add(whole, _log1p_near(near))


@inlined
def log1p(x: Twofold) -> Twofold:
    """Return log(1 + x)."""
    if -0.29 < x[0] < 0.41:
        return _log1p_near(x)
    return log(add((1.0, 0.0), x))


@inlined
def power(x: Twofold, y: Twofold) -> Twofold:
    """Return x to the y, for positive x."""
    return exp(multiply(y, log(x)))


@inlined
def absolute(x: Twofold) -> Twofold:
    """Return the absolute value."""
    return (-x[0], -x[1]) if x[0] < 0.0 else x


@inlined
def sgn(x: Twofold) -> Twofold:
    """Return -1, 0 or 1."""
    return (1.0 if x[0] > 0.0 else -1.0 if x[0] < 0.0 else x[0]), 0.0


@inlined
def sigmoid(x: Twofold) -> Twofold:
    """Return 1 / (1 + exp(-x))."""
    small = exp(negate(absolute(x)))
    return divide((1.0, 0.0) if x[0] >= 0.0 else small, add((1.0, 0.0), small))


@inlined
def softplus(x: Twofold) -> Twofold:
    """Return log(1 + exp(x))."""
    rest = log1p(exp(negate(absolute(x))))
    return add(x, rest) if x[0] > 0.0 else rest


@inlined
def log1mexp(x: Twofold) -> Twofold:
    """Return log(1 - exp(x)) for x < 0."""
    if x[0] > -0.6931471805599453:
        return log(negate(expm1(x)))
    return log1p(negate(exp(x)))


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
    if size[0] > 1.0:
        return add(subtract(size, log((2.0, 0.0))), log1p(exp((-2.0 * size[0], -2.0 * size[1]))))
    half = sinh((0.5 * size[0], 0.5 * size[1]))
    square = multiply(half, half)
    return log1p((2.0 * square[0], 2.0 * square[1]))


@inlined
def divide_no_nan(x: Twofold, y: Twofold) -> Twofold:
    """Return x / y, and 0 where y = 0."""
    return (0.0, 0.0) if y[0] == 0.0 else divide(x, y)


@inlined
def multiply_no_nan(x: Twofold, y: Twofold) -> Twofold:
    """Return x * y, and 0 where x = 0."""
    return (0.0, 0.0) if x[0] == 0.0 else multiply(x, y)


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
    apart = subtract(y, x)
    return add(x, log1p(exp(apart))) if apart[0] <= 0.0 else add(y, log1p(exp(negate(apart))))


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
    _, scale = math.frexp(max(abs(x[0]), abs(y[0])))
    a, b = _scaled(x, -scale), _scaled(y, -scale)
    return _scaled(sqrt(add(multiply(a, a), multiply(b, b))), scale)


@inlined
def ratio(x: Twofold, y: Twofold) -> Twofold:
    """Return x / y, and 0 where y = 0."""
    return (0.0, 0.0) if y[0] == 0.0 else divide(x, y)


@inlined
def sqrt1pm1(x: Twofold) -> Twofold:
    """Return sqrt(1 + x) - 1."""
    return divide(x, add(sqrt(add((1.0, 0.0), x)), (1.0, 0.0)))
