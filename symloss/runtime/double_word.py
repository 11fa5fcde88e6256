"""Arithmetic of numbers in two parts: (high, low) of float64 stands for high + low, with about 100 bits.

Joldes, Muller & Popescu (2017), Tight and rigorous error bounds for basic building blocks of double-word arithmetic.
"""

from __future__ import annotations

import math

from .bits import fused
from .jit import inlined

Twofold = tuple[float, float]


@inlined
def two_sum(a: float, b: float) -> Twofold:
    """Return a + b exactly."""
    total = a + b
    back = total - a
    return total, (a - (total - back)) + (b - back)


@inlined
def fast_two_sum(a: float, b: float) -> Twofold:
    """Return a + b exactly, where a is the larger or 0."""
    total = a + b
    return total, b - (total - a)


@inlined
def fast_two_sum_of(a: float, b: Twofold) -> Twofold:
    """Return a + b where a is the larger."""
    high, low = fast_two_sum(a, b[0])
    return fast_two_sum(high, low + b[1])


@inlined
def two_product(a: float, b: float) -> Twofold:
    """Return a * b exactly."""
    product = a * b
    return product, fused(a, b, -product)


@inlined
def negate(x: Twofold) -> Twofold:
    """Return -x; a lower part of 0 stays 0, so that the compiler sees what x and -x have in common."""
    return -x[0], 0.0 - x[1]


@inlined
def absolute(x: Twofold) -> Twofold:
    """Return the absolute value."""
    return abs(x[0]), 0.0 - x[1] if x[0] < 0.0 else x[1]


@inlined
def add(x: Twofold, y: Twofold) -> Twofold:
    """Return x + y; the error is below 2**-103 of the larger of the two, which is what their own errors may be."""
    high, low = two_sum(x[0], y[0])
    return fast_two_sum(high, low + (x[1] + y[1]))


@inlined
def subtract(x: Twofold, y: Twofold) -> Twofold:
    """Return x - y."""
    return add(x, negate(y))


@inlined
def multiply(x: Twofold, y: Twofold) -> Twofold:
    """Return x * y; relative error below 2**-100.  The parts may overlap in a few bits."""
    high, low = two_product(x[0], y[0])
    return high, low + fused(x[0], y[1], x[1] * y[0])


@inlined
def divide(x: Twofold, y: Twofold) -> Twofold:
    """Return x / y; relative error below 2**-101."""
    quotient = x[0] / y[0]
    high, low = two_product(quotient, y[0])
    rest = ((x[0] - high) - low) + fused(-quotient, y[1], x[1])
    return fast_two_sum(quotient, rest / y[0])


@inlined
def sqrt(x: Twofold) -> Twofold:
    """Return the square root."""
    root = math.sqrt(x[0])
    high, low = two_product(root, root)
    result = fast_two_sum(root, ((x[0] - high) - low + x[1]) / (2.0 * root))
    return (0.0, 0.0) if x[0] == 0.0 else result
