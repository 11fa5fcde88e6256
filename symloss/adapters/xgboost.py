"""Generated losses as objectives and metrics of XGBoost.

Scores are raw. Of one score a sample the start is ``params["base_score"]``; of several it is
``DMatrix(..., base_margin=np.tile(initial_score(loss, y), (n, 1)))``, for predictions, too. `prediction` is what scores
mean.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from symloss.adapters._lazy import library
from symloss.adapters.boosting import Boosted, derivatives_callback, value_callback
from symloss.adapters.initial import initial_score, prediction

__all__ = ["initial_score", "metric", "objective", "prediction"]


def objective(loss: ModuleType | str, *, curvature: str = "exact", **params: Any) -> Callable[..., Any]:
    """Return an objective, for ``xgb.train(obj=...)`` and for ``XGBRegressor(objective=...)`` and its relatives.

    Scores are raw: ``base_score`` has to be given as a raw score, see `initial_score`, and predictions are not
    transformed, see `prediction`.

    Parameters
    ----------
    loss : module or str
        A generated module with one prediction and one target, or its name.
    curvature : str
        What the Hessian column holds; see `symloss.adapters.curvature.curvature_of`.
    **params
        Parameters of the loss, and the arrays that all samples share.

    Raises
    ------
    ModuleNotFoundError
        Without XGBoost; the message names the extra.
    TypeError, ValueError
        If the loss is not of that kind, or for arguments that it does not take.
    """
    dataset = library("xgboost").DMatrix
    return derivatives_callback(Boosted(loss, curvature, "C", params), dataset)


def metric(loss: ModuleType | str, **params: Any) -> Callable[..., tuple[str, float]]:
    """Return the mean loss of raw scores, for ``xgb.train(custom_metric=...)``; arguments as in `objective`."""
    library("xgboost")
    return value_callback(Boosted(loss, "exact", "C", params))
