"""The short way to a `Batch`, for arguments that a kernel can take as they are.

Most calls are right, and many are small: what costs a microsecond is worth leaving out.  Here a few cheap tests
decide whether *everything* is in order; if anything is not, or is only unusual, `Signature` takes the long way, which
knows how to convert arrays and what to say about mistakes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .batch import Batch
from .blocks import block_length
from .checks import FLOAT32, FLOAT64, INT64
from .describe import Array, Interval, Labels
from .jit import kernel


@kernel
def _all_inside(values: Any, low: float, high: float) -> bool:
    """Whether no value is below ``low`` or above ``high``; NaN is neither."""
    outside = False
    for i in range(values.size):
        outside |= (values[i] < low) | (values[i] > high)
    return not outside


@kernel
def _all_labels(labels: Any, start: int, stop: int) -> bool:
    """Whether start <= label < stop everywhere."""
    outside = False
    for i in range(labels.size):
        outside |= (labels[i] < start) | (labels[i] >= stop)
    return not outside


_SAMPLES, _ROWS, _ROW = range(3)  # an array with a sample axis, with that and the inner axis, with the latter alone
_SHAPED, _REAL, _LABEL, _SHARED = range(4)  # of the predictions' dtype, that or float64, int64, float64 for all samples


class Quick:
    """The shapes and dtypes to expect: at most one inner axis, one batch axis.

    Parameters
    ----------
    expected : list of (int, int, bounds)
        For every argument its shape, its dtype, and the bounds of labels and weights.
    varying : int
        Number of arguments that vary with the sample.
    """

    def __init__(self, expected: list[tuple[int, int, Any]], varying: int) -> None:
        self._expected = expected
        self._varying = varying
        self._axes = 1 + (expected[0][0] == _ROWS)

    @staticmethod
    def of(arguments: tuple[Array, ...], over_sets: bool) -> Quick | None:
        """Return it for arguments that are simple enough, and None for others."""
        own = arguments[0].axes
        if over_sets or len(own) > 1 or any(a.axes not in ((), own) for a in arguments):
            return None
        expected: list[tuple[int, int, Any]] = []
        for argument in arguments:
            domain = argument.domain
            if argument.role == "weight":
                if not argument.axes or not isinstance(domain, Interval) or domain.left_open or domain.right_open:
                    return None
                expected.append((_ROW, _SHARED, (domain.low, domain.high)))
                continue
            shape = _ROWS if argument.axes else _SAMPLES
            if isinstance(domain, Labels):
                if argument.axes:
                    return None
                expected.append((shape, _LABEL, (domain.start, domain.stop)))
            else:
                expected.append((shape, _SHAPED if argument.role == "prediction" else _REAL, None))
        return Quick(expected, sum(a.role != "weight" for a in arguments))

    def bind(self, given: Sequence[Any], weight: Any) -> Batch | None:
        """Return a batch, without parameters, if all arguments are in order."""
        first = given[0]
        if type(first) is not np.ndarray:
            return None
        dtype = first.dtype
        shape = first.shape
        if (dtype is not FLOAT64 and dtype is not FLOAT32) or len(shape) != self._axes or 0 in shape:
            return None
        samples, inner = shape[:1], shape[1:]
        for array, (which, kind, bounds) in zip(given, self._expected, strict=True):
            if type(array) is not np.ndarray or not array.flags.carray:
                return None
            if array.shape != (samples if which == _SAMPLES else shape if which == _ROWS else inner):
                return None
            if kind <= _REAL:
                if array.dtype is not dtype and (kind == _SHAPED or array.dtype is not FLOAT64):
                    return None
            elif kind == _SHARED:
                if array.dtype is not FLOAT64 or not _all_inside(array, *bounds):
                    return None
            elif array.dtype is not INT64 or not _labels_inside(array, bounds, inner):
                return None
        if weight is not None:
            if type(weight) is not np.ndarray or weight.dtype is not FLOAT64 or weight.shape != samples:
                return None
            if not weight.flags.carray or not _all_inside(weight, 0.0, np.inf):
                return None
        batch = Batch()
        batch.ready = True
        batch.shape = samples
        batch.count = samples[0]
        batch.longest = inner[0] if inner else 1
        batch.block = block_length(samples[0], batch.longest)
        batch.dtype = dtype
        batch.arrays = given
        batch.inputs, batch.constants = given[: self._varying], tuple(given[self._varying :])
        batch.weight = batch.given_weight = weight
        batch.directions = []
        return batch


def _labels_inside(labels: Any, bounds: tuple[int | str, int | str], inner: tuple[int, ...]) -> bool:
    """Whether the labels are in their range, one or both ends of which are the length of the inner axis."""
    start, stop = (inner[0] if isinstance(end, str) else end for end in bounds)
    return bool(_all_labels(labels, start, stop))
