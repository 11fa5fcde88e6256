"""Functions of a tile of samples, and the kernels that fill tiles, call them and empty tiles."""

from __future__ import annotations

from symloss import ir
from symloss.arguments import Argument, Parameter, Weight
from symloss.emit.blocks import Block, tiles_name
from symloss.emit.numba_printer import Printer
from symloss.emit.samples import Sample
from symloss.emit.text import CodeFunction, call_lines, signature
from symloss.emit.tile_printer import TilePrinter, room_lines
from symloss.lower import closed_bounds


def print_tiles(sample: Sample, parameters: tuple[str, ...], printer: Printer) -> list[CodeFunction]:
    """Return the function of a tile and the block kernel around it; nothing where samples are computed one by one."""
    if sample.function.tiled is None:
        return []
    return [_print_tile(sample, sample.function.tiled, printer), _Tiles(sample, parameters, printer).text()]


def _tile_name(sample: Sample) -> str:
    return f"_{sample.function.kind}_of_tile"


def _print_tile(sample: Sample, tiled: ir.Function, printer: Printer) -> CodeFunction:
    varying = [a for a in sample.arguments if not isinstance(a, (Parameter, Weight))]
    given = [a.name for a in varying if not a.dims] + [printer.local("factor")]
    pairs = TilePrinter(printer, tiled, [a.name for a in varying if a.dims], given)
    names = [a.name for a in sample.arguments]
    names += [printer.local("factor")] if tiled.rows else []
    lines = [f"    {printer.call_name('wide_vectors')}()", *pairs.room()]
    bounded = [_within(a) for a in varying if not a.dims and None not in closed_bounds(a)]
    lines += pairs.body([*([ir.Lanes(tuple(bounded))] if bounded else []), *tiled.body], 1)
    says = f"Compute what `{sample.name}` does for `LANES` samples: entry [k, i] is that of sample i."
    decorator = "polymorphic" if printer.single else "inlined"
    return CodeFunction(
        signature(_tile_name(sample), [*names, *tiled.scalars, *tiled.rows]), says, tuple(lines), decorator
    )


def _within(argument: Argument) -> ir.Statement:
    low, high = closed_bounds(argument)
    assert low is not None
    assert high is not None
    return ir.Assign(argument.name, ir.Call("within", (ir.Name(argument.name), ir.Number(low), ir.Number(high))))


class _Tiles(Block):
    """The block kernel that works on tiles."""

    def text(self) -> CodeFunction:
        """Return the kernel."""
        names = [*self.inputs, *(v.name for v in self._sample.directions), *self.outputs]
        says = (
            f"Do what `_{self._sample.function.kind}` does for rows so short that only several of them fill a vector."
        )
        return CodeFunction(signature(tiles_name(self._sample), names), says, tuple(self._lines()))

    def _lines(self) -> list[str]:
        local, call_name = self._printer.local, self._printer.call_name
        count, start, part, size = f"{self.outputs[0]}.shape[0]", local("start"), local("part"), local("size")
        lanes = call_name("LANES")
        return [
            f"    {call_name('wide_vectors')}()",
            f"    {self._inside} = True",
            *self._room(),
            f"    for {start} in range(0, {count}, {lanes}):",
            f"        {size} = min({lanes}, {count} - {start})",
            f"        {part} = slice({start}, {start} + {size})",
            *self.checks_of_part(part, 2),
            *self._fill(),
            *self._call_tile(),
            *self._empty(),
            f"    return {self._inside}",
        ]

    def _varying(self) -> list[Argument]:
        return [a for a in (*self._sample.arrays, *self._sample.directions) if not isinstance(a, Weight)]

    def _tile(self, name: str) -> str:
        return self._printer.local(f"{name}_tile")

    def _lanes(self, name: str) -> str:
        return self._printer.local(f"{name}_lanes")

    def _room(self) -> list[str]:
        """Return the lines that make room for everything that a tile has of its own."""
        like = self._arrays[0] if self._printer.single else "1.0"
        function = self._sample.function
        tiles = [self._tile(n) for n in (*(a.name for a in self._varying() if a.dims), *function.rows)]
        lanes = [self._lanes(n) for n in (*(a.name for a in self._varying() if not a.dims), *function.scalars)]
        lanes += [self._factor] if function.rows else []
        rooms = [
            (names, f"{self._printer.call_name(room)}({like})") for names, room in ((tiles, "tile"), (lanes, "lanes"))
        ]
        return [line for names, room in rooms for line in room_lines(names, room)]

    def _fill(self) -> list[str]:
        part, call_name = self._printer.local("part"), self._printer.call_name
        lines = []
        for a in self._varying():
            if a.dims:
                lines.append(f"        {call_name('spread')}({a.name}[{part}], {self._tile(a.name)})")
            else:
                lines.append(f"        {call_name('spread_numbers')}({a.name}[{part}], {self._lanes(a.name)})")
        if self._sample.function.rows:
            start, size = self._printer.local("start"), self._printer.local("size")
            args = f"{self.weight}, {start}, {size}, {self.scale}, {self._factor}"
            lines.append(f"        {call_name('spread_factor')}({args})")
        return lines

    def _call_tile(self) -> list[str]:
        function = self._sample.function
        args = [self._tile_argument(a) for a in self._sample.arrays] + list(self._parameters)
        args += [self._cut(v.name) for v in self._sample.directions]
        args += [self._factor] if function.rows else []
        args += [self._lanes(name) for name in function.scalars] + [self._tile(name) for name in function.rows]
        return call_lines(f"{_tile_name(self._sample)}(", args, ")", 2)

    def _tile_argument(self, argument: Argument) -> str:
        if isinstance(argument, Weight):
            return self._entry(argument)
        return self._cut(argument.name) if argument.dims else self._lanes(argument.name)

    def _cut(self, name: str) -> str:
        """Return as much of a tile as rows are long."""
        return f"{self._tile(name)}[: {name}.shape[1]]"

    def _empty(self) -> list[str]:
        """Return the lines that write the results of a tile to where they belong."""
        part, start, size = (self._printer.local(name) for name in ("part", "start", "size"))
        call_name = self._printer.call_name
        function = self._sample.function
        lines = [f"        {call_name('collect')}({self._tile(row)}, {row}[{part}])" for row in function.rows]
        if function.scalars:
            lines.append(f"        for {self._i} in range({size}):")
        place = f"{start} + {self._i}"
        for name in function.scalars:
            by = self._weighted("1.0", place) if name in self._results else f"{self._factor}[{self._i}]"
            value = f"{call_name('scaled')}({by}, {self._lanes(name)}[{self._i}])"
            lines.append(f"            {self.output(name)}[{place}] = {value}")
        return lines
