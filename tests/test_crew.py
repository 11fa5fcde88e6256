"""Threads that wait in compiled code: they take part, they never make a difference, and nobody waits for them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest
from symloss.generated import squared_error
from symloss.generated._runtime import execute, over_blocks
from symloss.generated._runtime import threads as pool
from symloss.generated._runtime.crew import Crew
from symloss.generated._runtime.jit import kernel

N, BLOCK = 400_000, 1_000
linux = pytest.mark.skipif(
    not sys.platform.startswith("linux") or len(os.sched_getaffinity(0)) < 2,
    reason="semaphores of Linux, two processors",
)


@kernel
def _slow_sum(x: Any, weight: Any, marks: Any) -> Any:
    """Return the sum of some numbers, after a while; tell the first of them to all the marks."""
    total = 0.0
    for _ in range(50):
        for i in range(x.size):
            total += x[i]
    marks[:] = x[0]
    return True, total / 50


@kernel
def _fussy(each_block: Any, kernel: Any) -> Any:
    """Refuse negative numbers; arguments of a loss may be called so."""
    for i in range(each_block.size):
        if each_block[i] < 0:
            raise ValueError("a negative number")
    return True, 0.0


def _batch(x: Any) -> Any:
    batch = execute.Batch()
    batch.count, batch.block, batch.longest = x.size, BLOCK, 1
    batch.inputs, batch.constants, batch.weight = (x,), (), None
    batch.ready, batch.types, batch.dtype = True, 1, x.dtype
    return batch


def _call(function: Any, x: Any, desk: int, *rest: Any) -> Any:
    sums = np.empty(-(-x.size // BLOCK))
    inside, last = over_blocks.run_blocks(function, (x.size, BLOCK, sums, desk, x, None, *rest), _batch(x), ())
    assert last == sums[-1]
    return inside, sums


@linux
def test_the_crew_takes_part_and_the_sums_are_the_same() -> None:
    """In less time than one thread takes, at some time: other processes may be in the way."""
    x, marks = np.random.default_rng(0).random(N), np.empty(N)
    (inside, alone), crew = _call(_slow_sum, x, 0, marks), Crew()
    assert inside
    np.testing.assert_array_equal(marks, np.repeat(x[::BLOCK], BLOCK))
    ratios = []
    for _ in range(30):
        start = time.perf_counter()
        _call(_slow_sum, x, 0, marks)
        between = time.perf_counter()
        desk = crew.take(1)
        assert desk
        assert crew.take(1) == 0  # one caller at a time
        marks[:] = 0
        inside, sums = _call(_slow_sum, x, desk, marks)
        crew.give_back()
        ratios.append((time.perf_counter() - between) / (between - start))
        assert inside
        np.testing.assert_array_equal(sums, alone)
        np.testing.assert_array_equal(marks, np.repeat(x[::BLOCK], BLOCK))
        if min(ratios) < 0.8:
            break
    assert min(ratios) < 0.8


@linux
def test_it_comes_back_from_sleep_and_from_many_short_tasks() -> None:
    crew, x, marks = Crew(), np.random.default_rng(0).random(3 * BLOCK), np.empty(3 * BLOCK)
    _, alone = _call(_slow_sum, x, 0, marks)
    for pause in (0.0, 1e-4, 0.02):
        for _ in range(2000 if not pause else 20):
            desk = crew.take(3)
            assert desk
            _, sums = _call(_slow_sum, x, desk, marks)
            crew.give_back()
            np.testing.assert_array_equal(sums, alone)
            time.sleep(pause)


@linux
@pytest.mark.parametrize("bad", [[0], [N // 2], [N - 1], range(0, N, 7)])
def test_an_exception_in_a_kernel_reaches_the_caller(bad: Any) -> None:
    """Whoever was computing; and the crew goes on."""
    crew, x = Crew(), np.ones(N)
    for helpers in (0, 1, 1, 1):
        desk = crew.take(helpers) if helpers else 0
        x[bad] = -1
        with pytest.raises(ValueError, match="a negative number"):
            _call(_fussy, x, desk)
        x[bad] = 1
        if helpers:
            crew.give_back()
            desk = crew.take(helpers)
        assert _call(_fussy, x, desk)[0]
        if helpers:
            crew.give_back()


@linux
def test_what_fails_and_what_is_compiled_says_nothing_about_the_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execute, "_pace", {})
    x = np.ones(N)
    batch = _batch(x)
    key = _fussy, batch.types
    for _ in range(3):
        x[-1] = -1
        with pytest.raises(ValueError, match="a negative number"):
            execute.execute(_fussy, batch, (), (), 2, summed=True)
        assert key not in execute._pace
    x[-1] = 1
    assert execute.execute(_fussy, batch, (), (), 2, summed=True) == (True, 0.0)
    assert 0 < execute._pace[key] < 1e-6


@linux
def test_one_call_is_no_longer_than_what_may_be_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many threads are asked for."""
    x, taken = np.ones(N), []
    run = execute.run_blocks

    def recorded(kernel: Any, arguments: Any, *rest: Any) -> Any:
        taken.append(arguments[0])
        return run(kernel, arguments, *rest)

    monkeypatch.setattr(execute, "run_blocks", recorded)
    monkeypatch.setattr(execute, "_MOST", BLOCK)  # so little that no machine has enough processors for all
    assert execute.execute(_fussy, _batch(x), (), (), 64, summed=True) == (True, 0.0)
    assert sum(taken) == N
    assert max(taken) == BLOCK


@linux
def test_generated_functions_use_it_from_as_many_threads_as_they_please(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first takes the crew; the others go on as if there were none."""
    rng = np.random.default_rng(0)
    x, y = rng.random(N), rng.random(N)
    alone = squared_error.value_and_grad(x, y, threads=1)
    monkeypatch.setattr(pool, "_crew", Crew())
    for _ in range(3):
        squared_error.value_and_grad(x, y, threads=64)
    assert 1 <= pool.crew().seats < len(os.sched_getaffinity(0))
    failed: list[int] = []

    def work(number: int) -> None:
        for _ in range(50):
            value, grad = squared_error.value_and_grad(x, y, threads=2 + number % 2)
            if value != alone[0] or not np.array_equal(grad, alone[1]):
                failed.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


@linux
def test_a_taken_crew_is_no_reason_to_wait() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.random(N), rng.random(N)
    alone = squared_error.value_and_grad(x, y, threads=1)
    pool.crew().take(1)
    try:
        value, grad = squared_error.value_and_grad(x, y, threads=2)
    finally:
        pool.crew().give_back()
    assert value == alone[0]
    np.testing.assert_array_equal(grad, alone[1])


_PROGRAM = """
import os, sys
import numpy as np
from symloss.generated import squared_error as m
x = np.linspace(0, 1, 400_000)
expected = m.value_and_grad(x, x[::-1].copy(), threads=1)
def check():
    for threads in (2, 3) * 10:
        value, grad = m.value_and_grad(x, x[::-1].copy(), threads=threads)
        assert value == expected[0] and np.array_equal(grad, expected[1])
check()
child = os.fork()
check()
if child:
    assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_fork_has_a_crew_of_its_own_and_both_processes_end() -> None:
    subprocess.run([sys.executable, "-c", _PROGRAM], check=True, timeout=120)
