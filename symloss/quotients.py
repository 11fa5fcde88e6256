"""Differences of two products over a sum: all in two parts, and right to a unit.

The gradient of a cross-entropy is softmax * (targets of the others) - target * (softmaxes of the others), which cancels
where targets are soft: what each factor, product and quotient loses would count in units of the larger product.
"""

from __future__ import annotations

from typing import Any

from sympy import Add, Expr, Mul, Pow

from symloss.functions import minus, select
from symloss.reductions import Element, RestOver, SumOver, rewrite_parts
from symloss.scaled_functions import (
    inverse_rest,
    less_rest,
    lifted,
    lifted_one_plus,
    plus_rest,
    product_difference,
)


def join_products(expr: Any) -> Any:
    """(a*b - c*d)/s -> product_difference(a, b, c, d, 1/s) for sums b, d and s, with what rounding takes of them."""
    if not expr.args or isinstance(expr, Element):
        return expr
    expr = rewrite_parts(expr, join_products)
    return _join(expr) if isinstance(expr, Mul) else expr


def _join(expr: Mul) -> Expr:
    divided = next((f for f in expr.args if isinstance(f, Pow) and f.exp == -1 and _parts(f.base)), None)
    difference = next((f for f in expr.args if isinstance(f, Add) and len(f.args) == 2), None)
    if divided is None or difference is None:
        return expr
    second, first = sorted(difference.args, key=lambda term: not _is_negative(term))
    products, parts = (_product(first), _product(-second)), _parts(divided.base)
    if _is_negative(first) or not _is_negative(second) or None in products or parts is None:
        return expr
    inverse = divided, inverse_rest(divided.base, parts[1])
    return expr / (divided * difference) * product_difference(*products[0], *products[1], *inverse)


def _is_negative(term: Expr) -> bool:
    return bool(term.as_coeff_Mul()[0] < 0)


def _product(term: Expr) -> tuple[Expr, Expr, Expr] | None:
    """Return the factors of a product with a sum: the others, the sum, and what rounding takes of it."""
    for factor in Mul.make_args(term):
        parts = _parts(factor)
        if parts is not None and factor != term:
            return (term / factor, *parts)
    return None


def _parts(expr: Expr) -> tuple[Expr, Expr] | None:
    """Return a sum, and what rounding takes of it."""
    if isinstance(expr, SumOver):
        return expr, RestOver(*expr.args)
    if isinstance(expr, select):
        yes, no = _parts(expr.args[1]), _parts(expr.args[2])
        return yes and no and (expr, select(expr.args[0], yes[1], no[1]))
    if not isinstance(expr, (Add, lifted_one_plus)):
        return None
    others = _others(expr)
    if others is None:
        return None
    total, largest, own = others
    rest = plus_rest(total, RestOver(*total.args), largest)
    whole = total + largest if expr.has(minus) else expr + own
    return expr, less_rest(expr, whole, rest, own) if own else rest


def _others(expr: Expr) -> tuple[SumOver, Expr, Expr] | None:
    """Return total, largest and own entry of total + largest - own, a sum of all entries or of all but one."""
    terms = list(Add.make_args(expr))
    total = next((term for term in terms if isinstance(term, (SumOver, lifted_one_plus))), None)
    if total is None:
        return None
    terms.remove(total)
    if isinstance(total, lifted_one_plus):
        (total,), terms = total.args, [lifted(1), *terms]
    if not isinstance(total, SumOver):
        return None
    if len(terms) == 1 and isinstance(terms[0], minus):
        return total, *terms[0].args
    own = [term for term in terms if _is_negative(term)]
    largest = [term for term in terms if term not in own]
    return (total, largest[0], -Add(*own)) if len(largest) == 1 and len(own) <= 1 else None
