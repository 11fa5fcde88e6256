"""The arguments of one call, checked and laid out as kernels want them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .checks import AnyArray


class Batch:
    """What the kernels are called with, whatever is to be computed.

    Attributes
    ----------
    shape : tuple of int
        The batch axes.  A batch of sample sets is one sample: ``()``.
    count : int
        Number of samples.
    dtype : dtype
        That of the predictions, and of the results.
    arrays : sequence of ndarray
        The array arguments as they came, for messages and for the search for overlaps.
    inputs : sequence
        Those that vary with the sample, with one sample axis: arrays, or `blocks.Source`.
    constants : tuple
        Those that all samples share, then the parameters, then how long rows are if kernels ask for it.
    weight : ndarray, Source or None
        The weights of the samples, float64.
    given_weight : ndarray or None
        The same as it came.
    directions : sequence of ndarray
        What a Hessian is to be multiplied by, as it came.
    block : int
        Number of samples in a block.
    longest : int
        Number of entries of the longest row of a sample.
    types : int
        Different for kernel arguments of different types, in calls of one loss.
    ready : bool
        Whether there is nothing to convert, so that a single block needs no buffers.
    """

    __slots__ = (
        "arrays",
        "block",
        "constants",
        "count",
        "directions",
        "dtype",
        "given_weight",
        "inputs",
        "longest",
        "ready",
        "shape",
        "types",
        "weight",
    )

    shape: tuple[int, ...]
    count: int
    dtype: np.dtype[Any]
    arrays: Sequence[AnyArray]
    inputs: Sequence[Any]
    constants: tuple[Any, ...]
    weight: Any
    given_weight: AnyArray | None
    directions: Sequence[AnyArray]
    block: int
    longest: int
    types: int
    ready: bool

    def without_arguments(self) -> Batch:
        """Return the same samples with nothing but their weights."""
        batch = Batch()
        batch.count, batch.block, batch.longest = self.count, self.block, self.longest
        batch.dtype, batch.weight, batch.types = self.dtype, self.weight, 0
        batch.inputs, batch.constants, batch.ready = (), (), type(self.weight) is np.ndarray
        return batch
