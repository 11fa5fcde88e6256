"""In which order floats multiply: no factor overflows, or loses digits as a subnormal, where the product does not.

Values do not change.  Two tables say what is known to do so: `_TIMES`, functions that grow as exp does, and `_LIFTED`,
functions that vanish as exp does.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from sympy import Add, Expr, Gt, Mul, Pow, S, exp

from symloss.arguments import Argument, Parameter, Prediction, Target
from symloss.derive import Direction
from symloss.functions import (
    absolute,
    divide_no_nan,
    expm1,
    expm1mx,
    logistic_density,
    select,
    sigmoid,
    softplus,
    softplus_mix,
)
from symloss.reductions import Element, Norm, SumOver, Unit, rewrite_parts
from symloss.scaled_functions import (
    lifted,
    lifted_logistic_density,
    lifted_sigmoid,
    lowered,
    times_exp,
    times_expm1,
    times_expm1mx,
)

_TIMES = {exp: times_exp, expm1: times_expm1, expm1mx: times_expm1mx}
_LIFTED = {sigmoid: lifted_sigmoid, logistic_density: lifted_logistic_density}
_FAR = 2**10  # what a norm over its level is where the smaller term may be off by some units


def is_predicted(expr: Expr) -> bool:
    """Whether the value depends on a prediction, or on the direction of a Hessian-vector product."""
    return any(isinstance(s, (Prediction, Direction)) for s in expr.free_symbols)


def scale(expr: Any) -> Any:
    """Return an equal expression, with coefficients where they belong."""
    if not expr.args or isinstance(expr, Element):
        return expr
    if isinstance(expr, (Add, Mul)):
        whole = _lowered_whole(expr)
        if whole is not None:
            return whole
    expr = rewrite_parts(expr, scale)
    if isinstance(expr, softplus_mix):
        return _lowered_mix(expr)
    if isinstance(expr, Mul):
        return _norm_over_norm(_times(expr))
    return expr


def _times(expr: Mul) -> Expr:
    """Let what does not depend on predictions multiply an exponential inside: k*exp(x) -> times_exp(x, k)."""
    number, factors = expr.as_coeff_mul()
    growing = [f for f in factors if type(f) in _TIMES or _sums_growing(f)]
    outside = [f for f in factors if is_never_zero(f) or is_divisor(f)]
    inside = [f for f in factors if f not in growing and f not in outside]
    directions = [f for f in inside if _is_direction(f)]
    inside = [f for f in inside if f not in directions]
    if len(growing) != 1 or any(map(is_predicted, (*inside, *outside))):
        return expr
    outside += directions
    (inside if abs(number) < 1 else outside).append(number)
    factor, rest, (function,) = Mul(*inside), Mul(*outside), growing
    if factor in (1, -1):
        return expr
    if not isinstance(function, SumOver):
        return rest * _TIMES[type(function)](function.args[0], factor)
    index = function.fresh_index()
    terms = [_times(factor * term) for term in Add.make_args(function.open(index))]
    return rest * SumOver(Add(*terms), index, *function.args[2:])


def _is_direction(factor: Expr) -> bool:
    return any(isinstance(s, Direction) for s in factor.free_symbols) and not factor.has(Prediction)


def _sums_growing(expr: Expr) -> bool:
    return isinstance(expr, SumOver) and any(type(term) in _TIMES for term in Add.make_args(expr.body))


def is_divisor(factor: Expr) -> bool:
    """Whether the factor is one over something."""
    return isinstance(factor, Pow) and factor.exp.is_number and bool(factor.exp < 0)


def is_never_zero(factor: Expr) -> bool:
    """Whether the factor is linear in one parameter, or a power of that, with its root outside of the domain."""
    factor, _ = factor.as_base_exp()
    symbols = factor.free_symbols
    if len(symbols) != 1 or not all(isinstance(s, Parameter) for s in symbols):
        return False
    (parameter,) = symbols
    slope = factor.coeff(parameter)
    level = factor - slope * parameter
    return slope.is_number and level.is_number and slope != 0 and -level / slope not in parameter.domain


def _lowered_whole(expr: Expr) -> Expr | None:
    """Lift what vanishes in all terms, if anything in them may be large: the sum is then lowered once, at the end.

    What all terms have multiplies their sum, once.
    """
    terms = Add.make_args(expr)
    if any(_lifted_term(term) is None for term in terms) or not any(map(_may_be_large, terms)):
        return None
    if len(terms) == 1:
        return lowered(rewrite_parts(_lifted(expr), scale))
    opened = [_opened(term) for term in terms]
    shared = _shared(opened)
    rest = [term / shared for term in opened]
    if _is_lifted_alone(shared, rest):
        return lowered(rewrite_parts(_lifted(shared), scale) * _scaled_sum(rest))
    shared = _shared(terms, but=tuple(_LIFTED))
    return lowered(rewrite_parts(shared, scale) * _scaled_sum(_lifted(term / shared) for term in terms))


def _scaled_sum(terms: Iterable[Expr]) -> Expr:
    return Add(*(rewrite_parts(term, scale) for term in terms))


def _opened(term: Expr) -> Expr:
    """Return a product with the density of the logistic distribution as a product of sigmoids."""
    factors = [
        (sigmoid(base.args[0]) * sigmoid(-base.args[0])) ** power if isinstance(base, logistic_density) else base**power
        for base, power in _powers(term)
    ]
    return term.as_coeff_Mul()[0] * Mul(*factors)


def _is_lifted_alone(shared: Expr, rest: list[Expr]) -> bool:
    """Whether it is enough to lift the factors that all terms have: the sum of what is left is not subnormal alone.

    What vanishes in it does so with the factors, or where one of its terms, a number times them, does not.
    """
    lifted_term, vanishing = _lifted_term(shared), {base for base, _ in _powers(shared) if type(base) in _LIFTED}
    others = {base for term in rest for base, _ in _powers(term) if type(base) in _LIFTED} - vanishing
    opposite = all(isinstance(base, sigmoid) and sigmoid(-base.args[0]) in vanishing for base in others)
    steady = any(vanishing.issuperset(base for base, _ in _powers(term)) for term in rest)
    return lifted_term is not None and (not others or (opposite and steady))


def _shared(terms: Iterable[Expr], but: tuple[type, ...] = ()) -> Expr:
    """Return the factors that all terms have, except for some functions."""
    first, *others = (dict(_powers(term)) for term in terms)
    found: Expr = S.One
    for base, power in first.items():
        if isinstance(base, but):
            continue
        powers = {power, *(other.get(base, S.Zero) for other in others)}
        if all(p.is_Integer for p in powers):
            found *= base ** max(0, min(powers))
        elif len(powers) == 1:
            found *= base**power
    return found


def _powers(term: Expr) -> list[tuple[Expr, Expr]]:
    """Return the factors of a product, but for its number, as powers."""
    return [factor.as_base_exp() for factor in term.as_coeff_mul()[1]]


def _lifted(term: Expr) -> Expr:
    found = _lifted_term(term)
    assert found is not None  # of a term with a factor that vanishes
    return found


def _lifted_term(term: Expr) -> Expr | None:
    powers = dict(factor.as_base_exp() for factor in Mul.make_args(term))
    vanishing = [base for base, p in powers.items() if type(base) in _LIFTED and p.is_Integer and p > 0]
    for base in vanishing:
        other = sigmoid(-base.args[0])
        if isinstance(base, sigmoid) and other in vanishing:  # which of the two vanishes is not known
            return term / base / other * lifted_logistic_density(*base.args)
    return term / vanishing[0] * _LIFTED[type(vanishing[0])](*vanishing[0].args) if vanishing else None


def _may_be_large(term: Expr) -> bool:
    return isinstance(term, Mul) and any(map(_is_unbounded, term.args))


def _is_unbounded(factor: Expr) -> bool:
    base, _ = factor.as_base_exp()
    argument = getattr(base, "base", base)
    if isinstance(argument, Argument):
        return not isinstance(argument, Direction) and argument.domain.sup == S.Infinity
    return isinstance(base, softplus)


def _lowered_mix(expr: softplus_mix) -> Expr:
    """Lift the targets in its coefficients, if something else is in there that rounds a subnormal one."""
    x, *coefficients = expr.args
    if not any(_rounds_target(c) for c in coefficients):
        return expr
    return lowered(softplus_mix(x, *map(_lifted_target, coefficients)))


def _rounds_target(coefficient: Expr) -> bool:
    factors = Mul.make_args(coefficient)
    return len(_targets(factors)) == 1 and any(isinstance(f, Parameter) for f in factors)


def _lifted_target(coefficient: Expr) -> Expr:
    targets = _targets(Mul.make_args(coefficient))
    return coefficient.xreplace({targets[0]: lifted(targets[0])}) if targets else lifted(coefficient)


def _targets(factors: Iterable[Expr]) -> list[Expr]:
    return [f for f in factors if isinstance(f, Target)]


def _norm_over_norm(expr: Expr) -> Expr:
    """(N + a)*(x/N) -> x + a*(x/N) for N far above abs(a): N may be infinite, x/N subnormal, and a*(x/N) is small."""
    for sum_ in Mul.make_args(expr):
        terms = sum_.args if isinstance(sum_, Add) else ()
        for term, quotient in itertools.product(terms, expr.args):
            scale, norm = term.as_coeff_Mul()
            whole = _times_norm(quotient, norm) if isinstance(norm, Norm) else None
            if whole is not None:
                level = (sum_ - term) / scale
                large = scale * (whole + level * quotient)
                far = _FAR if isinstance(quotient, Unit) else 2  # `norms` rounds products with entries but twice
                bound = abs(far * level) if level.is_number else absolute(far * level)
                return expr / (sum_ * quotient) * select(Gt(norm, bound), large, sum_ * quotient)
    return expr


def _times_norm(quotient: Expr, norm: Norm) -> Expr | None:
    """Return the quotient times the norm that it was divided by."""
    if isinstance(quotient, divide_no_nan) and quotient.args[1] == norm:
        return quotient.args[0]
    if isinstance(quotient, Unit) and quotient.args[:3] == norm.args[:3]:
        return quotient.open(quotient.at)
    return None
