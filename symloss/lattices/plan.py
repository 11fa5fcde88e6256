"""What the loops over fronts keep: tables along a front, masks of arcs, statistics of rows."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import Any

import sympy
from sympy import Basic, Expr

from symloss.arguments import Prediction
from symloss.functions import select
from symloss.lattices.lattice import Arc, Lattice
from symloss.lattices.order import Order, order_of
from symloss.lattices.reference import reference_of
from symloss.lattices.weights import (
    NEVER,
    NOTHING,
    Entry,
    Linear,
    Row,
    Weight,
    expressions,
    leaves,
    rows_of,
)
from symloss.reductions import Element


@dataclass(frozen=True)
class Plan:
    """A lattice with everything that is decided before text is written.

    Attributes
    ----------
    lattice : Lattice
        The recurrence.
    order : Order
        Its fronts.
    tables : dict of Expr to str
        Indices that are the same on every front, computed once a sample.
    masks : tuple of (str or None)
        For each arc the name of the table that says from which places it may be taken.
    weighted : tuple of bool
        Whether each arc has weights of its own on every front.
    has_node : bool
        Whether points have weights.
    rows : tuple of Prediction
        The predictions whose rows are reduced ahead of the sweeps.
    front_row : Prediction or None
        The prediction of which every front reads one row of its own, through its log-softmax, and nothing else does:
        the row is reduced where the front is reached, and its gradient completed where the adjoint leaves it.
    """

    lattice: Lattice
    order: Order
    tables: dict[Expr, str]
    masks: tuple[str | None, ...]
    weighted: tuple[bool, ...]
    has_node: bool
    rows: tuple[Prediction, ...]
    front_row: Prediction | None = None

    @property
    def pad(self) -> int:
        """Places beside a front that are read and hold nothing."""
        return self.order.widest + (self.order.deepest if self.order.slope else 0)

    @property
    def first(self) -> str:
        """Name of the first step."""
        return self.lattice.steps[0].name

    @property
    def second(self) -> str:
        """Name of the place on a front."""
        steps = self.lattice.steps
        return steps[1].name if len(steps) == 2 else "place"

    @property
    def front_entries(self) -> str:
        """The table of the entries that the places of a front read."""
        (leaf,) = leaves(self.lattice.node)
        return next(self.tables[atom.indices[-1]] for _, atom in leaf.terms if isinstance(atom, Entry))

    @property
    def leaks(self) -> bool:
        """Whether the loss is minus a total that is 1 less what its paths lose on the way.

        Paths begin in one point ahead of all fronts, every arc goes to the next front with no weight but that of the
        point, a softmax, and paths end on the last front.
        """
        lattice = self.lattice
        plain = not any(self.weighted) and lattice.coefficient == -1 and not lattice.rest
        begins = [start.point[0] == -1 and start.weight == NOTHING for start in lattice.starts]
        ends = [
            sympy.expand(end.point[0] - lattice.steps[0].extent) == -1 and end.weight == NOTHING for end in lattice.ends
        ]
        return self.front_row is not None and self.once_a_front and plain and begins == [True] and all(ends)

    @functools.cached_property
    def reference(self) -> Expr | None:
        """The place on each front of the path whose weight the loss subtracts, if that is all that it does."""
        return reference_of(self.lattice) if self.order.slope == 0 else None

    @property
    def once_a_front(self) -> bool:
        """Whether a path has one point on every front, so that its places say everything."""
        return self.order.slope == 0 and set(self.order.lags) == {1}

    @property
    def crossed(self) -> bool:
        """Whether all paths have the same two ends, and pass or go over every front between them."""
        lattice, lags = self.lattice, set(self.order.lags)
        one_way = len(lattice.starts) == len(lattice.ends) == 1 and not lattice.starts[0].free
        if not one_way or lattice.dense or self.once_a_front or any(self.masks):
            return False
        return lags <= {1, 2} and not any(self.weighted) if self.has_node else lags == {1} and all(self.weighted)

    @property
    def fixed_rows(self) -> tuple[Prediction, ...]:
        """The predictions whose rows weigh beginnings, ends or arcs between all states."""
        lattice = self.lattice
        fixed = [end.weight for end in (*lattice.starts, *lattice.ends)]
        fixed += [lattice.dense.weight] if lattice.dense else []
        return tuple(dict.fromkeys(row.base for weight in fixed for row in rows_of(weight)))

    @property
    def ahead(self) -> Plan:
        """The same with all rows reduced ahead of the sweeps."""
        if self.front_row is None:
            return self
        return replace(self, rows=(*self.rows, self.front_row), front_row=None)

    @property
    def weights(self) -> tuple[Weight, ...]:
        """All weights of the loss."""
        lattice = self.lattice
        ends = (end.weight for end in (*lattice.starts, *lattice.ends))
        return (lattice.node, *(arc.weight for arc in lattice.arcs), *ends, *(s.weight for s in lattice.rest))


def plan(lattice: Lattice) -> Plan:
    """Decide what is kept, and in what order fronts come.

    Raises
    ------
    ValueError
        If the equation has no order, or weights that are not supported.
    """
    order = order_of(lattice)
    dense = lattice.dense
    if dense is not None:
        if len(lattice.arcs) > 1:
            raise ValueError(f"{lattice.total.workspace.name}: an arc from all states must be the only one")
        if _depends(dense.weight, lattice.steps[0]):
            raise ValueError(
                f"{lattice.total.workspace.name}: weights between states must not depend on the first index"
            )
    masks = tuple(f"may_{i}" if _is_mask(arc, lattice) else None for i, arc in enumerate(lattice.arcs))
    weighted = tuple(
        mask is None and arc.weight != NOTHING and arc.source is None
        for mask, arc in zip(masks, lattice.arcs, strict=True)
    )
    virtual = any(i.is_Integer and i < 0 for start in lattice.starts for i in start.point)
    if any(weighted) and virtual:  # the weight of an arc is only computed where it comes from a point in range
        raise ValueError(f"{lattice.total.workspace.name}: arcs with weights need a boundary in range")
    made = Plan(lattice, order, {}, masks, weighted, lattice.node != NOTHING, ())
    rows = dict.fromkeys(row.base for weight in made.weights for row in rows_of(weight))
    read = _front_row(made)
    front_row = None if read is None else read.base
    ahead = tuple(p for p in rows if p != front_row)
    tables = _tables(lattice)
    if read is not None:
        tables.setdefault(read.indices[-1], f"entry_{len(tables)}")
    return Plan(lattice, order, tables, masks, weighted, made.has_node, ahead, front_row)


def _front_row(plan: Plan) -> Entry | None:
    """Return the entry that the points of a front read, where a front has a row of its own."""
    lattice = plan.lattice
    pair = lattice.node.log_softmax if isinstance(lattice.node, Linear) else None
    if pair is None or plan.order.slope or len(lattice.steps) != 2:
        return None
    entry, row = pair
    first, second = lattice.steps
    others = (w for w in plan.weights if w is not lattice.node)
    elsewhere = {atom.base for weight in others for leaf in leaves(weight) for _, atom in leaf.terms}
    own = row.indices == (first,) and entry.indices[-1].has(second) and not entry.indices[-1].has(first)
    return entry if own and row.base not in elsewhere else None


def _depends(weight: Weight, symbol: Basic) -> bool:
    return any(expr.has(symbol) for expr in expressions(weight))


def _is_mask(arc: Arc, lattice: Lattice) -> bool:
    """Whether an arc has no weight, and conditions that are the same on every front."""
    trivial = all(leaf in (NOTHING, NEVER) for leaf in leaves(arc.weight))
    return trivial and arc.weight != NOTHING and not _depends(arc.weight, lattice.steps[0])


def _tables(lattice: Lattice) -> dict[Expr, str]:
    """Name the indices that take work and depend on the place alone."""
    if len(lattice.steps) < 2:
        return {}
    first, second = lattice.steps
    tables: dict[Expr, str] = {}
    for weight in (lattice.node, *(arc.weight for arc in lattice.arcs if arc.source is None)):
        for leaf in leaves(weight):
            for _, atom in leaf.terms:
                for index in atom.indices:
                    if index.has(select, Element) and index.has(second) and not index.has(first):
                        tables.setdefault(index, f"entry_{len(tables)}")
    return tables


def along_a_row(weight: Weight, second: Any) -> Prediction | None:
    """Return the prediction of which the places of a front read different entries of one row, if it is so."""
    bases = set()
    for leaf in leaves(weight):
        for _, atom in leaf.terms:
            lead = atom.indices if isinstance(atom, Row) else atom.indices[:-1]
            if not lead or any(i.has(second) for i in lead):
                return None
            bases.add((atom.base, lead))
    return next(iter(bases))[0] if len(bases) == 1 else None
