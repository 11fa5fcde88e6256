"""The declared arguments of a loss, against which every call is checked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import checks
from .batch import Batch
from .blocks import Source, as_input, block_length, is_ready
from .checks import FLOAT32, FLOAT64, INT64, AnyArray
from .describe import Array, Interval, Labels, Scalar
from .quick import Quick

_NOT_NEGATIVE = Interval(0.0, math.inf)
_LARGEST_WHOLE = 2.0**24  # up to which all whole numbers are float32


class Signature:
    """The declared arguments of a loss, which turn what a caller gives into a `Batch`."""

    def __init__(
        self, arguments: tuple[Array, ...], parameters: tuple[Scalar, ...], over_sets: bool, short: int | None = None
    ) -> None:
        self.arguments = arguments
        self.names = tuple(a.name for a in arguments)
        self.parameters = parameters
        self.over_sets = over_sets
        self._short = short  # entries of the longest rows that kernels take for short ones, if they ask
        self.predictions = tuple(a for a in arguments if a.role == "prediction")
        self._varying = sum(a.role != "weight" for a in arguments)
        self._quick = Quick.of(arguments, over_sets)
        # Numbers between these are what they should be; all others get a closer look.
        domains = [p.domain for p in parameters]
        self._between = [(d.low, d.high) if isinstance(d, Interval) else (math.inf, math.inf) for d in domains]

    def bind(self, given: Sequence[Any], parameters: Sequence[Any], weight: Any) -> Batch:
        """Check all that was given and lay it out.

        Raises
        ------
        TypeError, ValueError
            For anything that is not as declared; see `checks`.
        """
        batch = self._quick.bind(given, weight) if self._quick is not None else None
        if batch is None:
            batch = self._bind_any(given, weight)
        if self.parameters:
            batch.constants += self._numbers(parameters)
        if self._short is not None:
            short = batch.longest <= self._short
            batch.constants += (True, None) if short else (None, True)
            batch.types += batch.types + short
        return batch

    def _bind_any(self, given: Sequence[Any], weight: Any) -> Batch:
        batch = Batch()
        batch.arrays = arrays = [
            array if type(array) is np.ndarray else checks.as_array(a.name, array, floating=a.role == "prediction")
            for array, a in zip(given, self.arguments, strict=True)
        ]
        first, leading = self.arguments[0], arrays[0]
        dtype = leading.dtype
        if dtype is not FLOAT64 and dtype is not FLOAT32:
            dtype = checks.prediction_dtype(first.name, leading)
        batch.dtype = dtype
        if self.over_sets:
            batch.shape, batch.count, batch.block = (), 1, 1
        else:
            batch.shape = self._batch_shape(leading)
            batch.count = math.prod(batch.shape)
        sizes: dict[str, int] = {}
        inners = self._match_shapes(arrays, batch.shape, sizes)
        batch.longest = max(sizes.values(), default=1)
        if not self.over_sets:
            batch.block = block_length(batch.count, batch.longest)
        operands = [
            self._operand(argument, array, inner, batch, sizes)
            for argument, array, inner in zip(self.arguments, arrays, inners, strict=True)
        ]
        batch.inputs = operands[: self._varying]
        batch.constants = tuple(operands[self._varying :])
        batch.given_weight = batch.weight = None
        batch.directions = ()
        if weight is not None:
            self._bind_weight(batch, weight)
        batch.ready = not any(isinstance(operand, Source) for operand in (*batch.inputs, batch.weight))
        batch.types = 1
        for operand in operands:
            batch.types += batch.types + (operand.dtype == FLOAT64)
        batch.types += batch.types + (weight is None)
        return batch

    def _batch_shape(self, leading: AnyArray) -> tuple[int, ...]:
        first = self.arguments[0]
        own = len(first.axes)
        if leading.ndim < own:
            checks.too_few_axes(first, leading)
        return leading.shape[: leading.ndim - own]

    def _match_shapes(
        self, arrays: list[AnyArray], batch: tuple[int, ...], sizes: dict[str, int]
    ) -> list[tuple[int, ...]]:
        """Return the shape of a sample of every argument; fill in the sizes of the axes."""
        if self.over_sets:
            return self._match_sets(arrays)
        inners: list[tuple[int, ...]] = []
        lead = len(batch)
        for argument, array in zip(self.arguments, arrays, strict=True):
            shape = array.shape
            if not argument.axes and argument.role != "weight":
                if shape != batch:
                    checks.wrong_shape(argument, array, self.arguments[0], batch, sizes)
                inners.append(())
                continue
            start = 0 if argument.role == "weight" else lead
            inner = shape[start:]
            if len(inner) != len(argument.axes) or shape[:start] != batch[:start]:
                checks.wrong_shape(argument, array, self.arguments[0], batch, sizes)
            for axis, size in zip(argument.axes, inner, strict=True):
                if size == 0:
                    checks.empty_axis(argument, array, axis)
                if sizes.setdefault(axis, size) != size:
                    checks.wrong_shape(argument, array, self.arguments[0], batch, sizes)
            inners.append(inner)
        return inners

    def _match_sets(self, arrays: list[AnyArray]) -> list[tuple[int, ...]]:
        """Let every array be one row; arguments of one set must agree in their shapes."""
        shapes: dict[str, tuple[Array, tuple[int, ...]]] = {}
        for argument, array in zip(self.arguments, arrays, strict=True):
            for axis in argument.axes:
                other, shape = shapes.setdefault(axis, (argument, array.shape))
                if shape != array.shape:
                    raise ValueError(
                        f"{argument.name}: expected shape {shape}, that of {other.name} in the same set, "
                        f"got {array.shape}"
                    )
        return [(array.size,) for array in arrays]

    def _operand(
        self, argument: Array, array: AnyArray, inner: tuple[int, ...], batch: Batch, sizes: dict[str, int]
    ) -> Any:
        """Check the dtype and what must be checked before a kernel runs; lay the array out."""
        if argument.role == "prediction":
            dtype = batch.dtype
            if array.dtype is not dtype:
                checks.same_dtype(argument.name, array, self.arguments[0].name, dtype)
        elif isinstance(argument.domain, Labels):
            dtype = INT64
            checks.integer_dtype(argument.name, array)
            checks.check_labels(argument, array, sizes)
        else:
            dtype = array.dtype
            if dtype is not batch.dtype:
                checks.real_dtype(argument.name, array)
                dtype = batch.dtype if _is_exact(dtype, argument.domain, batch.dtype) else FLOAT64
            if argument.role == "weight":
                checks.check_weights(argument.name, array, argument.domain)
                return array if is_ready(array, FLOAT64) else np.array(array, FLOAT64, order="C")
        return as_input(array, len(batch.shape), batch.count, inner, dtype, batch.block)

    def _numbers(self, given: Sequence[Any]) -> tuple[float, ...]:
        for (low, high), number in zip(self._between, given, strict=True):
            if type(number) is not float or not low < number < high:
                pairs = zip(self.parameters, given, strict=True)
                return tuple([checks.check_parameter(p, value) for p, value in pairs])
        return tuple(given)

    def _bind_weight(self, batch: Batch, weight: Any) -> None:
        array = weight if type(weight) is np.ndarray else checks.as_array("weight", weight)
        checks.real_dtype("weight", array)
        if array.shape != batch.shape:
            checks.wrong_shape(Array("weight", "target"), array, self.arguments[0], batch.shape, {})
        checks.check_weights("weight", array, _NOT_NEGATIVE)
        batch.given_weight = array
        batch.weight = as_input(array, len(batch.shape), batch.count, (), FLOAT64, batch.block)

    def directions(self, batch: Batch, given: Any) -> list[Any]:
        """Check the direction of a Hessian-vector product; return its arrays laid out."""
        items = (given,) if len(self.predictions) == 1 else given
        if len(self.predictions) > 1 and (not isinstance(given, tuple) or len(given) != len(self.predictions)):
            names = ", ".join(p.name for p in self.predictions)
            raise TypeError(
                f"v: expected a tuple of {len(self.predictions)} arrays, for {names}; got {checks.type_name(given)}"
            )
        operands = []
        for prediction, item, like in zip(self.predictions, items, batch.arrays, strict=False):
            name = "v" if len(items) == 1 else f"v for {prediction.name}"
            array = item if type(item) is np.ndarray else checks.as_array(name, item, floating=True)
            if type(item) in (int, float):  # a number has no precision of its own
                array = array.astype(batch.dtype)
            checks.same_dtype(name, array, prediction.name, batch.dtype)
            if array.shape != like.shape:
                raise ValueError(f"{name}: expected shape {like.shape}, that of {prediction.name}, got {array.shape}")
            batch.directions = (*batch.directions, array)
            operand = as_input(array, *self.sample_axis(batch, array), batch.block)
            batch.ready &= type(operand) is np.ndarray
            operands.append(operand)
        return operands

    def sample_axis(self, batch: Batch, array: AnyArray) -> tuple[int, int, tuple[int, ...], np.dtype[Any]]:
        """Return how an array that is shaped like a prediction is laid out: the arguments of `blocks.as_output`."""
        inner = (array.size,) if self.over_sets else array.shape[len(batch.shape) :]
        return len(batch.shape), batch.count, inner, batch.dtype


def _is_exact(given: np.dtype[Any], domain: Any, wanted: np.dtype[Any]) -> bool:
    """Whether no number of the domain loses digits when it is converted: whole ones do not, if they are small."""
    if given.kind in "iu":
        ends = domain[:2] if isinstance(domain, Interval) else tuple(domain)
        return bool(np.can_cast(given, wanted)) or all(abs(end) <= _LARGEST_WHOLE for end in ends)
    return bool(np.can_cast(given, wanted))
