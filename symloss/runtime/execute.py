"""Runs a block kernel over all blocks of a batch, on one thread or on several, to the same bits."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

from numpy import empty, ndarray

from . import threads as pool
from .batch import Batch
from .blocks import Sink
from .crew import HAS_SEMAPHORES
from .jit import Compiled
from .over_blocks import run_blocks
from .reduce import combine

_WORTH = 2e-4  # seconds of work from which on another thread helps: to wake one takes about half of that
_WORTH_ASLEEP, _WORTH_AWAKE = 1.2e-4, 3e-5  # the same for one that waits in compiled code, and sleeps or is awake
_SOON = 3e-5  # seconds after a call in which those who wait are awake, or would be if they had had a part in it
_UNKNOWN = 4  # threads for a kernel of which nobody knows how long it takes
_MOST = 2**20  # entries that a thread computes between two visits to the interpreter
_CONVERTED = 2**15  # the same, of all threads together, where something is converted before: in buffers
_SHARE = 2 / 3  # of what is left for a thread, which it takes as its next piece, so that all end at about the same time

_UNUSED = empty(1)  # of a single block the sum is returned

Kernel = Callable[..., Any]

_ended = [-math.inf]  # when the last call ended that another thread could have helped with
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
    if batch.ready and batch.count <= batch.block:
        return _execute_ready(kernel, batch, scale, rest, summed)
    expected = batch.count * batch.longest * _pace.get((kernel, batch.types), math.inf)
    try:
        if HAS_SEMAPHORES and batch.ready and isinstance(kernel, Compiled):
            most = _threads(batch, threads, expected, by_crew=True)
            found = _execute_together(kernel, batch, scale, rest, summed, most - 1) if most > 1 else None
            if found is not None:
                return found
        return _execute_blocks(kernel, batch, scale, rest, summed, threads, expected)
    finally:
        if expected >= _WORTH_AWAKE and threads != 1:
            _ended[0] = time.perf_counter()


def _threads(batch: Batch, asked: int | None, expected: float, by_crew: bool) -> int:
    """Return how many threads are worth having: each takes the caller time to call."""
    worth = _WORTH
    if by_crew:
        worth = _WORTH_AWAKE if time.perf_counter() - _ended[0] < _SOON else _WORTH_ASLEEP
    if expected <= worth:
        return 1
    most = min(pool.thread_count(asked), -(-batch.count // batch.block))
    return min(most, _UNKNOWN if expected == math.inf else int(2 * expected / worth))


def _execute_blocks(
    kernel: Kernel,
    batch: Batch,
    scale: tuple[float, ...],
    rest: Sequence[Any],
    summed: bool,
    threads: int | None,
    expected: float,
) -> tuple[bool, float]:
    """Run a kernel over several blocks, with others that wait in Python where these help."""
    key, entries = (kernel, batch.types), batch.count * batch.longest
    most = _threads(batch, threads, expected, by_crew=False)
    if most == 1 and batch.ready and entries <= _MOST:
        return _execute_ready(kernel, batch, scale, rest, summed)
    work = _Blocks(kernel, batch, scale, rest, summed)
    if most > 1 and expected == math.inf:
        work(1)
        expected = work.pace * (entries - batch.block * batch.longest)
        most = _threads(batch, threads, expected, by_crew=False)
    work.share(most)
    pool.run(work, most - 1)
    _pace[key] = min(work.pace, _pace.get(key, math.inf))
    return work.inside, combine(work.sums.tolist()) if summed else 0.0


def _execute_ready(
    kernel: Kernel, batch: Batch, scale: tuple[float, ...], rest: Sequence[Any], summed: bool, desk: int = 0
) -> tuple[bool, float]:
    """Run a kernel over a batch of which nothing has to be converted, in one call; with a crew if there is its desk."""
    count, length = batch.count, batch.block
    if not summed:
        sums, length = None, length if desk else count
    elif count <= length:
        sums = _UNUSED
    else:
        sums = empty(-(-count // length))
    arguments = (count, length, sums, desk, *batch.inputs, *batch.constants, batch.weight, *scale, *rest)
    result = run_blocks(kernel, arguments, batch, scale)
    if sums is None:
        return result, 0.0
    return result if sums is _UNUSED else (result[0], combine(sums.tolist()))


def _execute_together(
    kernel: Compiled, batch: Batch, scale: tuple[float, ...], rest: Sequence[Any], summed: bool, helpers: int
) -> tuple[bool, float] | None:
    """Run a kernel over such a batch with the crew; return None if there is none to be had, or too much to do."""
    crew, key, entries = pool.crew(), (kernel, batch.types), batch.count * batch.longest
    new, desk = kernel.loaded + kernel.compiled, crew.take(helpers)
    if not desk:
        return None
    try:
        if entries > (1 + crew.seats) * _MOST:
            return None
        start = time.perf_counter()
        result = _execute_ready(kernel, batch, scale, rest, summed, desk)
        if kernel.loaded + kernel.compiled == new:  # what it takes to get a kernel ready says nothing
            pace = (1 + crew.came()) * (time.perf_counter() - start) / entries
            _pace[key] = min(pace, _pace.get(key, math.inf))
        return result
    finally:
        crew.give_back()


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
        self.sums = empty(self.number)
        self.inside = True
        self.pace = math.inf  # seconds an entry, of the thread that was the fastest
        self._most = 1  # blocks of one call
        self._pieces = iter([(number, number + 1) for number in range(self.number)])  # blocks of each call

    def share(self, threads: int) -> None:
        """Compute neighbouring blocks in one call from now on.

        To call a kernel takes ten microseconds behind a block that filled the cache, as long as a block of what costs
        nothing to compute.
        """
        entries = _MOST if self._batch.ready else _CONVERTED // threads
        self._most = max(1, entries // (self._batch.block * self._batch.longest))
        start, _ = next(self._pieces, (self.number, 0))
        self._pieces = iter(_pieces(start, self.number, threads, self._most))

    def __call__(self, most: int | None = None) -> None:
        """Compute the blocks that nobody else computes, or so many of them."""
        kernel, batch, scale, summed = self._kernel, self._batch, self._scale, self._summed
        length, constants, inputs, rest, weights = batch.block, batch.constants, batch.inputs, self._rest, batch.weight
        writers: list[Any] = []
        if not batch.ready:
            size = min(self._most * length, batch.count)
            inputs, rest = [_open(a, size) for a in inputs], [_open(a, size) for a in rest]
            weights = None if weights is None else _open(weights, size)
            writers = [opened for opened, operand in zip(rest, self._rest, strict=True) if type(operand) is Sink]
        start, done = time.perf_counter(), 0
        for first, last in itertools.islice(self._pieces, most):
            if not self.inside:
                break
            cut = slice(first * length, min(last * length, batch.count))
            weight = None if weights is None else weights[cut]
            count = cut.stop - cut.start
            how = (count, length, self.sums[first:], 0) if summed else (count, count, None, 0)
            arguments = (*how, *[a[cut] for a in inputs], *constants, weight, *scale, *[a[cut] for a in rest])
            inside = run_blocks(kernel, arguments, batch, scale)
            if not (inside[0] if summed else inside):
                self.inside = False
            for writer in writers:
                writer.flush(cut)
            done += count
        if done:
            self.pace = min(self.pace, (time.perf_counter() - start) / (done * batch.longest))


def _pieces(start: int, stop: int, threads: int, most: int) -> list[tuple[int, int]]:
    """Return the first block of each piece, and the one behind its last; the more is left, the longer they are."""
    pieces = []
    while start < stop:
        share = stop - start if threads == 1 else int(_SHARE * (stop - start)) // threads
        pieces.append((start, start := start + max(1, min(most, share))))
    return pieces


def _open(operand: Any, length: int) -> Any:
    """Give an array that is converted a buffer for the calling thread."""
    return operand if type(operand) is ndarray else operand.open(length)
