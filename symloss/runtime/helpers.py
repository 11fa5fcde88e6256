"""Threads of our own that wait for work beside a calling thread, on the processors that it does not use."""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from collections.abc import Callable
from typing import Any

from .floating_point import keep_subnormals


@functools.cache
def _asks_for_processor() -> Callable[[], int] | None:
    """Return the C library's function that says on which processor a thread runs, where there is one."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    try:
        import ctypes

        return ctypes.CDLL(None).sched_getcpu
    except (ImportError, OSError, AttributeError):
        return None


def _processor() -> int:
    ask = _asks_for_processor()
    return -1 if ask is None else ask()


class Helpers:
    """Threads that all do the same, and are gone with the process.

    Parameters
    ----------
    name : str
        What their names begin with.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._place: set[int] = set()

    @property
    def number(self) -> int:
        """How many there are."""
        return len(self._threads)

    def at_least(self, number: int, task: Callable[..., Any], *arguments: Any) -> int:
        """Return how many there are, after starting those that are missing, which call the task."""
        if len(self._threads) < number:
            self._grow(number, task, arguments)
        return len(self._threads)

    def make_way(self) -> None:
        """Keep them off the processor of the caller: woken there, they may wait for milliseconds while others idle.

        They may run wherever else the caller may, which can have changed since they began.
        """
        processor = _processor()
        if processor < 0:
            return
        allowed = os.sched_getaffinity(0)
        place = allowed - {processor} or allowed
        if place != self._place:
            self._place = place
            for helper in self._threads:
                with contextlib.suppress(OSError):
                    os.sched_setaffinity(helper.native_id or -1, place)

    def _grow(self, size: int, task: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        with self._lock:
            try:
                while len(self._threads) < size:
                    name = f"{self._name}-{len(self._threads)}"
                    helper = threading.Thread(target=_begin, args=(task, arguments), name=name, daemon=True)
                    helper.start()
                    self._threads.append(helper)
                    self._place = set()
            except RuntimeError:  # no more threads to be had, or the interpreter is about to end
                pass


def _begin(task: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    keep_subnormals()
    task(*arguments)
