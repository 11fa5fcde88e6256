"""Boosting with losses that XGBoost, LightGBM and CatBoost lack: focal for rare positives, log-cosh for outliers.

Each is trained in all three beside what the booster does by default, with the same trees; figures are means over
splits.

Rare positives are judged by the mean recall of both classes, where a miss of either costs alike: what a loss with
weights of classes is chosen for.  Much of the gain is its `alpha`, a weight that boosters know by other names; ranked
by average precision, focal loss does not beat CatBoost's default here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.datasets import load_diabetes, load_digits
from sklearn.model_selection import train_test_split
from symloss.generated import focal_with_logits, log_cosh_error

from symloss.adapters import catboost, lightgbm, xgboost

from .results import Array, Result

ROUNDS, RATE, DEPTH = 60, 0.1, 4
SPLITS = 4
Fit = Callable[[Any, str, dict[str, float], Array, Array, Array], Array]


def with_xgboost(loss: Any, curvature: str, params: dict[str, float], x: Array, y: Array, x_test: Array) -> Array:
    """Return the raw scores of test samples; a name is a loss of XGBoost's own."""
    import xgboost as xgb

    settings = {"eta": RATE, "max_depth": DEPTH, "nthread": 1}
    data, own = xgb.DMatrix(x, y), None
    if isinstance(loss, str):
        settings["objective"] = loss
    else:
        settings["base_score"] = xgboost.initial_score(loss, y, **params)
        own = xgboost.objective(loss, curvature=curvature, **params)
    return xgb.train(settings, data, ROUNDS, obj=own).predict(xgb.DMatrix(x_test), output_margin=True)


def with_lightgbm(loss: Any, curvature: str, params: dict[str, float], x: Array, y: Array, x_test: Array) -> Array:
    """Return the raw scores of test samples; a name is a loss of LightGBM's own."""
    import lightgbm as lgb

    settings = {"learning_rate": RATE, "max_depth": DEPTH, "num_threads": 1, "verbose": -1, "objective": loss}
    start, init = 0.0, None
    if not isinstance(loss, str):
        start = lightgbm.initial_score(loss, y, **params)
        init = np.full(len(y), start)
        settings["objective"] = lightgbm.objective(loss, curvature=curvature, **params)
    return lgb.train(settings, lgb.Dataset(x, y, init_score=init), ROUNDS).predict(x_test, raw_score=True) + start


def with_catboost(loss: Any, curvature: str, params: dict[str, float], x: Array, y: Array, x_test: Array) -> Array:
    """Return the raw scores of test samples; a name is a loss of CatBoost's own."""
    import catboost as cat

    settings: dict[str, Any] = {"iterations": ROUNDS, "learning_rate": RATE, "depth": DEPTH, "thread_count": 1}
    settings |= {"verbose": 0, "allow_writing_files": False, "random_seed": 0, "loss_function": loss}
    start, base = 0.0, None
    if not isinstance(loss, str):
        start = catboost.initial_score(loss, y, **params)
        base = np.full(len(y), start)
        settings["loss_function"] = catboost.objective(loss, curvature=curvature, **params)
        settings["eval_metric"] = catboost.metric(loss, **params)
        settings["leaf_estimation_iterations"] = 5  # its own for two classes are 10, and 1 for objectives of others
    model = cat.CatBoost(settings).fit(cat.Pool(x, y, baseline=base))
    return model.predict(x_test, prediction_type="RawFormulaVal") + start


BOOSTERS: tuple[tuple[str, Fit, str, str], ...] = (  # with their own losses of two classes and of numbers
    ("XGBoost", with_xgboost, "binary:logistic", "reg:squarederror"),
    ("LightGBM", with_lightgbm, "binary", "regression"),
    ("CatBoost", with_catboost, "Logloss", "RMSE"),
)


def rare_digits(rng: np.random.Generator) -> tuple[Array, Array, Array, Array]:
    """Return digits, of whose eights one in five is left, and one label in fifty is wrong; tests are right."""
    x, digit = load_digits(return_X_y=True)
    y = (digit == 8).astype(float)
    x, x_test, y, y_test = train_test_split(x, y, stratify=y, random_state=int(rng.integers(1 << 30)))
    kept = (y == 0) | (rng.random(len(y)) < 0.2)
    x, y = x[kept], y[kept]
    return x, x_test, np.where(rng.random(len(y)) < 0.02, 1 - y, y), y_test


def progression(rng: np.random.Generator) -> tuple[Array, Array, Array, Array]:
    """Return the diabetes data in units of 20, with one target in ten far off; tests are right."""
    x, y = load_diabetes(return_X_y=True)
    x, x_test, y, y_test = train_test_split(x, y / 20, random_state=int(rng.integers(1 << 30)))
    return x, x_test, np.where(rng.random(len(y)) < 0.1, y + rng.normal(0, 20, len(y)), y), y_test


def mean_recall(raw: Array, y: Array) -> float:
    """Return the mean of the shares of both classes that are found: the balanced accuracy."""
    return float(np.mean([np.mean((raw[y == label] > 0) == label) for label in (0, 1)]))


FOCAL = {"gamma": 1.0, "alpha": 0.9}


def _mean(metric: Callable[[Array, Array], float], data: Any, seed: int, fit: Fit, *training: Any) -> float:
    rng = np.random.default_rng(seed)
    figures = []
    for _ in range(SPLITS):
        x, x_test, y, y_test = data(rng)
        figures.append(metric(np.asarray(fit(*training, x, y, x_test), dtype=np.float64), y_test))
    return float(np.mean(figures))


def _log_cosh(raw: Array, y: Array) -> float:
    return float(log_cosh_error.value(raw, y))


def run() -> list[Result]:
    """Compare with what each booster does by default."""
    results = []
    for name, fit, default, _ in BOOSTERS:
        ours, theirs = (
            _mean(mean_recall, rare_digits, 0, fit, *training)
            for training in ((focal_with_logits, "gauss_newton", FOCAL), (default, "", {}))
        )
        by = f"{name}, {default}"
        results.append(Result("boosting", "mean recall, focal", ours, theirs, by, 0.0, True))
    for name, fit, _, default in BOOSTERS:
        ours, theirs = (
            _mean(_log_cosh, progression, 1, fit, *training)
            for training in ((log_cosh_error, "exact", {}), (default, "", {}))
        )
        results.append(Result("boosting", "log-cosh error", ours, theirs, f"{name}, {default}", 0.0, False))
    return results
