"""What special functions compute with: exact sums, products and quotients in two floats, and logarithms of those.

A tuple (high, low) stands for high + low.  The `short` forms are for float32 results: in float64, with polynomials
that are as good as those results need.
"""

from __future__ import annotations

import math

from .bits import fused, polynomial, raised, split
from .coefficients import EXP_SINGLE, LOG_DOUBLE, LOG_SINGLE
from .jit import inlined

Parts = tuple[float, float]

ROUNDER = 1.5 * 2.0**52 + 1023.0  # what rounds to whole numbers, with the bias of exponents
_LOG_2 = math.log(2.0)
_LOG_2_HIGH, _LOG_2_LOW = float.fromhex("0x1.62e42fefa38p-1"), float.fromhex("0x1.ef35793c7673p-45")


@inlined
def sum_of(a: float, b: float) -> Parts:
    """Return a + b."""
    total = a + b
    back = total - a
    return total, (a - (total - back)) + (b - back)


@inlined
def ordered_sum(a: float, b: float) -> Parts:
    """Return a + b where a is the larger, or 0."""
    total = a + b
    return total, b - (total - a)


@inlined
def product(a: Parts, b: Parts) -> Parts:
    """Return a * b."""
    high = a[0] * b[0]
    return high, fused(a[0], b[0], -high) + fused(a[0], b[1], a[1] * b[0])


@inlined
def quotient(a: Parts, b: Parts) -> Parts:
    """Return a / b."""
    inverse = 1.0 / b[0]
    high = a[0] * inverse
    return high, (fused(-high, b[0], a[0]) + fused(-high, b[1], a[1])) * inverse


@inlined
def shifted(a: Parts, b: Parts) -> Parts:
    """Return a + b."""
    total, rest = sum_of(a[0], b[0])
    return total, rest + (a[1] + b[1])


@inlined
def ending_in(x: Parts, upper: float, last: tuple[Parts, Parts]) -> Parts:
    """Return a polynomial from what is above its last two terms."""
    return shifted(last[1], product(x, shifted(last[0], product(x, (upper, 0.0)))))


@inlined
def log_of(x: Parts, above_one: Parts, near_one: bool) -> Parts:
    """Return log(x) for a normal x, given what it is above 1 where that is known better."""
    m, k = split(x[0])
    near = near_one and k == 0.0
    f = above_one[0] if near else m - 1.0
    rest = above_one[1] if near else x[1] * raised(ROUNDER - (k if k < 1000.0 else 1000.0))  # or it counts for nothing
    whole, lost = ordered_sum(2.0, f)
    s, s_rest = quotient((f, rest), (whole, lost + rest))
    square = s * s
    high, low = ordered_sum(2.0 * s, s * square * polynomial(square, LOG_DOUBLE))
    total, lost = ordered_sum(k * _LOG_2_HIGH, high)
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
