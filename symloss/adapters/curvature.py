"""What the Hessian column of a booster holds, by name.

A booster divides sums of gradients by sums of this column, so it has to be positive where trees are to move; the exact
second derivative is 0 for absolute errors, and negative where a loss is not convex.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
SMALLEST = 1e-16  # what XGBoost's own objectives raise their Hessians to


def _xgboost(exact: Floats, rows: bool) -> Floats:
    return np.maximum(2 * exact if rows else exact, exact.dtype.type(SMALLEST))


def _lightgbm(exact: Floats, rows: bool) -> Floats:
    classes = exact.shape[-1]
    return exact * exact.dtype.type(classes / (classes - 1)) if rows and classes > 1 else exact


# Of the exact second derivatives, and whether the loss is one of rows of scores.
CURVATURES: dict[str, Callable[[Floats, bool], Floats]] = {
    "exact": lambda exact, rows: exact,
    "abs": lambda exact, rows: np.abs(exact),
    "ones": lambda exact, rows: np.ones_like(exact),
    "xgboost": _xgboost,
    "lightgbm": _lightgbm,
}


def curvature_of(name: str) -> Callable[[Floats, bool], Floats]:
    """Return the function from the exact Hessian diagonal to what the booster gets.

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
    if name not in CURVATURES:
        raise ValueError(f"curvature: expected one of {', '.join(CURVATURES)}, got {name!r}")
    return CURVATURES[name]
