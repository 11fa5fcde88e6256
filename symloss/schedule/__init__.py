"""One pass a file, each from kernel to kernel, none of which changes a value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from symloss.ir import Choose, Kernel, Statement
from symloss.schedule.converge import converge
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


def schedule(kernel: Kernel) -> Kernel:
    """Return the kernel with every value computed once, outside of the loops that it does not depend on.

    Functions that loop over a row have a second form for a tile of samples, see `tile`.
    """
    shared = _after(PASSES, kernel)
    # What waits in a float32 array would lose digits of a float64; what waits in a tile would not.
    along = _after([p for p in ALONG_ROWS if p is not keep or kernel.single], shared)
    across = _after(ACROSS_ROWS, shared)
    pairs = zip(along.functions, across.functions, strict=True)
    return replace(along, functions=tuple(replace(one, tiled=tile(other)) for one, other in pairs))


def _after(passes: tuple[Pass, ...] | list[Pass], kernel: Kernel) -> Kernel:
    for change in passes:
        kernel = kernel.each(change)
    return kernel
