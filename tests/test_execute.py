"""Which blocks of a batch are computed in one call: all samples once, blocks by themselves where they are summed."""

from __future__ import annotations

import math
import threading
import time
import tracemalloc
from typing import Any

import numpy as np
import pytest

from symloss.runtime import execute as module
from symloss.runtime.batch import Batch
from symloss.runtime.execute import execute
from symloss.runtime.over_blocks import run_blocks


def _batch(count: int, block: int) -> Batch:
    batch = Batch()
    batch.count, batch.block, batch.longest = count, block, 1
    batch.inputs, batch.constants, batch.weight = (np.arange(float(count)),), (), None
    batch.ready, batch.types, batch.dtype = True, 1, np.dtype(np.float64)
    return batch


class _Kernel:
    """Counts how often each number is seen, and the lengths of calls; it may take its time."""

    def __init__(self, count: int, seconds: float = 0.0, summed: bool = False) -> None:
        self.seen, self.lengths = np.zeros(count, int), []
        self._seconds, self._summed, self._lock = seconds, summed, threading.Lock()

    def __call__(self, x: Any, weight: Any) -> Any:
        if self._seconds:
            time.sleep(self._seconds * x.size)
        with self._lock:
            self.seen[x.astype(int)] += 1
            self.lengths.append(x.size)
        return (True, float(x.sum())) if self._summed else True


@pytest.mark.parametrize("count", [1, 10, 11, 95, 100])
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("seconds", [0.0, 1e-4])
@pytest.mark.parametrize("summed", [False, True])
def test_every_sample_is_computed_once(count: int, threads: int, seconds: float, summed: bool) -> None:
    kernel = _Kernel(count, seconds, summed)
    for turn in range(1, 4):  # the second knows how fast the first was
        inside, total = execute(kernel, _batch(count, 10), (), (), threads, summed=summed)
        assert inside
        assert total == (count * (count - 1) / 2 if summed else 0.0)
        assert (kernel.seen == turn).all()


def test_one_thread_computes_neighbouring_blocks_in_one_call() -> None:
    kernel = _Kernel(1000)
    execute(kernel, _batch(1000, 10), (), (), 1, summed=False)
    assert kernel.lengths == [1000]


def test_so_do_several_where_little_is_to_be_done(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = _Kernel(1000)
    monkeypatch.setitem(module._pace, (kernel, 1), 1e-9)
    execute(kernel, _batch(1000, 10), (), (), 2, summed=False)
    assert kernel.lengths == [1000]


def test_the_pace_is_remembered() -> None:
    kernel = _Kernel(100, seconds=1e-5)
    execute(kernel, _batch(100, 10), (), (), 2, summed=False)
    assert 1e-5 <= module._pace[kernel, 1] < 1.0


def test_blocks_that_are_summed_stay_as_they_are() -> None:
    kernel = _Kernel(95, summed=True)
    execute(kernel, _batch(95, 10), (), (), 1, summed=True)
    assert kernel.lengths == [10] * 9 + [5]


def test_calls_are_no_longer_than_what_may_be_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 64)
    kernel = _Kernel(200)
    execute(kernel, _batch(200, 10), (), (), 1, summed=False)
    assert max(kernel.lengths) == 60


def test_threads_share_the_work_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = _Kernel(400)
    monkeypatch.setitem(module._pace, (kernel, 1), 1.0)
    execute(kernel, _batch(400, 10), (), (), 2, summed=False)
    lengths = sorted(kernel.lengths, reverse=True)
    assert sum(lengths) == 400
    assert lengths[0] == 130  # two thirds of a half
    assert lengths[1] == 90
    assert lengths[-3:] == [10] * 3


def test_neighbouring_blocks_of_compiled_kernels_are_summed_one_by_one_in_one_call() -> None:
    """Weights are cut as inputs are, constants are not, and of a single block the sum is returned."""
    from symloss.runtime.reduce import total_weight

    rng = np.random.default_rng(0)
    for count, block in ((1, 10), (95, 10), (100, 10), (7, 7)):
        batch = _batch(count, block)
        batch.inputs, batch.weight = (), rng.random(count)
        sums = np.empty(-(-count // block))
        inside, last = run_blocks(total_weight, (count, block, sums, 0, batch.weight), batch, ())
        assert inside
        parts = [math.fsum(batch.weight[i : i + block]) for i in range(0, count, block)]
        np.testing.assert_array_max_ulp(sums, np.array(parts), 1)
        assert last == sums[-1]


@pytest.mark.parametrize(
    ("work", "pause", "by_crew", "threads"),
    [
        (2e-5, 1e-6, True, 1),  # too little for two
        (4e-5, 1e-6, True, 2),  # who waits is awake
        (8e-5, 1e-6, True, 5),  # each has something to do
        (1e-4, 1e-2, True, 1),  # they sleep
        (2e-4, 1e-2, True, 3),
        (1.0, 1e-2, True, 10),  # as many as there are blocks
        (1.5e-4, 1e-6, False, 1),  # those that wait in Python
        (3.2e-4, 1e-2, False, 3),
        (math.inf, 1e-2, True, 4),  # nobody knows
        (math.inf, 1e-2, False, 4),
    ],
)
def test_how_many_threads_are_worth_having(
    monkeypatch: pytest.MonkeyPatch, work: float, pause: float, by_crew: bool, threads: int
) -> None:
    now = time.perf_counter()
    monkeypatch.setattr(module, "_ended", [now - pause])
    monkeypatch.setattr(module.time, "perf_counter", lambda: now)
    assert module._threads(_batch(100, 10), 16, work, by_crew) == threads
    assert module._threads(_batch(100, 10), 1, work, by_crew) == 1


def test_a_call_that_others_could_have_helped_with_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that they are woken in the next one, if it comes soon."""
    kernel = _Kernel(100, summed=True)
    monkeypatch.setattr(module, "_ended", [-math.inf])
    for seconds, threads, remembered in ((1e-9, 2, False), (1e-6, 1, False), (1e-6, 2, True)):
        monkeypatch.setitem(module._pace, (kernel, 1), seconds)
        execute(kernel, _batch(100, 10), (), (), threads, summed=True)
        assert (module._ended[0] > 0) == remembered


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_what_is_converted_has_the_bits_of_what_is_ready(threads: int) -> None:
    """Several blocks are converted and computed in one call: the sums of blocks stay what they are."""
    from symloss.generated import binary_cross_entropy_with_logits as logistic

    rng = np.random.default_rng(9)
    z, y = rng.normal(size=50_011), rng.integers(0, 2, 50_011)
    loss, grad = logistic.value_and_grad(z, y.astype(float))
    wide = np.full((z.size, 2), 7.0)
    out = wide[:, 1]
    found, _ = logistic.value_and_grad(np.repeat(z, 3)[::3], y, out=(None, out), threads=threads)
    assert found == loss
    np.testing.assert_array_equal(out, grad)
    assert (wide[:, 0] == 7.0).all()


def test_buffers_of_what_is_converted_are_small() -> None:
    from symloss.generated import binary_cross_entropy_with_logits as logistic

    z, y, weight, out = np.random.default_rng(9).random((120_000, 4)).T
    logistic.value_and_grad(z, y, weight=weight, out=(None, out), threads=1)
    tracemalloc.start()
    try:
        logistic.value_and_grad(z, y, weight=weight, out=(None, out), threads=1)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 2**20 + 2**17  # four buffers of 256 KiB
