"""From scores to what they predict, found in the loss itself: probabilities of a log-loss, means of a score."""

from __future__ import annotations

from typing import Any

import numpy as np

from symloss.adapters._scores import Array, Scores

_TRIED = np.array([-3.0, -1.0, -0.1, 0.0, 0.4, 2.0])  # scores at which a property of a loss is looked for
_CLOSE = 1e-10


def class_targets(loss: Scores, count: int) -> Array:
    """Return the target that stands for each of ``count`` classes; with one score, for each of the two.

    One score knows two classes: they are the ends of the domain of the target, -1 and 1 if it has no ends, 0 and 1 if
    it has a lower end alone.

    Raises
    ------
    ValueError
        If the domain has other than two members.
    """
    if loss.labels:
        return np.arange(count)
    if loss.dense:
        return np.eye(count)
    domain = loss.target["domain"]
    if not hasattr(domain, "low"):
        if len(domain) != 2:
            raise ValueError(f"{loss.module.INFO['name']}: expected a target with two values, got {domain}")
        return np.array(sorted(domain), dtype=np.float64)
    if np.isfinite(domain.low):
        return np.array([domain.low, domain.high if np.isfinite(domain.high) else domain.low + 1.0])
    return np.array([-1.0, 1.0])


def losses_of_classes(loss: Scores, raw: Array, targets: Array) -> Array:
    """Return what every class would cost: an array with an axis for the classes behind the samples."""
    columns = []
    samples = raw.shape[:1] if loss.rows else raw.shape
    for target in targets:
        assumed = np.broadcast_to(target, (*samples, *np.shape(target)))
        columns.append(loss.call("value", raw, np.ascontiguousarray(assumed), reduction="none"))
    return np.stack(columns, axis=-1)


def is_log_loss(loss: Scores, targets: Array) -> bool:
    """Whether ``exp(-loss)`` of all classes adds up to 1, so that it is their probability."""
    count = len(targets)
    raw = np.stack([np.roll(np.resize(_TRIED, count), k) * (1 + 0.1 * k) for k in range(4)]) if loss.rows else _TRIED
    total = np.exp(-losses_of_classes(loss, raw, targets)).sum(axis=-1)
    return bool(np.allclose(total, 1.0, rtol=0.0, atol=_CLOSE))


def mean_of(loss: Scores, raw: Array) -> Array:
    """Return the target at which each score is the best one: the inverse of the link.

    The derivative of the loss of a generalised linear model is linear in the target, so that two of them give its
    root. Where it is not linear, the score is the prediction itself.
    """
    if loss.rows or not _is_linear(loss):
        return raw
    domain: Any = loss.target["domain"]
    low = np.full_like(raw, _lowest(domain))
    at_low = loss.call("grad", raw, low, reduction="none")
    high = np.maximum(1.0, np.abs(at_low)) if np.isinf(domain.high) else np.ones_like(raw)
    for _ in range(2 if np.isinf(domain.high) else 1):  # a second time from a target of the right size
        difference = at_low - loss.call("grad", raw, high, reduction="none")
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = np.where(difference == 0.0, raw, at_low * high / difference)
        high = np.where(np.isfinite(mean) & (mean > 0.0), mean, high)
    return mean


def _lowest(domain: Any) -> float:
    """Return 0, or the next number above it, whichever a target may be."""
    return float(np.finfo(np.float64).tiny) if np.any(domain.outside(np.zeros(1))) else 0.0


def _is_linear(loss: Scores) -> bool:
    """Whether the derivative in the score is linear in the target, and not constant."""
    domain: Any = loss.target["domain"]
    if not hasattr(domain, "low"):
        return False
    targets = np.array([_lowest(domain), 0.25, 1.0])
    if np.any(domain.outside(targets)):
        return False
    zero, quarter, one = (
        loss.call("grad", _TRIED, np.full_like(_TRIED, target), reduction="none") for target in targets
    )
    step = one - zero
    scale = np.abs(zero).max() + np.abs(one).max()
    return bool(np.all(step != 0.0) and np.allclose(quarter - zero, 0.25 * step, rtol=0.0, atol=_CLOSE * scale))
