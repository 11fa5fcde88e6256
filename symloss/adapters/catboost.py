"""Generated losses as objectives and metrics of CatBoost.

CatBoost maximises: it gets the derivatives of minus the loss. It has no start of its own for such objectives: pass
``Pool(..., baseline=np.full(n, initial_score(loss, y)))``, of several scores, with the parameter ``classes_count``,
``np.tile(initial_score(loss, y), (n, 1))``; predictions do not contain it: add it to those of type ``RawFormulaVal``.
`prediction` is what scores mean.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from symloss.adapters._lazy import library
from symloss.adapters._pairs import Pairs, compiled_pairs
from symloss.adapters.boosting import Boosted
from symloss.adapters.curvature import column_of
from symloss.adapters.initial import initial_score, prediction

__all__ = ["initial_score", "metric", "objective", "prediction"]


def objective(
    loss: ModuleType | str, *, curvature: str = "exact", dtype: npt.DTypeLike = np.float32, **params: Any
) -> Any:
    """Return an objective, for ``loss_function`` of CatBoost's classes; give ``eval_metric``, too.

    Of a loss of one score CatBoost asks for 500 or 1,000 samples at a time, of a function that is compiled for it, in
    about half a second, when it is first called. Of a loss of a row of scores it asks for one sample after the other,
    which is slow, and for a matrix: the exact Hessian where the curvature is ``"exact"``, else the Hessian column as
    its diagonal.

    Parameters
    ----------
    loss : module or str
        A generated module with one prediction and one target, or its name.
    curvature : str
        What the Hessian column holds; see `symloss.adapters.curvature.curvature_of`.
    dtype : dtype-like
        What the derivatives of a loss of one score are computed in. CatBoost keeps targets in float32, and XGBoost and
        LightGBM derivatives; float64, which takes two to three times as long, is for scores whose changes are small
        beside them. Losses of a row of scores are computed in float64.
    **params
        Parameters of the loss, and the arrays that all samples share.

    Raises
    ------
    ModuleNotFoundError
        Without CatBoost; the message names the extra.
    TypeError, ValueError
        If the loss is not of that kind, or for arguments that it does not take.
    """
    library("catboost")
    boosted = Boosted(loss, curvature, "C", params)
    if boosted.scores.rows:
        return RowObjective(boosted, curvature == "exact")
    return ScoreObjective(boosted, compiled_pairs(*column_of(curvature, boosted.scores), dtype))


def metric(loss: ModuleType | str, **params: Any) -> Any:
    """Return the mean loss of raw scores, for ``eval_metric``; less is better. Arguments as in `objective`."""
    library("catboost")
    return MeanLoss(Boosted(loss, "exact", "C", params))


class _Plain:
    """What CatBoost calls as it is, and copies by reference."""

    no_jit = True  # CatBoost would compile these methods with Numba, which can only be done without `self`

    def __init__(self, boosted: Boosted) -> None:
        self._boosted = boosted

    def __deepcopy__(self, memo: Any) -> Any:
        return self  # it has no state


class ScoreObjective(_Plain):
    """The objective of a loss of one score."""

    calc_ders_range: Pairs
    """Return first and second derivatives of minus the loss, of scores, targets and weights: shape (n_samples, 2)."""

    def __init__(self, boosted: Boosted, pairs: Pairs) -> None:
        super().__init__(boosted)
        self.calc_ders_range = pairs  # called a thousand times for each million samples: no method around it


class RowObjective(_Plain):
    """The objective of a loss of a row of scores."""

    def __init__(self, boosted: Boosted, whole: bool) -> None:
        super().__init__(boosted)
        self._whole = whole

    def calc_ders_multi(self, approxes: Any, target: float, weight: float) -> tuple[Any, Any]:
        """Return gradient and Hessian of minus the loss of one sample, times its weight."""
        row = np.ascontiguousarray(approxes, dtype=np.float64)
        targets = np.array([target])
        grad, column = self._boosted.derivatives(row[np.newaxis], targets)
        hess = self._hessian(row, targets) if self._whole else np.diag(column[0])
        return -weight * grad[0], -weight * hess

    def _hessian(self, row: Any, target: Any) -> Any:
        """Return the products of the Hessian with the unit vectors."""
        count, scores = len(row), self._boosted.scores
        labels = np.repeat(target.astype(np.int64), count)
        return scores.call("hvp", np.tile(row, (count, 1)), labels, v=np.eye(count), reduction="none")


class MeanLoss(_Plain):
    """The mean loss."""

    def is_max_optimal(self) -> bool:
        """Less is better."""
        return False

    def evaluate(self, approxes: Any, target: Any, weight: Any) -> tuple[float, float]:
        """Return the sum of the losses and of the weights."""
        raw = np.ascontiguousarray(np.stack(approxes, axis=1) if len(approxes) > 1 else approxes[0])
        total = float(len(target)) if weight is None else float(np.sum(weight))
        return total * self._boosted.value(raw, target, weight), total

    def get_final_error(self, error: float, weight: float) -> float:
        """Return the mean."""
        return error / (weight + 1e-38)
