"""Products whose factors are no floats: exponentials, logistic tails, subnormal targets; norms near a level."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mpmath
import numba
import numpy as np
import numpy.typing as npt
import pytest
from symloss.generated import focal_with_logits, gaussian_kl, vae, wgan_gradient_penalty
from symloss.generated import weighted_binary_cross_entropy_with_logits as weighted
from symloss.generated._runtime import elementary, twofold
from sympy import Expr, Interval, Range, exp, oo
from test_emit import module_of
from test_naive_forms import NAIVE
from test_row_rules import _value

from symloss import Loss
from symloss.arguments import Parameter, Prediction, Target
from symloss.functions import divide_no_nan, expm1, expm1mx, logistic_density, sigmoid, softplus, softplus_mix
from symloss.reductions import Dim, Index, Norm, SumOver
from symloss.scaling import scale
from symloss.verify.evaluate import MP as JUDGE
from symloss.verify.judge import Judge
from symloss.verify.kernels import own_kernels
from symloss.verify.point import Sample

MP = mpmath.MPContext()
MP.prec = 400
C = Dim("C")
c = Index("c", C)
z, w = Prediction("z", C), Prediction("w")
y, label = Target("y", domain=Interval(0, 1)), Target("label", domain=Range(C))
beta = Parameter("beta", 1.0, domain=Interval(0, oo))
DTYPES = (np.float32, np.float64)
_TIMES: dict[str, Callable[[Any], Any]] = {
    "times_exp": MP.exp,
    "times_expm1": MP.expm1,
    "times_expm1mx": lambda x: MP.expm1(x) - x,
}


def _ulps(got: float, exact: Any, dtype: Any) -> float:
    info = np.finfo(dtype)
    exponent = max(int(MP.floor(MP.log(abs(exact), 2))), int(info.minexp)) if exact else int(info.minexp)
    return float(abs(MP.mpf(float(got)) - exact) / MP.mpf(2) ** (exponent - int(info.nmant)))


def _inputs(dtype: Any) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return exponents and factors of all sizes whose products are often floats."""
    rng, info = np.random.default_rng(2), np.finfo(dtype)
    powers = rng.integers(int(info.minexp) - int(info.nmant), int(info.maxexp), 600)
    k = np.ldexp(rng.uniform(1, 2, 600), powers).astype(dtype)
    x = (rng.uniform(-30, 30, 600) - powers * math.log(2)).astype(dtype)
    x[::3] = rng.uniform(-3, 3, 200)
    return x, k


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", _TIMES)
def test_products_with_exponentials(name: str, dtype: Any) -> None:
    function, exact = getattr(elementary, name), _TIMES[name]

    @numba.njit(error_model="numpy")
    def compute(x: Any, k: Any) -> Any:
        return [function(x[i], k[i]) for i in range(x.size)]

    x, k = _inputs(dtype)
    for a, b, got in zip(x, k, compute(x, k), strict=True):
        wanted = MP.mpf(float(b)) * exact(MP.mpf(float(a)))
        if abs(wanted) < float(np.finfo(dtype).max):
            assert _ulps(got, wanted, dtype) <= 2, (a, b, got)
        else:
            assert got == math.inf
    ends = np.array([math.inf, -math.inf, math.nan, 1e30], dtype)
    zero = compute(ends, np.zeros(4, dtype))
    assert zero[0] == zero[3] == 0
    assert math.isnan(zero[2])


@pytest.mark.parametrize("name", ["lifted_sigmoid", "lifted_logistic_density", "times_exp", "times_expm1"])
def test_in_two_parts(name: str) -> None:
    function, plain = getattr(twofold, name), getattr(elementary, name)
    two = name.startswith("times")

    @numba.njit(error_model="numpy")
    def both(x: float) -> Any:
        if two:
            a, b = function((x, 0.0), (0.75, 0.0)), plain(x, 0.75)
        else:
            a, b = function((x, 0.0)), plain(x)
        return a[0] + a[1], b

    for x in np.random.default_rng(4).uniform(-700, 700 if two else 40, 300):
        better, result = both(float(x))
        assert abs(better - result) <= 2 * math.ulp(better)


def test_half_of_an_exponential_that_overflows() -> None:
    x, mu = np.array([[1.0]]), np.array([[0.5]])
    for logvar in (709.9, 710.4):
        rows = np.array([[logvar]])
        exact = float(MP.exp(MP.mpf(logvar)) / 2)
        grad = vae.grad(x, mu, rows, x, reduction="none")[2][0, 0]
        assert abs(grad - exact) <= 2 * math.ulp(exact)
        _, hess = vae.grad_and_hess(x, mu, rows, x, reduction="none")
        assert abs(hess[2][0, 0] - exact) <= 2 * math.ulp(exact)
        assert abs(vae.value(x, mu, rows, x) - exact) <= 4 * math.ulp(exact)
        assert abs(gaussian_kl.value(mu, rows) - exact) <= 4 * math.ulp(exact)


@pytest.mark.parametrize("z", [-709.78, -714.0190224764774, -720.5])
def test_tails_that_logarithms_bring_back_to_size(z: float) -> None:
    """The focal Hessian for gamma = 2: sigmoid(z) is subnormal, times log(sigmoid(z)) it is not."""
    s = 1 / (1 + MP.exp(-MP.mpf(z)))
    t = 1 - s  # the second derivative of -t**2 * log(s) in z
    exact = (2 * s * t**3 * MP.log(s) - 4 * s**2 * t**2 * MP.log(s) + 5 * s * t**3) / 2
    arguments, options = (np.array([z]), np.array([1.0])), {"alpha": 0.5, "gamma": 2.0, "reduction": "none"}
    _, hess = focal_with_logits.grad_and_hess(*arguments, **options)
    with own_kernels(focal_with_logits):
        _, by_general = focal_with_logits.grad_and_hess(*arguments, **options)
    assert _ulps(hess[0], exact, np.float64) <= 2
    assert _ulps(by_general[0], exact, np.float64) <= 2


@pytest.mark.parametrize("dtype", DTYPES)
def test_tails_vanish_at_infinity(dtype: Any) -> None:
    z = np.array([math.inf, -math.inf], dtype)
    grad, hess = focal_with_logits.grad_and_hess(z, np.array([1.0, 0.0]), alpha=0.5, gamma=2.0, reduction="none")
    assert not grad.any()
    assert not hess.any()
    assert elementary.lifted_sigmoid(z[1]) == elementary.lifted_logistic_density(z[1]) == 0


def test_a_subnormal_target_is_not_rounded_before_it_counts() -> None:
    z, y, weight = -708.3963567818521, 1.003e-321, 1.5
    exact = weight * MP.mpf(y) * MP.log1p(MP.exp(-MP.mpf(z))) + (1 - MP.mpf(y)) * MP.log1p(MP.exp(MP.mpf(z)))
    got = weighted.value(np.array([z]), np.array([y]), pos_weight=weight)
    assert _ulps(float(got), exact, np.float64) <= 2


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_norm_near_its_level(dtype: Any) -> None:
    """Value and gradient of the penalty where the norm is 1 but for its last digits."""
    rng = np.random.default_rng(8)
    for size in (2, 3, 40):
        slope = rng.normal(size=size)
        slope = (slope / np.linalg.norm(slope)).astype(dtype)[None, :]
        norm = MP.sqrt(sum(MP.mpf(float(s)) ** 2 for s in slope[0]))
        value, grad = wgan_gradient_penalty.value_and_grad(slope, lam=3.0, reduction="none")
        assert _ulps(value[0], 3 * (norm - 1) ** 2, dtype) <= 8
        for g, s in zip(grad[0], slope[0], strict=True):
            assert _ulps(g, 6 * (norm - 1) * MP.mpf(float(s)) / norm, dtype) <= 8


@pytest.mark.parametrize(("z", "wanted"), [(-17.0, "1.7390809331223675e-126"), (17.0, "34.058621726")])
def test_the_judge_sees_what_an_error_function_hides(z: float, wanted: str) -> None:
    """1 - erf(-17) is 2 but for 124 digits, of which the derivative of its logarithm is made."""
    verdict = Judge(Loss("tail", NAIVE["log_of_one_less_erf"])).verdict(
        Sample("test", {"z": np.array(z)}, {}), products=False
    )
    slope = verdict.results.gradient[0].number
    assert abs(slope - MP.mpf(wanted)) <= MP.mpf(10) ** -9 * abs(slope)


_x, _a, _b = Prediction("x"), Parameter("a", 1.0), Parameter("b", 1.0)
_VANISHING: dict[str, Expr] = {
    "a shared factor alone": sigmoid(-_x) * softplus(_x) + 2 * sigmoid(-_x),
    "of two logarithms": sigmoid(-_x) * softplus(_x) * softplus(2 * _x) + sigmoid(-_x) * softplus(_x),
}


@pytest.mark.parametrize("name", _VANISHING)
def test_what_all_terms_have_wins_over_an_infinite_sum(name: str, tmp_path: Path) -> None:
    module = module_of(Loss(f"vanishing_{len(name)}", _VANISHING[name]), tmp_path)
    x = np.array([math.inf])
    assert module.value(x) == 0.0
    for part in (*module.value_and_grad(x), *module.grad_and_hess(x)):
        assert not np.any(part)


_TAILS: dict[str, Expr] = {
    "density and tail": _a * sigmoid(_x) * sigmoid(-_x) * softplus(_x) + _b * sigmoid(_x) * softplus(_x),
    "density alone": _a * sigmoid(_x) * sigmoid(-_x) + _b * sigmoid(_x) * softplus(_x),
}


@pytest.mark.parametrize("name", _TAILS)
@pytest.mark.parametrize(("a", "b"), [(1e20, 0.0), (1e20, 1e-300), (0.0, 2.0)])
def test_terms_that_are_left_alone_keep_their_digits(name: str, a: float, b: float, tmp_path: Path) -> None:
    """At the end of a tail, where a parameter of 0 takes the other term away."""
    module = module_of(Loss(f"tail_{len(name)}", _TAILS[name]), tmp_path)
    for x in (740.0, -740.0, 3.0):
        small = 1 / (1 + MP.exp(-MP.mpf(x)))
        other, log = 1 / (1 + MP.exp(MP.mpf(x))), MP.log1p(MP.exp(MP.mpf(x)))
        exact = a * small * other * (log if "and" in name else 1) + MP.mpf(b) * small * log
        assert _ulps(float(module.value(np.array([x]), a=a, b=b)), exact, np.float64) <= 4


_norm = Norm(z[c], c)
SCALED: dict[str, Expr] = {
    "coefficient of exp": beta * exp(w) / 2,
    "coefficient of expm1": beta * expm1(w),
    "number below 1": exp(w) / 3,
    "coefficient of a sum": beta * SumOver(expm1mx(z[c]) + z[c] ** 2, c) / 2,
    "logistic tail times what may be large": beta * sigmoid(w) * softplus(-w) - beta * sigmoid(w) ** 2,
    "what all terms have": beta * sigmoid(w) ** 2 * sigmoid(-w) * softplus(w) - 2 * beta * sigmoid(w) ** 3,
    "what all terms have, in a density": beta * logistic_density(w) * softplus(w) + beta**2 * sigmoid(w) ** 2,
    "density times what may be large": beta * logistic_density(w),
    "subnormal target": softplus_mix(w, 1 - y, beta * y),
    "norm over norm": 2 * (_norm - 1) * divide_no_nan(w * z[label], _norm),
}


@pytest.mark.parametrize("name", SCALED)
def test_values_stay_the_same(name: str) -> None:
    expr = SCALED[name]
    scaled = scale(expr)
    assert scaled != expr
    numbers = {"z": [JUDGE.mpf(v) for v in (0.3, -1.75, 2.5)], "label": [2]}
    numbers |= {n: [JUDGE.mpf(v)] for n, v in (("w", 0.7), ("beta", 1.3), ("y", 0.2))}
    with JUDGE.workdps(60):
        left, right = (_value(e, numbers) for e in (expr, scaled))
        assert abs(left - right) <= JUDGE.mpf(10) ** -50 * abs(left)


def test_squares_overflow_no_sooner_than_results() -> None:
    """Half of a square, or a square under a weight, is finite up to sqrt(2) times further than the square."""
    from symloss.generated import gaussian_kl, half_squared_error, vae

    size = 1.6e154
    assert half_squared_error.value(np.array([size]), np.array([0.0])) == 0.5 * size * size
    one = np.array([[size]])
    assert gaussian_kl.value(one, 0 * one) == 0.5 * size * size
    zero = np.zeros((1, 1))
    assert np.isclose(vae.value(zero, one, zero, zero, beta=0.5), 0.25 * size * size, rtol=1e-15)
    assert vae.value(zero, one * np.inf, zero, zero, beta=0.0) == 0.0
    single = np.array([[2.2e19]], np.float32)
    assert np.isclose(gaussian_kl.value(single, 0 * single), 0.5 * 2.2e19**2, rtol=1e-6)
