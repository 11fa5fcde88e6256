"""Generated losses as objectives and metrics of LightGBM."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from symloss.adapters._lazy import library
from symloss.adapters.boosting import Boosted


def objective(loss: ModuleType, *, curvature: str = "exact", **params: Any) -> Callable[..., Any]:
    """Return an objective, for ``params["objective"]`` of ``lgb.train`` and for the scikit-learn classes.

    Scores are raw: pass the start as ``init_score`` and add it to predictions, which do not contain it.

    Parameters
    ----------
    loss : module
        A generated module with one prediction and one target.
    curvature : str
        What the Hessian column holds; see `symloss.adapters.curvature.curvature_of`.
    **params
        Parameters of the loss.
    """
    lgb = library("lightgbm")
    boosted = Boosted(loss, curvature, "F", params)

    def call(first: Any, second: Any, weight: Any = None) -> Any:
        if isinstance(second, lgb.Dataset):
            return boosted.derivatives(first, second.get_label(), second.get_weight())
        return boosted.derivatives(second, first, weight)  # the scikit-learn classes: targets, scores

    return call


def metric(loss: ModuleType, **params: Any) -> Callable[..., tuple[str, float, bool]]:
    """Return the mean loss of raw scores, for ``lgb.train(feval=...)``; less is better."""
    library("lightgbm")
    boosted = Boosted(loss, "exact", "F", params)

    def call(scores: Any, data: Any) -> tuple[str, float, bool]:
        return loss.INFO["name"], boosted.value(scores, data.get_label(), data.get_weight()), False

    return call
