"""One process for one peer: its calls and ours take turns, after both have given the same numbers.

Usage: ``python -m benchmarks.worker PEER THREADS SMALLEST LARGEST REPEATS``; a line of JSON for each case.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import peers
from benchmarks.cases import PARAMETERS, Case, cases

_SHORTEST = 2e-3  # seconds: a sample repeats the call until it takes this long
_PAUSE = 2e-2  # seconds before a sample, after which threads of the other that wait awake for more to do are asleep
Run = Callable[[], Any]


def ours(case: Case, threads: int) -> tuple[Run, Run]:
    """Return our call as a user writes it, and the same into arrays that are there already."""
    module: Any = importlib.import_module(f"symloss.generated.{case.loss}")
    arrays = tuple(case.arrays().values())
    keywords = {"threads": threads, **PARAMETERS.get(case.loss, {})}
    if case.output == "hessian":
        grads = tuple(np.empty(case.shape, case.dtype) for _ in range(2))
        return (
            lambda: module.grad_and_hess(*arrays, reduction="none", **keywords),
            lambda: module.grad_and_hess(*arrays, reduction="none", out=grads, **keywords),
        )
    _, first = module.value_and_grad(*arrays, **keywords)
    room = tuple(map(np.empty_like, first)) if isinstance(first, tuple) else np.empty_like(first)
    return (
        lambda: module.value_and_grad(*arrays, **keywords),
        lambda: module.value_and_grad(*arrays, out=(None, room), **keywords),
    )


def check(case: Case, mine: Any, theirs: Any) -> None:
    """Raise AssertionError unless both say the same."""
    tolerance = 1e-4 if case.dtype == "float32" else 1e-10
    if case.output == "hessian":
        if case.loss == "absolute_error":
            return  # whose Hessian is 0 here and 1 there
        factor = 2.0 if case.loss == "squared_error" else 1.0  # which is half of ours there
        np.testing.assert_allclose(mine[0], factor * np.asarray(theirs[0]), rtol=tolerance, atol=tolerance)
        return
    np.testing.assert_allclose(mine[0], theirs[0], rtol=tolerance)
    grads = mine[1] if isinstance(mine[1], tuple) else (mine[1],)
    for one, other in zip(grads, theirs[1], strict=True):
        np.testing.assert_allclose(one, other, rtol=100 * tolerance, atol=tolerance * float(np.abs(one).max()))


def paired(runs: list[Run], repeats: int) -> list[float]:
    """Return the median time of each call in seconds; they take turns."""
    numbers = []
    for run in runs:
        run()
        start = time.perf_counter()
        run()
        numbers.append(max(1, min(10_000, int(_SHORTEST / (time.perf_counter() - start + 1e-9)))))
    times: list[list[float]] = [[] for _ in runs]
    for _ in range(repeats):
        for run, number, own in zip(runs, numbers, times, strict=True):
            time.sleep(_PAUSE)
            start = time.perf_counter()
            for _ in range(number):
                run()
            own.append((time.perf_counter() - start) / number)
    return [float(np.median(own)) for own in times]


def floor(case: Case, mine: Any) -> Run:
    """Return what moves the same bytes and does nothing else."""
    inputs = list(case.arrays().values())
    results = [a for part in (mine if case.output == "hessian" else mine[1:]) for a in _as_list(part)]
    moved = sum(a.nbytes for a in inputs) + sum(a.nbytes for a in results)
    source = np.ones(max(1, moved // 2 // 8))
    target = np.empty_like(source)
    return lambda: np.copyto(target, source)


def _as_list(part: Any) -> list[Any]:
    return list(part) if isinstance(part, tuple) else [part]


def main() -> None:
    """Time every case that the peer has."""
    peer, threads, repeats = sys.argv[1], int(sys.argv[2]), int(sys.argv[5])
    for case in cases(float(sys.argv[3]), float(sys.argv[4])):
        theirs = peers.call(peer, case, threads)
        if theirs is None:
            continue
        mine, into = ours(case, threads)
        check(case, mine(), theirs())
        times = paired([mine, theirs, into, floor(case, mine())], repeats)
        names = ("ours", "peer", "out", "floor")
        line = {**vars(case), "peer_name": peer, "threads": threads, **dict(zip(names, times, strict=True))}
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
