"""What is timed: losses, sizes, and inputs that a training run might have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

SIZES = (100, 1_000, 100_000, 1_000_000, 10_000_000)
ROWS = ((100_000, 10), (4096, 1000), (512, 32_000))
VECTORS = (100_000, 32)  # samples and features of losses that are sums over a row of features
PARAMETERS = {"focal_with_logits": {"alpha": 0.25, "gamma": 2.0}}
_FLAT = (
    "binary_cross_entropy_with_logits", "binary_cross_entropy", "focal_with_logits", "gan_generator_with_logits",
    "squared_error", "absolute_error",
)  # fmt: skip
_WITH_HESSIAN = ("binary_cross_entropy_with_logits", "squared_error", "absolute_error")
_ROW_WISE = ("sparse_cross_entropy_with_logits", "cross_entropy_with_logits")
_FEATURES = ("gaussian_kl", "vae_reconstruction")


@dataclass(frozen=True)
class Case:
    """One line of the table.

    Attributes
    ----------
    loss : str
        Of symloss.
    output : {"gradient", "hessian"}
        Whether value and gradient are computed, or gradient and Hessian diagonal.
    shape : tuple of int
        Of the predictions.
    dtype : str
        Of the predictions.
    """

    loss: str
    output: str
    shape: tuple[int, ...]
    dtype: str

    @property
    def entries(self) -> int:
        """Number of entries of the predictions."""
        return int(np.prod(self.shape))

    def arrays(self) -> dict[str, Any]:
        """Return inputs by name."""
        rng = np.random.default_rng(0)
        x = (3 * rng.normal(size=self.shape)).astype(self.dtype)
        other = rng.normal(size=self.shape).astype(self.dtype)
        labels = (rng.random(self.shape) < 0.3).astype(self.dtype)
        if self.loss in ("squared_error", "absolute_error"):
            return {"prediction": x, "target": other}
        if self.loss == "binary_cross_entropy":
            return {"p": 1 / (1 + np.exp(-x)), "y": labels}
        if self.loss == "gan_generator_with_logits":
            return {"z_fake": x}
        if self.loss == "gaussian_kl":
            return {"mu": other, "logvar": x}
        if self.loss == "vae_reconstruction":
            return {"x_hat": x, "x": other}
        if self.loss == "sparse_cross_entropy_with_logits":
            return {"z": x, "label": rng.integers(0, self.shape[1], self.shape[0])}
        if self.loss == "cross_entropy_with_logits":
            return {"z": x, "y": np.eye(self.shape[1], dtype=self.dtype)[rng.integers(0, self.shape[1], self.shape[0])]}
        return {"z": x, "y": labels}


def cases(smallest: float, largest: float) -> list[Case]:
    """Return all cases with so many entries."""
    found = []
    for dtype in ("float32", "float64"):
        flat = [(loss, (n,)) for loss in _FLAT for n in SIZES]
        rows = [(loss, shape) for loss in _ROW_WISE for shape in ROWS] + [(loss, VECTORS) for loss in _FEATURES]
        found += [Case(loss, "gradient", shape, dtype) for loss, shape in (*flat, *rows)]
        found += [Case(loss, "hessian", (n,), dtype) for loss in _WITH_HESSIAN for n in SIZES]
        found += [Case(_ROW_WISE[0], "hessian", shape, dtype) for shape in ROWS]
    return [case for case in found if smallest <= case.entries <= largest]
