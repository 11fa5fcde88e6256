"""Functions of numbers that generated kernels call: the primitives of specs.

Each is defined for every float, infinities included, and passes NaN through.  Those without a call of the C library
(sin, cos and cosh have one) can be widened by LLVM: their conditional
expressions become selections.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import twofold
from .bits import by_dtype, fused, polynomial
from .error_function import erf, erfc, erfc_curvature, erfc_excess, erfc_hazard, gaussian, log_erfc, log_half_erfc
from .excess import distance_excess, excess
from .exponential import exp, exp_nonpositive, expm1, expm1mx, lifted, lowered, times_exp, times_expm1, times_expm1mx
from .gamma_function import digamma, loggamma, tetragamma, trigamma
from .hyperbolic import log_cosh, sech, sinh, tanh
from .inverse import asinh, atan, hypot
from .jit import kernel, polymorphic
from .lifted_rows import exp_below, lifted_exp_minus, lifted_one_plus, times_log_softmax
from .logarithm import log, log1p, log_sum
from .logistic import (
    lifted_logistic_density,
    lifted_sigmoid,
    logaddexp,
    logistic_density,
    sigmoid,
    sigmoid_mix,
    softplus,
    softplus_mix,
)
from .norm_parts import norm_less_ratio, norm_less_square
from .quotients import inverse_rest, less_rest, plus_rest, product_difference, times_inverse, times_parts
from .scaled_tail import erfcx
from .squares import added_once, squared_difference, sum_ratio, times_square

_LOG_2 = math.log(2.0)
_BD0 = tuple(1.0 / (2 * n + 1) for n in range(15, 0, -1))


@polymorphic
def log1p_ratio(x: float) -> float:
    """log(1 + x) / x, and 1 where x = 0."""
    return 1.0 if x == 0.0 else log1p(x) / x


@polymorphic
def sqrt(x: float) -> float:
    """Square root."""
    return math.sqrt(x)


@polymorphic
def _power_double(x: float, y: float) -> float:
    size = twofold.merged(twofold.power((abs(x), 0.0), (y, 0.0)))
    size = size if size == size else math.inf  # as its upper part is
    zero = 0.0 if y > 0.0 else math.inf
    size = zero if x == 0.0 else 1.0 / zero if abs(x) == math.inf else size
    whole = math.floor(y) == y
    odd = whole and math.floor(0.5 * y) != 0.5 * y
    signed = size if x >= 0.0 else (-size if odd else size) if whole else math.nan
    return 1.0 if y == 0.0 else signed if x == x and y == y else math.nan


@polymorphic
def _power_single(x: float, y: float) -> Any:
    return np.float32(_power_double(np.float64(x), np.float64(y)))


power = by_dtype(_power_single, _power_double)  # x to the y; 1 for y = 0


@polymorphic
def sin(x: float) -> float:
    """Sine."""
    return math.sin(x)


@polymorphic
def cos(x: float) -> float:
    """Cosine."""
    return math.cos(x)


@polymorphic
def cosh(x: float) -> float:
    """Hyperbolic cosine."""
    return math.cosh(x)


@polymorphic
def bd0(x: float, y: float) -> float:
    """x*log(x/y) + y - x, and y where x = 0.

    Loader (2000), Fast and accurate computation of binomial probabilities: a series in v = (x - y)/(x + y) where x is
    near y.
    """
    apart = x - y
    v = apart / (x + y)
    square = v * v
    near = apart * v + 2.0 * x * v * square * polynomial(square, _BD0)
    quotient = x / y
    by_quotient = x * log(quotient) + y - x
    by_logs = x * (log(x) - log(y)) + y - x
    far = by_quotient if 1e-300 < quotient < 1e300 else by_logs
    result = far if abs(apart) > 0.1 * (x + y) else near
    return y if x == 0.0 and y == y else result


@polymorphic
def sqrt1pm1(x: float) -> float:
    """sqrt(1 + x) - 1: x over the root and 1, both in two parts."""
    whole = 1.0 + x
    back = whole - 1.0
    lost = (1.0 - (whole - back)) + (x - back)
    root = math.sqrt(whole)
    low = (fused(-root, root, whole) + lost) / (2.0 * root)
    total = 1.0 + root
    apart = total - root
    low = low + ((1.0 - apart) + (root - (total - apart)))
    quotient = x / total
    better = quotient + (fused(-quotient, total, x) - quotient * low) / total
    return better if better == better else root - 1.0


@polymorphic
def log1mexp(x: float) -> float:
    """log(1 - exp(x)) for x < 0; -inf at 0."""
    return log(-expm1(x)) if x > -_LOG_2 else log1p(-exp_nonpositive(x))


@polymorphic
def xlogy(x: float, y: float) -> float:
    """X * log(y), and 0 where x = 0."""
    return 0.0 if x == 0.0 and y == y else x * log(y)


@polymorphic
def xlog1py(x: float, y: float) -> float:
    """X * log(1 + y), and 0 where x = 0."""
    return 0.0 if x == 0.0 and y == y else x * log1p(y)


@polymorphic
def divide_no_nan(x: float, y: float) -> float:
    """X / y, and 0 where y = 0."""
    return 0.0 if y == 0.0 and x == x else x / y


@polymorphic
def divide_twice(x: float, y: float) -> float:
    """X / y / y, rounded once."""
    first = x / y
    second = first / y
    rest = (fused(-second, y, first) + fused(-first, y, x) / y) / y
    better = second + rest
    return better if abs(better) < math.inf else second


@polymorphic
def multiply_no_nan(x: float, y: float) -> float:
    """X * y, and 0 where x = 0, also for an infinite y."""
    return 0.0 if x == 0.0 and y == y else x * y


@polymorphic
def absolute(x: float) -> float:
    """Absolute value."""
    return abs(x)


@polymorphic
def sgn(x: float) -> float:
    """-1, 0 or 1."""
    return 1.0 if x > 0.0 else -1.0 if x < 0.0 else x


@polymorphic
def maximum(x: float, y: float) -> float:
    """The larger of the two."""
    return x if x > y or x != x else y


@polymorphic
def minimal(x: float, y: float) -> float:
    """The one of least magnitude among the numbers between x and y."""
    if (x <= 0.0 <= y) or (y <= 0.0 <= x):
        return 0.0
    return x if abs(x) < abs(y) or x != x else y


@polymorphic
def binade(x: float) -> float:
    """The largest power of two that abs(x) reaches; 0, infinity and NaN for themselves."""
    return abs(x) if x == 0.0 or not abs(x) < math.inf else math.ldexp(0.5, math.frexp(abs(x))[1])


@polymorphic
def minus(x: float, y: float) -> float:
    """X - y, and 0 where the two are equal, infinite ones too."""
    return 0.0 if x == y else x - y


@polymorphic
def offset(x: float, y: float) -> float:
    """X + y, and -inf where x = -inf: the log-sum-exp of nothing is below everything."""
    return x if x == -math.inf and y == y else x + y


@polymorphic
def exp_minus(x: float, y: float) -> float:
    """exp(x - y), and 1 where the two are equal, infinite ones too.

    What the difference loses in rounding multiplies the result: without it a difference of 700 costs 350 ULP.
    """
    apart = 0.0 if x == y else x - y
    back = apart - x
    lost = (x - (apart - back)) - (y + back)
    result = exp(apart)
    return result + result * lost if abs(lost) < 1.0 else result


@polymorphic
def ratio(x: float, y: float) -> float:
    """X / y; 0 where y = 0, and 1 or -1 where the two are equal in magnitude, infinite ones too."""
    if y == 0.0 and x == x:
        return 0.0
    return 1.0 if x == y else -1.0 if x == -y else x / y


@polymorphic
def times_ratio(x: float, y: float, k: float) -> float:
    """K * ratio(x, y) for a power of two y, which divides what is not smaller for it."""
    return ratio(k, y) * x if 1.0 < y < math.inf else k * ratio(x, y)


@polymorphic
def defined_with(x: float, y: float) -> float:
    """x, and NaN where y is NaN."""
    return x if y == y else math.nan


@polymorphic
def within(x: float, low: float, high: float) -> float:
    """x, and NaN outside of ``low .. high``."""
    return x if low <= x <= high else math.nan


@polymorphic
def scaled(factor: float, x: float) -> float:
    """Factor * x, and 0 where the factor is 0: a sample without weight does not count, even if its loss is infinite."""
    return factor * (0.0 if factor == 0.0 and abs(x) == math.inf else x)


@polymorphic
def in_interval(x: float, low: float, high: float) -> bool:
    """Whether x is in ``low .. high``, or NaN."""
    return not ((x < low) | (x > high))


@kernel
def row_in_interval(row: Any, low: float, high: float) -> bool:
    """Whether every entry is in ``low .. high``, or NaN."""
    inside = True
    for x in row.flat:
        inside &= in_interval(x, low, high)
    return inside


@polymorphic
def one_of(x: float, members: tuple[float, ...]) -> bool:
    """Whether x is one of the members, or NaN."""
    found = x != x
    for member in members:
        found |= x == member
    return found


@kernel
def row_of(row: Any, members: tuple[float, ...]) -> bool:
    """Whether every entry is one of the members, or NaN."""
    inside = True
    for x in row.flat:
        inside &= one_of(x, members)
    return inside


@polymorphic
def add_exactly(total: float, lost: float, term: float) -> tuple[float, float]:
    """Add a term to a sum, and what rounding takes away to ``lost`` (Ogita, Rump & Oishi 2005, Sum2)."""
    new = total + term
    back = new - total
    return new, lost + ((total - (new - back)) + (term - back))


@polymorphic
def square_rest(x: float) -> float:
    """What rounding takes from x * x."""
    return fused(x, x, -(x * x))


@polymorphic
def norm_less(scale: float, total: float, rest: float, level: float) -> float:
    """Scale * sqrt(total + rest) - level, for a power of two: the root in two parts, so that little is lost near it."""
    root = math.sqrt(total)
    low = (fused(-root, root, total) + rest) / (2.0 * root)
    norm = scale * root
    apart = norm - level
    back = apart - norm
    lost = (norm - (apart - back)) - (level + back)
    better = apart + (lost + scale * low)
    return better if better == better else apart


@polymorphic
def settle_parts(total: float, lost: float) -> tuple[float, float]:
    """Return a sum, and the rest that it lacks; an infinite sum has lost nothing."""
    whole = total + lost
    rest = lost - (whole - total)
    return (whole, rest) if rest == rest else (total, 0.0)


@polymorphic
def settle(total: float, lost: float) -> float:
    """Return a sum with what it lost; an infinite sum has lost nothing."""
    return total + lost if lost == lost else total
