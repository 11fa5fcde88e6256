"""Losses over recurrences: padded arrays with lengths, checked and cut into blocks of samples."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from . import checks
from . import threads as pool
from .checks import AnyArray
from .describe import BATCH, REALS, REDUCTIONS, Array, Interval, Labels, Scalar

_ENTRIES = 1 << 15  # of predictions in a block, so that threads find work in small batches
INFEASIBLE = ("inf", "zero", "raise")
_NOT_NEGATIVE = Interval(0.0, math.inf)


class Ragged(NamedTuple):
    """An array argument.

    Parameters
    ----------
    name, role : str
        See `describe.Array`.
    axes : tuple of str
        Names of the inner axes; ``"U+1"`` has one entry more than ``"U"``.
    labels : str
        For integer labels, the axis that they index.
    without : str
        The parameter that no label may equal.
    cuts, least : str, int
        For lengths, the axis that they cut short, and the smallest length.
    shared : bool
        Whether all samples share the array, which then has no batch axes; its gradient is summed over the batch.
    """

    name: str
    role: str
    axes: tuple[str, ...] = ()
    labels: str = ""
    without: str = ""
    cuts: str = ""
    least: int = 0
    shared: bool = False


class Whole(NamedTuple):
    """A parameter that is a label of an axis."""

    name: str
    default: int
    axis: str


def describe_ragged(
    name: str, title: str, reference: str, arguments: tuple[Ragged, ...], parameters: tuple[Any, ...]
) -> dict[str, Any]:
    """Return `INFO`; see `describe.describe`."""
    described = []
    for a in arguments:
        domain: Any = Labels(a.least, f"{a.cuts}+1") if a.cuts else Labels(0, a.labels) if a.labels else REALS
        floats = ("float32", "float64")
        described.append(
            {
                "name": a.name,
                "role": a.role,
                "shape": a.axes if a.shared else (BATCH, *a.axes),
                "dtype": ("integer",) if a.cuts or a.labels else floats,
                "domain": domain,
                "optional": bool(a.cuts),
            }
        )
    return {
        "name": name,
        "title": title,
        "reference": reference,
        "arguments": tuple(described),
        "parameters": tuple(
            {"name": p.name, "default": p.default, "domain": Labels(0, p.axis) if isinstance(p, Whole) else p.domain}
            for p in parameters
        ),
        "options": ({"name": "infeasible", "default": "inf", "choices": INFEASIBLE},),
        "reductions": REDUCTIONS,
        "over_sets": False,
    }


class _Batch:
    """The arguments of one call, with one sample axis."""

    shape: tuple[int, ...]
    count: int
    dtype: np.dtype[Any]
    sizes: dict[str, int]
    given: list[AnyArray]
    arrays: list[AnyArray]
    parameters: tuple[Any, ...]


class RaggedDriver:
    """Checks arguments, runs kernels over blocks of samples, and reduces.

    Parameters
    ----------
    arguments : tuple of Ragged
        Predictions, then targets and lengths.
    parameters : tuple of Scalar or Whole
        What kernels get after the arrays.
    steps : tuple of str
        The largest number of values of each index of the recurrence, in terms of axes.
    value, value_and_grad, posterior : kernel
        Block kernels.
    """

    def __init__(
        self,
        arguments: tuple[Ragged, ...],
        parameters: tuple[Scalar | Whole, ...],
        steps: tuple[str, ...],
        value: Callable[..., Any],
        value_and_grad: Callable[..., Any],
        posterior: Callable[..., Any],
    ) -> None:
        self._arguments, self._parameters, self._steps = arguments, parameters, steps
        self._predictions = [a for a in arguments if a.role == "prediction"]
        self._value, self._value_and_grad, self._posterior = value, value_and_grad, posterior

    # -- the public functions --------------------------------------------------------------------

    def value(
        self, given: Sequence[Any], parameters: Sequence[Any], *, weight: Any, reduction: Any, out: Any, threads: Any,
        infeasible: Any,
    ) -> Any:  # fmt: skip
        """Return the loss."""
        batch = self._bind(given, parameters)
        weights, divisor = self._weights(batch, weight, reduction, infeasible)
        losses = np.empty(batch.count)
        self._run(batch, self._value, [losses], [], threads)
        return self._reduced(batch, losses, weights, divisor, reduction, infeasible, out, "out")

    def grad(self, given: Sequence[Any], parameters: Sequence[Any], *, out: Any, **keywords: Any) -> Any:
        """Return the gradient of the reduced loss."""
        return self.value_and_grad(given, parameters, out=None if out is None else (None, out), **keywords)[1]

    def value_and_grad(
        self, given: Sequence[Any], parameters: Sequence[Any], *, weight: Any, reduction: Any, out: Any, threads: Any,
        infeasible: Any, checkpoint: Any,
    ) -> Any:  # fmt: skip
        """Return the loss and its gradient."""
        batch = self._bind(given, parameters)
        weights, divisor = self._weights(batch, weight, reduction, infeasible)
        if out is not None and (not isinstance(out, tuple) or len(out) != 2):
            raise TypeError(f"out: expected a tuple (value, gradient), got {checks.type_name(out)}")
        first, second = (None, None) if out is None else out
        grads = self._gradients(batch, second)
        work = [g if p.shared else _samples(g, batch) for g, p in zip(grads, self._predictions, strict=True)]
        losses = np.empty(batch.count)
        factors = (weights if weights is not None else np.ones(batch.count)) / divisor
        self._run(batch, self._value_and_grad, [losses, factors], work, threads, bool(checkpoint))
        for g, w, p in zip(grads, work, self._predictions, strict=True):
            if not p.shared and not np.shares_memory(g, w):
                g[...] = w.reshape(g.shape)
        value = self._reduced(batch, losses, weights, divisor, reduction, infeasible, first, "out[0]")
        return value, grads[0] if len(grads) == 1 else tuple(grads)

    def posterior(self, given: Sequence[Any], parameters: Sequence[Any], *, threads: Any) -> Any:
        """Return the probability that a path passes each point; 0 in padding."""
        batch = self._bind(given, parameters)
        shape = tuple(_size(step, batch.sizes) for step in self._steps)
        visits = np.zeros((batch.count, *shape))
        self._run(batch, self._posterior, [visits], [], threads)
        return visits.reshape((*batch.shape, *shape)).astype(batch.dtype, copy=False)

    # -- arguments -------------------------------------------------------------------------------

    def _bind(self, given: Sequence[Any], parameters: Sequence[Any]) -> _Batch:
        batch, first = _Batch(), next(a for a in self._arguments if not a.shared)
        arrays: list[Any] = [
            None if array is None and a.cuts else checks.as_array(a.name, array, floating=a.role == "prediction")
            for a, array in zip(self._arguments, given, strict=True)
        ]
        leading = arrays[self._arguments.index(first)]
        batch.dtype = checks.prediction_dtype(first.name, leading)
        if leading.ndim < len(first.axes):
            checks.too_few_axes(_plain(first), leading)
        batch.shape = leading.shape[: leading.ndim - len(first.axes)]
        batch.count = math.prod(batch.shape)
        batch.sizes = {}
        for a, array in zip(self._arguments, arrays, strict=True):
            if array is not None:
                self._match(a, array, batch, first)
        batch.parameters = tuple(
            _whole(p, v, batch.sizes) if isinstance(p, Whole) else checks.check_parameter(p, v)
            for p, v in zip(self._parameters, parameters, strict=True)
        )
        batch.given = [array for array in arrays if array is not None]
        batch.arrays = [self._laid_out(a, array, batch) for a, array in zip(self._arguments, arrays, strict=True)]
        self._check_labels(batch)
        return batch

    def _match(self, a: Ragged, array: AnyArray, batch: _Batch, first: Ragged) -> None:
        if a.role == "prediction":
            checks.same_dtype(a.name, array, first.name, batch.dtype)
        elif a.cuts or a.labels:
            checks.integer_dtype(a.name, array)
        lead = 0 if a.shared else len(batch.shape)
        inner = array.shape[lead:]
        if len(inner) != len(a.axes) or (not a.shared and array.shape[:lead] != batch.shape):
            checks.wrong_shape(_plain(a), array, _plain(first), batch.shape, batch.sizes)
        for axis, size in zip(a.axes, inner, strict=True):
            base, extra = _split(axis)
            if size - extra < 0 or batch.sizes.setdefault(base, size - extra) != size - extra:
                checks.wrong_shape(_plain(a), array, _plain(first), batch.shape, batch.sizes)

    def _laid_out(self, a: Ragged, array: Any, batch: _Batch) -> AnyArray:
        if a.cuts:
            full = batch.sizes[a.cuts]
            if array is None:
                if full < a.least:
                    raise ValueError(
                        f"{a.name}: expected at least {a.least} entries along the axis {a.cuts}, got {full}"
                    )
                return np.full(batch.count, full, np.int64)
            bad = (array < a.least) | (array > full)
            if bad.any():
                raise ValueError(f"{a.name}: expected lengths in {a.least}..{full}, got {checks._first(array, bad)}")
            return np.ascontiguousarray(array.reshape(-1), np.int64)
        shape = array.shape if a.shared else (batch.count, *array.shape[len(batch.shape) :])
        if a.role == "prediction":
            return np.ascontiguousarray(array, batch.dtype).reshape(shape)
        kind = np.int64 if a.labels else np.float64
        return np.ascontiguousarray(array, kind).reshape(shape)

    def _check_labels(self, batch: _Batch) -> None:
        """Raise for labels outside of their range, in what is no padding: kernels index with them."""
        lengths = {a.cuts: array for a, array in zip(self._arguments, batch.arrays, strict=True) if a.cuts}
        values = {p.name: v for p, v in zip(self._parameters, batch.parameters, strict=True)}
        for a, array in zip(self._arguments, batch.arrays, strict=True):
            if not a.labels:
                continue
            stop = batch.sizes[a.labels]
            bad = (array < 0) | (array >= stop)
            expected = f"labels in 0..{stop - 1}"
            if a.without:
                bad |= array == values[a.without]
                expected += f" other than {a.without}={values[a.without]}"
            for axis, name in enumerate(a.axes):
                if name in lengths:
                    along = np.arange(array.shape[axis + 1]).reshape(
                        [-1 if i == axis else 1 for i in range(len(a.axes))]
                    )
                    bad &= along < lengths[name].reshape([-1] + [1] * len(a.axes))
            if bad.any():
                raise ValueError(f"{a.name}: expected {expected}, got {checks._first(array, bad)}")

    def _weights(self, batch: _Batch, weight: Any, reduction: Any, infeasible: Any) -> tuple[AnyArray | None, float]:
        checks.check_reduction(reduction)
        if not isinstance(infeasible, str) or infeasible not in INFEASIBLE:
            raise ValueError(f"infeasible: expected one of {', '.join(map(repr, INFEASIBLE))}, got {infeasible!r}")
        weights = None
        if weight is not None:
            array = checks.as_array("weight", weight)
            checks.real_dtype("weight", array)
            if array.shape != batch.shape:
                checks.wrong_shape(Array("weight", "target"), array, _plain(self._arguments[0]), batch.shape, {})
            checks.check_weights("weight", array, _NOT_NEGATIVE)
            weights = np.ascontiguousarray(array, np.float64).reshape(-1)
        if reduction == "mean":
            return weights, float(batch.count) or math.nan
        if reduction == "weighted_mean":
            total = float(batch.count) if weights is None else float(weights.sum())
            return weights, total or math.nan
        return weights, 1.0

    def _gradients(self, batch: _Batch, out: Any) -> list[AnyArray]:
        shapes = [a.shape for a in batch.given[: len(self._predictions)]]
        if out is None:
            return [np.zeros(shape, batch.dtype) for shape in shapes]
        items = (out,) if len(shapes) == 1 else out
        if not isinstance(items, tuple) or len(items) != len(shapes):
            names = ", ".join(p.name for p in self._predictions)
            raise TypeError(
                f"out: expected a tuple of {len(shapes)} arrays, the gradient in {names}; got {checks.type_name(out)}"
            )
        occupied = [(a.name, array) for a, array in zip(self._arguments, batch.given, strict=False)]
        made = []
        for p, item, shape in zip(self._predictions, items, shapes, strict=True):
            array = checks.check_out("out", item, shape, batch.dtype, f"the gradient in {p.name}")
            checks.check_overlap("out", array, occupied)
            occupied.append(("out", array))
            array[...] = 0.0
            made.append(array)
        return made

    # -- running ---------------------------------------------------------------------------------

    def _run(
        self, batch: _Batch, kernel: Callable[..., Any], samples: list[AnyArray], grads: list[AnyArray], threads: Any,
        *constants: Any,
    ) -> None:  # fmt: skip
        """Run a kernel over all blocks; blocks do not depend on the number of threads."""
        if threads is not None:
            threads = pool.check_threads(threads)
        entries = max(1, math.prod(batch.arrays[0].shape[1:]))
        length = min(max(1, _ENTRIES // entries), max(1, -(-batch.count // 16)))
        blocks = -(-batch.count // length)
        shared = [p.shared for p in self._predictions]
        parts = [[np.zeros(g.shape) for g, s in zip(grads, shared, strict=False) if s] for _ in range(blocks)]
        counter = itertools.count()

        def work() -> None:
            for number in counter:
                if number >= blocks:
                    return
                cut = slice(number * length, min(number * length + length, batch.count))
                arrays = [x if a.shared else x[cut] for a, x in zip(self._arguments, batch.arrays, strict=True)]
                own = iter(parts[number])
                into = [next(own) if s else g[cut] for g, s in zip(grads, shared, strict=False)]
                kernel(*arrays, *batch.parameters, *[x[cut] for x in samples], *constants, *into)

        if blocks:
            pool.run(work, min(pool.thread_count(threads), blocks) - 1)
        own = [g for g, s in zip(grads, shared, strict=False) if s]
        for position, g in enumerate(own):
            g[...] = sum((part[position] for part in parts), np.zeros(g.shape)).astype(g.dtype)

    def _reduced(
        self, batch: _Batch, losses: AnyArray, weights: AnyArray | None, divisor: float, reduction: str,
        infeasible: str, out: Any, name: str,
    ) -> Any:  # fmt: skip
        bad = losses == np.inf
        if infeasible != "inf" and bad.any():
            if infeasible == "raise":
                at = tuple(int(i) for i in np.unravel_index(int(np.argmax(bad)), batch.shape))
                raise ValueError(f"the sample at position {at} has no path: its targets do not fit into its inputs")
            losses[bad] = 0.0
        if weights is not None:
            losses = np.where(weights == 0.0, 0.0, weights * losses) if not np.isnan(losses).any() else weights * losses
        with np.errstate(over="ignore"):
            if reduction != "none":
                if out is not None:
                    raise ValueError(f"{name}: expected None, as the value is a scalar with reduction={reduction!r}")
                return batch.dtype.type(float(losses.sum()) / divisor)
            result = losses.reshape(batch.shape).astype(batch.dtype)
        if out is None:
            return result
        array = checks.check_out(name, out, batch.shape, batch.dtype, "the losses")
        array[...] = result
        return array


def _samples(array: AnyArray, batch: _Batch) -> AnyArray:
    """Return an array with one sample axis, the same memory where that is possible, else zeros."""
    shape = (batch.count, *array.shape[len(batch.shape) :])
    return array.reshape(shape) if array.flags.c_contiguous else np.zeros(shape, batch.dtype)


def _plain(a: Ragged) -> Array:
    return Array(a.name, "weight" if a.shared else a.role, a.axes)


def _split(axis: str) -> tuple[str, int]:
    base, _, extra = axis.partition("+")
    return base, int(extra or 0)


def _size(text: str, sizes: dict[str, int]) -> int:
    """Return the value of a sum of products of axes and whole numbers."""
    total = 0
    for term in re.split(r"\s*\+\s*", text):
        total += math.prod(sizes[f] if f in sizes else int(f) for f in term.split("*"))
    return total


def _whole(parameter: Whole, given: Any, sizes: dict[str, int]) -> int:
    if isinstance(given, (bool, np.bool_)) or not isinstance(given, (int, np.integer)):
        raise TypeError(f"{parameter.name}: expected an integer, got {checks.type_name(given)}")
    stop = sizes[parameter.axis]
    if not 0 <= given < stop:
        raise ValueError(f"{parameter.name}: expected a label in 0..{stop - 1}, got {given}")
    return int(given)
