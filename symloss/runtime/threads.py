"""A pool of threads of our own, which outlives `fork` and calls from many threads at once.

The calling thread always works itself, and waits only for helpers that have begun: whether others keep the pool
busy decides how fast a call is, never whether it ends.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .crew import Crew
from .helpers import Helpers

if TYPE_CHECKING:
    from queue import SimpleQueue

VARIABLE = "SYMLOSS_NUM_THREADS"


def thread_count(threads: Any) -> int:
    """Return the number of threads to use.

    Parameters
    ----------
    threads : int or None
        What the caller asks for; None means ``SYMLOSS_NUM_THREADS`` or else as many as the process may run on, which
        is one in a worker of `multiprocessing`: its siblings have the other processors.

    Raises
    ------
    TypeError, ValueError
        If it is no positive integer.
    """
    if threads is not None:
        return check_threads(threads)
    setting = os.environ.get(VARIABLE)
    if setting:
        try:
            count = int(setting)
        except ValueError:
            count = 0
        if count < 1:
            raise ValueError(f"{VARIABLE}: expected a positive integer, got {setting!r}")
        return count
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        return 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def check_threads(threads: Any) -> int:
    """Return the number that was asked for, or raise for what is no positive integer."""
    if isinstance(threads, bool) or not isinstance(threads, (int, np.integer)):
        raise TypeError(f"threads: expected a positive integer or None, got {threads!r}")
    if threads < 1:
        raise ValueError(f"threads: expected a positive integer or None, got {threads}")
    return int(threads)


class _Errand:
    """A task that several threads take part in; it takes its pieces of work from the caller's own counter."""

    def __init__(self, task: Callable[[], None]) -> None:
        self._task = task
        self._lock = threading.Lock()
        self._closed = False
        self._active = 0
        self._finished = threading.Lock()
        self._finished.acquire()
        self.error: BaseException | None = None

    def help(self) -> None:
        """Take part, unless it is over."""
        with self._lock:
            if self._closed:
                return
            self._active += 1
        try:
            self._task()
        except BaseException as error:
            self.error = error
        with self._lock:
            self._active -= 1
            if self._closed and self._active == 0:
                self._finished.release()

    def close(self) -> None:
        """Let nobody join any more, and wait for those who did."""
        with self._lock:
            self._closed = True
            waiting = self._active > 0
        if waiting:
            self._finished.acquire()


class _Pool:
    def __init__(self) -> None:
        self._helpers = Helpers("symloss")

    @functools.cached_property
    def _errands(self) -> SimpleQueue[_Errand]:
        from queue import SimpleQueue

        return SimpleQueue()

    def ask(self, errand: _Errand, helpers: int) -> None:
        """Invite helpers, as many as there can be."""
        there = self._helpers.at_least(helpers, _serve, self._errands)
        self._helpers.make_way()
        for _ in range(min(helpers, there)):
            self._errands.put(errand)


def _serve(errands: SimpleQueue[_Errand]) -> None:
    while True:
        errands.get().help()


_pool = _Pool()
_crew = Crew()


def crew() -> Crew:
    """Return the threads that wait in compiled code."""
    return _crew


def _forget() -> None:
    """Start over: the threads of the pool did not come along into the forked process, and its locks may be held."""
    global _pool, _crew
    _pool, _crew = _Pool(), Crew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def run(task: Callable[[], None], helpers: int) -> None:
    """Run the task here and at the same time on up to ``helpers`` other threads; return when all have finished."""
    if helpers < 1:
        task()
        return
    errand = _Errand(task)
    _pool.ask(errand, helpers)
    try:
        task()
    finally:
        errand.close()
    if errand.error is not None:
        raise errand.error
