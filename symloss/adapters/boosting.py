"""Gradients and Hessian columns of a generated loss, in the layouts of boosters."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from symloss.adapters._scores import scores
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
    TypeError
        For an unknown parameter.
    """

    def __init__(self, loss: ModuleType, curvature: str, order: str, params: dict[str, Any]) -> None:
        self._scores, self._order = scores(loss, params), order
        self._curvature = curvature_of(curvature)

    def derivatives(self, raw: Any, targets: Any, weight: Any = None) -> tuple[Floats, Floats]:
        """Return gradient and Hessian column of every sample times its weight, shaped like the scores."""
        raw = np.asarray(raw)
        z, y, w = self._laid_out(raw, targets, weight)
        grad, exact = self._scores.call("grad_and_hess", z, y, reduction="none")
        hess = self._curvature(exact, self._scores.rows)
        if w is not None:
            factor = w[:, None] if grad.ndim == 2 else w
            grad, hess = grad * factor, hess * factor
        return self._as_given(grad, raw), self._as_given(hess, raw)

    def value(self, raw: Any, targets: Any, weight: Any = None) -> float:
        """Return the mean loss, weighted where weights are given."""
        z, y, w = self._laid_out(np.asarray(raw), targets, weight)
        losses = self._scores.call("value", z, y, reduction="none")
        if losses.ndim == 2:
            losses = losses.mean(axis=1)
        return float(np.average(losses, weights=w))

    def _laid_out(self, raw: Floats, targets: Any, weight: Any) -> tuple[Floats, Any, Any]:
        targets = np.asarray(targets)
        if self._scores.labels:
            targets = _as_labels(targets)
        if raw.dtype not in (np.float32, np.float64):
            raw = raw.astype(np.float64)
        if raw.ndim == 1 and (self._scores.rows or targets.ndim == 2):
            shape = (len(targets), -1)
            raw = raw.reshape(shape, order=self._order)  # type: ignore[call-overload]
        if targets.size == raw.size and not self._scores.rows:
            targets = targets.reshape(raw.shape)
        given = None if weight is None or np.size(weight) == 0 else np.asarray(weight, raw.dtype)
        return raw, targets, given

    def _as_given(self, result: Floats, raw: Floats) -> Floats:
        return result.reshape(raw.shape, order=self._order) if result.shape != raw.shape else result  # type: ignore[call-overload]


def _as_labels(targets: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return class labels, which boosters keep as floats, as integers."""
    labels = targets.astype(np.int64)
    if not np.array_equal(labels, targets):
        raise ValueError("targets: expected class labels, whole numbers; got others")
    return labels
