"""Generated losses on arrays in blocks, larger than memory, on one machine or on many.

What the blocks give is added in pairs, neighbours first, by their numbers: the result has the same bits whatever the
scheduler does, and however many workers there are, as long as their processors are of one kind; it depends on the
blocks alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from types import ModuleType
from typing import Any

import numpy as np

from symloss.adapters._arguments import arguments_of
from symloss.adapters._block_models import BlockObjective, LinearModel
from symloss.adapters._blocks import DaskArray, as_dask, cut, da, dask, tree_sum
from symloss.adapters._scores import Array, module_of

__all__ = ["BlockObjective", "LinearModel", "value", "value_and_grad"]
_REDUCTIONS = ("sum", "mean")


def value(
    loss: ModuleType | str, *arrays: Any, weight: Any = None, reduction: str = "mean", **params: Any
) -> DaskArray:
    """Return the loss as a Dask array without axes, to be computed.

    Parameters
    ----------
    loss : module or str
        A generated module, or its name: ``"squared_error"`` is that of `symloss.generated`.
    *arrays : dask.array.Array or ndarray
        Predictions, targets and shared arrays, in the order of the generated module, with its shapes and dtypes. Their
        blocks are along the first axis and those of the first prediction; other arrays are cut in the same way.
    weight : dask.array.Array or ndarray, optional
        Weights of the samples.
    reduction : {"mean", "sum"}
        As in the generated module.
    **params
        Parameters of the loss.

    Raises
    ------
    TypeError, ValueError
        For anything that the generated module does not take either, for blocks of unknown length, and for losses of
        whole sets of samples, which do not add up from blocks.
    """
    blocks = _Blocks(loss, arrays, weight, reduction, params)
    parts = [dask.delayed(_value)(*call) for call in blocks.calls()]
    return blocks.total(parts)


def value_and_grad(
    loss: ModuleType | str, *arrays: Any, weight: Any = None, reduction: str = "mean", **params: Any
) -> tuple[DaskArray, Any]:
    """Return the loss and its gradient, Dask arrays of which ``dask.compute`` computes both in one pass.

    Parameters
    ----------
    loss, *arrays, weight, reduction, **params
        As for `value`.

    Returns
    -------
    value : dask.array.Array without axes
        The reduced loss.
    gradient : dask.array.Array or tuple of them
        Its derivative in the predictions, in their blocks.
    """
    blocks = _Blocks(loss, arrays, weight, reduction, params)
    pairs = [dask.delayed(_value_and_grad, nout=2)(*call, blocks.divisor) for call in blocks.calls()]
    return blocks.total([first for first, _ in pairs]), blocks.joined([second for _, second in pairs])


class _Blocks:
    """The arguments of a loss, block by block."""

    def __init__(
        self, loss: ModuleType | str, arrays: Sequence[Any], weight: Any, reduction: str, params: dict[str, Any]
    ) -> None:
        arguments = arguments_of(loss)
        if arguments.over_sets:
            raise ValueError(
                f"{arguments.name}: it is one number for whole sets of samples; blocks of them do not add up"
            )
        if reduction not in _REDUCTIONS:
            raise ValueError(f"reduction: expected 'sum' or 'mean', got {reduction!r}; others are no sums over blocks")
        arguments.check_count(arrays)
        self._arguments, self._parameters = arguments, arguments.values(params)
        pairs = list(zip(arrays, arguments.arrays, strict=True))
        self._predictions = [as_dask(array, name) for array, name in pairs[: arguments.predictions]]
        first = self._predictions[0]
        if first.ndim <= arguments.inner[0]:
            raise ValueError(f"{arguments.arrays[0]}: expected an axis of samples to cut, got shape {first.shape}")
        self._cuts: tuple[int, ...] = first.chunks[0]
        named = zip(arrays, arguments.arrays, arguments.shared, strict=True)
        self._arrays = [
            [np.asarray(array)] * len(self._cuts) if shared else cut(array, name, self._cuts)
            for array, name, shared in named
        ]
        self._weight = [None] * len(self._cuts) if weight is None else cut(weight, "weight", self._cuts)
        self._dtype = first.dtype
        self.divisor = float(prod(arguments.batch(first.shape))) if reduction == "mean" else 1.0

    def calls(self) -> list[tuple[Any, ...]]:
        """Return what the function of each block is called with."""
        shared = self._arguments.module, self._parameters
        return [(*shared, weight, *block) for weight, *block in zip(self._weight, *self._arrays, strict=True)]

    def total(self, parts: list[Any]) -> DaskArray:
        """Return the reduced loss."""
        reduced = dask.delayed(_reduced)(tree_sum(parts), self.divisor, self._dtype)
        return da.from_delayed(reduced, (), dtype=self._dtype)

    def joined(self, parts: list[Any]) -> Any:
        """Return the gradients of the blocks as arrays."""
        results = []
        for number, prediction in enumerate(self._predictions):
            pieces = [
                da.from_delayed(part[number], (length, *prediction.shape[1:]), dtype=self._dtype)
                for part, length in zip(parts, self._cuts, strict=True)
            ]
            results.append(da.concatenate(pieces))
        return results[0] if len(results) == 1 else tuple(results)


def _reduced(total: float, divisor: float, dtype: Any) -> Any:
    return np.asarray(total / divisor, dtype)


def _call(function: str, module: str, parameters: Sequence[float], weight: Any, arrays: Sequence[Any]) -> Any:
    loss = module_of(module)
    keywords = arguments_of(loss).keywords(parameters, weight, "sum")
    return getattr(loss, function)(*arrays, threads=1, **keywords)  # the scheduler has the cores


def _value(module: str, parameters: Sequence[float], weight: Any, *arrays: Any) -> float:
    return float(_call("value", module, parameters, weight, arrays))


def _value_and_grad(
    module: str, parameters: Sequence[float], weight: Any, *rest: Any
) -> tuple[float, tuple[Array, ...]]:
    """Return the sum of the losses of a block, and its gradients divided by the last argument."""
    *arrays, divisor = rest
    total, gradient = _call("value_and_grad", module, parameters, weight, arrays)
    parts = gradient if isinstance(gradient, tuple) else (gradient,)
    return float(total), tuple(part / part.dtype.type(divisor) if divisor != 1.0 else part for part in parts)
