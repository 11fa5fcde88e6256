"""Runs a block kernel over all blocks of a batch, on one thread or on several, to the same bits."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

from numpy import ndarray

from . import threads as pool
from .batch import Batch
from .blocks import Sink
from .jit import called
from .reduce import combine

_WORTH = 2e-4  # seconds of work from which on another thread helps: to wake one takes about half of that
_MOST = 2**20  # entries between two visits to the interpreter
_SHARES = 4  # pieces of the work that a thread computes one after the other, so that all end at about the same time

Kernel = Callable[..., Any]

_pace: dict[tuple[Kernel, int], float] = {}  # seconds an entry as measured, by kernel and types of its arguments


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
    if batch.ready and (batch.count <= batch.block or (not summed and _is_alone(kernel, batch, threads))):
        arguments = (*batch.inputs, *batch.constants, batch.weight, *scale, *rest)
        result = called(kernel, batch.types, arguments)
        return result if summed else (result, 0.0)
    key = kernel, batch.types
    entries = batch.count * batch.longest
    expected = entries * _pace.get(key, math.inf)
    work = _Blocks(kernel, batch, scale, rest, summed)
    helpers = min(pool.thread_count(threads), work.number) - 1
    if helpers and expected == math.inf:
        work(1)
        expected = work.pace * (entries - batch.block * batch.longest)
    helpers = helpers if expected > _WORTH else 0
    work.gather(helpers + 1)
    pool.run(work, helpers)
    _pace[key] = min(work.pace, _pace.get(key, math.inf))
    return work.inside, combine(work.sums) if summed else 0.0


def _is_alone(kernel: Kernel, batch: Batch, threads: int | None) -> bool:
    """Whether one thread computes everything between two visits to the interpreter."""
    entries = batch.count * batch.longest
    expected = entries * _pace.get((kernel, batch.types), math.inf)
    return entries <= _MOST and (expected < _WORTH or pool.thread_count(threads) == 1)


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
        self.pace = math.inf  # seconds an entry, of the thread that was the fastest
        self._together = 1  # blocks that are computed in one call
        self._next = iter(range(self.number))

    def gather(self, threads: int) -> None:
        """Compute neighbouring blocks in one call from now on, where each sample is by itself, and nothing converted.

        To call a kernel takes some microseconds, as long as a block of what costs nothing to compute.
        """
        if self._summed or not self._batch.ready:
            return
        most = _MOST // (self._batch.block * self._batch.longest)
        self._together = max(1, most if threads == 1 else min(most, self.number // (_SHARES * threads)))
        self._next = iter(range(next(self._next, self.number), self.number, self._together))

    def __call__(self, most: int | None = None) -> None:
        """Compute the blocks that nobody else computes, or so many of them."""
        kernel, batch, scale, summed = self._kernel, self._batch, self._scale, self._summed
        length, constants, together = batch.block, batch.constants, self._together
        size = min(length, batch.count)
        inputs = [_open(operand, size) for operand in batch.inputs]
        rest = [_open(operand, size) for operand in self._rest]
        writers = [opened for opened, operand in zip(rest, self._rest, strict=True) if type(operand) is Sink]
        weights = None if batch.weight is None else _open(batch.weight, size)
        start, done = time.perf_counter(), 0
        for number in itertools.islice(self._next, most):
            if not self.inside:
                break
            cut = slice(number * length, min((number + together) * length, batch.count))
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
            done += cut.stop - cut.start
        if done:
            self.pace = min(self.pace, (time.perf_counter() - start) / (done * batch.longest))


def _open(operand: Any, length: int) -> Any:
    """Give an array that is converted a buffer for the calling thread."""
    return operand if type(operand) is ndarray else operand.open(length)
