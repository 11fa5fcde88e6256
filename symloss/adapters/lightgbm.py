"""Generated losses as objectives and metrics of LightGBM.

Scores are raw. The start is ``Dataset(..., init_score=np.full(n, initial_score(loss, y)))``, of several scores
``np.tile(initial_score(loss, y), (n, 1))``; predictions do not contain it: add it. `prediction` is what they mean.
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
    """Return an objective, for ``params["objective"]`` of ``lgb.train`` and for the scikit-learn classes.

    Scores are raw: pass the start, see `initial_score`, as ``init_score`` and add it to predictions, which do not
    contain it.

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
        Without LightGBM; the message names the extra.
    TypeError, ValueError
        If the loss is not of that kind, or for arguments that it does not take.
    """
    dataset = library("lightgbm").Dataset
    return derivatives_callback(Boosted(loss, curvature, "F", params), dataset)


def metric(loss: ModuleType | str, **params: Any) -> Callable[..., tuple[str, float, bool]]:
    """Return the mean loss of raw scores, for ``lgb.train(feval=...)``; less is better. Arguments as in `objective`."""
    library("lightgbm")
    return value_callback(Boosted(loss, "exact", "F", params), False)
