"""The recurrence of a loss taken apart: arcs between points, their weights, where paths begin and end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import sympy
from sympy import Basic, Expr, S, Symbol

from symloss.arguments import Argument, Prediction
from symloss.declare import Loss
from symloss.errors import SpecError
from symloss.lattices.weights import NEVER, Choice, Weight, is_constant, weight_of
from symloss.recurrence import Length, LogAdd, Step, SumAlong, Total, allowed
from symloss.reductions import Element, Index, LogSumExp


@dataclass(frozen=True)
class Arc:
    """How a point is reached from an earlier one.

    Attributes
    ----------
    offset : tuple of int
        How far back the other point lies, along each step.
    weight : Weight
        Of the arc, in the indices of the point that is reached; `NEVER` where there is none.
    source : Index or None
        For arcs from all states at once, the index of the state that they come from; its offset is 0.
    """

    offset: tuple[int, ...]
    weight: Weight
    source: Index | None = None


@dataclass(frozen=True)
class End:
    """A point in which paths begin or end, or a line of such points.

    Attributes
    ----------
    point : tuple of Expr
        Where; an `Index` in it runs freely.
    weight : Weight
        What is added.
    """

    point: tuple[Expr, ...]
    weight: Weight

    @property
    def free(self) -> tuple[Index, ...]:
        """The indices that run."""
        return tuple(i for i in self.point if isinstance(i, Index))


@dataclass(frozen=True)
class Sum:
    """A term of the loss beside the recurrence: a coefficient times a weight, summed along a step or not."""

    coefficient: Expr
    weight: Weight
    step: Step | None


@dataclass(frozen=True)
class Lattice:
    """A loss over a recurrence.

    Attributes
    ----------
    loss : Loss
        As declared.
    total : Total
        The recurrence as declared.
    steps : tuple of Step
        The indices of the workspace.
    node : Weight
        What every path that reaches a point is multiplied by.
    arcs : tuple of Arc
        How points are reached.
    starts, ends : tuple of End
        The boundary, and the result set.
    coefficient : Expr
        Of the total in the loss.
    rest : tuple of Sum
        The other terms of the loss.
    """

    loss: Loss
    total: Total
    steps: tuple[Step, ...]
    node: Weight
    arcs: tuple[Arc, ...]
    starts: tuple[End, ...]
    ends: tuple[End, ...]
    coefficient: Expr
    rest: tuple[Sum, ...] = field(default=())

    @property
    def dense(self) -> Arc | None:
        """The arc from all states, if there is one."""
        return next((arc for arc in self.arcs if arc.source is not None), None)


def has_recurrence(loss: Loss) -> bool:
    """Whether the loss is one over a recurrence."""
    return bool(loss.expr.has(Total))


def lattice_of(loss: Loss) -> Lattice:
    """Take the recurrence of a loss apart.

    Raises
    ------
    SpecError
        If the loss is not linear in one recurrence, or the equation is none that has an order.
    """
    try:
        return _lattice(loss)
    except ValueError as error:
        if isinstance(error, SpecError):
            raise
        raise SpecError(f"{loss.name}: {error}", loss.source) from None


def _lattice(loss: Loss) -> Lattice:
    totals = sorted(loss.expr.atoms(Total), key=str)
    if len(totals) != 1:
        raise ValueError(f"a loss has one recurrence, this one has {len(totals)}")
    (total,) = totals
    symbol = sympy.Dummy("total")
    expr = sympy.expand(loss.expr.xreplace({total: symbol}))
    coefficient = expr.coeff(symbol, 1)
    rest = sympy.expand(expr - coefficient * symbol)
    if rest.has(symbol) or _predictions(coefficient) or coefficient == 0:
        raise ValueError(
            "the loss must be a coefficient times its recurrence, plus sums that are linear in the predictions"
        )
    node, arcs = _arcs(total)
    starts = tuple(End(tuple(point), weight_of(value)) for point, value in total.boundary)
    ends = tuple(End(tuple(point), weight_of(value)) for point, value in total.result)
    for start in starts:
        if any(i.is_Integer and i < 0 for i in start.point) and not is_constant(start.weight):
            raise ValueError(f"the boundary at {start.point} lies out of range; there it must be a constant")
    return Lattice(
        loss, total, total.workspace.steps, node, arcs, starts, ends, coefficient,
        tuple(_sum(term) for term in sympy.Add.make_args(rest) if term != 0),
    )  # fmt: skip


def _predictions(expr: Basic) -> bool:
    return any(isinstance(s, Prediction) for s in expr.free_symbols)


def _sum(term: Expr) -> Sum:
    sums = [f for f in sympy.Mul.make_args(term) if isinstance(f, SumAlong)]
    if not sums:
        return Sum(S.One, weight_of(term), None)
    (total,) = sums
    body, step = total.args
    return Sum(term / total, weight_of(body), step)


def _arcs(total: Total) -> tuple[Weight, tuple[Arc, ...]]:
    """Return the weight of points, and the arcs."""
    workspace = total.workspace
    equation, conditions = allowed(total.equation)
    terms = sympy.Add.make_args(equation)
    inside = [term for term in terms if _mentions(term, workspace)]
    if len(inside) != 1:
        raise ValueError(
            f"{workspace.name}: its equation must be a weight plus one LogAdd (or logsumexp) of earlier entries, "
            f"got {equation}"
        )
    (reached,) = inside
    node = guarded(weight_of(sympy.Add(*(term for term in terms if term is not reached))), conditions)
    parts = reached.args if isinstance(reached, LogAdd) else (reached,)
    return node, tuple(_arc(part, total) for part in parts)


def _mentions(expr: Basic, workspace: Symbol) -> bool:
    return any(e.base == workspace for e in expr.atoms(Element))


def guarded(weight: Weight, conditions: tuple[Basic, ...]) -> Weight:
    """Return a weight that is log 0 unless all conditions hold."""
    for condition in reversed(conditions):
        weight = Choice(condition, weight, NEVER)
    return weight


def _arc(part: Expr, total: Total) -> Arc:
    workspace = total.workspace
    term, conditions = allowed(part)
    source = None
    if isinstance(term, LogSumExp):
        source = Index(f"i_{term.index.dim.name}", term.index.dim)
        term = term.open(source)
        if len(workspace.steps) != 2 or workspace.steps[1].extent != source.dim:
            raise ValueError(f"{part}: a sum over all states needs a second index that runs over {source.dim}")
    terms = sympy.Add.make_args(term)
    entries = [t for t in terms if _mentions(t, workspace)]
    if len(entries) != 1 or not isinstance(entries[0], Element):
        raise ValueError(f"{part}: an arc is one earlier entry of {workspace.name} plus a weight")
    (entry,) = entries
    offset = []
    for index, step in zip(entry.indices, workspace.steps, strict=True):
        apart = S.Zero if index == source else sympy.expand(step - index)
        if not apart.is_Integer:
            raise ValueError(f"{entry}: the index {index} must be {step} less a whole number")
        offset.append(int(apart))
    weight = weight_of(sympy.Add(*(t for t in terms if t is not entry)))
    return Arc(tuple(offset), guarded(weight, conditions), source)


def lengths_of(loss: Loss) -> dict[Any, Length]:
    """Return the lengths that cut axes short, by axis."""
    return {a.dim: a for a in loss.arguments if isinstance(a, Length)}


def arguments_of_lattice(lattice: Lattice) -> tuple[Argument, ...]:
    """Return the arguments that paths depend on, in the order of the loss."""
    found = lattice.total.free_symbols
    extents = {s for step in lattice.steps for s in step.extent.free_symbols}
    return tuple(a for a in lattice.loss.arguments if a in found | extents)
