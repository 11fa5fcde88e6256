"""The constant score that boosters start from, and what a score predicts."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from symloss.adapters import _link
from symloss.adapters._linear import LinearObjective
from symloss.adapters._scores import Array, Scores, as_labels, scores
from symloss.adapters._solve import newton_cg

_STEPS = 200
_CLOSE = 4 * float(np.finfo(np.float64).eps)
_TOLERANCE = 1e-12  # of the gradient of a mean loss of a row of scores


def initial_score(loss: ModuleType | str, y: Any, *, weight: Any = None, **params: Any) -> Any:
    """Return the constant that minimises the mean loss: where boosting starts.

    In closed form where SymPy found one when the loss was generated, of the mean target; else by Newton steps on the
    derivative of the loss, kept inside of an interval in which it changes its sign.

    Parameters
    ----------
    loss : module or str
        A generated module of one unbounded prediction and one target, or its name.
    y : array-like of shape (n_samples,), or (n_samples, n_classes) for dense targets
        The targets.
    weight : array-like of shape (n_samples,), optional
        Weights of the samples, not negative.
    **params
        Parameters of the loss, and the arrays that all samples share.

    Returns
    -------
    float, or ndarray of shape (n_classes,)
        Raw scores. Of scores that only differ by what they have in common, those whose mean is 0. Infinite where the
        loss falls for ever.

    Raises
    ------
    TypeError, ValueError
        If the loss is not of that kind, or for arguments that it does not take.
    """
    chosen = scores(loss, params)
    targets, weights = _distinct(chosen, np.asarray(y), weight)
    if chosen.rows:
        return _of_rows(chosen, targets, weights)
    closed = _closed_form(chosen)
    if closed is not None:
        with np.errstate(divide="ignore"):
            return float(closed(np.average(targets, weights=weights)))
    return _by_newton(chosen, targets, weights)


def prediction(loss: ModuleType | str, raw: Any, **params: Any) -> Array:
    """Return what raw scores predict.

    Parameters
    ----------
    loss : module or str
        A generated module of one unbounded prediction and one target, or its name.
    raw : array-like of shape (n_samples,) or (n_samples, n_classes)
        The scores of a booster, its start included.
    **params
        Parameters of the loss, and the arrays that all samples share.

    Returns
    -------
    ndarray
        Of a log-loss of a row of scores, the probabilities of the classes. Of a score whose derivative is linear in the
        target, the mean target: a probability, a rate, an amount. Otherwise the scores themselves.
    """
    chosen = scores(loss, params)
    raw = np.ascontiguousarray(raw, dtype=np.float64)
    if not chosen.rows:
        return _link.mean_of(chosen, raw)
    targets = _link.class_targets(chosen, raw.shape[-1])
    return np.exp(-_link.losses_of_classes(chosen, raw, targets)) if _link.is_log_loss(chosen, targets) else raw


def _distinct(loss: Scores, y: Array, weight: Any) -> tuple[Array, Array]:
    """Return each target once, with the weights of all samples that have it."""
    y = as_labels(y) if loss.labels else np.asarray(y, dtype=np.float64)
    found, where = np.unique(y, axis=0, return_inverse=True)
    given = None if weight is None else np.asarray(weight, dtype=np.float64)
    return np.ascontiguousarray(found), np.bincount(where.ravel(), given, len(found)).astype(np.float64)


def _closed_form(loss: Scores) -> Callable[[float], float] | None:
    """Return the function from the mean target to the score, with parameters filled in."""
    derived = loss.for_boosting
    form = None if derived is None else derived.INITIAL_SCORES.get(loss.module.INFO["name"])
    if form is None:
        return None
    known = {p["name"]: p["default"] for p in loss.module.INFO["parameters"]} | loss.parameters
    needed = list(inspect.signature(form).parameters)[1:]
    return lambda mean: float(form(mean, **{name: known[name] for name in needed}))


def _by_newton(loss: Scores, targets: Array, weights: Array) -> float:
    """Return the root of the derivative in a constant; where it jumps over 0, the place of the jump."""
    share = weights / weights.sum()

    def slope_and_curvature(score: float) -> tuple[float, float]:
        first, second = loss.call("grad_and_hess", np.full(len(targets), score), targets, reduction="none")
        return float(share @ first), float(share @ second)

    low, high = _bracket(slope_and_curvature)
    if not np.isfinite(low):
        return high
    if not np.isfinite(high):
        return low
    score = 0.5 * (low + high)
    for _ in range(_STEPS):
        slope, curvature = slope_and_curvature(score)
        if slope == 0.0:
            break
        low, high = (low, score) if slope > 0.0 else (score, high)
        step = slope / curvature if curvature > 0.0 else np.inf
        inside = low < score - step < high
        score = score - step if inside else 0.5 * (low + high)
        if high - low <= _CLOSE * max(abs(low), abs(high)) or (inside and abs(step) <= _CLOSE * abs(score)):
            break
    return score


def _bracket(slope_and_curvature: Callable[[float], tuple[float, float]]) -> tuple[float, float]:
    """Return two scores between which the slope changes its sign; one end is infinite where it never does."""
    at_start, _ = slope_and_curvature(0.0)
    direction = -1.0 if at_start > 0.0 else 1.0
    near, far = 0.0, direction
    while abs(far) < 1e300:
        slope, _ = slope_and_curvature(far)
        if slope * direction >= 0.0:
            return (near, far) if direction > 0.0 else (far, near)
        near, far = far, 2.0 * far
    return (-np.inf, -np.inf) if direction < 0.0 else (np.inf, np.inf)


def _of_rows(loss: Scores, targets: Array, weights: Array) -> Array:
    """Return the constant row of scores, found by Newton steps."""
    outputs = targets.shape[1] if loss.dense else int(targets.max(initial=0)) + 1
    nothing = np.zeros((len(targets), 0))
    objective = LinearObjective(loss, nothing, targets, outputs=outputs, weight=weights)
    found = newton_cg(objective, np.zeros(objective.size), _TOLERANCE, _STEPS)
    free = found.flat - found.flat.mean()
    known = objective.value(found.flat)
    same = abs(objective.value(free) - known) <= _TOLERANCE * abs(known)  # a softmax does not see what scores share
    return objective.split(free if same else found.flat)[1]
