"""Samples, and the point in the space of all predictions that each of them is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from sympy import Interval, S

from symloss.arguments import Prediction, is_class_label
from symloss.declare import Loss
from symloss.verify import tails
from symloss.verify.differentiate import DEEPEST
from symloss.verify.evaluate import MP, Declared, Number
from symloss.verify.limits import far

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sample:
    """The arguments of one sample.

    Attributes
    ----------
    kind : str
        What the sample is for, in words.
    arrays : mapping of str to ndarray
        Predictions, targets and weights, without batch axes.
    parameters : mapping of str to float
        All parameters.
    directions : mapping of str to ndarray
        What the Hessian is multiplied by, for each prediction.
    """

    kind: str
    arrays: Mapping[str, npt.NDArray[Any]]
    parameters: Mapping[str, float] = field(default_factory=dict)
    directions: Mapping[str, Floats] = field(default_factory=dict)

    @property
    def single(self) -> bool:
        """Whether float32 holds every prediction, target and direction exactly."""
        with np.errstate(all="ignore"):
            arrays = [np.asarray(a, np.float64) for a in (*self.arrays.values(), *self.directions.values())]
            return all(np.array_equal(a, a.astype(np.float32), equal_nan=True) for a in arrays)

    def __str__(self) -> str:
        shown = {name: np.asarray(a).tolist() for name, a in self.arrays.items()}
        return ", ".join(f"{name}={value!r}" for name, value in {**shown, **self.parameters}.items())


def ends(domain: Any) -> tuple[float, float]:
    """Return the ends of a domain of real numbers."""
    if domain == S.Reals:
        return -math.inf, math.inf
    return float(domain.inf), float(domain.sup)


def state_of(number: Number, domain: Any) -> str:
    """Return where a number lies: inside, at an end, infinite, outside, nan."""
    low, high = ends(domain)
    if MP.isnan(number):
        return "nan"
    if number < low or number > high:
        return "outside"
    if MP.isinf(number):
        return "infinite"
    if number in (low, high):
        open_end = isinstance(domain, Interval) and (domain.left_open if number == low else domain.right_open)
        return "outside" if open_end else "end"
    return "inside"


class Point:
    """A sample, as a point in the space of all predictions."""

    def __init__(self, loss: Loss, declared: Declared, sample: Sample) -> None:
        self.loss, self.sample = loss, sample
        self._declared = declared
        self._labels = {a.name for a in loss.arguments if is_class_label(a)}
        self.shapes = {name: np.shape(array) for name, array in sample.arrays.items()}
        self.shapes.update(dict.fromkeys(sample.parameters, ()))
        self.owners: list[Prediction] = []
        self.x: list[Number] = []
        for p in loss.predictions:
            entries = numbers_of(sample.arrays[p.name])
            self.x += entries
            self.owners += [p] * len(entries)
        fixed = {name: numbers_of(a) for name, a in sample.arrays.items()}
        self._fixed = fixed | {name: numbers_of(value) for name, value in sample.parameters.items()}
        self.direction = [v for p in loss.predictions for v in numbers_of(sample.directions.get(p.name, ()))]
        self._tiny: list[Number | None] = [None] * len(self.x)

    def at(self, x: Sequence[Number]) -> Point:
        """Return the same sample with other predictions."""
        point = copy(self)
        point.x = list(x)
        return point

    def moved(self, name: str, position: int, number: Number) -> Point:
        """Return the point with one number replaced: of an argument, or of the direction, called ``v NAME``."""
        point = copy(self)
        point.x, point.direction = list(self.x), list(self.direction)
        start = 0
        for p in self.loss.predictions:
            if name == p.name:
                point.x[start + position] = number
                return point
            if name == f"v {p.name}":
                point.direction[start + position] = number
                return point
            start += len(self._fixed[p.name])
        point._fixed = dict(self._fixed)
        point._fixed[name] = [number if i == position else a for i, a in enumerate(self._fixed[name])]
        return point

    def arrays(self, x: Sequence[Number]) -> dict[str, Sequence[Number]]:
        """Return all arguments with the predictions replaced."""
        arrays: dict[str, Sequence[Number]] = dict(self._fixed)
        start = 0
        for p in self.loss.predictions:
            stop = start + len(arrays[p.name])
            arrays[p.name] = x[start:stop]
            start = stop
        return arrays

    def start(self, x: Sequence[Number]) -> Number:
        """Return the loss at a base point."""
        return self._declared.start(self.arrays(x), self.shapes)

    def near(self, x: Sequence[Number]) -> Number:
        """Return the loss near the base point."""
        return self._declared.near(self.arrays(x), self.shapes)

    def states(self) -> list[str]:
        """Return where each entry lies: inside, at an end, infinite, outside, nan."""
        return [state_of(a, p.domain) for a, p in zip(self.x, self.owners, strict=True)]

    def _others(self) -> list[Number]:
        """Return all real numbers of the sample."""
        without = self._labels | {p.name for p in self.loss.predictions}
        return [v for name, entries in self._fixed.items() if name not in without for v in entries]

    def scales(self) -> list[Number]:
        """Return how far each entry is from the next number that may be an end or a kink."""
        marks = [MP.zero, MP.one, *(abs(a) for a in self._others()), *(abs(a) for a in self.x)]
        scales = []
        for i, (a, p) in enumerate(zip(self.x, self.owners, strict=True)):
            gaps = [abs(abs(a) - mark) for mark in [*marks, *map(abs, ends(p.domain))] if MP.isfinite(mark)]
            near = min((gap for gap in gaps if gap != 0), default=MP.one)
            fixed = self._tiny[i]
            scales.append(min(MP.one, near) if fixed is None else min(fixed, MP.one, near))
        return scales

    def smallest(self) -> float:
        """Return the least magnitude that is not 0, or 1."""
        sizes = [abs(a) for a in [*self.x, *self._others()] if a != 0 and MP.isfinite(a)]
        return min([MP.one, *sizes])

    def largest(self) -> Number:
        """Return the largest magnitude that is finite, or 0."""
        return max((abs(a) for a in [*self.x, *self._others()] if MP.isfinite(a)), default=MP.zero)

    def depth(self) -> int:
        """Return how many digits it takes until nothing that is not 0 is hidden by rounding."""
        usual = min(MP.mpf(DEEPEST), 160 + 2 * self.largest() - 4 * MP.log10(self.smallest()))
        return int(min(MP.mpf(10) ** 9, usual + tails.digits(self.loss.expr, self.largest())))

    def far(self) -> list[Number]:
        """Return how far out an infinite argument is taken; squares of it, where it is squared in an exponent."""
        out = far(self.largest(), self.smallest())
        return [MP.sqrt(distance) for distance in out] if tails.has_tails(self.loss.expr) else out

    def finite(self) -> Point:
        """Return the point with what is infinite as far out as limits start."""
        step = self.far()[0]
        return self.at([MP.sign(a) * step if MP.isinf(a) else a for a in self.x])

    def as_sample(self) -> Sample:
        """Return the sample that this point is, in floats."""
        arrays, start = dict(self.sample.arrays), 0
        for p in self.loss.predictions:
            stop = start + len(self._fixed[p.name])
            arrays[p.name] = np.array([float(a) for a in self.x[start:stop]]).reshape(self.shapes[p.name])
            start = stop
        return Sample(self.sample.kind, arrays, self.sample.parameters, self.sample.directions)

    def nearing(self, steps: Sequence[Number], skew: int = 0) -> list[Point]:
        """Return points at which the entries at an end are those steps inside, or that far out.

        With ``skew`` 1 every further infinite entry is 10 times further out than the one before, with -1 closer.
        """
        return [self._nearing(step, skew) for step in steps]

    def _nearing(self, step: Number, skew: int) -> Point:
        moved, tiny, out = [], [], 0 if skew >= 0 else 1 - self.states().count("infinite")
        with MP.workdps(max(60, 60 + 2 * abs(int(MP.log10(step))))):
            for a, p, state in zip(self.x, self.owners, self.states(), strict=True):
                at_low = a == ends(p.domain)[0]
                if state == "end":
                    moved.append(a + step if at_low else a - step)
                elif state == "infinite":
                    moved.append((-step if at_low or a < 0 else step) * MP.mpf(10) ** (skew * out))
                    out += 1
                else:
                    moved.append(a)
                tiny.append(step if state == "end" else None)
        point = self.at(moved)
        point._tiny = tiny
        return point


def numbers_of(array: Any) -> list[Number]:
    """Return the entries, exactly, in C order."""
    return [MP.mpf(v) for v in np.asarray(array).ravel().tolist()]
