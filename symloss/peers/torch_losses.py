"""PyTorch's losses: eager, with its own gradients."""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Callable
from typing import Any

import numpy as np

from symloss.peers.table import Arrays, Foreign, Parameters

torch: Any = importlib.import_module("torch")
F: Any = importlib.import_module("torch.nn.functional")
Formula = Callable[..., Any]  # of tensors by name: losses of the samples


def _focal(z: Any, y: Any, alpha: float, gamma: float) -> Any:
    """Return `torchvision.ops.sigmoid_focal_loss`, as its source has it."""
    p = torch.sigmoid(z)
    ce = F.binary_cross_entropy_with_logits(z, y, reduction="none")
    p_true = p * y + (1 - p) * (1 - y)
    return (alpha * y + (1 - alpha) * (1 - y)) * (ce * ((1 - p_true) ** gamma))


def _bce(p: Any, y: Any) -> Any:
    return F.binary_cross_entropy(p, y, reduction="none")  # clamps logarithms at -100


def _bce_with_logits(z: Any, y: Any) -> Any:
    return F.binary_cross_entropy_with_logits(z, y, reduction="none")


def _weighted_bce(z: Any, y: Any, pos_weight: float) -> Any:
    weight = torch.tensor(pos_weight, dtype=z.dtype)
    return F.binary_cross_entropy_with_logits(z, y, pos_weight=weight, reduction="none")


FORMULAS: tuple[tuple[str, str, tuple[str, ...], Formula], ...] = (
    ("squared_error", "mse_loss", ("prediction",),
     lambda prediction, target: F.mse_loss(prediction, target, reduction="none")),
    ("absolute_error", "l1_loss", ("prediction",),
     lambda prediction, target: F.l1_loss(prediction, target, reduction="none")),
    ("binary_cross_entropy", "binary_cross_entropy", ("p",), _bce),
    ("binary_cross_entropy_with_logits", "binary_cross_entropy_with_logits", ("z",), _bce_with_logits),
    ("weighted_binary_cross_entropy_with_logits", "binary_cross_entropy_with_logits", ("z",), _weighted_bce),
    ("focal_with_logits", "sigmoid_focal_loss", ("z",), _focal),
    ("gan_generator_with_logits", "binary_cross_entropy_with_logits", ("z_fake",),
     lambda z_fake: _bce_with_logits(z_fake, torch.ones_like(z_fake))),
    ("cross_entropy_with_logits", "cross_entropy", ("z",), lambda z, y: F.cross_entropy(z, y, reduction="none")),
    ("sparse_cross_entropy_with_logits", "cross_entropy", ("z",),
     lambda z, label: F.cross_entropy(z, label, reduction="none")),
    ("weighted_sparse_cross_entropy_with_logits", "cross_entropy", ("z",),
     lambda z, label, class_weight: F.cross_entropy(z, label, weight=class_weight.to(z.dtype), reduction="none")),
    ("gaussian_kl", "-0.5*sum(1 + logvar - mu**2 - exp(logvar))", ("mu", "logvar"),
     lambda mu, logvar: -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(-1)),
    ("vae_reconstruction", "mse_loss", ("x_hat",), lambda x_hat, x: F.mse_loss(x_hat, x, reduction="none").mean(-1)),
)  # fmt: skip


def _inputs(arrays: Arrays, parameters: Parameters, predictions: tuple[str, ...]) -> dict[str, Any]:
    tensors = {name: torch.from_numpy(np.ascontiguousarray(a)) for name, a in arrays.items()}
    for name in predictions:
        tensors[name].requires_grad_()
    return {**tensors, **parameters}


def _row(loss: str, function: str, predictions: tuple[str, ...], formula: Formula) -> Foreign:
    def value(arrays: Arrays, parameters: Parameters) -> Any:
        with torch.no_grad():
            return formula(**_inputs(arrays, parameters, predictions)).numpy()

    def gradient(arrays: Arrays, parameters: Parameters) -> Any:
        inputs = _inputs(arrays, parameters, predictions)
        found = torch.autograd.grad(formula(**inputs).sum(), [inputs[name] for name in predictions])
        parts = tuple(part.numpy() for part in found)
        return parts[0] if len(parts) == 1 else parts

    version = importlib.metadata.version("torch").partition("+")[0]
    return Foreign("PyTorch", version, function, loss, value, gradient)


ROWS = [_row(*row) for row in FORMULAS]
