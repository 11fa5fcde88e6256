"""The constant that boosting starts from: no other constant has a smaller loss; and what scores predict."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import expit, softmax

from symloss.adapters.initial import initial_score, prediction

GENERATOR = np.random.default_rng(3)
WEIGHT = GENERATOR.random(60)
REALS, AMOUNTS, CLASSES = GENERATOR.normal(5, 20, 60), GENERATOR.gamma(2, 30, 60), GENERATOR.integers(0, 2, 60)

# loss, targets, parameters
ONE_SCORE: tuple[tuple[str, Any, dict[str, float]], ...] = (
    ("squared_error", REALS, {}),
    ("half_squared_error", REALS, {}),
    ("absolute_error", REALS, {}),
    ("huber", REALS, {"delta": 3.0}),
    ("pseudo_huber", REALS, {"delta": 3.0}),
    ("log_cosh_error", REALS, {}),
    ("quantile_error", REALS, {"quantile": 0.9}),
    ("expectile_error", REALS, {"expectile": 0.8}),
    ("poisson_with_log_link", AMOUNTS, {}),
    ("gamma_with_log_link", AMOUNTS, {}),
    ("tweedie_with_log_link", AMOUNTS, {"power": 1.3}),
    ("binary_cross_entropy_with_logits", CLASSES, {}),
    ("weighted_binary_cross_entropy_with_logits", CLASSES, {"pos_weight": 7.0}),
    ("focal_with_logits", CLASSES, {"gamma": 1.5}),
    ("hinge", CLASSES, {}),
    ("squared_hinge", CLASSES, {}),
)


@pytest.mark.parametrize(("loss", "y", "params"), ONE_SCORE, ids=lambda v: v if isinstance(v, str) else "")
def test_no_other_constant_is_better(loss: str, y: Any, params: dict[str, float]) -> None:
    module = importlib.import_module(f"symloss.generated.{loss}")
    targets = np.asarray(y, dtype=np.float64)

    def mean(score: float) -> float:
        return float(module.value(np.full(60, score), targets, weight=WEIGHT, reduction="weighted_mean", **params))

    found = initial_score(module, y, weight=WEIGHT, **params)
    assert isinstance(found, float)
    best = minimize_scalar(mean, bracket=(-1.0, 1.0), method="brent", options={"xtol": 1e-12})
    assert mean(found) <= best.fun * (1 + 1e-12 * np.sign(best.fun))
    assert mean(found) < mean(found + 0.01) + 1e-9
    assert mean(found) < mean(found - 0.01) + 1e-9


@pytest.mark.parametrize(
    "loss", ["squared_error", "poisson_with_log_link", "weighted_binary_cross_entropy_with_logits"]
)
def test_closed_forms_are_what_newton_finds(loss: str) -> None:
    from symloss.adapters import initial

    chosen = initial.scores(loss)
    y = np.array([0.0, 1.0, 1.0, 0.25])
    closed = initial._closed_form(chosen)
    assert closed is not None
    targets, weights = initial._distinct(chosen, y, None)
    assert initial._by_newton(chosen, targets, weights) == pytest.approx(closed(y.mean()), rel=1e-14)


def test_of_classes_it_is_their_share() -> None:
    y = GENERATOR.integers(0, 4, 60)
    share = np.bincount(y, WEIGHT, 4) / WEIGHT.sum()
    found = initial_score("sparse_cross_entropy_with_logits", y, weight=WEIGHT)
    np.testing.assert_allclose(softmax(found), share, rtol=1e-12)
    assert abs(found.sum()) < 1e-12
    dense = initial_score("cross_entropy_with_logits", np.eye(4)[y], weight=WEIGHT)
    np.testing.assert_allclose(dense, found, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("y", "end"), [([0, 0], -np.inf), ([1, 1], np.inf)])
def test_of_one_class_it_is_infinite(y: list[int], end: float) -> None:
    assert initial_score("binary_cross_entropy_with_logits", y) == end


def test_predictions() -> None:
    raw = np.linspace(-30, 30, 13)
    np.testing.assert_allclose(prediction("binary_cross_entropy_with_logits", raw), expit(raw), rtol=1e-14)
    for loss in ("poisson_with_log_link", "gamma_with_log_link", "tweedie_with_log_link"):
        np.testing.assert_allclose(prediction(loss, raw), np.exp(raw), rtol=1e-12)
    for loss in ("squared_error", "huber", "quantile_error", "hinge"):
        np.testing.assert_array_equal(prediction(loss, raw), raw)
    rows = GENERATOR.normal(size=(5, 4)) * 10
    np.testing.assert_allclose(prediction("sparse_cross_entropy_with_logits", rows), softmax(rows, axis=1), rtol=1e-13)


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match="whole numbers"):
        initial_score("sparse_cross_entropy_with_logits", [0.5, 1.0])
    with pytest.raises(ValueError, match="one prediction and one target"):
        initial_score("gaussian_kl", [0.5, 1.0])
    with pytest.raises(TypeError, match="no parameter 'delta'"):
        initial_score("squared_error", [0.5, 1.0], delta=1.0)
