"""Boosters trained with generated losses, from the derived start, predict what they predict with their own."""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

datasets = pytest.importorskip("sklearn.datasets")


class BuiltIn(NamedTuple):
    """A loss of ours, and what boosters call it."""

    load: Callable[..., Any]
    loss: str
    xgboost: str
    lightgbm: str
    catboost: str
    classes: int


BUILT_IN = (
    BuiltIn(datasets.load_diabetes, "half_squared_error", "reg:squarederror", "regression", "RMSE", 1),
    BuiltIn(datasets.load_breast_cancer, "binary_cross_entropy_with_logits", "binary:logistic", "binary", "Logloss", 1),
    BuiltIn(datasets.load_digits, "sparse_cross_entropy_with_logits", "multi:softprob", "multiclass", "MultiClass", 10),
)
EACH = pytest.mark.parametrize("case", BUILT_IN, ids=lambda case: case.loss)


def _module(loss: str) -> Any:
    return importlib.import_module(f"symloss.generated.{loss}")


def _difference(ours: Any, theirs: Any) -> float:
    return float(np.abs(ours - theirs).max() / np.ptp(theirs))


def _everywhere(start: Any, count: int) -> Any:
    return np.tile(start, (count, 1)) if np.ndim(start) else np.full(count, start)


@EACH
@pytest.mark.parametrize("weighted", [False, True])
def test_xgboost(case: BuiltIn, weighted: bool) -> None:
    xgb = pytest.importorskip("xgboost")
    from symloss.adapters.xgboost import initial_score, objective, prediction

    x, y = case.load(return_X_y=True)
    weight = np.random.default_rng(0).random(len(y)) if weighted else None
    loss, start = _module(case.loss), initial_score(case.loss, y, weight=weight)
    data = xgb.DMatrix(x, y, weight=weight)
    params = {"max_depth": 4, "eta": 0.1, "nthread": 1}
    if case.classes > 1:
        params["num_class"] = case.classes
        margin = _everywhere(start, len(y))
        theirs = xgb.DMatrix(x, y, weight=weight, base_margin=margin)
        data, own, named = theirs, {"base_score": 0.0}, {"base_score": 0.5}
    else:
        theirs, own, named = data, {"base_score": start}, {"base_score": float(prediction(loss, np.array([start]))[0])}
    built_in = xgb.train({**params, **named, "objective": case.xgboost}, theirs, 20)
    booster = xgb.train({**params, **own}, data, 20, obj=objective(loss, curvature="xgboost"))
    raw = booster.predict(data, output_margin=True)
    assert _difference(raw, built_in.predict(theirs, output_margin=True)) < 1e-5
    assert _difference(prediction(loss, raw), built_in.predict(theirs)) < 1e-5


@EACH
@pytest.mark.parametrize("weighted", [False, True])
def test_lightgbm(case: BuiltIn, weighted: bool) -> None:
    lgb = pytest.importorskip("lightgbm")
    from symloss.adapters.lightgbm import initial_score, objective, prediction

    x, y = case.load(return_X_y=True)
    weight = np.random.default_rng(0).random(len(y)) if weighted else None
    loss, start = _module(case.loss), initial_score(case.loss, y, weight=weight)
    params = {"num_leaves": 15, "verbose": -1, "num_threads": 1, "deterministic": True}
    params |= {"num_class": case.classes} if case.classes > 1 else {}
    # It starts from the constant that minimises the loss by itself.
    built_in = lgb.train({**params, "objective": case.lightgbm}, lgb.Dataset(x, y, weight=weight), 20)
    own = {**params, "objective": objective(loss, curvature="lightgbm")}
    data = lgb.Dataset(x, y, weight=weight, init_score=_everywhere(start, len(y)))
    raw = lgb.train(own, data, 20).predict(x, raw_score=True) + start
    if case.classes == 1:
        assert _difference(raw, built_in.predict(x, raw_score=True)) < 1e-5
    assert _difference(prediction(loss, raw), built_in.predict(x)) < 1e-5


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@EACH
@pytest.mark.parametrize("weighted", [False, True])
def test_catboost(case: BuiltIn, weighted: bool) -> None:
    cat = pytest.importorskip("catboost")
    from symloss.adapters.catboost import initial_score, metric, objective

    x, y = case.load(return_X_y=True)
    weight = np.random.default_rng(0).random(len(y)) if weighted else None
    if case.classes > 1:
        x, y, weight = x[:600], y[:600], None if weight is None else weight[:600]  # it asks for one sample at a time
    loss, start = _module(case.loss), initial_score(case.loss, y, weight=weight)
    params = {
        "iterations": 10, "depth": 4, "learning_rate": 0.1, "thread_count": 1, "verbose": 0, "random_seed": 1,
        "allow_writing_files": False, "bootstrap_type": "No", "leaf_estimation_iterations": 1,
    }  # fmt: skip
    params |= {"classes_count": case.classes} if case.classes > 1 else {}
    pool = cat.Pool(x, y, weight=weight, baseline=_everywhere(start, len(y)))
    built_in = cat.CatBoost({**params, "loss_function": case.catboost}).fit(pool)
    ours = cat.CatBoost({**params, "loss_function": objective(loss), "eval_metric": metric(loss)}).fit(pool)
    (last,) = (values[-1] for values in built_in.evals_result_["learn"].values())
    (own,) = (values[-1] for values in ours.evals_result_["learn"].values())
    own = np.sqrt(2 * own) if case.catboost == "RMSE" else own
    assert abs(own - last) < 0.01 * last
    raw = [m.predict(x, prediction_type="RawFormulaVal") for m in (ours, built_in)]
    assert _difference(*raw) < 1e-5


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", ["half_squared_error", "binary_cross_entropy_with_logits"])
def test_catboost_on_several_threads(name: str, weighted: bool) -> None:
    """Its threads take turns within a training: what one was given is still right when all are done."""
    cat = pytest.importorskip("catboost")
    from symloss.adapters.catboost import initial_score, objective

    rng = np.random.default_rng(0)
    x = rng.normal(size=(20_000, 3))
    y = x[:, 0] + rng.normal(size=len(x)) if name == "half_squared_error" else (x[:, 0] > 0.5).astype(float)
    weight = rng.random(len(x)) if weighted else None
    ours = objective(_module(name))
    compute = ours.calc_ders_range
    calls: list[tuple[Any, ...]] = []

    def recorded(approxes: Any, targets: Any, weights: Any) -> Any:
        result = compute(approxes, targets, weights)
        given = [None if a is None else a.astype(np.float64) for a in (approxes, targets, weights)]  # its own memory
        kept = result if len(calls) % 2 else result.copy()  # whose room is used again
        calls.append((threading.get_ident(), *given, kept))
        time.sleep(1e-4)  # another thread's turn
        return result

    ours.calc_ders_range = recorded
    pool = cat.Pool(x, y, weight=weight, baseline=np.full(len(y), initial_score(name, y, weight=weight)))
    params = {
        "iterations": 5, "depth": 3, "learning_rate": 0.3, "verbose": 0, "random_seed": 1, "bootstrap_type": "No",
        "allow_writing_files": False, "leaf_estimation_iterations": 1, "eval_metric": "RMSE",
    }  # fmt: skip
    on_four = cat.CatBoost({**params, "loss_function": ours, "thread_count": 4}).fit(pool)
    assert len({thread for thread, *_ in calls}) > 1
    for _, approxes, targets, weights, result in calls:
        factor = 1.0 if weights is None else weights
        if name == "half_squared_error":
            grad, hess = approxes - targets, np.ones_like(approxes)
        else:
            p = 1 / (1 + np.exp(-approxes))
            grad, hess = p - targets, p * (1 - p)
        np.testing.assert_allclose(result, np.stack([-factor * grad, -factor * hess], axis=1), rtol=2e-6, atol=2e-7)
    on_one = cat.CatBoost({**params, "loss_function": objective(name), "thread_count": 1}).fit(pool)
    raw = [m.predict(x, prediction_type="RawFormulaVal") for m in (on_four, on_one)]
    assert _difference(*raw) < 1e-5
