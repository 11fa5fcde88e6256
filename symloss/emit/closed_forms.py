"""Prints the closed forms of best constant scores as a module of the generated package."""

from __future__ import annotations

from collections.abc import Mapping

from sympy import Expr
from sympy.printing.numpy import NumPyPrinter

from symloss.emit.environment import render


def closed_forms(found: Mapping[str, tuple[tuple[str, ...], Expr]]) -> str:
    """Return the module: a function a loss, of the mean target and of the parameters that matter."""
    printer = NumPyPrinter()
    rows = [(name, ", ".join(("mean", *parameters)), printer.doprint(expr)) for name, (parameters, expr) in found.items()]
    return render("closed_forms.py.j2", rows=rows)
