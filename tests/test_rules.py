"""Every row of the rule tables: the two sides are equal at 50 digits, and floats lose nothing by the rule."""

from __future__ import annotations

import random

import mpmath
import numpy as np
import pytest
import sympy
from sympy import Interval, Rational, S

from symloss.functions import Primitive
from symloss.matching import Slot, match, match_terms
from symloss.rules import CANONICAL, RULES, Rule

_DIGITS = 50


def _plain(expr: sympy.Expr) -> sympy.Expr:
    """Return the expression in functions that SymPy can evaluate."""
    while expr.atoms(Primitive):
        expr = expr.replace(lambda e: isinstance(e, Primitive), lambda e: e.definition())
    return expr


def _sample(domain: Interval, random_: random.Random) -> Rational:
    scale = random_.choice([1e-3, 0.1, 1.0, 3.0])
    value = Rational(random_.uniform(-1, 1) * scale)
    if domain.start.is_finite and not domain.end.is_finite:
        value = domain.start + abs(value) + Rational(1, 10**6)
    elif domain.end.is_finite and not domain.start.is_finite:
        value = domain.end - abs(value) - Rational(1, 10**6)
    elif domain.end.is_finite:
        value = domain.start + (domain.end - domain.start) * (value + 1) / 2
    return value


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_both_sides_are_equal(rule: Rule) -> None:
    random_ = random.Random(7)
    slots = sorted(rule.left.atoms(Slot), key=str)
    assert rule.right.atoms(Slot) <= set(slots)
    for _ in range(8):
        point = {slot: _sample(rule.domain.get(slot, S.Reals), random_) for slot in slots}
        left, right = (_plain(side).xreplace(point).evalf(_DIGITS + 15) for side in (rule.left, rule.right))
        scale = max(abs(left), abs(right), S(10) ** -_DIGITS)
        assert abs(left - right) / scale < S(10) ** (10 - _DIGITS), point


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_left_side_is_found(rule: Rule) -> None:
    names = {slot: sympy.Symbol(f"q_{slot.name}", real=True) for slot in rule.left.atoms(Slot)}
    instance = rule.left.xreplace(names)
    found = [b for b in match(rule.left, instance, {}) if rule.where(b)]
    if isinstance(rule.left, sympy.Add):
        found += [b for b, rest in match_terms(rule.left, instance, {}) if rest == 0 and rule.where(b)]
    assert any(rule.right.xreplace(b) == rule.right.xreplace(names) for b in found)


def _value_in_floats(expr: sympy.Expr, point: dict[sympy.Symbol, float]) -> float:
    """Evaluate an expression in float64, primitives by the functions that kernels call."""
    from symloss.runtime import elementary

    if expr in point:
        return point[expr]
    if expr.is_number and not expr.args:
        return float(expr)
    args = [np.float64(_value_in_floats(a, point)) for a in expr.args]
    with np.errstate(all="ignore"):
        if isinstance(expr, sympy.Add):
            return float(sum(args))
        if isinstance(expr, sympy.Mul):
            return float(np.prod(args))
        if isinstance(expr, sympy.Pow):
            return float(args[0] ** args[1])
        name = type(expr).__name__
        return float(getattr(elementary, name)(*map(float, args)))


_ADVERSARIAL = (1e-300, 1e-17, 1e-9, 1e-4, 0.3, 1.0, 3.0, 17.0, 37.5, 300.0, 700.0)
_ROUNDINGS = 8.0


def _grid(rule: Rule) -> list[dict[sympy.Symbol, float]]:
    points = []
    slots = sorted(rule.left.atoms(Slot), key=str)
    for size in _ADVERSARIAL:
        for sign in (1.0, -1.0):
            for other in (0.7, -2.5):
                point = {slot: (sign * size if i == 0 else other) for i, slot in enumerate(reversed(slots))}
                if all(Rational(v) in rule.domain.get(slot, S.Reals) for slot, v in point.items()):
                    points.append(point)
    return points


def _truth(rule: Rule, point: dict[sympy.Symbol, float]) -> tuple[mpmath.mpf, mpmath.mpf]:
    """Return the value, and how much it changes when every input changes by its own size."""
    slots = sorted(point, key=str)
    function = sympy.lambdify(slots, _plain(rule.left), "mpmath")
    inputs = [mpmath.mpf(point[slot]) for slot in slots]
    value, change = function(*inputs), mpmath.mpf(0)
    for i, x in enumerate(inputs):
        moved = list(inputs)
        moved[i] = x * (1 + mpmath.mpf(10) ** -200)
        change += abs(function(*moved) - value) * mpmath.mpf(10) ** 200
    return value, change


@pytest.mark.parametrize("rule", [r for r in RULES if r.phase == CANONICAL], ids=lambda rule: rule.name)
def test_floats_lose_nothing(rule: Rule) -> None:
    """The right side is right to a few roundings of inputs and result wherever the left one is not better."""
    checked = 0
    for point in _grid(rule):
        with mpmath.workdps(1500):
            true, change = _truth(rule, point)
            if isinstance(true, mpmath.mpc) or abs(true) > mpmath.mpf(2) ** 1023:
                continue
            errors = []
            for side in (rule.left, rule.right):
                got = _value_in_floats(side, point)
                spacing = max(abs(true) * mpmath.mpf(2) ** -52, mpmath.mpf(2) ** -1074)
                errors.append(abs(got - true) / spacing if np.isfinite(got) else mpmath.inf)
            left, right = errors
            allowed = _ROUNDINGS * (1 + change / max(abs(true), mpmath.mpf(2) ** -1074))
            assert right <= max(left, allowed), (point, left, right)
        checked += 1
    assert checked
