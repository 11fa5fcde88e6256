"""Decisions that no rounding turns round: what compares a difference of two inputs with a third has an exact sign.

The sign of a rounded difference is right, so that ``x - y > 0`` needs nothing.  ``abs(x - y) <= delta`` does: where the
difference rounds to delta, the exact one may be on the other side, and what jumps there (a second derivative, say) is
then that of the wrong side.  What has the same value on both sides is the right one either way, and compares floats.
"""

from __future__ import annotations

from typing import Any

import sympy
from sympy import Add, Expr, Rational, S

from symloss.arguments import Argument, Parameter
from symloss.functions import absolute, multiply_no_nan, select, sgn
from symloss.reductions import Element, rewrite_parts
from symloss.scaled_functions import distance_excess, excess

_Excess = excess | distance_excess


def decide(expr: Any) -> Any:
    """Return an equal expression whose conditions, and arguments of sgn, are on the right side of 0 in floats."""
    if not expr.args or isinstance(expr, Element):
        return expr
    expr = rewrite_parts(expr, decide)
    if isinstance(expr, select):
        condition, yes, no = expr.args
        sign, found = _excess(condition.lhs - condition.rhs)
        if found is not None and _differ_at(found, yes, no):
            return select(condition.func(found, 0) if sign > 0 else condition.func(0, found), yes, no)
    if isinstance(expr, sgn):
        sign, found = _excess(expr.args[0])
        return expr if found is None else sign * sgn(found)
    return expr


def _excess(difference: Expr) -> tuple[int, _Excess | None]:
    """Return the difference as 1 or -1 times an excess, if it is one: of x - y, or its size, over a third input."""
    terms = Add.make_args(difference)
    distances = [t for t in terms if isinstance(t.as_coeff_Mul()[1], absolute)]
    if distances:
        return _excess_of_distance(difference, distances[0])
    if len(terms) != 3 or not all(map(is_exact, terms)):
        return 1, None
    *pair, level = sorted(terms, key=lambda t: (_is_constant(t), t.could_extract_minus_sign()))
    x, y = sorted(pair, key=lambda t: t.could_extract_minus_sign())
    return 1, excess(x, -y, -level)


def _excess_of_distance(difference: Expr, distance: Expr) -> tuple[int, _Excess | None]:
    """Return a multiple of abs(x - y), and a term, as an excess."""
    sign, node = distance.as_coeff_Mul()
    apart, level = Add.make_args(node.args[0]), sign * (distance - difference)
    if sign not in (1, -1) or len(apart) != 2 or level == 0 or not all(map(is_exact, (*apart, level))):
        return 1, None
    x, y = sorted(apart, key=lambda t: t.could_extract_minus_sign())
    return int(sign), distance_excess(x, -y, level)


def _differ_at(border: _Excess, yes: Expr, no: Expr) -> bool:
    """Whether two expressions are not seen to be equal where the excess is 0."""
    sides = (1, -1) if isinstance(border, distance_excess) else (1,)
    return any(sympy.expand(_at(border, side, yes) - _at(border, side, no)) != 0 for side in sides)


def _at(border: _Excess, side: int, expr: Expr) -> Expr:
    """Return an expression, in ordinary products, where x - y is the level or minus that."""
    x, y, level = border.args
    number, entry = x.as_coeff_Mul()
    signs = {level: 1, -level: -1} if isinstance(border, distance_excess) else {}  # of a level that is a distance

    def sign(of: Expr) -> Expr:
        of = sympy.expand(of)
        return sympy.Integer(signs[of]) if of in signs else sgn(of)

    at_border = expr.xreplace({entry: (y + side * level) / number}).replace(multiply_no_nan, lambda a, b: a * b)
    return at_border.replace(absolute, lambda of: sign(of) * of).replace(sgn, sign)


def is_exact(term: Expr) -> bool:
    """Whether it is a float itself: an input, a number, or an input times a power of two."""
    number, rest = term.as_coeff_Mul()
    return _is_float(number) if rest == 1 else isinstance(rest, (Argument, Element)) and _is_power_of_two(number)


def _is_float(number: Expr) -> bool:
    return isinstance(number, Rational) and Rational(float(number)) == number


def _is_power_of_two(number: Expr) -> bool:
    return isinstance(number, Rational) and all(not n & (n - 1) for n in (abs(number.p), number.q))


def _is_constant(term: Expr) -> bool:
    """Whether the same number is compared with in every sample."""
    rest = term.as_coeff_Mul()[1]
    return rest is S.One or isinstance(rest, Parameter)
