"""Takes the entries that differ out of a loop: all entries are computed alike, then those few are written again."""

from __future__ import annotations

from collections.abc import Iterator
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
    """Split a loop that decides by the index alone, at one or several places, what is stored.

    Every entry that is written again is written whole, so that one place may be another.
    """
    places = list(dict.fromkeys(_places(loop.body, loop.index)))
    alike = loop.body
    for place in places:
        alike = _decided(alike, loop.index, place, False)
    if not places or not all(isinstance(s, (Assign, Store)) for s in alike):
        return None
    result: list[Statement] = [replace(loop, body=alike)]
    for place in reversed(places):
        special = _decided(loop.body, loop.index, place, True)
        names: dict[str, Any] = {name: Name(f"{name}@{place.name}") for name in _assigned(special)}
        names[loop.index] = place
        result += [_with(names, s) for s in special]
    return result


def _places(body: Body, index: str) -> Iterator[Name]:
    """Yield what the index is compared with."""
    for statement in body:
        if isinstance(statement, If):
            place = _place(statement.condition, index)
            if place is not None:
                yield place
            yield from _places((*statement.yes, *statement.no), index)


def _place(condition: Compare, index: str) -> Name | None:
    if condition.operator != "==":
        return None
    for one, other in ((condition.left, condition.right), (condition.right, condition.left)):
        if one == Name(index) and isinstance(other, Name):
            return other
    return None


def _decided(body: Body, index: str, place: Name, there: bool) -> Body:
    """Return the statements for the entry at the place, or for all others."""
    result: list[Statement] = []
    for statement in body:
        if not isinstance(statement, If):
            result.append(statement)
        elif _place(statement.condition, index) == place:
            result += _decided(statement.yes if there else statement.no, index, place, there)
        else:
            yes, no = (_decided(way, index, place, there) for way in (statement.yes, statement.no))
            result.append(replace(statement, yes=yes, no=no))
    return tuple(result)


def _assigned(body: Body) -> Iterator[str]:
    for statement in body:
        if isinstance(statement, Assign):
            yield statement.name
        elif isinstance(statement, If):
            yield from _assigned((*statement.yes, *statement.no))


def _with(names: dict[str, Any], statement: Statement) -> Any:
    if isinstance(statement, If):
        yes, no = (tuple(_with(names, s) for s in way) for way in (statement.yes, statement.no))
        return If(substituted(statement.condition, names), yes, no)
    changed = substituted(statement, names)
    return replace(changed, name=names[statement.name].name) if isinstance(statement, Assign) else changed
