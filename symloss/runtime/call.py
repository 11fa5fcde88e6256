"""One call of a generated function: its batch, its reduction, the arrays of its result."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import empty, float32, float64, ndarray

from . import checks
from .blocks import as_output
from .checks import FLOAT64, AnyArray
from .execute import Kernel, execute
from .reduce import total_weight
from .signature import Signature
from .threads import check_threads


class Call:
    """Arguments that have been checked, and what is to be done with them.

    Parameters
    ----------
    signature : Signature
        The declared arguments.
    normalizer : kernel or None
        See `Driver`.
    arrays, parameters, weight, reduction, threads
        As the caller gave them.

    Attributes
    ----------
    batch : Batch
        The arguments.
    scale : float
        The factor of the derivatives; NaN where ``weighted_mean`` would divide by 0.

    Raises
    ------
    TypeError, ValueError
        For anything that is not as declared.
    """

    _plain = True  # whether kernels can write to all results as they are
    _occupied: list[tuple[str, AnyArray]] | None = None  # what a result must not be written over

    def __init__(
        self,
        signature: Signature,
        normalizer: Kernel | None,
        arrays: Sequence[Any],
        parameters: Sequence[Any],
        weight: Any,
        reduction: Any,
        threads: Any,
    ) -> None:
        if threads is not None:
            threads = check_threads(threads)
        self._signature = signature
        self._threads = threads
        self._reduction = reduction
        self.batch = signature.bind(arrays, parameters, weight)
        if type(reduction) is str and reduction == "mean":
            divisor = float(self.batch.count)
        else:
            checks.check_reduction(reduction)
            divisor = self._total_weight(normalizer) if reduction == "weighted_mean" else 1.0
        self._divisor = divisor if divisor != 0.0 else math.nan
        self.scale = 1.0 / self._divisor

    def _total_weight(self, normalizer: Kernel | None) -> float:
        batch = self.batch
        if normalizer is not None:
            return self.run(normalizer, summed=True)
        if batch.weight is None:
            return float(batch.count)
        return execute(total_weight, batch.without_arguments(), (), (), self._threads, summed=True)[1]

    def run(self, kernel: Kernel, *scale: float, rest: Sequence[Any] = (), summed: bool = False) -> float:
        """Run a kernel over the batch; return the sum of its losses if they are summed.

        Raises
        ------
        ValueError
            If a target is outside its domain.
        """
        inside, total = execute(kernel, self.batch, scale, rest, self._threads, summed=summed)
        if not inside:
            checks.outside_domain(self._signature.arguments, self.batch.arrays)
        return total

    def reduced(self, total: float) -> Any:
        """Return the reduced loss as a scalar of the predictions' dtype."""
        value = total / self._divisor
        if self.batch.dtype is FLOAT64:
            return float64(value)
        if abs(value) < checks.FLOAT32_MAX:
            return float32(value)
        with np.errstate(over="ignore"):
            return float32(value)

    def new_losses(self) -> AnyArray | None:
        """Return a new array for the losses of the samples; None where they are reduced to a scalar."""
        return None if self._reduction != "none" else empty(self.batch.shape, self.batch.dtype)

    def new_derivatives(self) -> list[AnyArray]:
        """Return new arrays for the derivatives in the predictions."""
        arrays, dtype = self.batch.arrays, self.batch.dtype
        if len(self._signature.predictions) == 1:
            return [empty(arrays[0].shape, dtype)]
        return [empty(array.shape, dtype) for array in arrays[: len(self._signature.predictions)]]

    def given_losses(self, out: Any, name: str) -> AnyArray | None:
        """Return the array that the caller has for the losses of the samples, if they are not reduced to a scalar."""
        if self._reduction == "none":
            return self._result(out, name, self.batch.shape, "the losses")
        if out is not None:
            raise ValueError(
                f"{name}: expected None, as the value is a scalar with reduction={self._reduction!r}; "
                f"got {checks.type_name(out)}"
            )
        return None

    def given_derivatives(self, out: Any, name: str, what: str) -> list[AnyArray]:
        """Return the arrays that the caller has for the derivatives in the predictions."""
        predictions, arrays = self._signature.predictions, self.batch.arrays
        if len(predictions) == 1:
            return [self._result(out, name, arrays[0].shape, what, predictions[0].name)]
        if not isinstance(out, tuple) or len(out) != len(predictions):
            names = ", ".join(p.name for p in predictions)
            raise TypeError(
                f"{name}: expected a tuple of {len(predictions)} arrays, {what} {names}; got {checks.type_name(out)}"
            )
        return [
            self._result(item, f"{name}[{i}]", array.shape, what, prediction.name)
            for i, (item, array, prediction) in enumerate(zip(out, arrays, predictions, strict=False))
        ]

    def _result(self, out: Any, name: str, shape: tuple[int, ...], *what: str) -> AnyArray:
        array = out if self._is_plain(out, shape) else self._checked(out, name, shape, " ".join(what))
        if self._occupied is None:
            self._occupied = self._inputs()
        checks.check_overlap(name, array, self._occupied)
        self._occupied.append((name, array))
        return array

    def _is_plain(self, out: Any, shape: tuple[int, ...]) -> bool:
        """Whether nothing can be said against an array."""
        return type(out) is ndarray and out.dtype is self.batch.dtype and out.shape == shape and out.flags.carray

    def _checked(self, out: Any, name: str, shape: tuple[int, ...], what: str) -> AnyArray:
        self._plain = False
        return checks.check_out(name, out, shape, self.batch.dtype, what)

    def _inputs(self) -> list[tuple[str, AnyArray]]:
        batch = self.batch
        occupied = list(zip(self._signature.names, batch.arrays, strict=True))
        if batch.given_weight is not None:
            occupied.append(("weight", batch.given_weight))
        return occupied + [("v", array) for array in batch.directions]

    def loss_operand(self, losses: AnyArray) -> Any:
        """Lay the losses out for a kernel."""
        return self._lay_out(as_output(losses, len(self.batch.shape), self.batch.count, (), self.batch.dtype))

    def operands(self, arrays: Sequence[AnyArray]) -> Sequence[Any]:
        """Lay out arrays that are shaped like the predictions."""
        if self._plain and len(self.batch.shape) == 1:
            return arrays
        axes = self._signature.sample_axis
        return [self._lay_out(as_output(array, *axes(self.batch, array))) for array in arrays]

    def _lay_out(self, operand: Any) -> Any:
        if type(operand) is not ndarray:
            self.batch.ready = False  # has to be converted
        return operand

    def shown(self, arrays: Sequence[AnyArray]) -> Any:
        """Return the derivatives as the caller sees them: an array for one prediction, a tuple for several."""
        return arrays[0] if len(arrays) == 1 else tuple(arrays)
