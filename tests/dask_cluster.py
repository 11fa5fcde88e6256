"""Fits a model on a cluster of two workers, one of which is killed half-way; prints what came out as bits.

``python dask_cluster.py FOLDER read``: every evaluation makes the blocks anew, and a worker kills itself in the middle
of the fourth.  ``... persisted``: the blocks lie on the workers, and one of them is killed after the third step.
"""

from __future__ import annotations

import functools
import os
import signal
import sys
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import numpy as np
from scipy.optimize import minimize

from symloss.adapters.dask import BlockObjective

BLOCKS, ROWS, FEATURES = 24, 2_000, 6
LOSS = "binary_cross_entropy_with_logits"


def block(folder: Path | None, block_info: Any = None) -> Any:
    """Return a block of data; kill this process once, when block 13 is made for the fourth time."""
    number = block_info[None]["chunk-location"][0]
    if folder is not None and number == 13:
        with (folder / "made").open("ab") as file:
            file.write(b".")
        if (folder / "made").stat().st_size == 4:
            os.kill(os.getpid(), signal.SIGKILL)
    return np.random.default_rng(number).normal(size=(ROWS, FEATURES))


def problem(folder: Path | None) -> tuple[Any, Any]:
    """Return data and targets."""
    chunks = ((ROWS,) * BLOCKS, (FEATURES,))
    data = da.map_blocks(functools.partial(block, folder), chunks=chunks, dtype=np.float64, meta=np.empty((0, 0)))
    rng = np.random.default_rng(99)
    slope = np.linspace(-1.0, 1.0, FEATURES)
    parts = [np.random.default_rng(n).normal(size=(ROWS, FEATURES)) @ slope for n in range(BLOCKS)]
    return data, (rng.normal(size=BLOCKS * ROWS) < np.concatenate(parts)).astype(np.float64)


def fitted(data: Any, targets: Any, after: Any = None) -> str:
    """Return the coefficients as bits, and how many evaluations they took."""
    objective = BlockObjective(LOSS, data, targets, alpha=1e-3)
    start = np.zeros(objective.size)
    found = minimize(objective.value_and_grad, start, jac=True, method="L-BFGS-B", callback=after)
    assert found.success
    return f"{found.x.tobytes().hex()} {found.nfev}"


def kill_after(client: Any, steps: int) -> Any:
    """Return a callback that kills a worker."""
    done: list[int] = []

    def after(_: Any) -> None:
        done.append(1)
        if len(done) == steps:
            os.kill(min(client.run(os.getpid).values()), signal.SIGKILL)

    return after


def is_alive(process: int) -> bool:
    """Whether there is a process of this number."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def main() -> None:
    """Print the results of the two workers, and of no cluster."""
    from dask.distributed import Client, LocalCluster

    folder, kind = Path(sys.argv[1]), sys.argv[2]
    cluster = LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, local_directory=str(folder), silence_logs=50
    )
    with cluster, Client(cluster) as client:
        workers = set(client.run(os.getpid).values())
        if kind == "read":
            found = fitted(*problem(folder))
        else:
            data, targets = problem(None)
            found = fitted(data.persist(), targets, kill_after(client, 3))
        killed = sum(not is_alive(process) for process in workers)
    with dask.config.set(scheduler="synchronous"):
        alone = fitted(*problem(None))
    sys.stdout.write(f"{killed} {found} {alone}\n")


if __name__ == "__main__":
    main()
