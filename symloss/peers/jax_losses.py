"""JAX's losses, from Optax where it is installed, compiled, with JAX's gradients."""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
from collections.abc import Callable
from typing import Any

import numpy as np

from symloss.peers.table import Arrays, Foreign, Parameters

jax: Any = importlib.import_module("jax")
jnp: Any = importlib.import_module("jax.numpy")
Formula = Callable[..., Any]


def _optax(name: str) -> Formula:
    return getattr(importlib.import_module("optax.losses"), name)


FORMULAS: tuple[tuple[str, str, tuple[str, ...], Formula], ...] = (
    ("squared_error", "optax.squared_error", ("prediction",),
     lambda prediction, target: _optax("squared_error")(prediction, target)),
    ("absolute_error", "jnp.abs", ("prediction",), lambda prediction, target: jnp.abs(prediction - target)),
    ("binary_cross_entropy_with_logits", "optax.sigmoid_binary_cross_entropy", ("z",),
     lambda z, y: _optax("sigmoid_binary_cross_entropy")(z, y)),
    ("focal_with_logits", "optax.sigmoid_focal_loss", ("z",),
     lambda z, y, alpha, gamma: _optax("sigmoid_focal_loss")(z, y, alpha=alpha, gamma=gamma)),
    ("gan_generator_with_logits", "jax.nn.softplus", ("z_fake",), lambda z_fake: jax.nn.softplus(-z_fake)),
    ("cross_entropy_with_logits", "optax.softmax_cross_entropy", ("z",),
     lambda z, y: _optax("softmax_cross_entropy")(z, y)),
    ("sparse_cross_entropy_with_logits", "optax.softmax_cross_entropy_with_integer_labels", ("z",),
     lambda z, label: _optax("softmax_cross_entropy_with_integer_labels")(z, label)),
    ("gaussian_kl", "-0.5*sum(1 + logvar - mu**2 - exp(logvar))", ("mu", "logvar"),
     lambda mu, logvar: -0.5 * jnp.sum(1 + logvar - mu**2 - jnp.exp(logvar), axis=-1)),
    ("vae_reconstruction", "jnp.mean((x_hat - x)**2)", ("x_hat",),
     lambda x_hat, x: jnp.mean((x_hat - x) ** 2, axis=-1)),
)  # fmt: skip


def _row(loss: str, function: str, predictions: tuple[str, ...], formula: Formula) -> Foreign:
    def total(given: tuple[Any, ...], others: dict[str, Any]) -> Any:
        return jnp.sum(formula(**dict(zip(predictions, given, strict=True)), **others))

    @functools.cache
    def compiled() -> tuple[Any, Any]:
        return jax.jit(lambda inputs: formula(**inputs)), jax.jit(jax.grad(total))

    def value(arrays: Arrays, parameters: Parameters) -> Any:
        with jax.enable_x64(True):
            return np.asarray(compiled()[0](_inputs(arrays, parameters)))

    def gradient(arrays: Arrays, parameters: Parameters) -> Any:
        with jax.enable_x64(True):
            inputs = _inputs(arrays, parameters)
            given = tuple(inputs.pop(name) for name in predictions)
            parts = tuple(np.asarray(part) for part in compiled()[1](given, inputs))
        return parts[0] if len(parts) == 1 else parts

    return Foreign("JAX", importlib.metadata.version("jax"), function, loss, value, gradient)


def _inputs(arrays: Arrays, parameters: Parameters) -> dict[str, Any]:
    dtype = next(iter(arrays.values())).dtype
    return {**{k: jnp.asarray(v) for k, v in arrays.items()}, **{k: dtype.type(v) for k, v in parameters.items()}}


ROWS = [_row(*row) for row in FORMULAS]
