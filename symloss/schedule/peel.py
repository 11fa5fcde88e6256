"""Takes the one entry that differs out of a loop: all entries are computed alike, then that one is written again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from symloss.ir import Assign, Compare, If, Loop, Name, Statement, Store, substituted

Body = tuple[Statement, ...]


def peel(body: Body) -> Body:
    """Return the statements with loops that decide nothing, each followed by what is special."""
    result: list[Statement] = []
    for statement in body:
        peeled = _peeled(statement) if isinstance(statement, Loop) else None
        result += [statement] if peeled is None else peeled
    return tuple(result)


def _peeled(loop: Loop) -> list[Statement] | None:
    """Split a loop whose last statement decides by the index alone what is stored."""
    *before, last = loop.body
    if not isinstance(last, If) or not _is_straight((*before, *last.yes, *last.no)):
        return None
    place = _place(last.condition, loop.index)
    if place is None:
        return None
    special = (*before, *last.yes)
    names: dict[str, Any] = {s.name: Name(f"{s.name}@{place.name}") for s in special if isinstance(s, Assign)}
    names[loop.index] = place
    return [replace(loop, body=(*before, *last.no)), *(_with(names, s) for s in special)]


def _place(condition: Compare, index: str) -> Name | None:
    """Return what the index is compared with."""
    if condition.operator != "==":
        return None
    for one, other in ((condition.left, condition.right), (condition.right, condition.left)):
        if one == Name(index) and isinstance(other, Name):
            return other
    return None


def _is_straight(body: Body) -> bool:
    return all(isinstance(s, (Assign, Store)) for s in body)


def _with(names: dict[str, Any], statement: Statement) -> Any:
    changed = substituted(statement, names)
    return replace(changed, name=names[statement.name].name) if isinstance(statement, Assign) else changed
