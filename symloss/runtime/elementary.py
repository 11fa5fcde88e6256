"""Functions of one number that generated kernels call: the primitives of specs, on top of the C library.

Each is defined for every float64, infinities included, and passes NaN through.
"""

from __future__ import annotations

import math
from typing import Any

from .jit import kernel

_LOG_2 = math.log(2.0)
_EXPM1MX = tuple(1.0 / math.factorial(n) for n in range(20, 1, -1))  # Taylor coefficients of exp(x) - 1 - x


@kernel
def exp(x: float) -> float:
    """Exponential function."""
    return math.exp(x)


@kernel
def log(x: float) -> float:
    """Natural logarithm; -inf at 0, NaN below."""
    return math.log(x)


@kernel
def log1p(x: float) -> float:
    """log(1 + x)."""
    return math.log1p(x)


@kernel
def log1p_ratio(x: float) -> float:
    """log(1 + x) / x, and 1 where x = 0."""
    return 1.0 if x == 0.0 else math.log1p(x) / x


@kernel
def expm1(x: float) -> float:
    """exp(x) - 1."""
    return math.expm1(x)


@kernel
def sqrt(x: float) -> float:
    """Square root."""
    return math.sqrt(x)


@kernel
def power(x: float, y: float) -> float:
    """X to the y; 1 for y = 0."""
    return math.pow(x, y)


@kernel
def sin(x: float) -> float:
    """Sine."""
    return math.sin(x)


@kernel
def cos(x: float) -> float:
    """Cosine."""
    return math.cos(x)


@kernel
def sinh(x: float) -> float:
    """Hyperbolic sine."""
    return math.sinh(x)


@kernel
def cosh(x: float) -> float:
    """Hyperbolic cosine."""
    return math.cosh(x)


@kernel
def tanh(x: float) -> float:
    """Hyperbolic tangent."""
    return math.tanh(x)


@kernel
def asinh(x: float) -> float:
    """Inverse hyperbolic sine."""
    return math.asinh(x)


@kernel
def atan(x: float) -> float:
    """Inverse tangent."""
    return math.atan(x)


@kernel
def erf(x: float) -> float:
    """Error function."""
    return math.erf(x)


@kernel
def erfc(x: float) -> float:
    """Complement of the error function."""
    return math.erfc(x)


@kernel
def loggamma(x: float) -> float:
    """Logarithm of the gamma function, for positive x."""
    return math.lgamma(x)


@kernel
def sigmoid(x: float) -> float:
    """1 / (1 + exp(-x)).

    The same exponential as in `softplus`, and for x and -x: the compiler computes it once.
    """
    small = math.exp(-abs(x))
    return (1.0 if x >= 0.0 else small) / (1.0 + small)


@kernel
def softplus(x: float) -> float:
    """log(1 + exp(x))."""
    return (x if x > 0.0 else 0.0) + math.log1p(math.exp(-abs(x)))


@kernel
def logaddexp(x: float, y: float) -> float:
    """log(exp(x) + exp(y))."""
    if x == y:
        return x + _LOG_2
    if x > y:
        return x + math.log1p(math.exp(y - x))
    return y + math.log1p(math.exp(x - y))


@kernel
def expm1mx(x: float) -> float:
    """exp(x) - 1 - x."""
    if abs(x) > 1.0:
        return math.expm1(x) - x if x < 710.0 else math.exp(x)
    series = 0.0 * x
    for coefficient in _EXPM1MX:
        series = series * x + coefficient
    return x * x * series


@kernel
def bd0(x: float, y: float) -> float:
    """x*log(x/y) + y - x, and y where x = 0."""
    if x == 0.0 and y == y:
        return y
    if abs(x - y) > 0.1 * (x + y):
        quotient = x / y
        if 1e-300 < quotient < 1e300:
            return x * math.log(quotient) + y - x
        return x * (math.log(x) - math.log(y)) + y - x
    # Loader (2000), Fast and accurate computation of binomial probabilities: a series in v = (x - y)/(x + y)
    v = (x - y) / (x + y)
    total = (x - y) * v
    term = 2.0 * x * v
    square = v * v
    for j in range(1, 16):
        term *= square
        total += term / (2 * j + 1)
    return total


@kernel
def sqrt1pm1(x: float) -> float:
    """sqrt(1 + x) - 1."""
    if x > 1.0:
        return math.sqrt(1.0 + x) - 1.0
    return x / (math.sqrt(1.0 + x) + 1.0)


@kernel
def log1mexp(x: float) -> float:
    """log(1 - exp(x)) for x < 0; -inf at 0."""
    if x > -_LOG_2:
        return math.log(-math.expm1(x))
    return math.log1p(-math.exp(x))


@kernel
def log_cosh(x: float) -> float:
    """log(cosh(x))."""
    size = abs(x)
    if size > 1.0:
        return size + math.log1p(math.exp(-2.0 * size)) - _LOG_2
    half = math.sinh(0.5 * size)
    return math.log1p(2.0 * half * half)


@kernel
def sech(x: float) -> float:
    """1 / cosh(x)."""
    small = math.exp(-abs(x))
    return 2.0 * small / (1.0 + small * small)


@kernel
def xlogy(x: float, y: float) -> float:
    """X * log(y), and 0 where x = 0."""
    return 0.0 if x == 0.0 and y == y else x * math.log(y)


@kernel
def xlog1py(x: float, y: float) -> float:
    """X * log(1 + y), and 0 where x = 0."""
    return 0.0 if x == 0.0 and y == y else x * math.log1p(y)


@kernel
def divide_no_nan(x: float, y: float) -> float:
    """X / y, and 0 where y = 0."""
    return 0.0 if y == 0.0 and x == x else x / y


@kernel
def multiply_no_nan(x: float, y: float) -> float:
    """X * y, and 0 where x = 0, also for an infinite y."""
    return 0.0 if x == 0.0 and y == y else x * y


@kernel
def absolute(x: float) -> float:
    """Absolute value."""
    return abs(x)


@kernel
def sgn(x: float) -> float:
    """-1, 0 or 1."""
    return 1.0 if x > 0.0 else -1.0 if x < 0.0 else x


@kernel
def maximum(x: float, y: float) -> float:
    """The larger of the two."""
    return x if x > y or x != x else y


@kernel
def minimal(x: float, y: float) -> float:
    """The one of least magnitude among the numbers between x and y."""
    if (x <= 0.0 <= y) or (y <= 0.0 <= x):
        return 0.0
    return x if abs(x) < abs(y) or x != x else y


@kernel
def minus(x: float, y: float) -> float:
    """X - y, and 0 where the two are equal, infinite ones too."""
    return 0.0 if x == y else x - y


@kernel
def offset(x: float, y: float) -> float:
    """X + y, and -inf where x = -inf: the log-sum-exp of nothing is below everything."""
    return x if x == -math.inf and y == y else x + y


@kernel
def exp_minus(x: float, y: float) -> float:
    """exp(x - y), and 1 where the two are equal, infinite ones too.

    What the difference loses in rounding multiplies the result: without it a difference of 700 costs 350 ULP.
    """
    if x == y:
        return 1.0
    apart = x - y
    back = apart - x
    lost = (x - (apart - back)) - (y + back)
    result = math.exp(apart)
    return result + result * lost if abs(lost) < 1.0 else result


@kernel
def ratio(x: float, y: float) -> float:
    """X / y; 0 where y = 0, and 1 or -1 where the two are equal in magnitude, infinite ones too."""
    if y == 0.0 and x == x:
        return 0.0
    return 1.0 if x == y else -1.0 if x == -y else x / y


@kernel
def hypot(x: float, y: float) -> float:
    """sqrt(x**2 + y**2), where the squares may overflow."""
    return math.hypot(x, y)


@kernel
def defined_with(x: float, y: float) -> float:
    """x, and NaN where y is NaN."""
    return x if y == y else math.nan


@kernel
def within(x: float, low: float, high: float) -> float:
    """x, and NaN outside of ``low .. high``."""
    return x if low <= x <= high else math.nan


@kernel
def scaled(factor: float, x: float) -> float:
    """Factor * x, and 0 where the factor is 0: a sample without weight does not count, even if its loss is infinite."""
    return 0.0 if factor == 0.0 and x == x else factor * x


@kernel
def in_interval(x: float, low: float, high: float) -> bool:
    """Whether x is in ``low .. high``, or NaN."""
    return low <= x <= high or x != x


@kernel
def row_in_interval(row: Any, low: float, high: float) -> bool:
    """Whether every entry is in ``low .. high``, or NaN."""
    inside = True
    for x in row.flat:
        inside &= low <= x <= high or x != x
    return inside


@kernel
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


@kernel
def add_exactly(total: float, lost: float, term: float) -> tuple[float, float]:
    """Add a term to a sum, and what rounding takes away to ``lost`` (Ogita, Rump & Oishi 2005, Sum2)."""
    new = total + term
    back = new - total
    return new, lost + ((total - (new - back)) + (term - back))


@kernel
def settle(total: float, lost: float) -> float:
    """Return a sum with what it lost; an infinite sum has lost nothing."""
    return total + lost if lost == lost else total
