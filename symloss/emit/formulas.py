"""Formulas as rows of LaTeX: what repeats gets a name, long sums are broken at their terms."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sympy import Add, Basic, Expr, Symbol

from symloss.derive import Output
from symloss.emit.latex_printer import latex, latex_lines, printed_length, symbol
from symloss.functions import select
from symloss.reductions import Element, Index, Reduction

_LONG = 60  # characters on paper from which on repeated parts get a name
_LONGEST = 80  # the same for parts that occur once
_LETTER = "u"
# Type sizes for formulas that are wide and have no parts to name.
_SIZES = ((82, r"\scriptsize"), (58, r"\footnotesize"))


class Abbreviation(Symbol):
    """The name of a part that occurs more than once."""

    is_real = True


def equation(left: str, expr: Expr) -> str:
    """Return ``left = expr`` as a displayed equation, with what it abbreviates below."""
    short, parts = abbreviate(expr)
    rows = _rows(left, short)
    for position, (name, value) in enumerate(parts):
        rows += _rows((r"\text{where } " if position == 0 else "") + latex(name), value)
    body = " \\\\\n".join(rows)
    display = f"\\begin{{align*}}\n{body}\n\\end{{align*}}"
    widest = max(map(_width, [short, *(value for _, value in parts)]))
    size = next((size for limit, size in _SIZES if widest > limit), "")
    return f"{{{size}\n{display}}}" if size else display


def _rows(left: str, expr: Expr) -> list[str]:
    first, *others = latex_lines(expr)
    return [f"{left} &= {first}", *(rf"&\quad {line}" for line in others)]


def abbreviate(expr: Expr) -> tuple[Expr, list[tuple[Symbol, Expr]]]:
    """Name the parts with a reduction that occur more than once in a long expression, the largest first.

    Returns
    -------
    expr : Expr
        With names in place of the parts.
    parts : list of (Symbol, Expr)
        The names and what they stand for, which may contain names that come later.
    """
    parts: list[tuple[Symbol, Expr]] = []
    while True:
        everything = [expr, *(value for _, value in parts)]
        widest = max(map(_width, everything))
        counts = _parts(everything)
        candidates = [part for part, count in counts.items() if (count > 1 and widest > _LONG) or widest > _LONGEST]
        if not candidates:
            break
        part = max(candidates, key=lambda c: (counts[c] > 1, printed_length(latex(c)), str(c)))
        name = Abbreviation(f"{_LETTER}_{len(parts) + 1}", real=True)
        expr = expr.xreplace({part: name, -part: -name})
        parts = [(n, value.xreplace({part: name, -part: -name})) for n, value in parts]
        parts.append((name, part))
    return expr, parts


def _width(expr: Expr) -> int:
    """Return the length on paper of the longest line of a formula."""
    if isinstance(expr, select):
        return max(_width(branch) for branch in expr.args[1:]) + 16
    return max(map(printed_length, latex_lines(expr)))


def _parts(expressions: list[Expr]) -> Counter[Basic]:
    counts: Counter[Basic] = Counter()
    for expr in expressions:
        for arg in expr.args if not isinstance(expr, Reduction) else ():
            _count(arg, counts)
    return counts


def _count(expr: Any, counts: Counter[Basic]) -> None:
    """Count the parts outside of reductions: inside, a part may depend on the bound index."""
    if isinstance(expr, (Reduction, Add)) and expr.has(Reduction):
        counts[_positive(expr)] += 1
    if not isinstance(expr, (Reduction, Element)):
        for arg in expr.args:
            _count(arg, counts)


def _positive(expr: Expr) -> Expr:
    """Count a difference and its negative as one."""
    return -expr if isinstance(expr, Add) and expr.could_extract_minus_sign() else expr


def left_side(output: Output) -> str:
    """Return what an output is called in mathematics."""
    if output.wrt is None:
        return r"\ell"
    entry = component(output.wrt, output.index)
    if output.kind == "gradient":
        return rf"\frac{{\partial \ell}}{{\partial {entry}}}"
    if output.kind == "hessian":
        return rf"\frac{{\partial^2 \ell}}{{\partial {{{entry}}}^2}}"
    return rf"\left(H v\right)_{{{entry}}}"


def component(prediction: Any, index: tuple[Index, ...]) -> str:
    """Return an entry of a prediction, or its name."""
    if not index:
        return symbol(prediction.name)
    return latex(Element(prediction, *index))
