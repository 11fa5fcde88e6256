"""Calls generated modules with samples, and takes their results apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from symloss.arguments import Weight, is_class_label
from symloss.declare import Loss
from symloss.verify.point import Sample

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Results:
    """What the kernels returned for one sample, derivatives flat over all predictions."""

    value: float
    gradient: tuple[float, ...]
    hessian: tuple[float, ...]
    product: tuple[float, ...]


@contextmanager
def own_kernels(module: ModuleType) -> Iterator[None]:
    """Let a module call its own kernels also where it leaves a special case to those of another one."""
    driver: Any = getattr(module, "_DRIVER", None)
    if not hasattr(driver, "alone"):
        yield
        return
    before, driver.alone = driver.alone, True
    try:
        yield
    finally:
        driver.alone = before


class Kernels:
    """The functions of one generated module, for one precision.

    Parameters
    ----------
    loss : Loss
        Its declaration, for the order and the roles of the arguments.
    module : module
        With ``value``, ``value_and_grad``, ...
    dtype : dtype
        Of the predictions.
    """

    def __init__(self, loss: Loss, module: ModuleType, dtype: Any) -> None:
        self.loss, self.module, self.dtype = loss, module, np.dtype(dtype)
        self.arguments = [a for a in loss.arguments if a not in loss.parameters]
        self.shared = {a.name for a in loss.of_role(Weight)}
        self.labels = {a.name for a in loss.arguments if is_class_label(a)}

    def results(self, samples: Sequence[Sample]) -> list[Results]:
        """Return the results of samples that can be one batch (see `batches`), with reduction "none"."""
        if self.loss.sets:
            return [self._set_results(sample) for sample in samples]
        given, keywords = self.batch(samples), dict(samples[0].parameters)
        value, grad = self.call("value_and_grad", given, reduction="none", **keywords)
        _, hess = self.call("grad_and_hess", given, reduction="none", **keywords)
        product = self.call("hvp", given, v=self.directions(samples), reduction="none", **keywords)
        derivatives = [self.rows(part, len(samples)) for part in (grad, hess, product)]
        return [Results(float(v), *parts) for v, *parts in zip(value, *derivatives, strict=True)]

    def _set_results(self, sample: Sample) -> Results:
        given, keywords = self.single(sample), dict(sample.parameters)
        value, grad = self.call("value_and_grad", given, **keywords)
        _, hess = self.call("grad_and_hess", given, **keywords)
        product = self.call("hvp", given, v=self.direction(sample), **keywords)
        grads, hesses, products = (self.rows(self.lead(part), 1)[0] for part in (grad, hess, product))
        return Results(float(value), grads, hesses, products)

    def call(self, function: str, given: Sequence[Array], **keywords: Any) -> Any:
        """Call a function of the module."""
        with own_kernels(self.module):
            return getattr(self.module, function)(*given, **keywords)

    def convert(self, name: str, array: Any) -> Array:
        """Return an argument as it is given to the kernels: weights stay float64."""
        if name in self.labels:
            return np.asarray(array, np.int64)
        return np.asarray(array, np.float64 if name in self.shared else self.dtype)

    def batch(self, samples: Sequence[Sample]) -> list[Array]:
        """Return the arguments of a batch."""
        return [
            self.convert(a.name, samples[0].arrays[a.name])
            if a.name in self.shared
            else self.convert(a.name, np.stack([s.arrays[a.name] for s in samples]))
            for a in self.arguments
        ]

    def single(self, sample: Sample) -> list[Array]:
        """Return the arguments of one sample, without batch axes."""
        return [self.convert(a.name, sample.arrays[a.name]) for a in self.arguments]

    def directions(self, samples: Sequence[Sample]) -> Any:
        """Return ``v`` for a batch."""
        return self.pack([np.stack([s.directions[p.name] for s in samples]) for p in self.loss.predictions])

    def direction(self, sample: Sample) -> Any:
        """Return ``v`` for one sample."""
        return self.pack([sample.directions[p.name] for p in self.loss.predictions])

    def pack(self, arrays: Sequence[Any]) -> Any:
        """Return one array alone, several as a tuple."""
        converted = tuple(np.asarray(a, self.dtype) for a in arrays)
        return converted[0] if len(converted) == 1 else converted

    def lead(self, parts: Any) -> Any:
        """Return derivatives of one sample with a batch axis."""
        return tuple(np.asarray(part)[None] for part in as_tuple(parts))

    def rows(self, parts: Any, count: int) -> list[tuple[float, ...]]:
        """Return the derivatives of each sample, flat."""
        flat = [np.asarray(part).reshape(count, -1) for part in as_tuple(parts)]
        joined = np.concatenate(flat, axis=1)
        return [tuple(row.tolist()) for row in joined]


def as_tuple(parts: Any) -> tuple[Any, ...]:
    """Return a derivative as a tuple, also where there is one prediction."""
    return parts if isinstance(parts, tuple) else (parts,)


def batches(loss: Loss, samples: Iterable[Sample]) -> list[list[Sample]]:
    """Group samples that differ in nothing that a batch shares."""
    shared = [a.name for a in loss.of_role(Weight)]

    def key(sample: Sample) -> Any:
        shapes = tuple((name, np.shape(a)) for name, a in sample.arrays.items())
        weights = tuple(sample.arrays[name].tobytes() for name in shared)
        return shapes, weights, tuple(sorted(sample.parameters.items()))

    groups: dict[Any, list[Sample]] = {}
    for sample in samples:
        groups.setdefault(key(sample), []).append(sample)
    return list(groups.values())


def same_bits(a: Any, b: Any) -> bool:
    """Whether two results agree to the bit; NaN equals NaN, and 0 differs from -0."""
    left, right = ([np.asarray(part) for part in flat(result)] for result in (a, b))
    return len(left) == len(right) and all(_same(x, y) for x, y in zip(left, right, strict=True))


def flat(result: Any) -> list[Any]:
    """Return nested tuples as a list."""
    return [item for part in result for item in flat(part)] if isinstance(result, tuple) else [result]


def _same(a: Array, b: Array) -> bool:
    same = a.shape == b.shape and a.dtype == b.dtype
    return same and bool(np.all(((a == b) & (np.signbit(a) == np.signbit(b))) | ((a != a) & (b != b))))


Apply = Callable[[Array], Array]
