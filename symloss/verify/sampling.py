"""Samples that tempt a kernel to overflow, to cancel or to divide by zero: the same ones on every run."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sympy import FiniteSet, Interval

from symloss.arguments import Argument, Prediction, Target, Weight, is_class_label, label_bounds
from symloss.declare import Loss
from symloss.reductions import Dim
from symloss.verify.point import Sample, ends

Floats = npt.NDArray[np.float64]
Random = np.random.Generator

_SUBNORMAL, _SUBNORMAL32 = 5e-324, 2.0**-149
_SATURATED = (17.0, -17.0, 40.0, -40.0, 100.0, -100.0, 800.0, -800.0, 1000.0, -1000.0)
_ALONE = ("infinite", "minus infinite", "nan")
_SIZES = ((3,), (2,), (5,), (1,)), ((2, 2), (3, 1), (1, 2), (1, 1))  # lengths of the axes: of one, of several


def samples(loss: Loss, count: int | None = None, seed: int = 0) -> list[Sample]:
    """Return the samples of a loss.

    Parameters
    ----------
    loss : Loss
        Whose arguments are drawn, according to their roles and domains.
    count : int, optional
        Number of additional random samples.
    seed : int
        Of all that is random.
    """
    rng = np.random.default_rng([seed, *loss.name.encode()])
    settings = list(parameter_settings(loss))
    drawn = [*_extremes(loss, settings, rng), *_random(loss, settings, 12 if count is None else count, rng)]
    return [_directed(loss, sample, rng) for sample in drawn]


def moderate(loss: Loss, number: int, sizes: Mapping[Dim, int] | None = None, seed: int = 1) -> list[Sample]:
    """Return samples without anything extreme, with one setting of parameters and shared weights."""
    rng = np.random.default_rng([seed, *loss.name.encode()])
    lengths = dict.fromkeys(loss.dims, 3) | dict(sizes or {})
    shared = {a.name: _weights(_shape(a, lengths), 1) for a in loss.of_role(Weight)}
    settings = next(iter(parameter_settings(loss)))
    return [
        _directed(loss, Sample("moderate", _draw(loss, lengths, rng, True) | shared, settings), rng)
        for _ in range(number)
    ]


def parameter_settings(loss: Loss) -> Iterator[dict[str, float]]:
    """Yield the default, then every parameter alone at other values of its domain, its ends included."""
    default = {p.name: float(p.default) for p in loss.parameters}
    yield default
    for p in loss.parameters:
        low, high = ends(p.domain)
        for value in (low, high, 0.5, 1.0, 1.5, 3.0, 0.1):
            inside = math.isfinite(value) and p.domain.contains(_exact(value)) == True  # noqa: E712 - may be symbolic
            if inside and value != default[p.name]:
                yield default | {p.name: value}


def _exact(value: float) -> Any:
    import sympy

    return sympy.Rational(*value.as_integer_ratio())


def _extremes(loss: Loss, settings: Sequence[dict[str, float]], rng: Random) -> Iterator[Sample]:
    scalar = not any(a.dims for a in (*loss.predictions, *loss.of_role(Target)))
    draw = _scalar_extremes if scalar else _row_extremes
    yield from draw(loss, settings[0], rng, 1)
    for setting in settings[1:]:
        yield from draw(loss, setting, rng, 7)


def _scalar_extremes(loss: Loss, setting: dict[str, float], rng: Random, thin: int) -> Iterator[Sample]:
    """Yield every special prediction, with several special targets."""
    targets = loss.of_role(Target)
    pools = [list(special_numbers(a)) for a in loss.predictions]
    others = list(itertools.product(*(special_targets(t) for t in targets)))
    step = max(1, len(others) // 5) if thin == 1 else max(1, len(others) // 2)
    for i, values in enumerate(itertools.product(*pools)):
        for fixed in others[i % step :: step]:
            arrays = {p.name: np.asarray(v) for p, v in zip(loss.predictions, values, strict=True)}
            arrays |= {t.name: np.asarray(v) for t, v in zip(targets, fixed, strict=True)}
            yield Sample("extreme", arrays, setting)
    for p, t in itertools.product(loss.predictions, targets):
        if not isinstance(t.domain, FiniteSet) and thin == 1:
            for value in special_targets(t):  # exact ties
                if ends(p.domain)[0] <= value <= ends(p.domain)[1]:
                    yield Sample("tie", {a.name: np.asarray(value) for a in (*loss.predictions, *targets)}, setting)


def special_numbers(argument: Argument) -> Iterator[float]:
    """Yield numbers at which something may go wrong, NaN and numbers outside of the domain included."""
    low, high = ends(argument.domain)
    if isinstance(argument.domain, FiniteSet):
        yield from (float(v) for v in argument.domain)
    elif math.isinf(low) and math.isinf(high):
        yield from (0.0, -0.0, 0.3, -2.5, 1.0, -1.0, 1e-8, -(2.0**-30), _SUBNORMAL32, -_SUBNORMAL, *_SATURATED, -745.2)
        yield from (math.inf, -math.inf)
    else:
        for end, inward in ((low, 1.0), (high, -1.0)):
            if math.isfinite(end):
                yield from (end, end + inward * 0.25, end + inward * 2.0**-24, end + inward * 2.0**-53)
                yield from (_SUBNORMAL, _SUBNORMAL32, 1e-300, float(np.float32(1e-30))) if end == 0 else ()
                yield end - inward * 0.5  # outside
            else:
                yield from (-inward * 3.0, -inward * 1000.0)
    yield math.nan


def special_targets(argument: Argument) -> list[float]:
    """Return special numbers inside of the domain."""
    if isinstance(argument.domain, FiniteSet):
        return [float(v) for v in argument.domain]
    low, high = ends(argument.domain)
    if math.isinf(low) and math.isinf(high):
        return [0.0, 0.3, -2.5, 1.0, 1000.0, _SUBNORMAL32]
    inside = [v for v in special_numbers(argument) if math.isfinite(v) and argument.domain.contains(_exact(v))]
    ends_and_middle = [
        v for v in (high, 0.5 * (low + high)) if math.isfinite(v) and argument.domain.contains(_exact(v))
    ]
    return list(dict.fromkeys([*inside[:2], *ends_and_middle, *inside]))


def _row_extremes(loss: Loss, setting: dict[str, float], rng: Random, thin: int) -> Iterator[Sample]:
    """Yield every kind of row for every prediction, with varying targets and sizes."""
    kinds = max(len(_kinds(p)) for p in loss.predictions)
    for number in range(0, 3 * kinds, thin):
        sizes = _lengths(loss, number // kinds + number)
        arrays: dict[str, Any] = {}
        chosen = [
            _kinds(p)[(number + 5 * place * (number // kinds)) % len(_kinds(p))]
            for place, p in enumerate(loss.predictions)
        ]
        alone = next((place for place, kind in enumerate(chosen) if kind in _ALONE), None)
        for place, (p, kind) in enumerate(zip(loss.predictions, chosen, strict=True)):
            if alone is not None and place != alone:  # what is infinite or NaN must not meet what overflows
                kind = _kinds(p)[0]
            arrays[p.name] = _row(kind, p, _shape(p, sizes), rng)
        for t in loss.of_role(Target):
            arrays[t.name] = _target(t, sizes, number + number // kinds, arrays, loss.predictions, rng)
        for w in loss.of_role(Weight):
            arrays[w.name] = _weights(_shape(w, sizes), number)
        yield Sample(", ".join(dict.fromkeys(chosen)), arrays, setting)


def _lengths(loss: Loss, number: int) -> dict[Dim, int]:
    several = len(loss.predictions) > 1
    lengths = _SIZES[several][number % len(_SIZES[several])]
    return {dim: lengths[i % len(lengths)] for i, dim in enumerate(loss.dims)}


def _kinds(argument: Prediction) -> tuple[str, ...]:
    if all(map(math.isinf, ends(argument.domain))):
        return (
            "moderate", "wide", "saturated", "ties", "one confident", "one confident of 1000", "zeros", "tiny",
            "offset", "infinite", "minus infinite", "nan",
        )  # fmt: skip
    return ("shares", "uniform", "one-hot", "ends and inside", "tiny", "near the end", "outside", "nan")


def _row(kind: str, argument: Argument, shape: tuple[int, ...], rng: Random) -> Floats:
    low, high = ends(argument.domain)
    n = math.prod(shape)
    row = _round(rng.normal(size=n) * 2 if math.isinf(low) or math.isinf(high) else rng.random(n), True)
    if math.isfinite(low) or math.isfinite(high):
        return _bounded_row(kind, row, low, high, rng).reshape(shape)
    place = int(rng.integers(n)) if n else 0
    one = {"one confident": 40.0, "one confident of 1000": 1000.0, "infinite": math.inf}
    one |= {"minus infinite": -math.inf, "nan": math.nan}
    if kind in one:
        row[place] = one[kind]
    elif kind == "wide":
        row = _round(row * 20, True)
    elif kind == "saturated":
        row = rng.choice(_SATURATED, n)
    elif kind == "ties":
        row = rng.choice([1.5, 1.5, -2.0], n)
    elif kind == "zeros":
        row = np.zeros(n)
    elif kind == "tiny":
        row = rng.choice([_SUBNORMAL32, -_SUBNORMAL32, 2.0**-100, 2.0**-30], n)
    elif kind == "offset":
        row = 1000 + np.round(row, 1)
    return _round(row, True).reshape(shape)


def _bounded_row(kind: str, row: Floats, low: float, high: float, rng: Random) -> Floats:
    n = row.size
    start, stop = low if math.isfinite(low) else high - 1, high if math.isfinite(high) else low + 1
    inside = _round(start + (stop - start) * (0.02 + 0.96 * row), True)
    place = int(rng.integers(n)) if n else 0
    closed = [end for end in (low, high) if math.isfinite(end)]
    if kind == "shares":
        inside = _round(start + (stop - start) * row / row.sum() if n > 1 else inside, True)
    elif kind == "one-hot":
        inside = np.full(n, closed[0])
        inside[place] = closed[-1]
    elif kind == "ends and inside":
        inside = np.where(rng.random(n) < 0.5, rng.choice(closed, n), inside)
    elif kind == "tiny":
        inside = start + rng.choice([2.0**-100, _SUBNORMAL32, 2.0**-40], n)
    elif kind == "near the end":
        inside[place] = stop - 2.0**-24 * (stop - start)
    elif kind == "outside":
        inside[place] = start - 0.5 if math.isfinite(low) else stop + 0.5
    elif kind == "nan":
        inside[place] = math.nan
    return inside


def _target(
    target: Target,
    sizes: Mapping[Dim, int],
    number: int,
    arrays: Mapping[str, Floats],
    predictions: Sequence[Prediction],
    rng: Random,
) -> Any:
    shape = _shape(target, sizes)
    n = math.prod(shape)
    if is_class_label(target):
        start, stop = (int(end.xreplace({d: sizes[d] for d in target_dims(end)})) for end in label_bounds(target))
        return np.asarray(start + (number + np.arange(n)) % (stop - start), np.int64).reshape(shape)
    if isinstance(target.domain, FiniteSet):
        return rng.choice([float(v) for v in target.domain], n).reshape(shape)
    low, high = ends(target.domain)
    if math.isinf(low) or math.isinf(high):
        like = [arrays[p.name] for p in predictions if p.dims == target.dims and number % 3 == 1]
        if like and np.isfinite(like[0]).all():
            return like[0].copy()  # exact ties
        return _round(rng.normal(size=shape) * (1, 1, 300)[number % 3], True)
    row = _round(low + (high - low) * rng.random(n), True)
    if number % 5 == 0 and n:
        row = np.full(n, low)
        row[number % n] = high
    elif number % 5 == 1:
        row = _round(row / max(row.sum(), 1.0), True)
    elif number % 5 == 2:
        row = np.full(n, (low, high)[number % 2])
    elif number % 5 == 3:
        row = rng.choice([low, high, low + 2.0**-100 * (high - low)], n)
    return row.reshape(shape)


def target_dims(end: Any) -> list[Dim]:
    """Return the axes on which a bound of labels depends."""
    return sorted((s for s in end.free_symbols if isinstance(s, Dim)), key=str)


def _weights(shape: tuple[int, ...], number: int) -> Floats:
    n = math.prod(shape)
    choices = (np.ones(n), np.linspace(0.3, 2.0, n), np.arange(n) % 3 * 0.75)
    return _round(choices[number % 3], True).reshape(shape)


def _shape(argument: Argument, sizes: Mapping[Dim, int]) -> tuple[int, ...]:
    return tuple(sizes[dim] for dim in argument.dims)


def _random(loss: Loss, settings: Sequence[dict[str, float]], count: int, rng: Random) -> Iterator[Sample]:
    for number in range(count):
        sizes = _lengths(loss, number)
        arrays = _draw(loss, sizes, rng, number % 2 == 0)
        arrays |= {w.name: _weights(_shape(w, sizes), number) for w in loss.of_role(Weight)}
        setting = settings[number // 2 % len(settings)]
        yield Sample("random", arrays, setting)


def _draw(loss: Loss, sizes: Mapping[Dim, int], rng: Random, single: bool) -> dict[str, Any]:
    arrays: dict[str, Any] = {}
    for a in (*loss.predictions, *loss.of_role(Target)):
        shape = _shape(a, sizes)
        if is_class_label(a) or isinstance(a.domain, FiniteSet):
            arrays[a.name] = _target(a, sizes, int(rng.integers(1000)), arrays, (), rng)
            continue
        low, high = ends(a.domain)
        if math.isinf(low) and math.isinf(high):
            numbers = rng.normal(size=shape) * 3
        elif math.isfinite(low) and math.isfinite(high):
            numbers = low + (high - low) * (0.01 + 0.98 * rng.random(shape))
        else:
            spread = rng.exponential(size=shape)
            numbers = low + spread if math.isfinite(low) else high - spread
        arrays[a.name] = _round(numbers, single)
    return arrays


def _directed(loss: Loss, sample: Sample, rng: Random) -> Sample:
    directions = {p.name: _round(rng.normal(size=np.shape(sample.arrays[p.name])), True) for p in loss.predictions}
    return Sample(sample.kind, sample.arrays, sample.parameters, directions)


def _round(numbers: Any, single: bool) -> Floats:
    return np.asarray(np.asarray(numbers, np.float32) if single else numbers, np.float64)


def is_bounded(domain: Any) -> bool:
    """Whether a domain has an end."""
    return isinstance(domain, Interval) and any(map(math.isfinite, ends(domain)))
