"""Turns decisions among values into selections: what decides differently for each of several samples cannot branch.

Both ways are computed.  All functions are defined everywhere, so that no branch guards another's arguments.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from symloss.ir import (
    TEMPORARY,
    Assign,
    Choose,
    Expr,
    If,
    Loop,
    Name,
    Number,
    Reduce,
    Statement,
    Store,
    defined,
    substituted,
    used,
)

Body = tuple[Statement, ...]
_Target = tuple[Any, ...]  # an array and indices, or names


def select(body: Body) -> Body:
    """Return the statements without decisions, as far as these are only about values."""
    result: list[Statement] = []
    for statement in body:
        if isinstance(statement, If):
            result += _selected(statement)
        elif isinstance(statement, (Loop, Reduce)):
            result.append(replace(statement, body=select(statement.body)))
        else:
            result.append(statement)
    return tuple(result)


def _selected(statement: If) -> list[Statement]:
    """Return what either way computes, then the choice between the values of each result."""
    yes, no = select(statement.yes), select(statement.no)
    own, others = _by_target(yes), _by_target(no)
    written_once = [t for t, s in (own | others).items() if isinstance(s, Store) and not (t in own and t in others)]
    if written_once or not all(isinstance(inner, (Assign, Store)) for inner in (*yes, *no)):
        return [replace(statement, yes=yes, no=no)]
    differing = _differing(own, others)
    left, right = _Way(yes, "yes", differing), _Way(no, "no", differing)
    choices = [
        replace(inner, value=Choose(statement.condition, left.results[target], right.results[target]))
        for target, inner in own.items()
        if target in differing
    ]
    return [*left.moved, *(inner for inner in right.moved if inner not in left.moved), *choices]


def _by_target(way: Body) -> dict[_Target, Any]:
    return {_target(inner): inner for inner in way}


def _differing(own: dict[_Target, Any], others: dict[_Target, Any]) -> set[_Target]:
    """Return the targets that the two ways give different values, directly or by what these are made of."""
    differing = {t for t in own if t in others and own[t] != others[t]}
    while True:
        names = {name for target in differing for name in target if isinstance(name, str)}
        more = {t for t in own if t in others and not names.isdisjoint(used(own[t]))} - differing
        if not more:
            return differing
        differing |= more


def _target(statement: Any) -> _Target:
    return (statement.array, statement.indices) if isinstance(statement, Store) else defined(statement)


class _Way:
    """What one way computes, before the choice, and the values to choose from."""

    def __init__(self, body: Body, way: str, differing: set[_Target]) -> None:
        self.moved: list[Statement] = []
        self.results: dict[_Target, Expr] = {}
        names: dict[str, Expr] = {}
        for inner in body:
            statement: Any = substituted(inner, names)
            target = _target(inner)
            if target not in differing:
                self.moved.append(statement)
                continue
            value = statement.value
            if not isinstance(value, (Name, Number)):
                name = f"{TEMPORARY}{str(target[0]).removeprefix(TEMPORARY)}|{way}"
                self.moved.append(Assign(name, value))
                value = Name(name)
            self.results[target] = value
            if isinstance(inner, Assign):
                names[inner.name] = value
