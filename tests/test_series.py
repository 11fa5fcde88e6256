"""Limits at ends of domains, against SymPy's own limit and against closed forms for every exponent."""

from __future__ import annotations

import pytest
import sympy
from sympy import Expr, Interval, Rational, S, exp, log, oo

from symloss.arguments import Parameter, Prediction, Target
from symloss.ends import end_limit
from symloss.functions import Primitive, log1p, sigmoid

p = Prediction("p", domain=Interval(0, 1))
y = Target("y", domain=Interval(0, 1))
gamma = Parameter("gamma", 2.0, domain=Interval(0, oo))

SINGULAR: dict[str, Expr] = {
    "log": log(p),
    "y log": -y * log(p) - (1 - y) * log1p(-p),
    "quotient": y / p - (1 - y) / (1 - p),
    "square": y / p**2 + (1 - y) / (1 - p) ** 2,
    "p log p": p * log(p),
    "p log p twice": p * log(p) ** 2,
    "removable": (sigmoid(p) - Rational(1, 2)) / p,
    "difference quotient": (exp(p) - 1 - p) / p**2,
    "root": sympy.sqrt(p),
    "inverse root": log1p(-p) / sympy.sqrt(p),
}


def _plain(expr: Expr) -> Expr:
    while expr.atoms(Primitive):
        expr = expr.replace(lambda e: isinstance(e, Primitive), lambda e: e.definition())
    return expr


@pytest.mark.parametrize("case", SINGULAR)
@pytest.mark.parametrize("soft", [S.Zero, Rational(1, 3), S.One])
@pytest.mark.parametrize(("end", "direction"), [(S.Zero, 1), (S.One, -1)])
def test_against_sympy(case: str, soft: Expr, end: Expr, direction: int) -> None:
    expr = SINGULAR[case]
    found = end_limit(expr, p, end, direction)
    t = sympy.Symbol("t", positive=True)
    expected = sympy.limit(_plain(expr.xreplace({y: soft})).xreplace({p: end + direction * t}), t, 0, "+")
    at_end = {y: soft} if found is not None else {y: soft, p: end}  # floats can be put in where there is no case
    got = _plain((expr if found is None else found).xreplace(at_end))
    got = sympy.piecewise_fold(got) if got.has(sympy.Piecewise) else got
    assert sympy.simplify(got - expected) == 0 if expected.is_finite else got == expected


@pytest.mark.parametrize(("power", "expected"), [(0, -1), (Rational(1, 2), 0), (1, 0), (2, 0)])
def test_every_exponent(power: Expr, expected: Expr) -> None:
    """d/dp of (1-p)**gamma log p at p = 1 jumps at gamma = 0."""
    expr = (1 - p) ** gamma / p - gamma * (1 - p) ** (gamma - 1) * log(p)
    found = end_limit(-expr, p, S.One, -1)
    assert found is not None
    assert _plain(found.xreplace({gamma: S(power)})) == expected


def test_regular_expressions_are_left_alone() -> None:
    assert end_limit(p**2 + log1p(p), p, S.Zero, 1) is None


def test_no_series_is_no_limit() -> None:
    assert end_limit(sympy.gamma(p), p, S.Zero, 1) is None
