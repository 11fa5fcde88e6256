"""Puts a value that is used once, and short, where it is used: the code reads like a formula again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

from symloss.ir import (
    TEMPORARY,
    Assign,
    Call,
    If,
    Load,
    Loop,
    Name,
    Reduce,
    Statement,
    decided,
    parts,
    substituted,
    used,
)

Body = tuple[Statement, ...]
_LONGEST = 40  # characters of an expression inside another
_OPERATORS = frozenset(("add", "subtract", "multiply", "divide", "negate"))


def inline(body: Body, apart: tuple[type, ...] = ()) -> Body:
    """Return the statements without needless names; values of the kinds ``apart`` keep theirs."""
    values: dict[str, Any] = {}
    counts = Counter(name for statement in body for name in used(statement))
    for statement in _assignments(body):
        if isinstance(statement.value, apart):
            counts[statement.name] += 1  # as if it were used again
    return _inline(body, counts, values)


def _assignments(node: Any) -> Iterator[Assign]:
    for part in node if isinstance(node, tuple) else parts(node):
        if isinstance(part, Assign):
            yield part
        yield from _assignments(part)


def _inline(body: Body, counts: Counter[str], values: dict[str, Any], fixed: Collection[str] = ()) -> Body:
    result: list[Statement] = []
    for position, statement in enumerate(body):
        statement = _substitute(statement, counts, values)
        if (
            isinstance(statement, Assign)
            and statement.name not in fixed
            and _can_move(statement, counts, body[position + 1 :])
        ):
            values[statement.name] = statement.value
        else:
            result.append(statement)
    return tuple(result)


def _substitute(statement: Statement, counts: Counter[str], values: dict[str, Any]) -> Statement:
    if isinstance(statement, If):
        condition, results = substituted(statement.condition, values), decided(statement)
        yes = _inline(statement.yes, counts, values, results)
        return If(condition, yes, _inline(statement.no, counts, values, results))
    if isinstance(statement, (Loop, Reduce)):
        body = _inline(statement.body, counts, values)
        rest = substituted(replace(statement, body=()), values)
        return replace(rest, body=body)
    return substituted(statement, values)


def _can_move(statement: Assign, counts: Counter[str], later: Body) -> bool:
    if not statement.name.startswith(TEMPORARY) or counts[statement.name] != 1 or _length(statement.value) > _LONGEST:
        return isinstance(statement.value, Name) and statement.name.startswith(TEMPORARY)
    return not any(_reads_in_loop(statement.name, other) for other in later)


def _reads_in_loop(name: str, statement: Statement) -> bool:
    """Whether the use is inside a loop, where it would be computed again and again."""
    if isinstance(statement, Reduce):
        return name in set(used(statement))
    if isinstance(statement, Loop):
        return name in set(used(statement))
    if isinstance(statement, If):
        return any(_reads_in_loop(name, inner) for inner in (*statement.yes, *statement.no))
    return False


def _length(node: Any) -> int:
    """Estimate how many characters an expression takes."""
    if isinstance(node, Name):
        return len(node.name)
    own = 3
    if isinstance(node, Load):
        own = len(node.array) + 9
    elif isinstance(node, Call) and node.function not in _OPERATORS:
        own = len(node.function) + 2
    return own + sum(map(_length, parts(node)))
