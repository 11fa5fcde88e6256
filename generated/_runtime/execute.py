"""Runs a block kernel over all blocks of a batch, on one thread or on several, to the same bits."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import threads as pool
from .batch import Batch
from .blocks import LONGEST, Sink, Source
from .checks import FLOAT32, AnyArray
from .reduce import combine, compensated_sum, pairwise_sum

_ONES = np.ones(LONGEST)  # the weights of samples that have none
_PARALLEL = 65536  # entries from which on several threads are faster than one, for all but the cheapest kernels

Kernel = Callable[..., bool]


def execute(
    kernel: Kernel,
    batch: Batch,
    scale: tuple[float, ...],
    rest: Sequence[Any],
    threads: int | None,
    *,
    losses: bool,
    summed: bool,
) -> tuple[bool, float]:
    """Run a kernel over a batch.

    Parameters
    ----------
    kernel : callable
        Called with inputs, constants, weights, ``scale``, losses and ``rest``; returns whether every target is
        inside its domain.
    batch : Batch
        The arguments.
    scale : tuple of float
        The factor of the derivatives, or nothing where the kernel computes none.
    rest : sequence
        What follows, with one sample axis: arrays, `Source` or `Sink`.
    threads : int or None
        How many threads may be used.
    losses : bool
        Whether the kernel writes losses that are no result; those that are one stand first in ``rest``.
    summed : bool
        Whether to sum those losses.

    Returns
    -------
    bool
        Whether every target is inside its domain.
    float
        The sum of the losses, or 0.
    """
    count, length = batch.count, batch.block
    if count == 0:
        return True, 0.0
    add = pairwise_sum if batch.dtype is FLOAT32 else compensated_sum
    if count <= length and batch.ready:
        weight = _ONES[:count] if batch.weight is None else batch.weight
        if losses:
            room = _borrow(count)
            terms = room[:count]
            inside = kernel(*batch.inputs, *batch.constants, weight, *scale, terms, *rest)
            total = add(terms) if summed else 0.0
            _return(room)
            return inside, total
        return kernel(*batch.inputs, *batch.constants, weight, *scale, *rest), 0.0
    work = _Blocks(kernel, batch, scale, rest, losses, add if summed else None)
    parallel = work.number > 1 and batch.entries >= _PARALLEL
    pool.run(work, min(pool.thread_count(threads), work.number) - 1 if parallel else 0)
    return work.inside, combine(work.sums) if summed else 0.0


class _Blocks:
    """The blocks of a batch.  Every thread that calls the object does some, until all are done."""

    def __init__(
        self,
        kernel: Kernel,
        batch: Batch,
        scale: tuple[float, ...],
        rest: Sequence[Any],
        losses: bool,
        add: Callable[[Any], float] | None,
    ) -> None:
        self._kernel = kernel
        self._batch = batch
        self._scale = scale
        self._rest = rest
        self._losses = losses
        self._add = add
        self.number = -(-batch.count // batch.block)
        self.sums = [0.0] * self.number
        self.inside = True
        self._next = itertools.count()

    def __call__(self) -> None:
        kernel, batch, scale, add = self._kernel, self._batch, self._scale, self._add
        length, constants = batch.block, batch.constants
        size = min(length, batch.count)
        inputs = [_open(operand, size) for operand in batch.inputs]
        rest = [_open(operand, size) for operand in self._rest]
        writers = [opened for opened, operand in zip(rest, self._rest, strict=True) if type(operand) is Sink]
        weights = None if batch.weight is None else _open(batch.weight, size)
        terms = _borrow(size) if self._losses else None
        for number in self._next:
            if number >= self.number or not self.inside:
                break
            cut = slice(number * length, min(number * length + length, batch.count))
            size = cut.stop - cut.start
            weight = _ONES[:size] if weights is None else weights[cut]
            own = () if terms is None else (terms[:size],)
            outputs = [a[cut] for a in rest]
            if not kernel(*[a[cut] for a in inputs], *constants, weight, *scale, *own, *outputs):
                self.inside = False
            for writer in writers:
                writer.flush(cut)
            if add is not None:
                self.sums[number] = add(*own)
        if terms is not None:
            _return(terms)


_rooms: list[AnyArray] = []  # for the losses of a block: fresh memory would cost a page fault every 512 of them
_SMALL = 4096
_KEPT = 16


def _borrow(size: int) -> AnyArray:
    """Return room for so many losses, or more, that is nobody else's until it is returned."""
    if size <= _SMALL:
        return np.empty(size)
    try:
        return _rooms.pop()
    except IndexError:
        return np.empty(LONGEST)


def _return(room: AnyArray) -> None:
    """Keep the room for another call."""
    if room.size == LONGEST and len(_rooms) < _KEPT:
        _rooms.append(room)


def _open(operand: Any, length: int) -> Any:
    """Give an array that is converted a buffer for the calling thread."""
    return operand.open(length) if isinstance(operand, (Source, Sink)) else operand
