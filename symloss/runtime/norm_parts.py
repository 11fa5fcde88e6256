"""What is made of a norm less a level: the root of a sum of squares in two parts, and one rounding at the end."""

from __future__ import annotations

import math

from .bits import fused
from .double_word import Twofold, two_sum
from .jit import inlined, polymorphic


@inlined
def _root_parts(total: float, rest: float) -> Twofold:
    """Return sqrt(total + rest)."""
    root = math.sqrt(total)
    return root, (fused(-root, root, total) + rest) / (2.0 * root)


@inlined
def _less_parts(scale: float, root: Twofold, level: float) -> Twofold:
    """Return scale * root - level, for a power of two."""
    apart, lost = two_sum(scale * root[0], -level)
    return two_sum(apart, lost + scale * root[1])


@inlined
def _times(k: float, x: Twofold) -> Twofold:
    """Return k * x."""
    product = k * x[0]
    return product, fused(k, x[0], -product) + k * x[1]


@polymorphic
def norm_less_square(k: float, scale: float, total: float, rest: float, level: float) -> float:
    """K * norm_less(scale, total, rest, level)**2, and 0 where k = 0."""
    root = _root_parts(total, rest)
    less = _less_parts(scale, root, level)
    once = _times(k, less)
    product = once[0] * less[0]
    better = product + (fused(once[0], less[0], -product) + (once[1] * less[0] + once[0] * less[1]))
    plain = scale * root[0] - level
    result = better if abs(better) < math.inf else k * plain * plain
    return 0.0 if k == 0.0 and plain == plain else result


@polymorphic
def norm_less_ratio(k: float, scale: float, total: float, rest: float, level: float) -> float:
    """K * norm_less(scale, total, rest, level) / sqrt(total + rest), and 0 where k = 0 or the norm is 0."""
    root = _root_parts(total, rest)
    once, inverse = _times(k, _less_parts(scale, root, level)), 1.0 / root[0]
    quotient = once[0] * inverse
    better = quotient + ((fused(-quotient, root[0], once[0]) + once[1]) - quotient * root[1]) * inverse
    result = better if abs(better) < math.inf else k * ((scale * root[0] - level) * inverse)
    return 0.0 if total == 0.0 or (k == 0.0 and scale == scale) else result
