"""What has to hold whatever the numbers are: reductions, shapes, layouts, threads, and functions that agree."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symloss.verify.bounds import sensitivities, value_sensitivity
from symloss.verify.compare import Row
from symloss.verify.evaluate import Number
from symloss.verify.judge import Judge
from symloss.verify.kernels import Array, Kernels, as_tuple, batches, flat, same_bits
from symloss.verify.point import Sample
from symloss.verify.reductions import check_reductions
from symloss.verify.sampling import moderate
from symloss.verify.single import check_single_samples

_MANY_CLASSES = 67
_BLOCKS = 70_000  # entries: several blocks, so that threads have something to share
FUNCTIONS = ("value", "grad", "value_and_grad", "grad_and_hess", "hvp")


def check_structure(row: Row, judge: Judge, kernels: Kernels, samples: Sequence[Sample]) -> None:
    """Check everything that is no number of a single sample."""
    checks: list[Callable[[], None]] = [
        lambda: _fused_is_unfused(row, kernels, samples),
        lambda: _layouts(row, kernels),
        lambda: _threads(row, kernels),
        lambda: _sizes(row, judge, kernels),
        lambda: check_single_samples(row, kernels, samples),
    ]
    if not kernels.loss.sets:
        checks += [lambda: check_reductions(row, judge, kernels), lambda: _shapes(row, kernels)]
    for check in checks:
        try:
            check()
        except Exception as error:  # whatever a kernel raises for valid arguments is a finding
            row.require(False, "a call with valid arguments", repr(error), "a result")


class Call:
    """Arguments with which every function can be called."""

    def __init__(self, kernels: Kernels, given: Sequence[Array], v: Any, **keywords: Any) -> None:
        self.kernels, self.given, self.v, self.keywords = kernels, list(given), v, keywords

    def run(self, function: str, **keywords: Any) -> Any:
        """Call one of the functions."""
        along = {"v": self.v} if function == "hvp" else {}
        return self.kernels.call(function, self.given, **self.keywords, **along, **keywords)

    def mapped(self, change: Callable[[Array], Array]) -> Call:
        """Return the call with every array changed."""
        v = tuple(change(part) for part in self.v) if isinstance(self.v, tuple) else change(self.v)
        return Call(self.kernels, [change(a) for a in self.given], v, **self.keywords)


def _call(kernels: Kernels, samples: Sequence[Sample]) -> Call:
    """Return the call for a batch; for a loss over sets, of its first sample."""
    if kernels.loss.sets:
        sample = samples[0]
        return Call(kernels, kernels.single(sample), kernels.direction(sample), **sample.parameters)
    return Call(kernels, kernels.batch(samples), kernels.directions(samples), **samples[0].parameters)


def _fused_is_unfused(row: Row, kernels: Kernels, samples: Sequence[Sample]) -> None:
    modes: list[dict[str, Any]] = [{}] if kernels.loss.sets else [{"reduction": "none"}, {"reduction": "mean"}]
    for batch in batches(kernels.loss, samples):
        calls = [_call(kernels, [sample]) for sample in batch] if kernels.loss.sets else [_call(kernels, batch)]
        for call in calls:
            for mode in modes:
                value, grad = call.run("value", **mode), call.run("grad", **mode)
                both, first = call.run("value_and_grad", **mode), call.run("grad_and_hess", **mode)[0]
                given = f"{mode}, {batch[0]}, ..."
                row.require(same_bits(both[0], value), f"value_and_grad has the bits of value: {given}", both[0], value)
                row.require(same_bits(both[1], grad), f"value_and_grad has the bits of grad: {given}", both[1], grad)
                row.require(same_bits(first, grad), f"grad_and_hess has the bits of grad: {given}", first, grad)


def _layouts(row: Row, kernels: Kernels) -> None:
    """Check that the strides of the arguments do not matter."""
    call = _call(kernels, moderate(kernels.loss, 7))
    changes: dict[str, Callable[[Array], Array]] = {
        "with gaps": _with_gaps,
        "in Fortran order": np.asfortranarray,
        "reversed": _reversed,
    }
    for name, change in changes.items():
        other = call.mapped(change)
        for function in FUNCTIONS:
            same = same_bits(call.run(function), other.run(function))
            row.require(same, f"{function}, arguments {name}", "other bits", "the same bits")


def _with_gaps(array: Array) -> Array:
    wide = np.zeros((*array.shape, 2), array.dtype)
    wide[..., 0] = array
    return wide[..., 0]


def _reversed(array: Array) -> Array:
    """Return the same values with negative strides."""
    return array if array.ndim == 0 else np.flip(np.flip(array).copy())


def _threads(row: Row, kernels: Kernels) -> None:
    few = moderate(kernels.loss, 7)
    if kernels.loss.sets:
        large = moderate(kernels.loss, 1, {dim: _BLOCKS + 3 * i for i, dim in enumerate(kernels.loss.sets)})
        call = _call(kernels, large)
    else:
        entries = max((np.asarray(a).size for a in few[0].arrays.values()), default=1)
        repeated = (few * (_BLOCKS // (len(few) * entries) + 1))[: _BLOCKS // entries]
        call = _call(kernels, repeated)
    for function in FUNCTIONS:
        one, two = call.run(function, threads=1), call.run(function, threads=2)
        row.require(
            same_bits(one, two), f"{function} of {_BLOCKS} entries on 1 and 2 threads", "other bits", "the same"
        )
    if not kernels.loss.sets:
        for function in ("value", "grad"):
            one, few_only = call.run(function, reduction="none"), _call(kernels, few).run(function, reduction="none")
            pairs = zip(as_tuple(one), as_tuple(few_only), strict=True)
            same = all(same_bits(a[: len(few)], b) and same_bits(a[len(few) : 2 * len(few)], b) for a, b in pairs)
            row.require(same, f"{function} of a sample in a large batch", "other bits", "those in a small one")


def _shapes(row: Row, kernels: Kernels) -> None:
    """Check batches of several shapes, empty ones included, against the same samples in one row."""
    lead = {a.name for a in kernels.arguments} - kernels.shared
    names = [a.name for a in kernels.arguments]
    for shape in ((), (5,), (2, 1, 3), (0,), (2, 0, 3)):
        count = math.prod(shape)
        plain = _call(kernels, moderate(kernels.loss, max(count, 1)))
        plain.given = [a[:count] if n in lead else a for n, a in zip(names, plain.given, strict=True)]
        plain.v = kernels.pack([part[:count] for part in as_tuple(plain.v)])
        given = [a.reshape(shape + a.shape[1:]) if n in lead else a for n, a in zip(names, plain.given, strict=True)]
        v = kernels.pack([part.reshape(shape + part.shape[1:]) for part in as_tuple(plain.v)])
        shaped = Call(kernels, given, v, **plain.keywords)
        for function in FUNCTIONS:
            for reduction in ("none", "mean"):
                a, b = (call.run(function, reduction=reduction) for call in (plain, shaped))
                pairs = list(zip(flat(a), flat(b), strict=True))
                same = all(same_bits(np.reshape(x, np.shape(y)), y) for x, y in pairs)
                row.require(same, f"{function}, {reduction}, batch of shape {shape}", "other bits", "the same bits")
                _check_shapes(row, shaped, function, reduction, shape, b)
        if count == 0:
            total, mean = (shaped.run("value", reduction=r) for r in ("sum", "mean"))
            row.require(total == 0 and math.isnan(mean), f"empty batch {shape}", (total, mean), "sum 0 and mean NaN")


def _check_shapes(row: Row, call: Call, function: str, reduction: str, shape: tuple[int, ...], result: Any) -> None:
    predictions = [np.shape(a) for a in call.given[: len(call.kernels.loss.predictions)]]
    losses = [shape if reduction == "none" else ()]
    wanted = {
        "value": losses,
        "grad": predictions,
        "value_and_grad": losses + predictions,
        "grad_and_hess": 2 * predictions,
        "hvp": predictions,
    }[function]
    got = [np.shape(part) for part in flat(result)]
    right = all(np.asarray(part).dtype == call.kernels.dtype for part in flat(result))
    row.require(got == wanted and right, f"shapes of {function}, {reduction}, batch {shape}", got, wanted)


def _sizes(row: Row, judge: Judge, kernels: Kernels) -> None:
    """Check one class and many classes; with many, gradients only."""
    for size in (1, _MANY_CLASSES // len(kernels.loss.predictions) ** 2):
        if not kernels.loss.dims:
            return
        sample = moderate(kernels.loss, 1, dict.fromkeys(kernels.loss.dims, size))[0]
        call = _call(kernels, [sample])
        value, grad = call.run("value_and_grad")
        hess = call.run("grad_and_hess")[1]
        expected = judge.verdict(sample, products=False).results
        got = [float(value), *kernels.rows(_leading(grad), 1)[0], *kernels.rows(_leading(hess), 1)[0]]
        for place, (number, wanted) in enumerate(zip(got, expected.flat(), strict=True)):
            given = f"result {place}, {size} entries along every axis: {sample}"
            row.compare(number, wanted, given, _bound_of_many(judge, sample, place, len(expected.gradient)))


def _bound_of_many(judge: Judge, sample: Sample, place: int, entries: int) -> Callable[[], Number]:
    """Return what bounds one of many results: by the arguments at its own place, as all would take too long."""
    sizes = [np.size(sample.arrays[p.name]) for p in judge.predictions]
    own = (place - 1) % entries
    while own >= sizes[0]:
        own -= sizes.pop(0)
    if place == 0:
        return lambda: value_sensitivity(judge, sample)
    return lambda: sensitivities(judge, sample, (place - 1) % entries, False, own)[(place - 1) // entries]


def _leading(parts: Any) -> tuple[Any, ...]:
    return tuple(np.asarray(part)[None] for part in as_tuple(parts))
