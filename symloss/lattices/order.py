"""The order of a recurrence: which front of points comes after which, read off its offsets."""

from __future__ import annotations

from dataclasses import dataclass

from symloss.lattices.lattice import Arc, Lattice

_STEEPEST = 4


@dataclass(frozen=True)
class Order:
    """Points of one front do not depend on one another.

    Point (t, s) lies on front ``t + slope*s``, at place s; with a single step, on front t at place 0.

    Attributes
    ----------
    slope : int
        0 where all of s is one front, 1 for anti-diagonals.
    lags : tuple of int
        How many fronts back each arc reaches.
    shifts : tuple of int
        How many places back each arc reaches.
    """

    slope: int
    lags: tuple[int, ...]
    shifts: tuple[int, ...]

    @property
    def deepest(self) -> int:
        """Number of fronts that a front depends on."""
        return max(self.lags)

    @property
    def widest(self) -> int:
        """Largest distance between places."""
        return max(map(abs, self.shifts))


def order_of(lattice: Lattice) -> Order:
    """Return the order of the least slope.

    Raises
    ------
    ValueError
        If there is none: some entry would need itself, or a later one.
    """
    for slope in range(_STEEPEST + 1):
        lags = [_lag(arc, slope) for arc in lattice.arcs]
        if min(lags) > 0 and not (slope and lattice.dense):
            shifts = tuple(arc.offset[1] if len(arc.offset) == 2 else 0 for arc in lattice.arcs)
            return Order(slope, tuple(lags), shifts)
    offsets = ", ".join(str(tuple(-d for d in arc.offset)) for arc in lattice.arcs)
    name = lattice.total.workspace.name
    raise ValueError(
        f"{name} has no order: its entries at {offsets} from a point are not all earlier; every entry must be earlier "
        "in its first index, or in both together"
    )


def _lag(arc: Arc, slope: int) -> int:
    first, *second = arc.offset
    return first + slope * (second[0] if second else 0)
