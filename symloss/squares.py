"""Sums of squares of differences, and of entries times a number, means, and what is added to sums: each rounded once.

A square doubles what rounding takes from the difference, and a sum of terms of one sign keeps what its terms lack.
One square alone stays as it is: with two roundings it is within two units.
"""

from __future__ import annotations

from typing import Any

from sympy import Add, Expr, Mul, Pow

from symloss.decisions import is_exact
from symloss.functions import multiply_no_nan
from symloss.reductions import Dim, Element, RestOver, SumOver, rewrite_parts
from symloss.scaled_functions import added_once, squared_difference, sum_ratio, times_square


def round_once(expr: Any, summed: bool = False) -> Any:
    """Return an equal expression in which squared differences that are summed, and means, are rounded once.

    Parameters
    ----------
    expr : Expr
        Any expression.
    summed : bool
        Whether it is part of what is summed.
    """
    if not expr.args or isinstance(expr, Element):
        return expr
    summed = summed or isinstance(expr, (SumOver, RestOver))
    expr = rewrite_parts(expr, lambda part: round_once(part, summed))
    if isinstance(expr, Mul):
        return _mean(expr)
    return _square(expr) if summed else expr


def add_once(expr: Expr) -> Expr:
    """Total + y -> added_once(total, y, what rounding takes from the total); y may be a total itself."""
    totals = [term for term in Add.make_args(expr) if isinstance(term, SumOver)]
    if not totals or not isinstance(expr, Add):
        return expr
    return added_once(totals[0], expr - totals[0], Add(*(RestOver(*total.args) for total in totals)))


def _square(expr: Expr) -> Expr:
    """(x - y)**2 -> squared_difference(x, y), and k*x*x -> times_square(x, k), where x and y are floats."""
    if isinstance(expr, multiply_no_nan):
        first, x = expr.args
        twice = isinstance(first, multiply_no_nan) and first.args[1] == x and _is_float(x)
        return times_square(x, first.args[0]) if twice else expr
    terms = Add.make_args(expr.base) if isinstance(expr, Pow) and expr.exp == 2 else ()
    if len(terms) != 2 or not all(map(_is_float, terms)):
        return expr
    x, y = sorted(terms, key=lambda term: term.could_extract_minus_sign())
    return squared_difference(x, -y)


def _is_float(term: Expr) -> bool:
    """Whether it is an input, or minus that, or a number: twice an input may overflow where the difference does not."""
    number, rest = term.as_coeff_Mul()
    return is_exact(term) and (rest == 1 or number in (1, -1))


def _mean(expr: Mul) -> Expr:
    """total/length -> sum_ratio(total, rest, length)."""
    sums = [f for f in expr.args if isinstance(f, SumOver)]
    lengths = [f for f in expr.args if isinstance(f, Pow) and isinstance(f.base, Dim) and f.exp == -1]
    if len(sums) != 1 or len(lengths) != 1:
        return expr
    (total,), (inverse,) = sums, lengths
    return expr / (total * inverse) * sum_ratio(total, RestOver(*total.args), inverse.base)
