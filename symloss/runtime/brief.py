"""Functions for float64 numbers that become float32 in the end: good to 2**-45, which no float32 shows.

Each has the name, and the values at infinities and NaN, of the one in `elementary` that it takes the place of; what
is lifted there, as it may be subnormal, is not lifted here.  Results below 2**-1000 may be 0: no product with a
float32 brings them back.
"""

from __future__ import annotations

import math
from types import FunctionType
from typing import Any

from . import elementary
from .bits import fused, polynomial, raised, split
from .coefficients import EXP_BRIEF, LOG_BRIEF
from .jit import inlined

_LOG_2, _INVERSE_LOG_2 = math.log(2.0), 1.0 / math.log(2.0)
_ROUNDER = 1.5 * 2.0**52 + 1023.0  # x + this - this is x rounded to a whole number; and the bias of exponents
_LEAST, _LARGEST = -709.1, 709.0  # below the first, 2**k is 0


@inlined
def _reduced(x: float) -> tuple[float, float, float]:
    """Return 2**k, r and exp(r) - 1 - r, where x = k*log(2) + r and abs(r) < 0.35, for x up to 709.

    Below -709 the first is 0.
    """
    x = _LEAST if x < _LEAST else x
    x = _LARGEST if x > _LARGEST else x
    shifted = fused(x, _INVERSE_LOG_2, _ROUNDER)
    r = fused(shifted - _ROUNDER, -_LOG_2, x)
    return raised(shifted), r, r * r * polynomial(r, EXP_BRIEF)


@inlined
def exp(x: float) -> float:
    """exp(x)."""
    scale, r, rest = _reduced(x)
    return math.inf if x >= _LARGEST else fused(scale, r + rest, scale)


@inlined
def expm1(x: float) -> float:
    """exp(x) - 1."""
    scale, r, rest = _reduced(x)
    return math.inf if x >= _LARGEST else fused(scale, r + rest, scale - 1.0)


@inlined
def expm1mx(x: float) -> float:
    """exp(x) - 1 - x."""
    scale, r, rest = _reduced(x)
    large = fused(scale, r + rest, scale - 1.0) - x
    return math.inf if x >= _LARGEST else rest if scale == 1.0 else large


@inlined
def _log_of_ratio(s: float) -> float:
    """Return log((1 + s)/(1 - s)) for -1/7 <= s <= 1/3: a series."""
    z = s * s
    return s * fused(z, polynomial(z, LOG_BRIEF), 2.0)


@inlined
def log(x: float) -> float:
    """Natural logarithm; -inf at 0, NaN below."""
    m, k = split(x)
    result = fused(k, _LOG_2, _log_of_ratio((m - 1.0) / (m + 1.0)))
    result = result if x < math.inf else x
    return result if x > 0.0 else -math.inf if x == 0.0 else math.nan


@inlined
def log1p(x: float) -> float:
    """log(1 + x); -inf at -1, NaN below."""
    m, k = split(1.0 + x)
    f = x if k == 0.0 else m - 1.0
    result = fused(k, _LOG_2, _log_of_ratio(f / (2.0 + f)))
    result = result if x < math.inf else x
    return result if x > -1.0 else -math.inf if x == -1.0 else math.nan


@inlined
def _small(x: float) -> float:
    """Return exp(-abs(x)), which does not overflow."""
    scale, r, rest = _reduced(-abs(x))
    return fused(scale, r + rest, scale)


@inlined
def _inverses(x: float) -> tuple[float, float]:
    """Return 1/(1 + x) and 1/(2 + x), from one division: who needs the one needs the other, too."""
    inverse = 1.0 / ((1.0 + x) * (2.0 + x))
    return (2.0 + x) * inverse, (1.0 + x) * inverse


@inlined
def _log1p_unit(x: float) -> float:
    """Return log(1 + x) for 0 <= x <= 1."""
    return _log_of_ratio(x * _inverses(x)[1])


@inlined
def sigmoid(x: float) -> float:
    """1 / (1 + exp(-x))."""
    small = _small(x)
    return (1.0 if x > 0.0 else small) * _inverses(small)[0]


@inlined
def logistic_density(x: float) -> float:
    """sigmoid(x) * sigmoid(-x)."""
    small = _small(x)
    inverse = _inverses(small)[0]
    return small * inverse * inverse


@inlined
def softplus(x: float) -> float:
    """log(1 + exp(x))."""
    small = _small(x)
    return (x if x > 0.0 else 0.0) + _log1p_unit(small)


@inlined
def sigmoid_mix(x: float, a: float, b: float) -> float:
    """a*sigmoid(x) + b*sigmoid(-x)."""
    small = _small(x)
    larger, smaller = a if x > 0.0 else b, b if x > 0.0 else a
    return fused(smaller, small, larger) * _inverses(small)[0]


@inlined
def softplus_mix(x: float, a: float, b: float) -> float:
    """a*softplus(x) + b*softplus(-x), where a = 0 or b = 0 win over an infinite x."""
    small = _small(x)
    product = (a if x > 0.0 else b) * abs(x)
    return fused(a + b, _log1p_unit(small), product if product == product else 0.0)


@inlined
def logaddexp(x: float, y: float) -> float:
    """log(exp(x) + exp(y))."""
    small = exp(-(0.0 if x == y else abs(x - y)))
    return (x if x > y else y) + _log1p_unit(small)


@inlined
def exp_minus(x: float, y: float) -> float:
    """exp(x - y), and 1 where the two are equal, infinite ones too."""
    return exp(0.0 if x == y else x - y)


@inlined
def exp_below(x: float, y: float) -> float:
    """exp(x - y) for x <= y, and 1 where the two are equal, infinite ones too."""
    return exp_minus(x, y)


@inlined
def times_exp(x: float, k: float) -> float:
    """K * exp(x), and 0 where k = 0."""
    return 0.0 if k == 0.0 and x == x else k * exp(x)


@inlined
def times_expm1(x: float, k: float) -> float:
    """K * (exp(x) - 1), and 0 where k = 0."""
    return 0.0 if k == 0.0 and x == x else k * expm1(x)


@inlined
def times_expm1mx(x: float, k: float) -> float:
    """K * (exp(x) - 1 - x), and 0 where k = 0."""
    return 0.0 if k == 0.0 and x == x else k * expm1mx(x)


@inlined
def lifted(x: float) -> float:
    """Return x: no float32 is subnormal as a float64."""
    return x


@inlined
def lowered(x: float) -> float:
    """Return x."""
    return x


@inlined
def lifted_sigmoid(x: float) -> float:
    """sigmoid(x)."""
    return sigmoid(x)


@inlined
def lifted_logistic_density(x: float) -> float:
    """logistic_density(x)."""
    return logistic_density(x)


@inlined
def lifted_exp_minus(x: float, y: float) -> float:
    """exp(x - y) for x <= y, and 1 where the two are equal, infinite ones too."""
    return exp_minus(x, y)


@inlined
def lifted_one_plus(x: float) -> float:
    """1 + x."""
    return 1.0 + x


@inlined
def times_log_softmax(x: float, total: float, log_total: float, k: float, weight: float) -> float:
    """K * weight * (x - log_total), and 0 where k * weight = 0."""
    factor = k * weight
    return 0.0 if factor == 0.0 else factor * (x - log_total)


@inlined
def log1mexp(x: float) -> float:
    """log(1 - exp(x)) for x < 0; -inf at 0."""
    return log(-expm1(x)) if x > -_LOG_2 else log1p(-exp(x))


@inlined
def xlogy(x: float, y: float) -> float:
    """X * log(y), and 0 where x = 0."""
    return 0.0 if x == 0.0 and y == y else x * log(y)


@inlined
def xlog1py(x: float, y: float) -> float:
    """X * log(1 + y), and 0 where x = 0."""
    return 0.0 if x == 0.0 and y == y else x * log1p(y)


@inlined
def squared_difference(x: float, y: float) -> float:
    """(x - y)**2."""
    apart = x - y
    return apart * apart


@inlined
def times_square(x: float, k: float) -> float:
    """K * x**2, and 0 where k = 0."""
    return 0.0 if k == 0.0 and x == x else k * x * x


@inlined
def sum_ratio(total: float, rest: float, y: float) -> float:
    """(total + rest) / y."""
    return total / y


FUNCTIONS = (
    exp, expm1, expm1mx, log, log1p, sigmoid, logistic_density, softplus, sigmoid_mix, softplus_mix, logaddexp,
    exp_minus, exp_below, log1mexp, xlogy, xlog1py, times_exp, times_expm1, times_expm1mx, lifted, lowered,
    lifted_sigmoid, lifted_logistic_density, lifted_exp_minus, lifted_one_plus, times_log_softmax, squared_difference,
    sum_ratio, times_square,
)  # fmt: skip


def briefly(function: Any, decorator: Any) -> Any:
    """Return a compiled function of the same text that calls the functions of this file.

    Parameters
    ----------
    function : numba dispatcher
        Of a generated module.
    decorator : callable
        `jit.inlined` or `jit.kernel`, which compiles the result.
    """
    original = getattr(function, "py_func", function)
    shorter = {id(getattr(elementary, f.__name__)): f for f in FUNCTIONS}
    replaced = {name: shorter[id(value)] for name, value in original.__globals__.items() if id(value) in shorter}
    copy = FunctionType(
        original.__code__, {**original.__globals__, **replaced}, original.__name__, original.__defaults__
    )
    copy.__qualname__ = f"brief_{original.__qualname__}"  # under which the cache knows it
    copy.__doc__ = original.__doc__
    return decorator(copy)
