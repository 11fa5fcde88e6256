"""Linear models for `scipy.optimize.minimize`: objective, gradient and Hessian-vector product of a generated loss."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from symloss.adapters._linear import LinearObjective
from symloss.adapters._scores import Array, Scores, scores


def fun_grad_hessp(
    loss: ModuleType | str,
    X: Any,
    y: Array,
    *,
    weight: Array | None = None,
    reduction: str = "mean",
    alpha: float = 0.0,
    fit_intercept: bool = False,
    outputs: int | None = None,
    threads: int | None = None,
    **params: Any,
) -> tuple[Callable[[Array], float], Callable[[Array], Array], Callable[[Array, Array], Array]]:
    """Return the three functions that ``minimize(fun, x0, jac=grad, hessp=hessp)`` takes.

    They are those of the loss at the scores ``X @ coef`` as functions of the coefficients, plus ``alpha / 2`` times
    the squares of the latter. Value and gradient at the same place are computed once.

    Parameters
    ----------
    loss : module or str
        A generated module of one prediction and one target, or its name.
    X : ndarray, sparse matrix or `scipy.sparse.linalg.LinearOperator` of shape (n_samples, n_features)
        The data.
    y : ndarray
        Targets as the generated module takes them.
    weight : ndarray of shape (n_samples,), optional
        Weights of the samples.
    reduction : {"mean", "sum", "weighted_mean"}
        As in the generated module.
    alpha : float
        Penalty; intercepts are not penalised.
    fit_intercept : bool
        Whether a constant is added to the scores: the last coefficient (of every output).
    outputs : int, optional
        Number of scores of a sample; default: the classes in ``y``, its columns, or one.
    threads : int, optional
        How many threads the kernels may use.
    **params
        Parameters of the loss, and the arrays that all samples share.

    Returns
    -------
    fun, grad, hessp : callable
        Of flat coefficients, ``outputs`` rows of ``n_features + fit_intercept``; ``hessp(coef, direction)``.

    Raises
    ------
    TypeError, ValueError
        If the loss is not of that kind, or for arguments that it does not take.
    """
    chosen = scores(loss, params)
    if reduction == "none":
        raise ValueError("reduction: expected one of 'mean', 'sum', 'weighted_mean', got 'none'")
    y = np.asarray(y)
    objective = LinearObjective(
        chosen,
        X,
        y,
        outputs=_outputs(chosen, y) if outputs is None else outputs,
        weight=weight,
        alpha=alpha,
        fit_intercept=fit_intercept,
        reduction=reduction,
        threads=threads,
    )
    return objective.value, objective.grad, objective.hvp


def _outputs(loss: Scores, y: Array) -> int:
    if loss.rows and not loss.dense:
        return int(y.max(initial=0)) + 1
    return y.shape[1] if y.ndim > 1 else 1
