"""Threads: the same bits whatever their number, from many callers at once, across `fork`."""

import concurrent.futures
import math
import multiprocessing
import os
import subprocess
import sys
import threading

import numba
import numpy as np
import pytest
from runtime_stand_ins import labelled, scalar

from symloss.runtime import threads as pool
from symloss.runtime.blocks import SHORTER, block_length
from symloss.runtime.elementary import settle
from symloss.runtime.reduce import combine
from symloss.runtime.vector_sums import sum_exactly, sum_of

N = 300_007  # several blocks, the last one shorter


@pytest.fixture(scope="module")
def data():
    """Arguments of the scalar stand-in."""
    rng = np.random.default_rng(0)
    return {
        "z": rng.normal(size=N).astype(np.float32),
        "y": rng.random(N).astype(np.float32),
        "weight": rng.random(N),
        "reduction": "weighted_mean",
    }


def same(left, right):
    """Whether a value and a gradient agree to the bit."""
    return left[0] == right[0] and np.array_equal(left[1], right[1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bits_do_not_depend_on_the_number_of_threads(data, dtype):
    """Blocks and the order of their sums depend on the batch alone."""
    given = data | {"z": data["z"].astype(dtype)}
    one = scalar.value_and_grad(**given, threads=1)
    for threads in (2, 3, 8, 64):
        assert same(scalar.value_and_grad(**given, threads=threads), one)
        assert scalar.value(**given, threads=threads) == one[0]
    rows = np.random.default_rng(1).normal(size=(9001, 40)).astype(dtype)
    label, class_weight = np.arange(9001) % 40, np.arange(40.0)
    first = labelled.grad_and_hess(rows, label, class_weight, threads=1)
    for threads in (2, 3, 8):
        for left, right in zip(first, labelled.grad_and_hess(rows, label, class_weight, threads=threads), strict=True):
            np.testing.assert_array_equal(left, right)


def test_calls_from_many_threads_at_once(data):
    """Every caller gets its own result."""
    inputs = [data | {"z": data["z"] * (k + 1)} for k in range(12)]
    alone = [scalar.value_and_grad(**given, threads=1) for given in inputs]
    with concurrent.futures.ThreadPoolExecutor(12) as executor:
        for _ in range(5):
            results = list(executor.map(lambda given: scalar.value_and_grad(**given, threads=4), inputs))
            assert all(map(same, results, alone))


def test_an_error_in_one_block_reaches_the_caller_and_the_next_call_works(data):
    """A bad target in the last block, found by whichever thread does it."""
    bad = data["y"].copy()
    bad[-1] = 2
    for threads in (1, 4):
        with pytest.raises(ValueError, match=rf"y: expected values in \[0, 1\], got 2.0 at position \({N - 1},\)"):
            scalar.grad(**data | {"y": bad}, threads=threads)
        assert np.isfinite(scalar.value(**data, threads=threads))


def test_an_exception_in_a_helper_reaches_the_caller():
    """Of whatever kind; and the pool goes on."""
    barrier = threading.Barrier(2, timeout=20)
    caller = threading.get_ident()

    def task():
        barrier.wait()
        if threading.get_ident() != caller:
            raise KeyError("helper")

    for _ in range(3):
        with pytest.raises(KeyError, match="helper"):
            pool.run(task, 1)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="threads cannot be told where to run")
def test_helpers_stay_off_the_processor_of_the_caller():
    """Where there is another one; and they follow the caller to wherever it may run."""
    places, barrier, caller = [], threading.Barrier(2, timeout=20), threading.get_ident()

    def task():
        barrier.wait()
        if threading.get_ident() != caller:
            places.append(os.sched_getaffinity(0))

    allowed = os.sched_getaffinity(0)
    pool.run(task, 1)
    try:
        for processor in sorted(allowed)[:2]:
            os.sched_setaffinity(0, {processor})
            pool.run(task, 1)
    finally:
        os.sched_setaffinity(0, allowed)
    pool.run(task, 1)
    assert places[1:-1] == [{processor} for processor in sorted(allowed)[:2]]
    for place in (places[0], places[-1]):
        assert place <= allowed
        assert len(place) == max(1, len(allowed) - 1)


def in_child(function):
    """Run a function in a forked child; return whether it returned True."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if function() else 2
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1] == 0


# Python warns of threads; JAX, where another test in this process has loaded it, of its own.
FORKS = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning", "ignore:os.fork.. was called:RuntimeWarning")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@FORKS
def test_fork_after_threads_were_used(data):
    """The child has no threads of the parent, and makes its own; so does its child."""
    one = scalar.value_and_grad(**data, threads=3)
    assert in_child(lambda: same(scalar.value_and_grad(**data, threads=3), one))
    assert in_child(lambda: in_child(lambda: same(scalar.value_and_grad(**data, threads=2), one)))
    assert same(scalar.value_and_grad(**data, threads=3), one)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@FORKS
def test_fork_while_another_thread_computes(data):
    """Locks that are held in the parent do not stay held in the child."""
    one = scalar.value_and_grad(**data, threads=2)
    stop = threading.Event()

    def compute():
        while not stop.is_set():
            scalar.value_and_grad(**data, threads=2)

    worker = threading.Thread(target=compute)
    worker.start()
    try:
        for _ in range(10):
            assert in_child(lambda: same(scalar.value_and_grad(**data, threads=2), one))
    finally:
        stop.set()
        worker.join()


def _in_worker(data):
    return scalar.value_and_grad(**data), pool.thread_count(None)


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
@FORKS
def test_workers_of_multiprocessing(data, method, monkeypatch):
    """They compute the same, on one thread each."""
    monkeypatch.delenv(pool.VARIABLE, raising=False)
    one = scalar.value_and_grad(**data, threads=2)
    with multiprocessing.get_context(method).Pool(2) as workers:
        for result, threads in workers.map(_in_worker, [data] * 3):
            assert same(result, one)
            assert threads == 1


def test_calls_while_the_interpreter_ends():
    """No new threads can be had then; the caller does the work alone."""
    program = (
        "import atexit, numpy as np\n"
        "from runtime_stand_ins import scalar\n"
        f"z = np.ones({N})\n"
        "atexit.register(lambda: print(scalar.value(z, 0 * z, threads=4)))\n"
        "print(scalar.value(z[:100], 0 * z[:100], threads=4))\n"
    )
    environment = os.environ | {"PYTHONPATH": os.path.dirname(__file__)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["1.0", "1.0"]


def test_thread_count(monkeypatch):
    """The argument, then the variable, then the processors that the process may use."""
    monkeypatch.setenv(pool.VARIABLE, "5")
    assert pool.thread_count(None) == 5
    assert pool.thread_count(2) == 2
    for wrong in ("0", "-1", "many", "1.5"):
        monkeypatch.setenv(pool.VARIABLE, wrong)
        with pytest.raises(ValueError, match=f"SYMLOSS_NUM_THREADS: expected a positive integer, got '{wrong}'"):
            pool.thread_count(None)
    for unset in ("", None):
        monkeypatch.setenv(pool.VARIABLE, "")
        if unset is None:
            monkeypatch.delenv(pool.VARIABLE)
        assert 1 <= pool.thread_count(None) <= (os.cpu_count() or 1)


@pytest.mark.parametrize("row", [1, 2, 3, 1000, 65536, 10**6])
@pytest.mark.parametrize("count", [1, 2, 63, 32768, 32769, 99999, 2**20, 10**7 + 1])
def test_blocks_cover_the_batch(count, row):
    """Blocks are not empty, and not larger than a thread's buffers are made for."""
    length = block_length(count, row)
    assert 1 <= length <= max(count, 1)
    assert length == 1 or length * row <= 65536
    if row == 1:
        assert length >= min(count, SHORTER // 2)


@numba.njit
def _sums(terms):
    return sum_of(terms), sum_exactly(terms)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 7, 16, 63, 1000, 4099, 65536])
def test_sums_of_mixed_sign(size):
    """The compensated sum is the exact one rounded; the other is accurate to the terms, not to the sum."""
    rng = np.random.default_rng(size)
    terms = rng.normal(size=size) * 10.0 ** rng.integers(-6, 6, size)
    exact = math.fsum(terms)
    assert math.isclose(sum(_sums(terms)[1]), exact, rel_tol=2.0**-52)
    bound = (terms.size / 16 + 6) * 2.0**-53 * np.abs(terms).sum()
    assert math.isclose(_sums(terms)[0], exact, abs_tol=bound, rel_tol=0)


def test_sums_of_ten_million_terms_are_within_two_ulp():
    """Of one sign; the last digits of a mean loss are right."""
    z = 1 + np.random.default_rng(0).random(10**7) ** 4
    exact = math.fsum(scalar.value(z, np.zeros(10**7), reduction="none"))
    assert abs(scalar.value(z, np.zeros(10**7), reduction="sum") - exact) <= 2 * math.ulp(exact)


@pytest.mark.parametrize(
    "terms", [[math.inf, 1.0], [math.inf, -math.inf], [math.nan, 1.0], [1e308, 1e308], [-math.inf]]
)
def test_sums_that_are_not_finite(terms):
    """What plain addition gives, in a block and between blocks."""
    with np.errstate(all="ignore"):
        plain = float(np.sum(terms))
    plainly, exactly = _sums(np.array(terms))
    for result in (plainly, settle(*exactly), combine(terms)):
        assert result == plain or (math.isnan(result) and math.isnan(plain))
