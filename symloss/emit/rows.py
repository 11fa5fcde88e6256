"""Says which reductions over a row are made of its entries alone: those are folded in vectors, piece by piece."""

from __future__ import annotations

from dataclasses import replace

from symloss import ir


def split_off_whole_rows(statement: ir.Reduce) -> tuple[list[tuple[ir.Accumulator, str]], ir.Reduce | None]:
    """Return the accumulators that seek the largest entry of an array as it stands, and what is left.

    Returns
    -------
    tuple
        Pairs of accumulator and array, and the reduction without them, or None if nothing is left of it.
    """
    if statement.skip or statement.kept or any(a.kind != "max" for a in statement.accumulators):
        return [], statement
    whole = [(a, load.array) for a in statement.accumulators if (load := _entry_sought(a, statement)) is not None]
    left = tuple(a for a in statement.accumulators if all(a is not other for other, _ in whole))
    if not whole or not left:
        return whole, None if whole else statement
    return whole, replace(statement, accumulators=left, body=_needed(statement.body, left))


def _needed(body: tuple[ir.Statement, ...], accumulators: tuple[ir.Accumulator, ...]) -> tuple[ir.Statement, ...]:
    """Return the statements that some accumulators need."""
    wanted = {name for a in accumulators for name in ir.used(a.term)}
    needed: list[ir.Statement] = []
    for statement in reversed(body):
        if not wanted.isdisjoint(ir.defined(statement)):
            wanted |= set(ir.used(statement))
            needed.insert(0, statement)
    return tuple(needed)


def _entry_sought(a: ir.Accumulator, statement: ir.Reduce) -> ir.Load | None:
    values = {s.name: s.value for s in statement.body if isinstance(s, ir.Assign)}
    term = values.get(a.term.name, a.term) if isinstance(a.term, ir.Name) else a.term
    is_entry = isinstance(term, ir.Load) and term.low is None and _is_at(term, statement.index)
    return term if is_entry else None  # type: ignore[return-value]


def is_made_of_entries(statement: ir.Reduce) -> bool:
    """Whether the terms are made of entries at the index alone, without decisions."""
    if not all(isinstance(s, (ir.Assign, ir.Store)) for s in statement.body):
        return False
    if statement.skip and any(a.kind != "sum" for a in statement.accumulators):
        return False
    stores = [s for s in statement.body if isinstance(s, ir.Store)]
    loads = list(ir.loads(replace(statement, skip=())))
    reads = sum(name == statement.index for name in ir.used(replace(statement, skip=())))
    entries: list[ir.Load | ir.Store] = [*loads, *stores]
    return bool(loads) and all(_is_at(e, statement.index) for e in entries) and reads == len(entries)


def written(statement: ir.Reduce) -> list[str]:
    """Return the arrays that a pass writes besides what it folds."""
    return [s.array for s in statement.body if isinstance(s, ir.Store)]


def _is_at(entry: ir.Load | ir.Store, index: str) -> bool:
    return entry.indices == (ir.Name(index),)
