"""Gradients and Hessian columns of a generated loss, in the layouts of boosters."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from symloss.adapters.curvature import curvature_of

Floats = npt.NDArray[np.floating]


class Boosted:
    """A generated loss with one prediction and one target, as boosters call it.

    Parameters
    ----------
    loss : module
        A generated module.
    curvature : str
        See `symloss.adapters.curvature.curvature_of`.
    order : {"C", "F"}
        How a flat array holds the scores of several classes: sample by sample, or class by class.
    **params
        Parameters of the loss.

    Raises
    ------
    ValueError
        For a loss with other arguments, or an unknown curvature.
    """

    def __init__(self, loss: ModuleType, curvature: str, order: str, params: dict[str, Any]) -> None:
        arguments = loss.INFO["arguments"]
        if [a["role"] for a in arguments] != ["prediction", "target"] or loss.INFO["over_sets"]:
            shown = ", ".join(f"{a['name']} ({a['role']})" for a in arguments)
            raise ValueError(f"{loss.INFO['name']}: boosting needs one prediction and one target, not {shown}")
        known = {p["name"] for p in loss.INFO["parameters"]}
        for name in params:
            if name not in known:
                raise TypeError(f"{loss.INFO['name']} has no parameter {name!r}; it has {sorted(known) or 'none'}")
        score, target = arguments
        self._loss, self._params, self._order = loss, params, order
        self._curvature = curvature_of(curvature)
        self._rows, self._rows_of_targets = len(score["shape"]) > 1, len(target["shape"]) > 1
        self._labels = target["dtype"] == ("integer",)

    def derivatives(self, scores: Any, targets: Any, weight: Any = None) -> tuple[Floats, Floats]:
        """Return gradient and Hessian column of every sample times its weight, shaped like the scores."""
        scores = np.asarray(scores)
        z, y, w = self._laid_out(scores, targets, weight)
        grad, exact = self._loss.grad_and_hess(z, y, weight=None, reduction="none", **self._params)
        hess = self._curvature(exact, self._rows)
        if w is not None:
            factor = w[:, None] if grad.ndim == 2 else w
            grad, hess = grad * factor, hess * factor
        return self._as_given(grad, scores), self._as_given(hess, scores)

    def value(self, scores: Any, targets: Any, weight: Any = None) -> float:
        """Return the mean loss, weighted where weights are given."""
        z, y, w = self._laid_out(np.asarray(scores), targets, weight)
        losses = self._loss.value(z, y, reduction="none", **self._params)
        if losses.ndim == 2:
            losses = losses.mean(axis=1)
        return float(np.average(losses, weights=w))

    def _laid_out(self, scores: Floats, targets: Any, weight: Any) -> tuple[Floats, Any, Any]:
        targets = np.asarray(targets)
        if self._labels:
            targets = _as_labels(targets)
        if scores.dtype not in (np.float32, np.float64):
            scores = scores.astype(np.float64)
        if scores.ndim == 1 and (self._rows or targets.ndim == 2):
            shape = (len(targets), -1)
            scores = scores.reshape(shape, order=self._order)  # type: ignore[call-overload]
        if targets.size == scores.size and not self._rows:
            targets = targets.reshape(scores.shape)
        given = None if weight is None or np.size(weight) == 0 else np.asarray(weight, scores.dtype)
        return scores, targets, given

    def _as_given(self, result: Floats, scores: Floats) -> Floats:
        return result.reshape(scores.shape, order=self._order) if result.shape != scores.shape else result  # type: ignore[call-overload]


def _as_labels(targets: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return class labels, which boosters keep as floats, as integers."""
    labels = targets.astype(np.int64)
    if not np.array_equal(labels, targets):
        raise ValueError("targets: expected class labels, whole numbers; got others")
    return labels
