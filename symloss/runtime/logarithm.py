"""log and log1p for float32 and float64: no branches, no calls, no tables, so that loops become vectors.

x = m * 2**k with m between 3/4 and 3/2, and log(1 + f) for f = m - 1: a polynomial in float32, and in float64
the one of FDLIBM's form in s = f/(2 + f), with coefficients of our own.
"""

from __future__ import annotations

import math

from .bits import by_dtype, fused, polynomial, raised, split
from .coefficients import LOG_DOUBLE, LOG_SINGLE, LOG_UNIT
from .jit import polymorphic

# log(2) in two parts, of which the first times k needs no rounding; the least normal number; what lifts numbers below
# it, and the exponent of that; what rounds to whole numbers, with the bias of exponents.
_SINGLE = (
    float.fromhex("0x1.62e4p-1"), float.fromhex("0x1.7f7d1cp-20"), 2.0**-126, 2.0**24, 24.0, 1.5 * 2.0**23 + 127.0,
)  # fmt: skip
_DOUBLE = (
    float.fromhex("0x1.62e42fefa38p-1"), float.fromhex("0x1.ef35793c7673p-45"), 2.0**-1022, 2.0**54, 54.0,
    1.5 * 2.0**52 + 1023.0,
)  # fmt: skip
_HIGH, _LOW, _LEAST, _LIFT, _LIFTED, _ROUNDER = range(6)


@polymorphic
def _single(x: float) -> tuple[float, ...]:
    return _SINGLE


@polymorphic
def _double(x: float) -> tuple[float, ...]:
    return _DOUBLE


_constants = by_dtype(_single, _double)


@polymorphic
def _single_near(f: float, k: float) -> float:
    square = f * f
    tail = fused(f * square, polynomial(f, LOG_SINGLE), -0.5 * square)
    high = fused(k, _SINGLE[_HIGH], f)
    low = fused(k, _SINGLE[_HIGH], -high) + f
    return high + (low + fused(k, _SINGLE[_LOW], tail))


@polymorphic
def _double_near(f: float, k: float, rest: float = -0.0) -> float:
    s = f / (2.0 + f)
    z = s * s
    half = 0.5 * f * f
    tail = fused(s, fused(z, polynomial(z, LOG_DOUBLE), half), k * _DOUBLE[_LOW]) - half
    high = fused(k, _DOUBLE[_HIGH], f)
    low = fused(k, _DOUBLE[_HIGH], -high) + f
    return high + (low + (tail + rest))


_near = by_dtype(_single_near, _double_near)  # k*log(2) + log(1 + f)


@polymorphic
def log(x: float) -> float:
    """Return the natural logarithm; -inf at 0, NaN below."""
    c = _constants(x)
    tiny = x < c[_LEAST]
    m, k = split(x * c[_LIFT] if tiny else x)
    result = _near(m - 1.0, k - c[_LIFTED] if tiny else k)
    result = result if x < math.inf else x
    return result if x > 0.0 else -math.inf if x == 0.0 else math.nan


@polymorphic
def log1p(x: float) -> float:
    """Return log(1 + x); -inf at -1, NaN below."""
    c = _constants(x)
    y = 1.0 + x
    back = y - x
    lost = (1.0 - back) + (x - (y - back))
    m, k = split(y)
    inverse = raised(c[_ROUNDER] - (k if k < 100.0 else 100.0))  # of 2**k; where it is not, the loss is nothing
    result = _near(x if k == 0.0 else (m - 1.0) + lost * inverse, k)
    result = result if x < math.inf else x
    return result if x > -1.0 else -math.inf if x == -1.0 else math.nan


@polymorphic
def log_sum(a: float, b: float) -> float:
    """Return log(a + b); of a or b = 0 what `log` does, of a = 1 what `log1p` does, to the last bit."""
    c = _constants(a)
    x = a + b
    back = x - b
    lost = (a - back) + (b - (x - back))
    tiny = x < c[_LEAST]
    m, k = split(x * c[_LIFT] if tiny else x)
    inverse = raised(c[_ROUNDER] - (k if k < 100.0 else 100.0))
    result = _near((m - 1.0) + lost * inverse, k - c[_LIFTED] if tiny else k)
    result = result if x < math.inf else x
    return result if x > 0.0 else -math.inf if x == 0.0 else math.nan


@polymorphic
def log1p_unit_single(x: float) -> float:
    """Return log(1 + x) for 0 <= x <= 1, in float32: nothing cancels there, and log(2) is added last."""
    large = x > 0.5
    f = 0.5 * (x - 1.0) if large else x  # half of 1 + x, less 1, is exact
    tail = fused(f * f, polynomial(f, LOG_UNIT), _SINGLE[_LOW] if large else 0.0)
    return (f + tail) + (_SINGLE[_HIGH] if large else 0.0)


@polymorphic
def log1p_unit_double(x: float, rest: float) -> float:
    """Return log(1 + x + rest) for 0 <= x <= 1 and a rest below its last digit, in float64."""
    large = x > 0.5
    f = 0.5 * (x - 1.0) if large else x
    rest = 0.5 * rest if large else rest
    return _double_near(f, 1.0 if large else 0.0, fused(-0.8 * f, rest, rest))  # divided by 1 + f, nearly
