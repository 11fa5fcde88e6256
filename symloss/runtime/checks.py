"""What may come in, and the errors for everything else: each names the argument, what came, what was expected."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .describe import REDUCTIONS, Array, Domain, Interval, Labels, Scalar

AnyArray = np.ndarray[Any, np.dtype[Any]]
FLOAT32_MAX = 3.4e38  # about; beyond it the conversion of a float64 warns
FLOAT32, FLOAT64, INT64 = np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.int64)
_FLOATS = "an array of float32 or float64"
_REALS = "an array of bool, integers, float32 or float64"
_INTEGERS = "an array of integers"
_OVERLAP_WORK: Any = 100_000  # steps that numpy.shares_memory may take; beyond them arrays count as overlapping


def as_array(name: str, given: Any, *, floating: bool = False) -> AnyArray:
    """Return what was given as a plain array: arrays as they are, numbers with no axes.

    With ``floating``, a Python int is read as a float64.
    """
    if type(given) is np.ndarray:
        return given
    if isinstance(given, np.ma.MaskedArray):
        raise TypeError(f"{name}: expected a plain array, got a masked one; its mask would be ignored")
    if isinstance(given, (np.ndarray, np.generic)):
        return np.asarray(given)
    if isinstance(given, (bool, int, float)):
        if floating and not isinstance(given, bool):
            return np.asarray(as_float(name, given))
        return np.asarray(given)
    raise TypeError(f"{name}: expected a NumPy array or a number, got {type_name(given)}; see numpy.asarray")


def as_float(name: str, given: Any) -> float:
    """Return a number as a float; raise for one that has none."""
    try:
        return float(given)
    except OverflowError:
        raise ValueError(f"{name}: the integer {str(given)[:20]}... is too large for a float") from None


def type_name(given: Any) -> str:
    """Return the type of something as messages show it."""
    kind = type(given)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def is_float(dtype: np.dtype[Any]) -> bool:
    """Whether it is float32 or float64, in any byte order."""
    return dtype.kind == "f" and dtype.itemsize in (4, 8)


def prediction_dtype(argument: str, array: AnyArray) -> np.dtype[Any]:
    """Return the dtype of a prediction, in the byte order of this machine."""
    if not is_float(array.dtype):
        raise TypeError(f"{argument}: expected {_FLOATS}, got dtype {array.dtype}")
    return FLOAT32 if array.dtype.itemsize == 4 else FLOAT64


def same_dtype(argument: str, array: AnyArray, first: str, dtype: np.dtype[Any]) -> None:
    """Raise if the array differs from the first prediction in its dtype."""
    if prediction_dtype(argument, array) != dtype:
        raise TypeError(f"{argument}: expected dtype {dtype}, that of {first}, got {array.dtype}")


def real_dtype(argument: str, array: AnyArray) -> None:
    """Raise if the dtype is not one that targets and weights may have."""
    if array.dtype.kind not in "biu" and not is_float(array.dtype):
        raise TypeError(f"{argument}: expected {_REALS}, got dtype {array.dtype}")


def integer_dtype(argument: str, array: AnyArray) -> None:
    """Raise if the dtype is not one that labels may have."""
    if array.dtype.kind not in "iu":
        raise TypeError(f"{argument}: expected {_INTEGERS}, got dtype {array.dtype}")


def wrong_shape(argument: Array, array: AnyArray, first: Array, batch: tuple[int, ...], sizes: dict[str, int]) -> Any:
    """Raise for a shape that is not the batch's with the argument's axes behind."""
    own = () if argument.role == "weight" else batch
    expected = _show_shape((*own, *(str(sizes.get(axis, axis)) for axis in argument.axes)))
    parts = []
    if argument.role != "weight":
        parts.append(f"the batch shape {_show_shape(batch)} of {first.name}")
    if argument.axes:
        parts.append("the axes " + ", ".join(_show_axis(axis, sizes) for axis in argument.axes))
    raise ValueError(f"{argument.name}: expected shape {expected} ({' and '.join(parts)}), got {array.shape}")


def too_few_axes(argument: Array, array: AnyArray) -> Any:
    """Raise for an array that lacks the argument's own axes."""
    expected = _show_shape(("...", *argument.axes))
    raise ValueError(f"{argument.name}: expected shape {expected}, got {array.shape}, which has too few axes")


def empty_axis(argument: Array, array: AnyArray, axis: str) -> Any:
    """Raise for an inner axis without entries."""
    raise ValueError(f"{argument.name}: expected at least one entry along the axis {axis}, got shape {array.shape}")


def _show_shape(shape: Sequence[Any]) -> str:
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"


def _show_axis(axis: str, sizes: dict[str, int]) -> str:
    return f"{axis} = {sizes[axis]}" if axis in sizes else axis


def check_parameter(parameter: Scalar, given: Any) -> float:
    """Return the parameter as a float; raise for NaN, infinities, and what lies outside its domain."""
    domain = parameter.domain
    if given is parameter.default or (
        type(given) is float and isinstance(domain, Interval) and domain.low < given < domain.high
    ):
        return float(given)
    if isinstance(given, (bool, np.bool_)) or not isinstance(given, (int, float, np.integer, np.floating)):
        raise TypeError(f"{parameter.name}: expected a number, got {type_name(given)}")
    value = as_float(parameter.name, given)
    if not math.isfinite(value) or domain.outside(np.asarray(value)).any():
        raise ValueError(f"{parameter.name}: expected a finite number in {domain}, got {given}")
    return value


def check_reduction(reduction: Any) -> None:
    """Raise for a reduction that does not exist."""
    if not isinstance(reduction, str) or reduction not in REDUCTIONS:
        choices = ", ".join(map(repr, REDUCTIONS))
        raise ValueError(f"reduction: expected one of {choices}, got {reduction!r}")


def check_labels(argument: Array, array: AnyArray, sizes: dict[str, int]) -> None:
    """Raise if a label is outside its range: kernels index with labels, and nothing checks them there."""
    domain = argument.domain
    assert isinstance(domain, Labels)
    start = domain.start if isinstance(domain.start, int) else sizes[domain.start]
    stop = domain.stop if isinstance(domain.stop, int) else sizes[domain.stop]
    if array.size == 0:
        return
    low, high = int(np.minimum.reduce(array, axis=None)), int(np.maximum.reduce(array, axis=None))
    if start <= low and high < stop:
        return
    bad = np.asarray((array < start) | (array >= stop))
    raise ValueError(f"{argument.name}: expected labels in {start}..{stop - 1}, got {_first(array, bad)}")


def check_weights(name: str, array: AnyArray, domain: Domain) -> None:
    """Raise if a weight is outside its domain; NaN passes."""
    if array.size == 0 or _surely_inside(array, domain):
        return
    bad = domain.outside(array) if not isinstance(domain, Labels) else np.zeros(array.shape, bool)
    if bad.any():
        raise ValueError(f"{name}: expected weights in {domain}, got {_first(array, bad)}")


def _surely_inside(array: AnyArray, domain: Domain) -> bool:
    """Whether the two ends of the values, which are found fast, say already that all are inside."""
    if not isinstance(domain, Interval) or domain.left_open or domain.right_open:
        return False
    above = bool(np.minimum.reduce(array, axis=None) >= domain.low)
    return above and (domain.high == math.inf or bool(np.maximum.reduce(array, axis=None) <= domain.high))


def outside_domain(arguments: Iterable[Array], arrays: Iterable[AnyArray]) -> Any:
    """Raise for the target that made a kernel report that some target was outside its domain."""
    targets = []
    for argument, array in zip(arguments, arrays, strict=True):
        if argument.role != "target" or isinstance(argument.domain, Labels):
            continue
        bad = argument.domain.outside(array)
        if bad.any():
            raise ValueError(f"{argument.name}: expected values in {argument.domain}, got {_first(array, bad)}")
        targets.append(f"{argument.name} in {argument.domain}")
    raise ValueError(f"expected {' and '.join(targets)}; some value rounds to one outside")


def _first(array: AnyArray, bad: AnyArray) -> str:
    """Describe the first bad entry by its value and its position."""
    position = tuple(int(i) for i in np.unravel_index(int(np.argmax(bad)), array.shape))
    return f"{array[position]}" + (f" at position {_show_shape(position)}" if position else "")


def check_out(name: str, out: Any, shape: tuple[int, ...], dtype: np.dtype[Any], what: str) -> AnyArray:
    """Return the array that a result is to be written to; raise if it cannot be."""
    if not isinstance(out, np.ndarray) or isinstance(out, np.ma.MaskedArray):
        raise TypeError(f"{name}: expected an array for {what}, got {type_name(out)}")
    if out.dtype != dtype:
        raise TypeError(f"{name}: expected dtype {dtype} for {what}, got {out.dtype}")
    if out.shape != shape:
        raise ValueError(f"{name}: expected shape {shape} for {what}, got {out.shape}")
    if not out.flags.writeable:
        raise ValueError(f"{name}: expected an array that can be written to for {what}, got a read-only one")
    if not out.flags.c_contiguous and any(n > 1 and step == 0 for n, step in zip(shape, out.strides, strict=True)):
        raise ValueError(f"{name}: expected an array whose entries lie apart, got one with strides {out.strides}")
    return out


def check_overlap(name: str, out: AnyArray, others: Iterable[tuple[str, AnyArray]]) -> None:
    """Raise if the result would be written over an input or over another result."""
    for other_name, other in others:
        if np.may_share_memory(out, other) and _shares(out, other):
            raise ValueError(f"{name}: expected memory of its own, got an array that overlaps {other_name}")


def _shares(a: AnyArray, b: AnyArray) -> bool:
    try:
        return np.shares_memory(a, b, max_work=_OVERLAP_WORK)
    except np.exceptions.TooHardError:
        return True
