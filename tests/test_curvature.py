"""What stands in place of Hessian columns: against expectations, differences and bounds that mpmath and NumPy find."""

from __future__ import annotations

import importlib
from typing import Any

import mpmath
import numpy as np
import pytest
from scipy.special import softmax

from symloss.adapters._scores import scores
from symloss.adapters.curvature import NAMES, curvature_of

GENERATED = "symloss.generated"
TABLE: dict[str, dict[str, str]] = importlib.import_module(f"{GENERATED}._boosting").CURVATURES
RAW = np.array([-30.0, -4.0, -1.3, -0.2, 0.0, 0.6, 2.0, 5.0, 30.0])
PARAMETERS = {"pos_weight": 3.0, "delta": 0.7, "expectile": 0.8, "gamma": 1.5, "alpha": 0.4, "power": 1.3}
RNG = np.random.default_rng(1)


def _column(loss: str, kind: str, raw: Any, y: Any) -> tuple[Any, Any]:
    module = importlib.import_module(f"{GENERATED}.{loss}")
    given = {p["name"]: PARAMETERS[p["name"]] for p in module.INFO["parameters"]}
    return curvature_of(kind, scores(module, given))(raw, y)


def _targets(loss: str) -> list[float]:
    domain = scores(loss).target["domain"]
    return [0.0, 1.0] if np.any(domain.outside(np.array([2.0]))) else [0.5, 1.0, 3.0]


def _rows(kind: str) -> list[str]:
    return [loss for loss, kinds in TABLE.items() if kind in kinds]


@pytest.mark.parametrize(("loss", "kind"), [(loss, kind) for loss, kinds in TABLE.items() for kind in kinds])
def test_the_gradient_is_that_of_the_loss(loss: str, kind: str) -> None:
    for y in _targets(loss):
        for dtype in (np.float32, np.float64):
            raw, targets = RAW.astype(dtype), np.full(len(RAW), y)
            np.testing.assert_array_equal(_column(loss, kind, raw, targets)[0], _column(loss, "exact", raw, targets)[0])


# the mean of the target given the score, and the expectation of the second derivative: textbook forms
P, Q = 1 / (1 + np.exp(-RAW)), 1 / (1 + np.exp(RAW))
FISHER = {
    "squared_error": 2 + 0 * RAW,
    "half_squared_error": 1 + 0 * RAW,
    "binary_cross_entropy_with_logits": P * Q,
    "weighted_binary_cross_entropy_with_logits": 3 * P * Q / (3 * Q + P),
    "poisson_with_log_link": np.exp(RAW),
    "gamma_with_log_link": 1 + 0 * RAW,
    "tweedie_with_log_link": np.exp(0.7 * RAW),
}


@pytest.mark.parametrize("loss", _rows("fisher"))
def test_fisher(loss: str) -> None:
    for y in _targets(loss):
        found = _column(loss, "fisher", RAW, np.full(len(RAW), y))[1]
        np.testing.assert_allclose(found, FISHER[loss], rtol=1e-12)


def test_fisher_is_an_expectation() -> None:
    """Of the gamma distribution, by integration over the target."""
    mean = mpmath.exp(0.6)
    exact = lambda y: float(_column("gamma_with_log_link", "exact", np.array([0.6]), np.array([float(y)]))[1][0])  # noqa: E731
    expected = mpmath.quad(lambda y: mpmath.exp(-y / mean) / mean * exact(y), [0, 1, 5, 20, 80])
    assert _column("gamma_with_log_link", "fisher", np.array([0.6]), np.array([1.0]))[1] == pytest.approx(
        float(expected), rel=1e-8
    )


# outer loss and link, as textbooks write them
OUTER: dict[str, tuple[Any, Any]] = {
    "binary_cross_entropy_with_logits": (
        lambda p, y: -(y * mpmath.log(p) + (1 - y) * mpmath.log(1 - p)),
        lambda z: 1 / (1 + mpmath.exp(-z)),
    ),
    "weighted_binary_cross_entropy_with_logits": (
        lambda p, y: -(3 * y * mpmath.log(p) + (1 - y) * mpmath.log(1 - p)),
        lambda z: 1 / (1 + mpmath.exp(-z)),
    ),
    "focal_with_logits": (
        lambda p, y: -(0.4 if y else mpmath.mpf(1) - 0.4) * (1 - p if y else p) ** 1.5 * mpmath.log(p if y else 1 - p),
        lambda z: 1 / (1 + mpmath.exp(-z)),
    ),
    "poisson_with_log_link": (lambda m, y: m - y * mpmath.log(m), mpmath.exp),
    "gamma_with_log_link": (lambda m, y: mpmath.log(m) + y / m, mpmath.exp),
    "tweedie_with_log_link": (lambda m, y: m**0.7 / 0.7 + y * m**-0.3 / 0.3, mpmath.exp),
}


@pytest.mark.parametrize("loss", _rows("gauss_newton"))
def test_gauss_newton(loss: str) -> None:
    outer, link = OUTER[loss]
    for y in _targets(loss):
        found = _column(loss, "gauss_newton", RAW, np.full(len(RAW), y))[1]
        with mpmath.workdps(120):
            for z, number in zip(RAW, found, strict=True):
                inner, slope = link(mpmath.mpf(z)), mpmath.diff(link, mpmath.mpf(z))
                true = mpmath.diff(lambda p, y=y: outer(p, y), inner, 2, h=mpmath.mpf(10) ** -50) * slope**2
                assert number == pytest.approx(float(true), rel=1e-11, abs=1e-60), (z, y)


@pytest.mark.parametrize("loss", _rows("majorant"))
def test_majorants_bound_the_growth_of_the_gradient(loss: str) -> None:
    """They are upper bounds, and none could be smaller by a tenth."""
    raw = np.linspace(-8, 8, 16001)
    for y in _targets(loss):
        targets = np.full(len(raw), y)
        grad, bound = _column(loss, "majorant", raw, targets)
        assert np.ptp(bound) == 0
        growth = np.diff(grad) / np.diff(raw)
        exact = _column(loss, "exact", raw, targets)[1]
        assert growth.max() <= bound[0] * (1 + 1e-9)
        assert exact.max() <= bound[0] * (1 + 1e-12)
        assert max(exact.max(), growth.max()) >= 0.9 * bound[0]


@pytest.mark.parametrize("loss", ["sparse_cross_entropy_with_logits", "cross_entropy_with_logits"])
def test_rows(loss: str) -> None:
    raw, labels = RNG.normal(size=(50, 4)) * 5, RNG.integers(0, 4, 50)
    y = labels if "sparse" in loss else np.eye(4)[labels]
    p = softmax(raw, axis=1)
    for kind, expected in (("fisher", p * (1 - p)), ("majorant", 2 * p * (1 - p))):
        grad, column = curvature_of(kind, scores(loss))(raw, y)
        np.testing.assert_allclose(column, expected, rtol=1e-9, atol=1e-16)
        np.testing.assert_allclose(grad, p - np.eye(4)[labels], rtol=1e-9, atol=1e-15)


def test_gershgorin_is_above_the_hessian() -> None:
    raw, labels = RNG.normal(size=(20, 5)) * 3, RNG.integers(0, 5, 20)
    bound = curvature_of("majorant", scores("sparse_cross_entropy_with_logits"))(raw, labels)[1]
    p = softmax(raw, axis=1)
    for row, diagonal in zip(p, bound, strict=True):
        hessian = np.diag(row) - np.outer(row, row)
        assert np.linalg.eigvalsh(np.diag(diagonal) - hessian).min() > -1e-15


@pytest.mark.parametrize(
    ("loss", "kind", "said"),
    [
        ("absolute_error", "majorant", "absolute_error has no 'majorant'"),
        ("hinge", "majorant", "hinge has no 'majorant'"),
        ("poisson_with_log_link", "majorant", "has no 'majorant' that symloss could derive; it has exact"),
        ("huber", "fisher", "huber has no 'fisher'"),
        ("squared_error", "newton", "expected one of exact, abs"),
        ("sparse_cross_entropy_with_logits", "gauss_newton", "of one score"),
    ],
)
def test_what_there_is_not(loss: str, kind: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        curvature_of(kind, scores(loss))


def test_modules_and_pages_say_what_the_column_holds() -> None:
    words = {"fisher": "expectation", "gauss_newton": "without the curvature of the link", "majorant": "upper bound"}
    for loss, kinds in TABLE.items():
        for kind, name in kinds.items():
            if name != loss:
                module = importlib.import_module(f"{GENERATED}.{name}")
                assert words[kind] in module.__doc__
    for name in NAMES:
        assert name in (curvature_of.__doc__ or "")
