"""The rewrite rules, as data: what is replaced, by what, where that is valid, and in which phase.

`canonical` rules turn textbook forms into primitives, before and after differentiation; `stable` rules choose among
equal forms the one that neither cancels nor overflows; `special` rules join what floats compute together, faster and
with fewer roundings, after which nothing is derived or shown any more.  A rule whose left side is a sum or a product
also applies to a part of a longer one.  Sources: the identities of Maechler (2012), *Accurately computing
log(1 - exp(-|a|))*, and those that the comments name.

Rules that look right and are not:

* ``log(exp(a) + exp(b)) -> a + log1p(exp(b - a))`` always: overflows at b - a = 1000; and ``a + softplus(b - a)``
  is 18 ULP off at a = -37.5, b = 0.7, where the sum cancels.
* ``y*softplus(-z) + (1 - y)*softplus(z) -> softplus(z) - y*z``: returns 0 for y = 1, z = 40, where 4e-18 is right.
* ``1 + erf(x) -> erfc(-x)`` with SymPy's erfc: it writes the right side as 2 - erfc(x), which cancels for x < 0.
* ``log(erfc(x)/2) -> log_erfc(x) - log(2)``: cancels where erfc(x) is near 2.
* ``sqrt(x)**2 -> x`` and ``exp(log(x)) -> x``: for x = -1 the left side is NaN and the right side is -1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sympy import Expr, Interval, Pow, Rational, cos, cosh, exp, log, oo, pi, sin, sinh, sqrt

from symloss.functions import (
    bd0,
    expm1,
    expm1mx,
    hypot,
    log1mexp,
    log1p,
    log_cosh,
    logaddexp,
    logistic_density,
    offset,
    ratio,
    sech,
    sigmoid,
    sigmoid_mix,
    softplus,
    softplus_mix,
    sqrt1pm1,
    tanh,
)
from symloss.matching import Bindings, Slot
from symloss.special_functions import erf, erfc, erfc_hazard, erfcx, gaussian, log_erfc, log_half_erfc

CANONICAL, STABLE, SPECIAL = "canonical", "stable", "special"
REALS = Interval(-oo, oo)

x, a, b, k, g = Slot("x"), Slot("a"), Slot("b"), Slot("k"), Slot("g")


@dataclass(frozen=True)
class Rule:
    """One identity.

    Parameters
    ----------
    name : str
        For messages and tests.
    left, right : Expr
        Over slots; ``left`` is replaced by ``right``.
    domain : mapping
        For every slot that is not meant for all reals, where the two sides are equal.
    phase : {"canonical", "stable", "special"}
        When it is applied.
    where : callable, optional
        A condition on what the slots stand for.
    """

    name: str
    left: Expr
    right: Expr
    domain: dict[Slot, Interval] = field(default_factory=dict)
    phase: str = CANONICAL
    where: Callable[[Bindings], bool] = lambda bound: True


def _not_whole(bound: Bindings) -> bool:
    return not bound[g].is_integer


def _not_constant(*slots: Slot) -> Callable[[Bindings], bool]:
    return lambda bound: all(not bound[slot].is_number for slot in slots)


def _apart_from(argument: Slot, *coefficients: Slot) -> Callable[[Bindings], bool]:
    """Whether the coefficients have nothing to do with the argument: they are labels and numbers."""
    return lambda bound: all(bound[c].free_symbols.isdisjoint(bound[argument].free_symbols) for c in coefficients)


NEGATIVE, POSITIVE = Interval.open(-oo, 0), Interval.open(0, oo)

RULES: tuple[Rule, ...] = (
    # logistic function and softplus
    Rule("reciprocal of 1 + exp", 1 / (1 + exp(x)), sigmoid(-x)),
    Rule("reciprocal of 1 + exp, scaled", Pow(k + k * exp(x), -1), sigmoid(-x) / k, {k: POSITIVE}),
    Rule("power of 1 + exp", Pow(1 + exp(x), g), exp(g * softplus(x)), where=lambda found: found[g] != -1),
    Rule("exp times sigmoid", exp(-x) * sigmoid(x), sigmoid(-x)),
    Rule("log of sigmoid", log(sigmoid(x)), -softplus(-x)),
    Rule("log of 1 + exp", log(1 + exp(x)), softplus(x)),
    Rule("log of a sum of two exp", log(exp(a) + exp(b)), logaddexp(a, b)),
    Rule("log of a sum of two exp above one", k * logaddexp(a, b) - k * a, k * softplus(b - a)),
    Rule("log of a sum of two exp above the other", k * logaddexp(a, b) - k * b, k * softplus(a - b)),
    Rule("log of a difference of two exp", log(exp(a) - exp(b)), a + log1mexp(b - a), {b: NEGATIVE, a: POSITIVE}),
    Rule("complement of sigmoid", k - k * sigmoid(x), k * sigmoid(-x)),
    Rule("odds", sigmoid(x) / sigmoid(-x), exp(x)),
    Rule("power of sigmoid", Pow(sigmoid(x), g), exp(-g * softplus(-x)), where=_not_whole),
    Rule("exp of softplus", exp(softplus(x)), 1 + exp(x)),
    Rule("exp of minus softplus", exp(-softplus(x)), sigmoid(-x)),
    Rule("two softplus", a * softplus(x) + b * softplus(-x), softplus_mix(x, a, b), {}, SPECIAL, _apart_from(x, a, b)),
    Rule("two sigmoids", a * sigmoid(x) + b * sigmoid(-x), sigmoid_mix(x, a, b), {}, SPECIAL, _apart_from(x, a, b)),
    Rule("sigmoids of both signs", sigmoid(x) * sigmoid(-x), logistic_density(x), phase=SPECIAL),
    Rule("exp above a line", k * exp(x) + a * x, -offset(-k * exp(x), -a * x), {}, SPECIAL, _apart_from(x, a, k)),
    # exp and log near 0
    Rule("log of 1 - exp", log(1 - exp(x)), log1mexp(x), {x: NEGATIVE}),
    Rule("log of 1 + x", log(1 + x), log1p(x), {x: Interval.open(-1, oo)}, where=_not_constant(x)),
    Rule("log1p of minus exp", log1p(-exp(x)), log1mexp(x), {x: NEGATIVE}),
    Rule("log1p of exp", log1p(exp(x)), softplus(x)),
    Rule("exp(x) - 1 - x", -k - k * x + k * exp(x), k * expm1mx(x), where=_not_constant(x)),
    Rule("exp(x) - 1", -k + k * exp(x), k * expm1(x), where=_not_constant(x)),
    Rule("log of minus expm1", log(-expm1(x)), log1mexp(x), {x: NEGATIVE}),
    Rule("deviance", k * a * log(a / b) - k * a + k * b, k * bd0(a, b), {a: POSITIVE, b: POSITIVE}),
    Rule("exp over a square of expm1", exp(x) / expm1(x) ** 2, -1 / (expm1(x) * expm1(-x)), {x: NEGATIVE}, STABLE),
    # trigonometric functions and the error function
    Rule("1 - cos", k - k * cos(x), 2 * k * sin(x / 2) ** 2, where=_not_constant(x)),
    Rule("1 - erf", k - k * erf(x), k * erfc(x)),
    Rule("1 - erfc", k - k * erfc(x), k * erf(x)),
    Rule("1 + erf", k + k * erf(x), k * erfc(-x)),
    Rule("2 - erfc", 2 * k - k * erfc(x), k * erfc(-x)),
    Rule("log of erfc", log(erfc(x)), log_erfc(x)),
    Rule("log of half of erfc", log(erfc(x) / 2), log_half_erfc(x)),
    Rule("exp of minus a square", exp(-(x**2)), gaussian(x), where=_not_constant(x)),
    Rule("1 - exp of minus a square", k - k * gaussian(x), -k * expm1(-(x**2)), where=_not_constant(x)),
    Rule("tail over bell", erfc(x) / gaussian(x), erfcx(x)),
    Rule("tail times what the bell is one over", erfc(x) * exp(x**2), erfcx(x)),
    Rule("bell over tail", gaussian(x) / erfc(x), sqrt(pi) / 2 * erfc_hazard(x)),
    # hyperbolic functions
    Rule("1 + tanh", k + k * tanh(x), 2 * k * sigmoid(2 * x)),
    Rule("1 - tanh", k - k * tanh(x), 2 * k * sigmoid(-2 * x)),
    Rule("log of cosh", log(cosh(x)), log_cosh(x)),
    Rule("tanh as a quotient", sinh(x) / cosh(x), tanh(x)),
    Rule("square of sech", k - k * tanh(x) ** 2, k * sech(x) ** 2),
    Rule("reciprocal of cosh", 1 / cosh(x), sech(x)),
    # roots
    Rule("sqrt(1 + x**2) - 1", sqrt1pm1(x**2), x * ratio(x, 1 + hypot(1, x)), phase=STABLE),
    Rule("x over sqrt(1 + x**2)", x / sqrt(1 + x**2), ratio(x, hypot(1, x)), phase=STABLE),
    Rule(
        "reciprocal hypot of a quotient", 1 / sqrt(1 + x**2 / k**2), ratio(1, hypot(1, x / k)), {k: POSITIVE}, SPECIAL
    ),
    Rule("its cube", Pow(1 + x**2 / k**2, Rational(-3, 2)), ratio(1, hypot(1, x / k)) ** 3, {k: POSITIVE}, SPECIAL),
    Rule("x over it", x * ratio(1, hypot(1, x / k)), k * ratio(x / k, hypot(1, x / k)), {k: POSITIVE}, SPECIAL),
    Rule("sqrt(1 + x) - 1", -k + k * sqrt(1 + x), k * sqrt1pm1(x), {x: Interval(-1, oo)}, where=_not_constant(x)),
)
