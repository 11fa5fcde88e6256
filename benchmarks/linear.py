"""Linear models beside scikit-learn's: the same coefficients, and the time to fit them; calls take turns.

Usage: ``python -m benchmarks.linear [--rows N]``; one thread for both, as the threads of BLAS get into
each other's way on a machine that is shared.

Both have the tolerance 1e-9. "ours" and "theirs" are the largest differences of coefficients from the optimum, which is
where Newton steps with the whole Hessian end at 1e-13, scikit-learn's own: its L-BFGS stops before that, whatever its
tolerance, once the objective changes by less than 64 units in the last place.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from symloss.adapters.sklearn import LossClassifier, LossRegressor

_ALPHA = 1e-2
_REPEATS = 7


class Case(NamedTuple):
    """A model of ours and one of scikit-learn's that minimise the same."""

    name: str
    X: Any
    y: Any
    ours: Any
    theirs: Any


def _logistic(count: int, solver: str) -> Any:
    return LogisticRegression(C=1 / (_ALPHA * count), tol=1e-9, max_iter=10_000, solver=solver)


def _poisson_target(X: Any, rng: np.random.Generator) -> Any:
    return rng.poisson(np.exp(0.3 * X[:, 0] - 0.2 * X[:, 1])).astype(float)


def cases(rows: int, poisson: str) -> list[Case]:
    """Return real data, and made-up data of so many rows and 30 columns."""
    rng = np.random.default_rng(0)
    made = rng.normal(size=(rows, 30))
    slopes = rng.normal(size=30)
    binary = (made @ slopes + rng.logistic(size=rows) > 0).astype(int)
    many = (made[:, :5] + rng.gumbel(size=(rows, 5))).argmax(axis=1)
    scale = StandardScaler().fit_transform
    cancer = (scale(load_breast_cancer().data), load_breast_cancer().target)
    digits = (load_digits().data / 16, load_digits().target)
    diabetes = (scale(load_diabetes().data), load_diabetes().target)
    found = []

    def add(name: str, data: tuple[Any, Any], ours: Any, theirs: Callable[[int], list[Any]]) -> None:
        found.extend(Case(name, *data, ours, model) for model in theirs(len(data[0])))

    def ridge(count: int) -> list[Any]:
        return [Ridge(alpha=_ALPHA * count / 2)]

    def logistic(count: int) -> list[Any]:
        return [_logistic(count, "lbfgs"), _logistic(count, "newton-cholesky")]

    def counts(count: int) -> list[Any]:
        solvers = ("lbfgs", "newton-cholesky")
        return [PoissonRegressor(alpha=_ALPHA, tol=1e-9, max_iter=10_000, solver=solver) for solver in solvers]

    settings = {"alpha": _ALPHA, "tol": 1e-9}
    bce = LossClassifier("binary_cross_entropy_with_logits", **settings)
    softmax = LossClassifier("sparse_cross_entropy_with_logits", **settings)
    squared, counted = LossRegressor("squared_error", **settings), LossRegressor(poisson, **settings)
    add("breast cancer", cancer, bce, logistic)
    add(f"{rows:,} x 30, 2 classes", (made, binary), bce, logistic)
    add("digits", digits, softmax, logistic)
    add(f"{rows:,} x 30, 5 classes", (made, many), softmax, logistic)
    add("diabetes", diabetes, squared, ridge)
    add(f"{rows:,} x 30, squared", (made, made @ slopes + rng.normal(size=rows)), squared, ridge)
    add("diabetes, counts", (diabetes[0], np.round(diabetes[1] / 20)), counted, counts)
    add(f"{rows:,} x 30, counts", (made, _poisson_target(made, rng)), counted, counts)
    return found


def _difference(model: Any, other: Any) -> float:
    """Return the largest difference of coefficients."""
    return max(
        float(np.max(np.abs(model.coef_ - other.coef_))),
        float(np.max(np.abs(model.intercept_ - other.intercept_))),
    )


def _optimum(case: Case) -> Any:
    """Return a model of scikit-learn's at the optimum; that of least squares is there anyway."""
    if isinstance(case.theirs, Ridge):
        return case.theirs
    exact = clone(case.theirs).set_params(solver="newton-cholesky", tol=1e-13, max_iter=100)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that rounding lets it go no further
        return exact.fit(case.X, case.y)


def measure(case: Case) -> tuple[float, float]:
    """Return the median times of ours and theirs; fit both."""
    times: list[list[float]] = [[], []]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*(Line search|ABNORMAL|Linear solver)")  # theirs, at this precision
        for _ in range(_REPEATS):
            for model, own in zip((case.ours, case.theirs), times, strict=True):
                start = time.perf_counter()
                model.fit(case.X, case.y)
                own.append(time.perf_counter() - start)
    return float(np.median(times[0][1:])), float(np.median(times[1][1:]))


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--poisson", default="poisson_with_log_link", help="the loss of counts: a name")
    given = parser.parse_args()
    os.environ["SYMLOSS_NUM_THREADS"] = "1"
    threadpool_limits(1)
    columns = ("difference", "ours", "theirs", "ours, ms", "theirs, ms", "ratio")
    print(f"{'data':28} {'scikit-learn':36}", *(f"{column:>10}" for column in columns))
    for case in cases(given.rows, given.poisson):
        ours, theirs = measure(case)
        optimum = _optimum(case)
        apart = (_difference(case.ours, other) for other in (case.theirs, optimum))
        model = f"{type(case.theirs).__name__}, {getattr(case.theirs, 'solver', '')}"
        distances = (f"{distance:10.1e}" for distance in (*apart, _difference(case.theirs, optimum)))
        times = (f"{1e3 * ours:10.2f}", f"{1e3 * theirs:10.2f}", f"{theirs / ours:10.2f}")
        print(f"{case.name:28} {model:36}", *distances, *times, flush=True)


if __name__ == "__main__":
    main()
