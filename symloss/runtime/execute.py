"""Runs a block kernel over all blocks of a batch, on one thread or on several, to the same bits."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from typing import Any

from . import threads as pool
from .batch import Batch
from .blocks import Sink, Source
from .jit import called
from .reduce import combine

_WORTH = 2e-4  # seconds of work from which on another thread helps: to wake one takes about half of that

Kernel = Callable[..., Any]


def execute(
    kernel: Kernel,
    batch: Batch,
    scale: tuple[float, ...],
    rest: Sequence[Any],
    threads: int | None,
    *,
    summed: bool,
) -> tuple[bool, float]:
    """Run a kernel over a batch.

    Parameters
    ----------
    kernel : callable
        Called with inputs, constants, weights, ``scale`` and ``rest``; returns whether every target is inside its
        domain, and with it the sum of the losses if ``summed``.
    batch : Batch
        The arguments.
    scale : tuple of float
        The factor of the derivatives, or nothing where the kernel computes none.
    rest : sequence
        What follows, with one sample axis: arrays, `Source` or `Sink`.
    threads : int or None
        How many threads may be used.
    summed : bool
        Whether the kernel returns a sum.

    Returns
    -------
    bool
        Whether every target is inside its domain.
    float
        The sum of the losses, or 0.
    """
    if batch.count == 0:
        return True, 0.0
    if batch.count <= batch.block and batch.ready:
        arguments = (*batch.inputs, *batch.constants, batch.weight, *scale, *rest)
        result = called(kernel, batch.types, arguments)
        return result if summed else (result, 0.0)
    work = _Blocks(kernel, batch, scale, rest, summed)
    helpers = min(pool.thread_count(threads), work.number) - 1
    if helpers:
        start = time.perf_counter()
        work(1)
        left = (time.perf_counter() - start) * (work.number - 1)
        helpers = helpers if left > _WORTH else 0
    pool.run(work, helpers)
    return work.inside, combine(work.sums) if summed else 0.0


class _Blocks:
    """The blocks of a batch.  Every thread that calls the object does some, until all are done."""

    def __init__(
        self, kernel: Kernel, batch: Batch, scale: tuple[float, ...], rest: Sequence[Any], summed: bool
    ) -> None:
        self._kernel = kernel
        self._batch = batch
        self._scale = scale
        self._rest = rest
        self._summed = summed
        self.number = -(-batch.count // batch.block)
        self.sums = [0.0] * self.number
        self.inside = True
        self._next = itertools.count()

    def __call__(self, most: int | None = None) -> None:
        """Compute the blocks that nobody else computes, or so many of them."""
        kernel, batch, scale, summed = self._kernel, self._batch, self._scale, self._summed
        length, constants = batch.block, batch.constants
        size = min(length, batch.count)
        inputs = [_open(operand, size) for operand in batch.inputs]
        rest = [_open(operand, size) for operand in self._rest]
        writers = [opened for opened, operand in zip(rest, self._rest, strict=True) if type(operand) is Sink]
        weights = None if batch.weight is None else _open(batch.weight, size)
        for number in itertools.islice(self._next, most):
            if number >= self.number or not self.inside:
                break
            cut = slice(number * length, min(number * length + length, batch.count))
            weight = None if weights is None else weights[cut]
            arguments = (*[a[cut] for a in inputs], *constants, weight, *scale, *[a[cut] for a in rest])
            result = called(kernel, batch.types, arguments)
            if summed:
                inside, self.sums[number] = result
            else:
                inside = result
            if not inside:
                self.inside = False
            for writer in writers:
                writer.flush(cut)


def _open(operand: Any, length: int) -> Any:
    """Give an array that is converted a buffer for the calling thread."""
    return operand.open(length) if isinstance(operand, (Source, Sink)) else operand
