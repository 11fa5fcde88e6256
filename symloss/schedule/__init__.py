"""One pass a file, each from kernel to kernel, none of which changes a value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from symloss.ir import Choose, Function, Kernel, Statement
from symloss.schedule.converge import converge
from symloss.schedule.entrywise import entrywise
from symloss.schedule.fuse import fuse
from symloss.schedule.hoist import hoist
from symloss.schedule.inline import inline
from symloss.schedule.keep import keep
from symloss.schedule.naming import name
from symloss.schedule.peel import peel
from symloss.schedule.prune import prune
from symloss.schedule.resolve import resolve
from symloss.schedule.select import select
from symloss.schedule.share import share
from symloss.schedule.tile import tile

Pass = Callable[[tuple[Statement, ...]], tuple[Statement, ...]]
PASSES: tuple[Pass, ...] = (hoist, share, resolve, converge, fuse, prune)
ALONG_ROWS: tuple[Pass, ...] = (  # a sample after the other
    peel, share, partial(fuse, loops=True), keep, prune, inline, name,
)  # fmt: skip
ACROSS_ROWS: tuple[Pass, ...] = (  # several samples side by side
    select, share, hoist, keep, prune, partial(inline, apart=(Choose,)), name,
)  # fmt: skip
END_TO_END: tuple[Pass, ...] = (  # several samples in one loop
    select, share, hoist, partial(fuse, loops=True), prune, partial(inline, apart=(Choose,)), name,
)  # fmt: skip


def schedule(kernel: Kernel) -> Kernel:
    """Return the kernel with every value computed once, outside of the loops that it does not depend on.

    Functions that loop over a row have a second form for several samples, see `tile` and `entrywise`.
    """
    shared = _after(PASSES, kernel)
    # What waits in a float32 array would lose digits of a float64; what waits in a tile would not.
    along = _after([p for p in ALONG_ROWS if p is not keep or kernel.single], shared)
    across, on = _after(ACROSS_ROWS, shared), _after(END_TO_END, shared)
    forms = zip(along.functions, across.functions, on.functions, strict=True)
    return replace(along, functions=tuple(_with_others(*form) for form in forms))


def _with_others(along: Function, across: Function, on: Function) -> Function:
    """Return a function with its forms for several samples.

    Where entries may run on from row to row, rows and sets that are done one by one select, too: a loop that decides
    is none of vectors.
    """
    end_to_end = entrywise(on)
    body = along.body if end_to_end is None else end_to_end.body
    return replace(along, body=body, tiled=tile(across), entrywise=end_to_end)


def _after(passes: tuple[Pass, ...] | list[Pass], kernel: Kernel) -> Kernel:
    for change in passes:
        kernel = kernel.each(change)
    return kernel
