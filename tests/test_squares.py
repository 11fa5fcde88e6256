"""Sums of squares and means: terms and quotients are rounded once, and values stay what they were."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from catalogue import catalogue
from symloss.generated import vae, vae_reconstruction
from sympy import Expr, Idx, Interval, Rational, Sum, exp, oo
from test_emit import module_of
from test_row_rules import _value

from symloss import Loss
from symloss.arguments import Parameter, Prediction, Target
from symloss.functions import multiply_no_nan
from symloss.ir import BRIEF
from symloss.pipeline import text_of_stage
from symloss.reductions import Dim, Index, RestOver, SumOver
from symloss.runtime import brief, elementary
from symloss.scaled_functions import added_once, squared_difference, sum_ratio, times_square
from symloss.squares import add_once, round_once
from symloss.verify.evaluate import MP as JUDGE

DTYPES = (np.float32, np.float64)
C = Dim("C")
c = Index("c", C)
z, w = Prediction("z", C), Prediction("w")
y = Target("y", C)
lam = Parameter("lam", 1.0, domain=Interval(0, oo))
EXACT: dict[str, tuple[int, Callable[..., Fraction]]] = {
    "squared_difference": (2, lambda x, y: (x - y) ** 2),
    "times_square": (2, lambda x, k: k * x**2),
    "sum_ratio": (3, lambda total, rest, y: (total + rest) / y),
    "added_once": (3, lambda x, y, rest: x + y + rest),
}


@numba.njit(error_model="numpy")
def _squared_difference(x: Any, y: Any) -> Any:
    return elementary.squared_difference(x, y)


@numba.njit(error_model="numpy")
def _times_square(x: Any, k: Any) -> Any:
    return elementary.times_square(x, k)


@numba.njit(error_model="numpy")
def _sum_ratio(total: Any, rest: Any, y: Any) -> Any:
    return elementary.sum_ratio(total, rest, y)


@numba.njit(error_model="numpy")
def _added_once(x: Any, y: Any, rest: Any) -> Any:
    return elementary.added_once(x, y, rest)


COMPILED = {
    "squared_difference": _squared_difference,
    "times_square": _times_square,
    "sum_ratio": _sum_ratio,
    "added_once": _added_once,
}


def _arguments(name: str, dtype: Any, rng: np.random.Generator) -> list[Any]:
    x = (rng.normal(size=3) * 2.0 ** rng.integers(-3, 4, size=3)).astype(dtype)
    if name == "sum_ratio":
        x[1] = x[0] * np.finfo(dtype).eps * dtype(rng.uniform(-0.5, 0.5))
    if name == "added_once":
        x[1] = abs(x[1]) * np.sign(x[0])
        x[2] = x[0] * np.finfo(dtype).eps * dtype(rng.uniform(-0.5, 0.5))
    return list(x[: EXACT[name][0]])


def _ulps(got: Any, exact: Fraction, dtype: Any) -> float:
    return float(abs(Fraction(float(got)) - exact) / Fraction(float(np.spacing(dtype(abs(float(exact)))))))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", EXACT)
def test_functions_round_once(name: str, dtype: Any) -> None:
    rng = np.random.default_rng(3)
    worst = 0.0
    for _ in range(3000):
        args = _arguments(name, dtype, rng)
        exact = EXACT[name][1](*(Fraction(float(a)) for a in args))
        worst = max(worst, _ulps(COMPILED[name](*args), exact, dtype))
    assert 0.4 < worst <= 0.501


@pytest.mark.parametrize("name", [name for name in EXACT if name in BRIEF])
def test_short_functions_for_float32_results(name: str) -> None:
    rng = np.random.default_rng(4)
    for _ in range(200):
        args = [float(np.float32(a)) for a in _arguments(name, np.float64, rng)]
        exact = EXACT[name][1](*map(Fraction, args))
        assert abs(Fraction(getattr(brief, name)(*args)) - exact) <= abs(exact) * Fraction(1, 2**44)


LARGE, TINY = 1e200, 5e-324
ENDS: dict[str, tuple[tuple[float, ...], float]] = {
    "an infinite square": (("squared_difference", LARGE, 1.0), math.inf),
    "one that loses more than a float holds": (("squared_difference", -2.826027942584225e260, -2.7e236), math.inf),
    "an infinite difference": (("squared_difference", 1.7e308, -1.7e308), math.inf),
    "an infinite entry": (("squared_difference", -math.inf, 1.0), math.inf),
    "of infinite entries": (("squared_difference", math.inf, math.inf), math.nan),
    "no number": (("squared_difference", math.nan, 1.0), math.nan),
    "a difference of subnormals": (("squared_difference", TINY, 0.0), 0.0),
    "infinity times nothing": (("times_square", math.inf, 0.0), 0.0),
    "infinity times something": (("times_square", math.inf, 2.0), math.inf),
    "an infinite product": (("times_square", LARGE, 2.0), math.inf),
    "a square that is infinite alone": (("times_square", LARGE, 1e-200), 1e200),
    "no number times nothing": (("times_square", math.nan, 0.0), math.nan),
    "an infinite sum": (("sum_ratio", math.inf, 0.0, 3.0), math.inf),
    "no numbers": (("sum_ratio", 0.0, 0.0, 0.0), math.nan),
    "a subnormal sum": (("sum_ratio", TINY, 0.0, 1.0), TINY),
    "what becomes infinite": (("added_once", 1.7e308, 1.7e308, 0.0), math.inf),
    "what is infinite": (("added_once", math.inf, 1.0, 0.0), math.inf),
}  # type: ignore[dict-item]


@pytest.mark.parametrize("says", ENDS)
def test_functions_at_the_ends(says: str) -> None:
    (name, *args), expected = ENDS[says]
    got = COMPILED[str(name)](*args)
    np.testing.assert_allclose(got, expected, rtol=4e-16, atol=0)


_twice = multiply_no_nan(multiply_no_nan(lam / 2, z[c]), z[c])
CHANGED: dict[str, tuple[Expr, Any]] = {
    "a difference of inputs": (SumOver((z[c] - y[c]) ** 2, c), squared_difference),
    "the other way round": (SumOver((y[c] - z[c]) ** 2, c), squared_difference),
    "a difference from a number": (SumOver((z[c] - 1) ** 2, c), squared_difference),
    "a sum of inputs": (SumOver((z[c] + y[c]) ** 2, c), squared_difference),
    "inside of other terms": (SumOver(w * exp(-((z[c] - y[c]) ** 2)) + 1, c), squared_difference),
    "a weighted square": (SumOver(_twice + exp(z[c]), c), times_square),
    "a mean": (3 * SumOver(exp(z[c]), c) / C - w, sum_ratio),
}
KEPT: dict[str, Expr] = {
    "a square that is not summed": (w - lam) ** 2,
    "of what is rounded": SumOver((z[c] - exp(y[c])) ** 2, c),
    "of what may overflow": SumOver((2 * z[c] - 2 * y[c] + y[c]) ** 2, c),
    "of a number that is no float": SumOver((z[c] - Rational(1, 10)) ** 2, c),
    "of three inputs": SumOver((z[c] - y[c] - w) ** 2, c),
    "another power": SumOver((z[c] - y[c]) ** 4, c),
    "a product of two": SumOver(multiply_no_nan(multiply_no_nan(lam, z[c]), y[c]), c),
    "a weighted square that is not summed": multiply_no_nan(multiply_no_nan(lam, w), w),
    "a sum over something else": SumOver(exp(z[c]), c) / lam,
}


@pytest.mark.parametrize("name", CHANGED)
def test_what_is_summed_is_rounded_once(name: str) -> None:
    expr, primitive = CHANGED[name]
    changed = round_once(expr)
    assert changed.has(primitive)
    numbers = {n: [JUDGE.mpf(v) for v in (0.3, -1.75, 2.5)] for n in ("z", "y")}
    numbers |= {"w": [JUDGE.mpf(0.7)], "lam": [JUDGE.mpf(1.3)]}
    with JUDGE.workdps(60):
        left, right = (_value(e, numbers) for e in (expr, changed))
        assert abs(left - right) <= JUDGE.mpf(10) ** -50 * abs(left)


ADDED: dict[str, Expr] = {
    "a number": SumOver(exp(z[c]), c) + 1,
    "two sums": SumOver(exp(z[c]), c) + SumOver(y[c] ** 2, c),
    "more terms": SumOver(exp(z[c]), c) - w + lam * w,
}


@pytest.mark.parametrize("name", ADDED)
def test_what_is_added_to_a_sum_is_rounded_once(name: str) -> None:
    expr = ADDED[name]
    changed = add_once(expr)
    assert isinstance(changed, added_once)
    assert len(changed.atoms(RestOver)) == len(expr.atoms(SumOver))
    numbers = {n: [JUDGE.mpf(v) for v in (0.3, -1.75, 2.5)] for n in ("z", "y")}
    numbers |= {"w": [JUDGE.mpf(0.7)], "lam": [JUDGE.mpf(1.3)]}
    with JUDGE.workdps(60):
        left, right = (_value(e, numbers) for e in (expr, changed))
        assert abs(left - right) <= JUDGE.mpf(10) ** -50 * abs(left)


@pytest.mark.parametrize("expr", [SumOver(exp(z[c]), c), -SumOver(exp(z[c]), c), w + lam, w])
def test_other_values_stay(expr: Expr) -> None:
    assert add_once(expr) == expr


@pytest.mark.parametrize("name", KEPT)
def test_other_expressions_stay(name: str) -> None:
    assert round_once(KEPT[name]) == KEPT[name]


def test_squares_alone_stay_as_fast_as_they_are() -> None:
    """One term rounds twice, which is within two units."""
    changed = [
        name
        for name, loss in catalogue().items()
        if not loss.dims and "squared_difference" in text_of_stage(loss, "exact")
    ]
    assert changed == []
    assert "squared_difference" in text_of_stage(catalogue()["vae_reconstruction"], "exact")


def _mean_square(p: Any, t: Any) -> Fraction:
    return sum(((Fraction(a) - Fraction(b)) ** 2 for a, b in zip(p, t, strict=True)), Fraction(0)) / len(p)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_mean_squares_are_rounded_twice(size: int) -> None:
    rng = np.random.default_rng(size)
    x_hat, x = rng.normal(size=(2, 300, size)) * 2.0 ** rng.integers(-2, 3, size=(2, 300, 1))
    value = vae_reconstruction.value(x_hat, x, reduction="none")
    again, _ = vae_reconstruction.value_and_grad(x_hat, x, reduction="none")
    np.testing.assert_array_equal(value, again)
    rows = zip(value, x_hat, x, strict=True)
    assert max(_ulps(v, _mean_square(p.tolist(), t.tolist()), np.float64) for v, p, t in rows) <= 1.3


def test_the_inputs_that_certificates_had() -> None:
    """An entry whose square overflows, with a difference that loses much; and the worst value of the autoencoder."""
    x_hat = np.array([[-3.235038369060345e220, 4.937540438292801e-148, -2.826027942584225e260]])
    x = np.array([[9.189771704618623e-141, 1.4632372480267735e-142, -2.7404983227759697e236]])
    assert vae_reconstruction.value(x_hat, x) == math.inf
    none = np.zeros((1, 1))
    assert vae.value(x_hat, none, none, x) == math.inf


def test_twice_a_difference_overflows_only_where_its_mean_does() -> None:
    """What certificates had: the gradient of a mean over a thousand entries, one above half of the largest float."""
    x_hat, x = np.full((1, 1000), 1.5), np.full((1, 1000), -(2.0**-40))
    x_hat[0, 963] = 9.831891213902172e307
    rows = np.array([[Fraction(2) * (Fraction(p) - Fraction(t)) / 1000 for p, t in zip(x_hat[0], x[0], strict=True)]])
    for module, given in ((vae_reconstruction, (x_hat, x)), (vae, (x_hat, np.zeros((1, 1)), np.zeros((1, 1)), x))):
        for function in (module.value_and_grad, module.grad_and_hess):
            result = function(*given, reduction="none")[1 if function is module.value_and_grad else 0]
            grad = result if module is vae_reconstruction else result[0]
            assert max(_ulps(g, exact, np.float64) for g, exact in zip(grad[0], rows[0], strict=True)) <= 1.0


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_mean_square_in_a_loss_of_ones_own(dtype: Any, tmp_path: Path) -> None:
    """Whatever its name: sums of squared differences, plain in float32 kernels, which are computed in float64."""
    i = Idx("c", C)
    loss = Loss(f"own_{np.dtype(dtype)}", Sum((z[i] - y[i]) ** 2, i) / C)
    module = module_of(loss, tmp_path)
    rng = np.random.default_rng(8)
    prediction, target = (rng.normal(size=(2, 500, 3)) * 8).astype(dtype)
    value = module.value(prediction, target, reduction="none")
    rows = zip(value, prediction, target, strict=True)
    assert max(_ulps(v, _mean_square(p.tolist(), t.tolist()), dtype) for v, p, t in rows) <= (
        0.501 if dtype is np.float32 else 1.3
    )
