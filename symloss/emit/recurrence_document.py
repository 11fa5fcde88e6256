"""The page about a loss over a recurrence: the recurrence as declared, its adjoint as derived, and where both begin."""

from __future__ import annotations

from typing import Any

import sympy
from sympy import Expr, Symbol

from symloss.declare import Loss
from symloss.emit.document import row_of_argument, said_of
from symloss.emit.environment import render
from symloss.emit.formulas import equation
from symloss.emit.latex_printer import latex, symbol
from symloss.lattices.adjoint import adjoint_equation
from symloss.lattices.lattice import Lattice
from symloss.recurrence import LogAdd, Workspace
from symloss.reductions import Element, Index, LogSumExp

_TOTAL = Symbol("Z", real=True)


def recurrence_page(lattice: Lattice) -> str:
    """Return the LaTeX of one loss, a section of the book."""
    loss, total = lattice.loss, lattice.total
    alpha, (beta, adjoint) = total.workspace, adjoint_equation(lattice)
    steps = total.workspace.steps
    return render(
        "recurrence.tex.j2",
        **said_of(loss),
        definition=equation(r"\ell", loss.expr.xreplace({total: _TOTAL})),
        arguments=[row_of_argument(argument, False) for argument in loss.arguments],
        ranges=", ".join(rf"${step.name} = 0, \dots, {latex(step.extent - 1)}$" for step in steps),
        alpha=f"${symbol(alpha.name)}$",
        recurrence=equation(_entry(alpha, steps), total.equation),
        boundary=[equation(_entry(alpha, point), value) for point, value in total.boundary],
        total=equation(latex(_TOTAL), _sum_of_ends(lattice)),
        adjoint=equation(_entry(beta, steps), adjoint),
        result=[equation(_entry(beta, point), value) for point, value in total.result],
        share=equation(
            rf"{{P}}_{{{', '.join(map(latex, steps))}}}",
            sympy.exp(alpha[tuple(steps)] + beta[tuple(steps)] - _TOTAL, evaluate=False),
        ),
        conventions=_conventions(loss),
    )


def _entry(workspace: Workspace, point: Any) -> str:
    return latex(Element(workspace, *point))


def _sum_of_ends(lattice: Lattice) -> Expr:
    """Return the logarithm of the sum over all points in which paths end."""
    terms = []
    for point, value in lattice.total.result:
        term = Element(lattice.total.workspace, *point) + value
        for index in (i for i in point if isinstance(i, Index)):
            term = LogSumExp(term, index)
        terms.append(term)
    return LogAdd(*terms) if len(terms) > 1 else terms[0]


def _conventions(loss: Loss) -> list[str]:
    return [
        "An entry out of range is $-\\infty$, unless it is given above.",
        "Where no path ends the loss is infinite, and its gradient 0.",
        "The mean over a batch is the plain mean over its samples.",
        "What lies beyond a length is padding: it is never read, and has no gradient.",
    ]
