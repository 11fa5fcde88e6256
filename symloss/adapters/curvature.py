"""What the Hessian column of a booster holds, by name.

A booster divides sums of gradients by sums of this column, so it has to be positive where trees are to move; the exact
second derivative is 0 for absolute errors, and negative where a loss is not convex.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from symloss.adapters._scores import Scores

Floats = npt.NDArray[np.floating]
Derivatives = Callable[[Any, Any], tuple[Floats, Floats]]  # of scores and targets: gradient and Hessian column
SMALLEST = 1e-16  # what XGBoost's own objectives raise their Hessians to


def _xgboost(exact: Floats, rows: bool) -> Floats:
    return np.maximum(2 * exact if rows else exact, exact.dtype.type(SMALLEST))


def _lightgbm(exact: Floats, rows: bool) -> Floats:
    classes = exact.shape[-1]
    return exact * exact.dtype.type(classes / (classes - 1)) if rows and classes > 1 else exact


# Of the exact second derivatives, and whether the loss is one of rows of scores.
OF_EXACT: dict[str, Callable[[Floats, bool], Floats]] = {
    "exact": lambda exact, rows: exact,
    "abs": lambda exact, rows: np.abs(exact),
    "ones": lambda exact, rows: np.ones_like(exact),
    "xgboost": _xgboost,
    "lightgbm": _lightgbm,
}


def curvature_of(name: str, loss: Scores) -> Derivatives:
    """Return the function from scores and targets to gradient and Hessian column.

    ==========  ==========================================================================================
    name        the Hessian column
    ==========  ==========================================================================================
    exact       the second derivative in each score
    abs         its absolute value
    ones        1: steps are means of gradients
    xgboost     twice the exact diagonal for rows of scores, 2p(1-p) of a softmax; at least 1e-16
    lightgbm    K/(K-1) times the exact diagonal for rows of K scores, K/(K-1) p(1-p) of a softmax
    ==========  ==========================================================================================

    Raises
    ------
    ValueError
        For any other name.
    """
    if name not in OF_EXACT:
        raise ValueError(f"curvature: expected one of {', '.join(OF_EXACT)}, got {name!r}")
    return partial(_of_exact, loss, OF_EXACT[name])


def _of_exact(
    loss: Scores, change: Callable[[Floats, bool], Floats], raw: Any, targets: Any
) -> tuple[Floats, Floats]:
    grad, exact = loss.call("grad_and_hess", raw, targets, reduction="none")
    return grad, change(exact, loss.rows)
