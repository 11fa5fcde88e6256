"""Losses of the error function and the gamma function: far out, at the ends, beside SciPy, and as vectors."""

from __future__ import annotations

import importlib
import math
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import mpmath
import numba
import numpy as np
import pytest
from scipy import special
from sympy import FiniteSet, Interval, digamma, erf, erfc, exp, log, loggamma, oo, pi, polygamma, sqrt
from test_emit import module_of

from symloss import Loss, Prediction, SpecError, Target
from symloss.certificate import CERTIFIED
from symloss.derive import derive
from symloss.rewrite import canonicalize, stabilize
from symloss.runtime import elementary
from symloss.special_functions import erfc_curvature, erfc_hazard, log_half_erfc

z, t = Prediction("z"), Target("t")
m = Prediction("m", domain=Interval.open(0, oo))
hit = Target("hit", domain=FiniteSet(0, 1))
phi = (1 + erf(z / sqrt(2))) / 2
FORMS = {
    "erfc": -log(erfc(-z / sqrt(2)) / 2),
    "erf": -log(phi),
    "complement": -log(1 - erfc(z / sqrt(2)) / 2),
    "label": -hit * log(phi) - (1 - hit) * log(1 - phi),
}
_FAR = [-1e150, -1e9, -1e4, -38.6, -5.0, -1e-3, 0.0, 1e-300, 0.3, 1.0, 8.3, 20.0, 37.0, 38.4]


def _probit(tmp_path: Path) -> ModuleType:
    return module_of(Loss("probit_loss", FORMS["erf"]), tmp_path)


@pytest.mark.parametrize("name", FORMS)
def test_every_way_to_write_probit_is_one(name: str) -> None:
    value, gradient, hessian, _ = stabilize(derive(canonicalize(Loss(f"probit_{name}", FORMS[name]))))
    assert value.expr.atoms(log_half_erfc)
    assert not value.expr.atoms(log)
    assert gradient.expr.atoms(erfc_hazard)
    assert hessian.expr.atoms(erfc_curvature)
    assert not hessian.expr.atoms(erfc_hazard)


def _exact(x: float) -> tuple[Any, Any, Any]:
    """Return -log(Phi(x)) and its derivatives; beyond 1e4 by their asymptotic expansions."""
    if x < -1e4:
        square = mpmath.mpf(x) ** 2
        return square / 2 + mpmath.log(-mpmath.mpf(x)) + mpmath.log(2 * mpmath.pi) / 2, mpmath.mpf(x), mpmath.mpf(1)
    a = -mpmath.mpf(x) / mpmath.sqrt(2)
    density = mpmath.exp(-a * a) / mpmath.sqrt(2 * mpmath.pi)
    hazard = density / (mpmath.erfc(a) / 2)
    value = -mpmath.log1p(-mpmath.erfc(-a) / 2) if x > 0 else -mpmath.log(mpmath.erfc(a) / 2)
    return value, -hazard, hazard * (hazard + x)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_probit_is_right_far_out(dtype: str, tmp_path: Path) -> None:
    module = _probit(tmp_path)
    x = np.array(_FAR if dtype == "float64" else [v for v in _FAR if abs(v) < 1e10], dtype)
    value, gradient = module.value_and_grad(x, reduction="none")
    hessian = module.grad_and_hess(x, reduction="none")[1]
    tiny = np.finfo(dtype).tiny
    for place, point in enumerate(x.tolist()):
        with mpmath.workdps(900):
            for got, exact in zip((value, gradient, hessian), _exact(point), strict=True):
                if abs(exact) > tiny:
                    assert abs(got[place] - exact) <= np.finfo(dtype).eps * abs(exact), (point, got[place])


def test_probit_at_the_ends(tmp_path: Path) -> None:
    module = _probit(tmp_path)
    x = np.array([-np.inf, np.inf, np.nan])
    value, gradient = module.value_and_grad(x, reduction="none")
    hessian = module.grad_and_hess(x, reduction="none")[1]
    np.testing.assert_array_equal(value, [np.inf, 0.0, np.nan])
    np.testing.assert_array_equal(gradient, [-np.inf, 0.0, np.nan])
    np.testing.assert_array_equal(hessian, [1.0, 0.0, np.nan])


def test_probit_beside_scipy(tmp_path: Path) -> None:
    x = np.linspace(-200, 8, 4001)
    np.testing.assert_allclose(_probit(tmp_path).value(x, reduction="none"), -special.log_ndtr(x), rtol=2e-12)


def test_a_bounded_loss_is_bounded(tmp_path: Path) -> None:
    module = module_of(Loss("welsch_loss", 1 - exp(-((z - t) ** 2))), tmp_path)
    x, zero = np.array([1e-200, 1e-9, 30.0, 1e200]), np.zeros(4)
    value, gradient = module.value_and_grad(x, zero, reduction="none")
    hessian = module.grad_and_hess(x, zero, reduction="none")[1]
    np.testing.assert_allclose(value, [0.0, 1e-18, 1.0, 1.0], rtol=1e-15)
    np.testing.assert_allclose(gradient, [2e-200, 2e-9, 0.0, 0.0], rtol=1e-15)
    np.testing.assert_allclose(hessian, [2.0, 2.0, 0.0, 0.0], rtol=1e-15)


def test_losses_of_the_gamma_function(tmp_path: Path) -> None:
    module = module_of(Loss("gamma_entropy", loggamma(m) + (1 - m) * digamma(m) + m), tmp_path)
    x = np.array([1e-3, 0.4, 1.0, 1.4616, 2.0, 7.99, 8.0, 60.0, 1e5])
    value, gradient = module.value_and_grad(x, reduction="none")
    hessian = module.grad_and_hess(x, reduction="none")[1]
    np.testing.assert_allclose(value, special.gammaln(x) + (1 - x) * special.digamma(x) + x, rtol=1e-10)
    slope = (1 - x) * special.polygamma(1, x) + 1
    np.testing.assert_allclose(gradient, slope, rtol=1e-9)
    second = (1 - x) * special.polygamma(2, x) - special.polygamma(1, x)
    np.testing.assert_allclose(hessian, second, rtol=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_open_end_is_outside_in_both_precisions(dtype: str, tmp_path: Path) -> None:
    module = module_of(Loss("tail_loss", erfc(m)), tmp_path)
    found = module.value(np.array([-1.0, 0.0, 1e-45, 1.0], dtype), reduction="none")
    np.testing.assert_array_equal(np.isnan(found), [True, True, False, False])


@pytest.mark.parametrize(("dtype", "spread"), [("float32", 120), ("float64", 1000)])
def test_hypot_neither_overflows_nor_vanishes(dtype: str, spread: int) -> None:
    rng, size = np.random.default_rng(0), 400
    x, y = (np.ldexp(rng.uniform(-1, 1, size), rng.integers(-spread, spread, size)).astype(dtype) for _ in range(2))
    y[::2] = x[::2] * rng.uniform(0.1, 10, size // 2).astype(dtype)
    with mpmath.workprec(400):
        for a, b in zip(x, y, strict=True):
            exact, got = mpmath.hypot(mpmath.mpf(float(a)), mpmath.mpf(float(b))), elementary.hypot(a, b)
            assert abs(mpmath.mpf(float(got)) - exact) <= np.finfo(dtype).eps / 2 * 1.02 * exact
    for a, b in ((np.inf, np.nan), (1.0, -np.inf)):
        assert elementary.hypot(np.dtype(dtype).type(a), np.dtype(dtype).type(b)) == np.inf
    assert np.isnan(elementary.hypot(np.dtype(dtype).type(np.nan), np.dtype(dtype).type(1)))
    assert elementary.hypot(np.dtype(dtype).type(0), np.dtype(dtype).type(0)) == 0


def test_the_third_derivative_of_digamma_is_an_error() -> None:
    with pytest.raises(SpecError, match="of the derivatives of loggamma, the first 3 are supported"):
        Loss("too_deep", polygamma(3, m))


def test_the_area_of_a_bell_is_known() -> None:
    """The chain of derivatives closes: erf' = 2/sqrt(pi)*exp(-x**2), at 0."""
    _, gradient, hessian, _ = stabilize(derive(canonicalize(Loss("bell", erf(z)))))
    assert gradient.expr.xreplace({z: 0}).doit().evalf() == (2 / sqrt(pi)).evalf()
    assert hessian.expr.xreplace({z: 0}) == 0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", [*CERTIFIED["error_function"], *CERTIFIED["gamma_function"], *CERTIFIED["inverse"]])
def test_loops_over_special_functions_become_vectors(name: str, dtype: str) -> None:
    function = getattr(importlib.import_module("symloss.runtime.elementary"), name)
    wide_vectors = importlib.import_module("symloss.runtime.loops").wide_vectors

    @numba.njit(error_model="numpy", nogil=True)
    def compute(x: Any, out: Any) -> None:
        wide_vectors()
        for i in range(out.size):
            out[i] = function(x[i])

    array = numba.types.Array(getattr(numba.types, dtype), 1, "C")
    compute.compile((array, array))
    text = str(compute.inspect_llvm((array, array)))
    assert re.search(r"fmul <\d+ x double>", text)
    assert "llvm.masked.gather" not in text
    assert not re.search(r"^declare .*@(erf|erfc|lgamma|tgamma|exp|log|log1p|floor)f?\(", text, re.M)
    x = np.array([0.3, 2.5, 11.0], dtype)
    out = np.empty_like(x)
    compute(x, out)
    np.testing.assert_allclose(out, [function(v) for v in x], rtol=2e-7)
    assert math.isfinite(out[0])
