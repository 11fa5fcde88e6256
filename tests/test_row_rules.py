"""Every rewrite rule for reductions applies to its example, and both sides are equal at high precision."""

from __future__ import annotations

import random
from typing import Any

import pytest
from sympy import Eq, Expr, Gt, Range, Rational, exp, log, sqrt

from symloss.arguments import Argument, Prediction, Target
from symloss.functions import indicator, log1p, select, sigmoid, sqrt1pm1
from symloss.reductions import (
    Dim,
    Index,
    LogSumExp,
    Softmax,
    SumOver,
)
from symloss.row_rules import ROW_RULES
from symloss.verify.evaluate import MP, Declared

C = Dim("C")
c = Index("c", C)
z, y, w = Prediction("z", C), Target("y", C), Target("w")
label = Target("label", domain=Range(C))
gamma = Target("gamma")
entry, at_label = z[c], z[label]

EXAMPLES: dict[str, Expr] = {
    "sum over a delta, or with a constant factor": SumOver(3 * w * indicator(Eq(c, label)) * exp(entry), c),
    "root of a sum of squares": sqrt(SumOver(entry**2, c)),
    "log of a sum of exp": log(SumOver(exp(entry), c)),
    "exp over a sum of exp": w * exp(at_label) / SumOver(exp(entry), c),
    "exp over a sum of exp, elsewhere": exp(SumOver(y[c] * entry, c)) / SumOver(exp(entry), c),
    "exp of a difference to a log-sum-exp": exp(at_label - LogSumExp(entry, c)),
    "log of softmax": log(Softmax(entry, c, (), label)),
    "log-sum-exp above an entry": w + 2 * LogSumExp(entry, c) - 2 * at_label,
    "complement of softmax": 3 + w - w * Softmax(entry, c, (), label),
    "shares of one number": 5 + w * exp(at_label) + (1 - w) * exp(at_label),
    "difference of sigmoids": w * sigmoid(gamma) * sigmoid(-gamma) ** 2 - w * sigmoid(gamma) ** 2 * sigmoid(-gamma),
    "a sum less its part": w / sqrt(1 + gamma**2) - w * gamma**2 * (1 + gamma**2) ** Rational(-3, 2),
    "one less a quotient": w / gamma - w * (gamma - at_label) / gamma**2,
    "log1p over a power": gamma * log1p(-w) * w ** (gamma - 2),
    "sqrt(1 + x**2) - 1 of a quotient": sqrt1pm1((gamma - w) ** 2 / at_label**2),
    "multiples compared": select(Gt(w * (gamma - 2), (w - 1) * (gamma - 2)), at_label, gamma),
    "powers of one base": w**gamma * w ** (-2),
}


def _value(expr: Expr, numbers: dict[str, Any]) -> Any:
    arguments = sorted((s for s in expr.free_symbols if isinstance(s, Argument)), key=lambda a: a.name)
    shapes = {a.name: (3,) if a.dims else () for a in arguments}
    return Declared(expr, arguments).start({a.name: numbers[a.name] for a in arguments}, shapes)


@pytest.mark.parametrize("rule", ROW_RULES, ids=lambda rule: rule.name)
def test_both_sides_are_equal(rule: Any) -> None:
    example = EXAMPLES[rule.name]
    assert isinstance(example, rule.heads)
    replaced = rule.apply(example)
    assert replaced is not None
    assert replaced != example
    random_ = random.Random(3)
    with MP.workdps(60):
        for position in range(3):
            numbers = {
                "z": [MP.mpf(random_.uniform(-3, 3)) for _ in range(3)],
                "y": [MP.mpf(random_.random()) for _ in range(3)],
                "w": [MP.mpf(random_.random())],
                "gamma": [MP.mpf(random_.uniform(0, 3))],
                "label": [position],
            }
            left, right = _value(example, numbers), _value(replaced, numbers)
            assert abs(left - right) <= MP.mpf(10) ** -50 * max(1, abs(left))


@pytest.mark.parametrize("rule", ROW_RULES, ids=lambda rule: rule.name)
def test_other_expressions_are_left_alone(rule: Any) -> None:
    for other in (SumOver(entry, c), w + Rational(1, 2), w**2, exp(w), log(w), w * gamma):
        if isinstance(other, rule.heads):
            assert rule.apply(other) in (None, other)
