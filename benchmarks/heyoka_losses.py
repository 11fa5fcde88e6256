"""The losses as expressions of heyoka.py, which derives gradients and compiles both into vectors of one kind.

Its functions take inputs as the rows of one array, and return results so; means are left to NumPy.  What it recommends
for the length of vectors is half of what the widest registers hold, and takes half as long again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import heyoka as hy
import numpy as np

from benchmarks.cases import PARAMETERS, VECTORS, Case


def _absolute(x: Any) -> Any:
    return hy.relu(x) + hy.relu(-x)


def _softplus(z: Any) -> Any:
    return hy.relu(z) + hy.log1p(hy.exp(-_absolute(z)))


def _focal(z: Any, y: Any, alpha: float, gamma: float) -> Any:
    p = hy.sigmoid(z)
    missed = 1.0 - (p * y + (1.0 - p) * (1.0 - y))
    return (alpha * y + (1.0 - alpha) * (1.0 - y)) * missed**gamma * (_softplus(z) - z * y)


_FORMULAS: dict[str, tuple[tuple[str, ...], Callable[..., Any]]] = {
    "binary_cross_entropy_with_logits": (("z",), lambda z, y: _softplus(z) - z * y),
    "binary_cross_entropy": (("p",), lambda p, y: -y * hy.log(p) - (1.0 - y) * hy.log1p(-p)),
    "focal_with_logits": (("z",), _focal),
    "gan_generator_with_logits": (("z_fake",), lambda z_fake: _softplus(-z_fake)),
    "squared_error": (("prediction",), lambda prediction, target: (prediction - target) ** 2.0),
    "absolute_error": (("prediction",), lambda prediction, target: _absolute(prediction - target)),
    "gaussian_kl": (
        ("mu", "logvar"), lambda mu, logvar: 0.5 * (mu**2.0 + hy.exp(logvar) - logvar - 1.0),
    ),
    "vae_reconstruction": (("x_hat",), lambda x_hat, x: (x_hat - x) ** 2.0 / VECTORS[1]),
}  # fmt: skip


def call(case: Case, threads: int) -> Callable[[], Any] | None:
    """Return a function without arguments that computes the case, or None where the loss is no function of numbers."""
    if case.loss not in _FORMULAS or case.output != "gradient":
        return None
    arrays, (predictions, formula) = case.arrays(), _FORMULAS[case.loss]
    variables = dict(zip(arrays, hy.make_vars(*arrays) if len(arrays) > 1 else [hy.make_vars(*arrays)], strict=True))
    loss = formula(**variables, **PARAMETERS.get(case.loss, {}))
    samples = case.shape[0]
    results = [loss, *(hy.diff(loss, variables[name]) / samples for name in predictions)]
    kind: Any = np.float32 if case.dtype == "float32" else float
    run = hy.cfunc(results, list(variables.values()), fp_type=kind, batch_size=2 * hy.recommended_simd_size(kind))
    inputs = np.stack([array.ravel() for array in arrays.values()])
    hy.set_nthreads(threads)

    def compute() -> Any:
        values, *grads = run(inputs)
        return values.sum() / samples, [grad.reshape(case.shape) for grad in grads]

    return compute
