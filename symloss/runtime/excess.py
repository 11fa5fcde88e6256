"""By how much a difference of two numbers exceeds a third: rounded, but never to the other side of 0.

A rounded difference is on the same side of every float as the exact one, or on that float itself; there, what the
rounding took away decides, which is known exactly (Knuth).
"""

from __future__ import annotations

from .double_word import Twofold, absolute, subtract
from .jit import inlined, polymorphic


@polymorphic
def excess(x: float, y: float, level: float) -> float:
    """(x - y) - level, with its sign."""
    apart = x - y
    back = apart - x
    lost = (x - (apart - back)) - (y + back)
    result = apart - level
    return result if result != 0.0 else lost


@polymorphic
def distance_excess(x: float, y: float, level: float) -> float:
    """abs(x - y) - level, with its sign."""
    apart = x - y
    back = apart - x
    lost = (x - (apart - back)) - (y + back)
    result = abs(apart) - level
    return result if result != 0.0 else lost if apart > 0.0 else -lost


@inlined
def excess_parts(x: Twofold, y: Twofold, level: Twofold) -> Twofold:
    """Return (x - y) - level."""
    return subtract(subtract(x, y), level)


@inlined
def distance_excess_parts(x: Twofold, y: Twofold, level: Twofold) -> Twofold:
    """Return abs(x - y) - level."""
    return subtract(absolute(subtract(x, y)), level)
