"""The logarithm of the gamma function and its derivatives, for x > 0: no branches, no calls, no tables.

Below 8 the recurrence Gamma(x + 1) = x*Gamma(x) leads to 1 <= x <= 2, where there is a polynomial (for trigamma: to 8
and beyond, as all terms are positive), from 8 on there is the asymptotic series (DLMF 5.11.1, 5.11.2, 5.15.8).  Names
with ``_parts`` take and return numbers in two parts, good to 2**-54; those without round them.
"""

from __future__ import annotations

import math

import numpy as np

from .bits import by_dtype, fused, polynomial
from .double_word import Twofold, multiply, two_sum
from .jit import inlined
from .parts import ending_in, log_of, quotient, shifted, short_log_of
from .special_coefficients import (
    DIGAMMA,
    DIGAMMA_LAST,
    DIGAMMA_ROOT,
    DIGAMMA_SHORT,
    DIGAMMA_TAIL,
    DIGAMMA_TAIL_SHORT,
    HALF_LOG_2_PI,
    LOGGAMMA,
    LOGGAMMA_LAST,
    LOGGAMMA_SHORT,
    LOGGAMMA_TAIL,
    LOGGAMMA_TAIL_SHORT,
    TETRAGAMMA_TAIL,
    TETRAGAMMA_TAIL_SHORT,
    TRIGAMMA_TAIL,
    TRIGAMMA_TAIL_SHORT,
)

_TAIL = 8.0
_STEPS_DOWN, _STEPS_UP = 6, 8
_TINY = 1e-60  # below, digamma is -1/x, trigamma 1/x**2, and tetragamma -2/x**3
_STIRLING = (HALF_LOG_2_PI[0] - 0.5, HALF_LOG_2_PI[1])
_LIFT, _LIFTED = 2.0**54, 54.0 * math.log(2.0)  # of subnormal numbers
_LEAST = 2.0**-1022
_MOST = 2.5563481638716906e305  # beyond, loggamma is infinite


@inlined
def _down(x: Twofold) -> tuple[Twofold, Twofold]:
    """Return f with 0 <= f <= 1 and the product of x - 1, x - 2, ..., 1 + f; x itself below 1."""
    y, factor = x, (1.0, 0.0)
    for _ in range(_STEPS_DOWN):
        less, large = (y[0] - 1.0, y[1]), y[0] >= 2.0
        longer = multiply(factor, less)
        y = less[0] if large else y[0], y[1]
        factor = longer[0] if large else factor[0], longer[1] if large else factor[1]
    small = x[0] < 1.0
    return (x[0] if small else y[0] - 1.0, x[1]), (x[0] if small else factor[0], x[1] if small else factor[1])


@inlined
def loggamma_parts(x: Twofold) -> Twofold:
    """Return the logarithm of the gamma function."""
    f, factor = _down(x)
    middle = two_sum(f[0], -0.5)
    unit = ending_in((middle[0], middle[1] + f[1]), polynomial(middle[0], LOGGAMMA), LOGGAMMA_LAST)
    near = multiply(multiply(f, shifted(f, (-1.0, 0.0))), unit)
    large, small, lifted = x[0] >= _TAIL, x[0] < 1.0, x[0] < _LEAST
    argument = x[0] * _LIFT if lifted else x[0] if large else factor[0]
    log = log_of((argument, 0.0 if lifted else x[1] if large else factor[1]), factor, False)
    log = shifted(log, (-_LIFTED if lifted else 0.0, 0.0))
    high, low = shifted(near, (-log[0] if small else log[0], -log[1] if small else log[1]))
    inverse = 1.0 / x[0]
    series = inverse * polynomial(inverse * inverse, LOGGAMMA_TAIL)
    far = shifted(multiply(shifted(x, (-0.5, 0.0)), shifted(log, (-1.0, 0.0))), _STIRLING)
    return far[0] if large else high, far[1] + series if large else low


@inlined
def digamma_parts(x: Twofold) -> Twofold:
    """Return the derivative of loggamma."""
    large, small = x[0] >= _TAIL, x[0] < 1.0
    y, above, below = x, (0.0, 0.0), (1.0, 0.0)  # a quotient: the sum of 1/(x - 1), 1/(x - 2), ...
    for _ in range(_STEPS_DOWN):
        less, more = (y[0] - 1.0, y[1]), y[0] >= 2.0
        next_above, next_below = shifted(multiply(above, less), below), multiply(below, less)
        y = less[0] if more else y[0], y[1]
        above = next_above[0] if more else above[0], next_above[1] if more else above[1]
        below = next_below[0] if more else below[0], next_below[1] if more else below[1]
    f = x[0] if small else y[0] - 1.0
    alone = small or large  # with -1/x, or with -1/(2*x)
    above = (-0.5 if large else -1.0) if alone else above[0], 0.0 if alone else above[1]
    below = x[0] if alone else below[0], x[1] if alone else below[1]
    middle = two_sum(f, -0.5)
    unit = ending_in((middle[0], middle[1] + x[1]), polynomial(middle[0], DIGAMMA), DIGAMMA_LAST)
    near = multiply(shifted((f, x[1]), (-DIGAMMA_ROOT[0], -DIGAMMA_ROOT[1])), unit)
    log = log_of(x, x, False)
    total, rest = shifted((log[0] if large else near[0], log[1] if large else near[1]), quotient(above, below))
    inverse = 1.0 / x[0]
    square = inverse * inverse
    return total, rest - square * polynomial(square, DIGAMMA_TAIL) if large else rest


@inlined
def _step_up(above: Twofold, below: Twofold, y: Twofold, cubed: bool) -> tuple[Twofold, Twofold, Twofold]:
    """Add 1/y**2, or 1/y**3, to the quotient, and 1 to y, below 8."""
    square, small = multiply(y, y), y[0] < _TAIL
    power = multiply(square, y) if cubed else square
    next_above, next_below, more = shifted(multiply(above, power), below), multiply(below, power), two_sum(1.0, y[0])
    return (
        (next_above[0] if small else above[0], next_above[1] if small else above[1]),
        (next_below[0] if small else below[0], next_below[1] if small else below[1]),
        (more[0] if small else y[0], more[1] + y[1] if small else y[1]),
    )


@inlined
def _up(x: Twofold, cubed: bool) -> tuple[Twofold, Twofold, Twofold]:
    """Return above and below of the sum of 1/x**2 (or 1/x**3), 1/(x + 1)**2, ... and the first x + n beyond 8."""
    above, below, y = _step_up((0.0, 0.0), (1.0, 0.0), x, cubed)  # no loop: LLVM does not unroll one of this length
    above, below, y = _step_up(above, below, y, cubed)
    above, below, y = _step_up(above, below, y, cubed)
    above, below, y = _step_up(above, below, y, cubed)
    above, below, y = _step_up(above, below, y, cubed)
    above, below, y = _step_up(above, below, y, cubed)
    above, below, y = _step_up(above, below, y, cubed)
    return _step_up(above, below, y, cubed)


@inlined
def trigamma_parts(x: Twofold) -> Twofold:
    """Return the derivative of digamma."""
    above, below, y = _up(x, False)
    inverse = quotient((1.0, 0.0), y)
    square = inverse[0] * inverse[0]
    series = square * fused(inverse[0], polynomial(square, TRIGAMMA_TAIL), 0.5)
    total, rest = shifted(quotient(above, below), inverse)
    return total, rest + series


@inlined
def tetragamma_parts(x: Twofold) -> Twofold:
    """Return the derivative of trigamma."""
    above, below, y = _up(x, True)
    inverse = quotient((1.0, 0.0), y)
    square = multiply(inverse, inverse)
    series = inverse[0] * square[0] * fused(inverse[0], polynomial(square[0], TETRAGAMMA_TAIL), 1.0)
    total, rest = shifted(quotient((-2.0 * above[0], -2.0 * above[1]), below), (-square[0], -square[1]))
    return total, rest - series


# -- rounded, in float64 -----------------------------------------------------------------------------


@inlined
def _loggamma_double(x: float) -> float:
    high, low = loggamma_parts((x, 0.0))
    result = high + low if x <= _MOST else x + math.inf
    return result if x > 0.0 else math.inf if x == 0.0 else math.nan


@inlined
def _digamma_double(x: float) -> float:
    high, low = digamma_parts((x, 0.0))
    result = -1.0 / x if x < _TINY else high + low if x < math.inf else x
    return result if x > 0.0 else -math.inf if x == 0.0 else math.nan


@inlined
def _power_of_inverse(x: float, cubed: bool) -> float:
    """Return 1/x**2, or 1/x**3."""
    inverse = quotient((1.0, 0.0), (x, 0.0))
    power = multiply(inverse, inverse)
    power = multiply(power, inverse) if cubed else power
    result = power[0] + power[1]
    return result if result < math.inf else math.inf


@inlined
def _trigamma_double(x: float) -> float:
    high, low = trigamma_parts((x, 0.0))
    result = _power_of_inverse(x, False) if x < _TINY else high + low if x < math.inf else 0.0
    return result if x > 0.0 else math.inf if x == 0.0 else math.nan


@inlined
def _tetragamma_double(x: float) -> float:
    high, low = tetragamma_parts((x, 0.0))
    result = -2.0 * _power_of_inverse(x, True) if x < _TINY else high + low if x < math.inf else -0.0
    return result if x > 0.0 else -math.inf if x == 0.0 else math.nan


# -- in float32: by way of float64 -------------------------------------------------------------------


@inlined
def _short_down(x: float) -> tuple[float, float, float]:
    """Return f, the product of x - 1, ..., 1 + f, and the sum of their inverses times that."""
    y, factor, total = x, 1.0, 0.0
    for _ in range(_STEPS_DOWN):
        less, large = y - 1.0, y >= 2.0
        total = fused(total, less, factor) if large else total
        factor = factor * less if large else factor
        y = less if large else y
    return y - 1.0, factor, total


@inlined
def _loggamma_single(x: float) -> np.float32:
    wide = np.float64(x)
    f, factor, _ = _short_down(wide)
    small, large = wide < 1.0, wide >= _TAIL
    f = wide if small else f
    argument = wide if small or large else factor
    log = short_log_of(argument, argument, False)
    near = f * (f - 1.0) * polynomial(f - 0.5, LOGGAMMA_SHORT) + (-log if small else log)
    inverse = 1.0 / wide
    far = fused(wide - 0.5, log - 1.0, _STIRLING[0]) + inverse * polynomial(inverse * inverse, LOGGAMMA_TAIL_SHORT)
    result = np.float32((far if large else near) if x < math.inf else wide)
    return result if x > 0.0 else np.float32(math.inf if x == 0.0 else math.nan)


@inlined
def _digamma_single(x: float) -> np.float32:
    wide = np.float64(x)
    f, below, above = _short_down(wide)
    small, large = wide < 1.0, wide >= _TAIL
    f = wide if small else f
    above, below = -0.5 if large else -1.0 if small else above, wide if small or large else below
    near = ((f - DIGAMMA_ROOT[0]) - DIGAMMA_ROOT[1]) * polynomial(f - 0.5, DIGAMMA_SHORT)
    inverse = 1.0 / wide
    square = inverse * inverse
    far = short_log_of(wide, wide, False) - square * polynomial(square, DIGAMMA_TAIL_SHORT)
    result = np.float32((far if large else near) + above / below if x < math.inf else wide)
    return result if x > 0.0 else np.float32(-math.inf if x == 0.0 else math.nan)


@inlined
def _short_up(x: float, cubed: bool) -> tuple[float, float]:
    y, above, below = x, 0.0, 1.0
    for _ in range(_STEPS_UP):
        power, small = y * y * y if cubed else y * y, y < _TAIL
        above = fused(above, power, below) if small else above
        below = below * power if small else below
        y = y + 1.0 if small else y
    return above / below, 1.0 / y


@inlined
def _trigamma_single(x: float) -> np.float32:
    total, inverse = _short_up(np.float64(x), False)
    square = inverse * inverse
    series = square * fused(inverse, polynomial(square, TRIGAMMA_TAIL_SHORT), 0.5)
    result = np.float32(total + (inverse + series))
    return result if x > 0.0 else np.float32(math.inf if x == 0.0 else math.nan)


@inlined
def _tetragamma_single(x: float) -> np.float32:
    total, inverse = _short_up(np.float64(x), True)
    square = inverse * inverse
    series = inverse * square * fused(inverse, polynomial(square, TETRAGAMMA_TAIL_SHORT), 1.0)
    result = np.float32(-(2.0 * total + (square + series)))
    return result if x > 0.0 else np.float32(-math.inf if x == 0.0 else math.nan)


loggamma = by_dtype(_loggamma_single, _loggamma_double)
digamma = by_dtype(_digamma_single, _digamma_double)
trigamma = by_dtype(_trigamma_single, _trigamma_double)
tetragamma = by_dtype(_tetragamma_single, _tetragamma_double)
