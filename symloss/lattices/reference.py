"""Losses that are a total less the weight of one of its own paths, such as a likelihood of a sequence of states.

Total and weight cancel where the path is nearly certain, as do a marginal and the 1 of the path.  Both are sums over
the other paths, all of them positive: known where the path is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sympy
from sympy import Expr, S

from symloss.arguments import Target, is_class_label
from symloss.lattices.lattice import Lattice
from symloss.lattices.weights import Choice, Linear, Weight
from symloss.reductions import Element

_Atoms = dict[Any, Expr]  # (whether at all steps but the first, entry or row) -> coefficient


def reference_of(lattice: Lattice) -> Expr | None:
    """Return the place of the path on each front, in terms of the first step; None where there is no such path.

    The lattice must have arcs from all states, and paths that begin on the first front and end on the last.
    """
    dense, steps = lattice.dense, lattice.steps
    if dense is None or len(lattice.starts) != 1 or len(lattice.ends) != 1 or lattice.coefficient != 1:
        return None
    first = steps[0]
    (start,), (end,) = lattice.starts, lattice.ends
    whole = dense.offset == (1, 0) and len(start.free) == len(end.free) == 1
    if not whole or start.point[0] != 0 or sympy.expand(end.point[0] - first.extent) != -1:
        return None
    given = _rest(lattice)
    for target in lattice.loss.of_role(Target):
        if given is None or not is_class_label(target) or len(target.dims) != 1:
            continue
        place = Element(target, first)
        at = {0: place.xreplace({first: S.Zero}), -1: place.xreplace({first: first.extent - 1})}
        found: _Atoms = {}
        _add(found, False, start.weight, {start.free[0]: at[0]})
        _add(found, False, end.weight, {end.free[0]: at[-1]})
        _add(found, True, lattice.node, {steps[1]: place})
        _add(found, True, dense.weight, {dense.source: place.xreplace({first: first - 1}), steps[1]: place})
        if {key: -c for key, c in found.items() if c != 0} == given:
            return place
    return None


def _rest(lattice: Lattice) -> _Atoms | None:
    """Return the terms beside the recurrence, sums along the first step split into the first term and the others."""
    first, found = lattice.steps[0], _Atoms()
    for term in lattice.rest:
        weight = term.weight
        parts: list[tuple[bool, Weight, dict[Any, Any]]]
        if term.step is None:
            parts = [(False, weight, {})]
        elif term.step != first:
            return None
        elif isinstance(weight, Choice):
            if weight.condition != (first > 0):
                return None
            parts = [(True, weight.yes, {}), (False, weight.no, {first: S.Zero})]
        else:
            parts = [(True, weight, {}), (False, weight, {first: S.Zero})]
        for later, part, moved in parts:
            if not _add(found, later, part, moved, term.coefficient):
                return None
    return {key: c for key, c in found.items() if c != 0}


def _add(found: _Atoms, later: bool, weight: Weight, moved: Mapping[Any, Any], factor: Expr = S.One) -> bool:
    """Add a weight with indices in their place; return whether it is a sum of entries and nothing else."""
    if not isinstance(weight, Linear) or weight.constant != 0:
        found[later, "no sum"] = S.One
        return False
    for coefficient, atom in _moved(weight, moved):
        found[later, atom] = found.get((later, atom), S.Zero) + factor * coefficient
    return True


def _moved(weight: Linear, moved: Mapping[Any, Any]) -> Iterator[tuple[Expr, Any]]:
    for coefficient, atom in weight.terms:
        indices = tuple(sympy.sympify(i).xreplace(dict(moved)) for i in atom.indices)
        yield coefficient, type(atom)(atom.base, indices)
