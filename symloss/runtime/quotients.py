"""Products of sums, and differences of them, right to a unit: what rounding takes is the second part of a sum."""

from __future__ import annotations

from .bits import fused
from .double_word import two_sum
from .jit import polymorphic


@polymorphic
def plus_rest(total: float, rest: float, largest: float) -> float:
    """Return what total + rest + largest has more than total + largest."""
    return two_sum(total, largest)[1] + rest


@polymorphic
def less_rest(x: float, whole: float, rest: float, own: float) -> float:
    """Return what whole + rest - own has more than x, which is that sum rounded, for an own entry up to half of it."""
    return ((whole - x) - own) + rest


@polymorphic
def inverse_rest(x: float, rest: float) -> float:
    """Return what 1 / (x + rest) has more than 1 / x."""
    inverse = 1.0 / x
    return (fused(-inverse, x, 1.0) - inverse * rest) * inverse


@polymorphic
def times_inverse(a: float, k: float, k_rest: float) -> float:
    """Return a * (k + k_rest)."""
    return fused(a, k, a * k_rest)


@polymorphic
def times_parts(a: float, b: float, b_rest: float, k: float, k_rest: float) -> float:
    """Return a * (b + b_rest) * (k + k_rest)."""
    first = a * b
    rest = fused(a, b_rest, fused(a, b, -first))
    product = first * k
    better = product + fused(rest, k, fused(first, k_rest, fused(first, k, -product)))
    return better if better == better else product


@polymorphic
def product_difference(
    a: float, b: float, b_rest: float, c: float, d: float, d_rest: float, k: float, k_rest: float
) -> float:
    """Return (a * (b + b_rest) - c * (d + d_rest)) * (k + k_rest)."""
    second = c * d
    difference = fused(a, b, -second)
    rest = fused(a, b_rest, fused(-c, d_rest, fused(-c, d, second)))
    product = difference * k
    better = product + fused(rest, k, fused(difference, k_rest, fused(difference, k, -product)))
    return better if better == better else product
