"""What special functions compute with beside `double_word`: quotients, polynomials and logarithms in two floats.

Sums and quotients here leave their parts as they come, where `double_word` orders them.  The `short` forms are for
float32 results: in float64, with polynomials that are as good as those results need.
"""

from __future__ import annotations

import math

from .bits import fused, polynomial, raised, split
from .coefficients import EXP_SINGLE, LOG_DOUBLE, LOG_SINGLE
from .double_word import Twofold, fast_two_sum, multiply, two_sum
from .jit import inlined

ROUNDER = 1.5 * 2.0**52 + 1023.0  # what rounds to whole numbers, with the bias of exponents
_LOG_2 = math.log(2.0)
_LOG_2_HIGH, _LOG_2_LOW = float.fromhex("0x1.62e42fefa38p-1"), float.fromhex("0x1.ef35793c7673p-45")


@inlined
def quotient(a: Twofold, b: Twofold) -> Twofold:
    """Return a / b."""
    inverse = 1.0 / b[0]
    high = a[0] * inverse
    return high, (fused(-high, b[0], a[0]) + fused(-high, b[1], a[1])) * inverse


@inlined
def shifted(a: Twofold, b: Twofold) -> Twofold:
    """Return a + b."""
    total, rest = two_sum(a[0], b[0])
    return total, rest + (a[1] + b[1])


@inlined
def ending_in(x: Twofold, upper: float, last: tuple[Twofold, Twofold]) -> Twofold:
    """Return a polynomial from what is above its last two terms."""
    return shifted(last[1], multiply(x, shifted(last[0], multiply(x, (upper, 0.0)))))


@inlined
def log_of(x: Twofold, above_one: Twofold, near_one: bool) -> Twofold:
    """Return log(x) for a normal x, given what it is above 1 where that is known better."""
    m, k = split(x[0])
    near = near_one and k == 0.0
    f = above_one[0] if near else m - 1.0
    rest = above_one[1] if near else x[1] * raised(ROUNDER - (k if k < 1000.0 else 1000.0))  # or it counts for nothing
    whole, lost = fast_two_sum(2.0, f)
    s, s_rest = quotient((f, rest), (whole, lost + rest))
    square = s * s
    high, low = fast_two_sum(2.0 * s, s * square * polynomial(square, LOG_DOUBLE))
    total, lost = fast_two_sum(k * _LOG_2_HIGH, high)
    return total, lost + (low + fused(2.0, s_rest, k * _LOG_2_LOW))


@inlined
def short_log_of(x: float, above_one: float, near_one: bool) -> float:
    """Return log(x) as `log_of` does, to 2**-27."""
    m, k = split(x)
    f = above_one if near_one and k == 0.0 else m - 1.0
    square = f * f
    result = fused(k, _LOG_2, fused(f * square, polynomial(f, LOG_SINGLE), fused(-0.5, square, f)))
    return result if x == x else x  # whose bits have been split


@inlined
def short_exp(x: float) -> float:
    """Return exp(x) for x <= 0 to 2**-28; 0 below the range of float32."""
    x = -200.0 if x < -200.0 else x
    shifted = fused(x, 1.0 / _LOG_2, ROUNDER)
    r = fused(shifted - ROUNDER, -_LOG_2, x)
    return fused(r * r, polynomial(r, EXP_SINGLE), 1.0 + r) * raised(shifted)
