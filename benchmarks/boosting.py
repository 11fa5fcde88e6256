"""Overhead of objectives in training: boosters with ours and with their own, by turns, and the time inside of ours.

Usage: ``python -m benchmarks.boosting [--rows N] [--rounds N]``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from symloss.adapters import catboost, lightgbm, xgboost

LOSSES = (
    # ours, XGBoost's, LightGBM's, CatBoost's
    ("half_squared_error", "reg:squarederror", "regression", "RMSE"),
    ("binary_cross_entropy_with_logits", "binary:logistic", "binary", "Logloss"),
)
_REPEATS = 3


class Timed:
    """A callable whose time is added up."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function, self.seconds = function, 0.0

    def __deepcopy__(self, memo: Any) -> Timed:
        """Return itself: LightGBM copies its parameters."""
        return self

    def __call__(self, *arguments: Any) -> Any:
        """Call it, and add the time up."""
        start = time.perf_counter()
        result = self._function(*arguments)
        self.seconds += time.perf_counter() - start
        return result


def _xgboost(
    loss: str, own: str, x: Any, y: Any, rounds: int, threads: int
) -> tuple[Callable[[], float], Callable[[], Any]]:
    import xgboost as xgb

    data = xgb.QuantileDMatrix(x, y)
    params = {"max_depth": 6, "tree_method": "hist", "nthread": threads}

    def ours() -> float:
        timed = Timed(xgboost.objective(loss, curvature="xgboost"))
        xgb.train({**params, "base_score": xgboost.initial_score(loss, y)}, data, rounds, obj=timed)
        return timed.seconds

    return ours, lambda: xgb.train({**params, "objective": own}, data, rounds)


def _lightgbm(
    loss: str, own: str, x: Any, y: Any, rounds: int, threads: int
) -> tuple[Callable[[], float], Callable[[], Any]]:
    import lightgbm as lgb

    params = {"num_leaves": 63, "verbose": -1, "num_threads": threads}
    start = np.full(len(y), lightgbm.initial_score(loss, y))
    data = lgb.Dataset(x, y, init_score=start, free_raw_data=False).construct()
    plain = lgb.Dataset(x, y, free_raw_data=False).construct()

    def ours() -> float:
        timed = Timed(lightgbm.objective(loss))
        lgb.train({**params, "objective": timed}, data, rounds)
        return timed.seconds

    return ours, lambda: lgb.train({**params, "objective": own}, plain, rounds)


def _catboost(
    loss: str, own: str, x: Any, y: Any, rounds: int, threads: int
) -> tuple[Callable[[], float], Callable[[], Any]]:
    import catboost as cat

    params = {
        "iterations": rounds, "depth": 6, "learning_rate": 0.1, "verbose": 0, "allow_writing_files": False,
        "leaf_estimation_iterations": 1, "bootstrap_type": "No", "boosting_type": "Plain",
        "thread_count": threads,
    }  # fmt: skip
    data = cat.Pool(x, y, baseline=np.full(len(y), catboost.initial_score(loss, y)))
    data.quantize()

    def ours() -> float:
        objective = catboost.objective(loss)
        timed = Timed(objective.calc_ders_range)
        objective.calc_ders_range = timed
        cat.CatBoost({**params, "loss_function": objective, "eval_metric": own}).fit(data)
        return timed.seconds

    return ours, lambda: cat.CatBoost({**params, "loss_function": own}).fit(data)


def measure(ours: Callable[[], float], theirs: Callable[[], Any]) -> tuple[float, float, float]:
    """Return the medians of our training time, of the time inside of our objective, and of theirs."""
    times: list[tuple[float, float, float]] = []
    for _ in range(_REPEATS + 1):  # the first one compiles
        start = time.perf_counter()
        inside = ours()
        middle = time.perf_counter()
        theirs()
        times.append((middle - start, inside, time.perf_counter() - middle))
    own, inside, other = np.median(np.array(times[1:]), axis=0)
    return float(own), float(inside), float(other)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    rng = np.random.default_rng(0)
    x = rng.normal(size=(given.rows, 10)).astype(np.float32)
    score = x[:, 0] * 2 + np.sin(3 * x[:, 1]) * x[:, 2]
    targets = (score + rng.normal(size=given.rows), (score + rng.logistic(size=given.rows) > 0).astype(np.float64))
    print(
        f"{'loss':34} {'booster':10} {'ours, s':>8} {'inside, s':>10} {'theirs, s':>10} {'inside':>7} {'overhead':>9}"
    )
    for (loss, *names), y in zip(LOSSES, targets, strict=True):
        for prepare, own in zip((_xgboost, _lightgbm, _catboost), names, strict=True):
            ours, inside, theirs = measure(*prepare(loss, own, x, y, given.rounds, given.threads))
            label = prepare.__name__[1:]
            print(
                f"{loss:34} {label:10} {ours:8.2f} {inside:10.3f} {theirs:10.2f} {inside / ours:7.1%} "
                f"{ours / theirs - 1:9.1%}",
                flush=True,
            )


if __name__ == "__main__":
    main()
