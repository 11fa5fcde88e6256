"""Generated losses as objectives and metrics of XGBoost."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from symloss.adapters._lazy import library
from symloss.adapters.boosting import Boosted


def objective(loss: ModuleType, *, curvature: str = "exact", **params: Any) -> Callable[..., Any]:
    """Return an objective, for ``xgb.train(obj=...)`` and for ``XGBRegressor(objective=...)`` and its relatives.

    Scores are raw: ``base_score`` has to be given as a raw score, and predictions are not transformed.

    Parameters
    ----------
    loss : module
        A generated module with one prediction and one target.
    curvature : str
        What the Hessian column holds; see `symloss.adapters.curvature.curvature_of`.
    **params
        Parameters of the loss.
    """
    xgb = library("xgboost")
    boosted = Boosted(loss, curvature, "C", params)

    def call(first: Any, second: Any, sample_weight: Any = None) -> Any:
        if isinstance(second, xgb.DMatrix):
            return boosted.derivatives(first, second.get_label(), second.get_weight())
        return boosted.derivatives(second, first, sample_weight)  # the estimators: targets, scores

    return call


def metric(loss: ModuleType, **params: Any) -> Callable[..., tuple[str, float]]:
    """Return the mean loss of raw scores, for ``xgb.train(custom_metric=...)``."""
    library("xgboost")
    boosted = Boosted(loss, "exact", "C", params)

    def call(scores: Any, data: Any) -> tuple[str, float]:
        return loss.INFO["name"], boosted.value(scores, data.get_label(), data.get_weight())

    return call
