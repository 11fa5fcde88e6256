"""Takes what branches compute before the decision, where it costs something, and lets them share costly calls.

A loop that becomes vectors computes all branches anyway; what is left of a decision is a selection among values.
``f(a)`` in one branch and ``f(b)`` in the other become one call of f, of whichever argument counts.  All functions are
defined everywhere, so that no branch guards another's arguments.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from symloss.ir import (
    COSTLY,
    TEMPORARY,
    Assign,
    Call,
    Choose,
    Expr,
    If,
    Loop,
    Name,
    Reduce,
    Statement,
    substituted,
    used,
)

Body = tuple[Statement, ...]


def converge(body: Body) -> Body:
    """Return the statements with decisions among values in the place of decisions among computations."""
    if any(isinstance(statement, (Loop, Reduce)) for statement in body):
        return body
    result: list[Statement] = []
    for statement in body:
        if isinstance(statement, If) and _costs(statement):
            moved, rest = _split(statement)
            result += [*moved, rest]
        else:
            result.append(statement)
    return tuple(result)


def _costs(node: Any) -> bool:
    if isinstance(node, Assign):
        return _is_costly(node)
    return isinstance(node, If) and any(map(_costs, (*node.yes, *node.no)))


def _is_costly(statement: Assign) -> bool:
    return isinstance(statement.value, Call) and statement.value.function in COSTLY


def _split(statement: If) -> tuple[list[Assign], If]:
    """Return what goes before the decision, in order, and the decision."""
    yes, no = _Branch(statement.yes), _Branch(statement.no)
    common = [name for name in yes.moved if name in no.moved]
    joined: dict[str, Assign] = {}
    for function in sorted({yes.function(n) for n in yes.costly(common)} & {no.function(n) for n in no.costly(common)}):
        ours = [n for n in yes.costly(common) if yes.function(n) == function]
        others = [n for n in no.costly(common) if no.function(n) == function]
        for one, other in zip(ours, others, strict=False):
            _join(statement, yes, no, one, other, joined)
    order = _ordered([*yes.moved.values(), *no.moved.values(), *joined.values()])
    assert order is not None
    return order, replace(statement, yes=yes.rest, no=no.rest)


class _Branch:
    """One way of a decision: values that can be computed before it, by name, and the statements that stay."""

    def __init__(self, body: Body) -> None:
        self.moved: dict[str, Assign] = {}
        rest: list[Statement] = []
        for statement in body:
            if isinstance(statement, If):
                moved, statement = _split(statement)
                self.moved |= {m.name: m for m in moved}
            if isinstance(statement, Assign) and statement.name.startswith(TEMPORARY):
                self.moved[statement.name] = statement
            else:
                rest.append(statement)
        self.rest: Body = tuple(rest)

    def costly(self, without: Iterable[str]) -> list[str]:
        return [name for name, s in self.moved.items() if _is_costly(s) and name not in without]

    def function(self, name: str) -> str:
        return self.call(name).function

    def call(self, name: str) -> Call:
        value = self.moved[name].value
        assert isinstance(value, Call)
        return value

    def renamed(self, old: str, new: str) -> tuple[dict[str, Assign], Body]:
        """Return values and statements with another name in the place of one that is computed no more."""
        moved = {n: substituted(s, {old: Name(new)}) for n, s in self.moved.items() if n != old}
        return moved, tuple(substituted(s, {old: Name(new)}) for s in self.rest)


def _join(decision: If, yes: _Branch, no: _Branch, one: str, other: str, joined: dict[str, Assign]) -> None:
    """Replace a call in either branch by one of the argument that counts, unless each call needs the other's."""
    name = f"{one}|{other.removeprefix(TEMPORARY)}"
    added: dict[str, Assign] = {}
    args: list[Expr] = []
    for place, (left, right) in enumerate(zip(yes.call(one).args, no.call(other).args, strict=True)):
        if left != right:
            chosen = f"{name}[{place}]"
            added[chosen] = Assign(chosen, Choose(decision.condition, left, right))
        args.append(left if left == right else Name(chosen))
    added[name] = Assign(name, Call(yes.function(one), tuple(args)))
    ours, others = yes.renamed(one, name), no.renamed(other, name)
    so_far = {n: substituted(s, dict.fromkeys((one, other), Name(name))) for n, s in joined.items()}
    if _ordered([*ours[0].values(), *others[0].values(), *so_far.values(), *added.values()]) is None:
        return
    (yes.moved, yes.rest), (no.moved, no.rest) = ours, others
    joined.clear()
    joined.update(so_far | added)


def _ordered(statements: Iterable[Assign]) -> list[Assign] | None:
    """Return assignments in an order in which each follows what it needs, or None where there is none."""
    left = {s.name: s for s in statements}
    result: list[Assign] = []
    while left:
        ready = [s for s in left.values() if left.keys().isdisjoint(used(s))]
        if not ready:
            return None
        result += ready
        for statement in ready:
            del left[statement.name]
    return result
