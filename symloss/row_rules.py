"""Rewrite rules for reductions, whose bound index a pattern cannot name: a table of functions.

Each takes an expression and returns an equal one, or None where it does not apply.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sympy import Add, Expr, Mul, Pow, Rational, S, StrictGreaterThan, StrictLessThan, Symbol, exp, fraction, log

from symloss.functions import (
    hypot,
    log1p,
    log1p_ratio,
    ratio,
    select,
    sigmoid,
    sqrt1pm1,
    tanh,
)
from symloss.reductions import (
    Element,
    Index,
    LogSoftmax,
    LogSumExp,
    Norm,
    Softmax,
    SoftmaxComplement,
    SumOver,
    sum_over,
)
from symloss.rules import CANONICAL, STABLE


@dataclass(frozen=True)
class RowRule:
    """One identity between expressions with reductions.

    Parameters
    ----------
    name : str
        For messages and tests.
    heads : tuple of type
        What the outermost operation must be.
    apply : callable
        Returns the equal expression, or None.
    phase : {"canonical", "stable"}
        When it is applied.
    """

    name: str
    heads: tuple[type, ...]
    apply: Callable[[Expr], Expr | None]
    phase: str = CANONICAL


def places(body: Expr, index: Index, value: Expr) -> Iterator[Expr]:
    """Yield every ``o`` for which the body at ``index = o`` is the value."""
    candidates: dict[Expr, None] = {}
    inside = sorted((e for e in body.atoms(Element) if index in e.indices), key=str)
    outside = sorted(value.atoms(Element), key=str)
    for own, other in itertools.product(inside, outside):
        if own.base == other.base:
            candidates[other.indices[own.indices.index(index)]] = None
    yield from (o for o in candidates if body.xreplace({index: o}) == value)


def _norm(expr: Expr) -> Expr | None:
    base, power = expr.args
    if not isinstance(base, SumOver) or not isinstance(power, Rational) or power.q != 2 or power < 0:
        return None
    body = base.body
    if not isinstance(body, Pow) or body.exp != 2:
        return None
    return Norm(body.base, base.index, base.excluded) ** power.p


def _log_sum_exp(expr: Expr) -> Expr | None:
    (total,) = expr.args
    if isinstance(total, SumOver) and isinstance(total.body, exp):
        return LogSumExp(total.body.args[0], total.index, total.excluded)
    return None


def _softmax_from_quotient(expr: Expr) -> Expr | None:
    for power in expr.args:
        if not (isinstance(power, Pow) and power.exp == -1 and isinstance(power.base, SumOver)):
            continue
        total = power.base
        if not isinstance(total.body, exp):
            continue
        body = total.body.args[0]
        for factor in expr.args:
            if isinstance(factor, exp):
                for place in places(body, total.index, factor.args[0]):
                    rest = expr / (power * factor)
                    return rest * Softmax(body, total.index, total.excluded, place)
    return None


def _exp_over_sum(expr: Expr) -> Expr | None:
    """exp(u)/sum(exp(b)) -> exp(u - log-sum-exp(b)), whose parts may overflow where the whole does not."""
    for power in expr.args:
        if not (isinstance(power, Pow) and power.exp.is_Integer and power.exp < 0 and isinstance(power.base, SumOver)):
            continue
        total = power.base
        exponents = [factor for factor in expr.args if isinstance(factor, exp)]
        if isinstance(total.body, exp) and exponents:
            node = LogSumExp(total.body.args[0], total.index, total.excluded)
            rest = expr / Mul(power, *exponents)
            return rest * exp(sum(f.args[0] for f in exponents) + power.exp * node)
    return None


def _softmax_from_exp(expr: Expr) -> Expr | None:
    (exponent,) = expr.args
    if isinstance(exponent, LogSoftmax):
        return Softmax(*exponent.args)
    for term in Add.make_args(exponent):
        if isinstance(-term, LogSumExp):
            node = -term
            for place in places(node.body, node.index, exponent - term):
                return Softmax(node.body, node.index, node.excluded, place)
    return None


def _log_of_softmax(expr: Expr) -> Expr | None:
    (inner,) = expr.args
    return LogSoftmax(*inner.args) if isinstance(inner, Softmax) else None


def _log_sum_exp_above(expr: Expr) -> Expr | None:
    """k*LSE(b) - k*b[o] -> -k*log_softmax(b)[o]."""
    terms = expr.args
    for term in terms:
        coefficient, node = term.as_independent(LogSumExp, as_Add=False)
        if not isinstance(node, LogSumExp):
            continue
        for other in terms:
            for element in sorted((-other / coefficient).atoms(Element), key=str):
                for place in element.indices:
                    value = node.open(place)
                    if place in node.excluded or not _contains(expr, -coefficient * value):
                        continue
                    rest = expr - term + coefficient * value
                    return rest - coefficient * LogSoftmax(node.body, node.index, node.excluded, place)
    return None


def _contains(total: Expr, part: Expr) -> bool:
    terms = Add.make_args(total)
    return all(t in terms for t in Add.make_args(part))


def _complement_of_softmax(expr: Expr) -> Expr | None:
    """K - k*softmax -> k*(softmax of the others)."""
    for term in expr.args:
        for node in Mul.make_args(term):
            if isinstance(node, Softmax) and -term / node in expr.args:
                share = -term / node
                return expr - term - share + share * SoftmaxComplement(*node.args)
    return None


def _shares(expr: Expr) -> Expr | None:
    """w*X + (1 - w)*X -> X."""
    for first, second in itertools.permutations(expr.args, 2):
        for share in Mul.make_args(first):
            if isinstance(share, (Symbol, Element)):
                whole = first / share
                if second == whole * (1 - share) or second == whole - whole * share:
                    return expr - first - second + whole
    return None


def _log1p_over_small(expr: Expr) -> Expr | None:
    """log1p(-p)*p**(g - 2) -> -log1p_ratio(-p)*p**(g - 1): the power may overflow where the product does not."""
    for inner in expr.args:
        if not isinstance(inner, log1p):
            continue
        (x,) = inner.args
        for factor in expr.args:
            base, power = factor.as_base_exp()
            if power.as_coeff_Add()[0] < 0 and x / base in (1, -1):
                return expr / (inner * factor) * log1p_ratio(x) * (x / base) * base ** (power + 1)
    return None


def _closed_sum(expr: SumOver) -> Expr:
    index = expr.fresh_index()
    return sum_over(expr.open(index), index, expr.excluded)


def _difference_of_sigmoids(expr: Expr) -> Expr | None:
    """k*sigmoid(x) - k*sigmoid(-x) -> k*tanh(x/2)."""
    for first, second in itertools.permutations(expr.args, 2):
        for factor in (f for part in Mul.make_args(first) for f in (part.as_base_exp()[0],)):
            if isinstance(factor, sigmoid) and -second / first == sigmoid(-factor.args[0]) / factor:
                return expr - first - second + first / factor * tanh(factor.args[0] / 2)
    return None


def _sum_less_part(expr: Expr) -> Expr | None:
    """k*(1 + q)**p - k*q*(1 + q)**(p - 1) -> k*(1 + q)**(p - 1)."""
    for first, second in itertools.permutations(expr.args, 2):
        for power in Mul.make_args(first):
            base = power.as_base_exp()[0]
            if isinstance(base, Add) and power.as_base_exp()[1] != 1:
                left = base + second / first * base
                if left.is_number:
                    return expr - first - second + first / base * left
    return None


def _quotient_of_difference(expr: Expr) -> Expr | None:
    """Turn k - k*(q - a)/q into k*a/q."""
    for first, second in itertools.permutations(expr.args, 2):
        above, below = fraction(-second / first)
        if isinstance(above, Add) and below in above.args:
            return expr - first - second - first * (above - below) / below
    return None


def _powers_of_one_base(expr: Expr) -> Expr | None:
    """b**g/b**2 -> b**(g - 2): the parts may underflow where the whole does not.  For b > 0; `ends` has the rest."""
    exponents: dict[Expr, Expr] = {}
    for factor in expr.args:
        base, power = factor.as_base_exp()
        exponents[base] = exponents.get(base, S.Zero) + power
    if len(exponents) == len(expr.args) or all(power.is_Integer for power in exponents.values()):
        return None
    return Mul(*(base**power for base, power in exponents.items()))


def _root_of_squares(expr: Expr) -> Expr | None:
    """Return a/b for a**2/b**2, which SymPy makes of (a/b)**2 and whose squares may overflow."""
    powers = [factor.as_base_exp() for factor in expr.args] if isinstance(expr, Mul) else []
    if not powers or any(not power.is_Integer or power % 2 for _, power in powers):
        return None
    return Mul(*(base ** (power / 2) for base, power in powers))


def _sqrt1pm1_of_squares(expr: Expr) -> Expr | None:
    x = _root_of_squares(expr.args[0])
    return None if x is None else x * ratio(x, 1 + hypot(S.One, x))


def _multiples_compared(expr: Expr) -> Expr | None:
    """q*x > (q - 1)*x -> x > 0: products of tiny numbers round to a tie."""
    condition, yes, no = expr.args
    if not isinstance(condition, (StrictGreaterThan, StrictLessThan)) or not isinstance(condition.lhs, Mul):
        return None
    difference = (condition.lhs - condition.rhs).expand()
    shared = [f for f in Mul.make_args(condition.lhs) if f in Mul.make_args(condition.rhs)]
    return select(condition.func(difference, 0), yes, no) if difference in shared else None


ROW_RULES: tuple[RowRule, ...] = (
    RowRule("sum over a delta, or with a constant factor", (SumOver,), _closed_sum),
    RowRule("root of a sum of squares", (Pow,), _norm),
    RowRule("log of a sum of exp", (log,), _log_sum_exp),
    RowRule("exp over a sum of exp", (Mul,), _softmax_from_quotient),
    RowRule("exp over a sum of exp, elsewhere", (Mul,), _exp_over_sum),
    RowRule("exp of a difference to a log-sum-exp", (exp,), _softmax_from_exp),
    RowRule("log of softmax", (log,), _log_of_softmax),
    RowRule("log-sum-exp above an entry", (Add,), _log_sum_exp_above),
    RowRule("complement of softmax", (Add,), _complement_of_softmax),
    RowRule("shares of one number", (Add,), _shares),
    RowRule("difference of sigmoids", (Add,), _difference_of_sigmoids, STABLE),
    RowRule("a sum less its part", (Add,), _sum_less_part, STABLE),
    RowRule("one less a quotient", (Add,), _quotient_of_difference, STABLE),
    RowRule("log1p over a power", (Mul,), _log1p_over_small, STABLE),
    RowRule("sqrt(1 + x**2) - 1 of a quotient", (sqrt1pm1,), _sqrt1pm1_of_squares, STABLE),
    RowRule("multiples compared", (select,), _multiples_compared, STABLE),
    RowRule("powers of one base", (Mul,), _powers_of_one_base),
)
