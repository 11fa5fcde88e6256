"""Leaves out decisions that an earlier one has made: what was asked before, on the way here, is not asked again."""

from __future__ import annotations

from dataclasses import replace

from symloss.ir import Compare, If, Loop, Reduce, Statement

Body = tuple[Statement, ...]


def resolve(body: Body) -> Body:
    """Return the statements with one way in the place of a decision whose condition is known.

    Every name is assigned once on every path, so that a condition has one answer all along it.
    """
    return _resolved(body, {})


def _resolved(body: Body, known: dict[Compare, bool]) -> Body:
    result: list[Statement] = []
    for statement in body:
        if isinstance(statement, If) and statement.condition in known:
            result += _resolved(statement.yes if known[statement.condition] else statement.no, known)
        elif isinstance(statement, If):
            yes = _resolved(statement.yes, known | {statement.condition: True})
            no = _resolved(statement.no, known | {statement.condition: False})
            result.append(replace(statement, yes=yes, no=no))
        elif isinstance(statement, (Loop, Reduce)):
            result.append(replace(statement, body=_resolved(statement.body, known)))
        else:
            result.append(statement)
    return tuple(result)
