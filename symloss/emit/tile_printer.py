"""Prints functions of a tile of samples: a number of a sample is an entry of lanes; innermost loops go over lanes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from symloss import ir
from symloss.emit.numba_printer import Printer, lost_name, settling
from symloss.emit.text import call_lines

_INDENT = "    "
_ON_A_LINE = 4  # lanes for which room is made


class TilePrinter(Printer):
    """Prints one function.

    Parameters
    ----------
    printer : Printer
        Of the module that the text is for.
    function : Function
        See `schedule.tile`.
    rows : sequence of str
        Names of the arguments that are tiles.
    given : iterable of str
        Names of the lanes that the caller provides.
    """

    def __init__(self, printer: Printer, function: ir.Function, rows: Sequence[str], given: Iterable[str]) -> None:
        super().__init__(())
        self._taken, self.functions, self.single = printer._taken, printer.functions, True
        self._like, self._rows = rows[0], {*rows, *function.rows}
        named = set().union(*(ir.own_names(s) for s in function.body))
        self._i = next(name for name in (self.local("i"), "lane", "lane_") if name not in named)
        given = {*given, *function.scalars}
        self._own = [name for name in _crossing(function.body) if name not in given]
        self._lanes = {*self._own, *given}
        self._open: set[str] = set()  # the indices of the loops around

    def room(self) -> list[str]:
        """Return the lines that make room for lanes of the function's own."""
        return room_lines(self._own, f"{self.call_name('lanes')}({self._like})")

    def lane(self, name: str) -> str:
        """Return an entry of lanes."""
        return f"{name}[{self._i}]"

    # -- expressions -----------------------------------------------------------------------------

    def _printed(self, expr: ir.Expr) -> tuple[str, int]:
        if isinstance(expr, ir.Name) and expr.name in self._lanes:
            return super()._printed(ir.Name(self.lane(expr.name)))
        return super()._printed(expr)

    def _load(self, expr: ir.Load) -> str:
        (place,) = expr.indices
        index = self.expression(place)
        index = f"int({index})" if isinstance(place, ir.Name) and place.name in self._lanes else index
        entry = f"{expr.array}[{index}, {self._i}]" if expr.array in self._rows else f"{expr.array}[{index}]"
        return self.bounded(entry, expr.low, expr.high)

    def condition(self, compare: ir.Compare) -> str:
        """Return a comparison as Python text; that of a place with an index has a function of its own."""
        for place, index in ((compare.left, compare.right), (compare.right, compare.left)):
            if isinstance(index, ir.Name) and index.name in self._open and compare.operator == "==":
                return self._is_at(place, index.name)
        return super().condition(compare)

    def _is_at(self, place: ir.Expr, index: str) -> str:
        return f"{self.call_name('is_at')}({self.expression(place)}, {index})"

    # -- statements ------------------------------------------------------------------------------

    def _statement(self, statement: ir.Statement, depth: int) -> Iterator[str]:
        tab = _INDENT * depth
        if isinstance(statement, ir.Lanes):
            yield self._over_lanes(depth)
            yield from self.body(statement.body, depth + 1)
        elif isinstance(statement, ir.Loop):
            yield f"{tab}for {statement.index} in range({self.expression(statement.extent)}):"
            yield self._over_lanes(depth + 1)
            self._open.add(statement.index)
            yield from self.body(statement.body, depth + 2)
            self._open.remove(statement.index)
        elif isinstance(statement, ir.Assign):
            name = self.lane(statement.name) if statement.name in self._lanes else statement.name
            yield from self.assignment(f"{tab}{name} = ", statement.value)
        elif isinstance(statement, ir.Reduce):
            yield from self._reduce(statement, depth)
        else:
            yield from super()._statement(statement, depth)

    def _over_lanes(self, depth: int) -> str:
        return f"{_INDENT * depth}for {self._i} in range({self.call_name('LANES')}):"

    def _store(self, statement: ir.Store, tab: str) -> Iterator[str]:
        (index,) = map(self.expression, statement.indices)
        target, factor = f"{statement.array}[{index}, {self._i}]", self.lane(self.local("factor"))
        yield from self.assignment(f"{tab}{target} = ", ir.Call("scaled", (ir.Name(factor), statement.value)))

    def _reduce(self, statement: ir.Reduce, depth: int) -> Iterator[str]:
        tab, inner = _INDENT * depth, _INDENT * (depth + 2)
        yield self._over_lanes(depth)
        for a in statement.accumulators:
            first, second = self._pair(a)
            yield f"{tab}{_INDENT}{first}, {second} = {'0.0' if a.kind == 'sum' else '-np.inf'}, 0.0"
        yield f"{tab}for {statement.index} in range({self.expression(statement.extent)}):"
        yield self._over_lanes(depth + 1)
        self._open.add(statement.index)
        yield from self.body(statement.body, depth + 2)
        if statement.kept:
            entry = f"{statement.kept[0]}[{statement.index}, {self._i}]"
            yield f"{inner}{entry} = {self.expression(statement.kept[1])}"
        for a in statement.accumulators:
            step = self._add if a.kind == "sum" else self._raise
            yield from step(statement, a, inner)
        self._open.remove(statement.index)
        sums = [a for a in statement.accumulators if a.kind == "sum"]
        if sums:
            yield self._over_lanes(depth)
        for a in sums:
            yield f"{tab}{_INDENT}{', '.join(map(self.lane, a.names))} = {settling(self, a, self.lane)}"

    def _pair(self, a: ir.Accumulator) -> tuple[str, str]:
        """Return the lanes of a total and what it lost, or of the largest term and its place."""
        second = lost_name(a.names[0]) if a.kind == "sum" else a.names[1]
        return self.lane(a.names[0]), self.lane(second)

    def _add(self, statement: ir.Reduce, a: ir.Accumulator, tab: str) -> Iterator[str]:
        total, lost = self._pair(a)
        term: ir.Expr = a.term
        if not isinstance(term, (ir.Name, ir.Number)):
            name = self.local("term")
            yield from self.assignment(f"{tab}{name} = ", term)
            term = ir.Name(name)
        text = self.expression(term)
        for place in statement.skip:
            text = f"0.0 if {self._is_at(place, statement.index)} else {text}"
        yield from self._renewed((total, lost), "add_exactly", [text], tab)

    def _raise(self, statement: ir.Reduce, a: ir.Accumulator, tab: str) -> Iterator[str]:
        yield from self._renewed(self._pair(a), "raised_to", [self.expression(a.term), statement.index], tab)

    def _renewed(self, pair: tuple[str, str], function: str, args: list[str], tab: str) -> list[str]:
        """Let a function make both lanes anew, of what they hold and of more."""
        call = f"{', '.join(pair)} = {self.call_name(function)}("
        return call_lines(call, [*pair, *args], ")", len(tab) // len(_INDENT))


def room_lines(names: Sequence[str], room: str) -> list[str]:
    """Return the lines that make such room for each name."""
    parts = [names[start : start + _ON_A_LINE] for start in range(0, len(names), _ON_A_LINE)]
    return [f"{_INDENT}{', '.join(part)} = {', '.join([room] * len(part))}" for part in parts]


def _inside(statement: ir.Statement) -> tuple[ir.Statement, ...]:
    return statement.body if isinstance(statement, (ir.Lanes, ir.Loop, ir.Reduce)) else ()


def _read(statement: ir.Statement) -> set[str]:
    """Return the names that a loop over lanes finds computed."""
    return set(ir.used(statement)) - {s.name for s in _inside(statement) if isinstance(s, ir.Assign)}


def _crossing(body: tuple[ir.Statement, ...]) -> list[str]:
    """Return the names that are computed in one loop over lanes and read in another, in order."""
    found: dict[str, None] = {}
    shared = {s.name for s in body if isinstance(s, ir.Assign)}
    for position, statement in enumerate(body):
        later = set().union(*map(_read, body[position + 1 :])) - shared
        if isinstance(statement, ir.Reduce):
            for a in statement.accumulators:
                found |= dict.fromkeys(
                    (a.names[0], *([lost_name(a.names[0])] if a.kind == "sum" else []), *a.names[1:])
                )
        found |= dict.fromkeys(s.name for s in _inside(statement) if isinstance(s, ir.Assign) and s.name in later)
    return list(found)
