"""Arrays cut into blocks of samples, in the layout that kernels want.

A kernel sees C-contiguous, aligned, writeable arrays of one dtype with a leading sample axis, so that Numba compiles
it once a dtype.  Arrays of that kind are sliced; `Source` and `Sink` convert all others a block at a time, in buffers
that belong to one thread, and look like arrays that are sliced.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from .checks import AnyArray

LONGEST = 65536  # entries in a block: what a thread computes between two visits to the interpreter
SHORTER = 8192  # the same in small batches, so that several threads find work
_FEW = 2**20
_ALIGNMENT = 64  # blocks start at whole cache lines where the array does


def block_length(count: int, row: int) -> int:
    """Return how many samples make a block: never a matter of the number of threads, or sums would be too.

    Parameters
    ----------
    count : int
        Number of samples.
    row : int
        Number of entries of the longest row of a sample.
    """
    longest = max(1, (SHORTER if count * row < _FEW else LONGEST) // row)
    if count <= longest:
        return max(count, 1)
    length = -(-count // -(-count // longest))  # equal blocks
    return min(longest, -(-length // _ALIGNMENT) * _ALIGNMENT)


def is_ready(array: AnyArray, dtype: np.dtype[Any]) -> bool:
    """Whether kernels can use the array, or slices of it, as it is."""
    return bool(array.flags.carray) and array.dtype == dtype


class Layout:
    """An array of any strides and dtype, seen as samples in C order.

    Parameters
    ----------
    array : ndarray
        Batch axes first.
    batch_axes : int
        How many.
    inner : tuple of int
        Shape of one sample for the kernel: that of the array, or the same number of entries along one axis.
    dtype : dtype
        That of the kernel's argument.
    """

    def __init__(self, array: AnyArray, batch_axes: int, inner: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.array = array
        self.batch = array.shape[:batch_axes]
        self.inner = inner
        self.dtype = dtype

    def _buffer(self, length: int) -> AnyArray:
        return np.empty((length, *self.inner), self.dtype)

    def _pairs(self, start: int, stop: int, buffer: AnyArray) -> Iterator[tuple[AnyArray, AnyArray]]:
        """Yield parts of the array and the parts of the buffer that hold the same entries."""
        entries = buffer.reshape(-1)
        done = 0
        for piece in _pieces(self.batch, start, stop):
            part = self.array[(*piece, ...)]
            yield part, entries[done : done + part.size].reshape(part.shape)
            done += part.size


class Source(Layout):
    """An input that is converted block by block."""

    def open(self, length: int) -> _Reader:
        """Return a reader with a buffer of its own for one thread."""
        return _Reader(self, self._buffer(length))


class Sink(Layout):
    """An output that is written block by block."""

    def open(self, length: int) -> _Writer:
        """Return a writer with a buffer of its own for one thread."""
        return _Writer(self, self._buffer(length))


class _Reader:
    def __init__(self, source: Source, buffer: AnyArray) -> None:
        self._source, self._buffer = source, buffer

    def __getitem__(self, cut: slice) -> AnyArray:
        block = self._buffer[: cut.stop - cut.start]
        for part, entries in self._source._pairs(cut.start, cut.stop, block):
            np.copyto(entries, part, casting="unsafe")
        return block


class _Writer:
    def __init__(self, sink: Sink, buffer: AnyArray) -> None:
        self._sink, self._buffer = sink, buffer

    def __getitem__(self, cut: slice) -> AnyArray:
        return self._buffer[: cut.stop - cut.start]

    def flush(self, cut: slice) -> None:
        """Write the block to where it belongs."""
        with np.errstate(all="ignore"):  # a float64 loss may overflow, or vanish, in float32
            for part, entries in self._sink._pairs(cut.start, cut.stop, self[cut]):
                np.copyto(part, entries, casting="same_kind")


def as_input(
    array: AnyArray, batch_axes: int, count: int, inner: tuple[int, ...], dtype: np.dtype[Any], block: int
) -> Any:
    """Return the array with one sample axis, or a `Source` where it has to be converted block by block."""
    if is_ready(array, dtype):
        return array if batch_axes == 1 and len(inner) == array.ndim - 1 else array.reshape((count, *inner))
    if count <= block:
        return array.astype(dtype, order="C").reshape((count, *inner))
    if array.flags.c_contiguous:
        array, batch_axes = array.reshape((count, *inner)), 1
    return Source(array, batch_axes, inner, dtype)


def as_output(array: AnyArray, batch_axes: int, count: int, inner: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """Return the array with one sample axis, or a `Sink` where the kernel cannot write to it."""
    array = np.asarray(array)  # of a subclass, such as a file in memory
    if is_ready(array, dtype):
        return array if batch_axes == 1 and len(inner) == array.ndim - 1 else array.reshape((count, *inner))
    return Sink(array, batch_axes, inner, dtype)


def _pieces(shape: tuple[int, ...], start: int, stop: int) -> Iterator[tuple[Any, ...]]:
    """Yield indices of rectangular parts that are, one after the other, the entries from start to stop in C order."""
    if not shape:
        yield ()
        return
    row = math.prod(shape[1:])
    first, begin = divmod(start, row)
    last, end = divmod(stop, row)
    if first == last:
        yield from ((first, *piece) for piece in _pieces(shape[1:], begin, end))
        return
    if begin:
        yield from ((first, *piece) for piece in _pieces(shape[1:], begin, row))
        first += 1
    if first < last:
        yield (slice(first, last),)
    if end:
        yield from ((last, *piece) for piece in _pieces(shape[1:], 0, end))
