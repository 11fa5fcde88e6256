"""Block kernels for short rows: loops over the entries of several rows, which lie end to end."""

from __future__ import annotations

from collections.abc import Iterator

from symloss import ir
from symloss.emit.blocks import Block, entries_name
from symloss.emit.numba_printer import Printer, lost_name, settling, terms_name
from symloss.emit.samples import Sample, is_brief
from symloss.emit.text import CodeFunction, call_lines, signature

_INDENT = "    "
_CHECK = "_targets_inside"


def print_by_entries(sample: Sample, parameters: tuple[str, ...], printer: Printer) -> list[CodeFunction | str]:
    """Return the block kernel, with a brief form where samples have one; nothing where rows are computed one by one."""
    if sample.function.entrywise is None:
        return []
    block = _ByEntries(sample, parameters, printer)
    name, checks = entries_name(sample), block.checks()
    if not is_brief(sample, printer):
        return [*checks, block.text(name)]
    printer.functions |= {"briefly", "by_dtype"}
    plain, brief = f"_plain{name}", f"_brief{name}"
    return [
        *checks,
        block.text(plain),
        f"{brief} = briefly({plain}, kernel)",
        f"{name} = by_dtype({brief}, {plain})",
    ]


class _EntryPrinter(Printer):
    """Prints loops over the entries of the rows ``start .. stop``, and what is done for each row afterwards.

    Parameters
    ----------
    printer : Printer
        Of the module that the text is for.
    block : _ByEntries
        Whose names it uses.
    """

    def __init__(self, printer: Printer, block: _ByEntries) -> None:
        super().__init__(())
        self._taken, self.functions, self.single = printer._taken, printer.functions, printer.single
        self._block = block
        self._of_rows: dict[str, str] = {}  # where the numbers of all rows are, by the name of a row's own

    def rooms(self, body: tuple[ir.Statement, ...], depth: int) -> Iterator[str]:
        """Make room for terms, and for the sums of rows."""
        tab, room = _INDENT * depth, self.call_name("entries")
        for statement in body:
            for a in statement.accumulators if isinstance(statement, ir.Reduce) else ():
                self._of_rows |= {name: self.local(f"{name}s") for name in _sum_names(a)}
                like, wide = (_first_array(statement), "np.float64(1.0)") if self.single else ("1.0", "1.0")
                yield f"{tab}{terms_name(a)} = {room}({like})"
                yield f"{tab}{', '.join(self._sums(a))} = {room}({wide}), {room}({wide})"

    def _sums(self, a: ir.Accumulator) -> list[str]:
        return [self._of_rows[name] for name in _sum_names(a)]

    def _printed(self, expr: ir.Expr) -> tuple[str, int]:
        if isinstance(expr, ir.Extent):  # before it is the axis of samples
            expr = ir.Extent(expr.array, expr.axis + 1)
        return super()._printed(expr)

    def _factor(self, place: str) -> str:
        return f"{self.call_name('factor_at')}({self._block.factors}, {place})"

    def loop(self, statement: ir.Loop | ir.Reduce, depth: int) -> Iterator[str]:
        """Print a loop over the entries of several rows; the sums of a reduction, row by row, come after it."""
        tab, inner = _INDENT * depth, _INDENT * (depth + 1)
        stores = [s.array for s in statement.body if isinstance(s, ir.Store)]
        arrays = list(dict.fromkeys([*(load.array for load in ir.loads(statement)), *stores]))
        start, stop = self._block.rows
        self._parts_of = {array: self.local(f"{array}_part") for array in arrays}
        first = self._parts_of[arrays[0]]
        for array, part in self._parts_of.items():
            yield f"{tab}{part} = {self.call_name('rows_between')}({array}, {start}, {stop})"
        if stores:
            yield from self._block.factor_lines(self.expression(statement.extent), depth)
        yield f"{tab}for {statement.index} in range({first}.size):"
        yield from self.body(statement.body, depth + 1)
        sums = statement.accumulators if isinstance(statement, ir.Reduce) else ()
        for a in sums:
            yield from self.assignment(f"{inner}{terms_name(a)}[{statement.index}] = ", a.term)
        for a in sums:
            terms = f"{terms_name(a)}[: {first}.size]"
            args = [terms, f"{stop} - {start}", *self._sums(a), _first_array(statement)]
            yield from call_lines(f"{self.call_name('sum_rows')}(", args, ")", depth)
        self._parts_of = {}

    def settled(self, body: tuple[ir.Statement, ...], depth: int) -> Iterator[str]:
        """Print the sums of row i."""
        for statement in body:
            for a in statement.accumulators if isinstance(statement, ir.Reduce) else ():
                value = self.narrowed(a, _first_array(statement), settling(self, a, self._of_row))
                yield f"{_INDENT * depth}{', '.join(a.names)} = {value}"

    def _of_row(self, name: str) -> str:
        return f"{self._of_rows[name]}[{self._block.row}]"


class _ByEntries(Block):
    """The kernel of one function."""

    def __init__(self, sample: Sample, parameters: tuple[str, ...], printer: Printer) -> None:
        super().__init__(sample, parameters, printer)
        local = printer.local
        self.rows = local("start"), local("stop")
        self.row, self.factors = self._i, local("factors")
        self.like = self._arrays[0] if printer.single else "1.0"
        self._entry_printer = _EntryPrinter(printer, self)

    def text(self, name: str) -> CodeFunction:
        """Return the kernel."""
        names = [*self.inputs, *(v.name for v in self._sample.directions), *self.outputs]
        kind = self._sample.function.kind
        says = f"Do what `_{kind}` does for rows so short that one loop over the entries of several is faster."
        decorator = "rows_kernel" if self._printer.single else "kernel"
        return CodeFunction(signature(name, names), says, tuple(self._lines()), decorator)

    def checks(self) -> list[CodeFunction]:
        """Return the function that tests targets, if there is anything to test.

        The ends of a domain are no numbers to compute with: they stay float64 where the kernel's own become float32.
        """
        lines = self.checks_of_part()
        if not lines:
            return []
        lines = [f"    {self._inside} = True", *lines, f"    return {self._inside}"]
        says = "Whether every target is in its domain, or NaN."
        return [CodeFunction(signature(_CHECK, self._checked), says, tuple(lines), "inlined")]

    @property
    def _checked(self) -> list[str]:
        return [a.name for a in self._sample.arrays if self.check(a) is not None]

    def factor_lines(self, length: str, depth: int) -> list[str]:
        """Return the lines that give every entry its factor."""
        given = [self.weight, *self.rows, self.scale, length, self._room_of_factors]
        call = f"{self.factors} = {self._printer.call_name('entry_factors')}("
        return call_lines(call, given, ")", depth)

    @property
    def _room_of_factors(self) -> str:
        return self._printer.local("factor_room")

    def _lines(self) -> list[str]:
        call_name, (start, stop) = self._printer.call_name, self.rows
        function = self._sample.function.entrywise
        assert function is not None
        loops = [s for s in function.body if isinstance(s, (ir.Loop, ir.Reduce))]
        before, after = _around(function.body)
        entry, count, step = self._entry_printer, f"{self.outputs[0]}.shape[0]", self._printer.local("step")
        lengths = list(dict.fromkeys(entry.expression(loop.extent) for loop in loops))
        longest = lengths[0] if len(lengths) == 1 else f"max({', '.join(lengths)})"
        part = self._printer.local("part")
        checked = ", ".join(f"{name}[{part}]" for name in self._checked)
        check = f"        {self._inside} &= {_CHECK}({checked})"
        return [
            f"    {call_name('wide_vectors')}()",
            f"    {self._inside} = True",
            *self.scale_lines(),
            *entry.body(before, 1),
            *entry.rooms(function.body, 1),
            *([f"    {self._room_of_factors} = {call_name('entries')}({self.like})"] if function.rows else []),
            f"    {step} = {call_name('rows_at_once')}({longest})",
            f"    for {start} in range(0, {count}, {step}):",
            f"        {stop} = min({start} + {step}, {count})",
            *([f"        {part} = slice({start}, {stop})", check] if checked else []),
            *(line for loop in loops for line in entry.loop(loop, 2)),
            *self._after(after),
            f"    return {self._inside}",
        ]

    def _after(self, statements: tuple[ir.Statement, ...]) -> list[str]:
        """Return the lines that make the results of each row of its sums."""
        function, entry, (start, stop) = self._sample.function.entrywise, self._entry_printer, self.rows
        assert function is not None
        if not function.scalars:
            return []
        *own, returned = statements
        assert isinstance(returned, ir.Return)
        place, lines = f"{start} + {self._i}", [f"        for {self._i} in range({stop} - {start}):"]
        lines += [*entry.settled(function.body, 3), *entry.body(own, 3)]
        for name, value in zip(function.scalars, returned.values, strict=True):
            weighed = f"{self._printer.call_name('weighed')}({self.weight}, {place}, {self._by(name)}"
            lines.append(f"            {self.output(name)}[{place}] = {weighed}, {entry.expression(value)})")
        return lines


def _sum_names(a: ir.Accumulator) -> tuple[str, str]:
    """Return what a sum is called, and what it lost."""
    return a.names[0], lost_name(a.names[0])


def _first_array(statement: ir.Statement) -> str:
    """Return the array in whose dtype a sum is returned."""
    return next(ir.loads(statement)).array


def _around(body: tuple[ir.Statement, ...]) -> tuple[tuple[ir.Statement, ...], tuple[ir.Statement, ...]]:
    """Return what is computed before all loops, and what of their sums."""
    found: set[str] = set()
    before: list[ir.Statement] = []
    after: list[ir.Statement] = []
    for statement in body:
        if isinstance(statement, ir.Reduce):
            found |= set(ir.defined(statement))
        elif not isinstance(statement, ir.Loop):
            late = isinstance(statement, ir.Return) or not found.isdisjoint(ir.used(statement))
            (after if late else before).append(statement)
            found |= set(ir.defined(statement)) if late else set()
    return tuple(before), tuple(after)
