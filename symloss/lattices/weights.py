"""Weights of a recurrence as linear forms of entries of the predictions, chosen by conditions on indices.

What multiplies a path is the exponential of such a form, so its derivative needs no calculus: it is the coefficient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Basic, Expr, S

from symloss.arguments import Argument, Prediction
from symloss.functions import select
from symloss.reductions import Element, LogSoftmax, LogSumExp, Softmax


@dataclass(frozen=True)
class Entry:
    """An entry of a prediction; () are the indices of a scalar."""

    base: Argument
    indices: tuple[Expr, ...]


@dataclass(frozen=True)
class Row:
    """The log-sum-exp of the last axis of a prediction."""

    base: Argument
    indices: tuple[Expr, ...]  # of all axes but the last


@dataclass(frozen=True)
class Linear:
    """A constant plus coefficients times entries and rows; ``NEVER`` is log 0."""

    constant: Expr
    terms: tuple[tuple[Expr, Entry | Row], ...] = ()

    @property
    def log_softmax(self) -> tuple[Entry, Row] | None:
        """The entry and the row, where the form is the log-softmax of one row and nothing else."""
        if self.constant != 0 or len(self.terms) != 2:
            return None
        (one, entry), (minus, row) = sorted(self.terms, key=lambda term: isinstance(term[1], Row))
        if not isinstance(entry, Entry) or not isinstance(row, Row):
            return None
        same = one == 1 and minus == -1 and entry.base == row.base and entry.indices[:-1] == row.indices
        return (entry, row) if same else None


@dataclass(frozen=True)
class Choice:
    """One weight where a condition on indices holds, another elsewhere."""

    condition: Basic
    yes: Weight
    no: Weight


Weight = Linear | Choice
NOTHING = Linear(S.Zero)
NEVER = Linear(S.NegativeInfinity)


def weight_of(expr: Expr) -> Weight:
    """Return an expression as a weight.

    Raises
    ------
    ValueError
        If it is not linear in the predictions, up to log-softmaxes and log-sum-exps of rows.
    """
    chosen = _first_choice(expr)
    if chosen is not None:
        condition, yes, no = chosen.args
        return Choice(condition, weight_of(expr.xreplace({chosen: yes})), weight_of(expr.xreplace({chosen: no})))
    if expr.has(S.NegativeInfinity):
        return NEVER
    constant: Expr = S.Zero
    terms: dict[Entry | Row, Expr] = {}
    for term in sympy.Add.make_args(sympy.expand(expr) if _needs_expansion(expr) else expr):
        for coefficient, atom in _atoms(term):
            if atom is None:
                constant += coefficient
            else:
                terms[atom] = terms.get(atom, S.Zero) + coefficient
    return Linear(constant, tuple((c, atom) for atom, c in terms.items() if c != 0))


def _first_choice(expr: Basic) -> Any:
    """Return the first choice outside of indices."""
    if isinstance(expr, select):
        return expr
    if isinstance(expr, (Element, LogSumExp, LogSoftmax)):
        return None
    return next((found for arg in expr.args if (found := _first_choice(arg)) is not None), None)


def _needs_expansion(expr: Expr) -> bool:
    return any(
        isinstance(factor, sympy.Add) for term in sympy.Add.make_args(expr) for factor in sympy.Mul.make_args(term)
    )


def _atoms(term: Expr) -> Iterator[tuple[Expr, Entry | Row | None]]:
    """Yield a term as coefficients times atoms."""
    factors = sympy.Mul.make_args(term)
    depending = [f for f in factors if any(isinstance(s, Prediction) for s in f.free_symbols)]
    coefficient = sympy.Mul(*(f for f in factors if f not in depending))
    if not depending:
        yield coefficient, None
        return
    if len(depending) > 1:
        raise ValueError(f"{term} is not linear in the predictions")
    (node,) = depending
    if isinstance(node, sympy.log) and isinstance(node.args[0], Softmax):
        node = LogSoftmax(*node.args[0].args)
    if isinstance(node, Prediction):
        yield coefficient, Entry(node, ())
    elif isinstance(node, Element):
        yield coefficient, Entry(node.base, node.indices)
    elif isinstance(node, (LogSoftmax, LogSumExp)) and (lead := _whole_row(node)) is not None:
        base = node.body.base
        if isinstance(node, LogSoftmax):
            yield coefficient, Entry(base, (*lead, node.at))
            coefficient = -coefficient
        yield coefficient, Row(base, lead)
    else:
        raise ValueError(f"{node} is no entry of a prediction, and no log-softmax or log-sum-exp of a whole row")


def _whole_row(node: Any) -> tuple[Expr, ...] | None:
    """Return the indices of the row that is reduced, if it is the last axis of a prediction and nothing else."""
    body = node.body
    if not isinstance(body, Element) or node.excluded or not isinstance(body.base, Prediction):
        return None
    lead, last = body.indices[:-1], body.indices[-1]
    return lead if last == node.index and not any(i.has(node.index) for i in lead) else None


def mapped(weight: Weight, change: Callable[[Any], Any]) -> Weight:
    """Return a weight with every expression in it changed."""
    if isinstance(weight, Choice):
        return Choice(change(weight.condition), mapped(weight.yes, change), mapped(weight.no, change))
    return Linear(
        change(weight.constant),
        tuple((change(c), type(a)(a.base, tuple(map(change, a.indices)))) for c, a in weight.terms),
    )


def leaves(weight: Weight) -> Iterator[Linear]:
    """Yield the linear forms that a weight may be."""
    if isinstance(weight, Choice):
        yield from leaves(weight.yes)
        yield from leaves(weight.no)
    else:
        yield weight


def expressions(weight: Weight) -> Iterator[Basic]:
    """Yield every expression in a weight."""
    if isinstance(weight, Choice):
        yield weight.condition
        yield from expressions(weight.yes)
        yield from expressions(weight.no)
    else:
        yield weight.constant
        for coefficient, atom in weight.terms:
            yield coefficient
            yield from atom.indices


def rows_of(weight: Weight) -> list[Row]:
    """Return the rows that a weight depends on."""
    return [atom for leaf in leaves(weight) for _, atom in leaf.terms if isinstance(atom, Row)]


def is_constant(weight: Weight) -> bool:
    """Whether no prediction occurs."""
    return not any(leaf.terms for leaf in leaves(weight))
