"""exp and the logistic function of numbers in two parts, and what multiplies them before they overflow or underflow.

As in `twofold`: good to 2**-56, without infinities and NaN, without branches.
"""

from __future__ import annotations

import math

from .bits import fused, polynomial, raised
from .coefficients import EXP_CUBIC
from .double_word import (
    Twofold,
    absolute,
    add,
    fast_two_sum,
    fast_two_sum_of,
    multiply,
    subtract,
    two_product,
    two_sum,
)
from .jit import inlined

ROUNDER = 1.5 * 2.0**52 + 1023.0  # x + this - this is x rounded to a whole number; and the bias of exponents
_INVERSE_LOG_2 = 1.0 / math.log(2.0)
# log(2) in parts: a whole number of up to 2**11 times the first is exact.
_LOG_2 = (float.fromhex("0x1.62e42fefa38p-1"), float.fromhex("0x1.ef35793c7673p-45"))
_LOG_2_REST = float.fromhex("0x1.f97b57a079a19p-103")
_LIFT, _DROP = 900.0, 2.0**-900  # a step for exponents below those of normal numbers
_LIFTED = 2.0**64  # what `exponential.lifted` multiplies by


@inlined
def scaled(x: Twofold, power: float) -> Twofold:
    """Return x * 2**power for a whole number, in two steps as either may be beyond the floats."""
    half = fused(power, 0.5, ROUNDER) - ROUNDER
    first, second = raised(half + ROUNDER), raised(power - half + ROUNDER)
    return x[0] * first * second, x[1] * first * second


@inlined
def times_log_2(k: float) -> Twofold:
    """Return k*log(2) for a whole number up to 2**11."""
    high, low = fast_two_sum(k * _LOG_2[0], k * _LOG_2[1])
    return high, low + fused(k, _LOG_2[1], -(k * _LOG_2[1])) + k * _LOG_2_REST


@inlined
def _reduce(x: Twofold) -> tuple[float, Twofold]:
    """Return k and r with x = k*log(2) + r, abs(r) < 0.36."""
    k = fused(x[0], _INVERSE_LOG_2, ROUNDER) - ROUNDER
    first = fused(k, -_LOG_2[0], x[0])
    high, low = two_product(k, -_LOG_2[1])
    r, rest = two_sum(first, high)
    return k, fast_two_sum(r, rest + (low + fused(k, -_LOG_2_REST, x[1])))


@inlined
def _reduced_expm1(r: Twofold) -> Twofold:
    """Return exp(r) - 1 for abs(r) < 0.36: the square in two parts, what is beyond it in one."""
    high, low = two_product(0.5 * r[0], r[0])
    cube = r[0] * r[0] * r[0]
    total, rest = fast_two_sum(r[0], high)
    return fast_two_sum(total, rest + (fused(r[0], r[1], r[1] + low) + cube * polynomial(r[0], EXP_CUBIC)))


@inlined
def exp(x: Twofold) -> Twofold:
    """Return exp(x); NaN in the lower part where that is infinite."""
    high = -800.0 if x[0] < -800.0 else x[0]
    high = 720.0 if high > 720.0 else high
    k, r = _reduce((high, x[1]))
    part = _reduced_expm1(r)
    high, low = fast_two_sum(1.0, part[0])
    return scaled((high, low + part[1]), k)


@inlined
def expm1(x: Twofold) -> Twofold:
    """Return exp(x) - 1."""
    high = -800.0 if x[0] < -800.0 else x[0]
    k, r = _reduce((720.0 if high > 720.0 else high, x[1]))
    part = _reduced_expm1(r)
    large = subtract(scaled(add((1.0, 0.0), part), k), (1.0, 0.0))
    return part if k == 0.0 else large


@inlined
def _small_by(x: Twofold, factor: float) -> Twofold:
    """Return exp(-abs(x)) * 2**900 * factor, of which the first two are not subnormal."""
    size = absolute(x)
    k, r = _reduce((-size[0] if size[0] < 800.0 else -800.0, 0.0 - size[1]))
    part = _reduced_expm1(r)
    high, low = fast_two_sum(1.0, part[0])
    scale = raised(k + (ROUNDER + _LIFT))
    return high * scale * factor, (low + part[1]) * scale * factor


@inlined
def small(x: Twofold) -> Twofold:
    """Return exp(-abs(x)), which is at most 1: nothing overflows, and its exponent takes one step."""
    return _small_by(x, _DROP)


@inlined
def over(x: Twofold, y: Twofold, inverse: float) -> Twofold:
    """Return x / y for a y between 1 and 4, given the rounded inverse of its higher part."""
    quotient = x[0] * inverse
    high, low = two_product(quotient, y[0])
    rest = ((x[0] - high) - low) + fused(-quotient, y[1], x[1])
    return fast_two_sum(quotient, rest * inverse)


@inlined
def sigmoid(x: Twofold) -> Twofold:
    """Return 1 / (1 + exp(-x))."""
    part = small(x)
    whole = fast_two_sum_of(1.0, part)
    return over((1.0, 0.0) if x[0] >= 0.0 else part, whole, 1.0 / whole[0])


@inlined
def logistic_density(x: Twofold) -> Twofold:
    """Return sigmoid(x) * sigmoid(-x)."""
    part = small(x)
    whole = fast_two_sum_of(1.0, part)
    inverse = 1.0 / whole[0]
    return over(over(part, whole, inverse), whole, inverse)


@inlined
def _shifted(x: Twofold, power: float) -> Twofold:
    """Return x * 2**power for a power up to 900 in magnitude."""
    factor = raised(power + ROUNDER)
    return x[0] * factor, x[1] * factor


@inlined
def times_exp(x: Twofold, k: Twofold) -> Twofold:
    """Return k * exp(x): half of the power of two before k, half of it after, so that no step is subnormal."""
    lift = _LIFT if abs(k[0]) < _DROP else 0.0
    least, largest = 0.7 * lift - 1400.0, 0.7 * lift + 1400.0  # beyond, the result is 0 or infinite
    high = least if x[0] < least else x[0]
    power, r = _reduce((largest if high > largest else high, x[1]))
    part = _reduced_expm1(r)
    high, low = fast_two_sum(1.0, part[0])
    power = power - lift
    half = fused(power, 0.5, ROUNDER) - ROUNDER
    first, second = raised(half + ROUNDER), raised(power - half + ROUNDER)
    product = multiply((high * first, (low + part[1]) * first), _shifted(k, lift))
    return product[0] * second, product[1] * second


@inlined
def times_expm1(x: Twofold, k: Twofold) -> Twofold:
    """Return k * (exp(x) - 1)."""
    near, far = multiply(k, expm1((60.0 if x[0] > 60.0 else x[0], x[1]))), subtract(times_exp(x, k), k)
    return near if x[0] < 60.0 else far


@inlined
def lifted(x: Twofold) -> Twofold:
    """Return x * 2**64."""
    return x[0] * _LIFTED, x[1] * _LIFTED


@inlined
def lowered(x: Twofold) -> Twofold:
    """Return x / 2**64."""
    return x[0] / _LIFTED, x[1] / _LIFTED


@inlined
def lifted_sigmoid(x: Twofold) -> Twofold:
    """Return 2**64 / (1 + exp(-x))."""
    part = small(x)
    whole = fast_two_sum_of(1.0, part)
    return over((_LIFTED, 0.0) if x[0] >= 0.0 else _small_by(x, _LIFTED * _DROP), whole, 1.0 / whole[0])


@inlined
def lifted_logistic_density(x: Twofold) -> Twofold:
    """Return 2**64 * sigmoid(x) * sigmoid(-x)."""
    whole = fast_two_sum_of(1.0, small(x))
    inverse = 1.0 / whole[0]
    return over(over(_small_by(x, _LIFTED * _DROP), whole, inverse), whole, inverse)
