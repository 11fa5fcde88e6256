"""Linear regression on the diabetes data: least squares and least absolute deviations."""

from __future__ import annotations

from types import ModuleType

import numpy as np
from scipy.optimize import minimize
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression, QuantileRegressor
from sklearn.model_selection import train_test_split

from symloss.generated import absolute_error, squared_error

from .results import Array, Result


def data() -> tuple[Array, Array, Array, Array]:
    """Return standardised inputs and targets of a fixed split: train, test, train, test."""
    x, y = load_diabetes(return_X_y=True)
    train, test, y_train, y_test = train_test_split(x, y, random_state=0)
    mean, scale = train.mean(0), train.std(0)
    return (train - mean) / scale, (test - mean) / scale, y_train, y_test


def fit(loss: ModuleType, x: Array, y: Array, smooth: bool) -> Array:
    """Return coefficients and intercept that minimise the mean loss."""

    def objective(w: Array) -> tuple[float, Array]:
        value, grad = loss.value_and_grad(x @ w[:-1] + w[-1], y)
        return float(value), np.append(x.T @ grad, grad.sum())

    start = np.append(np.zeros(x.shape[1]), np.median(y))
    if smooth:
        return minimize(objective, start, jac=True, method="L-BFGS-B").x
    return subgradient_descent(objective, start)


def subgradient_descent(objective: object, w: Array, steps: int = 20000) -> Array:
    """Return the mean of the later iterates: a loss with kinks has no curvature that quasi-Newton could use."""
    total = np.zeros_like(w)
    for step in range(steps):
        _, grad = objective(w)  # type: ignore[operator]
        w = w - 30.0 / np.sqrt(1 + step) * grad
        if step >= steps // 2:
            total += w
    return total / (steps - steps // 2)


def run() -> list[Result]:
    """Compare with scikit-learn on the test split."""
    x, x_test, y, y_test = data()
    results = []
    peers = (
        ("squared error", squared_error, LinearRegression(), True, lambda r: float(np.mean(r * r))),
        ("absolute error", absolute_error, QuantileRegressor(quantile=0.5, alpha=0.0), False,
         lambda r: float(np.mean(np.abs(r)))),
    )  # fmt: skip
    for name, loss, peer, smooth, metric in peers:
        w = fit(loss, x, y, smooth)
        ours = metric(x_test @ w[:-1] + w[-1] - y_test)
        theirs = metric(peer.fit(x, y).predict(x_test) - y_test)
        by = type(peer).__name__
        results.append(Result("diabetes", f"mean {name}", ours, theirs, by, 0.005 * theirs, False))
    return results
