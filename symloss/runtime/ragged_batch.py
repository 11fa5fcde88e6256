"""Padded arrays with lengths, checked and laid out for kernels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from . import checks
from .checks import AnyArray
from .describe import BATCH, REALS, REDUCTIONS, Array, Labels, Scalar
from .jit import called
from .quick import all_labels

INFEASIBLE = ("inf", "zero", "raise")
FUNCTIONS = ("value", "grad", "value_and_grad", "hvp", "posterior", "decode")


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
                "without": a.without,
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
        "functions": FUNCTIONS,
        "options": ({"name": "infeasible", "default": "inf", "choices": INFEASIBLE},),
        "reductions": REDUCTIONS,
        "over_sets": False,
    }


class RaggedBatch:
    """The arguments of one call, with one sample axis; as they came, all that results must not be written over."""

    shape: tuple[int, ...]
    count: int
    dtype: np.dtype[Any]
    sizes: dict[str, int]
    given: list[tuple[str, AnyArray]]
    arrays: list[AnyArray]
    parameters: tuple[Any, ...]


class RaggedSignature:
    """The arguments of a loss over a recurrence.

    Parameters
    ----------
    arguments : tuple of Ragged
        Predictions, then targets and lengths.
    parameters : tuple of Scalar or Whole
        What kernels get after the arrays.
    """

    def __init__(self, arguments: tuple[Ragged, ...], parameters: tuple[Scalar | Whole, ...]) -> None:
        self._arguments, self._parameters = arguments, parameters
        self.predictions = [a for a in arguments if a.role == "prediction"]

    def bind(self, given: Sequence[Any], parameters: Sequence[Any]) -> RaggedBatch:
        """Check the arguments of a call and lay them out; None stands for full lengths, and for unused targets."""
        batch, first = RaggedBatch(), next(a for a in self._arguments if not a.shared)
        arrays: list[Any] = [
            None
            if array is None and a.role == "target"
            else checks.as_array(a.name, array, floating=a.role == "prediction")
            for a, array in zip(self._arguments, given, strict=True)
        ]
        leading = arrays[self._arguments.index(first)]
        batch.dtype = checks.prediction_dtype(first.name, leading)
        if leading.ndim < len(first.axes):
            checks.too_few_axes(plain(first), leading)
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
        batch.given = [(a.name, x) for a, x in zip(self._arguments, arrays, strict=True) if x is not None]
        batch.arrays = [self._laid_out(a, array, batch) for a, array in zip(self._arguments, arrays, strict=True)]
        self._check_labels(batch)
        return batch

    def directions(self, batch: RaggedBatch, v: Any) -> list[tuple[Ragged, AnyArray]]:
        """Return what a Hessian is to be multiplied by, in float64."""
        items = (v,) if len(self.predictions) == 1 else v
        if not isinstance(items, tuple) or len(items) != len(self.predictions):
            names = ", ".join(p.name for p in self.predictions)
            raise TypeError(
                f"v: expected a tuple of {len(self.predictions)} arrays, for {names}; got {checks.type_name(v)}"
            )
        laid_out = []
        for p, (_, like), item in zip(self.predictions, tuple(batch.given), items, strict=False):
            array = checks.as_array("v", item, floating=True)
            checks.same_dtype("v", array, p.name, batch.dtype)
            if array.shape != like.shape:
                raise ValueError(f"v: expected the shape {like.shape} of {p.name}, got {array.shape}")
            batch.given.append(("v", array))
            shape = array.shape if p.shared else (batch.count, *array.shape[len(batch.shape) :])
            laid_out.append((p, np.ascontiguousarray(array, np.float64).reshape(shape)))
        return laid_out

    def _match(self, a: Ragged, array: AnyArray, batch: RaggedBatch, first: Ragged) -> None:
        if a.role == "prediction":
            checks.same_dtype(a.name, array, first.name, batch.dtype)
        elif a.cuts or a.labels:
            checks.integer_dtype(a.name, array)
        lead = 0 if a.shared else len(batch.shape)
        inner = array.shape[lead:]
        if len(inner) != len(a.axes) or (not a.shared and array.shape[:lead] != batch.shape):
            checks.wrong_shape(plain(a), array, plain(first), batch.shape, batch.sizes)
        for axis, size in zip(a.axes, inner, strict=True):
            base, extra = _split(axis)
            if size - extra < 0 or batch.sizes.setdefault(base, size - extra) != size - extra:
                checks.wrong_shape(plain(a), array, plain(first), batch.shape, batch.sizes)

    def _laid_out(self, a: Ragged, array: Any, batch: RaggedBatch) -> AnyArray:
        if a.cuts:
            full = batch.sizes[a.cuts]
            if array is None:
                if full < a.least:
                    raise ValueError(
                        f"{a.name}: expected at least {a.least} entries along the axis {a.cuts}, got {full}"
                    )
                return np.full(batch.count, full, np.int64)
            lengths = np.ascontiguousarray(array.reshape(-1), np.int64)
            if not called(all_labels, 0, (lengths, a.least, full + 1)):
                bad = (array < a.least) | (array > full)
                raise ValueError(f"{a.name}: expected lengths in {a.least}..{full}, got {checks._first(array, bad)}")
            return lengths
        if array is None:  # what paths do not depend on
            return np.zeros((batch.count, *(batch.sizes.get(axis, 0) for axis in a.axes)), np.int64)
        shape = array.shape if a.shared else (batch.count, *array.shape[len(batch.shape) :])
        if a.role == "prediction":
            return np.ascontiguousarray(array, batch.dtype).reshape(shape)
        kind = np.int64 if a.labels else np.float64
        return np.ascontiguousarray(array, kind).reshape(shape)

    def _check_labels(self, batch: RaggedBatch) -> None:
        """Raise for labels outside of their range, in what is no padding: kernels index with them."""
        lengths = {a.cuts: array for a, array in zip(self._arguments, batch.arrays, strict=True) if a.cuts}
        values = {p.name: v for p, v in zip(self._parameters, batch.parameters, strict=True)}
        for a, array in zip(self._arguments, batch.arrays, strict=True):
            if not a.labels:
                continue
            stop = batch.sizes[a.labels]
            if _surely_labels(array, stop, values[a.without] if a.without else None):
                continue
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


def plain(a: Ragged) -> Array:
    """Return the argument as messages about shapes want it."""
    return Array(a.name, "weight" if a.shared else a.role, a.axes)


def _split(axis: str) -> tuple[str, int]:
    base, _, extra = axis.partition("+")
    return base, int(extra or 0)


def _surely_labels(array: AnyArray, stop: int, without: int | None) -> bool:
    """Whether all entries are labels, padding included; False where that is not found fast."""
    start = 0
    if without == 0:
        start = 1
    elif without == stop - 1:
        stop -= 1
    elif without is not None:
        return False
    return bool(called(all_labels, 0, (array.reshape(-1), start, stop)))


def _whole(parameter: Whole, given: Any, sizes: dict[str, int]) -> int:
    if isinstance(given, (bool, np.bool_)) or not isinstance(given, (int, np.integer)):
        raise TypeError(f"{parameter.name}: expected an integer, got {checks.type_name(given)}")
    stop = sizes[parameter.axis]
    if not 0 <= given < stop:
        raise ValueError(f"{parameter.name}: expected a label in 0..{stop - 1}, got {given}")
    return int(given)
