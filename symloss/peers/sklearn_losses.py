"""scikit-learn's losses, those of its gradient boosting and its linear models.

Half of a squared error is what it calls a squared error; multiplication by 2 does not round.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from typing import Any

import numpy as np

from symloss.peers.table import Arrays, Foreign, Parameters

_LOSS: Any = importlib.import_module("sklearn._loss.loss")


def _row(loss: str, function: str, target: str, prediction: str, factor: float) -> Foreign:
    def given(arrays: Arrays) -> dict[str, Any]:
        raw = np.ascontiguousarray(arrays[prediction])
        return {"y_true": np.ascontiguousarray(arrays[target], raw.dtype), "raw_prediction": raw}

    def made(arrays: Arrays) -> Any:
        wide = np.ndim(arrays[prediction]) == 2
        return getattr(_LOSS, function)(**({"n_classes": np.shape(arrays[prediction])[1]} if wide else {}))

    def value(arrays: Arrays, _parameters: Parameters) -> Any:
        return factor * made(arrays).loss(**given(arrays))

    def gradient(arrays: Arrays, _parameters: Parameters) -> Any:
        return factor * made(arrays).gradient(**given(arrays))

    def hessian(arrays: Arrays, _parameters: Parameters) -> Any:
        return factor * np.broadcast_to(made(arrays).gradient_hessian(**given(arrays))[1], arrays[prediction].shape)

    has_hessian = function != "AbsoluteError"  # whose second number is no derivative
    version = importlib.metadata.version("scikit-learn")
    return Foreign("scikit-learn", version, function, loss, value, gradient, hessian if has_hessian else None)


# Loss, function, target, prediction, factor.
FUNCTIONS = (
    ("squared_error", "HalfSquaredError", "target", "prediction", 2.0),
    ("absolute_error", "AbsoluteError", "target", "prediction", 1.0),
    ("binary_cross_entropy_with_logits", "HalfBinomialLoss", "y", "z", 1.0),
    ("sparse_cross_entropy_with_logits", "HalfMultinomialLoss", "label", "z", 1.0),
)
ROWS = [_row(*row) for row in FUNCTIONS]
