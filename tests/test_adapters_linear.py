"""Linear models over generated losses: scikit-learn's own checks, its coefficients, numerical derivatives."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.sparse import csr_array
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from symloss.generated import binary_cross_entropy_with_logits as bce
from symloss.generated import focal_with_logits as focal
from symloss.generated import gaussian_kl, squared_error
from symloss.generated import sparse_cross_entropy_with_logits as softmax

from symloss.adapters._linear import LinearObjective
from symloss.adapters._scores import scores
from symloss.adapters._solve import best_solver
from symloss.adapters.scipy import fun_grad_hessp
from symloss.adapters.sklearn import LossClassifier, LossRegressor

ALPHA = 1e-2
CHECKED = [LossRegressor(squared_error), LossClassifier(bce), LossClassifier(softmax, alpha=ALPHA)]


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(CHECKED)
def test_what_scikit_learn_asks_of_estimators(estimator, check) -> None:
    check(estimator)


def _scaled(load):
    X, y = load(return_X_y=True)
    return StandardScaler().fit_transform(X), y


@pytest.mark.parametrize("solver", ["lbfgs", "newton-cg", "newton-cholesky"])
@pytest.mark.parametrize("sparse", [False, True])
def test_coefficients_of_logistic_regression(solver: str, sparse: bool) -> None:
    X, y = _scaled(load_breast_cancer)
    theirs = LogisticRegression(C=1 / (ALPHA * len(X)), tol=1e-10, solver="newton-cholesky").fit(X, y)
    ours = LossClassifier(bce, alpha=ALPHA, tol=1e-9, solver=solver).fit(csr_array(X) if sparse else X, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=0, atol=1e-6)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=0, atol=1e-6)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=0, atol=1e-6)


@pytest.mark.parametrize("solver", ["lbfgs", "newton-cg", "newton-cholesky"])
def test_coefficients_of_many_classes(solver: str) -> None:
    X, y = _scaled(load_iris)
    theirs = LogisticRegression(C=1 / (ALPHA * len(X)), tol=1e-10, solver="newton-cholesky").fit(X, y)
    ours = LossClassifier(softmax, alpha=ALPHA, tol=1e-9, solver=solver).fit(X, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=0, atol=1e-6)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=0, atol=1e-6)


@pytest.mark.parametrize("sparse", [False, True])
def test_curvature_from_some_of_many_samples(sparse: bool) -> None:
    """The data are sorted by class, so that a part from the beginning would not do."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, 5))
    y = (X @ rng.normal(size=(5, 3)) + rng.gumbel(size=(20_000, 3))).argmax(axis=1)
    order = np.argsort(y)
    X, y, weight = X[order], y[order], rng.random(20_000)
    assert best_solver(True, 20_000, 5, 3) == "newton-cholesky"
    settings = {"C": 1 / (ALPHA * weight.sum()), "tol": 1e-10}
    theirs = LogisticRegression(**settings, solver="newton-cholesky").fit(X, y, sample_weight=weight)
    ours = LossClassifier(softmax, alpha=ALPHA, tol=1e-9).fit(csr_array(X) if sparse else X, y, sample_weight=weight)
    assert ours.n_iter_ < 15
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=0, atol=1e-7)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=0, atol=1e-7)


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("reduction", ["mean", "sum", "weighted_mean"])
def test_the_hessian_is_the_derivative_of_the_gradient(outputs: int, reduction: str) -> None:
    rng = np.random.default_rng(0)
    loss = scores(softmax if outputs == 3 else bce)
    samples = rng.normal(size=(40, 3)), np.arange(40) % 3 if outputs == 3 else rng.random(40), rng.random(40)
    same = tuple(np.repeat(part[:1], 40, axis=0) for part in samples)  # of which some say as much as all
    for (X, y, weight), some in ((samples, None), (same, 7)):
        objective = LinearObjective(loss, X, y, outputs=outputs, weight=weight, alpha=0.3, reduction=reduction)
        at = rng.normal(size=objective.size)
        steps = 1e-6 * np.eye(objective.size)
        columns = [(objective.grad(at + step) - objective.grad(at - step)) / 2e-6 for step in steps]
        np.testing.assert_allclose(objective.hessian(at, some), np.array(columns), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("solver", ["auto", "lbfgs", "newton-cg"])
def test_coefficients_where_the_objective_is_flat(solver: str) -> None:
    """L-BFGS stops there, as the objective does not change any more; Newton steps go on.

    scikit-learn's own L-BFGS stops 1e-6 from the optimum, whatever its tolerance, as it does not look further once the
    objective changes by less than 64 units in the last place: it is no reference here, its Newton steps are.
    """
    X, y = load_digits(return_X_y=True)
    X, y = X[:600] / 16, y[:600]
    settings = {"C": 1 / (ALPHA * len(X)), "tol": 1e-10, "max_iter": 10_000}
    theirs = LogisticRegression(**settings, solver="newton-cholesky").fit(X, y)
    ours = LossClassifier(softmax, alpha=ALPHA, tol=1e-9, solver=solver).fit(X, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=0, atol=1e-7)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=0, atol=1e-7)
    stopped = LogisticRegression(**settings).fit(X, y)
    assert np.abs(stopped.coef_ - theirs.coef_).max() > 10 * np.abs(ours.coef_ - theirs.coef_).max()


@pytest.mark.filterwarnings("ignore:.*did not converge")  # a kink at the minimum
def test_the_solver_that_is_chosen_goes_on_where_there_is_no_curvature() -> None:
    X, y = _scaled(load_diabetes)
    wide = np.hstack([X, np.zeros((len(X), 250))])  # more columns than a whole Hessian is worth
    narrow, many = (LossRegressor("absolute_error", alpha=ALPHA).fit(table, y).predict(table) for table in (X, wide))
    least = np.abs(y - np.median(y)).mean()
    assert np.abs(y - narrow).mean() < least
    assert np.abs(y - many).mean() < least


def test_coefficients_of_ridge_with_weights_and_several_outputs() -> None:
    X, y = _scaled(load_diabetes)
    weight = np.random.default_rng(0).random(len(X))
    y = np.stack([y, y**2 / 100], axis=1)
    theirs = Ridge(alpha=ALPHA * weight.sum() / 2).fit(X, y, sample_weight=weight)
    ours = LossRegressor(squared_error, alpha=ALPHA).fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=0, atol=1e-6)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=0, atol=1e-6)


def test_probabilities_only_of_log_losses() -> None:
    X, y = _scaled(load_breast_cancer)
    assert not hasattr(LossClassifier(focal, alpha=ALPHA).fit(X, y), "predict_proba")
    assert LossClassifier(focal, alpha=ALPHA).fit(X, y).score(X, y) > 0.97


def test_losses_that_are_none_of_a_score() -> None:
    with pytest.raises(ValueError, match="one prediction and one target"):
        LossRegressor(gaussian_kl).fit(np.zeros((3, 1)), np.zeros(3))
    with pytest.raises(ValueError, match="form of the loss with logits"):
        LossClassifier("binary_cross_entropy").fit(np.eye(2), np.arange(2))
    with pytest.raises(ValueError, match="no generated module"):
        LossClassifier("no_such_loss").fit(np.eye(2), np.arange(2))


@pytest.mark.parametrize("outputs", [1, 2, 3])
@pytest.mark.parametrize("reduction", ["mean", "sum", "weighted_mean"])
def test_derivatives_for_minimize(outputs: int, reduction: str) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 3))
    loss, y = {
        1: (bce, rng.random(20)),
        2: (squared_error, rng.normal(size=(20, 2))),
        3: (softmax, np.arange(20) % 3),
    }[outputs]
    fun, grad, hessp = fun_grad_hessp(
        loss, X, y, weight=rng.random(20), reduction=reduction, alpha=0.3, fit_intercept=True
    )
    at, v = rng.normal(size=(2, 4 * outputs))
    np.testing.assert_allclose(grad(at), approx_fprime(at, fun, 1e-7), rtol=1e-5, atol=1e-5)
    difference = (grad(at + 1e-6 * v) - grad(at - 1e-6 * v)) / 2e-6
    np.testing.assert_allclose(hessp(at, v), difference, rtol=1e-6, atol=1e-6)


def test_it_says_where_it_did_not_converge() -> None:
    X, y = _scaled(load_iris)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        LossClassifier(softmax, max_iter=2).fit(X, y)
    assert "did not converge in 2 iterations" in str(seen[0].message)
