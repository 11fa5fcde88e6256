"""What the stand-ins have to return, in NumPy and float64, one sample at a time."""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from . import labelled, scalar, several

Arrays = list[np.ndarray]


@dataclass(frozen=True)
class Case:
    """A stand-in, arguments for it, and the reference.

    ``make(rng, batch, dtype)`` returns the array arguments; ``sample(*arguments, *directions)`` returns loss,
    normalizer, gradients, Hessian diagonals and Hessian-vector products of one sample.
    """

    module: ModuleType
    make: Callable[..., Arrays]
    sample: Callable[..., tuple[float, float, Arrays, Arrays, Arrays]]
    predictions: int
    shared: int = 0
    keywords: tuple[tuple[str, float], ...] = ()


def _make_scalar(rng: np.random.Generator, batch: tuple[int, ...], dtype: Any) -> Arrays:
    return [np.asarray(rng.normal(size=batch), dtype), np.asarray(rng.random(batch), dtype)]


def _scalar(z: Any, y: Any, v: Any) -> Any:
    d, a = z - y, 2.5
    return a * d**3, 1.0, [3 * a * d**2], [6 * a * d], [6 * a * d * v]


def _make_labelled(rng: np.random.Generator, batch: tuple[int, ...], dtype: Any) -> Arrays:
    z = np.asarray(rng.normal(size=(*batch, 5)), dtype)
    return [z, np.asarray(rng.integers(0, 5, batch)), rng.random(5)]


def _labelled(z: Any, label: Any, class_weight: Any, v: Any) -> Any:
    w, total = class_weight[label], z.sum()
    unit = np.arange(z.size) == label
    hess = np.full(z.shape, 2 * w)
    return w * (total**2 - z[label]), w, [w * (2 * total - unit)], [hess], [w * 2 * v.sum() + 0 * z]


def _make_several(rng: np.random.Generator, batch: tuple[int, ...], dtype: Any) -> Arrays:
    shapes = [(*batch, 3), (*batch, 2), batch, (*batch, 3)]
    arrays = [np.asarray(rng.normal(size=shape), dtype) for shape in shapes]
    return [*arrays, np.asarray(rng.integers(0, 2, batch), bool)]


def _several(x: Any, mu: Any, s: Any, t: Any, on: Any, v_x: Any, v_mu: Any, v_s: Any) -> Any:
    grads = [on * 2 * x * t, on * s + 0 * mu, on * mu.sum()]
    hesses = [on * 2 * t, 0 * mu, 0.0]
    products = [on * 2 * t * v_x, on * v_s + 0 * mu, on * v_mu.sum()]
    return on * ((x * x * t).sum() + s * mu.sum()), 1.0, grads, hesses, products


CASES = {
    "scalar": Case(scalar, _make_scalar, _scalar, 1, keywords=(("curvature", 2.5),)),
    "labelled": Case(labelled, _make_labelled, _labelled, 1, shared=1),
    "several": Case(several, _make_several, _several, 3),
}


@dataclass(frozen=True)
class Expected:
    """The results of one batch, per sample."""

    losses: np.ndarray
    normalizers: np.ndarray
    grads: Arrays
    hesses: Arrays
    products: Arrays

    def scale(self, weight: np.ndarray, reduction: str) -> float:
        """Return what weighted losses and derivatives are multiplied by."""
        if reduction == "mean":
            return 1.0 / weight.size if weight.size else np.nan
        if reduction == "weighted_mean":
            total = float((weight * self.normalizers).sum())
            return 1.0 / total if total else np.nan
        return 1.0

    def value(self, weight: np.ndarray, reduction: str) -> Any:
        """Return the loss."""
        if reduction == "none":
            return weight * self.losses
        return (weight * self.losses).sum() * self.scale(weight, reduction)

    def reduced(self, arrays: Arrays, weight: np.ndarray, reduction: str) -> Arrays:
        """Return derivatives of the reduced loss, of those of the samples."""
        scale = self.scale(weight, reduction)
        return [scale * a * weight.reshape(weight.shape + (1,) * (a.ndim - weight.ndim)) for a in arrays]


def expect(case: Case, arguments: Arrays, directions: Arrays, batch: tuple[int, ...]) -> Expected:
    """Compute what a call has to return."""
    varying = [np.asarray(a) for a in (*arguments[: len(arguments) - case.shared], *directions)]
    varying = [a.astype(np.int64 if a.dtype.kind in "iu" else np.float64) for a in varying]
    shared = [np.asarray(a, np.float64) for a in arguments[len(arguments) - case.shared :]]
    split = len(varying) - len(directions)
    losses, normalizers = np.zeros(batch), np.zeros(batch)
    groups = [[np.zeros(np.shape(a)) for a in arguments[: case.predictions]] for _ in range(3)]
    for index in np.ndindex(*batch):
        one = [a[index] for a in varying]
        loss, normalizer, *derivatives = case.sample(*one[:split], *shared, *one[split:])
        losses[index], normalizers[index] = loss, normalizer
        for group, values in zip(groups, derivatives, strict=True):
            for array, value in zip(group, values, strict=True):
                array[index] = value
    return Expected(losses, normalizers, *groups)
