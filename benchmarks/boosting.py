"""What a generated objective costs in training: boosters with ours, with one that computes nothing, and with their own.

Usage: ``python -m benchmarks.boosting [--booster NAME] [--loss NAME] [--rows N] [--rounds N] [--threads N]
[--turns N]``.

Four trainings take turns, of the same data, parameters and start:

* theirs: the booster's own objective;
* ours: the generated objective; "inside" is the time between its being called and its return;
* no work: an objective in Python that returns derivatives which were computed beforehand;
* work: the same, of the same derivatives, but it calls the generated objective before, and forgets what that returns.

The last two train the same trees, and differ in what the generated objective takes. Ours and "no work" need not: which
block of samples a thread of CatBoost asks for next is left to chance, so that it is given derivatives of other samples,
and of such trees those that mean nothing take 7% less time.

In a turn each runs twice, in one order and then in the reverse, so that a processor that becomes slower or faster
meanwhile does so for all four alike; the order of the next turn is another one, until in 12 turns each had each place
three times. Shares are those of a turn. What is printed is their median over the turns, all of them, and between
which of them the median lies with a confidence of 95%.

Three figures, in percent of their training: "objective", (work - no work) / theirs, is what the loss costs more than
nothing, where that of the booster itself costs something, too; "total" is (ours - theirs) / theirs; "booster", the rest
of it, is the price of any objective in Python. "inside" is in percent of our training.

Of CatBoost "no work" runs on threads that keep their state of the interpreter (`symloss.adapters._pairs`), as ours do:
what that saves is in "booster" and "total", and not in "objective".
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from symloss.adapters import catboost, lightgbm, xgboost

LOSSES = (
    # ours, XGBoost's, LightGBM's, CatBoost's
    ("half_squared_error", "reg:squarederror", "regression", "RMSE"),
    ("binary_cross_entropy_with_logits", "binary:logistic", "binary", "Logloss"),
)


class Timed:
    """A callable whose time is added up; it keeps what it returned if it is told to."""

    def __init__(self, function: Callable[..., Any], results: list[Any] | None = None) -> None:
        self._function, self._results, self.seconds = function, results, 0.0

    def __deepcopy__(self, memo: Any) -> Timed:
        """Return itself: LightGBM copies its parameters."""
        return self

    def __call__(self, *arguments: Any) -> Any:
        """Call it, and add the time up."""
        start = time.perf_counter()
        result = self._function(*arguments)
        self.seconds += time.perf_counter() - start
        if self._results is not None:
            self._results.append(result)
        return result


class Trainings(NamedTuple):
    """Trainings of one booster: with its own objective, and with one that is given."""

    theirs: Callable[[], Any]
    custom: Callable[[Any], Any]
    objective: Any
    without_work: Callable[[list[Any]], Callable[..., Any]]


def _replayed(results: list[Any]) -> Callable[..., Any]:
    """Return what an objective returned, in the same order."""
    left: Iterator[Any] = itertools.cycle(results)
    return lambda *_: next(left)


def _xgboost(loss: str, own: str, x: Any, y: Any, rounds: int, threads: int) -> Trainings:
    import xgboost as xgb

    data = xgb.QuantileDMatrix(x, y)
    params = {"max_depth": 6, "tree_method": "hist", "nthread": threads}
    start = xgboost.initial_score(loss, y)
    named = float(xgboost.prediction(loss, np.array([start]))[0])  # with its own objectives it wants a probability
    return Trainings(
        lambda: xgb.train({**params, "objective": own, "base_score": named}, data, rounds),
        lambda objective: xgb.train({**params, "base_score": start}, data, rounds, obj=objective),
        xgboost.objective(loss, curvature="xgboost"),
        _replayed,
    )


def _lightgbm(loss: str, own: str, x: Any, y: Any, rounds: int, threads: int) -> Trainings:
    import lightgbm as lgb

    params = {"num_leaves": 63, "verbose": -1, "num_threads": threads}
    start = np.full(len(y), lightgbm.initial_score(loss, y))
    data = lgb.Dataset(x, y, init_score=start, free_raw_data=False).construct()
    return Trainings(
        lambda: lgb.train({**params, "objective": own}, data, rounds),
        lambda objective: lgb.train({**params, "objective": objective}, data, rounds),
        lightgbm.objective(loss),
        _replayed,
    )


def _catboost(loss: str, own: str, x: Any, y: Any, rounds: int, threads: int) -> Trainings:
    import catboost as cat

    params = {
        "iterations": rounds, "depth": 6, "learning_rate": 0.1, "verbose": 0, "allow_writing_files": False,
        "leaf_estimation_iterations": 1, "bootstrap_type": "No", "boosting_type": "Plain",
        "thread_count": threads,
    }  # fmt: skip
    data = cat.Pool(x, y, baseline=np.full(len(y), catboost.initial_score(loss, y)))
    data.quantize()
    objective = catboost.objective(loss)
    compute = objective.calc_ders_range

    def custom(function: Any) -> Any:
        objective.calc_ders_range = function
        return cat.CatBoost({**params, "loss_function": objective, "eval_metric": own}).fit(data)

    def of_each_length(results: list[Any]) -> Callable[..., Any]:
        """Return one block of derivatives for each length: which block a thread asks for next is left to chance."""
        blocks = {len(block): block for block in results}
        return lambda approxes, targets, weights: blocks[len(approxes)]

    return Trainings(lambda: cat.CatBoost({**params, "loss_function": own}).fit(data), custom, compute, of_each_length)


BOOSTERS = {"xgboost": _xgboost, "lightgbm": _lightgbm, "catboost": _catboost}


def _orders() -> list[tuple[int, ...]]:
    """Return the twelve even permutations of four: each has each place three times."""
    return [
        order
        for order in itertools.permutations(range(4))
        if sum(a > b for a, b in itertools.combinations(order, 2)) % 2 == 0
    ]


def measure(trainings: Trainings, turns: int) -> Any:
    """Return the times of trainings, a row a turn: theirs, ours, without work, with work, and that inside of ours."""
    results: list[Any] = []
    trainings.custom(Timed(trainings.objective, results))  # compiles, too
    without_work = trainings.without_work(results)
    del results

    def work(*arguments: Any) -> Any:
        trainings.objective(*arguments)
        return without_work(*arguments)

    times = np.zeros((turns, 5))
    for order, row in zip(itertools.cycle(_orders()), times, strict=False):
        timed = Timed(trainings.objective)
        train = (
            trainings.theirs,
            lambda timed=timed: trainings.custom(timed),
            lambda: trainings.custom(Timed(without_work)),
            lambda: trainings.custom(Timed(work)),
        )
        for which in order + order[::-1]:
            start = time.perf_counter()
            train[which]()
            row[which] += (time.perf_counter() - start) / 2
        row[4] = timed.seconds / 2
    return times


def shares(times: Any) -> Any:
    """Return inside, objective, booster and total of each turn, in rows."""
    theirs, ours, idle, busy, inside = times.T
    objective, total = (busy - idle) / theirs, ours / theirs - 1
    return np.array((inside / ours, objective, total - objective, total))


def interval(values: Any) -> tuple[float, float]:
    """Return between which values the median of what they are drawn from lies, with a confidence of about 95%.

    Each lies below it with a probability of one half, whatever the distribution: counted from either end, the one whose
    rank is that quantile of the binomial distribution, as of the normal one that is close to it.
    """
    rank = max(int(len(values) / 2 - 0.98 * np.sqrt(len(values))), 0)
    ordered = np.sort(values)
    return float(ordered[rank]), float(ordered[-1 - rank])


def _columns(times: Any) -> Iterator[str]:
    for second in np.median(times, axis=0)[:4]:
        yield f"{second:10.2f}"
    for share in shares(times):
        least, most = interval(share)
        yield f"{np.median(share):6.1%} ({least:5.1%} to {most:5.1%})"


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--booster", choices=tuple(BOOSTERS), help="this one only")
    parser.add_argument("--loss", choices=tuple(loss for loss, *_ in LOSSES), help="this one only")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--turns", type=int, default=12)
    given = parser.parse_args()
    rng = np.random.default_rng(0)
    x = rng.normal(size=(given.rows, 10)).astype(np.float32)
    score = x[:, 0] * 2 + np.sin(3 * x[:, 1]) * x[:, 2]
    targets = (score + rng.normal(size=given.rows), (score + rng.logistic(size=given.rows) > 0).astype(np.float64))
    print(f"{given.rows:,} rows, {given.rounds} trees, {given.threads} threads; medians of {given.turns} turns")
    print("objective = (work - no work) / theirs; total = (ours - theirs) / theirs; inside, of our training")
    seconds = (f"{column:>10}" for column in ("theirs, s", "ours, s", "no work, s", "work, s"))
    print(f"{'loss':34} {'booster':9}", *seconds, *(f"{n:>24}" for n in ("inside", "objective", "booster", "total")))
    for (loss, *names), y in zip(LOSSES, targets, strict=True):
        for (booster, prepare), own in zip(BOOSTERS.items(), names, strict=True):
            if given.booster not in (None, booster) or given.loss not in (None, loss):
                continue
            times = measure(prepare(loss, own, x, y, given.rounds, given.threads), given.turns)
            print(
                f"{loss:34} {booster:9}",
                *(f"{column:>24}" if "%" in column else column for column in _columns(times)),
                flush=True,
            )


if __name__ == "__main__":
    main()
