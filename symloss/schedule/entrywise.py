"""From a function of one sample to one of several, rows end to end: a loop over the entries of all of them.

Where nothing that is done for an entry waits for a sum over its row, the ends of rows need no attention until all
terms are there: one long loop takes the place of many short ones.
"""

from __future__ import annotations

from symloss.ir import Assign, Function, Load, Loop, Name, Reduce, Return, Statement, Store, defined, loads, used, walk


def entrywise(function: Function) -> Function | None:
    """Return the function if its loops may run on from row to row, else None.

    Parameters
    ----------
    function : Function
        Without decisions.
    """
    body = function.body
    if not any(isinstance(s, (Loop, Reduce)) for s in body) or not all(map(_is_of_entries, body)):
        return None
    return None if waits(body) else function


def _is_of_entries(statement: Statement) -> bool:
    """Whether entries are read and written at the index of a loop alone, and no maximum is sought."""
    if isinstance(statement, (Assign, Return)):
        return not any(loads(statement))
    if not isinstance(statement, (Loop, Reduce)):
        return False
    if isinstance(statement, Reduce) and not _is_plain_sum(statement):
        return False
    if not all(isinstance(inner, (Assign, Store)) for inner in statement.body):
        return False
    entries = [part for part in walk(statement) if isinstance(part, (Load, Store))]
    at_index = (Name(statement.index),)
    named = sum(name == statement.index for name in used(statement))
    return named == len(entries) and all(entry.indices == at_index for entry in entries)


def _is_plain_sum(statement: Reduce) -> bool:
    only_sums = all(a.kind == "sum" for a in statement.accumulators)
    return only_sums and not statement.skip and not statement.kept and any(loads(statement))


def waits(body: tuple[Statement, ...]) -> bool:
    """Whether a loop reads what a loop before it found, at first or second hand."""
    found: set[str] = set()
    for statement in body:
        depends = not found.isdisjoint(used(statement))
        if depends and isinstance(statement, (Loop, Reduce)):
            return True
        if depends or isinstance(statement, Reduce):
            found |= set(defined(statement))
    return False
