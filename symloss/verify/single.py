"""The functions of one sample against the kernels, to the bit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symloss.verify.compare import Row
from symloss.verify.kernels import Kernels, as_tuple, same_bits
from symloss.verify.point import Sample

_LOOKED_AT = 60


def check_single_samples(row: Row, kernels: Kernels, samples: Sequence[Sample]) -> None:
    """Check `sample_value` and `sample_value_and_grad` of some samples."""
    mode: dict[str, Any] = {} if kernels.loss.sets else {"reduction": "none"}
    for sample in samples[:: max(1, len(samples) // _LOOKED_AT)]:
        given = kernels.single(sample)
        value, grad = kernels.call("value_and_grad", given, **sample.parameters, **mode)
        plain = [array[()] if array.ndim == 0 else array for array in given]
        parameters = [sample.parameters[p.name] for p in kernels.loss.parameters]
        got = kernels.module.sample_value(*plain, *parameters)
        row.require(same_bits(_as(kernels, got), _as(kernels, value)), f"sample_value: {sample}", got, value)
        got, grads = _value_and_grad(kernels, plain, parameters)
        row.require(same_bits(_as(kernels, got), _as(kernels, value)), f"sample_value_and_grad: {sample}", got, value)
        same = all(same_bits(_as(kernels, a), _as(kernels, b)) for a, b in zip(grads, as_tuple(grad), strict=True))
        row.require(same, f"gradient of sample_value_and_grad: {sample}", grads, grad)


def _value_and_grad(kernels: Kernels, plain: Sequence[Any], parameters: Sequence[float]) -> tuple[Any, list[Any]]:
    """Call `sample_value_and_grad`, which returns derivatives in scalars and writes those in rows."""
    count = len(kernels.loss.predictions)
    rows = [np.full(np.shape(a), np.nan, kernels.dtype) for a in plain[:count] if np.ndim(a)]
    result = as_tuple(kernels.module.sample_value_and_grad(*plain, *parameters, *rows))
    scalars, written = iter(result[1:]), iter(rows)
    return result[0], [next(written) if np.ndim(a) else next(scalars) for a in plain[:count]]


def _as(kernels: Kernels, number: Any) -> Any:
    with np.errstate(all="ignore"):  # a float64 loss may overflow, or vanish, in float32
        return np.asarray(number).astype(kernels.dtype)
