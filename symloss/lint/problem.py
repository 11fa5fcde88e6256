"""The inputs on which an objective is tried, and the derived derivatives there."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

from symloss.adapters._scores import Array, Scores

# Scores: both signs, several between 0 and 1 for those who take them for probabilities, none at a kink.
_BETWEEN_0_AND_1 = (0.0523, 0.2311, 0.4479, 0.6417, 0.8803, 0.9631)
_MODERATE = (-8.137, -3.021, -1.173, -0.3119, -0.0171, *_BETWEEN_0_AND_1, 1.379, 2.647, 6.091)
_EXTREME = (-800.0, -104.0, -89.5, -38.0, 0.0, 38.0, 89.5, 104.0, 800.0)
_TARGETS = (-2.713, -0.4107, 0.3541, 1.0, 4.819)
_LARGEST = 1e30  # derived numbers beyond it are left alone: they overflow float32


@dataclass(frozen=True)
class Facts:
    """The loss of samples and its derivatives in their scores.

    Attributes
    ----------
    scores, targets : ndarray
        Where they are.
    value : ndarray of shape (n_samples,)
        The losses.
    grad, hess : ndarray
        Gradients and Hessian diagonals, shaped like the scores.
    """

    scores: Array
    targets: Array
    value: Array
    grad: Array
    hess: Array

    @property
    def labels(self) -> Array:
        """The targets in the axes of the scores."""
        more = self.scores.ndim - self.targets.ndim
        return self.targets.reshape(self.targets.shape + (1,) * more)


def facts(loss: Scores, scores: Array, targets: Array) -> Facts:
    """Return the derived facts at given scores; NaN at scores that are NaN."""
    grad, hess = loss.call("grad_and_hess", scores, targets, reduction="none")
    return Facts(scores, targets, loss.call("value", scores, targets, reduction="none"), grad, hess)


def moderate(loss: Scores, classes: int) -> tuple[Array, Array]:
    """Return scores and targets at which a right objective has no excuse."""
    return _samples(loss, classes, _MODERATE)


def extreme(loss: Scores, classes: int) -> tuple[Array, Array]:
    """Return scores and targets at which exponentials overflow, in float32 and in float64."""
    return _samples(loss, classes, _EXTREME)


def trusted(derived: Array) -> Array:
    """Return where derived numbers can be compared: not NaN, and far from overflow."""
    return np.isfinite(derived) & (np.abs(derived) < _LARGEST)


def _samples(loss: Scores, classes: int, levels: tuple[float, ...]) -> tuple[Array, Array]:
    targets = _targets(loss, classes)
    scores = np.array(levels) if not loss.rows else _rows(levels, classes)
    pairs = list(itertools.product(range(len(scores)), range(len(targets))))
    chosen = np.array(pairs[:-1] if len(pairs) % 2 == 0 else pairs)  # an odd number, so that a mean is no factor 2
    return np.ascontiguousarray(scores[chosen[:, 0]]), np.ascontiguousarray(targets[chosen[:, 1]])


def _rows(levels: tuple[float, ...], classes: int) -> Array:
    """Return rows of scores; every third one adds up to 1, for those who take them for probabilities."""
    rows = np.stack([np.roll(np.resize(np.array(levels), classes + k), k)[:classes] for k in range(len(levels))])
    exponentials = np.exp(np.clip(rows[::3], -2.0, 2.0))
    rows[::3] = exponentials / exponentials.sum(axis=1, keepdims=True)
    return rows


def _targets(loss: Scores, classes: int) -> Array:
    """Return targets as boosters have them: labels, the two ends of an interval, counts, or numbers."""
    domain: Any = loss.target["domain"]
    if loss.labels:
        return np.arange(classes)
    if loss.dense:
        return np.eye(classes)
    if not hasattr(domain, "low"):
        return np.array(sorted(domain))
    if np.isfinite(domain.low) and np.isfinite(domain.high):
        return np.array([domain.low, domain.high])
    if np.isfinite(domain.low):
        return domain.low + np.array([0.5, 1.0, 2.0, 7.0] if domain.left_open else [0.0, 1.0, 2.0, 7.0])
    return np.array(_TARGETS)
