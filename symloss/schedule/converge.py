"""Takes what branches compute before the decision, where it costs something, and lets them share costly calls.

A loop that becomes vectors computes all branches anyway; what is left of a decision is a selection among values.
``f(a)`` in one branch and ``f(b)`` in the other become one call of f, of whichever argument counts, and so do whole
formulas of one shape, as far as that leaves less to compute.  All functions are defined everywhere, so that no branch
guards another's arguments.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from symloss.ir import (
    COSTLY,
    TEMPORARY,
    Assign,
    Call,
    Choose,
    Compare,
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
# Of an operation, or a selection; of a division; of a function that takes many operations.
_COST, _COST_OF_DIVISION, _COSTLY_COST = 1, 5, 20


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
        return _cost(node) > _COST
    return isinstance(node, If) and any(map(_costs, (*node.yes, *node.no)))


def _is_costly(statement: Assign) -> bool:
    return isinstance(statement.value, Call) and statement.value.function in COSTLY


def _cost(statement: Assign) -> int:
    divides = isinstance(statement.value, Call) and statement.value.function == "divide"
    return _COSTLY_COST if _is_costly(statement) else _COST_OF_DIVISION if divides else _COST


def _split(statement: If) -> tuple[list[Assign], If]:
    """Return what goes before the decision, in order, and the decision."""
    ways = _Ways(statement.condition, _Branch.of(statement.yes), _Branch.of(statement.no), {})
    for wanted in (_Branch.costly, _Branch.wanted):
        for one, other in _pairs(ways, wanted(ways.yes), wanted(ways.no)):
            joined = ways.with_joined(one, other)
            ways = joined if joined.cost() < ways.cost() else ways
    order = _ordered(ways.moved())
    assert order is not None
    return order, replace(statement, yes=ways.yes.rest, no=ways.no.rest)


def _pairs(ways: _Ways, ours: Iterable[str], others: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield values of one way and of the other that are results of one function."""
    left, right = _by_function(ways.yes, ours, ways.no), _by_function(ways.no, others, ways.yes)
    for function in sorted(left.keys() & right.keys()):
        yield from zip(left[function], right[function], strict=False)


def _by_function(way: _Branch, names: Iterable[str], other: _Branch) -> dict[str, list[str]]:
    """Return those values that the other way does not have, too."""
    result: dict[str, list[str]] = {}
    for name in names:
        if name not in other.moved:
            result.setdefault(way.function(name), []).append(name)
    return result


@dataclass(frozen=True)
class _Branch:
    """One way of a decision: values that can be computed before it, by name, and the statements that stay."""

    moved: dict[str, Assign]
    rest: Body

    @classmethod
    def of(cls, body: Body) -> _Branch:
        """Return the values and the statements of one way."""
        moved: dict[str, Assign] = {}
        rest: list[Statement] = []
        for statement in body:
            if isinstance(statement, If):
                inner, statement = _split(statement)
                moved |= {m.name: m for m in inner}
            if isinstance(statement, Assign) and statement.name.startswith(TEMPORARY):
                moved[statement.name] = statement
            else:
                rest.append(statement)
        return cls(moved, tuple(rest))

    def costly(self) -> list[str]:
        """Return the values that take many instructions."""
        return [name for name, s in self.moved.items() if _is_costly(s)]

    def wanted(self) -> list[str]:
        """Return the values that the statements read which stay."""
        names = dict.fromkeys(name for statement in self.rest for name in used(statement))
        return [name for name in names if self.function(name)]

    def function(self, name: str) -> str:
        """Return the function that a value is the result of, if any."""
        value = self.moved[name].value if name in self.moved else None
        return value.function if isinstance(value, Call) else ""

    def args(self, name: str) -> tuple[Expr, ...]:
        """Return what the function is called with."""
        value = self.moved[name].value
        assert isinstance(value, Call)
        return value.args

    def renamed(self, old: str, new: str) -> _Branch:
        """Return values and statements with another name in the place of one that is computed no more."""
        moved = {n: substituted(s, {old: Name(new)}) for n, s in self.moved.items() if n != old}
        return _Branch(moved, tuple(substituted(s, {old: Name(new)}) for s in self.rest))


@dataclass(frozen=True)
class _Ways:
    """Both ways of a decision, and the values that they share since these depend on the condition, by name."""

    condition: Compare
    yes: _Branch
    no: _Branch
    joined: dict[str, Assign]

    def moved(self) -> list[Assign]:
        """Return all that is computed before the decision."""
        return [*self.yes.moved.values(), *self.no.moved.values(), *self.joined.values()]

    def cost(self) -> int:
        """Return about how much that is."""
        return sum(map(_cost, {s.name: s for s in self.moved()}.values()))

    def with_joined(self, one: str, other: str) -> _Ways:
        """Return the ways with one value for two of the same function, if that can be, and does not cost more."""
        if not self._are_alike(one, other):
            return self
        ways = self
        for place in range(len(self.yes.args(one))):
            left, right = ways.yes.args(one)[place], ways.no.args(other)[place]
            if isinstance(left, Name) and isinstance(right, Name):
                ways = ways.with_joined(left.name, right.name)
        ways = ways._with_choices(one, other)
        return self if _ordered(ways.moved()) is None or ways.cost() > self.cost() else ways

    def _are_alike(self, one: str, other: str) -> bool:
        """Whether either way has a value of its own there, of the same function."""
        own = one not in self.no.moved and other not in self.yes.moved
        return own and self.yes.function(one) == self.no.function(other) != ""

    def _with_choices(self, one: str, other: str) -> _Ways:
        """Return the ways with one call for two, of the arguments that count."""
        name = f"{one}|{other.removeprefix(TEMPORARY)}"
        added: dict[str, Assign] = {}
        args: list[Expr] = []
        for left, right in zip(self.yes.args(one), self.no.args(other), strict=True):
            if left != right:
                choice = Choose(self.condition, left, right)
                chosen = f"{TEMPORARY}{choice}"
                added[chosen] = Assign(chosen, choice)
            args.append(left if left == right else Name(chosen))
        added[name] = Assign(name, Call(self.yes.function(one), tuple(args)))
        joined = {n: substituted(s, dict.fromkeys((one, other), Name(name))) for n, s in self.joined.items()}
        return _Ways(self.condition, self.yes.renamed(one, name), self.no.renamed(other, name), joined | added)


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
