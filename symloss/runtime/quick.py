"""The short way to a `Batch`, for arguments that a kernel can take as they are.

Most calls are right, and many are small: what costs a microsecond is worth leaving out.  Here a few cheap tests
decide whether *everything* is in order; if anything is not, or is only unusual, `Signature` takes the long way, which
knows how to convert arrays and what to say about mistakes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from numpy import ndarray

from .batch import Batch
from .blocks import SHORTER, block_length
from .checks import FLOAT32, FLOAT64, INT64
from .describe import Array, Interval, Labels
from .jit import called, kernel


@kernel
def _all_inside(values: Any, low: float, high: float) -> bool:
    """Whether no value is below ``low`` or above ``high``; NaN is neither."""
    outside = False
    for i in range(values.size):
        outside |= (values[i] < low) | (values[i] > high)
    return not outside


@kernel
def all_labels(labels: Any, start: int, stop: int) -> bool:
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
    expected : list of (int, int, int, bounds)
        For every argument its place, its shape, its dtype, and the bounds of labels and weights; None for the length
        of the inner axis.
    varying : int
        Number of arguments that vary with the sample.
    """

    def __init__(self, expected: list[tuple[int, int, int, Any]], varying: int) -> None:
        self._expected = expected
        self._varying = varying
        self._axes = 1 + (expected[0][1] == _ROWS)

    @staticmethod
    def of(arguments: tuple[Array, ...], over_sets: bool) -> Quick | None:
        """Return it for arguments that are simple enough, and None for others."""
        own = arguments[0].axes
        if over_sets or len(own) > 1 or any(a.axes not in ((), own) for a in arguments):
            return None
        expected: list[tuple[int, int, int, Any]] = []
        for place, argument in enumerate(arguments):
            domain = argument.domain
            if argument.role == "weight":
                if not argument.axes or not isinstance(domain, Interval) or domain.left_open or domain.right_open:
                    return None
                expected.append((place, _ROW, _SHARED, (float(domain.low), float(domain.high))))
                continue
            shape = _ROWS if argument.axes else _SAMPLES
            if isinstance(domain, Labels):
                if argument.axes:
                    return None
                ends = [None if isinstance(end, str) else end for end in (domain.start, domain.stop)]
                expected.append((place, shape, _LABEL, ends))
            else:
                expected.append((place, shape, _SHAPED if argument.role == "prediction" else _REAL, None))
        return Quick(expected, sum(a.role != "weight" for a in arguments))

    def bind(self, given: Sequence[Any], weight: Any) -> Batch | None:
        """Return a batch, without parameters, if all arguments are in order."""
        first = given[0]
        if type(first) is not ndarray:
            return None
        dtype = first.dtype
        shape = first.shape
        if (dtype is not FLOAT64 and dtype is not FLOAT32) or len(shape) != self._axes or 0 in shape:
            return None
        samples, inner, longest = (shape, (), 1) if self._axes == 1 else (shape[:1], shape[1:], shape[1])
        types = 1  # and a bit an argument
        for place, which, kind, bounds in self._expected:
            array = given[place]
            if type(array) is not ndarray or not array.flags.carray:
                return None
            if array.shape != (samples if which == _SAMPLES else shape if which == _ROWS else inner):
                return None
            double = array.dtype is FLOAT64
            types += types + double
            if kind <= _REAL:
                if array.dtype is not dtype and (kind == _SHAPED or not double):
                    return None
            elif kind == _SHARED:
                if not double or not called(_all_inside, 0, (array, *bounds)):
                    return None
            elif array.dtype is not INT64 or not _labels_inside(array, bounds, longest):
                return None
        if weight is not None:
            if type(weight) is not ndarray or weight.dtype is not FLOAT64 or weight.shape != samples:
                return None
            if not weight.flags.carray or not called(_all_inside, 0, (weight, 0.0, math.inf)):
                return None
        batch = Batch()
        batch.ready = True
        batch.types = types + types + (weight is None)
        batch.shape = samples
        batch.count = count = samples[0]
        batch.longest = longest
        batch.block = count if count * longest <= SHORTER else block_length(count, longest)
        batch.dtype = dtype
        batch.arrays = given
        if self._varying == len(given):
            batch.inputs, batch.constants = given, ()
        else:
            batch.inputs, batch.constants = given[: self._varying], tuple(given[self._varying :])
        batch.weight = batch.given_weight = weight
        batch.directions = ()
        return batch


def _labels_inside(labels: Any, bounds: tuple[int | None, int | None], longest: int) -> bool:
    """Whether the labels are in their range, one or both ends of which are the length of the inner axis."""
    start, stop = bounds
    within = (labels, longest if start is None else start, longest if stop is None else stop)
    return bool(called(all_labels, 0, within))
