"""Joins passes over the same entries that do not depend on one another, and decisions of one condition."""

from __future__ import annotations

from dataclasses import replace

from symloss.ir import Assign, Expr, If, Loop, Name, Reduce, Statement, own_names, substituted, used

Body = tuple[Statement, ...]


def fuse(body: Body, loops: bool = False) -> Body:
    """Return the statements with one reduction where several ran over the same entries.

    Parameters
    ----------
    body : tuple of Statement
        Of a function.
    loops : bool
        Whether loops that write become part of a sum over the same entries, too, and equal decisions become one.
    """
    result: list[Statement] = []
    for statement in body:
        statement = _inside(statement, loops)
        place = _partner(statement, result) if loops or isinstance(statement, Reduce) else None
        if place is None:
            result.append(statement)
            continue
        risen = _needed(statement, result[place + 1 :])
        rest = [s for s in result[place + 1 :] if s not in risen]
        result[place:] = [*risen, _joined(result[place], statement), *rest]
    return tuple(result)


def _inside(statement: Statement, loops: bool) -> Statement:
    if isinstance(statement, If):
        return replace(statement, yes=fuse(statement.yes, loops), no=fuse(statement.no, loops))
    if isinstance(statement, (Loop, Reduce)):
        return replace(statement, body=fuse(statement.body, loops))
    return statement


def _partner(statement: Statement, before: list[Statement]) -> int | None:
    """Return the position of an earlier statement that this one can be made part of."""
    for place in range(len(before) - 1, -1, -1):
        if isinstance(statement, If) and not isinstance(before[place], (Assign, If)):
            return None  # what loops write stays where it is
        if not _same_pass(before[place], statement):
            continue
        risen = _needed(statement, before[place + 1 :])
        made = own_names(before[place])
        if all(isinstance(s, Assign) for s in risen) and made.isdisjoint(_used_outside((*risen, statement))):
            return place
    return None


def _needed(statement: Statement, between: list[Statement]) -> list[Statement]:
    """Return the statements between that compute, at first or second hand, what a statement reads."""
    wanted, found = _used_outside((statement,)), list[Statement]()
    for earlier in reversed(between):
        if not own_names(earlier).isdisjoint(wanted):
            found.insert(0, earlier)
            wanted |= _used_outside((earlier,))
    return found


def _used_outside(statements: Body) -> set[str]:
    """Return the names that statements read and do not make for themselves."""
    return {name for s in statements for name in used(s)} - {n for s in statements for n in _of_its_own(s)}


def _of_its_own(statement: Statement) -> set[str]:
    """Return the names that are made inside of a loop or a decision."""
    return own_names(statement) if isinstance(statement, (Loop, Reduce, If)) else set()


def _same_pass(one: Statement, other: Statement) -> bool:
    if isinstance(one, If):
        return isinstance(other, If) and one.condition == other.condition
    if not isinstance(one, Reduce):
        return False
    if isinstance(other, Reduce):
        return (one.index, one.extent, one.skip) == (other.index, other.extent, other.skip)
    # What a loop writes is written while terms are summed; a search for the largest is faster alone.
    return (
        isinstance(other, Loop)
        and one.extent == other.extent
        and not one.skip
        and all(a.kind == "sum" for a in one.accumulators)
    )


def _joined(one: Statement, other: Statement) -> Statement:
    if isinstance(one, If):
        assert isinstance(other, If)
        yes, no = ((*a, *(s for s in b if s not in a)) for a, b in ((one.yes, other.yes), (one.no, other.no)))
        return replace(one, yes=yes, no=no)
    assert isinstance(one, Reduce)
    if isinstance(other, Reduce):
        own = tuple(inner for inner in other.body if inner not in one.body)
        return replace(one, body=(*one.body, *own), accumulators=(*one.accumulators, *other.accumulators))
    assert isinstance(other, Loop)
    return replace(one, body=_with(one.body, other.body, {other.index: Name(one.index)}))


def _with(body: Body, added: Body, names: dict[str, Expr]) -> Body:
    """Return what computes and writes all of it, equal values once; ``names`` says what others are called here."""
    values = {s.value: Name(s.name) for s in body if isinstance(s, Assign)}
    result = list(body)
    for statement in added:
        here = substituted(statement, names)
        if isinstance(here, Assign) and here.value in values:
            names = {**names, here.name: values[here.value]}
        elif here not in result:
            result.append(here)
    return tuple(result)
