"""Gradients that cancel: differences of products of sums, right to a unit, and values that stay what they were."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import mpmath
import numba
import numpy as np
import pytest
from symloss.generated import cross_entropy_with_logits, weighted_cross_entropy_with_logits
from sympy import Eq, Expr, Idx, Interval, Mul, Pow, Range, Sum, exp, log, oo
from test_emit import module_of
from test_row_rules import _value

from symloss import Loss
from symloss.arguments import Prediction, Target, Weight
from symloss.functions import exp_minus, minus, select
from symloss.quotients import join_products
from symloss.reductions import ArgmaxOver, Dim, Index, MaxOver, SumOver
from symloss.runtime import elementary, loops
from symloss.scaled_functions import lifted_exp_minus, lifted_one_plus, product_difference, times_inverse, times_parts
from symloss.verify.evaluate import MP as JUDGE

DTYPES = (np.float32, np.float64)
C = Dim("C")
c = Index("c", C)
z, y, w = Prediction("z", C), Target("y", C), Weight("w", C, domain=Interval(0, oo))
label = Target("label", domain=Range(C))


@numba.njit(error_model="numpy")
def _less(total: Any, rest: Any, largest: Any, own: Any) -> Any:
    whole = total + largest
    x = whole - own
    return x, elementary.less_rest(x, whole, elementary.plus_rest(total, rest, largest), own)


@numba.njit(error_model="numpy")
def _inverse(one: Any, x: Any, rest: Any) -> Any:
    return one / x, elementary.inverse_rest(x, rest)


@numba.njit(error_model="numpy")
def _difference(a: Any, b: Any, b_rest: Any, c: Any, d: Any, d_rest: Any, k: Any, k_rest: Any) -> Any:
    return elementary.product_difference(a, b, b_rest, c, d, d_rest, k, k_rest)


def _positive(dtype: Any, rng: np.random.Generator, count: int) -> list[Any]:
    return list((rng.uniform(0.5, 2.0, count) * 2.0 ** rng.integers(-3, 4, count)).astype(dtype))


def _rest(of: Any, rng: np.random.Generator) -> Any:
    return type(of)(of * np.finfo(type(of)).eps * rng.uniform(-0.5, 0.5))


def _f(number: Any) -> Fraction:
    return Fraction(float(number))


@pytest.mark.parametrize("dtype", DTYPES)
def test_sums_and_what_they_lack(dtype: Any) -> None:
    rng = np.random.default_rng(1)
    eps = Fraction(float(np.finfo(dtype).eps))
    for _ in range(2000):
        total, largest = _positive(dtype, rng, 2)
        own = dtype(largest * rng.uniform(0, 1))
        rest = _rest(total, rng)
        exact = _f(total) + _f(rest) + _f(largest) - _f(own)
        high, low = _less(total, rest, largest, own)
        assert type(high) is type(low) or dtype is np.float64
        assert abs(_f(high) + _f(low) - exact) <= 4 * eps**2 * exact


@pytest.mark.parametrize("dtype", DTYPES)
def test_inverses_and_what_they_lack(dtype: Any) -> None:
    rng = np.random.default_rng(2)
    eps = Fraction(float(np.finfo(dtype).eps))
    for _ in range(2000):
        (x,) = _positive(dtype, rng, 1)
        rest = _rest(x, rng)
        exact = 1 / (_f(x) + _f(rest))
        high, low = _inverse(dtype(1), x, rest)
        assert abs(_f(high) + _f(low) - exact) <= 4 * eps**2 * exact


@pytest.mark.parametrize("dtype", DTYPES)
def test_differences_are_right_to_a_unit(dtype: Any) -> None:
    """Also where nearly all of the products cancels: to a few units of what the smaller parts lack."""
    rng = np.random.default_rng(3)
    eps, worst = Fraction(float(np.finfo(dtype).eps)), Fraction(0)
    for turn in range(3000):
        a, b, c, d, k = _positive(dtype, rng, 5)
        if turn % 2:
            c = dtype(a * b / d)
        rests = [_rest(of, rng) for of in (b, d, k)]
        sums = [_f(of) + _f(rest) for of, rest in zip((b, d, k), rests, strict=True)]
        first, second = _f(a) * sums[0] * sums[2], _f(c) * sums[1] * sums[2]
        got = _difference(a, b, rests[0], c, d, rests[1], k, rests[2])
        error = abs(_f(got) - (first - second))
        worst = max(worst, error / (abs(first - second) * eps + 8 * eps**2 * max(first, second)))
    assert 0.4 < worst <= 1


ENDS: dict[str, tuple[tuple[float, ...], float]] = {
    "a product that overflows": ((1.0, 1e308, 0.0, 1.0, -1e308, 0.0, 1.0, 0.0), math.inf),
    "an infinite sum": ((0.5, math.inf, 0.0, 1.0, 2.0, 0.0, 1.0, 0.0), math.inf),
    "no number": ((math.nan, 1.0, 0.0, 1.0, 2.0, 0.0, 1.0, 0.0), math.nan),
    "nothing": ((0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0), 0.0),
    "a subnormal product": ((5e-324, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0), 5e-324),
}


@pytest.mark.parametrize("says", ENDS)
def test_differences_at_the_ends(says: str) -> None:
    arguments, expected = ENDS[says]
    np.testing.assert_array_equal(_difference(*arguments), expected)


@numba.njit(error_model="numpy")
def _product(a: Any, b: Any, b_rest: Any, k: Any, k_rest: Any) -> Any:
    return elementary.times_parts(a, b, b_rest, k, k_rest)


@pytest.mark.parametrize("dtype", DTYPES)
def test_products_are_rounded_once(dtype: Any) -> None:
    rng = np.random.default_rng(6)
    eps, worst = Fraction(float(np.finfo(dtype).eps)), Fraction(0)
    for _ in range(3000):
        a, b, k = _positive(dtype, rng, 3)
        rests = _rest(b, rng), _rest(k, rng)
        exact = _f(a) * (_f(b) + _f(rests[0])) * (_f(k) + _f(rests[1]))
        worst = max(worst, abs(_f(_product(a, b, rests[0], k, rests[1])) - exact) / (exact * eps))
    assert 0.4 < worst <= 0.501


@numba.njit(error_model="numpy")
def _times(a: Any, k: Any, k_rest: Any) -> Any:
    return elementary.times_inverse(a, k, k_rest)


@pytest.mark.parametrize("dtype", DTYPES)
def test_quotients_are_rounded_once(dtype: Any) -> None:
    """Where a division by a sum that was rounded has up to a unit more."""
    rng = np.random.default_rng(7)
    worst = Fraction(0)
    for _ in range(3000):
        a, x = _positive(dtype, rng, 2)
        rest = _rest(x, rng)
        exact = _f(a) / (_f(x) + _f(rest))
        got = _times(a, *map(dtype, _inverse(dtype(1), x, rest)))
        worst = max(worst, abs(_f(got) - exact) / Fraction(float(np.spacing(dtype(float(exact))))))
    assert 0.4 < worst <= 0.501
    assert _times(5e-324, 0.5, 0.0) == 0.0
    assert _times(1.5e-323, 0.5, 0.0) == 1e-323
    assert math.isnan(_times(math.nan, 1.0, 0.0))


def test_products_at_the_ends() -> None:
    assert _product(2.0, math.inf, 0.0, 1.0, 0.0) == math.inf
    assert _product(1e300, 1e300, 0.0, 1.0, 0.0) == math.inf
    assert _product(0.0, 2.0, 0.0, 1.0, 0.0) == 0.0
    assert _product(5e-324, 2.0, 0.0, 0.5, 0.0) == 5e-324
    assert math.isnan(_product(math.nan, 2.0, 0.0, 1.0, 0.0))


@numba.njit(error_model="numpy")
def _narrowed(array: Any, whole: float, rest: float) -> Any:
    return loops.parts_in_dtype_of(array, (whole, rest))


@pytest.mark.parametrize("narrowed", [_narrowed, lambda array, *parts: loops.parts_in_dtype_of(array, parts)])
def test_what_narrowing_takes_is_in_the_rest(narrowed: Callable[..., Any]) -> None:
    rng = np.random.default_rng(4)
    for whole in rng.normal(size=100):
        rest = whole * 2.0**-54
        high, low = narrowed(np.empty(1, np.float32), whole, rest)
        assert high == np.float32(whole)
        assert abs(_f(high) + _f(low) - _f(whole) - _f(rest)) <= abs(_f(whole)) * Fraction(1, 2**47)
        assert narrowed(np.empty(1), whole, rest) == (whole, rest)


_largest = MaxOver(z[c], c)
_entry, _others = exp_minus(z[0], _largest), SumOver(exp_minus(z[c], _largest), c, (2,))  # where the largest is
_targets = SumOver(y[c], c, (2,)) + minus(y[2], y[0])
_lifted_entry, _lifted = lifted_exp_minus(z[0], _largest), SumOver(lifted_exp_minus(z[c], _largest), c, (2,))
_whole = lifted_one_plus(_lifted)
JOINED: dict[str, Expr] = {
    "a gradient": (_entry * _targets - y[0] * (1 + _others - _entry)) / (1 + _others),
    "with its sign turned": (y[0] * (1 + _others - _entry) - _entry * _targets) / (1 + _others),
    "of the largest": (_entry * _targets - y[0] * _others) / (1 + _others),
    "times a number": 3 * w[0] * (_entry * _targets - y[0] * _others) / (1 + _others),
    "over lifted exponentials": (_lifted_entry * _targets * w[1] - (_whole - _lifted_entry) * y[0]) / _whole,
}
_chosen = select(Eq(2, label), SumOver(y[c], c, (2,)), _targets)  # the targets of the others than entry 0
_complement = select(Eq(0, label), _others, 1 + _others - _entry)
POWERS: dict[str, Expr] = {
    "a Hessian": _entry * _complement * (y[0] + _chosen) / (1 + _others) ** 2,
    "with a weight": w[0] * _entry * _complement * SumOver(y[c], c) / (1 + _others) ** 2,
    "a square of a complement": y[0] * _complement**2 / (1 + _others) ** 2,
}
# Nothing cancels, or not what is known to: they only take the inverse of the sum that they are divided by.
DIVIDED: dict[str, Expr] = {
    "a softmax": _entry / (1 + _others),
    "its complement": -w[0] * _others / (1 + _others),
    "one sum": _entry * _others / (1 + _others) ** 2,
    "no sum": y[0] * _entry**2 / (1 + _others) ** 2,
    "a target of another entry": _entry * _complement * (y[1] + _chosen) / (1 + _others) ** 2,
    "terms of one sign": (_entry * _targets + y[0] * _others) / (1 + _others),
    "over a square": (_entry * _targets - y[0] * _others) / (1 + _others) ** 2,
    "a difference of sums": (_targets - _others) / (1 + _others),
    "a product without a sum": (_entry * _targets - y[0] * w[0]) / (1 + _others),
    "of three terms": (_entry * _targets - y[0] * _others - w[0]) / (1 + _others),
}
KEPT: dict[str, Expr] = {
    "a third power": _entry * _others * _targets / (1 + _others) ** 3,
    "more sums than inverses": _others * _targets / (1 + _others),
    "over no sum": (_entry * _targets - y[0] * _others) / w[0],
}
_NUMBERS = {"z": [0.3, -1.75, 2.5], "y": [0.25, 0.0, 0.5], "w": [1.5, 0.7, 3.0], "label": [1]}


def _same_value(expr: Expr, joined: Expr) -> bool:
    exact = {name: [JUDGE.mpf(v) for v in row] for name, row in _NUMBERS.items()}
    with JUDGE.workdps(60):
        left, right = (_value(e, exact) for e in (expr, joined))
        return bool(abs(left - right) <= JUDGE.mpf(10) ** -50 * abs(left))


@pytest.mark.parametrize("name", JOINED)
def test_joined_products_keep_their_values(name: str) -> None:
    expr = JOINED[name]
    joined = join_products(expr)
    assert joined.has(product_difference)
    assert _same_value(expr, joined)


@pytest.mark.parametrize("name", POWERS)
def test_products_over_squares_keep_their_values(name: str) -> None:
    expr = POWERS[name]
    joined = join_products(expr)
    assert len(joined.atoms(times_parts)) == 2
    assert _same_value(expr, joined)


@pytest.mark.parametrize("name", DIVIDED)
def test_only_one_is_divided_by_a_sum(name: str) -> None:
    joined = join_products(DIVIDED[name])
    assert joined.has(times_inverse, times_parts)
    assert not joined.has(product_difference)
    inverses = {power for power in joined.atoms(Pow) if power.exp.is_negative}
    assert len(inverses) == 1
    assert all(term == 1 / term.base for term in inverses)
    assert not any(
        product.has(*inverses) for product in joined.atoms(Mul) if not product.has(times_inverse, times_parts)
    )
    assert _same_value(DIVIDED[name], joined)


@pytest.mark.parametrize("name", KEPT)
def test_other_expressions_stay(name: str) -> None:
    assert join_products(KEPT[name]) == KEPT[name]


def test_what_is_largest_is_sought_once() -> None:
    """Also where it is the place of an entry."""
    own = z[c] / (1 + _others)
    joined = join_products(z[ArgmaxOver(own, c)] + MaxOver(own, c))
    assert not joined.has(Mul)
    sought = {ArgmaxOver(*node.args) for node in joined.atoms(MaxOver) if node.has(times_inverse)}
    assert sought == joined.atoms(ArgmaxOver)


def _units(got: Any, z: Any, y: Any, weights: Any = 1.0) -> float:
    """Return the worst error of gradients of cross-entropies in units of the larger of the two terms."""
    long = np.longdouble
    entries, targets = np.exp(z.astype(long) - z.max(1, keepdims=True)), y.astype(long) * weights
    first = targets.sum(1, keepdims=True) * entries / entries.sum(1, keepdims=True)
    largest = np.maximum(first, targets).astype(got.dtype)
    return float((np.abs(got - (first - targets)) / np.spacing(largest)).max())


def _soft(rng: np.random.Generator, classes: int, dtype: Any) -> tuple[Any, Any]:
    z = rng.normal(size=(4000, classes)) * rng.choice([0.3, 1.0, 3.0])
    y = rng.dirichlet(np.full(classes, 2.0), 4000) if rng.integers(2) else rng.random((4000, classes))
    return z.astype(dtype), y.astype(dtype)


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 60, reason="long double is no wider than double here")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("classes", [2, 3, 10, 33, 200])
def test_gradients_for_soft_targets(classes: int, dtype: Any) -> None:
    """Up to 5.0 units of the larger term were lost before all of it was in two parts, and that only in float64."""
    rng = np.random.default_rng(classes)
    weights = rng.uniform(0.5, 2.0, classes).astype(dtype)
    for _ in range(5):
        z, y = _soft(rng, classes, dtype)
        gradient = cross_entropy_with_logits.grad(z, y, reduction="none")
        assert _units(gradient, z, y) <= 3.5
        _, again = cross_entropy_with_logits.value_and_grad(z, y, reduction="none")
        np.testing.assert_array_equal(gradient, again)
        weighted = weighted_cross_entropy_with_logits.grad(z, y, weights, reduction="none")
        assert _units(weighted, z, y, weights) <= 4.0


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 60, reason="long double is no wider than double here")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("classes", [2, 3, 10, 33, 200])
def test_hessians_for_soft_targets(classes: int, dtype: Any) -> None:
    """Softmax * (1 - softmax) * sum(y), in units of itself: up to 6.8 before its factors had two parts."""
    rng = np.random.default_rng(classes)
    for _ in range(5):
        z, y = _soft(rng, classes, dtype)
        entries = np.exp(z.astype(np.longdouble) - z.max(1, keepdims=True))
        others = np.stack([np.delete(entries, k, 1).sum(1) for k in range(classes)], 1)
        whole = entries.sum(1, keepdims=True)
        exact = entries * others / whole**2 * y.astype(np.longdouble).sum(1, keepdims=True)
        _, hessian = cross_entropy_with_logits.grad_and_hess(z, y, reduction="none")
        units = np.abs(hessian - exact) / np.spacing(exact.astype(dtype))
        assert float(units.max()) <= 4.0


def test_a_loss_of_ones_own(tmp_path: Path) -> None:
    """Whatever its name, and however it is written."""
    i, j = Idx("i", C), Idx("j", C)
    mixed = Target("q", C, domain=Interval(0, 1))
    loss = Loss("own_soft", Sum(mixed[i] * (log(Sum(exp(z[j]), j)) - z[i]), i))
    module = module_of(loss, tmp_path)
    scores, targets = _soft(np.random.default_rng(5), 16, np.float64)
    gradient = module.grad(scores, targets, reduction="none")
    with mpmath.workdps(40):
        entries = [mpmath.exp(mpmath.mpf(v)) for v in scores[0]]
        total, sums = mpmath.fsum(targets[0]), mpmath.fsum(entries)
        exact = [total * e / sums - t for e, t in zip(entries, targets[0], strict=True)]
    np.testing.assert_allclose(gradient[0], np.array(exact, dtype=np.float64), rtol=0, atol=1e-15)
    assert _units(gradient, scores, targets) <= 3.5
