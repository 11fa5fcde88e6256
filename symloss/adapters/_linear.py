"""The loss of a linear model as a function of its coefficients, and its derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np

from symloss.adapters._scores import Array, Scores

_ROWS = 2048  # of the data are multiplied with themselves at a time: they stay in the cache


class LinearObjective:
    """The reduced loss of ``X @ coef.T + intercept``, plus ``alpha / 2`` times the squares of the coefficients.

    Coefficients are one flat array: those of the first output, its intercept, those of the second, and so on.

    Parameters
    ----------
    loss : Scores
        The loss.
    X : array, sparse matrix or linear operator of shape (n_samples, n_features)
        Only ``X @ array`` and ``X.T @ array`` are used, except by `hessian`.
    y : ndarray
        Targets, of the shape and dtype that the loss takes; for a loss of one score also of shape
        (n_samples, n_outputs): the losses of the outputs are added.
    outputs : int
        Number of scores of a sample.
    weight : ndarray of shape (n_samples,), optional
        Weights of the samples.
    alpha : float
        The penalty; intercepts are not penalised.
    fit_intercept : bool
        Whether every output has an intercept.
    reduction : {"sum", "mean", "weighted_mean"}
        As in generated modules.
    threads : int, optional
        Of the kernels.
    """

    def __init__(
        self,
        loss: Scores,
        X: Any,
        y: Array,
        *,
        outputs: int = 1,
        weight: Array | None = None,
        alpha: float = 0.0,
        fit_intercept: bool = True,
        reduction: str = "weighted_mean",
        threads: int | None = None,
    ) -> None:
        samples, self.features = X.shape
        self.samples = samples
        self._loss, self._X, self._y = loss, X, y
        self.outputs, self._alpha, self.fit_intercept = outputs, alpha, fit_intercept
        self._table = loss.rows or y.ndim > 1  # whether the scores of a sample are a row
        shape = (samples, outputs) if self._table else (samples,)
        # The outputs of a loss of one score are samples of the kernel, of which there are `outputs` times as many.
        self._copies = outputs if self._table and not loss.rows else 1
        if weight is not None and self._copies > 1:
            weight = np.repeat(weight[:, np.newaxis], outputs, axis=1)
        self._keywords = {"weight": weight, "reduction": reduction, "threads": threads}
        self._factor = 1.0 if reduction == "sum" else float(self._copies)
        self._at: Array | None = None
        self._raw, self._gradient = np.empty(shape), np.empty(shape)
        self._direction, self._product = np.empty((2, *shape))
        self._known: tuple[float, Array] | None = None
        self._kept, self._kept_count, self._rows = X, samples, np.empty(0, np.intp)

    @property
    def size(self) -> int:
        """Number of coefficients, intercepts included."""
        return self.outputs * (self.features + self.fit_intercept)

    def split(self, flat: Array) -> tuple[Array, Array]:
        """Return coefficients of shape (outputs, features) and intercepts of shape (outputs,)."""
        table = flat.reshape(self.outputs, -1)
        return table[:, : self.features], table[:, self.features] if self.fit_intercept else np.zeros(self.outputs)

    def value(self, flat: Array) -> float:
        """Return the objective."""
        return self.value_and_grad(flat)[0]

    def grad(self, flat: Array) -> Array:
        """Return its gradient."""
        return self.value_and_grad(flat)[1]

    def value_and_grad(self, flat: Array) -> tuple[float, Array]:
        """Return the objective and its gradient."""
        raw = self._scores(flat)
        if self._known is None:
            value, part = self._loss.call("value_and_grad", raw, self._y, out=(None, self._gradient), **self._keywords)
            coef = self.split(flat)[0]
            penalty = 0.5 * self._alpha * float(np.vdot(coef, coef))
            self._known = self._factor * float(value) + penalty, self._pull_back(part, coef)
        return self._known[0], self._known[1].copy()

    def hvp(self, flat: Array, direction: Array) -> Array:
        """Return the Hessian times a vector."""
        raw, coef = self._scores(flat), self.split(direction)[0]
        along = self._forward(direction, self._direction)
        part = self._loss.call("hvp", raw, self._y, v=along, out=self._product, **self._keywords)
        return self._pull_back(part, coef)

    def hessian(self, flat: Array, samples: int | None = None) -> Array | None:
        """Return the Hessian; None where the loss has no curvature there.

        X is an array or a sparse matrix.

        Parameters
        ----------
        flat : ndarray
            The coefficients.
        samples : int, optional
            Estimate it from so many of the samples, the same ones each time.
        """
        curvature = self._curvature(flat, self._sampled(samples))
        if not np.isfinite(curvature).all() or not (curvature != 0.0).any():
            return None
        width = self.features + self.fit_intercept
        hessian = np.zeros((self.outputs, width, self.outputs, width))
        for k in range(self.outputs):
            for m in range(k, self.outputs):
                block = self._block(np.ascontiguousarray(curvature[:, k, m]))
                if k == m:
                    block[np.arange(self.features), np.arange(self.features)] += self._alpha
                hessian[k, :, m], hessian[m, :, k] = block, block.T
        return hessian.reshape(self.size, self.size)

    def _sampled(self, samples: int | None) -> slice | Array:
        """Keep some of the rows, chosen at random, as data may be sorted; return which."""
        if samples is None or samples >= self.samples:
            self._kept, self._kept_count = self._X, self.samples
            return slice(None)
        if self._kept_count != samples:
            rows = np.sort(np.random.default_rng(0).choice(self.samples, samples, replace=False))
            self._kept, self._kept_count, self._rows = self._X[rows], samples, rows
        return self._rows

    def _curvature(self, flat: Array, rows: slice | Array) -> Array:
        """Return the second derivatives in the scores of the samples, of shape (n_samples, outputs, outputs)."""
        raw, y = self._scores(flat)[rows], self._y[rows]
        keywords: dict[str, Any] = dict(self._keywords)
        if keywords["weight"] is not None:
            keywords["weight"] = keywords["weight"][rows]
        factor = self._factor * (self.samples / len(raw) if keywords["reduction"] == "sum" else 1.0)
        if not self._loss.rows:
            (_, curvature) = self._loss.call("grad_and_hess", raw, y, **keywords)
            return factor * curvature.reshape(len(raw), 1, 1)
        columns = np.empty((self.outputs, *raw.shape))
        for column, direction in zip(columns, np.eye(self.outputs), strict=True):
            along = np.broadcast_to(direction, raw.shape)
            self._loss.call("hvp", raw, y, v=np.ascontiguousarray(along), out=column, **keywords)
        return factor * np.moveaxis(columns, 0, 2)

    def _block(self, curvature: Array) -> Array:
        """Return the second derivatives in the coefficients of one output and of another."""
        n = self.features
        block = np.empty((n + self.fit_intercept, n + self.fit_intercept))
        block[:n, :n], sums = self._weighted_squares(curvature)
        if self.fit_intercept:
            block[:n, n] = block[n, :n] = sums
            block[n, n] = curvature.sum()
        return block

    def _weighted_squares(self, curvature: Array) -> tuple[Array, Array]:
        """Return ``X.T @ diag(curvature) @ X`` and ``X.T @ curvature``, of the rows that are kept."""
        X = self._kept
        if not isinstance(X, np.ndarray):
            square = (X.T @ X.multiply(curvature[:, np.newaxis]).tocsr()).toarray()
            return np.asarray(square), np.asarray(X.T @ curvature)
        if (curvature == curvature[0]).all():  # as that of squares is, and of others where minimisers start
            return curvature[0] * (X.T @ X), curvature[0] * (np.ones(len(X)) @ X)
        square, sums = np.zeros((self.features, self.features)), np.zeros(self.features)
        sign = 1.0 if (curvature >= 0.0).all() else -1.0 if (curvature <= 0.0).all() else 0.0
        root = np.sqrt(np.abs(curvature)) if sign else None
        for start in range(0, len(curvature), _ROWS):
            cut = slice(start, start + _ROWS)
            if root is not None:
                left = right = X[cut] * root[cut, np.newaxis]  # of their product one half is computed
                sums += root[cut] @ left
            else:
                left, right = X[cut] * curvature[cut, np.newaxis], X[cut]
                sums += left.sum(axis=0)
            square += left.T @ right
        return (square, sums) if root is None else (sign * square, sign * sums)

    def _scores(self, flat: Array) -> Array:
        """Return the scores; forget what was computed with other coefficients."""
        if self._at is None or not np.array_equal(flat, self._at):
            self._raw = self._forward(flat, self._raw)
            self._at, self._known = np.array(flat, dtype=np.float64), None
        return self._raw

    def _forward(self, flat: Array, scores: Array) -> Array:
        """Write the scores; what holds them is used again, as memory that is new costs more than the product."""
        coef, intercept = self.split(np.asarray(flat, dtype=np.float64))
        coef, intercept = (coef.T, intercept) if self._table else (coef[0], intercept[0])
        if not coef.any():  # where minimisers start
            scores[...] = intercept
            return scores
        if isinstance(self._X, np.ndarray):
            np.matmul(self._X, coef, out=scores)
        else:
            scores[...] = self._X @ coef
        if self.fit_intercept:
            scores += intercept
        return scores

    def _pull_back(self, part: Array, coef: Array) -> Array:
        """Return the derivative in the coefficients, given that in the scores; add that of the penalty."""
        table = np.empty((self.outputs, self.features + self.fit_intercept))
        dense = isinstance(self._X, np.ndarray)  # and then this order is the faster one
        table[:, : self.features] = part.T @ self._X if dense else np.asarray(self._X.T @ part).T
        if self.fit_intercept:
            # A product is faster than `sum` over the short axis.
            table[:, self.features] = np.ones(len(part)) @ part if part.ndim > 1 else part.sum()
        if self._factor != 1.0:
            table *= self._factor
        table[:, : self.features] += self._alpha * coef
        return table.ravel()
