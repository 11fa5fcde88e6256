"""Names temporaries after what they hold, in the order in which they appear."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from symloss.ir import (
    AROUND,
    RELATIVE,
    TEMPORARY,
    Accumulator,
    Assign,
    Call,
    Choose,
    Extent,
    If,
    Load,
    Loop,
    Name,
    Reduce,
    Statement,
    parts,
    rebuild,
)

Body = tuple[Statement, ...]
_OPERATORS = {"add": "added", "subtract": "difference", "multiply": "product", "divide": "quotient", "negate": "minus"}
_LONGEST = 24


def name(body: Body) -> Body:
    """Return the statements with every ``%7`` renamed to ``softplus_z``, ``largest``, ``total_2``, ..."""
    return _Naming(_fixed_names(body)).body(body)


def _fixed_names(node: Any) -> set[str]:
    """Return the names of arguments, rows, results and functions, which temporaries must not take."""
    if isinstance(node, tuple):
        return set().union(*map(_fixed_names, node))
    own = {str(getattr(node, f, "")) for f in ("name", "array", "function")}
    return {n for n in own if not _is_temporary(n)}.union(*map(_fixed_names, parts(node)))


def _is_temporary(name: str) -> bool:
    return name.startswith(TEMPORARY)


class _Naming:
    def __init__(self, fixed: set[str]) -> None:
        self._names: dict[str, str] = {}
        self._taken: Counter[str] = Counter()
        self._fixed = fixed
        self._open: set[str] = set()
        self._indices: set[str] = set()

    def body(self, body: Body) -> Body:
        return tuple(self._statement(statement) for statement in body)

    def _statement(self, statement: Statement) -> Statement:
        if isinstance(statement, Assign):
            value = self._renamed(statement.value)
            return Assign(self._new(statement.name, _meaning(value)), value)
        if isinstance(statement, If):
            condition = self._renamed(statement.condition)
            return If(condition, self.body(statement.yes), self.body(statement.no))
        if isinstance(statement, (Loop, Reduce)):
            return self._over_index(statement)
        return self._renamed(statement)

    def _over_index(self, statement: Loop | Reduce) -> Statement:
        skip = tuple(map(self._renamed, statement.skip)) if isinstance(statement, Reduce) else ()
        index = self._open_index(statement.index)
        inner = self.body(statement.body)
        result: Statement = Loop(index, statement.extent, inner)
        if isinstance(statement, Reduce):
            accumulators = tuple(map(self._accumulator, statement.accumulators))
            kept = statement.kept and (statement.kept[0], self._renamed(statement.kept[1]))
            result = Reduce(index, statement.extent, skip, inner, accumulators, kept)
        self._open.remove(index)
        return result

    def _open_index(self, old: str) -> str:
        """Name an index after its axis; a number only follows where loops over one axis are nested."""
        axis = re.sub(r"^k_(?=[a-z])", "", re.sub(r"_[0-9]+$", "", old))
        axis = f"{axis}_index" if axis in AROUND else axis
        new, number = axis, 1
        while new in self._open or new in self._fixed - self._indices:
            number += 1
            new = f"{axis}_{number}"
        self._open.add(new)
        self._indices.add(new)
        self._fixed.add(new)
        self._names[old] = new
        return new

    def _accumulator(self, accumulator: Accumulator) -> Accumulator:
        term = self._renamed(accumulator.term)
        meanings = {"sum": ("total", "rest"), "max": ("largest", "place")}[accumulator.kind]
        names = tuple(map(self._new, accumulator.names, meanings))
        return Accumulator(accumulator.kind, names, term)

    def _new(self, old: str, meaning: str) -> str:
        if not _is_temporary(old):
            return old
        if old not in self._names:
            stem = re.sub(r"_[0-9]+$", "", meaning)
            new = stem
            while not self._fixed.isdisjoint(_with_companions(new)):
                self._taken[stem] += 1
                new = f"{stem}_{self._taken[stem] + 1}"
            self._fixed.add(new)
            self._names[old] = new
        return self._names[old]

    def _renamed(self, node: Any) -> Any:
        if isinstance(node, Name):
            return Name(self._names.get(node.name, node.name))
        return rebuild(node, self._renamed)


def _with_companions(name: str) -> set[str]:
    """Return a name with those of what it is made of where it is a sum, or the largest term."""
    return {name, f"{name}_terms", *(name.replace("total", other) for other in ("lost", "terms"))}


def _meaning(value: Any) -> str:
    if isinstance(value, Name):
        return value.name
    if isinstance(value, Load):
        return "_".join([value.array, *(i.name for i in value.indices if isinstance(i, Name))])
    if isinstance(value, Extent):
        return f"length_{value.array}"
    if isinstance(value, Choose):
        return "chosen"
    if isinstance(value, Call):
        word = _OPERATORS.get(value.function)
        if word is not None:
            return word
        inner = _meaning(value.args[0]) if len(value.args) == 1 or value.function in RELATIVE else ""
        if isinstance(value.args[0], Call) and value.args[0].function == "negate":
            inner = "minus_" + _meaning(value.args[0].args[0])
        whole = f"{value.function}_{inner}"
        return whole if inner and len(whole) <= _LONGEST else f"{value.function}_value"
    return "value"
