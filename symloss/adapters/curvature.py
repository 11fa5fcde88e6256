"""What the Hessian column of a booster holds, by name.

A booster divides sums of gradients by sums of this column, so it has to be positive where trees are to move; the exact
second derivative is 0 for absolute errors, and negative where a loss is not convex.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from symloss.adapters import _link
from symloss.adapters._kernels import Change, Floats
from symloss.adapters._scores import Scores

Derivatives = Callable[[Any, Any], tuple[Floats, Floats]]  # of scores and targets: gradient and Hessian column
SMALLEST = 1e-16  # what XGBoost's own objectives raise their Hessians to


def _xgboost(exact: Floats, rows: bool) -> Floats:
    return np.maximum(2 * exact if rows else exact, exact.dtype.type(SMALLEST))


def _lightgbm(exact: Floats, rows: bool) -> Floats:
    classes = exact.shape[-1]
    return exact * exact.dtype.type(classes / (classes - 1)) if rows and classes > 1 else exact


# Of the exact second derivatives, and whether the loss is one of rows of scores.
OF_EXACT: dict[str, Change] = {
    "exact": lambda exact, rows: exact,
    "abs": lambda exact, rows: np.abs(exact),
    "ones": lambda exact, rows: np.ones_like(exact),
    "xgboost": _xgboost,
    "lightgbm": _lightgbm,
}


DERIVED = ("fisher", "gauss_newton", "majorant")
NAMES = (*OF_EXACT, *DERIVED)


def curvature_of(name: str, loss: Scores) -> Derivatives:
    """Return the function from scores and targets to gradient and Hessian column.

    ============  ========================================================================================
    name          the Hessian column
    ============  ========================================================================================
    exact         the second derivative in each score
    abs           its absolute value
    ones          1: steps are means of gradients
    xgboost       twice the exact diagonal for rows of scores, 2p(1-p) of a softmax; at least 1e-16
    lightgbm      K/(K-1) times the exact diagonal for rows of K scores, K/(K-1) p(1-p) of a softmax
    fisher        the expectation of the second derivative over the target, given the scores
    gauss_newton  the second derivative without the curvature of the link: that of the outer loss times
                  the square of the derivative of the link
    majorant      an upper bound: of one score, of the second derivative over all scores; of a row of
                  scores, sums of the sizes of the rows of the Hessian (Gershgorin), so that a diagonal
                  matrix of them is at least the Hessian: 2p(1-p) of a softmax
    ============  ========================================================================================

    The last three are derived from the loss. Of one score they are the Hessian diagonals of generated modules
    (``NAME_fisher``, ...), whose docstrings and pages say what they hold; of rows, sums over classes of what the
    kernels of the loss return.

    Raises
    ------
    ValueError
        For any other name, and for a curvature that the loss does not have.
    """
    if loss.rows and name in DERIVED:
        return _of_rows(name, loss)
    return partial(_of_exact, *column_of(name, loss))


def column_of(name: str, loss: Scores) -> tuple[Scores, Change | None]:
    """Return the loss whose Hessian diagonal, changed by a function, is the column; without a function, it is that.

    Raises
    ------
    ValueError
        As `curvature_of`; also for a derived curvature of a loss of rows of scores, which is no such diagonal.
    """
    if name in OF_EXACT:
        return loss, None if name == "exact" else OF_EXACT[name]
    if name not in DERIVED:
        raise ValueError(f"curvature: expected one of {', '.join(NAMES)}, got {name!r}")
    return _with_derived(name, loss), None


def _of_exact(loss: Scores, change: Change | None, raw: Any, targets: Any) -> tuple[Floats, Floats]:
    grad, exact = loss.call("grad_and_hess", raw, targets, reduction="none")
    return grad, exact if change is None else change(exact, loss.rows)


def _with_derived(name: str, loss: Scores) -> Scores:
    """Return the loss whose Hessian diagonal holds the curvature."""
    package, _, own = loss.module.__name__.rpartition(".")
    derived = loss.for_boosting
    found = {} if derived is None else derived.CURVATURES.get(loss.module.INFO["name"], {})
    if name not in found:
        raise ValueError(
            f"curvature: {own} has no {name!r} that symloss could derive; it has {', '.join((*OF_EXACT, *found))}"
        )
    return replace(loss, module=importlib.import_module(f"{package}.{found[name]}"))


def _of_rows(name: str, loss: Scores) -> Derivatives:
    if name == "majorant":
        return partial(_gershgorin, loss)
    if name == "fisher":
        if not _link.is_log_loss(loss, _link.class_targets(loss, 3)):
            raise ValueError(f"curvature: {loss.module.INFO['name']} is no log-loss: it says nothing of probabilities")
        return partial(_expected, loss)
    raise ValueError(f"curvature: {name!r} is derived for losses of one score, not of rows of them")


def _gershgorin(loss: Scores, raw: Any, targets: Any) -> tuple[Floats, Floats]:
    """Return the sums of the sizes of the rows of each sample's Hessian, from its products with unit vectors."""
    grad = loss.call("grad", raw, targets, reduction="none")
    total = np.zeros_like(grad)
    for column in range(raw.shape[-1]):
        unit = np.zeros_like(raw)
        unit[..., column] = 1
        total += np.abs(loss.call("hvp", raw, targets, v=unit, reduction="none"))
    return grad, total


def _expected(loss: Scores, raw: Any, targets: Any) -> tuple[Floats, Floats]:
    """Return the second derivatives for each class, weighted with the probabilities of the classes."""
    grad = loss.call("grad", raw, targets, reduction="none")
    total = np.zeros_like(grad)
    for target in _link.class_targets(loss, raw.shape[-1]):
        assumed = np.ascontiguousarray(np.broadcast_to(target, (*raw.shape[:-1], *np.shape(target))))
        share = np.exp(-loss.call("value", raw, assumed, reduction="none"))
        total += share[..., np.newaxis] * loss.call("grad_and_hess", raw, assumed, reduction="none")[1]
    return grad, total
