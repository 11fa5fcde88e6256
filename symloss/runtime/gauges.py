"""A power of two for every place of the fronts of a recurrence, chosen anew now and then.

A front in plain floats with one scale loses what lies too far below its largest number.  Over many fronts the weights
of the places that paths have left, or are still to reach, fall behind by thousands of orders of magnitude, though paths
through them may have most of the total.  So the number of a place is kept divided by 2**gauge, a power near to what it
was when the gauge was chosen, and the number on the way back multiplied by it: what passes a place is what it was.  A
step from one place to another has the quotient of their gauges as a factor, and the gauges of neighbours are kept so
close that neither the factors nor what they let grow until the next gauge leave the range of floats.
"""

from __future__ import annotations

from typing import Any

from .bits import raised
from .greatest import as_whole, greater
from .jit import inlined, kernel
from .lattice import _ROUNDER, NOWHERE, distinct
from .loops import wide_vectors

PERIOD = 16  # fronts from one gauge to the next
LONG = 256  # of more fronts, one scale alone is not tried first
_RISE = 12.0  # powers of two by which a gauge may be above that of the place that a step goes to
_FALL = 200.0  # and below it
_MOST = 900.0  # powers of two between a number that is not lost and its gauge


@inlined
def shifted(apart: float) -> float:
    """Return 2**apart for a whole number, 0 where that is no normal float, and 2**1000 where it is more."""
    apart = -1023.0 if apart < -1023.0 else apart
    return raised((1000.0 if apart > 1000.0 else apart) + _ROUNDER)


@kernel
def choose(front: Any, steps_on: bool, steps_back: bool, gauge: Any, chosen: Any) -> None:
    """Write gauges near the numbers of a front, of which not all are 0.

    Parameters
    ----------
    front, gauge : ndarray
        The numbers, and their gauges.
    steps_on, steps_back : bool
        Whether steps lead to later places, and to earlier ones.
    chosen : ndarray
        Becomes the new gauges: not below the numbers, by `_FALL` at most below those of the neighbours, and by `_RISE`
        at most below those of the neighbours from which steps come.
    """
    for place in range(front.size):
        exponent = (as_whole(front[place]) >> 52) - 1023
        chosen[place] = gauge[place] + exponent if front[place] > 0.0 else NOWHERE
    least, below = NOWHERE, _RISE if steps_on else _FALL
    for place in range(front.size):
        least = max(chosen[place], least - below)
        chosen[place] = least
    least, below = NOWHERE, _RISE if steps_back else _FALL
    for place in range(front.size - 1, -1, -1):
        least = max(chosen[place], least - below)
        chosen[place] = least


@kernel
def change(front: Any, gauge: Any, chosen: Any, least: float) -> tuple[int, bool]:
    """Give numbers other gauges; return the largest as a whole number, and whether one fell below the least."""
    wide_vectors()
    distinct()
    top, gone = as_whole(0.0), 0
    for place in range(front.size):
        apart = gauge[place] - chosen[place]
        number = front[place] * (shifted(apart) if apart <= _MOST else 0.0)
        kept = number if number >= least else 0.0
        gone |= as_whole(front[place]) * (kept == 0.0)
        front[place] = kept
        top = greater(top, as_whole(kept))
    return top, gone != 0


@kernel
def renew(front: Any, steps_on: bool, steps_back: bool, gauge: Any, chosen: Any, least: float) -> tuple[int, bool]:
    """Choose gauges for a front, and give them to its numbers; return what `change` does."""
    choose(front, steps_on, steps_back, gauge, chosen)
    return change(front, gauge, chosen, least)


@kernel
def factors(gauge: Any, origin: Any, out: Any) -> None:
    """Write the factors of steps to places with some gauges from places with others."""
    wide_vectors()
    distinct()
    for place in range(out.size):
        out[place] = shifted(origin[place] - gauge[place])


@kernel
def guarded_factors(gauge: Any, origin: Any, mask: Any, out: Any) -> None:
    """Write the factors of steps that may not be taken to all places."""
    wide_vectors()
    distinct()
    for place in range(out.size):
        out[place] = shifted(origin[place] - gauge[place]) * mask[place]


@kernel
def ended(end_front: Any, end_place: Any, last: int, gauge: Any, pad: int, out: Any) -> float:
    """Write what the numbers of places where paths end are divided by, over the largest, and return its exponent."""
    height = NOWHERE
    for r in range(end_front.size):
        if end_front[r] == last:
            height = max(height, gauge[end_place[r] + pad])
    for r in range(end_front.size):
        if end_front[r] == last:
            out[r] = shifted(gauge[end_place[r] + pad] - height)
    return height
