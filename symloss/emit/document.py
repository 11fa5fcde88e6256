"""The page about a loss: what it is for, what it is, what was derived, and what the kernel evaluates."""

from __future__ import annotations

from typing import Any

from sympy import FiniteSet, Interval, S

from symloss.arguments import Argument, Parameter, is_class_label, label_bounds
from symloss.certificate import Certificate
from symloss.declare import Loss
from symloss.derive import Output
from symloss.emit.accuracy import accuracy
from symloss.emit.environment import render
from symloss.emit.formulas import equation, left_side
from symloss.emit.latex_printer import latex, symbol
from symloss.emit.plots import plot
from symloss.emit.text import escape
from symloss.functions import absolute, maximum, minimal
from symloss.reductions import MaxOver, Norm

_KINDS = (
    ("gradient", "Gradient"),
    ("hessian", "Hessian diagonal"),
    ("hvp", r"Hessian times a vector $v$"),
)
_SECTIONS = ("description", "use_case", "advantages", "disadvantages")


def said_of(loss: Loss) -> dict[str, Any]:
    """Return what every page says in words: of what loss it is, what that is for, where it is from."""
    texts = loss.texts
    said = [(name.replace("_", " ").capitalize(), escape(getattr(texts, name))) for name in _SECTIONS]
    return {
        "title": escape(texts.title),
        "name": escape(loss.name),
        "label": loss.name,
        "sections": [(heading, text) for heading, text in said if text],
        "references": [escape(texts.reference)] if texts.reference else [],
    }


def page(
    loss: Loss, derived: tuple[Output, ...], stable: tuple[Output, ...], certificate: Certificate | None = None
) -> str:
    """Return the LaTeX of one loss, a section of the book.

    Parameters
    ----------
    loss : Loss
        As declared.
    derived : tuple of Output
        As `derive` leaves them.
    stable : tuple of Output
        The same in the form that the kernel evaluates.
    certificate : Certificate, optional
        The measured error.
    """
    return render(
        "page.tex.j2",
        **said_of(loss),
        definition=equation(r"\ell", loss.declared),
        normalizer=[equation("n", loss.normalizer)] if loss.normalizer != 1 else [],
        arguments=[row_of_argument(argument, bool(loss.sets)) for argument in loss.arguments],
        value=[equation(r"\ell", stable[0].expr)] if stable[0].expr != loss.declared else [],
        derivations=[_derivation(kind, heading, derived, stable) for kind, heading in _KINDS],
        conventions=_conventions(loss),
        accuracy=accuracy(certificate) if certificate else None,
        plot=plot(loss, stable),
    )


def _derivation(kind: str, heading: str, derived: tuple[Output, ...], stable: tuple[Output, ...]) -> dict[str, Any]:
    """Return the formulas of one kind: as derived, and as evaluated where that is another form."""
    found = [(d, s) for d, s in zip(derived, stable, strict=True) if d.kind == kind]
    return {
        "heading": heading,
        "derived": [equation(left_side(d), d.expr) for d, _ in found],
        "stable": [equation(left_side(s), s.expr) for d, s in found if s.expr != d.expr],
    }


def row_of_argument(argument: Argument, over_sets: bool) -> str:
    """Return name, role, shape and domain as a row of a table."""
    axes = [latex(dim) for dim in argument.dims]
    if isinstance(argument, Parameter):
        shape = f"default {float(argument.default):g}"
    elif over_sets:
        shape = "one number a sample"
    else:
        shape = f"$({', '.join(axes)})$" if axes else "one number"
    return rf"\texttt{{{escape(argument.name)}}} & {argument.role} & {shape} & ${domain(argument)}$ \\"


def domain(argument: Argument) -> str:
    """Return where the values of an argument lie."""
    values: Any = argument.domain
    if is_class_label(argument):
        start, stop = label_bounds(argument)
        return rf"\{{{latex(start)}, \dots, {latex(stop - 1)}\}}"
    if values == S.Reals:
        return r"\mathbb{R}"
    if isinstance(values, FiniteSet):
        return rf"\{{{', '.join(latex(member) for member in sorted(values))}\}}"
    assert isinstance(values, Interval)
    left = "(" if values.left_open else "["
    right = ")" if values.right_open else "]"
    return f"{left}{latex(values.start)}, {latex(values.end)}{right}"


def _conventions(loss: Loss) -> list[str]:
    said = []
    if any(expr.has(absolute, maximum, minimal, MaxOver, Norm) for expr in (loss.declared, loss.expr)):
        said.append("At a kink the gradient is the subgradient of least norm, and the Hessian is 0.")
    bounded = [p for p in loss.predictions if isinstance(p.domain, Interval) and p.domain != S.Reals]
    for p in bounded:
        said.append(
            f"At the ends of the domain of ${symbol(p.name)}$ value and derivatives are one-sided limits, infinities "
            "included; outside of it they are NaN."
        )
    said.append("NaN in a prediction gives NaN; a target outside of its domain is an error.")
    return said
