"""Boosters trained with generated losses make the predictions that they make with their own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from symloss.generated import binary_cross_entropy_with_logits, half_squared_error, sparse_cross_entropy_with_logits

datasets = pytest.importorskip("sklearn.datasets")

# data, our loss, name in XGBoost, name in LightGBM, number of classes
BUILT_IN = (
    (datasets.load_diabetes, half_squared_error, "reg:squarederror", "regression", 1),
    (datasets.load_breast_cancer, binary_cross_entropy_with_logits, "binary:logistic", "binary", 1),
    (datasets.load_digits, sparse_cross_entropy_with_logits, "multi:softprob", "multiclass", 10),
)


def _start(name: str, y: Any) -> float:
    mean = float(y.mean())
    return float(np.log(mean / (1 - mean))) if "binary" in name else mean


def _difference(ours: Any, theirs: Any) -> float:
    return float(np.abs(ours - theirs).max() / np.ptp(theirs))


@pytest.mark.parametrize(("load", "loss", "name", "_", "classes"), BUILT_IN)
def test_xgboost(load: Any, loss: Any, name: str, _: str, classes: int) -> None:
    xgb = pytest.importorskip("xgboost")
    from symloss.adapters.xgboost import objective

    x, y = load(return_X_y=True)
    data = xgb.DMatrix(x, y)
    params = {"max_depth": 4, "eta": 0.1, "nthread": 1} | ({"num_class": classes} if classes > 1 else {})
    theirs, ours = (0.5, 0.5) if classes > 1 else (float(y.mean()), _start(name, y))
    built_in = xgb.train({**params, "objective": name, "base_score": theirs}, data, 20)
    own = xgb.train({**params, "base_score": ours}, data, 20, obj=objective(loss, curvature="xgboost"))
    assert _difference(own.predict(data, output_margin=True), built_in.predict(data, output_margin=True)) < 1e-5


@pytest.mark.parametrize(("load", "loss", "_", "name", "classes"), BUILT_IN)
def test_lightgbm(load: Any, loss: Any, _: str, name: str, classes: int) -> None:
    lgb = pytest.importorskip("lightgbm")
    from symloss.adapters.lightgbm import objective

    x, y = load(return_X_y=True)
    params = {"num_leaves": 15, "verbose": -1, "num_threads": 1, "deterministic": True}
    params |= {"num_class": classes} if classes > 1 else {}
    start = 0.0 if classes > 1 else _start(name, y)
    init = None if classes > 1 else np.full(len(y), start)
    built_in = lgb.train({**params, "objective": name, "boost_from_average": classes == 1}, lgb.Dataset(x, y), 20)
    own = {**params, "objective": objective(loss, curvature="lightgbm")}
    booster = lgb.train(own, lgb.Dataset(x, y, init_score=init), 20)
    assert _difference(booster.predict(x, raw_score=True) + start, built_in.predict(x, raw_score=True)) < 1e-5
