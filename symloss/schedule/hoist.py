"""Moves what does not depend on a loop out of it, also out of a decision inside the loop."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from symloss.ir import If, Loop, Reduce, Return, Statement, Store, decided, defined, own_names, used

Body = tuple[Statement, ...]


def hoist(body: Body) -> Body:
    """Return the statements with loop-invariant ones before their loops."""
    result: list[Statement] = []
    for statement in body:
        if isinstance(statement, If):
            result.append(replace(statement, yes=hoist(statement.yes), no=hoist(statement.no)))
        elif isinstance(statement, (Loop, Reduce)):
            moved, kept = _split(hoist(statement.body), {statement.index})
            result += moved
            result.append(replace(statement, body=kept))
        else:
            result.append(statement)
    return tuple(result)


def _split(body: Body, varying: set[str], fixed: Collection[str] = ()) -> tuple[Body, Body]:
    """Return what can go before the loop, and what stays; names that vary are added to ``varying``."""
    moved: list[Statement] = []
    kept: list[Statement] = []
    for statement in body:
        movable = not isinstance(statement, (Store, Return)) and set(defined(statement)).isdisjoint(fixed)
        if movable and varying.isdisjoint(used(statement)):
            moved.append(statement)
            continue
        if isinstance(statement, If):
            results = decided(statement)  # they mean one thing or the other: they stay with the decision
            yes_moved, yes = _split(statement.yes, varying, results)
            no_moved, no = _split(statement.no, varying, results)
            moved += [*yes_moved, *no_moved]
            statement = replace(statement, yes=yes, no=no)
        varying |= own_names(statement)
        kept.append(statement)
    return tuple(moved), tuple(kept)
