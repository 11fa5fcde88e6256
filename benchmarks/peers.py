"""What the peers are called with: ready tensors, a mean, its gradient; every call allocates its results."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.cases import PARAMETERS, Case

Call = Callable[[], Any]
NAMES = ("torch", "torch.compile", "jax", "scikit-learn", "heyoka", "numpy")


def call(peer: str, case: Case, threads: int) -> Call | None:
    """Return a function without arguments that computes the case, or None where the peer has no such loss."""
    return _MAKERS[peer](case, threads)


def _formula(module: str, case: Case) -> tuple[tuple[str, ...], Callable[..., Any]] | None:
    formulas = importlib.import_module(f"symloss.peers.{module}").FORMULAS
    found = [(names, formula) for loss, _, names, formula in formulas if loss == case.loss]
    return found[0] if found and case.output == "gradient" else None


def _torch(case: Case, threads: int, compiled: bool = False) -> Call | None:
    import torch

    torch.set_num_threads(threads)
    found = _formula("torch_losses", case)
    if found is None:
        return None
    names, formula = found
    inputs = {name: torch.from_numpy(array) for name, array in case.arrays().items()}
    parameters = PARAMETERS.get(case.loss, {})
    for name in names:
        inputs[name].requires_grad_()

    def mean(**tensors: Any) -> Any:
        return formula(**tensors, **parameters).mean()

    run = torch.compile(mean, dynamic=False) if compiled else mean

    def compute() -> Any:
        for name in names:
            inputs[name].grad = None
        value = run(**inputs)
        value.backward()
        return value.detach().numpy(), [inputs[name].grad.numpy() for name in names]

    return compute


def _jax(case: Case, _threads: int) -> Call | None:
    found = _formula("jax_losses", case)
    if found is None:
        return None
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    names, formula = found
    arrays = case.arrays()
    kind = np.dtype(case.dtype).type
    parameters = {name: kind(value) for name, value in PARAMETERS.get(case.loss, {}).items()}
    inputs = {name: jnp.asarray(array) for name, array in arrays.items()}
    given = tuple(inputs.pop(name) for name in names)

    def mean(predictions: Any, others: Any) -> Any:
        return jnp.mean(formula(**dict(zip(names, predictions, strict=True)), **others, **parameters))

    run = jax.jit(jax.value_and_grad(mean))

    def compute() -> Any:
        value, grads = jax.block_until_ready(run(given, inputs))
        return np.asarray(value), [np.asarray(grad) for grad in grads]

    return compute


def _sklearn(case: Case, threads: int) -> Call | None:
    rows = importlib.import_module("symloss.peers.sklearn_losses").FUNCTIONS
    found = [row[1:] for row in rows if row[0] == case.loss]
    if not found:
        return None
    losses = importlib.import_module("sklearn._loss.loss")
    function, target, prediction, factor = found[0]
    arrays = case.arrays()
    loss = getattr(losses, function)(**({"n_classes": case.shape[1]} if len(case.shape) == 2 else {}))
    given = {"y_true": arrays[target].astype(case.dtype), "raw_prediction": arrays[prediction], "n_threads": threads}
    if case.output == "hessian":
        return lambda: loss.gradient_hessian(**given)

    def compute() -> Any:
        values, grads = loss.loss_gradient(**given)
        return factor * values.mean(), [factor * grads / len(values)]

    return compute


def _heyoka(case: Case, threads: int) -> Call | None:
    losses = importlib.import_module("benchmarks.heyoka_losses")
    return losses.call(case, threads)  # type: ignore[no-any-return]


def _numpy(case: Case, _threads: int) -> Call | None:
    """Return the expression that a user writes without a library."""
    a = case.arrays()
    if case.output != "gradient":
        return None
    if case.loss == "binary_cross_entropy_with_logits":
        z, y = a["z"], a["y"]
        return lambda: (np.mean(np.logaddexp(0, z) - y * z), [(1 / (1 + np.exp(-z)) - y) / z.size])
    if case.loss == "squared_error":
        p, t = a["prediction"], a["target"]
        return lambda: (np.mean((p - t) ** 2), [2 * (p - t) / p.size])
    if case.loss == "absolute_error":
        p, t = a["prediction"], a["target"]
        return lambda: (np.mean(np.abs(p - t)), [np.sign(p - t) / p.size])
    if case.loss == "sparse_cross_entropy_with_logits":
        z, label = a["z"], a["label"]
        rows = np.arange(len(z))

        def softmax() -> Any:
            shifted = z - z.max(1, keepdims=True)
            e = np.exp(shifted)
            total = e.sum(1)
            grad = e / total[:, None]
            grad[rows, label] -= 1
            return np.mean(np.log(total) - shifted[rows, label]), [grad / len(z)]

        return softmax
    return None


_MAKERS: dict[str, Callable[[Case, int], Call | None]] = {
    "torch": _torch,
    "torch.compile": lambda case, threads: _torch(case, threads, compiled=True),
    "jax": _jax,
    "scikit-learn": _sklearn,
    "heyoka": _heyoka,
    "numpy": _numpy,
}
