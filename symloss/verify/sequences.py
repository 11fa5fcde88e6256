"""Verifies losses over recurrences: values, gradients and products against the declared recurrence, and what must hold.

Lattices are small, as every derivative is a difference of totals in high precision; what only long ones show is up to
tests of the arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np

from symloss.arguments import Target, is_class_label, label_bounds
from symloss.declare import Loss
from symloss.recurrence import Length, Longer, Total
from symloss.reductions import Dim
from symloss.verify.compare import Judged, Row, judge_sample
from symloss.verify.evaluate import MP
from symloss.verify.judge import Expected, Judge
from symloss.verify.kernels import as_tuple, same_bits
from symloss.verify.point import Sample

OUTPUTS = ("value", "gradient", "hvp", "structure")
_SIZES = ((3, 2), (4, 2), (1, 1), (3, 1))  # of the first axis of a prediction, and of all others but classes
_CLASSES = 3
_SCALES = (1.0, 8.0, 0.25)


def is_over_a_recurrence(loss: Loss) -> bool:
    """Whether the loss is one over a recurrence."""
    return bool(loss.expr.has(Total))


def verify_sequences(loss: Loss, module: ModuleType, dtypes: tuple[str, ...]) -> list[Row]:
    """Compare one module with its declaration.

    Returns
    -------
    list of Row
        For every precision: value, gradient, hvp, structure.
    """
    judge = Judge(loss)
    rows: list[Row] = []
    judged = [judge_sample(judge, sample) for sample in samples(loss)]
    for dtype in dtypes:
        tally = {output: Row(loss.name, output, dtype) for output in OUTPUTS}
        for one in judged:
            try:
                _compare(tally, module, loss, one, dtype)
            except Exception as error:  # whatever a kernel raises for valid arguments is a finding
                tally["structure"].require(False, str(one.sample), repr(error), "a result")
        rows += tally.values()
    return rows


def samples(loss: Loss) -> Iterator[Sample]:
    """Yield small lattices: full ones, ragged ones, empty ones, and such as have no path."""
    rng = np.random.default_rng(20)
    for number, scale in enumerate(_SCALES * 2):
        sizes = _sizes(loss, *_SIZES[number % len(_SIZES)])
        arrays: dict[str, Any] = {}
        parameters = {p.name: float(p.default) for p in loss.parameters}
        for p in loss.predictions:
            drawn = rng.normal(size=[sizes[d] for d in p.dims]) * scale
            arrays[p.name] = drawn.astype(np.float32).astype(np.float64)
        for target in loss.of_role(Target):
            arrays[target.name] = _target(target, sizes, parameters, number, rng)
        directions = {p.name: rng.integers(-4, 5, arrays[p.name].shape) / 2.0 for p in loss.predictions}
        yield Sample("full" if number % 2 == 0 else "ragged", arrays, parameters, directions)


def _sizes(loss: Loss, first: int, other: int) -> dict[Dim, int]:
    """Return a length of every axis: axes that labels index have several entries."""
    classes = {d for a in loss.arguments if is_class_label(a) and not isinstance(a, Length) for d in _dims_of(a)}
    lead = {p.dims[0] for p in loss.predictions if p.dims}
    found: dict[Dim, int] = {}
    for dim in (d for a in loss.arguments for d in a.dims):
        base = dim.dim if isinstance(dim, Longer) else dim
        size = _CLASSES if base in classes else first if base in lead else other
        found[base] = size
        if isinstance(dim, Longer):
            found[dim] = size + dim.extra
    return found


def _dims_of(argument: Any) -> set[Dim]:
    return {s for s in label_bounds(argument)[1].free_symbols if isinstance(s, Dim)}


def _target(target: Target, sizes: dict[Dim, int], parameters: dict[str, float], number: int, rng: Any) -> Any:
    if isinstance(target, Length):
        full = sizes[target.dim]
        return np.asarray(full if number % 2 == 0 else int(rng.integers(target.least, full + 1)))
    stop = int(label_bounds(target)[1].xreplace({d: sizes[d] for d in _dims_of(target)}))
    without = target.without
    free = [k for k in range(stop) if without is None or k != parameters[without.name]]
    return rng.choice(free, [sizes[d] for d in target.dims])


def _compare(tally: dict[str, Row], module: ModuleType, loss: Loss, one: Judged, dtype: str) -> None:
    sample, expected = one.sample, one.verdict.results
    given = _arguments(loss, sample, dtype)
    parameters = {p.name: _parameter(p, sample) for p in loss.parameters}
    value, grad = module.value_and_grad(*given, **parameters, reduction="none")
    directions = tuple(np.asarray(sample.directions[p.name], dtype) for p in loss.predictions)
    v = directions[0] if len(directions) == 1 else directions
    product = module.hvp(*given, **parameters, v=v)
    shown = f"{sample} ({sample.kind})"
    tally["value"].compare(float(value), expected.value, shown, one.bounds.of(0))
    entries = len(expected.gradient)
    # A product is a share of the total times the difference of two means over paths of sums of v, both of which are
    # rounded: it cannot be expected to be more accurate than the sum of all of v.
    rounded = MP.mpf(sum(float(abs(d).sum()) for d in sample.directions.values()))
    for output, got, wanted, at in (
        ("gradient", grad, expected.gradient, 1),
        ("hvp", product, expected.product, 1 + 2 * entries),
    ):
        if MP.isinf(expected.value.number):  # no path
            wanted = (Expected(MP.zero),) * entries
        numbers = np.concatenate([np.ravel(part) for part in as_tuple(got)]).tolist()
        for i, (number, exact) in enumerate(zip(numbers, wanted, strict=True)):
            bound = (lambda: rounded) if output == "hvp" else one.bounds.of(at + i)
            tally[output].compare(number, exact, f"entry {i} of {shown}", bound)
    _structure(tally["structure"], module, loss, sample, given, parameters, (value, grad))


def _arguments(loss: Loss, sample: Sample, dtype: str) -> list[Any]:
    names = [a.name for a in loss.arguments if a not in loss.parameters]
    predictions = {p.name for p in loss.predictions}
    return [np.asarray(sample.arrays[n], dtype if n in predictions else np.int64) for n in names]


def _parameter(parameter: Any, sample: Sample) -> Any:
    number = sample.parameters[parameter.name]
    return int(number) if is_class_label(parameter) else number


def _structure(
    row: Row, module: ModuleType, loss: Loss, sample: Sample, given: list[Any], parameters: dict[str, Any], both: Any
) -> None:
    """Check functions against one another, reductions, threads, and that padding is not read."""
    value, grad = both
    alone = module.value(*given, **parameters)
    row.require(same_bits(alone, value), f"value has the bits of value_and_grad: {sample}", alone, value)
    row.require(same_bits(module.grad(*given, **parameters), grad), f"grad has the bits of value_and_grad: {sample}")
    shared = {p.name for p in loss.predictions if p.shared}
    names = [a.name for a in loss.arguments if a not in loss.parameters]
    batch = [g if n in shared else np.stack([g] * 3) for n, g in zip(names, given, strict=True)]
    for threads in (1, 2):
        losses, grads = module.value_and_grad(*batch, **parameters, reduction="none", threads=threads)
        row.require(bool((losses == value).all()), f"a batch of three, {threads} threads: {sample}", losses, value)
        for p, many, single in zip(loss.predictions, as_tuple(grads), as_tuple(grad), strict=True):
            if not p.shared:
                row.require(all(same_bits(part, single) for part in many), f"its gradient in {p.name}: {sample}")
    weights = np.array([0.5, 0.0, 2.0])
    for reduction, factor in (("sum", 2.5), ("mean", 2.5 / 3), ("weighted_mean", 1.0)):
        got = float(module.value(*batch, **parameters, weight=weights, reduction=reduction))
        wanted = factor * float(value)
        near = got == wanted or math.isclose(got, wanted, rel_tol=4 * float(np.finfo(value.dtype).eps))
        row.require(near, f"{reduction} of {sample}", got, wanted)
    padded = [_with_nan(loss, n, g, sample) for n, g in zip(names, given, strict=True)]
    other = module.value_and_grad(*padded, **parameters, reduction="none")
    row.require(same_bits(other, both), f"NaN in padding changes nothing: {sample}", other, both)


def _with_nan(loss: Loss, name: str, array: Any, sample: Sample) -> Any:
    """Return a prediction with NaN in its padding."""
    prediction = next((p for p in loss.predictions if p.name == name), None)
    if prediction is None:
        return array
    changed = array.copy()
    lengths = {a.dim: int(sample.arrays[a.name]) for a in loss.arguments if isinstance(a, Length)}
    for axis, dim in enumerate(prediction.dims):
        base, extra = (dim.dim, dim.extra) if isinstance(dim, Longer) else (dim, 0)
        if base in lengths:
            np.moveaxis(changed, axis, 0)[lengths[base] + extra :] = math.nan
    return changed
