"""Prints the intermediate representation as Python that Numba compiles."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator

from symloss import ir
from symloss.emit.rows import is_made_of_entries, split_off_whole_rows, written

_INDENT = "    "
_LONGEST_CHOICE = 96  # of a selection on one line
_WIDTH = 110
_LONGEST_TERM = 40
_ATOM, _UNARY, _PRODUCT, _SUM, _LOOSE = 4, 3, 2, 1, 0
_OPERATORS = {"add": ("+", _SUM), "subtract": ("-", _SUM), "multiply": ("*", _PRODUCT), "divide": ("/", _PRODUCT)}


class Printer:
    """Prints functions of one loss.

    Parameters
    ----------
    taken : iterable of str
        Names of arguments; a function of the runtime that has such a name is imported under another.
    """

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)
        self.single = False  # whether entries of float32 arrays are computed with as they are
        self._parts_of: dict[str, str] = {}  # the names of pieces of arrays, inside of loops over pieces
        self.functions: set[str] = set()  # that the code calls

    def call_name(self, function: str) -> str:
        """Return what a function of the runtime is called in this module."""
        self.functions.add(function)
        return f"{function}_" if function in self._taken else function

    def local(self, name: str) -> str:
        """Return the name of a variable of the generated code itself."""
        return f"{name}_" if name in self._taken else name

    def imports(self) -> list[str]:
        """Return the names to import."""
        return [f"{f} as {f}_" if f in self._taken else f for f in sorted(self.functions)]

    # -- expressions -----------------------------------------------------------------------------

    def expression(self, expr: ir.Expr) -> str:
        """Return an expression as Python text."""
        return self._text(expr, _LOOSE)

    def _text(self, expr: ir.Expr, tightness: int) -> str:
        text, own = self._printed(expr)
        return f"({text})" if own < tightness else text

    def _printed(self, expr: ir.Expr) -> tuple[str, int]:
        if isinstance(expr, ir.Number):
            return number(expr.value), _ATOM if expr.value >= 0 else _UNARY
        if isinstance(expr, ir.Name):
            return expr.name, _ATOM
        if isinstance(expr, ir.Extent):
            return f"{expr.array}.shape[{expr.axis}]", _ATOM
        if isinstance(expr, ir.Load):
            return self._load(expr), _ATOM
        if isinstance(expr, ir.Choose):
            yes, no = self._text(expr.yes, _SUM), self._text(expr.no, _SUM)
            return f"{yes} if {self.condition(expr.condition)} else {no}", _LOOSE
        if isinstance(expr, ir.Compare):
            return self.condition(expr), _LOOSE
        return self._call(expr)

    def _call(self, expr: ir.Call) -> tuple[str, int]:
        if expr.function == "negate":
            return f"-{self._text(expr.args[0], _UNARY)}", _UNARY
        if expr.function in _OPERATORS:
            sign, tightness = _OPERATORS[expr.function]
            left = self._text(expr.args[0], tightness)
            return f"{left} {sign} {self._text(expr.args[1], tightness + 1)}", tightness
        args = ", ".join(map(self.expression, expr.args))
        return f"{self.call_name(expr.function)}({args})", _ATOM

    def _load(self, expr: ir.Load) -> str:
        entry = f"{self._parts_of.get(expr.array, expr.array)}[{', '.join(map(self.expression, expr.indices))}]"
        entry = entry if self.single else f"np.float64({entry})"
        return self.bounded(entry, expr.low, expr.high)

    def bounded(self, text: str, low: float | None, high: float | None) -> str:
        """Return the text of a number that is NaN outside of a closed interval, if there is one."""
        if low is None or high is None:
            return text
        return f"{self.call_name('within')}({text}, {number(low)}, {number(high)})"

    def condition(self, compare: ir.Compare) -> str:
        """Return a comparison as Python text."""
        left, right = self._text(compare.left, _SUM), self._text(compare.right, _SUM)
        if compare.operator != "unordered":
            return f"{left} {compare.operator} {right}"
        sides = [side for side, value in ((left, compare.left), (right, compare.right)) if _may_be_nan(value)]
        return " or ".join(f"{side} != {side}" for side in sides)

    # -- statements ------------------------------------------------------------------------------

    def body(self, statements: Iterable[ir.Statement], depth: int) -> list[str]:
        """Return statements as indented lines."""
        return [line for statement in statements for line in self._statement(statement, depth)]

    def _statement(self, statement: ir.Statement, depth: int) -> Iterator[str]:
        tab = _INDENT * depth
        if isinstance(statement, ir.Assign):
            yield from self.assignment(f"{tab}{statement.name} = ", statement.value)
        elif isinstance(statement, ir.Store):
            yield from self._store(statement, tab)
        elif isinstance(statement, ir.If):
            yield f"{tab}if {self.condition(statement.condition)}:"
            yield from self.body(statement.yes, depth + 1) or [f"{tab}{_INDENT}pass"]
            if statement.no:
                yield from self._otherwise(statement.no, depth)
        elif isinstance(statement, ir.Loop):
            yield f"{tab}for {statement.index} in range({self.expression(statement.extent)}):"
            yield from self.body(statement.body, depth + 1)
        elif isinstance(statement, ir.Reduce):
            yield from self._reduce(statement, depth)
        elif isinstance(statement, ir.Return):
            yield f"{tab}return {', '.join(map(self.expression, statement.values))}".rstrip()
        else:
            raise NotImplementedError(f"{type(statement).__name__} cannot be printed here")

    def _otherwise(self, statements: tuple[ir.Statement, ...], depth: int) -> Iterator[str]:
        lines = self.body(statements, depth)
        tab = _INDENT * depth
        if len(statements) == 1 and isinstance(statements[0], ir.If):
            yield lines[0].replace(f"{tab}if ", f"{tab}elif ", 1)
            yield from lines[1:]
        else:
            yield f"{tab}else:"
            yield from self.body(statements, depth + 1)

    def _store(self, statement: ir.Store, tab: str) -> Iterator[str]:
        place = ", ".join(map(self.expression, statement.indices))
        array = self._parts_of.get(statement.array, statement.array)
        target, scaled, factor = f"{tab}{array}[{place}]", self.call_name("scaled"), self._factor(place)
        line = f"{target} = {scaled}({factor}, {self.expression(statement.value)})"
        if len(line) > _WIDTH:
            entry = self.local("entry")
            yield from self.assignment(f"{tab}{entry} = ", statement.value)
            line = f"{target} = {scaled}({factor}, {entry})"
        yield line

    def _factor(self, _place: str) -> str:
        """Return what an entry of a result is multiplied by."""
        return self.local("factor")

    def assignment(self, left: str, value: ir.Expr) -> Iterator[str]:
        """Write a long sum or product with a line for each of its parts."""
        line = left + self.expression(value)
        if len(line) <= _WIDTH:
            yield line
            return
        tab = left[: len(left) - len(left.lstrip())]
        if isinstance(value, ir.Call) and value.function not in _OPERATORS and value.function != "negate":
            first, *others = self._parts(value, 0)
            yield left + first
            yield from (tab + other for other in others)
            return
        width = _WIDTH - len(tab) - len(_INDENT)
        parts = self._ways(value) if isinstance(value, ir.Choose) else self._parts(value, width)
        yield f"{left}("
        yield from (f"{tab}{_INDENT}{part}" for part in parts)
        yield f"{tab})"

    def _parts(self, value: ir.Expr, width: int) -> list[str]:
        """Break an expression before its outermost operators."""
        text = self._text(value, _SUM)
        if len(text) > width and isinstance(value, ir.Choose):
            return self._ways(value)
        if len(text) <= width or not isinstance(value, ir.Call) or value.function == "negate":
            return [text]
        if value.function not in _OPERATORS:
            args = [line for arg in value.args for line in self._argument(arg)]
            return [f"{self.call_name(value.function)}(", *args, ")"]
        sign, tightness = _OPERATORS[value.function]
        left, right = value.args
        first = self._parts(left, width) if _tightness(left) >= tightness else self._choice(left, tightness)
        is_function = isinstance(right, ir.Call) and right.function not in _OPERATORS
        second = self._parts(right, width - len(sign) - 1) if is_function else [self._text(right, tightness + 1)]
        return [*first, f"{sign} {second[0]}", *second[1:]]

    def _choice(self, value: ir.Expr, tightness: int) -> list[str]:
        """Return the left operand of an operator, a long selection in parentheses of its own lines."""
        text = self._text(value, tightness)
        if not isinstance(value, ir.Choose) or len(text) <= _LONGEST_CHOICE:
            return [text]
        return ["(", *(_INDENT + line for line in self._ways(value)), ")"]

    def _ways(self, value: ir.Choose) -> list[str]:
        yes, no = self._way(value.yes), self._way(value.no)
        return [*yes, f"if {self.condition(value.condition)}", f"else {no[0]}", *no[1:]]

    def _way(self, value: ir.Expr) -> list[str]:
        """Return one of the values of a selection, a long sum or product in parentheses of its own lines."""
        parts = self._parts(value, _LONGEST_CHOICE)
        is_whole = len(parts) == 1 or _tightness(value) == _ATOM
        return parts if is_whole else ["(", *(_INDENT + part for part in parts), ")"]

    def _argument(self, value: ir.Expr) -> list[str]:
        text = self.expression(value)
        *lines, last = self._ways(value) if isinstance(value, ir.Choose) and len(text) > _LONGEST_CHOICE else [text]
        return [*(_INDENT + line for line in lines), f"{_INDENT}{last},"]

    def _reduce(self, statement: ir.Reduce, depth: int) -> Iterator[str]:
        whole, rest = split_off_whole_rows(statement)
        for a, array in whole:
            yield f"{_INDENT * depth}{', '.join(a.names)} = {self.call_name('largest_of')}({array})"
        if rest is not None:
            yield from (self._by_pieces if is_made_of_entries(rest) else self._one_by_one)(rest, depth)

    def _by_pieces(self, statement: ir.Reduce, depth: int) -> Iterator[str]:
        """Write the terms of a piece of the row to a room, fold them there, and go on to the next piece."""
        tab, inner = _INDENT * depth, _INDENT * (depth + 1)
        start, part, size = self.local("start"), self.local("part"), self.local("size")
        arrays = list(dict.fromkeys([*(load.array for load in ir.loads(statement)), *written(statement)]))
        kept = [statement.kept[0]] if statement.kept else []
        first, extent, whole = arrays[0], self.expression(statement.extent), self.call_name("ROOM")
        rooms = {a.names[0]: terms_name(a) for a in statement.accumulators}
        like = first if self.single else "1.0"
        for a in statement.accumulators:
            yield f"{tab}{rooms[a.names[0]]} = {self.call_name('room')}({like})"
            yield tab + _START_PIECES[a.kind](self, a, first)
        yield f"{tab}for {start} in range(0, {extent}, {whole}):"
        yield f"{inner}{size} = min({whole}, {extent} - {start})"
        yield f"{inner}{part} = slice({start}, {start} + {size})"
        self._parts_of = {array: self.local(f"{array}_part") for array in [*arrays, *kept]}
        yield f"{inner}{', '.join(self._parts_of.values())} = {', '.join(f'{a}[{part}]' for a in self._parts_of)}"
        yield f"{inner}for {statement.index} in range({size}):"
        yield from self.body(statement.body, depth + 2)
        if statement.kept:
            entry = f"{self._parts_of[statement.kept[0]]}[{statement.index}]"
            yield f"{inner}{_INDENT}{entry} = {self.expression(statement.kept[1])}"
        for a in statement.accumulators:
            yield from self.assignment(f"{inner}{_INDENT}{rooms[a.names[0]]}[{statement.index}] = ", a.term)
        self._parts_of = {}
        for place in statement.skip:
            name = self.expression(place)
            yield f"{inner}if {start} <= {name} < {start} + {size}:"
            yield from (f"{inner}{_INDENT}{terms}[{name} - {start}] = 0.0" for terms in rooms.values())
        for a in statement.accumulators:
            terms = f"{rooms[a.names[0]]}[:{size}]"
            add, last = ("add_terms", first) if a.kind == "sum" else ("raised_over", start)
            so_far = f"{a.names[0]}, {lost_name(a.names[0]) if a.kind == 'sum' else a.names[1]}"
            yield f"{inner}{so_far} = {self.call_name(add)}({so_far}, {terms}, {last})"
        for a in statement.accumulators:
            if a.kind == "sum":
                yield f"{tab}{', '.join(a.names)} = {self.narrowed(a, first, settling(self, a))}"

    def narrowed(self, a: ir.Accumulator, first: str, settled: str) -> str:
        """Return the result of a sum in the dtype that is computed with, that of an array."""
        if not self.single:
            return settled
        narrow = self.call_name("in_dtype_of" if len(a.names) == 1 else "parts_in_dtype_of")
        return f"{narrow}({first}, {settled})"

    def _one_by_one(self, statement: ir.Reduce, depth: int) -> Iterator[str]:
        tab = _INDENT * depth
        kinds = [(_ACCUMULATORS[a.kind], a) for a in statement.accumulators]
        for (start, _, _), a in kinds:
            yield from (tab + line for line in start(self, a))
        yield f"{tab}for {statement.index} in range({self.expression(statement.extent)}):"
        if statement.skip:
            skipped = " or ".join(f"{statement.index} == {self._text(place, _SUM)}" for place in statement.skip)
            yield f"{tab}{_INDENT}if {skipped}:"
            yield f"{tab}{_INDENT * 2}continue"
        yield from self.body(statement.body, depth + 1)
        if statement.kept:
            entry = f"{statement.kept[0]}[{statement.index}]"
            yield f"{tab}{_INDENT}{entry} = {self.expression(statement.kept[1])}"
        for (_, step, _), a in kinds:
            yield from (tab + _INDENT + line for line in step(self, a, statement.index))
        for (_, _, finish), a in kinds:
            yield from (tab + line for line in finish(self, a))


def _tightness(expr: ir.Expr) -> int:
    if isinstance(expr, ir.Call) and expr.function in _OPERATORS:
        return _OPERATORS[expr.function][1]
    return _ATOM


def number(value: float) -> str:
    """Return a constant as Python text."""
    if math.isnan(value):
        return "np.nan"
    if math.isinf(value):
        return "np.inf" if value > 0 else "-np.inf"
    return repr(value)


def _may_be_nan(value: ir.Expr) -> bool:
    return not isinstance(value, (ir.Number, ir.Extent))


def lost_name(total: str) -> str:
    """Return the name of what a sum has lost in rounding."""
    return _derived(total, "lost")


def terms_name(a: ir.Accumulator) -> str:
    """Return the name of the room for what is added up, or of what the largest is sought."""
    return _derived(a.names[0], "terms")


def settling(printer: Printer, a: ir.Accumulator, entry: Callable[[str], str] = str) -> str:
    """Return the call that makes the result of a sum, in one part or in two, from its total and what that lost."""
    function = printer.call_name("settle" if len(a.names) == 1 else "settle_parts")
    return f"{function}({entry(a.names[0])}, {entry(lost_name(a.names[0]))})"


def _derived(total: str, name: str) -> str:
    """Return the name of what goes with a total."""
    return total.replace("total", name) if "total" in total else f"{total}_{name}"


def _start_sum(_: Printer, a: ir.Accumulator) -> list[str]:
    return [f"{a.names[0]}, {lost_name(a.names[0])} = 0.0, 0.0"]


def _step_sum(printer: Printer, a: ir.Accumulator, _: str) -> list[str]:
    total = a.names[0]
    add, term = printer.call_name("add_exactly"), printer.expression(a.term)
    if len(term) <= _LONGEST_TERM:
        return [f"{total}, {lost_name(a.names[0])} = {add}({total}, {lost_name(a.names[0])}, {term})"]
    name = printer.local("term")
    lines = printer.assignment(f"{name} = ", a.term)
    return [*lines, f"{total}, {lost_name(a.names[0])} = {add}({total}, {lost_name(a.names[0])}, {name})"]


def _finish_sum(printer: Printer, a: ir.Accumulator) -> list[str]:
    return [f"{', '.join(a.names)} = {settling(printer, a)}"]


def _start_max(_: Printer, a: ir.Accumulator) -> list[str]:
    return [f"{a.names[0]}, {a.names[1]} = -np.inf, -1"]


def _step_max(printer: Printer, a: ir.Accumulator, index: str) -> list[str]:
    largest, place = a.names
    term = printer.local("candidate")
    return [
        f"{term} = {printer.expression(a.term)}",
        f"if {term} > {largest} or {term} != {term} or {place} < 0:",
        f"{_INDENT}{largest}, {place} = {term}, {index}",
    ]


def _start_pieces_of_max(printer: Printer, a: ir.Accumulator, first: str) -> str:
    least = f"{printer.call_name('in_dtype_of')}({first}, -np.inf)" if printer.single else "-np.inf"
    return f"{', '.join(a.names)} = {least}, -1"


_START_PIECES: dict[str, Callable[[Printer, ir.Accumulator, str], str]] = {
    "sum": lambda printer, a, _: _start_sum(printer, a)[0],
    "max": _start_pieces_of_max,
}
_Edge = Callable[[Printer, ir.Accumulator], list[str]]
_Step = Callable[[Printer, ir.Accumulator, str], list[str]]
_ACCUMULATORS: dict[str, tuple[_Edge, _Step, _Edge]] = {
    "sum": (_start_sum, _step_sum, _finish_sum),
    "max": (_start_max, _step_max, lambda *_: []),
}
