"""Boosters trained with generated losses make the predictions that they make with their own."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symloss.project import generate, package_of

datasets = pytest.importorskip("sklearn.datasets")

# data, our loss, name in XGBoost, name in LightGBM, number of classes
BUILT_IN = (
    (datasets.load_diabetes, "half_squared_error", "reg:squarederror", "regression", 1),
    (datasets.load_breast_cancer, "binary_cross_entropy_with_logits", "binary:logistic", "binary", 1),
    (datasets.load_digits, "sparse_cross_entropy_with_logits", "multi:softprob", "multiclass", 10),
)


SPECS = Path(__file__).parents[1] / "specs"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("boosting") / "generated"
    generate([*sorted((SPECS / "boosting").glob("*.py")), SPECS / "binary.py", SPECS / "multiclass.py"], folder)
    return package_of(folder)


def _module(package: str, loss: str) -> Any:
    return importlib.import_module(f"{package}.{loss}")


def _start(name: str, y: Any) -> float:
    mean = float(y.mean())
    return float(np.log(mean / (1 - mean))) if "binary" in name else mean


def _difference(ours: Any, theirs: Any) -> float:
    return float(np.abs(ours - theirs).max() / np.ptp(theirs))


@pytest.mark.parametrize(("load", "loss", "name", "_", "classes"), BUILT_IN)
def test_xgboost(package: str, load: Any, loss: str, name: str, _: str, classes: int) -> None:
    xgb = pytest.importorskip("xgboost")
    from symloss.adapters.xgboost import objective

    x, y = load(return_X_y=True)
    data = xgb.DMatrix(x, y)
    params = {"max_depth": 4, "eta": 0.1, "nthread": 1} | ({"num_class": classes} if classes > 1 else {})
    theirs, ours = (0.5, 0.5) if classes > 1 else (float(y.mean()), _start(name, y))
    built_in = xgb.train({**params, "objective": name, "base_score": theirs}, data, 20)
    own = xgb.train(
        {**params, "base_score": ours},
        data,
        20,
        obj=objective(_module(package, loss), curvature="xgboost"),
    )
    assert _difference(own.predict(data, output_margin=True), built_in.predict(data, output_margin=True)) < 1e-5


@pytest.mark.parametrize(("load", "loss", "_", "name", "classes"), BUILT_IN)
def test_lightgbm(package: str, load: Any, loss: str, _: str, name: str, classes: int) -> None:
    lgb = pytest.importorskip("lightgbm")
    from symloss.adapters.lightgbm import objective

    x, y = load(return_X_y=True)
    params = {"num_leaves": 15, "verbose": -1, "num_threads": 1, "deterministic": True}
    params |= {"num_class": classes} if classes > 1 else {}
    start = 0.0 if classes > 1 else _start(name, y)
    init = None if classes > 1 else np.full(len(y), start)
    built_in = lgb.train({**params, "objective": name, "boost_from_average": classes == 1}, lgb.Dataset(x, y), 20)
    own = {**params, "objective": objective(_module(package, loss), curvature="lightgbm")}
    booster = lgb.train(own, lgb.Dataset(x, y, init_score=init), 20)
    assert _difference(booster.predict(x, raw_score=True) + start, built_in.predict(x, raw_score=True)) < 1e-5
