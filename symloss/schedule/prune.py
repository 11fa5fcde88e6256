"""Removes what nobody reads."""

from __future__ import annotations

from dataclasses import replace

from symloss.ir import Assign, If, Lanes, Loop, Reduce, Return, Statement, Store, used

Body = tuple[Statement, ...]


def prune(body: Body) -> Body:
    """Return the statements that results depend on."""
    return _prune(body, set())


def _prune(body: Body, wanted: set[str]) -> Body:
    """Walk backwards; ``wanted`` holds the names that are read later and grows."""
    result: list[Statement] = []
    for statement in reversed(body):
        kept = _kept(statement, wanted)
        if kept is not None:
            wanted |= set(used(kept))
            result.append(kept)
    return tuple(reversed(result))


def _kept(statement: Statement, wanted: set[str]) -> Statement | None:
    if isinstance(statement, Assign):
        return statement if statement.name in wanted else None
    if isinstance(statement, (Store, Return, Lanes)):
        return statement
    if isinstance(statement, If):
        yes, no = _prune(statement.yes, set(wanted)), _prune(statement.no, set(wanted))
        return replace(statement, yes=yes, no=no) if yes or no else None
    if isinstance(statement, Loop):
        inner = _prune(statement.body, set(wanted))
        return replace(statement, body=inner) if inner else None
    return _kept_reduce(statement, wanted)


def _kept_reduce(statement: Reduce, wanted: set[str]) -> Statement | None:
    accumulators = tuple(a for a in statement.accumulators if not wanted.isdisjoint(a.names))
    if not accumulators and not any(isinstance(s, Store) for s in statement.body):
        return None
    needed = {name for a in accumulators for name in used(a.term)}
    needed |= set(used(statement.kept[1])) if statement.kept else set()
    return replace(statement, accumulators=accumulators, body=_prune(statement.body, needed))
