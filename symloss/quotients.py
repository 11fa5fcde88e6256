"""Products over a sum, and differences of two: all in two parts, and right to a unit.

The gradient of a cross-entropy is softmax * (targets of the others) - target * (softmaxes of the others), which cancels
where targets are soft: what factors, products and quotients lose would count in units of the larger product.  The
Hessian is softmax * (softmaxes of the others) * (all targets): all factors round, and the sum below counts twice.
"""

from __future__ import annotations

from typing import Any

from sympy import Add, Expr, Mul, Pow, S

from symloss.functions import minus, select
from symloss.reductions import RestOver, SumOver, rewrite_parts
from symloss.scaled_functions import (
    inverse_rest,
    less_rest,
    lifted,
    lifted_one_plus,
    plus_rest,
    product_difference,
    times_inverse,
    times_parts,
)


def join_products(expr: Any) -> Any:
    """(a*b - c*d)/s -> product_difference(a, b, c, d, 1/s) for sums b, d and s, with what rounding takes of them."""
    if not expr.args:
        return expr
    expr = rewrite_parts(expr, join_products)  # entries too: what is largest may be where
    return _join_powers(_join(expr)) if isinstance(expr, Mul) else expr


def _join_powers(expr: Expr) -> Expr:
    """a*b*c/s**2 -> times_parts(times_parts(a, b, 1/s), c, 1/s) for sums b, c and s; so with fewer sums, and with 1/s.

    What is no product with a sum takes 1/s alone: nothing is divided by a sum but 1, once.
    """
    factors = Mul.make_args(expr)
    divided = next((f for f in factors if isinstance(f, Pow) and f.exp in (-1, -2) and _parts(f.base)), None)
    if divided is None:
        return expr
    sums = [(f, parts) for f in factors for parts in _sums_of(f)]
    if len(sums) > -divided.exp:
        return expr
    whole = Mul(*dict.fromkeys(f for f, _ in sums))
    product, inverse = expr / divided / whole, (1 / divided.base, _inverse_rest(divided.base))
    for _ in range(-divided.exp - len(sums)):
        product = times_inverse(product, *inverse)
    for _, parts in sums:
        product = times_parts(product, *parts, *inverse)
    return product


def _sums_of(factor: Expr) -> list[tuple[Expr, Expr]]:
    """Return the sum that a factor is, with what rounding takes of it; that of a square twice."""
    base, power = factor.as_base_exp()
    parts = _parts(base) or _whole(base) if power in (1, 2) else None
    return [parts] * int(power) if parts else []


def _whole(expr: Expr) -> tuple[Expr, Expr] | None:
    """Return the sum of all entries that a sum of all but one, and this one, make, and what rounding takes of it."""
    for part in expr.args if isinstance(expr, Add) else ():
        others = _others(part.args[2]) if isinstance(part, select) else None
        if others is not None and others[0] == part.args[1] and others[2] == expr - part:
            total, largest, _ = others
            return total + largest, plus_rest(total, RestOver(*total.args), largest)
    return None


def _inverse_rest(base: Expr) -> Expr:
    parts = _parts(base)
    return inverse_rest(base, S.Zero if parts is None else parts[1])


def _join(expr: Mul) -> Expr:
    divided = next((f for f in expr.args if isinstance(f, Pow) and f.exp == -1 and _parts(f.base)), None)
    difference = next((f for f in expr.args if isinstance(f, Add) and len(f.args) == 2), None)
    if divided is None or difference is None:
        return expr
    less, more = sorted(difference.args, key=lambda term: not _is_negative(term))
    first, second = _product(more), _product(-less)
    if _is_negative(more) or not _is_negative(less) or first is None or second is None:
        return expr
    inverse = divided, _inverse_rest(divided.base)
    return expr / (divided * difference) * product_difference(*first, *second, *inverse)


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
    if own == 0:
        return expr, rest
    whole = expr + own if -own in expr.args else total + largest
    return expr, less_rest(expr, whole, rest, own)


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
        largest, own = terms[0].args
        return total, largest, own
    less = [term for term in terms if _is_negative(term)]
    more = [term for term in terms if term not in less]
    return (total, more[0], -Add(*less)) if len(more) == 1 and len(less) <= 1 else None
