"""Norms less a level that are multiplied on: their two parts go into the product, which is rounded once.

``norm_less`` rounds, and so does the root that it is multiplied by, or divided by, entry by entry.  What is the same
for all entries of a row is taken together here, so that a row pays for it once.
"""

from __future__ import annotations

import itertools
from typing import Any

from sympy import Expr, Mul, sqrt

from symloss.arguments import Parameter
from symloss.functions import divide_no_nan, multiply_no_nan, ratio, select
from symloss.reductions import Element, rewrite_parts
from symloss.scaled_functions import norm_less, norm_less_ratio, norm_less_square, times_ratio


def join_norms(expr: Any) -> Any:
    """Return an equal expression in which norms less a level are squared, or divided by the norm, in two parts."""
    if not expr.args or isinstance(expr, Element):
        return expr
    expr = rewrite_parts(expr, join_norms)
    if isinstance(expr, Mul):
        return _over_norm(expr)
    if isinstance(expr, multiply_no_nan):
        first, last = expr.args
        if isinstance(last, norm_less) and isinstance(first, multiply_no_nan) and first.args[1] == last:
            return norm_less_square(first.args[0], *last.args)
        if isinstance(first, Parameter):
            return _with_parameter(first, last) or expr
    return expr


def _with_parameter(k: Expr, product: Expr) -> Expr | None:
    """Return a product times a parameter, which goes where a row pays for it once; None where that is nowhere."""
    if isinstance(product, select):
        condition, *ways = product.args
        found = [_with_parameter(k, way) for way in ways]
        if all(way is None for way in found):
            return None
        return select(condition, *(new or multiply_no_nan(k, old) for new, old in zip(found, ways, strict=True)))
    for factor in Mul.make_args(product):
        less = factor.args[-1] if isinstance(factor, times_ratio) else None
        if isinstance(less, norm_less_ratio) and less.args[0] == 1:
            return product / factor * times_ratio(*factor.args[:-1], norm_less_ratio(k, *less.args[1:]))
    return None


def _over_norm(expr: Mul) -> Expr:
    """(N - level) * (x/N) -> (x/scale) * ((N - level)/(N/scale)): entries are divided by a power of two alone."""
    for less, quotient in itertools.permutations(expr.args, 2):
        if isinstance(less, norm_less) and isinstance(quotient, (ratio, divide_no_nan)):
            scale, total, *_ = less.args
            x = _times_norm(quotient, scale, sqrt(total))
            if x is not None:
                return expr / (less * quotient) * times_ratio(x, scale, norm_less_ratio(1, *less.args))
    return expr


def _times_norm(quotient: Expr, scale: Expr, root: Expr) -> Expr | None:
    """Return what is divided by scale * root, if a quotient has that below."""
    x, divisor = quotient.args
    if divisor == scale * root:
        return x
    return x.args[0] if divisor == root and isinstance(x, ratio) and x.args[1] == scale else None
