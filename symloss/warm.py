"""Compiles generated functions ahead of their first use, by calling them once, so that they wait in the disk cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from types import ModuleType
from typing import Any

import numpy as np

_SAMPLES = 4
_LENGTHS = (3, 300)  # of short rows, which may have kernels of their own, and of others
Call = Callable[[], Any]
FUNCTIONS = ("value", "grad", "value_and_grad", "grad_and_hess", "hvp")


def calls(module: ModuleType, dtypes: tuple[str, ...], weighted: bool) -> Iterator[Call]:
    """Yield calls of all functions of a generated module, one of each specialisation.

    Parameters
    ----------
    module : module
        As generated.
    dtypes : tuple of str
        Of the predictions: "float32", "float64".
    weighted : bool
        Whether to compile the kernels with weights of samples as well.
    """
    in_rows = any(set(argument["shape"]) - {"..."} for argument in module.INFO["arguments"])
    for dtype, length in product(dtypes, _LENGTHS if in_rows else _LENGTHS[:1]):
        arrays = [_array(argument, dtype, length) for argument in module.INFO["arguments"]]
        predictions = [a for a, i in zip(arrays, module.INFO["arguments"], strict=True) if i["role"] == "prediction"]
        direction = predictions[0] if len(predictions) == 1 else tuple(predictions)
        weights: list[Any] = [None, np.ones(_SAMPLES)] if weighted and not module.INFO["over_sets"] else [None]
        for name in (f for f in FUNCTIONS if hasattr(module, f)):
            function = partial(getattr(module, name), *arrays, **({"v": direction} if name == "hvp" else {}))
            for weight in weights:
                for reduction in _reductions(name, module):
                    keywords = {"weight": weight} if weight is not None else {}
                    yield partial(function, **keywords, **({"reduction": reduction} if reduction else {}))


def _reductions(name: str, module: ModuleType) -> tuple[str, ...]:
    """Return what makes a difference: losses are summed, or written."""
    if module.INFO["over_sets"]:
        return ("",)
    return ("mean", "none") if name in ("value", "value_and_grad") else ("mean",)


def _array(argument: dict[str, Any], dtype: str, length: int) -> np.ndarray[Any, Any]:
    """Return a small array that the argument may be."""
    shape = tuple(
        _SAMPLES if axis == "..." else length + int(axis.partition("+")[2] or 0) for axis in argument["shape"]
    )
    if "integer" in argument["dtype"] and len(argument["dtype"]) == 1:
        start = argument["domain"].start
        first = isinstance(start, int) and not argument.get("without")
        return np.full(shape, start if first else length - 1)
    kind = "float64" if argument["role"] == "weight" else dtype
    domain = argument["domain"]
    if not hasattr(domain, "low"):
        return np.full(shape, sorted(domain)[0], kind)
    low, high = max(domain.low, -1.0), min(domain.high, 1.0)
    return np.full(shape, low + 0.5 * (high - low), kind)
