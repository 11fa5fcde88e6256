"""Gradients and Hessian columns of a generated loss, in the layouts of boosters."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from symloss.adapters._kernels import Blockwise, Floats
from symloss.adapters._scores import as_labels, scores
from symloss.adapters.curvature import column_of, curvature_of


class Boosted:
    """A generated loss with one prediction and one target, as boosters call it.

    Parameters
    ----------
    loss : module or str
        A generated module, or its name.
    curvature : str
        See `symloss.adapters.curvature.curvature_of`.
    order : {"C", "F"}
        How a flat array holds the scores of several classes: sample by sample, or class by class.
    params : dict
        Parameters of the loss, and the arrays that all samples share.

    Raises
    ------
    ValueError
        For a loss with other arguments, or an unknown curvature.
    TypeError
        For an unknown parameter.
    """

    def __init__(self, loss: ModuleType | str, curvature: str, order: str, params: dict[str, Any]) -> None:
        self.scores, self._order = scores(loss, params), order
        self._derivatives = curvature_of(curvature, self.scores)
        self._blockwise = None if self.scores.rows else Blockwise(*column_of(curvature, self.scores))

    @property
    def name(self) -> str:
        """The name of the loss."""
        return str(self.scores.module.INFO["name"])

    def derivatives(self, raw: Any, targets: Any, weight: Any = None) -> tuple[Floats, Floats]:
        """Return gradient and Hessian column of every sample times its weight, shaped like the scores.

        They are float32 where a sample has one score, else of the dtype of the scores.
        """
        raw = np.asarray(raw)
        if self._blockwise is not None and _one_score(raw, targets):
            return self._blockwise(raw, np.asarray(targets), _given(weight))
        z, y, w = self._laid_out(raw, targets, weight)
        grad, hess = self._derivatives(z, y)
        if w is not None:
            factor = w[:, None] if grad.ndim == 2 else w
            grad, hess = grad * factor, hess * factor
        return self._as_given(grad, raw), self._as_given(hess, raw)

    def value(self, raw: Any, targets: Any, weight: Any = None) -> float:
        """Return the mean loss, weighted where weights are given."""
        z, y, w = self._laid_out(np.asarray(raw), targets, weight)
        losses = self.scores.call("value", z, y, reduction="none")
        if losses.ndim == 2:
            losses = losses.mean(axis=1)
        return float(np.average(losses, weights=w))

    def _laid_out(self, raw: Floats, targets: Any, weight: Any) -> tuple[Floats, Any, Any]:
        targets = np.asarray(targets)
        if self.scores.labels:
            targets = as_labels(targets)
        if raw.dtype not in (np.float32, np.float64):
            raw = raw.astype(np.float64)
        if not self.scores.labels and raw.dtype == np.float64:
            targets = targets.astype(np.float64, copy=False)  # kernels are slower where dtypes differ
        if raw.ndim == 1 and (self.scores.rows or targets.ndim == 2):
            shape = (len(targets), -1)
            raw = raw.reshape(shape, order=self._order)  # type: ignore[call-overload]
        if targets.size == raw.size and not self.scores.rows:
            targets = targets.reshape(raw.shape)
        return raw, targets, _given(weight, raw.dtype)

    def _as_given(self, result: Floats, raw: Floats) -> Floats:
        return result.reshape(raw.shape, order=self._order) if result.shape != raw.shape else result  # type: ignore[call-overload]


def _one_score(raw: Floats, targets: Any) -> bool:
    return raw.dtype in (np.float32, np.float64) and raw.ndim == 1 and np.shape(targets) == raw.shape


def _given(weight: Any, dtype: Any = None) -> Any:
    """Return weights as an array, and None where there are none."""
    return None if weight is None or np.size(weight) == 0 else np.asarray(weight, dtype)


def derivatives_callback(boosted: Boosted, dataset: type) -> Callable[..., tuple[Floats, Floats]]:
    """Return an objective as XGBoost and LightGBM call it, given what holds their data."""

    def call(first: Any, second: Any, weight: Any = None) -> tuple[Floats, Floats]:
        if isinstance(second, dataset):
            data: Any = second
            return boosted.derivatives(first, data.get_label(), data.get_weight())
        return boosted.derivatives(second, first, weight)  # the scikit-learn classes: targets, scores

    return call


def value_callback(boosted: Boosted, *verdict: Any) -> Callable[..., Any]:
    """Return a metric as XGBoost and LightGBM call it; ``verdict`` follows name and value."""

    def call(raw: Any, data: Any) -> tuple[Any, ...]:
        return boosted.name, boosted.value(raw, data.get_label(), data.get_weight()), *verdict

    return call
