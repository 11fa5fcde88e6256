"""exp and expm1 for float32 and float64: no branches, no calls, no tables, so that loops become vectors.

x = k*log(2) + r with a whole k (Cody & Waite), a polynomial for exp(r), and 2**k put together bit by bit.
"""

from __future__ import annotations

import math

from .bits import by_dtype, fused, polynomial, raised
from .coefficients import EXP_DOUBLE, EXP_SINGLE
from .jit import polymorphic

_INVERSE_LOG_2 = 1.0 / math.log(2.0)
# log(2) in two parts, of which the first times k needs no rounding; what rounds to whole numbers, with the bias of
# exponents; where exp is 0 and infinite; an exponent e for which 2**(k + e) is normal though 2**k is not, and 2**-e.
_SINGLE = (
    float.fromhex("0x1.62e4p-1"), float.fromhex("0x1.7f7d1cp-20"), 1.5 * 2.0**23 + 127.0,
    -104.0, 89.0, 100.0, 2.0**-100,
)  # fmt: skip
_DOUBLE = (
    float.fromhex("0x1.62e42fefa38p-1"), float.fromhex("0x1.ef35793c7673p-45"), 1.5 * 2.0**52 + 1023.0,
    -746.0, 710.0, 900.0, 2.0**-900,
)  # fmt: skip
_HIGH, _LOW, _ROUNDER, _LEAST, _LARGEST, _LIFT, _DROP = range(7)


@polymorphic
def _single(x: float) -> tuple[float, ...]:
    return _SINGLE


@polymorphic
def _double(x: float) -> tuple[float, ...]:
    return _DOUBLE


@polymorphic
def _single_polynomial(r: float) -> float:
    return polynomial(r, EXP_SINGLE)


@polymorphic
def _double_polynomial(r: float) -> float:
    return polynomial(r, EXP_DOUBLE)


_constants = by_dtype(_single, _double)
_polynomial = by_dtype(_single_polynomial, _double_polynomial)


@polymorphic
def _reduced(x: float) -> tuple[float, float, float]:
    """Return k with what rounds to whole numbers, r, and what r lacks to exp(r) - 1, its rounding error included."""
    c = _constants(x)
    shifted = fused(x, _INVERSE_LOG_2, c[_ROUNDER])
    k = shifted - c[_ROUNDER]
    near = fused(k, -c[_HIGH], x)
    r = fused(k, -c[_LOW], near)
    return shifted, r, fused(r * r, _polynomial(r), fused(k, -c[_LOW], near - r))


@polymorphic
def _one_plus(r: float, tail: float) -> float:
    high = 1.0 + r
    return high + ((r - (high - 1.0)) + tail)


@polymorphic
def exp_nonpositive(x: float) -> float:
    """Return exp(x) for x <= 0."""
    c = _constants(x)
    x = c[_LEAST] if x < c[_LEAST] else x
    shifted, r, tail = _reduced(x)
    return _one_plus(r, tail) * raised(shifted + c[_LIFT]) * c[_DROP]


@polymorphic
def exp_nonpositive_parts(x: float) -> tuple[float, float]:
    """Return exp(x) for x <= 0, and what it lacks: a number in two parts."""
    c = _constants(x)
    x = c[_LEAST] if x < c[_LEAST] else x
    shifted, r, tail = _reduced(x)
    whole = 1.0 + r
    rest = (r - (whole - 1.0)) + tail
    high = whole + rest
    scale = raised(shifted + c[_LIFT])
    return high * scale * c[_DROP], (rest - (high - whole)) * scale * c[_DROP]


@polymorphic
def exp(x: float) -> float:
    """Return exp(x)."""
    c = _constants(x)
    x = c[_LEAST] if x < c[_LEAST] else x
    x = c[_LARGEST] if x > c[_LARGEST] else x
    shifted, r, tail = _reduced(x)
    half = fused(shifted - c[_ROUNDER], 0.5, c[_ROUNDER])  # 2**k may be subnormal, or infinite
    return _one_plus(r, tail) * raised(half) * raised(shifted - (half - c[_ROUNDER]))


@polymorphic
def _expm1_of(shifted: float, r: float, tail: float) -> float:
    """Return exp(x) - 1, given what `_reduced` returns."""
    half = raised(shifted - 1.0)  # half of everything: 2**k may be infinite
    base = half - 0.5
    high = fused(half, r, base)
    low = fused(half, r, base - high) + ((half - base) - 0.5)
    return r + tail if shifted == _constants(r)[_ROUNDER] else 2.0 * (high + fused(half, tail, low))


@polymorphic
def expm1(x: float) -> float:
    """Return exp(x) - 1."""
    c = _constants(x)
    least = -0.5 * c[_LARGEST]  # far below where it is -1
    x = least if x < least else x
    x = c[_LARGEST] if x > c[_LARGEST] else x
    shifted, r, tail = _reduced(x)
    return _expm1_of(shifted, r, tail)


# Taylor coefficients of (exp(x) - 1 - x - x**2/2) / x**3, for abs(x) < 1/2.
_CUBIC_SINGLE = tuple(1.0 / math.factorial(n) for n in range(10, 2, -1))
_CUBIC_DOUBLE = tuple(1.0 / math.factorial(n) for n in range(16, 2, -1))


@polymorphic
def _cubic_single(x: float) -> float:
    return polynomial(x, _CUBIC_SINGLE)


@polymorphic
def _cubic_double(x: float) -> float:
    return polynomial(x, _CUBIC_DOUBLE)


_cubic = by_dtype(_cubic_single, _cubic_double)


@polymorphic
def _sum_exactly(a: float, b: float) -> tuple[float, float]:
    """Return a + b, and what rounding takes from it; NaN where they are infinite."""
    total = a + b
    back = total - a
    return total, (a - (total - back)) + (b - back)


@polymorphic
def _expm1mx_of(x: float, shifted: float, r: float, tail: float) -> float:
    """Return exp(x) - 1 - x, given what `_reduced` returns.

    Near 0 the square is taken in two parts; elsewhere every term is, half of it, as 2**k may be infinite.
    """
    square = x * x
    near = fused(0.5, square, fused(square * x, _cubic(x), 0.5 * fused(x, x, -square)))
    half = raised(shifted - 1.0)
    less = half - 0.5
    apart, lost = _sum_exactly(less, -0.5 * x)
    high, rest = _sum_exactly(apart, half * r)
    far = 2.0 * (high + fused(half, tail, rest + (lost + ((half - less) - 0.5))))
    return near if abs(x) < 0.5 else far if abs(x) < math.inf else abs(x)


@polymorphic
def expm1mx(x: float) -> float:
    """exp(x) - 1 - x."""
    c = _constants(x)
    least = -0.5 * c[_LARGEST]  # far below where exp(x) counts
    x = c[_LARGEST] if x > c[_LARGEST] else x
    shifted, r, tail = _reduced(least if x < least else x)
    return _expm1mx_of(x, shifted, r, tail)


@polymorphic
def half_exp_parts(x: float) -> tuple[float, float]:
    """Return exp(x) / 2 for x >= 0, and what it lacks; exp(x) itself may overflow."""
    c = _constants(x)
    largest = 1.0 + c[_LARGEST]
    x = largest if x > largest else x
    shifted, r, tail = _reduced(x)
    shifted = shifted - 1.0
    half = fused(shifted - c[_ROUNDER], 0.5, c[_ROUNDER])
    first, second = raised(half), raised(shifted - (half - c[_ROUNDER]))
    whole = 1.0 + r
    rest = (r - (whole - 1.0)) + tail
    high = whole + rest
    return high * first * second, (rest - (high - whole)) * first * second


_LOG_2 = math.log(2.0)
# By what the functions called lifted are multiplied, what brings exponents raised by 2**900 or 2**100 to that, and
# where exp times that is 0.
_LIFTED_SINGLE, _LIFTED_DOUBLE = (2.0**30, 2.0**-70, -126.0), (2.0**64, 2.0**-836, -792.0)


@polymorphic
def _lifted_single(x: float) -> tuple[float, ...]:
    return _LIFTED_SINGLE


@polymorphic
def _lifted_double(x: float) -> tuple[float, ...]:
    return _LIFTED_DOUBLE


_lift_of = by_dtype(_lifted_single, _lifted_double)


@polymorphic
def lifted(x: float) -> float:
    """Return x * 2**64, or x * 2**30 in float32: a number that may be subnormal, for products that are not."""
    return x * _lift_of(x)[0]


@polymorphic
def lowered(x: float) -> float:
    """Return what `lifted` was given."""
    return x / _lift_of(x)[0]


@polymorphic
def lifted_nonpositive_parts(x: float) -> tuple[float, float]:
    """Return lifted(exp(x)) for x <= 0, which is not subnormal where exp(x) is, and what it lacks."""
    c = _constants(x)
    least = _lift_of(x)[2]
    x = least if x < least else x
    shifted, r, tail = _reduced(x)
    whole = 1.0 + r
    rest = (r - (whole - 1.0)) + tail
    high = whole + rest
    scale = raised(shifted + c[_LIFT])
    return high * scale * _lift_of(x)[1], (rest - (high - whole)) * scale * _lift_of(x)[1]


@polymorphic
def times_exp(x: float, k: float) -> float:
    """Return k * exp(x), of which exp(x) may overflow or be subnormal alone; 0 where k = 0.

    The power of two that k is multiplied by comes in two halves, one before and one after the digits of exp(x).
    """
    c = _constants(x)
    tiny, huge = abs(k) < c[_DROP], abs(k) * c[_DROP] > 1.0
    lift = c[_LIFT] if tiny else -c[_LIFT] if huge else 0.0
    limit, moved = 2.0 * c[_LARGEST] - 2.0, _LOG_2 * lift  # beyond, results are 0 or infinite
    x = moved - limit if x < moved - limit else x
    x = moved + limit if x > moved + limit else x
    shifted, r, tail = _reduced(x)
    shifted = shifted - lift
    half = fused(shifted - c[_ROUNDER], 0.5, c[_ROUNDER])
    digits = _one_plus(r, tail) * raised(half)
    k = k * (1.0 / c[_DROP] if tiny else c[_DROP] if huge else 1.0)
    return digits * k * raised(shifted - (half - c[_ROUNDER]))


@polymorphic
def _reduced_for_product(x: float, k: float) -> tuple[float, float, float, float]:
    """Return what `_reduced` does, for x from where exp(x) is less than a rounding error of 1, and k * exp(x).

    The power of two that k is multiplied by comes in two halves, as in `times_exp`; no product is subnormal for x > 60.
    """
    c = _constants(x)
    tiny = abs(k) < c[_DROP]
    lift = c[_LIFT] if tiny else 0.0
    least, largest = -0.5 * c[_LARGEST], 2.0 * c[_LARGEST] - 2.0 + _LOG_2 * lift
    bounded = least if x < least else x
    shifted, r, tail = _reduced(largest if bounded > largest else bounded)
    power = shifted - lift
    half = fused(power - c[_ROUNDER], 0.5, c[_ROUNDER])
    large = _one_plus(r, tail) * raised(half) * (k * (1.0 / c[_DROP] if tiny else 1.0))
    return shifted, r, tail, large * raised(power - (half - c[_ROUNDER]))


@polymorphic
def times_expm1(x: float, k: float) -> float:
    """Return k * (exp(x) - 1), of which the second may overflow alone; 0 where k = 0."""
    shifted, r, tail, large = _reduced_for_product(x, k)
    return large if x > 60.0 else k * _expm1_of(shifted, r, tail)


@polymorphic
def times_expm1mx(x: float, k: float) -> float:
    """K * (exp(x) - 1 - x), of which the second may overflow alone; 0 where k = 0."""
    shifted, r, tail, large = _reduced_for_product(x, k)
    return large if x > 60.0 else k * _expm1mx_of(x, shifted, r, tail)
