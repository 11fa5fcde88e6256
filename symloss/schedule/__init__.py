"""One pass a file, each from kernel to kernel, none of which changes a value."""

from __future__ import annotations

from symloss.ir import Kernel
from symloss.schedule.converge import converge
from symloss.schedule.fuse import fuse
from symloss.schedule.hoist import hoist
from symloss.schedule.inline import inline
from symloss.schedule.keep import keep
from symloss.schedule.naming import name
from symloss.schedule.peel import peel
from symloss.schedule.prune import prune
from symloss.schedule.share import share

PASSES = (hoist, share, converge, fuse, prune, peel, keep, prune, inline, name)


def schedule(kernel: Kernel) -> Kernel:
    """Return the kernel with every value computed once, outside of the loops that it does not depend on."""
    for change in PASSES:
        if change is keep and not kernel.single:  # what waits in a float32 array would lose digits of a float64
            continue
        kernel = kernel.each(change)
    return kernel
