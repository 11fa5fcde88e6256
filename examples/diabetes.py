"""Linear regression on the diabetes data: least squares and least absolute deviations."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np
from scipy.optimize import minimize
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression, QuantileRegressor
from sklearn.model_selection import train_test_split
from symloss.generated import absolute_error, squared_error

from .results import Array, Result

Objective = Callable[[Array], tuple[float, Array]]


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


def subgradient_descent(objective: Objective, w: Array, steps: int = 10000) -> Array:
    """Descend in rounds of ever smaller steps, each from the mean of the later half of the round before.

    A loss with kinks has no curvature that a quasi-Newton method could use.
    """
    for rate in (100.0, 50.0, 25.0, 12.0, 6.0, 3.0, 1.5, 0.7, 0.3):
        total = np.zeros_like(w)
        for step in range(steps):
            w = w - rate / np.sqrt(1 + step) * objective(w)[1]
            if step >= steps // 2:
                total += w
        w = total / (steps - steps // 2)
    return w


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
