"""Linear models of scikit-learn with any generated loss of a score: `LossRegressor` and `LossClassifier`.

Both minimise the mean of the losses, by the weights of the samples, plus ``alpha / 2`` times the squares of the
coefficients. With the log-loss this is `LogisticRegression` with ``C = 1 / (alpha * n_samples)``, with half a Poisson
deviance `PoissonRegressor` with the same alpha, with the squared error `Ridge` with ``alpha * n_samples / 2``.
"""

from __future__ import annotations

import warnings
from types import ModuleType
from typing import Any

import numpy as np

from symloss.adapters import _link
from symloss.adapters._lazy import library
from symloss.adapters._linear import LinearObjective
from symloss.adapters._scores import Array, Scores, name_of, scores
from symloss.adapters._solve import SOLVERS, Minimum, best_solver

_base: Any = library("sklearn.base", "sklearn")
_class_weight = library("sklearn.utils.class_weight", "sklearn")
_exceptions = library("sklearn.exceptions", "sklearn")
_metaestimators: Any = library("sklearn.utils.metaestimators", "sklearn")
_multiclass = library("sklearn.utils.multiclass", "sklearn")
_validation = library("sklearn.utils.validation", "sklearn")
BaseEstimator: Any = _base.BaseEstimator
ClassifierMixin: Any = _base.ClassifierMixin
RegressorMixin: Any = _base.RegressorMixin


class _LossModel(BaseEstimator):
    """What the two models have in common."""

    coef_: Array
    intercept_: Any

    def __init__(
        self,
        loss: ModuleType | str,
        *,
        alpha: float = 1e-4,
        fit_intercept: bool = True,
        solver: str = "auto",
        tol: float = 1e-6,
        max_iter: int = 1000,
        loss_params: dict[str, Any] | None = None,
    ) -> None:
        self.loss = name_of(loss)
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.loss_params = loss_params

    def _check(self) -> None:
        if self.solver != "auto" and self.solver not in SOLVERS:
            raise ValueError(f"solver: expected one of {['auto', *SOLVERS]}, got {self.solver!r}")
        for name, least in (("alpha", 0.0), ("tol", 0.0), ("max_iter", 1)):
            if not getattr(self, name) >= least:
                raise ValueError(f"{name}: expected a number of at least {least}, got {getattr(self, name)!r}")

    def _minimise(self, loss: Scores, X: Any, y: Array, weight: Array | None, outputs: int) -> tuple[Array, Array]:
        """Return coefficients and constants."""
        solver = best_solver(loss.rows, len(y), X.shape[1], outputs) if self.solver == "auto" else self.solver
        # What the outputs of a loss of one score cost is added: each has a minimum of its own.
        alone = solver == "newton-cholesky" and y.ndim > 1 and not loss.rows
        problems = [(np.ascontiguousarray(column), 1) for column in y.T] if alone else [(y, outputs)]
        parts, steps = [], 1
        for target, number in problems:
            objective = LinearObjective(
                loss, X, target, outputs=number, weight=weight, alpha=self.alpha, fit_intercept=self.fit_intercept
            )
            found = SOLVERS[solver](objective, np.zeros(objective.size), self.tol, self.max_iter)
            if not found.converged:
                self._warn(solver, found)
            parts.append(objective.split(found.flat))
            steps = max(steps, found.iterations)
        self.n_iter_ = steps
        return np.concatenate([coef for coef, _ in parts]), np.concatenate([intercept for _, intercept in parts])

    def _warn(self, solver: str, found: Minimum) -> None:
        warnings.warn(
            f"{solver} did not converge in {found.iterations} iterations: {found.message}; "
            "scale the data, or increase max_iter, alpha or tol",
            _exceptions.ConvergenceWarning,
            stacklevel=4,
        )

    def _raw(self, X: Any) -> Array:
        _validation.check_is_fitted(self)
        X = _validation.validate_data(self, X, accept_sparse="csr", dtype=np.float64, reset=False)
        return np.asarray(X @ self.coef_.T + self.intercept_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class LossRegressor(RegressorMixin, _LossModel):
    """A linear model of numbers, fitted with a generated loss.

    Parameters
    ----------
    loss : module or str
        A generated module, or its name: ``"squared_error"`` is that of `symloss.generated`, any other is written with
        dots. A loss of one score takes targets of one column or, adding up their losses, of several; a loss of a row
        takes as many columns as it has scores.
    alpha : float
        Factor of half the squared coefficients that is added to the mean loss.
    fit_intercept : bool
        Whether to add a constant, which is not penalised.
    solver : {"auto", "lbfgs", "newton-cg", "newton-cholesky"}
        The last needs the fewest steps, and a Hessian, which for losses of a row of scores is estimated from some of
        the samples where there are many. ``"auto"`` takes it for losses of one score and up to 200 features, and L-BFGS
        for more; for losses of a row of scores where samples are many and coefficients few, and else Newton steps from
        Hessian-vector products.
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
    n_features_in_, feature_names_in_
        As in scikit-learn.
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> LossRegressor:
        """Fit the model.

        Parameters
        ----------
        X : ndarray or sparse matrix of shape (n_samples, n_features)
            The data.
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The targets.
        sample_weight : ndarray of shape (n_samples,), optional
            Weights, not negative.

        Returns
        -------
        LossRegressor
            Itself.

        Raises
        ------
        ValueError
            If the loss is none of a score, or for targets outside its domain.
        """
        self._check()
        loss = scores(self.loss, self.loss_params)
        if loss.labels:
            raise ValueError(f"{self.loss}: its target is a class; see LossClassifier")
        X, y = _validation.validate_data(
            self, X, y, accept_sparse="csr", dtype=np.float64, multi_output=True, y_numeric=True
        )
        y = np.ascontiguousarray(y, dtype=np.float64)
        if loss.rows and y.ndim == 1:
            y = y[:, np.newaxis] if loss.dense else y
        weight = _sample_weight(sample_weight, X)
        coef, intercept = self._minimise(loss, X, y, weight, y.shape[1] if y.ndim > 1 else 1)
        single = y.ndim == 1
        self.coef_, self.intercept_ = (coef[0], float(intercept[0])) if single else (coef, intercept)
        return self

    def predict(self, X: Any) -> Array:
        """Return the targets at which the scores are best: of a Poisson loss with log link, their exponential.

        Parameters
        ----------
        X : ndarray or sparse matrix of shape (n_samples, n_features)
            The data.
        """
        raw = self._raw(X)
        return _link.mean_of(scores(self.loss, self.loss_params), np.ascontiguousarray(raw))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def _has_probabilities(model: LossClassifier) -> bool:
    """Whether the loss is a log-loss; raise AttributeError otherwise, as scikit-learn expects."""
    loss = scores(model.loss, model.loss_params)
    count = len(getattr(model, "classes_", (0, 1)))
    if not _link.is_log_loss(loss, _link.class_targets(loss, count if loss.rows else 2)):
        raise AttributeError(f"{model.loss} is no log-loss: it says nothing about probabilities")
    return True


class LossClassifier(ClassifierMixin, _LossModel):
    """A linear classifier, fitted with a generated loss.

    A loss of a row of scores (labels, or one column for each class) has one for each class. A loss of one score
    separates two classes, and more of them one from the others, all at once.

    Parameters
    ----------
    loss, alpha, fit_intercept, solver, tol, max_iter, loss_params
        As in `LossRegressor`. With one score the two classes are the ends of the domain of the target: 0 and 1 for the
        log-loss, and -1 and 1 for a loss that takes any target.
    class_weight : dict or "balanced", optional
        Weights of the classes, by which those of their samples are multiplied.

    Attributes
    ----------
    classes_ : ndarray
        The classes.
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        The coefficients of the scores.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        The constants.
    n_iter_ : int
        The steps taken.
    n_features_in_, feature_names_in_
        As in scikit-learn.
    """

    def __init__(
        self,
        loss: ModuleType | str,
        *,
        alpha: float = 1e-4,
        fit_intercept: bool = True,
        solver: str = "auto",
        tol: float = 1e-6,
        max_iter: int = 1000,
        loss_params: dict[str, Any] | None = None,
        class_weight: dict[Any, float] | str | None = None,
    ) -> None:
        super().__init__(
            loss,
            alpha=alpha,
            fit_intercept=fit_intercept,
            solver=solver,
            tol=tol,
            max_iter=max_iter,
            loss_params=loss_params,
        )
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> LossClassifier:
        """Fit the model.

        Parameters
        ----------
        X : ndarray or sparse matrix of shape (n_samples, n_features)
            The data.
        y : ndarray of shape (n_samples,)
            The classes.
        sample_weight : ndarray of shape (n_samples,), optional
            Weights, not negative.

        Returns
        -------
        LossClassifier
            Itself.

        Raises
        ------
        ValueError
            If the loss is none of a score, or there is one class only.
        """
        self._check()
        loss = scores(self.loss, self.loss_params)
        X, y = _validation.validate_data(self, X, y, accept_sparse="csr", dtype=np.float64)
        _multiclass.check_classification_targets(y)
        self.classes_, index = np.unique(y, return_inverse=True)
        count = len(self.classes_)
        if count < 2:
            raise ValueError(f"expected at least two classes, got one class, {self.classes_[0]!r}")
        weight = _sample_weight(sample_weight, X)
        if self.class_weight is not None:
            by_class = _class_weight.compute_sample_weight(self.class_weight, y)
            weight = by_class if weight is None else weight * by_class
        target, outputs = _targets(loss, index, count)
        self.coef_, self.intercept_ = self._minimise(loss, X, target, weight, outputs)
        return self

    def decision_function(self, X: Any) -> Array:
        """Return the scores: of two classes by how much that of the second is larger.

        Parameters
        ----------
        X : ndarray or sparse matrix of shape (n_samples, n_features)
            The data.
        """
        raw = self._raw(X)
        if len(self.classes_) > 2:
            return raw
        return raw[:, 0] if raw.shape[1] == 1 else raw[:, 1] - raw[:, 0]

    def predict(self, X: Any) -> Array:
        """Return the class with the largest score.

        Parameters
        ----------
        X : ndarray or sparse matrix of shape (n_samples, n_features)
            The data.
        """
        decision = self.decision_function(X)
        return self.classes_[decision.argmax(axis=1) if decision.ndim > 1 else (decision > 0).astype(int)]

    @_metaestimators.available_if(_has_probabilities)
    def predict_proba(self, X: Any) -> Array:
        """Return the probabilities of the classes, with a log-loss: ``exp`` of minus what each would cost.

        Parameters
        ----------
        X : ndarray or sparse matrix of shape (n_samples, n_features)
            The data.
        """
        raw = np.ascontiguousarray(self._raw(X))
        loss = scores(self.loss, self.loss_params)
        if loss.rows:
            return np.exp(-_link.losses_of_classes(loss, raw, _link.class_targets(loss, len(self.classes_))))
        pairs = np.exp(-_link.losses_of_classes(loss, raw, _link.class_targets(loss, 2)))
        if len(self.classes_) == 2:
            return np.asarray(pairs[:, 0])
        ones = pairs[..., 1]
        return np.asarray(ones / ones.sum(axis=1, keepdims=True))

    @_metaestimators.available_if(_has_probabilities)
    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithms of the probabilities.

        Parameters
        ----------
        X : ndarray or sparse matrix of shape (n_samples, n_features)
            The data.
        """
        return np.log(self.predict_proba(X))


def _sample_weight(given: Any, X: Any) -> Array | None:
    if given is None:
        return None
    return np.asarray(
        _validation._check_sample_weight(given, X, dtype=np.float64, ensure_non_negative=True), dtype=np.float64
    )


def _targets(loss: Scores, index: Array, count: int) -> tuple[Array, int]:
    """Return the targets of a classifier and the number of scores."""
    if loss.rows:
        return np.ascontiguousarray(_link.class_targets(loss, count)[index]), count
    low, high = _link.class_targets(loss, 2)
    if count == 2:
        return np.where(index == 1, high, low), 1
    return np.where(index[:, np.newaxis] == np.arange(count), high, low), count
