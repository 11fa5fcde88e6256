"""From a function of one sample to one of several side by side: a loop over samples inside of every loop over entries.

A row of few entries never fills a vector; the same entry of several rows does.  Every number of a sample becomes one
of its lane, loops over entries stay outside, and no lane decides anything: see `select`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from symloss.ir import (
    Assign,
    Extent,
    Function,
    Lanes,
    Load,
    Loop,
    Name,
    Reduce,
    Return,
    Statement,
    Store,
    loads,
    own_names,
    parts,
    rebuild,
    used,
)
from symloss.schedule.entrywise import waits

Body = tuple[Statement, ...]


def tile(function: Function) -> Function | None:
    """Return the function for a tile of samples, or None where that does not pay, or cannot be done.

    Parameters
    ----------
    function : Function
        Without decisions.
    """
    body = function.body
    # Passes that do not wait for one another are faster end to end, see `entrywise`.
    if not waits(body) or not all(_is_straight(s) and _is_of_one_axis(s) for s in body):
        return None
    taken = {name for statement in body for name in used(statement)} | set(function.scalars)
    names: dict[Load, Name] = {}
    result: list[Statement] = []
    for statement in body:
        index = getattr(statement, "index", None)
        if isinstance(statement, Assign) and isinstance(statement.value, Load):
            names[statement.value] = Name(statement.name)
            result.append(Lanes((statement,)))
            continue
        for load in _elsewhere(statement, index):
            if load not in names:
                names[load] = Name(_free(load, taken))
                taken.add(names[load].name)
                result.append(Lanes((Assign(names[load].name, load),)))
        result.append(_without(statement, names))
    return replace(function, body=tuple(_grouped(result)))


def _is_straight(statement: Statement) -> bool:
    if isinstance(statement, Loop):
        return all(isinstance(inner, (Assign, Store)) for inner in statement.body)
    if isinstance(statement, Reduce):
        skips = statement.skip and any(a.kind != "sum" for a in statement.accumulators)
        return not skips and all(isinstance(inner, Assign) for inner in statement.body)
    return isinstance(statement, (Assign, Return))


def _is_of_one_axis(statement: Statement) -> bool:
    """Whether entries are read and written at the index of the loop, or where the sample says, known beforehand."""
    index, inside = getattr(statement, "index", None), own_names(statement)
    stores = [s for s in getattr(statement, "body", ()) if isinstance(s, Store)]
    places = [load.indices for load in loads(statement)]
    return all(s.indices == (Name(index or ""),) for s in stores) and all(
        len(p) == 1 and isinstance(p[0], Name) and (p[0].name == index or p[0].name not in inside) for p in places
    )


def _elsewhere(node: Any, index: str | None) -> Iterator[Load]:
    """Yield what is read at a place that each sample has for itself."""
    for load in loads(node):
        if load.indices != (Name(index or ""),):
            yield load


def _free(load: Load, taken: set[str]) -> str:
    stem = "_".join([load.array, *(i.name for i in load.indices if isinstance(i, Name))])
    name, number = stem, 1
    while name in taken:
        number += 1
        name = f"{stem}_{number}"
    return name


def _without(node: Any, names: dict[Load, Name]) -> Any:
    return names[node] if node in names else rebuild(node, lambda part: _without(part, names))


def _grouped(statements: Iterable[Statement]) -> Iterator[Statement]:
    """Put what is computed once for every sample in loops over samples, what no sample changes before them."""
    group: list[Statement] = []
    shared: set[str] = set()
    for statement in statements:
        if isinstance(statement, Assign) and _is_shared(statement.value, shared):
            shared.add(statement.name)
            yield statement
        elif isinstance(statement, Assign):
            group.append(statement)
        elif not isinstance(statement, Return):
            if group:
                yield Lanes(tuple(group))
                group = []
            yield statement
    if group:
        yield Lanes(tuple(group))


def _is_shared(node: Any, shared: set[str]) -> bool:
    """Whether a value is made of lengths and numbers alone."""
    if isinstance(node, Name):
        return node.name in shared
    if isinstance(node, (Load, Extent)):
        return isinstance(node, Extent)
    return all(_is_shared(part, shared) for part in parts(node))
