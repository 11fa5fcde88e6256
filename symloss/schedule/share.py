"""Computes every value once: a temporary's name stands for its value, so a second assignment of a name is dropped."""

from __future__ import annotations

from dataclasses import replace

from symloss.ir import TEMPORARY, Assign, If, Loop, Reduce, Statement, defined, used

Body = tuple[Statement, ...]


def share(body: Body) -> Body:
    """Return the statements without repeated ones; what both ways of a decision compute goes before it."""
    return _share(body, frozenset())


def _share(body: Body, known: frozenset[str]) -> Body:
    result: list[Statement] = []
    for statement in body:
        names = defined(statement)
        if names and known.issuperset(names):
            continue
        if isinstance(statement, If):
            common, statement = _common(statement, known)
            result += common
            known = known.union(*map(defined, common))
            statement = replace(statement, yes=_share(statement.yes, known), no=_share(statement.no, known))
        elif isinstance(statement, (Loop, Reduce)):
            statement = replace(statement, body=_share(statement.body, known))
        result.append(statement)
        known |= set(names)
    return tuple(result)


def _common(statement: If, known: frozenset[str]) -> tuple[list[Statement], If]:
    """Split off what both branches compute from values that exist before the decision."""
    results = set(defined(statement))
    yes_first = {names for inner in statement.yes if (names := defined(inner))}
    common: list[Statement] = []
    available = set(known)
    local = {name for branch in (statement.yes, statement.no) for inner in branch for name in defined(inner)}
    for inner in statement.no:
        names = defined(inner)
        both = names in yes_first and isinstance(inner, (Assign, Reduce)) and inner in statement.yes
        if known.issuperset(names):
            continue  # dropped from both branches
        if both and not _is_result(inner, results) and local.difference(available).isdisjoint(used(inner)):
            common.append(inner)
            available |= set(names)
    yes = tuple(inner for inner in statement.yes if inner not in common)
    no = tuple(inner for inner in statement.no if inner not in common)
    return common, replace(statement, yes=yes, no=no)


def _is_result(statement: Statement, results: set[str]) -> bool:
    """Whether the statement only passes on what the decision is about: its names must stay inside."""
    return isinstance(statement, Assign) and not statement.name.startswith(TEMPORARY) and statement.name in results
