"""Text of indices, conditions and weights of a recurrence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import sympy
from sympy import Expr, S, Symbol

from symloss.arguments import Parameter
from symloss.declare import Loss
from symloss.functions import select
from symloss.lattices.weights import NEVER, Choice, Entry, Linear, Row, Weight
from symloss.recurrence import Length, Longer
from symloss.reductions import Dim, Element

_TAB = "    "


class Code:
    """Lines with indentation."""

    def __init__(self, depth: int = 1) -> None:
        self.lines: list[str] = []
        self._depth = depth

    def __call__(self, *lines: str) -> None:
        """Add lines."""
        self.lines += [f"{_TAB * self._depth}{line}" for line in lines]

    @contextmanager
    def under(self, head: str) -> Iterator[None]:
        """Indent what follows under a line."""
        self(head)
        self._depth += 1
        yield
        self._depth -= 1


class Indices:
    """Prints index expressions of one loss.

    Parameters
    ----------
    loss : Loss
        Whose arguments occur.
    tables : mapping of Expr to str
        What has been computed: printed as an entry at the place.
    place : str
        Name of the place.
    """

    def __init__(self, loss: Loss, tables: Mapping[Expr, str], place: str) -> None:
        self._arrays = [a for a in loss.arguments if a.dims and a.role == "prediction"]
        self._arrays += [a for a in loss.arguments if a.dims and a.role != "prediction"]
        self._lengths = {a.dim: a for a in loss.arguments if isinstance(a, Length)}
        self._tables, self._place = tables, place

    def __call__(self, expr: Any) -> str:
        """Return a whole number as text."""
        if expr in self._tables:
            return f"{self._tables[expr]}[{self._place}]"
        expr = sympy.sympify(expr)
        numerator, denominator = sympy.fraction(sympy.together(expr))
        if denominator != 1 and denominator.is_Integer:
            return f"({self(numerator)}) // {denominator}"
        return self._text(expr)

    def _text(self, expr: Any) -> str:
        if isinstance(expr, select):
            condition, yes, no = expr.args
            return f"({self(yes)} if {self.condition(condition)} else {self(no)})"
        if isinstance(expr, Element):
            return f"{expr.base.name}[{', '.join(map(self, expr.indices))}]"
        if isinstance(expr, Dim):
            return self.size(expr)
        if isinstance(expr, (Symbol, sympy.Integer)):
            return str(expr)
        if isinstance(expr, sympy.Add):
            negative = [t for t in expr.args if t.could_extract_minus_sign()]
            positive = [t for t in expr.args if t not in negative]
            text = " + ".join(map(self, positive)) if positive else "0"
            return text + "".join(f" - {self._factor(-t)}" for t in negative)
        if isinstance(expr, sympy.Mul):
            return " * ".join(map(self._factor, expr.args))
        if isinstance(expr, sympy.Mod):
            return f"{self._factor(expr.args[0])} % {self._factor(expr.args[1])}"
        if isinstance(expr, sympy.floor):
            numerator, denominator = sympy.fraction(sympy.together(expr.args[0]))
            return f"({self(numerator)}) // {self._factor(denominator)}"
        raise NotImplementedError(f"{expr} is no index")

    def _factor(self, expr: Any) -> str:
        text = self(expr)
        return f"({text})" if isinstance(expr, (sympy.Add, sympy.Mod)) else text

    def condition(self, condition: Any) -> str:
        """Return a comparison as text."""
        if isinstance(condition, sympy.And):
            return " and ".join(map(self.condition, condition.args))
        left, right = condition.args
        return f"{self._factor(left)} {condition.rel_op} {self._factor(right)}"

    def size(self, dim: Dim) -> str:
        """Return the length of an axis as it is in memory."""
        for array in self._arrays:
            for axis, other in enumerate(array.dims):
                if other == dim:
                    return f"{array.name}.shape[{axis}]"
                if isinstance(other, Longer) and other.dim == dim:
                    return f"{array.name}.shape[{axis}] - {other.extra}"
        raise NotImplementedError(f"no argument has the axis {dim}")

    def valid(self, dim: Dim) -> str:
        """Return how many entries along an axis are no padding."""
        if isinstance(dim, Longer):
            return f"{self.valid(dim.dim)} + {dim.extra}"
        length = self._lengths.get(dim)
        return length.name if length is not None else self.size(dim)


def real(expr: Any) -> str:
    """Return a number made of constants and parameters as text."""
    if expr.is_Integer:
        return f"{int(expr)}.0"
    if expr.is_Rational:
        return f"({int(expr.p)}.0 / {int(expr.q)}.0)"
    if isinstance(expr, Parameter):
        return expr.name
    if isinstance(expr, sympy.Add):
        return f"({' + '.join(map(real, expr.args))})"
    if isinstance(expr, sympy.Pow) and expr.exp == -1:
        return f"(1.0 / {real(expr.base)})"
    if isinstance(expr, sympy.Mul):
        numerator, denominator = sympy.fraction(expr)
        if denominator != 1:
            return f"({real(numerator)} / {real(denominator)})"
        return " * ".join(map(real, expr.args))
    raise NotImplementedError(f"the coefficient {expr} must be made of numbers and parameters")


def times(coefficient: Any, text: str) -> str:
    """Return a coefficient times something."""
    numerator, denominator = sympy.fraction(coefficient)
    below = "" if denominator == 1 else f" / {real(denominator)}"
    if numerator in (1, -1):
        return f"{'-' if numerator == -1 else ''}{text}{below}"
    return f"{real(numerator)} * {text}{below}"


class Weights:
    """Prints what is done with each form that a weight may have."""

    def __init__(self, indices: Indices) -> None:
        self.indices = indices

    def branches(self, code: Code, weight: Weight, leaf: Callable[[Linear], Iterable[str]]) -> None:
        """Write a weight as nested conditions around what is done with its forms."""
        if not isinstance(weight, Choice):
            code(*leaf(weight))
            return
        yes, no = list(_lines(weight.yes, leaf)), list(_lines(weight.no, leaf))
        condition = weight.condition
        if not yes:
            condition, weight = condition.negated, Choice(condition.negated, weight.no, weight.yes)
            yes, no = no, yes
        if not yes:
            return
        with code.under(f"if {self.indices.condition(condition)}:"):
            self.branches(code, weight.yes, leaf)
        if no:
            with code.under("else:"):
                self.branches(code, weight.no, leaf)

    def entry(self, atom: Entry | Row, array: str | None = None) -> str:
        """Return an entry as text, of the prediction or of an array of its shape."""
        name = array or atom.base.name
        return f"{name}[{self.at(atom)}]"

    def at(self, atom: Entry | Row) -> str:
        """Return indices as text."""
        return ", ".join(map(self.indices, atom.indices)) or "()"

    def value(self, leaf: Linear) -> str:
        """Return the weight, a logarithm, as text."""
        if leaf == NEVER:
            return "-np.inf"
        if (pair := leaf.log_softmax) is not None:
            entry, row = pair
            name, at = row.base.name, self.at(row)
            return f"(np.float64({self.entry(entry)}) - largest_{name}[{at}]) - log1p(others_{name}[{at}])"
        return self._sum(leaf, lambda atom: f"np.float64({self.entry(atom)})", self._log_total) or real(leaf.constant)

    def tangent(self, leaf: Linear) -> str:
        """Return the change of the weight along ``v`` as text."""
        if leaf == NEVER:
            return "0.0"
        entry = lambda atom: f"np.float64({self.entry(atom, f'v_{atom.base.name}')})"  # noqa: E731
        row = lambda atom: f"mean_{atom.base.name}[{self.at(atom)}]"  # noqa: E731
        return self._sum(Linear(S.Zero, leaf.terms), entry, row) or "0.0"

    def _log_total(self, row: Row) -> str:
        name, at = row.base.name, self.at(row)
        return f"log_total(largest_{name}[{at}], others_{name}[{at}])"

    def _sum(self, leaf: Linear, entry: Callable[[Any], str], row: Callable[[Any], str]) -> str:
        parts = [real(leaf.constant)] if leaf.constant != 0 else []
        parts += [times(c, entry(atom) if isinstance(atom, Entry) else row(atom)) for c, atom in leaf.terms]
        return " + ".join(parts).replace("+ -", "- ")


def _lines(weight: Weight, leaf: Callable[[Linear], Iterable[str]]) -> Iterator[str]:
    if isinstance(weight, Choice):
        yield from _lines(weight.yes, leaf)
        yield from _lines(weight.no, leaf)
    else:
        yield from leaf(weight)
