"""asinh, atan and hypot for float32 and float64: no branches, no calls, no tables, so that loops become vectors.

Names with ``_parts`` take and return numbers in two parts, good to 2**-55; those without round them, and in float32
compute in float64.
"""

from __future__ import annotations

import math

import numpy as np

from .bits import by_dtype, fused, polynomial
from .double_word import Twofold, multiply, two_sum
from .jit import inlined
from .parts import log_of, quotient, shifted, short_log_of
from .special_coefficients import ATAN, ATAN_SHORT, HALF_PI, LOG_2

_LARGE, _SMALL = 2.0**30, 2.0**-30  # asinh(x) is log(2*x) from here on, and x up to there
_INNER, _OUTER = math.sqrt(2.0) - 1.0, math.sqrt(2.0) + 1.0  # tangents of pi/8 and 3*pi/8


@inlined
def _root(x: Twofold) -> Twofold:
    """Return the square root of a positive number."""
    root = math.sqrt(x[0])
    return root, (fused(-root, root, x[0]) + x[1]) / (2.0 * root)


@inlined
def asinh_parts(x: Twofold) -> Twofold:
    """Return the inverse hyperbolic sine."""
    size = abs(x[0]), -x[1] if x[0] < 0.0 else x[1]
    large, small = size[0] > _LARGE, size[0] < _SMALL
    square = multiply(size, size)
    beside = shifted((1.0, 0.0), _root(shifted((1.0, 0.0), square)))
    above = shifted(size, quotient(square, beside))  # x + sqrt(1 + x**2) - 1
    whole = shifted((1.0, 0.0), above)
    argument = size[0] if large else whole[0], size[1] if large else whole[1]
    log = log_of(argument, above, not large)
    more = shifted(log, LOG_2)
    high = size[0] if small else more[0] if large else log[0]
    low = size[1] if small else more[1] if large else log[1]
    return -high if x[0] < 0.0 else high, -low if x[0] < 0.0 else low


@inlined
def atan_parts(x: Twofold) -> Twofold:
    """Return the inverse tangent: pi/4 + atan((x - 1)/(x + 1)), and pi/2 - atan(1/x), have small arguments."""
    size = abs(x[0]), -x[1] if x[0] < 0.0 else x[1]
    inner, outer = size[0] < _INNER, size[0] > _OUTER
    less, more = two_sum(size[0], -1.0), two_sum(size[0], 1.0)
    above = size[0] if inner else -1.0 if outer else less[0], size[1] if inner else 0.0 if outer else less[1] + size[1]
    below = 1.0 if inner else size[0] if outer else more[0], 0.0 if inner else size[1] if outer else more[1] + size[1]
    turn = 0.0 if inner else 1.0 if outer else 0.5
    t = quotient(above, below)
    square = t[0] * t[0]
    total, rest = two_sum(turn * HALF_PI[0], t[0])
    high, low = two_sum(total, fused(t[0] * square, polynomial(square, ATAN), rest))
    low += fused(turn, HALF_PI[1], t[1])
    return -high if x[0] < 0.0 else high, -low if x[0] < 0.0 else low


@inlined
def _asinh_double(x: float) -> float:
    high, low = asinh_parts((x, 0.0))
    return high + low if abs(x) < math.inf and x != 0.0 else x


@inlined
def _atan_double(x: float) -> float:
    far = 1e300 if x > 1e300 else -1e300 if x < -1e300 else x
    high, low = atan_parts((far, 0.0))
    return high + low if x != 0.0 else x


@inlined
def _hypot_double(x: float, y: float) -> float:
    size = abs(y) if abs(y) > abs(x) else abs(x)
    scale = 2.0**-600 if size > 2.0**500 else 2.0**600 if size < 2.0**-500 else 1.0
    a, b = (scale * x, 0.0), (scale * y, 0.0)
    high, low = _root(shifted(multiply(a, a), multiply(b, b)))
    result = (high + low) / scale if high > 0.0 else high
    return math.inf if abs(x) == math.inf or abs(y) == math.inf else result


# -- in float32: by way of float64 -------------------------------------------------------------------


@inlined
def _asinh_single(x: float) -> np.float32:
    size = abs(np.float64(x))
    square = size * size
    above = size + square / (1.0 + math.sqrt(1.0 + square))
    result = np.float32(size if size < _SMALL else short_log_of(1.0 + above, above, True))
    result = result if size < math.inf else np.float32(size)
    return -result if x < 0.0 else result if x != 0.0 else np.float32(x)


@inlined
def _atan_single(x: float) -> np.float32:
    size = abs(np.float64(x))
    inner, outer = size < _INNER, size > _OUTER
    t = (size if inner else -1.0 if outer else size - 1.0) / (1.0 if inner else size if outer else size + 1.0)
    square = t * t
    turn = 0.0 if inner else HALF_PI[0] if outer else 0.5 * HALF_PI[0]
    result = np.float32(turn + fused(t * square, polynomial(square, ATAN_SHORT), t))
    return -result if x < 0.0 else result if x != 0.0 else np.float32(x)


@inlined
def _hypot_single(x: float, y: float) -> np.float32:
    a, b = np.float64(x), np.float64(y)
    result = np.float32(math.sqrt(fused(a, a, b * b)))
    return np.float32(math.inf) if abs(x) == math.inf or abs(y) == math.inf else result


asinh = by_dtype(_asinh_single, _asinh_double)
atan = by_dtype(_atan_single, _atan_double)
hypot = by_dtype(_hypot_single, _hypot_double)  # sqrt(x**2 + y**2)
