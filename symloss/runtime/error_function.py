"""The error function and what comes of it: no branches, no calls, no tables, so that loops become vectors.

All are made of exp(-x**2) and of one polynomial for exp(x**2)*erfc(x)*(1 + 2*x) in t = (x - 3)/(x + 3), for x >= 1/2:
Shepherd & Laframboise (1981), Chebyshev approximation of (1 + 2x)exp(x^2)erfc x in 0 <= x < infinity, with
coefficients of our own.  Names with ``_parts`` take and return numbers in two parts, good to 2**-55; those without
round them, and in float32 do with less.
"""

from __future__ import annotations

import math

import numpy as np

from .bits import by_dtype, fused, polynomial
from .double_word import Twofold, fast_two_sum, multiply, two_sum
from .exponential import exp_nonpositive_parts
from .jit import inlined
from .parts import ending_in, log_of, quotient, shifted, short_exp, short_log_of
from .special_coefficients import (
    ERF,
    ERF_SHORT,
    ERFC_EXCESS,
    ERFC_EXCESS_LAST,
    ERFC_EXCESS_SHORT,
    ERFC_SCALED,
    ERFC_SCALED_LAST,
    ERFC_SCALED_SHORT,
    TWO_OVER_ROOT_PI,
)

_MIDDLE = 3.0
_NEAR = 0.5  # below, erf is a polynomial
_NOTHING = 39.0  # exp(-x**2) is 0 from here on
_LIFTED, _LIFT = 10.0, 2.0**64  # from where on exp(-x**2) is lifted, so that nothing is subnormal but results; how far
_LOG_LIFT = (float.fromhex("0x1.62e42fefa39efp+5"), float.fromhex("0x1.abc9e3b39803fp-50"))  # its logarithm
_HUGE = 1e300  # the same as infinity in t
_FAR = 1e9  # from here on the hazard is 2*x, its excess 1/x


@inlined
def _size(x: Twofold) -> Twofold:
    return -x[0] if x[0] < 0.0 else x[0], -x[1] if x[0] < 0.0 else x[1]


@inlined
def _spread(size: Twofold) -> Twofold:
    """Return t."""
    above, above_rest = two_sum(size[0], -_MIDDLE)
    below, below_rest = two_sum(size[0], _MIDDLE)
    return quotient((above, above_rest + size[1]), (below, below_rest + size[1]))


@inlined
def _lifted_bell(size: Twofold) -> tuple[Twofold, float]:
    """Return exp(-x**2) over a power of 2, and that: the quotient is normal where it is not."""
    x = _NOTHING if size[0] > _NOTHING else size[0]
    square, far = x * x, x > _LIFTED
    shifted_, rest = two_sum(-square, _LOG_LIFT[0] if far else 0.0)
    high, low = exp_nonpositive_parts(shifted_)
    lost = fused(2.0 * x, size[1], fused(x, x, -square)) - (rest + (_LOG_LIFT[1] if far else 0.0))
    return (high, fused(-high, lost, low)), 1.0 / _LIFT if far else 1.0


@inlined
def _dropped(x: Twofold, drop: float) -> Twofold:
    return drop * x[0], drop * x[1]


@inlined
def _bell(size: Twofold) -> Twofold:
    """Return exp(-x**2)."""
    bell, drop = _lifted_bell(size)
    return _dropped(bell, drop)


@inlined
def _scaled(size: Twofold) -> tuple[Twofold, Twofold]:
    """Return above and below of exp(x**2) * erfc(x)."""
    t = _spread(size)
    below, rest = two_sum(1.0, 2.0 * size[0])
    return ending_in(t, polynomial(t[0], ERFC_SCALED), ERFC_SCALED_LAST), (below, fused(2.0, size[1], rest))


@inlined
def _finite(size: Twofold) -> Twofold:
    return _HUGE if size[0] > _HUGE else size[0], size[1]


@inlined
def _tail(size: Twofold) -> Twofold:
    """Return exp(x**2) * erfc(x)."""
    above, below = _scaled(_finite(size))
    return quotient(above, below)


@inlined
def _beyond(size: Twofold) -> Twofold:
    """Return erfc(x) for x >= 0."""
    return multiply(_bell(size), _tail(size))


@inlined
def _less(whole: float, x: Twofold) -> Twofold:
    """Return whole - x."""
    high, low = two_sum(whole, -x[0])
    return high, low - x[1]


@inlined
def _erf_near(x: Twofold) -> Twofold:
    """Return erf(x) near 0."""
    square = x[0] * x[0]
    high, low = multiply(TWO_OVER_ROOT_PI, (x[0], fused(-square, x[1], x[1])))
    return fast_two_sum(high, fused(x[0] * square, polynomial(square, ERF), low))


@inlined
def gaussian_parts(x: Twofold) -> Twofold:
    """Return exp(-x**2)."""
    return _bell(_size(x))


@inlined
def erf_parts(x: Twofold) -> Twofold:
    """Return the error function."""
    near, far = _erf_near(x), _less(1.0, _beyond(_size(x)))
    negative = x[0] < 0.0
    far = -far[0] if negative else far[0], -far[1] if negative else far[1]
    small = abs(x[0]) < _NEAR
    return near[0] if small else far[0], near[1] if small else far[1]


@inlined
def _lifted_erfc(x: Twofold) -> tuple[Twofold, float]:
    """Return erfc(x) over a power of 2, and that."""
    size = _size(x)
    (bell, drop), tail = _lifted_bell(size), _tail(size)
    beyond, near = multiply(bell, tail), _less(1.0, _erf_near(x))
    large, other = x[0] >= _NEAR, _less(2.0, _dropped(beyond, drop))
    left = other[0] if x[0] <= -_NEAR else near[0], other[1] if x[0] <= -_NEAR else near[1]
    return (beyond[0] if large else left[0], beyond[1] if large else left[1]), drop if large else 1.0


@inlined
def erfc_parts(x: Twofold) -> Twofold:
    """Return 1 - erf(x)."""
    beyond, drop = _lifted_erfc(x)
    return _dropped(beyond, drop)


@inlined
def _log(x: Twofold, share: float, above_one: Twofold, near_one: bool) -> Twofold:
    """Return log(share * erfc(x)), given what that is above 1."""
    size = _size(x)
    tail, whole, large = _tail(size), erfc_parts(x), x[0] >= _NEAR
    argument = share * (tail[0] if large else whole[0]), share * (tail[1] if large else whole[1])
    high, low = log_of(argument, above_one, near_one)
    square = size[0] * size[0]
    total, rest = two_sum(-square, high)
    rest += low - fused(2.0 * size[0], size[1], fused(size[0], size[0], -square))
    return total if large else high, rest if large else low


@inlined
def log_erfc_parts(x: Twofold) -> Twofold:
    """Return log(erfc(x))."""
    high, low = erf_parts(x)
    return _log(x, 1.0, (-high, -low), x[0] < _NEAR)


@inlined
def log_half_erfc_parts(x: Twofold) -> Twofold:
    """Return log(erfc(x) / 2)."""
    high, low = _beyond(_size(x))
    return _log(x, 0.5, (-0.5 * high, -0.5 * low), x[0] <= -_NEAR)


@inlined
def _lifted_hazard(x: Twofold) -> tuple[Twofold, float]:
    """Return the hazard over a power of 2, and that."""
    size = _size(x)
    (bell, drop), whole, (scaled, below), large = _lifted_bell(size), erfc_parts(x), _scaled(size), x[0] >= _NEAR
    above = below[0] if large else bell[0], below[1] if large else bell[1]
    divisor = scaled[0] if large else whole[0], scaled[1] if large else whole[1]
    return multiply(TWO_OVER_ROOT_PI, quotient(above, divisor)), 1.0 if large else drop


@inlined
def erfc_hazard_parts(x: Twofold) -> Twofold:
    """Return 2*exp(-x**2) / (sqrt(pi)*erfc(x))."""
    hazard, drop = _lifted_hazard(x)
    return _dropped(hazard, drop)


@inlined
def erfc_excess_parts(x: Twofold) -> Twofold:
    """Return 2*exp(-x**2) / (sqrt(pi)*erfc(x)) - 2*x."""
    size = _finite(_size(x))
    t = _spread(size)
    above, rest = two_sum(1.0, size[0])
    far = quotient(ending_in(t, polynomial(t[0], ERFC_EXCESS), ERFC_EXCESS_LAST), (above, rest + size[1]))
    near, large = shifted((-2.0 * x[0], -2.0 * x[1]), erfc_hazard_parts(x)), x[0] >= _NEAR
    return far[0] if large else near[0], far[1] if large else near[1]


@inlined
def _lifted_curvature(x: Twofold) -> tuple[Twofold, float]:
    """Return the product of the last two over a power of 2, and that."""
    hazard, drop = _lifted_hazard(x)
    return multiply(hazard, erfc_excess_parts(x)), drop


@inlined
def erfc_curvature_parts(x: Twofold) -> Twofold:
    """Return the product of the last two."""
    curvature, drop = _lifted_curvature(x)
    return _dropped(curvature, drop)


# -- rounded, in float64 -----------------------------------------------------------------------------


@inlined
def _erf_double(x: float) -> float:
    high, low = erf_parts((x, 0.0))
    return high + low


@inlined
def _erfc_double(x: float) -> float:
    (high, low), drop = _lifted_erfc((x, 0.0))
    return drop * (high + low)


@inlined
def _gaussian_double(x: float) -> float:
    (high, low), drop = _lifted_bell((abs(x), 0.0))
    return drop * (high + low)


@inlined
def _squared(x: float, result: float) -> float:
    """Return the result, and -x**2 where that overflows."""
    return -x * x if x > _HUGE or (x * x == math.inf and x > 0.0) else result


@inlined
def _log_erfc_double(x: float) -> float:
    high, low = log_erfc_parts((x, 0.0))
    return _squared(x, high + low)


@inlined
def _log_half_erfc_double(x: float) -> float:
    high, low = log_half_erfc_parts((x, 0.0))
    return _squared(x, high + low)


@inlined
def _erfc_hazard_double(x: float) -> float:
    (high, low), drop = _lifted_hazard((x, 0.0))
    return 2.0 * x if x > _FAR else drop * (high + low)


@inlined
def _erfc_excess_double(x: float) -> float:
    high, low = erfc_excess_parts((x, 0.0))
    return 1.0 / x if x > _FAR else -2.0 * x if x < -_FAR else high + low


@inlined
def _erfc_curvature_double(x: float) -> float:
    (high, low), drop = _lifted_curvature((x, 0.0))
    return 2.0 if x > _FAR else 0.0 if x < -_NOTHING else drop * (high + low)


# -- in float32: by way of float64, where x**2 is exact ----------------------------------------------


@inlined
def _short_scaled(size: float) -> float:
    """Return exp(x**2) * erfc(x) * (1 + 2*x)."""
    return polynomial((size - _MIDDLE) / (size + _MIDDLE), ERFC_SCALED_SHORT)


@inlined
def _short_beyond(size: float) -> float:
    return short_exp(-size * size) * _short_scaled(size) / fused(2.0, size, 1.0)


@inlined
def _short_erf_near(x: float) -> float:
    square = x * x
    return fused(x * square, polynomial(square, ERF_SHORT), TWO_OVER_ROOT_PI[0] * x)


@inlined
def _short_erf(x: float) -> float:
    far = 1.0 - _short_beyond(abs(x))
    return _short_erf_near(x) if abs(x) < _NEAR else -far if x < 0.0 else far


@inlined
def _short_erfc(x: float) -> float:
    beyond = _short_beyond(abs(x))
    return beyond if x >= _NEAR else 2.0 - beyond if x <= -_NEAR else 1.0 - _short_erf_near(x)


@inlined
def _short_log(x: float, share: float, above_one: float, near_one: bool) -> float:
    size, large = abs(x), x >= _NEAR
    argument = _short_scaled(size) / fused(2.0, size, 1.0) if large else _short_erfc(x)
    result = short_log_of(share * argument, above_one, near_one)
    return fused(-size, size, result) if large else result


@inlined
def _short_hazard(x: float) -> float:
    size, large = abs(x), x >= _NEAR
    above = fused(2.0, size, 1.0) if large else short_exp(-size * size)
    return TWO_OVER_ROOT_PI[0] * above / (_short_scaled(size) if large else _short_erfc(x))


@inlined
def _short_excess(x: float) -> float:
    far = polynomial((x - _MIDDLE) / (x + _MIDDLE), ERFC_EXCESS_SHORT) / (1.0 + x)
    return far if x >= _NEAR else _short_hazard(x) - 2.0 * x


@inlined
def _short(x: float) -> float:
    """Return a float32 as a float64; infinities as what is one in float32 when it is doubled."""
    size = np.float64(x)
    return 1e39 if size > 1e39 else -1e39 if size < -1e39 else size


@inlined
def _gaussian_single(x: float) -> np.float32:
    size = _short(x)
    return np.float32(short_exp(-size * size))


@inlined
def _erf_single(x: float) -> np.float32:
    return np.float32(_short_erf(_short(x)))


@inlined
def _erfc_single(x: float) -> np.float32:
    return np.float32(_short_erfc(_short(x)))


@inlined
def _log_erfc_single(x: float) -> np.float32:
    wide = _short(x)
    return np.float32(_short_log(wide, 1.0, -_short_erf(wide), wide < _NEAR))


@inlined
def _log_half_erfc_single(x: float) -> np.float32:
    wide = _short(x)
    return np.float32(_short_log(wide, 0.5, -0.5 * _short_beyond(abs(wide)), wide <= -_NEAR))


@inlined
def _erfc_hazard_single(x: float) -> np.float32:
    return np.float32(_short_hazard(_short(x)))


@inlined
def _erfc_excess_single(x: float) -> np.float32:
    result = np.float32(_short_excess(_short(x)))
    return np.float32(0.0) if x == math.inf else result


@inlined
def _erfc_curvature_single(x: float) -> np.float32:
    wide = _short(x)
    return np.float32(_short_hazard(wide) * _short_excess(wide))


gaussian = by_dtype(_gaussian_single, _gaussian_double)  # exp(-x**2)
erf = by_dtype(_erf_single, _erf_double)
erfc = by_dtype(_erfc_single, _erfc_double)
log_erfc = by_dtype(_log_erfc_single, _log_erfc_double)  # log(erfc(x))
log_half_erfc = by_dtype(_log_half_erfc_single, _log_half_erfc_double)  # log(erfc(x) / 2)
erfc_hazard = by_dtype(_erfc_hazard_single, _erfc_hazard_double)  # 2*exp(-x**2) / (sqrt(pi)*erfc(x))
erfc_curvature = by_dtype(_erfc_curvature_single, _erfc_curvature_double)  # the product of the two around it
erfc_excess = by_dtype(_erfc_excess_single, _erfc_excess_double)  # the hazard, less 2*x
