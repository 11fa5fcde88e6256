"""The adjoint of a recurrence, derived: every arc taken backwards, with the weight that it has where it ends.

A total is linear in each entry of its workspace, so what an entry contributes obeys a recurrence of the same kind: the
entry at p is reached from p + offset for every arc with that offset, and the guards are those of p + offset.
"""

from __future__ import annotations

from dataclasses import dataclass

from symloss.lattices.plan import Plan


@dataclass(frozen=True)
class Link:
    """One term of a recurrence over fronts.

    Attributes
    ----------
    lag, shift : int
        How many fronts and places back the other entry is; negative in an adjoint.
    mask : str or None
        Table of the places at which the term occurs.
    factor : str or None
        Name of the weights of the arc.
    """

    lag: int
    shift: int
    mask: str | None
    factor: str | None

    def mirrored(self) -> Link:
        """Return the term of the adjoint: the weight has become part of the entry that is read."""
        return Link(-self.lag, -self.shift, self.mask, None)


def forward_links(plan: Plan) -> tuple[Link, ...]:
    """Return the terms of the declared recurrence."""
    order = plan.order
    return tuple(
        Link(lag, shift, mask, f"arc_{i}" if weighted else None)
        for i, (lag, shift, mask, weighted) in enumerate(
            zip(order.lags, order.shifts, plan.masks, plan.weighted, strict=True)
        )
    )


def backward_links(plan: Plan) -> tuple[Link, ...]:
    """Return the terms of its adjoint."""
    return tuple(link.mirrored() for link in forward_links(plan))
