"""Softmaxes that weights multiply: over exponentials that are not subnormal, so that no weight enlarges what they lack.

Weights, here, are those of classes, and soft targets, which may be more than 1 together.

Every exponential of a row is relative to its largest entry, and a softmax is a quotient of one of them, or of the sum
of all but one, and the sum of all: a power of two that multiplies all of them cancels, and costs nothing.
"""

from __future__ import annotations

from typing import Any

from sympy import Add, Expr, Interval, Mul, S

from symloss.arguments import Target, Weight
from symloss.functions import exp_minus, log1p, minus, multiply_no_nan
from symloss.reductions import MaxOver, SumOver, rewrite_parts
from symloss.scaled_functions import lifted_exp_minus, lifted_one_plus, lowered, times_log_softmax


def lift_rows(expr: Expr) -> Expr:
    """Return an equal expression in which exponentials relative to the largest entry are lifted, if there are weights.

    Without weights a subnormal result is less than 2 of the smallest subnormal off as it is.
    """
    return _lift(expr) if any(_is_weight(s) or _is_soft_row(s) for s in expr.free_symbols) else expr


def _is_weight(symbol: Any) -> bool:
    return isinstance(symbol, Weight)


def _is_soft_row(symbol: Any) -> bool:
    return isinstance(symbol, Target) and bool(symbol.dims) and isinstance(symbol.domain, Interval)


def _lift(expr: Any) -> Any:
    if not expr.args:
        return expr
    others = next((term for term in Add.make_args(expr) if _sums_exponentials(term)), None)
    if isinstance(expr, Add) and others is not None and S.One in expr.args:
        return lifted_one_plus(_lift(others)) + _lift(expr - 1 - others)
    weighted = _weighted_log_softmax(expr)
    if weighted is not None:
        return weighted
    expr = rewrite_parts(expr, _lift)
    if isinstance(expr, exp_minus) and isinstance(expr.args[1], MaxOver):
        return lifted_exp_minus(*expr.args)
    if isinstance(expr, log1p) and _sums_exponentials(expr.args[0]):
        return log1p(lowered(expr.args[0]))
    return expr


def _weighted_log_softmax(expr: Any) -> Expr | None:
    """Let a weight multiply the sum in a logarithm before that is lowered.

    A target alone is at most 1, and takes no digits from a logarithm.
    """
    if not isinstance(expr, multiply_no_nan) or not isinstance(expr.args[1], Add):
        return None
    weight, difference = expr.args
    own = next((t for t in difference.args if isinstance(t, minus) and isinstance(t.args[1], MaxOver)), None)
    total = next((t for t in difference.args if isinstance(-t, log1p) and _sums_exponentials((-t).args[0])), None)
    if own is None or total is None or len(difference.args) != 2:
        return None
    scales = [f for f in Mul.make_args(weight) if any(map(_is_weight, f.free_symbols))]
    if not scales:
        return None
    others, scale = _lift((-total).args[0]), Mul(*scales)
    return times_log_softmax(own, others, log1p(lowered(others)), _lift(weight / scale), _lift(scale))


def _sums_exponentials(expr: Any) -> bool:
    body = expr.body if isinstance(expr, SumOver) else None
    return isinstance(body, lifted_exp_minus) or (isinstance(body, exp_minus) and isinstance(body.args[1], MaxOver))
