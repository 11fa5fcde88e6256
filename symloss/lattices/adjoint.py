"""The adjoint of a recurrence, derived: every arc taken backwards, with the weight that it has where it ends.

A total is linear in each entry of its workspace, so what an entry contributes obeys a recurrence of the same kind: the
entry at p is reached from p + offset for every arc with that offset, and the guards are those of p + offset.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy
from sympy import Basic, Expr, S, Symbol

from symloss.functions import select
from symloss.lattices.lattice import Lattice
from symloss.lattices.plan import Plan
from symloss.recurrence import LogAdd, Workspace, allowed
from symloss.reductions import Element, Index, LogSumExp


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


def adjoint_equation(lattice: Lattice) -> tuple[Workspace, Expr]:
    """Return the workspace of the adjoint and its equation, of the form in which the recurrence was declared.

    ``alpha[p] + beta[p]`` is the logarithm of the sum over all paths that pass p, so the derivative of the total in a
    weight of p is ``exp(alpha[p] + beta[p] - total)``.
    """
    total, steps = lattice.total, lattice.steps
    taken = {s.name for s in lattice.loss.expr.free_symbols if isinstance(s, Symbol)} | {total.workspace.name}
    name = next(name for name in ("beta", "adjoint", "mirrored") if name not in taken)
    beta = Workspace(name, *steps)
    equation, conditions = allowed(total.equation)
    terms = sympy.Add.make_args(equation)
    (reached,) = (term for term in terms if _entries(term, total.workspace))
    node = equation - reached
    parts = reached.args if isinstance(reached, LogAdd) else (reached,)
    terms = tuple(_backwards(part, node, conditions, total.workspace, beta) for part in parts)
    return beta, LogAdd(*terms) if len(terms) > 1 else terms[0]


def _entries(expr: Basic, workspace: Workspace) -> list[Element]:
    return [e for e in expr.atoms(Element) if e.base == workspace]


def _backwards(part: Expr, node: Expr, conditions: tuple[Basic, ...], workspace: Workspace, beta: Workspace) -> Expr:
    """Return the term of the adjoint that stands for one arc."""
    term, own = allowed(part)
    index = None
    if isinstance(term, LogSumExp):
        index, source = term.index, Index(f"i_{term.index.dim.name}", term.index.dim)
        term = term.open(source)
    (entry,) = _entries(term, workspace)
    weight = node + term - entry
    moved: dict[Basic, Expr] = {}
    for at, step in zip(entry.indices, workspace.steps, strict=True):
        if index is not None and at == source:  # from all states to this one: now from this one to all
            moved |= {at: step, step: index}
        else:
            moved[step] = step + (step - at)
    target = beta[tuple(moved.get(step, step) for step in workspace.steps)]
    result = target + weight.xreplace(moved)
    for condition in (*own, *conditions):
        result = select(condition.xreplace(moved), result, S.NegativeInfinity)
    return result if index is None else LogSumExp(result, index)
