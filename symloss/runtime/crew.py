"""Threads that wait for work in compiled code, and join a call at once, or as soon as the system has woken them.

A thread that waits in Python has to get the interpreter before it can begin, and again between two blocks, while the
caller has it: two threads took as long as one for what one does in a fifth of a millisecond.

The caller puts a *task* on the *desk*, a function and what it is called with, under a new ticket.  Members of the crew
that see the ticket say that they are active, look whether the task is still open, take a seat if there is one, and call
the function.  The caller calls it, too; then it closes the task and waits until nobody is active.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from typing import Any

import numpy as np
from numba import types
from numba.core import cgutils, codegen
from numba.extending import intrinsic

from .helpers import Helpers
from .jit import kernel, specialised

HAS_SEMAPHORES = sys.platform.startswith("linux")  # elsewhere they are others, or none
# Words of the desk, each on a cache line of its own; behind the function is what it is called with.
_TICKET, _OPEN, _SEATS, _ACTIVE, _ASLEEP, _TASK, _SEMAPHORE, _SIZE = range(0, 64, 8)
_PATIENCE = 1500  # looks at the desk, of 25 to 40 nanoseconds, before a thread sleeps, or lets others run
ir = cgutils.ir
_WORD = ir.IntType(64)  # holds an address, too
# What tells a processor that a loop only waits.
_RELAX: dict[str, tuple[str, tuple[int, ...]]] = {
    "x86_64": ("llvm.x86.sse2.pause", ()),
    "aarch64": ("llvm.aarch64.hint", (1,)),
}


class Desk:
    """Emits code that uses a desk.

    Parameters
    ----------
    builder : IRBuilder
        Of the function that uses it.
    address : value
        Where it is.
    """

    def __init__(self, builder: Any, address: Any) -> None:
        self._builder = builder
        self._address = address

    def _word(self, place: int) -> Any:
        builder = self._builder
        return builder.inttoptr(builder.add(self._address, _WORD(8 * place)), _WORD.as_pointer())

    def _load(self, place: int) -> Any:
        return self._builder.load_atomic(self._word(place), "seq_cst", 8)

    def _store(self, place: int, value: Any) -> None:
        self._builder.store_atomic(value, self._word(place), "seq_cst", 8)

    def _add(self, place: int, more: int) -> Any:
        return self._builder.atomic_rmw("add", self._word(place), _WORD(more), "seq_cst")

    def _call(self, name: str, *args: Any, returns: Any = ir.IntType(32)) -> Any:  # noqa: B008
        """Call a function of the C library, or one of LLVM's."""
        kind = ir.FunctionType(returns, [arg.type for arg in args])
        return self._builder.call(cgutils.get_or_insert_function(self._builder.module, kind, name), args)

    def _relax(self) -> None:
        name, numbers = _RELAX.get(codegen.ll.get_process_triple().partition("-")[0], ("", ()))
        if name:
            self._call(name, *map(ir.IntType(32), numbers), returns=ir.VoidType())

    def open(self, function: Any, argument: Any) -> None:
        """Let the crew call a function with a pointer.

        Nobody looks at the function, at its argument and at the seats before the ticket that is open is his.
        """
        builder = self._builder
        for place, what in enumerate((function, argument), _TASK):
            builder.store(builder.ptrtoint(what, _WORD), self._word(place))
        ticket = builder.add(self._load(_TICKET), _WORD(1))
        self._store(_OPEN, ticket)
        self._store(_TICKET, ticket)
        asleep, seats = self._load(_ASLEEP), self._load(_SEATS)
        few = builder.select(builder.icmp_signed("<", asleep, seats), asleep, seats)
        few = builder.select(builder.icmp_signed("<", few, _WORD(0)), _WORD(0), few)
        # Counted here: whoever is woken may take long to begin, and the next task would wake him again.
        builder.atomic_rmw("sub", self._word(_ASLEEP), few, "seq_cst")
        with cgutils.for_range(builder, few):
            self._call("sem_post", self._word(_SEMAPHORE))

    def close(self) -> None:
        """Let nobody join any more, and wait for those who did."""
        builder = self._builder
        self._store(_OPEN, _WORD(0))
        turns = cgutils.alloca_once_value(builder, _WORD(0))
        look, wait, done = map(builder.append_basic_block, ("look", "wait", "done"))
        builder.branch(look)
        builder.position_at_end(look)
        builder.cbranch(builder.icmp_unsigned("!=", self._load(_ACTIVE), _WORD(0)), wait, done)
        builder.position_at_end(wait)
        self._relax()
        turn = builder.load(turns)
        builder.store(builder.add(turn, _WORD(1)), turns)
        with builder.if_then(builder.icmp_unsigned(">", turn, _WORD(_PATIENCE)), likely=False):
            self._call("sched_yield")
        builder.branch(look)
        builder.position_at_end(done)

    def serve(self) -> None:
        """Wait for tasks, and take part in them, without end."""
        builder = self._builder
        seen, turns = (cgutils.alloca_once_value(builder, _WORD(0)) for _ in range(2))
        look, idle, sleep, join, never = map(builder.append_basic_block, ("look", "idle", "sleep", "join", "never"))
        builder.branch(look)
        builder.position_at_end(look)
        ticket = self._load(_TICKET)
        builder.cbranch(builder.icmp_unsigned("!=", ticket, builder.load(seen)), join, idle)
        builder.position_at_end(idle)
        turn = builder.load(turns)
        builder.store(builder.add(turn, _WORD(1)), turns)
        self._relax()
        builder.cbranch(builder.icmp_unsigned("<", turn, _WORD(_PATIENCE)), look, sleep)
        builder.position_at_end(sleep)
        builder.store(_WORD(0), turns)
        self._sleep(builder.load(seen))
        builder.branch(look)
        builder.position_at_end(join)
        builder.store(ticket, seen)
        builder.store(_WORD(0), turns)
        self._take_part(ticket)
        builder.branch(look)
        builder.position_at_end(never)

    def _sleep(self, seen: Any) -> None:
        builder, nothing = self._builder, ir.IntType(32)(0)
        self._add(_ASLEEP, 1)  # before the last look: who opens a task after it wakes somebody
        failed = cgutils.alloca_once_value(builder, ir.IntType(32)(1))
        with builder.if_then(builder.icmp_unsigned("==", self._load(_TICKET), seen)):
            builder.store(self._call("sem_wait", self._word(_SEMAPHORE)), failed)
        with builder.if_then(builder.icmp_signed("!=", builder.load(failed), nothing)):  # woken by nobody
            missed = self._call("sem_trywait", self._word(_SEMAPHORE))
            with builder.if_then(builder.icmp_signed("!=", missed, nothing)):
                self._add(_ASLEEP, -1)

    def _take_part(self, ticket: Any) -> None:
        builder = self._builder
        self._add(_ACTIVE, 1)  # before the look at what is open: who closes it waits for the active ones
        with builder.if_then(builder.icmp_unsigned("==", self._load(_OPEN), ticket)):
            seats = self._add(_SEATS, -1)
            with builder.if_then(builder.icmp_signed(">", seats, _WORD(0))):
                kind = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t])
                function = builder.inttoptr(builder.load(self._word(_TASK)), kind.as_pointer())
                builder.call(function, [builder.inttoptr(builder.load(self._word(_TASK + 1)), cgutils.voidptr_t)])
        self._add(_ACTIVE, -1)


@intrinsic
def _serve(typingctx: Any, address: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        Desk(builder, args[0]).serve()
        return context.get_dummy_value()

    return types.none(address), build


@kernel
def serve(address: int, desk: Any) -> None:
    """Wait for tasks on a desk, and take part in them, without end; the array is there to stay where it is."""
    _serve(address)


class Crew:
    """The members, of which one caller at a time has the use.

    Attributes
    ----------
    seats : int
        How many may take part in the call of who has taken the crew; some may be late.
    """

    def __init__(self) -> None:
        self._helpers = Helpers("symloss-crew")
        self._taken = threading.Lock()
        self._desk: Any = None
        self._address = 0
        self._serve: Any = None
        self.seats = 0

    def take(self, helpers: int) -> int:
        """Return where the desk is, for at most so many helpers; 0 if somebody else uses it, or there is none."""
        if not HAS_SEMAPHORES or not self._taken.acquire(blocking=False):
            return 0
        try:
            if self._desk is None:
                self._set_up()
            self.seats = min(helpers, self._members(helpers))
            if self.seats:
                self._helpers.make_way()
                self._desk[_SEATS] = self.seats
                return self._address
        except BaseException:
            self._taken.release()
            raise
        self._taken.release()
        return 0

    def came(self) -> int:
        """Return how many have taken part in the call that has just ended."""
        return self.seats - max(0, int(self._desk[_SEATS]))

    def give_back(self) -> None:
        """Let others use it."""
        self._taken.release()

    def _members(self, wanted: int) -> int:
        """Return how many there are, after hiring: at most one for every other processor, as they wait awake."""
        there = self._helpers.number
        if there < wanted:
            wanted = min(wanted, len(os.sched_getaffinity(0)) - 1)
            there = self._helpers.at_least(wanted, self._serve, self._address, self._desk)
        return there

    def _set_up(self) -> None:
        room = np.zeros(_SIZE + 8, np.int64)
        start = -room.ctypes.data % 64 // 8
        desk = room[start : start + _SIZE]
        self._address = desk.ctypes.data
        if ctypes.CDLL(None).sem_init(ctypes.c_void_p(self._address + 8 * _SEMAPHORE), 0, 0):
            raise OSError("there is no room for a semaphore")
        self._serve = specialised(serve, (0, desk))
        self._desk = desk
