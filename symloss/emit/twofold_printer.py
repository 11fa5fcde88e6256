"""Prints scalar expressions with numbers in two parts: every name stands for a tuple (high, low)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from symloss import ir
from symloss.emit.numba_printer import Printer, number
from symloss.emit.text import WIDTH

_ATOM = 4


class TwofoldPrinter(Printer):
    """Prints calls of `runtime.twofold` in the place of operators and functions.

    Parameters
    ----------
    printer : Printer
        Of the module that the text is for.
    """

    def __init__(self, printer: Printer) -> None:
        super().__init__(())
        self._taken = printer._taken

    def number_of(self, name: str) -> str:
        """Return a float argument as a number in two parts."""
        return f"twofold.twofold({name})"

    def _printed(self, expr: ir.Expr) -> tuple[str, int]:
        if isinstance(expr, ir.Number):
            return f"({number(expr.value)}, 0.0)", _ATOM
        if isinstance(expr, ir.Call):
            return f"twofold.{expr.function}({', '.join(map(self.expression, expr.args))})", _ATOM
        return super()._printed(expr)

    def condition(self, compare: ir.Compare) -> str:
        """Return a comparison of the high parts."""
        left, right = self._high(compare.left), self._high(compare.right)
        if compare.operator != "unordered":
            return f"{left} {compare.operator} {right}"
        sides = [
            side for side, value in ((left, compare.left), (right, compare.right)) if not isinstance(value, ir.Number)
        ]
        return " or ".join(f"{side} != {side}" for side in sides)

    def _high(self, expr: ir.Expr) -> str:
        return number(expr.value) if isinstance(expr, ir.Number) else f"{self.expression(expr)}[0]"

    def assignment(self, left: str, value: ir.Expr) -> Iterator[str]:
        """Write a long call with a line for each argument, and so on inside of them."""
        tab = left[: len(left) - len(left.lstrip())]
        yield from self._broken(left, value, "", tab)

    def _broken(self, before: str, value: ir.Expr, after: str, tab: str) -> Iterator[str]:
        line = before + self.expression(value) + after
        if len(line) > WIDTH and isinstance(value, ir.Choose):
            yield f"{before}("
            yield from self._broken(f"{tab}    ", value.yes, "", f"{tab}    ")
            yield f"{tab}    if {self.condition(value.condition)}"
            yield from self._broken(f"{tab}    else ", value.no, "", f"{tab}    ")
            yield f"{tab}){after}"
            return
        if len(line) <= WIDTH or not isinstance(value, ir.Call):
            yield line
            return
        yield f"{before}twofold.{value.function}("
        for arg in value.args:
            yield from self._broken(f"{tab}    ", arg, ",", f"{tab}    ")
        yield f"{tab}){after}"

    def body(self, statements: Iterable[ir.Statement], depth: int) -> list[str]:
        """Return statements as indented lines; results are rounded to floats."""
        lines: list[str] = []
        for statement in statements:
            if isinstance(statement, ir.Return):
                values = ", ".join(f"twofold.merged({self.expression(v)})" for v in statement.values)
                lines.append(f"{'    ' * depth}return {values}")
            else:
                lines += super().body((statement,), depth)
        return lines
