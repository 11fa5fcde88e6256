"""Bounds of an expression over all values of the predictions: interval arithmetic on the primitives.

Bounds are expressions in targets and parameters, whose domains decide about signs.  Moore, Kearfott and Cloud (2009),
Introduction to Interval Analysis, SIAM.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from sympy import Add, Expr, FiniteSet, Interval, Max, Min, Mul, Pow, Rational, S, exp, oo

from symloss.arguments import Argument, Prediction
from symloss.functions import (
    absolute,
    hypot,
    logistic_density,
    ratio,
    sech,
    select,
    sgn,
    sigmoid,
    softplus,
    tanh,
)


class Range(NamedTuple):
    """Between which numbers an expression lies; both are infinite where nothing is known."""

    low: Expr
    high: Expr


ANYTHING = Range(-oo, oo)
RANGES: dict[type, Range] = {
    sigmoid: Range(S.Zero, S.One),
    logistic_density: Range(S.Zero, Rational(1, 4)),
    softplus: Range(S.Zero, oo),
    exp: Range(S.Zero, oo),
    absolute: Range(S.Zero, oo),
    hypot: Range(S.Zero, oo),
    sech: Range(S.Zero, S.One),
    tanh: Range(S.NegativeOne, S.One),
    sgn: Range(S.NegativeOne, S.One),
}


def bounds(expr: Any) -> Range:
    """Return bounds that are free of predictions."""
    if not any(isinstance(s, Prediction) for s in expr.free_symbols):
        return Range(expr, expr)
    known = RANGES.get(type(expr))
    if known is not None:
        return known
    rule = _RULES.get(type(expr))
    return ANYTHING if rule is None else rule(expr)


def is_nonnegative(expr: Expr) -> bool:
    """Whether an expression in targets and parameters is at least 0, by their domains."""
    if expr.is_number:
        return bool(expr >= 0)
    if isinstance(expr, Mul):
        return all(is_nonnegative(factor) for factor in expr.args)
    if isinstance(expr, Pow) and expr.exp.is_number:
        return bool(expr.exp.is_even) or is_nonnegative(expr.base)
    if isinstance(expr, (Max, Min)):
        return (any if isinstance(expr, Max) else all)(is_nonnegative(arg) for arg in expr.args)
    constant, rest = expr.as_coeff_Add()
    slope, symbol = rest.as_coeff_Mul()
    if isinstance(symbol, Argument) and isinstance(symbol.domain, (Interval, FiniteSet)):
        end = symbol.domain.inf if slope > 0 else symbol.domain.sup
        return bool(end.is_finite and constant + slope * end >= 0)
    return isinstance(expr, Add) and all(is_nonnegative(term) for term in expr.args)


def _sum(expr: Add) -> Range:
    parts = [bounds(term) for term in expr.args]
    return Range(Add(*(p.low for p in parts)), Add(*(p.high for p in parts)))


def _product(expr: Mul) -> Range:
    """Multiply a factor without predictions, whose sign is known, by factors that are at least 0."""
    free = [f for f in expr.args if not any(isinstance(s, Prediction) for s in f.free_symbols)]
    rest = [bounds(f) for f in expr.args if f not in free]
    factor = Mul(*free)
    if len(rest) > 1 and not all(is_nonnegative(r.low) for r in rest):
        return ANYTHING
    low, high = Mul(*(r.low for r in rest)), Mul(*(r.high for r in rest))
    if low is S.NaN or high is S.NaN:
        return ANYTHING
    if is_nonnegative(factor):
        return Range(factor * low, factor * high)
    return Range(factor * high, factor * low) if is_nonnegative(-factor) else ANYTHING


def _power(expr: Pow) -> Range:
    base, exponent = bounds(expr.base), expr.exp
    if not exponent.is_number:
        return ANYTHING
    if exponent.is_even and exponent > 0:
        size = Max(base.low, base.high, -base.low, -base.high) if base != ANYTHING else oo
        return Range(S.Zero, size**exponent)
    if exponent > 0 and is_nonnegative(base.low):
        return Range(base.low**exponent, base.high**exponent)
    if exponent < 0 and base.low.is_number and base.low > 0:
        return Range(S.Zero if base.high == oo else base.high**exponent, base.low**exponent)
    return ANYTHING


def _ratio(expr: ratio) -> Range:
    above, below = expr.args
    legs = isinstance(below, hypot) and above in below.args
    return Range(S.Zero if bounds(above).low == S.One else S.NegativeOne, S.One) if legs else ANYTHING


def _select(expr: select) -> Range:
    parts = [bounds(branch) for branch in expr.args[1:] if branch is not S.NaN]
    return Range(Min(*(p.low for p in parts)), Max(*(p.high for p in parts)))


_RULES: dict[type, Callable[[Any], Range]] = {
    Add: _sum,
    Mul: _product,
    Pow: _power,
    ratio: _ratio,
    select: _select,
}
