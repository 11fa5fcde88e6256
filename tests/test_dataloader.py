"""Losses inside the workers of PyTorch's DataLoader: the same bits, whatever the parent did before they began."""

from __future__ import annotations

import multiprocessing

import numpy as np
import pytest
from runtime_stand_ins import scalar

from symloss.runtime import threads as pool

torch = pytest.importorskip("torch")

N = 70_007  # several blocks, so that a call with several threads needs the pool
ITEMS = 6


def _result(item: int, threads: int | None) -> tuple[float, np.ndarray]:
    rng = np.random.default_rng(item)
    value, grad = scalar.value_and_grad(rng.normal(size=N), rng.random(N), threads=threads)
    return float(value), grad


class Losses(torch.utils.data.Dataset):
    """An item is a loss, its gradient, the number of threads by default, and the worker that computed it."""

    def __init__(self, threads: int | None) -> None:
        self._threads = threads

    def __len__(self) -> int:
        return ITEMS

    def __getitem__(self, item: int) -> tuple[float, np.ndarray, int, int]:
        return *_result(item, self._threads), pool.thread_count(None), torch.utils.data.get_worker_info().id


@pytest.mark.parametrize("threads", [None, 2])
@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_workers_compute_the_same(method: str, threads: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the threads of the parent's pool running when they are forked; a worker takes one thread by itself."""
    monkeypatch.delenv(pool.VARIABLE, raising=False)
    expected = [_result(item, 2) for item in range(ITEMS)]
    loader = torch.utils.data.DataLoader(
        Losses(threads),
        batch_size=None,
        num_workers=2,
        multiprocessing_context=method,
        timeout=120,
        persistent_workers=True,
    )
    for epoch in range(2):
        found = list(loader)
        assert len(found) == ITEMS
        assert {worker for *_, worker in found} == {0, 1}
        for (value, grad, count, _), (right, right_grad) in zip(found, expected, strict=True):
            assert value == right, epoch
            np.testing.assert_array_equal(np.asarray(grad), right_grad)
            assert count == 1
        assert _result(0, 2)[0] == expected[0][0]
