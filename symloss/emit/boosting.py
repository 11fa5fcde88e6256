"""Prints what boosters need beside kernels: closed forms of best constants, and where other curvatures are."""

from __future__ import annotations

from collections.abc import Mapping

from sympy import Expr
from sympy.printing.numpy import NumPyPrinter

from symloss.emit.environment import render


def boosting(constants: Mapping[str, tuple[tuple[str, ...], Expr]], curvatures: Mapping[str, Mapping[str, str]]) -> str:
    """Return the module.

    Parameters
    ----------
    constants : mapping
        By the name of a loss, the parameters and the expression of its best constant score.
    curvatures : mapping
        By the name of a loss and of a curvature, the module whose Hessian diagonal holds it.
    """
    printer = NumPyPrinter()
    scores = [
        (name, ", ".join(("mean", *parameters)), printer.doprint(expr))
        for name, (parameters, expr) in constants.items()
    ]
    places = [(name, list(kinds.items())) for name, kinds in curvatures.items()]
    return render("boosting.py.j2", scores=scores, places=places)
