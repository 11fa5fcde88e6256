"""Linear models on data in blocks."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from symloss.adapters._arguments import arguments_of
from symloss.adapters._blocks import DaskArray, as_dask, cut, dask, tree_sum
from symloss.adapters._linear import LinearObjective
from symloss.adapters._link import mean_of
from symloss.adapters._scores import Array, Scores, name_of, scores
from symloss.adapters._solve import lbfgs


class LinearModel:
    """A linear model of scores, fitted with a generated loss by L-BFGS on data in blocks.

    One evaluation is one pass over the data; only sums of blocks travel. What is minimised is the mean loss, weighted
    where weights are given, plus ``alpha / 2`` times the squares of the coefficients, as in
    `symloss.adapters.sklearn`, except that a mean divides by the sum of the weights of samples alone.

    Parameters
    ----------
    loss : module or str
        A generated module of one prediction, a raw score or a row of them, and one target; or its name.
    alpha : float
        The penalty; constants are not penalised.
    fit_intercept : bool
        Whether to add a constant.
    tol : float
        Largest component of the gradient at the end.
    max_iter : int
        Limit of the steps.
    loss_params : dict, optional
        Parameters of the loss, and the arrays that all samples share, by name.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_outputs, n_features)
        The coefficients.
    intercept_ : float or ndarray of shape (n_outputs,)
        The constants.
    n_iter_ : int
        The steps taken.
    """

    coef_: Array
    intercept_: Any
    n_iter_: int

    def __init__(
        self,
        loss: ModuleType | str,
        *,
        alpha: float = 1e-4,
        fit_intercept: bool = True,
        tol: float = 1e-6,
        max_iter: int = 1000,
        loss_params: dict[str, Any] | None = None,
    ) -> None:
        self.loss = name_of(loss)
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.tol = tol
        self.max_iter = max_iter
        self.loss_params = loss_params

    def fit(self, X: DaskArray, y: Any, sample_weight: Any = None) -> LinearModel:
        """Fit the model.

        Parameters
        ----------
        X : dask.array.Array of shape (n_samples, n_features)
            The data; its blocks along the first axis are those that are worked on. Data that fit into the memory of
            the workers are better persisted; others are read once for every evaluation.
        y : dask.array.Array or ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The targets: class labels 0, 1, ... for a loss of labels, one column for a score for other losses of rows.
        sample_weight : dask.array.Array or ndarray of shape (n_samples,), optional
            Weights, not negative.

        Returns
        -------
        LinearModel
            Itself.

        Raises
        ------
        TypeError, ValueError
            If the loss is not of that kind, for targets outside its domain, and for blocks of unknown length.
        """
        objective = BlockObjective(
            self.loss, X, y, sample_weight, self.alpha, self.fit_intercept, dict(self.loss_params or {})
        )
        found = lbfgs(objective, np.zeros(objective.size), self.tol, self.max_iter)
        if not found.converged:
            warnings.warn(
                f"L-BFGS did not converge in {found.iterations} iterations: {found.message}",
                RuntimeWarning,
                stacklevel=2,
            )
        coef, intercept = objective.split(found.flat)
        single = objective.outputs == 1
        self.coef_, self.intercept_ = (coef[0], float(intercept[0])) if single else (coef, intercept)
        self.n_iter_ = found.iterations
        return self

    def scores(self, X: DaskArray) -> DaskArray:
        """Return the scores of the samples, to be computed."""
        return X @ self.coef_.T + self.intercept_

    def predict(self, X: DaskArray) -> DaskArray:
        """Return the targets at which the scores are best; those of a loss of rows are the scores."""
        loss = scores(self.loss, self.loss_params)
        return self.scores(X).map_blocks(lambda raw: mean_of(loss, np.ascontiguousarray(raw, np.float64)))


class BlockObjective:
    """The loss of a linear model as a function of its coefficients, over data in blocks.

    Coefficients are flat, as in `symloss.adapters.scipy.fun_grad_hessp`; ``value_and_grad`` is what
    ``scipy.optimize.minimize(..., jac=True)`` takes.

    Parameters
    ----------
    loss, X, y, weight, alpha, fit_intercept, params
        As for `LinearModel`.
    """

    def __init__(
        self,
        loss: ModuleType | str,
        X: DaskArray,
        y: Any,
        weight: Any = None,
        alpha: float = 0.0,
        fit_intercept: bool = True,
        params: dict[str, Any] | None = None,
    ) -> None:
        chosen: Scores = scores(loss, params)
        X = as_dask(X, "X")
        if X.ndim != 2:
            raise ValueError(f"X: expected two axes, samples and features, got shape {X.shape}")
        y = as_dask(y, "y")
        self._loss, self._params = arguments_of(loss).module, dict(params or {})
        self._alpha, self._fit_intercept = alpha, fit_intercept
        self._features, self.outputs = X.shape[1], _outputs(chosen, y)
        cuts = X.chunks[0]
        weights = [None] * len(cuts) if weight is None else cut(weight, "sample_weight", cuts)
        self._blocks = list(zip(cut(X, "X", cuts), cut(y, "y", cuts), weights, strict=True))
        total = float(X.shape[0]) if weight is None else tree_sum([dask.delayed(np.sum)(w) for w in weights]).compute()
        self._factor = 1.0 / float(total)

    @property
    def size(self) -> int:
        """Number of coefficients, constants included."""
        return self.outputs * (self._features + self._fit_intercept)

    def split(self, flat: Array) -> tuple[Array, Array]:
        """Return coefficients of shape (outputs, features) and constants of shape (outputs,)."""
        table = flat.reshape(self.outputs, -1)
        constants = table[:, self._features] if self._fit_intercept else np.zeros(self.outputs)
        return table[:, : self._features], constants

    def value_and_grad(self, flat: Array) -> tuple[float, Array]:
        """Return the objective and its gradient: one pass over the data."""
        part: Callable[..., Any] = dask.delayed(_part_of_block, pure=False)
        given = dask.delayed(np.asarray(flat, np.float64))
        parts = [
            part(self._loss, self._params, self.outputs, self._fit_intercept, given, *block) for block in self._blocks
        ]
        total = self._factor * tree_sum(parts).compute()
        coef, _ = self.split(flat)
        gradient = total[1:].reshape(self.outputs, -1)
        gradient[:, : self._features] += self._alpha * coef
        return float(total[0] + 0.5 * self._alpha * np.vdot(coef, coef)), gradient.ravel()


def _outputs(loss: Scores, y: DaskArray) -> int:
    if loss.labels:
        return int(y.max().compute()) + 1
    return int(y.shape[1]) if y.ndim > 1 else 1


def _part_of_block(
    loss: str, params: dict[str, Any], outputs: int, fit_intercept: bool, flat: Array, X: Array, y: Array, weight: Any
) -> Array:
    """Return the sum of the losses of a block, and behind it the gradient."""
    objective = LinearObjective(
        scores(loss, params),
        _Design(np.ascontiguousarray(X, np.float64), fit_intercept),
        np.asarray(y),
        outputs=outputs,
        weight=None if weight is None else np.asarray(weight, np.float64),
        fit_intercept=False,
        reduction="sum",
        threads=1,
    )
    total, gradient = objective.value_and_grad(flat)
    return np.concatenate([[total], gradient])


class _Design:
    """A block of data, with a column of ones if there is a constant, multiplied without BLAS.

    The last bits of a product of BLAS depend on its threads and on where the arrays lie, which differ from worker to
    worker; a sum of products by `numpy.einsum` takes two or three times as long, and has the same bits everywhere.
    """

    def __init__(self, rows: Array, constant: bool, transposed: bool = False) -> None:
        self._rows, self._constant, self._transposed = rows, constant, transposed
        self.shape = rows.shape[0], rows.shape[1] + constant

    @property
    def T(self) -> _Design:  # noqa: N802  # as arrays call it
        return _Design(self._rows, self._constant, transposed=True)

    def __matmul__(self, other: Array) -> Array:
        if self._transposed:
            product = np.einsum("ij,i...->j...", self._rows, other)
            return np.concatenate([product, other.sum(axis=0)[np.newaxis]]) if self._constant else product
        if not self._constant:
            return np.asarray(np.einsum("ij,j...->i...", self._rows, other))
        return np.asarray(np.einsum("ij,j...->i...", self._rows, other[:-1]) + other[-1])
