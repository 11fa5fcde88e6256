"""Exact one-sided limits where a prediction lies at a closed end of its domain and floats would give NaN."""

from __future__ import annotations

from collections.abc import Iterator

import sympy
from sympy import Dummy, Expr, Interval

from symloss.arguments import Prediction
from symloss.functions import select
from symloss.reductions import Element, Reduction, rewrite_parts
from symloss.series import Expansion, NoSeriesError, limit


def close_ends(expr: Expr) -> Expr:
    """Return the expression with its limits at the ends of domains, decided where the entry is loaded.

    Every scope, the expression itself and the body of each reduction, decides about the entries in it.
    """
    if isinstance(expr, select) and not _entries(expr.args[0]):
        condition, yes, no = expr.args
        return select(condition, close_ends(yes), close_ends(no))
    result = _close_bodies(expr)
    for entry, end, direction in _ends(expr):
        at_end = end_limit(expr, entry, end, direction)
        if at_end is not None:
            result = select(sympy.Eq(entry, end), at_end, result)
    return result


def _close_bodies(expr: Expr) -> Expr:
    if isinstance(expr, Reduction):
        index = expr.fresh_index()
        return type(expr)(close_ends(expr.open(index)), index, *expr.args[2:])
    if not expr.args or isinstance(expr, Element):
        return expr
    return rewrite_parts(expr, _close_bodies)


def _entries(expr: Expr) -> set[Expr]:
    """Return the entries of predictions outside of reductions."""
    if isinstance(expr, Reduction):
        return set()
    base = expr.base if isinstance(expr, Element) else expr
    if isinstance(base, Prediction):
        return {expr}
    if isinstance(expr, Element):
        return set()
    return set().union(*(_entries(arg) for arg in expr.args))


def _ends(expr: Expr) -> Iterator[tuple[Expr, Expr, int]]:
    for entry in sorted(_entries(expr), key=str):
        domain = getattr(entry, "base", entry).domain
        if not isinstance(domain, Interval):
            continue
        for end, is_open, direction in (
            (domain.end, domain.right_open, -1),
            (domain.start, domain.left_open, 1),
        ):
            if not is_open and end.is_finite:
                yield entry, end, direction


def end_limit(expr: Expr, entry: Expr, end: Expr, direction: int) -> Expr | None:
    """Return the one-sided limit, or None where the expression can be evaluated at the end itself."""
    x = Dummy("x", real=True)
    expansion = Expansion(x, end, direction)
    try:
        terms = expansion(expr.xreplace({entry: x}))
        return limit(terms) if expansion.singular else None
    except NoSeriesError:
        return None
