"""The search for the inputs at which kernels are most wrong.

Inputs are drawn over bit patterns, not over numbers: as many of every magnitude, then around everything where a kernel
may change its mind, then uphill from the worst that were found, over neighbours on the line of floats.
"""

from __future__ import annotations

import ast
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sympy import FiniteSet, Interval

from symloss.arguments import Argument, Parameter, Target, Weight, is_class_label, label_bounds
from symloss.declare import Loss
from symloss.reductions import Dim
from symloss.verify.oracle import Entry, Exact, Oracle, is_normal, ulps
from symloss.verify.point import Sample, ends
from symloss.verify.sampling import parameter_settings

_WEIGHTS = 4
OUTPUTS = ("value", "gradient", "hessian")
Floats = npt.NDArray[Any]
Evaluate = Callable[[Sequence[Sample]], Sequence[Sequence[Any]]]  # of each sample: value, gradients, Hessian diagonal
_LARGEST_ROW, _LONG, _LOOKED_AT = 1000, 40, 5  # entries of a long row at which derivatives are judged
_MARKS = (
    0.0, 0.25, 0.5, 1.0, 2.0, math.log(2), 10.0, 14.0, 16.6, 18.0, 20.0, 33.3, 36.04, 36.74, 37.0,  # saturation
    87.33654475055310, 88.72283905206835, 95.0, 103.27892990343184, 103.97207708399179,  # limits of exp in float32
    708.3964185322641, 709.782712893384, 720.0, 735.0, 744.4400719213812, 745.1332191019411,  # and in float64
)  # fmt: skip


@dataclass
class Worst:
    """The largest error of one output in one precision.

    Attributes
    ----------
    ulp, of_terms : float
        Largest error in units in the last place of the exact result, and of the largest term that it is the sum of
        (see `Oracle.largest_terms`); over results that are normal floats.
    subnormal : float
        Largest error of a subnormal result, in the smallest subnormal.
    sample, sample_of_terms : Sample or None
        Where.
    """

    ulp: float = 0.0
    of_terms: float = 0.0
    subnormal: float = 0.0
    sample: Sample | None = None
    sample_of_terms: Sample | None = None


@dataclass
class Tally:
    """What a search found for one precision.

    Attributes
    ----------
    worst : dict of str to Worst
        For each of `OUTPUTS`.
    tried, special : int
        Number of inputs judged, and of those at which there is nothing to judge.
    """

    dtype: str
    worst: dict[str, Worst] = field(default_factory=lambda: {output: Worst() for output in OUTPUTS})
    tried: int = 0
    special: int = 0


def has_soft_values(target: Argument) -> bool:
    """Whether a target may be anything between two ends, of which a label takes one or the other."""
    domain = target.domain
    return isinstance(domain, Interval) and bool(domain.start.is_finite and domain.end.is_finite)


class Hunt:
    """Searches one loss in one precision.

    Parameters
    ----------
    loss : Loss
        The declaration.
    evaluate : callable
        Returns the results of samples of one shape and one setting.
    dtype : str
        Of predictions and results.
    marks : iterable of float
        Numbers around which to look, beside the usual ones.
    hard : bool
        Whether targets that a sample may fully have, or not, are only taken at the ends of their domain.
    """

    def __init__(
        self, loss: Loss, evaluate: Evaluate, dtype: str, marks: Iterable[float] = (), hard: bool = True
    ) -> None:
        self._loss, self._evaluate, self._type = loss, evaluate, np.dtype(dtype).type
        self._oracle, self._rng = Oracle(loss), np.random.default_rng([7, *loss.name.encode()])
        self._marks = sorted({abs(m) for m in (*_MARKS, *marks)})
        self._hard = hard
        self.tally = Tally(np.dtype(dtype).name)
        self._best: dict[str, list[tuple[float, Sample]]] = {}

    def run(self, count: int) -> Tally:
        """Judge about so many inputs for each setting of parameters and targets."""
        for setting in self._settings():
            for sizes in self._sizes():
                self._best = {output: [] for output in OUTPUTS}
                long = max(sizes.values(), default=1) > _LONG
                some = count // (50 if long else 5 if sizes else 1)
                self._judge([self._draw(setting, sizes, number) for number in range(some)])
                if not sizes:
                    self._judge(list(self._at_marks(setting)))
                for _ in range(2 if long else 12):
                    self._judge(self._uphill(1 if long else max(4, some // 60)))
        return self.tally

    # -- inputs ----------------------------------------------------------------------------------

    def _settings(self) -> Iterator[dict[str, float]]:
        yield from itertools.islice(parameter_settings(self._loss), 6)

    def _sizes(self) -> list[dict[Dim, int]]:
        if not self._loss.dims:
            return [{}]
        if len(self._loss.dims) > 1 or self._loss.sets:
            return [{dim: n + i for i, dim in enumerate(self._loss.dims)} for n in (1, 3)]
        return [dict.fromkeys(self._loss.dims, n) for n in (2, 3, 10, _LARGEST_ROW)]

    def _draw(self, setting: dict[str, float], sizes: dict[Dim, int], number: int) -> Sample:
        arrays: dict[str, Any] = {}
        for a in self._loss.arguments:
            if not isinstance(a, Parameter):
                shape = tuple(sizes[d] for d in a.dims)
                arrays[a.name] = self._argument(a, shape, number, arrays)
        return Sample("search", arrays, setting)

    def _at_marks(self, setting: dict[str, float]) -> Iterator[Sample]:
        """Yield every mark and what is next to it, as the first prediction, with other arguments at random."""
        first = self._loss.predictions[0]
        low, high = _ends(first.domain, self._type)
        for number, (mark, sign) in enumerate(itertools.product(self._marks, (1.0, -1.0))):
            for step in (-1, 0, 1, int(self._rng.integers(-64, 65))):
                sample = self._draw(setting, {}, number)
                x = float(_stepped(sign * mark, step, self._type))
                if low <= x <= high:
                    yield Sample(sample.kind, {**sample.arrays, first.name: np.asarray(x)}, setting)

    def _argument(self, a: Argument, shape: tuple[int, ...], number: int, earlier: dict[str, Any]) -> Floats:
        n = math.prod(shape)
        if is_class_label(a):
            return self._rng.integers(*self._labels(a, earlier), shape)
        if isinstance(a.domain, FiniteSet):
            return self._rng.choice([float(v) for v in a.domain], shape)
        low, high = _ends(a.domain, self._type)
        if isinstance(a, Weight):  # one of a few rows, as a batch shares it
            few = np.random.default_rng([number % _WEIGHTS, n])
            return np.exp2(few.uniform(-6, 6, n)).astype(self._type).astype(np.float64).reshape(shape)
        if isinstance(a, Target) and self._hard and has_soft_values(a):
            one_hot = np.full(n, low)
            one_hot[self._rng.integers(n)] = high if n > 1 else self._rng.choice([low, high])
            return one_hot.reshape(shape)
        if isinstance(a, Target) and number % 4 == 0:
            like = [e for e in earlier.values() if np.shape(e) == shape]
            if like and low <= np.min(like[0]) and np.max(like[0]) <= high:  # nearly equal
                near = _stepped(like[0], self._rng.integers(-3, 4, shape), self._type)
                return np.asarray(np.clip(near, low, high), np.float64)
        row = self._numbers(n, number, low, high)
        return np.asarray(np.clip(row, low, high).astype(self._type), np.float64).reshape(shape)

    def _labels(self, label: Argument, earlier: dict[str, Any]) -> tuple[int, int]:
        """Return the bounds of a class label, for arrays that are drawn already."""
        sizes = {
            d: n
            for a in self._loss.arguments
            if a.name in earlier
            for d, n in zip(a.dims, np.shape(earlier[a.name]), strict=True)
        }
        start, stop = (int(end.xreplace(sizes)) for end in label_bounds(label))
        return start, stop

    def _numbers(self, n: int, number: int, low: float, high: float) -> Floats:
        """Return numbers drawn in one of several ways."""
        rng, bounded = self._rng, math.isfinite(low) and math.isfinite(high)
        way = number % 6
        if way == 0:
            return self._patterns(n, low, high)
        if way == 1:
            near = rng.choice(self._marks, n) * rng.choice([-1.0, 1.0], n)
            return np.asarray(_stepped(near, rng.integers(-64, 65, n), self._type))
        if bounded:
            inward = np.exp2(-rng.uniform(0, 60, n)) * (high - low)
            return low + (high - low) * rng.random(n) if way < 4 else np.where(way == 4, low + inward, high - inward)
        scale = (1.0, 5.0, 40.0, 750.0)[way - 2]
        row = rng.uniform(-scale, scale, n)
        if n > 1 and number % 12 >= 6:  # one stands out
            row = rng.uniform(-1, 1, n) * rng.choice([0.0, 1.0, 10.0])
            row[rng.integers(n)] += rng.uniform(-1, 1) * rng.choice([3.0, 40.0, 700.0])
        return np.abs(row) if low >= 0 else row

    def _patterns(self, n: int, low: float, high: float) -> Floats:
        """Return floats of all magnitudes, each as often."""
        info = np.finfo(self._type)
        exponents = self._rng.integers(int(info.minexp) - int(info.nmant), int(info.maxexp), n)
        numbers = np.ldexp(self._rng.uniform(1, 2, n), exponents)
        if math.isfinite(high) and math.isfinite(low):
            numbers = np.ldexp(self._rng.uniform(1, 2, n), -(np.abs(exponents) % 150) - 1)
        return np.where(self._rng.random(n) < 0.5, -numbers, numbers) if low < 0 else numbers

    def _uphill(self, count: int) -> list[Sample]:
        """Return neighbours of the worst inputs so far."""
        moved = []
        for best in self._best.values():
            for _, sample in best[:count]:
                moved += [self._neighbour(sample) for _ in range(3)]
        return moved

    def _neighbour(self, sample: Sample) -> Sample:
        arrays = dict(sample.arrays)
        choices = [a for a in self._loss.arguments if a.name in arrays and self._is_free(a)]
        a = choices[self._rng.integers(len(choices))]
        row = np.array(arrays[a.name], np.float64)
        place = np.unravel_index(self._rng.integers(row.size), row.shape)
        step = int(2 ** self._rng.integers(0, 3 * np.finfo(self._type).nmant // 4)) * int(self._rng.choice([-1, 1]))
        low, high = _ends(a.domain, self._type)
        row[place] = min(max(float(_stepped(row[place], step, self._type)), low), high)
        arrays[a.name] = row
        return Sample(sample.kind, arrays, sample.parameters)

    def _is_free(self, a: Argument) -> bool:
        if is_class_label(a) or isinstance(a, Weight) or isinstance(a.domain, FiniteSet):
            return False
        return not (self._hard and isinstance(a, Target) and all(map(math.isfinite, _ends(a.domain, self._type))))

    # -- judging ---------------------------------------------------------------------------------

    def _judge(self, samples: list[Sample]) -> None:
        groups: dict[Any, list[Sample]] = {}
        weights = [w.name for w in self._loss.of_role(Weight)]
        for sample in samples:
            groups.setdefault(tuple(sample.arrays[w].tobytes() for w in weights), []).append(sample)
        for group in groups.values():
            for sample, results in zip(group, self._evaluate(group), strict=True):
                self._judge_one(sample, results)
        for best in self._best.values():
            best.sort(key=lambda pair: -pair[0])
            del best[200:]

    def _judge_one(self, sample: Sample, results: Sequence[Any]) -> None:
        entries = self._oracle.entries(sample)
        places: Iterable[int] = range(len(entries))
        if len(entries) > _LONG:
            row = np.ravel(sample.arrays[entries[0].name])
            labels = [int(v) for name, v in sample.arrays.items() if np.ndim(v) == 0 and v < len(entries)]
            places = dict.fromkeys(
                [int(np.argmax(row)), *labels, *self._rng.integers(0, len(entries), _LOOKED_AT).tolist()]
            )
        self.tally.tried += 1
        for number, place in enumerate(places):
            exact = self._oracle.series(sample, entries[place])
            if exact is None:
                self.tally.special += 1
                return
            got = (results[0], *(None if part is None else part[place] for part in results[1:]))
            for output, g, e in list(zip(OUTPUTS, got, exact, strict=True))[0 if number == 0 else 1 :]:
                if g is not None:
                    self._record(output, float(g), e, sample, entries[place])

    def _record(self, output: str, got: float, exact: Exact, sample: Sample, entry: Entry) -> None:
        worst = self.tally.worst[output]
        error = ulps(got, exact, self._type)
        best = self._best[output]
        if not is_normal(exact, self._type):
            if error > worst.subnormal and self._terms(output, sample, entry) < float(np.finfo(self._type).tiny):
                worst.subnormal = error
            return
        if error > 0.5:
            best.append((error, sample))
        if error > worst.ulp:
            worst.ulp, worst.sample = error, sample
        if error > worst.of_terms:
            size = self._terms(output, sample, entry)
            relative = error * _binade(float(abs(exact))) / _binade(size) if 0 < size < math.inf else error
            if relative > worst.of_terms:
                worst.of_terms, worst.sample_of_terms = relative, sample

    def _terms(self, output: str, sample: Sample, entry: Entry) -> float:
        """Return the size of what the exact number is the sum of."""
        sizes = self._oracle.largest_terms(sample, entry)
        return 0.0 if sizes is None else sizes[OUTPUTS.index(output)]


def _ends(domain: Any, dtype: Any) -> tuple[float, float]:
    """Return the least and the greatest number of a domain, those of an open one being next to its ends."""
    low, high = ends(domain)
    if isinstance(domain, Interval) and domain.left_open and math.isfinite(low):
        low = float(_stepped(low, 1, dtype))
    if isinstance(domain, Interval) and domain.right_open and math.isfinite(high):
        high = float(_stepped(high, -1, dtype))
    return low, high


def _binade(x: float) -> float:
    """Return the largest power of two below: units in the last place are in proportion to it."""
    return math.ldexp(1.0, math.frexp(x)[1] - 1)


def _stepped(x: Any, steps: Any, dtype: Any) -> Any:
    """Return the floats that are so many steps away on the line of floats."""
    integer = np.int64 if dtype is np.float64 else np.int32
    with np.errstate(over="ignore"):
        start = np.asarray(x, dtype)
    ordinals = start.view(integer).astype(np.int64)
    least = np.int64(np.iinfo(integer).min)  # the pattern of -0.0
    line = np.where(ordinals < 0, least - ordinals, ordinals) + np.asarray(steps, np.int64)
    top = np.asarray(np.finfo(dtype).max, dtype).view(integer).astype(np.int64)
    line = np.clip(line, -top, top)
    with np.errstate(over="ignore"):  # of the branch that is not taken
        patterns = np.where(line < 0, least - line, line)
    return patterns.astype(integer).view(dtype).astype(np.float64)


def constants_compared(*files: Path) -> set[float]:
    """Return the numbers that a source compares something with: where it branches."""
    found: set[float] = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Compare):
                sides = [node.left, *node.comparators]
                found |= {float(s.value) for s in sides if isinstance(s, ast.Constant) and isinstance(s.value, float)}
    return found
