"""Losses over recurrences: kernels over blocks of samples, and reductions."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import checks
from . import threads as pool
from .checks import AnyArray
from .describe import Array, Interval, Scalar
from .jit import specialised
from .ragged_batch import INFEASIBLE, Ragged, RaggedBatch, RaggedSignature, Whole, plain

_ENTRIES = 1 << 15  # of predictions in a block, so that threads find work in small batches
_NOT_NEGATIVE = Interval(0.0, math.inf)


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
    value, value_and_grad, hvp, posterior, decode : kernel
        Block kernels.
    slope : int
        How many fronts further the next place of the same first index lies.
    once_a_front : bool
        Whether a path has one point on every front.
    tried : tuple of kernel, optional
        What does for `value` and `value_and_grad` where it can: it returns how many samples it has done before one for
        which it cannot. Those are for all samples, and compiled when that is first met.
    """

    def __init__(
        self,
        arguments: tuple[Ragged, ...],
        parameters: tuple[Scalar | Whole, ...],
        steps: tuple[str, ...],
        value: Callable[..., Any],
        value_and_grad: Callable[..., Any],
        hvp: Callable[..., Any],
        posterior: Callable[..., Any],
        decode: Callable[..., Any],
        *,
        slope: int,
        once_a_front: bool,
        tried: tuple[Callable[..., Any], Callable[..., Any]] | None = None,
    ) -> None:
        self._arguments, self._steps = arguments, steps
        self._signature = RaggedSignature(arguments, parameters)
        self._predictions = self._signature.predictions
        self._value, self._value_and_grad, self._hvp = value, value_and_grad, hvp
        self._posterior, self._decode = posterior, decode
        self._slope, self._once_a_front = slope, once_a_front
        self._tried = dict(zip((value, value_and_grad), tried or (), strict=False))

    # -- the public functions --------------------------------------------------------------------

    def value(
        self, given: Sequence[Any], parameters: Sequence[Any], *, weight: Any, reduction: Any, out: Any, threads: Any,
        infeasible: Any,
    ) -> Any:  # fmt: skip
        """Return the loss."""
        batch = self._signature.bind(given, parameters)
        weights, divisor = self._weights(batch, weight, reduction, infeasible)
        losses = np.empty(batch.count)
        self._run(batch, self._value, [(losses, True)], [], threads)
        return self._reduced(batch, losses, weights, divisor, reduction, infeasible, out, "out")

    def grad(self, given: Sequence[Any], parameters: Sequence[Any], *, out: Any, **keywords: Any) -> Any:
        """Return the gradient of the reduced loss."""
        return self.value_and_grad(given, parameters, out=None if out is None else (None, out), **keywords)[1]

    def value_and_grad(
        self, given: Sequence[Any], parameters: Sequence[Any], *, weight: Any, reduction: Any, out: Any, threads: Any,
        infeasible: Any, checkpoint: Any,
    ) -> Any:  # fmt: skip
        """Return the loss and its gradient."""
        batch = self._signature.bind(given, parameters)
        weights, divisor = self._weights(batch, weight, reduction, infeasible)
        if out is not None and (not isinstance(out, tuple) or len(out) != 2):
            raise TypeError(f"out: expected a tuple (value, gradient), got {checks.type_name(out)}")
        first, second = (None, None) if out is None else out
        losses = np.empty(batch.count)
        given_too = [(losses, True), (_factors(batch, weights, divisor), True), (bool(checkpoint), False)]
        grads = self._add_up(batch, self._value_and_grad, given_too, second, threads, "the gradient in")
        value = self._reduced(batch, losses, weights, divisor, reduction, infeasible, first, "out[0]")
        return value, grads

    def hvp(
        self, given: Sequence[Any], parameters: Sequence[Any], *, v: Any, weight: Any, reduction: Any, out: Any,
        threads: Any,
    ) -> Any:  # fmt: skip
        """Return the Hessian of the reduced loss times ``v``; ``"none"`` is the same as ``"sum"``."""
        batch = self._signature.bind(given, parameters)
        weights, divisor = self._weights(batch, weight, reduction, "inf")
        along = [(array, not p.shared) for p, array in self._signature.directions(batch, v)]
        given_too = [(_factors(batch, weights, divisor), True), *along]
        return self._add_up(batch, self._hvp, given_too, out, threads, "the product for")

    def grad_and_hess(self, info: dict[str, Any]) -> Any:
        """Raise; there is no kernel.

        Raises
        ------
        NotImplementedError
            Always.
        """
        raise NotImplementedError(
            f"{info['name']}: grad_and_hess is not offered for losses over recurrences, as the diagonal of such a "
            "Hessian takes as many products as there are entries; use hvp, one direction at a time"
        )

    def _add_up(
        self, batch: RaggedBatch, kernel: Callable[..., Any], given: list[tuple[Any, bool]], out: Any, threads: Any,
        what: str,
    ) -> Any:  # fmt: skip
        """Run a kernel that adds to arrays shaped like the predictions; return them."""
        results = self._results(batch, out, what)
        work = [r if p.shared else _samples(r, batch) for r, p in zip(results, self._predictions, strict=True)]
        self._run(batch, kernel, given, work, threads)
        for r, w, p in zip(results, work, self._predictions, strict=True):
            if not p.shared and not np.shares_memory(r, w):
                r[...] = w.reshape(r.shape)
        return results[0] if len(results) == 1 else tuple(results)

    def posterior(self, given: Sequence[Any], parameters: Sequence[Any], *, threads: Any) -> Any:
        """Return the probability that a path passes each point; 0 in padding."""
        batch = self._signature.bind(given, parameters)
        shape = tuple(_size(step, batch.sizes) for step in self._steps)
        visits = np.zeros((batch.count, *shape))
        self._run(batch, self._posterior, [(visits, True)], [], threads)
        return visits.reshape((*batch.shape, *shape)).astype(batch.dtype, copy=False)

    def decode(self, given: Sequence[Any], parameters: Sequence[Any], *, threads: Any) -> Any:
        """Return the best path: its places on the fronts, or its points; -1 where there is nothing."""
        batch = self._signature.bind(given, parameters)
        first, *second = (_size(step, batch.sizes) for step in self._steps)
        shape = (first,) if self._once_a_front else (first + self._slope * (second[0] - 1 if second else 0), 2)
        paths = np.full((batch.count, *shape), -1, np.int64)
        self._run(batch, self._decode, [(paths, True)], [], threads)
        return paths.reshape((*batch.shape, *shape))

    def _weights(
        self, batch: RaggedBatch, weight: Any, reduction: Any, infeasible: Any
    ) -> tuple[AnyArray | None, float]:
        checks.check_reduction(reduction)
        if not isinstance(infeasible, str) or infeasible not in INFEASIBLE:
            raise ValueError(f"infeasible: expected one of {', '.join(map(repr, INFEASIBLE))}, got {infeasible!r}")
        weights = None
        if weight is not None:
            array = checks.as_array("weight", weight)
            checks.real_dtype("weight", array)
            if array.shape != batch.shape:
                checks.wrong_shape(Array("weight", "target"), array, plain(self._arguments[0]), batch.shape, {})
            checks.check_weights("weight", array, _NOT_NEGATIVE)
            batch.given.append(("weight", array))
            weights = np.ascontiguousarray(array, np.float64).reshape(-1)
        if reduction == "mean":
            return weights, float(batch.count) or math.nan
        if reduction == "weighted_mean":
            total = float(batch.count) if weights is None else float(weights.sum())
            return weights, total or math.nan
        return weights, 1.0

    def _results(self, batch: RaggedBatch, out: Any, what: str) -> list[AnyArray]:
        shapes = [array.shape for _, array in batch.given[: len(self._predictions)]]
        if out is None:
            return [np.empty(shape, batch.dtype) for shape in shapes]
        items = (out,) if len(shapes) == 1 else out
        if not isinstance(items, tuple) or len(items) != len(shapes):
            names = ", ".join(p.name for p in self._predictions)
            raise TypeError(
                f"out: expected a tuple of {len(shapes)} arrays, {what} {names}; got {checks.type_name(out)}"
            )
        made = []
        for p, item, shape in zip(self._predictions, items, shapes, strict=True):
            array = checks.check_out("out", item, shape, batch.dtype, f"{what} {p.name}")
            checks.check_overlap("out", array, batch.given)
            batch.given.append(("out", array))
            made.append(array)
        return made

    # -- running ---------------------------------------------------------------------------------

    def _run(
        self, batch: RaggedBatch, kernel: Callable[..., Any], given: list[tuple[Any, bool]], grads: list[AnyArray],
        threads: Any,
    ) -> None:  # fmt: skip
        """Run a kernel over all blocks, each from where what is tried before has come to.

        What is given comes with whether it has a sample axis.
        """
        tried = self._tried.get(kernel)
        workers = pool.thread_count(threads)
        shared = [p.shared for p in self._predictions]
        cuts = _even_cuts(batch) if any(shared) else _shrinking_cuts(batch.count, workers)
        parts = [[np.zeros(g.shape) for g, s in zip(grads, shared, strict=False) if s] for _ in cuts]
        counter = itertools.count()

        def work() -> None:
            known: dict[Callable[..., Any], Any] = {}

            def run(kernel: Callable[..., Any], number: int, cut: slice) -> Any:
                """Run a kernel over samples of a block."""
                arrays = [x if a.shared else x[cut] for a, x in zip(self._arguments, batch.arrays, strict=True)]
                own = iter(parts[number])
                into = [next(own) if s else g[cut] for g, s in zip(grads, shared, strict=False)]
                arguments = (*arrays, *batch.parameters, *[x[cut] if each else x for x, each in given], *into)
                if kernel not in known:
                    known[kernel] = specialised(kernel, arguments)
                return known[kernel](*arguments)

            for number in counter:
                if number >= len(cuts):
                    return
                start, stop = cuts[number].start, cuts[number].stop
                if tried is not None:
                    start += run(tried, number, cuts[number])
                if start < stop:
                    run(kernel, number, slice(start, stop))

        if cuts:
            pool.run(work, min(workers, len(cuts)) - 1)
        own = [g for g, s in zip(grads, shared, strict=False) if s]
        for position, g in enumerate(own):
            g[...] = sum((part[position] for part in parts), np.zeros(g.shape)).astype(g.dtype)

    def _reduced(
        self, batch: RaggedBatch, losses: AnyArray, weights: AnyArray | None, divisor: float, reduction: str,
        infeasible: str, out: Any, name: str,
    ) -> Any:  # fmt: skip
        if weights is None and infeasible == "inf" and reduction != "none" and out is None:
            total = float(np.add.reduce(losses)) / divisor
            if batch.dtype == np.float64 or abs(total) < checks.FLOAT32_MAX:  # the usual one
                return batch.dtype.type(total)
        bad = losses == np.inf
        if infeasible != "inf" and bad.any():
            if infeasible == "raise":
                at = tuple(int(i) for i in np.unravel_index(int(np.argmax(bad)), batch.shape))
                raise ValueError(f"the sample at position {at} has no path: its targets do not fit into its inputs")
            losses[bad] = 0.0
        if weights is not None:
            with np.errstate(invalid="ignore"):  # 0 times infinity
                weighted = weights * losses
            losses = np.where((weights == 0.0) & ~np.isnan(losses), 0.0, weighted)
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


def _even_cuts(batch: RaggedBatch) -> list[slice]:
    """Return blocks that do not depend on the number of threads: sums over samples are in the order of blocks."""
    entries = max(1, math.prod(batch.arrays[0].shape[1:]))
    length = min(max(1, _ENTRIES // entries), max(1, -(-batch.count // 16)))
    return [slice(start, min(start + length, batch.count)) for start in range(0, batch.count, length)]


def _shrinking_cuts(count: int, workers: int) -> list[slice]:
    """Return blocks of half of what is left to each worker: few calls, and nobody waits long for the last one."""
    cuts, start, least = [], 0, max(1, count // (16 * workers))
    while start < count:
        stop = min(start + max(least, (count - start) // (2 * workers)), count)
        cuts.append(slice(start, stop))
        start = stop
    return cuts


def _factors(batch: RaggedBatch, weights: AnyArray | None, divisor: float) -> AnyArray:
    return (weights if weights is not None else np.ones(batch.count)) / divisor


def _samples(array: AnyArray, batch: RaggedBatch) -> AnyArray:
    """Return an array with one sample axis, the same memory where that is possible."""
    shape = (batch.count, *array.shape[len(batch.shape) :])
    return array.reshape(shape) if array.flags.c_contiguous else np.empty(shape, batch.dtype)


def _size(text: str, sizes: dict[str, int]) -> int:
    """Return the value of a sum of products of axes and whole numbers."""
    total = 0
    for term in re.split(r"\s*\+\s*", text):
        total += math.prod(sizes[f] if f in sizes else int(f) for f in term.split("*"))
    return total
