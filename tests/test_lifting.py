"""Softmaxes that weights or soft targets multiply: right where exponentials are subnormal, and of the same value."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numba
import numpy as np
import pytest
from catalogue import catalogue
from symloss.generated import (
    cross_entropy_with_logits,
    weighted_cross_entropy_with_logits,
    weighted_sparse_cross_entropy_with_logits,
)
from sympy import Expr, Idx, Interval, S, exp, oo
from test_row_rules import _value

from symloss import Loss, logsumexp
from symloss.arguments import Prediction, Target, Weight
from symloss.functions import exp_minus, log1p, minus, multiply_no_nan
from symloss.lifting import lift_rows
from symloss.pipeline import text_of_stage
from symloss.reductions import Dim, Index, MaxOver, SumOver
from symloss.runtime import elementary
from symloss.scaled_functions import lifted_exp_minus, times_log_softmax
from symloss.verify.evaluate import MP as JUDGE

MP = mpmath.MPContext()
MP.prec = 1200
LEAST = 5e-324
C = Dim("C")
c = Index("c", C)
z, y, w = Prediction("z", C), Target("y", C, domain=Interval(0, 1)), Weight("w", C, domain=Interval(0, oo))
_largest = MaxOver(z[c], c)
_others = SumOver(exp_minus(z[c], _largest), c, (2,))  # where the largest is
_entry = exp_minus(z[0], _largest)
LIFTED: dict[str, Expr] = {
    "a softmax": w[0] * _entry / (1 + _others),
    "its complement": w[0] * _others / (1 + _others),
    "its complement elsewhere": w[0] * (1 + _others - _entry) / (1 + _others),
    "a product of both": w[0] * _entry * (1 + _others - _entry) / (1 + _others) ** 2,
    "a logarithm": w[0] * (z[0] - _largest - log1p(_others)),
    "a weighted log-softmax": multiply_no_nan(w[0], minus(z[0], _largest) - log1p(_others)),
    "with a target": multiply_no_nan(y[0] * w[0], minus(z[0], _largest) - log1p(_others)),
    "of a soft target": _entry * y[0] / (1 + _others),
    "inside of sums": SumOver(w[c] * exp_minus(z[c], _largest) / (1 + _others), c),
    "a difference": (_entry * w[1] - (1 + _others - _entry) * y[0] * w[0]) / (1 + _others),
}


@pytest.mark.parametrize("name", LIFTED)
def test_lifted_expressions_keep_their_values(name: str) -> None:
    expr = LIFTED[name]
    lifted = lift_rows(expr)
    assert lifted.has(lifted_exp_minus)
    assert not lifted.has(exp_minus)
    numbers = {"z": [0.3, -1.75, 2.5], "y": [0.25, 0.0, 0.5], "w": [1.5, 0.7, 3.0]}
    exact = {n: [JUDGE.mpf(v) for v in row] for n, row in numbers.items()}
    with JUDGE.workdps(60):
        left, right = (_value(e, exact) for e in (expr, lifted))
        assert abs(left - right) <= JUDGE.mpf(10) ** -50 * abs(left)


def test_without_weights_nothing_is_lifted() -> None:
    """Nor with a label, or where a number alone multiplies."""
    for name, expr in LIFTED.items():
        plain = expr.xreplace({w[0]: S.One, w[1]: S.One, y[0]: S.One})
        if name != "inside of sums":
            assert lift_rows(plain) == plain
    lifted = [name for name, loss in catalogue().items() if "lifted_exp_minus" in _exact_text(name, loss)]
    assert lifted == [
        "cross_entropy_with_logits",
        "weighted_cross_entropy_with_logits",
        "weighted_sparse_cross_entropy_with_logits",
    ]


def test_a_target_alone_takes_no_digits_from_a_logarithm() -> None:
    soft = multiply_no_nan(y[0], minus(z[0], _largest) - log1p(_others))
    assert not lift_rows(soft).has(times_log_softmax)
    weighted = multiply_no_nan(y[0] * w[0], minus(z[0], _largest) - log1p(_others))
    (node,) = lift_rows(weighted).atoms(times_log_softmax)
    assert node.args[3:] == (y[0], w[0])


def _exact_text(name: str, loss: Any) -> str:
    return text_of_stage(loss, "exact") if "cross_entropy" in name else ""


@numba.njit(error_model="numpy")
def _lifted_exp_minus(x: Any, y: Any) -> Any:
    return elementary.lifted_exp_minus(x, y)


@pytest.mark.parametrize(("dtype", "lift", "least"), [(np.float32, 2**30, -100.0), (np.float64, 2**64, -740.0)])
def test_the_lifted_exponential(dtype: Any, lift: int, least: float) -> None:
    """Also where exp is subnormal, or the difference is rounded."""
    rng = np.random.default_rng(2)
    worst = 0.0
    for x, y_ in zip(rng.uniform(least, 0, 3000).astype(dtype), rng.normal(size=3000).astype(dtype), strict=True):
        if x <= y_:
            exact = lift * MP.exp(MP.mpf(float(x)) - MP.mpf(float(y_)))
            got = dtype(_lifted_exp_minus(x, y_))
            worst = max(worst, float(abs(MP.mpf(float(got)) - exact) / float(np.spacing(got))))
    # Half a unit, and what the polynomial of exp is rounded by: up to an eighth of a unit for each of its last steps.
    assert worst <= (0.7 if dtype is np.float64 else 1.0)


@pytest.mark.parametrize(("dtype", "lift"), [(np.float32, 2.0**30), (np.float64, 2.0**64)])
def test_the_lifted_exponential_at_the_ends(dtype: Any, lift: float) -> None:
    infinite = dtype(math.inf)
    assert _lifted_exp_minus(infinite, infinite) == _lifted_exp_minus(-infinite, -infinite) == lift
    assert _lifted_exp_minus(-infinite, dtype(3)) == _lifted_exp_minus(dtype(-3e38), dtype(3e38)) == 0.0
    assert math.isnan(_lifted_exp_minus(dtype(math.nan), dtype(1)))
    assert elementary.lifted_one_plus(dtype(lift)) == 2 * lift


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_exponential_below_has_the_bits_of_the_general_one(dtype: Any) -> None:
    """For x <= y, which is what `specialize` says of an entry and the largest of its row."""

    @numba.njit(error_model="numpy")
    def both(x: Any, y: Any) -> Any:
        return elementary.exp_below(x, y), elementary.exp_minus(x, y)

    rng = np.random.default_rng(3)
    y = (rng.normal(size=4000) * 10.0 ** rng.uniform(-3, 5, 4000)).astype(dtype)
    x = (y - rng.exponential(1, 4000) * 10.0 ** rng.uniform(-12, 3, 4000)).astype(dtype)
    infinite, nan = dtype(math.inf), dtype(math.nan)
    ends = [(infinite, infinite), (-infinite, -infinite), (-infinite, dtype(1)), (dtype(1), infinite), (nan, dtype(1))]
    for pair in [*zip(x, y, strict=True), *ends]:
        one, other = both(*pair)
        assert one == other or (math.isnan(one) and math.isnan(other)), pair


def test_only_entries_of_a_row_are_said_to_be_below_its_largest() -> None:
    k, t = Idx("k", C), Target("t")
    loss = Loss("odds", exp(z[0] - logsumexp(z[k], k)) + exp(t - logsumexp(z[k], k)))
    text = text_of_stage(loss, "exact").splitlines()[0]
    assert "exp_below(z[0], " in text
    assert "exp_minus(t, " in text
    assert "exp_below(t" not in text


def _exact_row(row: Any, label: int, weights: Any) -> tuple[list[Any], list[Any]]:
    """Return gradient and Hessian diagonal of the loss of one sample."""
    shares = [MP.exp(MP.mpf(v)) for v in row]
    total, weight = sum(shares), MP.mpf(weights[label])
    others = [sum(s for j, s in enumerate(shares) if j != k) for k in range(len(row))]
    grad = [weight * (-others[k] if k == label else shares[k]) / total for k in range(len(row))]
    return grad, [weight * shares[k] * others[k] / total**2 for k in range(len(row))]


@pytest.mark.parametrize("size", [3, 10, 200])
def test_weights_times_subnormal_losses(size: int) -> None:
    """Weights of 200 multiplied what the logarithm of a nearly sure row lacks."""
    rng = np.random.default_rng(size)
    worst = 0.0
    for _ in range(60):
        z_ = rng.uniform(-744, -700, (1, size))
        weights = rng.uniform(0, 200, size)
        label = int(rng.integers(size))
        z_[0, label] = 0.0
        exact = MP.mpf(weights[label]) * MP.log(sum(MP.exp(MP.mpf(v)) for v in z_[0]))
        dense = weighted_cross_entropy_with_logits.value(z_, np.eye(size)[[label]], weights, reduction="sum")
        sparse = weighted_sparse_cross_entropy_with_logits.value(z_, np.array([label]), weights, reduction="sum")
        unit = max(LEAST, float(np.spacing(float(exact))))
        worst = max([worst, *(float(abs(MP.mpf(got) - exact) / unit) for got in (dense, sparse))])
    assert 0.4 < worst <= 2.0


@pytest.mark.parametrize("size", [3, 10, 200])
def test_weights_times_subnormal_exponentials(size: int) -> None:
    """Weights of 64 multiplied what a subnormal exponential lacks: up to 32 of the smallest subnormal."""
    rng = np.random.default_rng(size)
    worst = 0.0
    for _ in range(60):
        z_ = rng.uniform(-744, -730, (1, size))
        weights = np.exp2(rng.uniform(0, 6, size))
        label, top = rng.integers(size, size=2)
        z_[0, top] = 0.0
        exact = _exact_row(z_[0], int(label), weights)
        dense = weighted_cross_entropy_with_logits.grad_and_hess(z_, np.eye(size)[[label]], weights, reduction="sum")
        sparse = weighted_sparse_cross_entropy_with_logits.grad_and_hess(
            z_, np.array([label]), weights, reduction="sum"
        )
        for got, wanted in zip((*dense, *sparse), (*exact, *exact), strict=True):
            small = [k for k in range(size) if abs(wanted[k]) < 2.0**-1022]
            errors = [abs(MP.mpf(float(got[0, k])) - wanted[k]) / LEAST for k in small]
            worst = max([worst, *map(float, errors)])
    assert 0.4 < worst <= 1.1


@pytest.mark.parametrize(("dtype", "top"), [(np.float32, -85.0), (np.float64, -705.0)])
def test_soft_targets_times_subnormal_exponentials(dtype: Any, top: float) -> None:
    """Targets of a row that are 100 together multiplied what a subnormal exponential lacks."""
    rng = np.random.default_rng(5)
    smallest, normal = float(np.finfo(dtype).smallest_subnormal), float(np.finfo(dtype).smallest_normal)
    worst = 0.0
    for _ in range(60):
        z_, y_ = rng.uniform(top - 25, top, (1, 200)).astype(dtype), rng.uniform(0, 1, (1, 200)).astype(dtype)
        z_[0, rng.integers(200)] = 0.0
        _, hessian = cross_entropy_with_logits.grad_and_hess(z_, y_, reduction="sum")
        shares = [MP.exp(MP.mpf(float(v))) for v in z_[0]]
        total, targets = sum(shares), sum(MP.mpf(float(v)) for v in y_[0])
        exact = [targets * share * (total - share) / total**2 for share in shares]
        small = [k for k in range(200) if exact[k] < normal]
        worst = max([worst, *(float(abs(MP.mpf(float(hessian[0, k])) - exact[k]) / smallest) for k in small)])
    assert 0.4 < worst <= 1.5


@pytest.mark.parametrize("size", [2, 3, 8])
def test_subnormal_targets_times_weights(size: int) -> None:
    """A product of the two was rounded before a logarithm of hundreds multiplied it."""
    rng = np.random.default_rng(size)
    worst = 0.0
    for _ in range(200):
        z_, weights = rng.uniform(-300, 300, (1, size)), rng.uniform(0.01, 60, size)
        y_ = np.exp(rng.uniform(-745, -735, (1, size)))
        value = weighted_cross_entropy_with_logits.value(z_, y_, weights, reduction="sum")
        scores = [MP.mpf(float(v)) for v in z_[0]]
        whole = MP.log(sum(map(MP.exp, scores)))
        exact = sum(MP.mpf(float(y_[0, k])) * MP.mpf(weights[k]) * (whole - scores[k]) for k in range(size))
        worst = max(worst, float(abs(MP.mpf(float(value)) - exact) / max(LEAST, float(np.spacing(float(exact))))))
    assert 0.3 < worst <= 0.55 * size  # every term is rounded
