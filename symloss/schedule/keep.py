"""Keeps the costly terms of a sum for the gradient: they wait in the array that it will be written to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from symloss.ir import (
    COSTLY,
    RELATIVE,
    Assign,
    Call,
    Expr,
    Load,
    Loop,
    Name,
    Reduce,
    Statement,
    Store,
    rebuild,
    substituted,
)

Body = tuple[Statement, ...]
_WORTH = COSTLY | RELATIVE


def keep(body: Body) -> Body:
    """Return the statements with loops that read what a sum over the same entries has computed."""
    statements = list(body)
    for i, reduction in enumerate(statements):
        if not isinstance(reduction, Reduce) or reduction.kept is not None:
            continue
        for j in range(i + 1, len(statements)):
            loop = statements[j]
            if isinstance(loop, Loop) and loop.extent == reduction.extent:
                joined = _joined(reduction, loop)
                if joined is not None and not _touched(joined[0].kept, statements[i + 1 : j]):
                    statements[i], statements[j] = joined
                    break
    return tuple(statements)


def _joined(reduction: Reduce, loop: Loop) -> tuple[Reduce, Loop] | None:
    """Return both with a term kept in the first array that the loop writes, if they have one in common."""
    stores = [s for s in loop.body if isinstance(s, Store) and s.indices == (Name(loop.index),)]
    if not stores:
        return None
    for name, value in _costly(reduction):
        wanted = substituted(_opened(value, reduction.body), {reduction.index: Name(loop.index)})
        for place, statement in enumerate(loop.body):
            if isinstance(statement, Assign) and _opened(statement.value, loop.body) == wanted:
                read = Assign(statement.name, Load(stores[0].array, (Name(loop.index),)))
                body = (*loop.body[:place], read, *loop.body[place + 1 :])
                return replace(reduction, kept=(stores[0].array, Name(name))), replace(loop, body=body)
    return None


def _costly(reduction: Reduce) -> list[tuple[str, Expr]]:
    return [
        (s.name, s.value)
        for s in reduction.body
        if isinstance(s, Assign) and isinstance(s.value, Call) and s.value.function in _WORTH
    ]


def _opened(expr: Any, body: Body) -> Any:
    """Return an expression with the loads of a loop's body in the place of their names."""
    values = {s.name: s.value for s in body if isinstance(s, Assign)}

    def change(part: Any) -> Any:
        if isinstance(part, Name) and part.name in values:
            return change(values[part.name])
        return part if isinstance(part, Name) else rebuild(part, change)

    return change(expr)


def _touched(kept: tuple[str, Expr] | None, between: list[Statement]) -> bool:
    """Whether something else writes to the array before the loop does."""
    assert kept is not None
    return any(kept[0] in _written(statement) for statement in between)


def _written(node: Any) -> set[str]:
    if isinstance(node, Store):
        return {node.array}
    body = (*getattr(node, "body", ()), *getattr(node, "yes", ()), *getattr(node, "no", ()))
    return set().union(*map(_written, body)) if body else set()
