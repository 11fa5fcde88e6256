"""Joins reductions, and decisions, that follow each other with the same header and do not depend on one another."""

from __future__ import annotations

from dataclasses import replace

from symloss.ir import If, Loop, Reduce, Statement, own_names, used

Body = tuple[Statement, ...]


def fuse(body: Body) -> Body:
    """Return the statements with one loop where several ran over the same entries."""
    result: list[Statement] = []
    for statement in body:
        statement = _inside(statement)
        partner = _partner(statement, result)
        if partner is None:
            result.append(statement)
        else:
            result[partner] = _joined(result[partner], statement)
    return tuple(result)


def _inside(statement: Statement) -> Statement:
    if isinstance(statement, If):
        return replace(statement, yes=fuse(statement.yes), no=fuse(statement.no))
    if isinstance(statement, (Loop, Reduce)):
        return replace(statement, body=fuse(statement.body))
    return statement


def _partner(statement: Statement, before: list[Statement]) -> int | None:
    """Return the position of an earlier statement that this one can be joined with."""
    needed = set(used(statement))
    for position in range(len(before) - 1, -1, -1):
        if _same_header(before[position], statement) and own_names(before[position]).isdisjoint(
            needed - {getattr(statement, "index", "")}
        ):
            return position
        if not own_names(before[position]).isdisjoint(needed):
            return None
    return None


def _same_header(one: Statement, other: Statement) -> bool:
    if isinstance(one, Reduce) and isinstance(other, Reduce):
        return (one.index, one.extent, one.skip) == (other.index, other.extent, other.skip)
    return False


def _joined(one: Statement, other: Statement) -> Statement:
    if isinstance(one, Reduce) and isinstance(other, Reduce):
        own = tuple(inner for inner in other.body if inner not in one.body)
        return replace(one, body=(*one.body, *own), accumulators=(*one.accumulators, *other.accumulators))
    return one
