"""Generalised power series: sums of c * t**a * log(t)**b for t -> 0+, with symbolic exponents, and their limits.

Written for the ends of domains, where SymPy's `limit` needs seconds and does not treat t**gamma for every gamma at
once.  Series are truncated a few orders after the leading one.
"""

from __future__ import annotations

from collections.abc import Iterable

import sympy
from sympy import Add, Expr, Function, Interval, Mul, Pow, S, Symbol, exp, log

from symloss.arguments import Parameter
from symloss.functions import Primitive, log1p, log1p_ratio, select

_ORDER = 4
Terms = dict[tuple[Expr, int], Expr]  # (a, b) -> c


class NoSeriesError(ValueError):
    """The expression has no series of this form, or none is known."""


class Expansion:
    """Series of expressions in one symbol, in the direction t of positive numbers.

    Attributes
    ----------
    singular : bool
        Whether any part met so far is not analytic: floats cannot be put into such an expression at the point.
    """

    def __init__(self, symbol: Expr, point: Expr, direction: int) -> None:
        self._symbol, self._point, self._direction = symbol, point, direction
        self.singular = False

    def __call__(self, expr: Expr) -> Terms:
        """Return the series of an expression."""
        terms = self._expand(expr)
        self.singular |= any(b > 0 or not a.is_Integer or a < 0 for a, b in terms)
        return terms

    def _expand(self, expr: Expr) -> Terms:
        if expr == self._symbol:
            return _clean({(S.Zero, 0): self._point, (S.One, 0): S(self._direction)})
        if not expr.has(self._symbol):
            return _clean({(S.Zero, 0): expr})
        if isinstance(expr, Add):
            return _total(self(arg) for arg in expr.args)
        if isinstance(expr, Mul):
            product: Terms = {(S.Zero, 0): S.One}
            for arg in expr.args:
                product = _multiply(product, self(arg))
            return product
        if isinstance(expr, Pow) and not expr.exp.has(self._symbol):
            return _power(self(expr.base), expr.exp)
        if isinstance(expr, log1p_ratio):
            return self._expand(log1p(*expr.args) / expr.args[0])
        if isinstance(expr, log1p):
            return _logarithm(self(1 + expr.args[0]))
        if isinstance(expr, log):
            return _logarithm(self(expr.args[0]))
        if isinstance(expr, (exp, Primitive)) and len(expr.args) == 1:
            return self._analytic(expr)
        raise NoSeriesError(str(expr))

    def _analytic(self, expr: Function) -> Terms:
        inner = self(expr.args[0])
        if any(b > 0 or not a.is_Integer or a < 0 for a, b in inner):
            raise NoSeriesError(str(expr))
        at = inner.pop((S.Zero, 0), S.Zero)
        x = Symbol("x", real=True)
        function, factor = expr.func(x), S.One
        result: Terms = {}
        power: Terms = {(S.Zero, 0): S.One}
        for n in range(_ORDER + 1):
            result = _total([result, _scaled(power, _evaluated(function.xreplace({x: at})) / factor)])
            function, factor, power = function.diff(x), factor * (n + 1), _multiply(power, inner)
        return result


def _evaluated(expr: Expr) -> Expr:
    """Let primitives of numbers become numbers, so that what cancels does."""
    while any(node.is_number for node in expr.atoms(Primitive)):
        expr = expr.replace(lambda e: isinstance(e, Primitive) and e.is_number, lambda e: e.definition())
    return expr


def _clean(terms: Terms) -> Terms:
    return {key: c for key, c in terms.items() if c != 0}


def _total(parts: Iterable[Terms]) -> Terms:
    result: Terms = {}
    for part in parts:
        for key, c in part.items():
            result[key] = result.get(key, S.Zero) + c
    return _clean({key: sympy.factor(c) for key, c in result.items()})


def _scaled(terms: Terms, factor: Expr) -> Terms:
    return _clean({key: c * factor for key, c in terms.items()})


def _multiply(left: Terms, right: Terms) -> Terms:
    result: Terms = {}
    for (a1, b1), c1 in left.items():
        for (a2, b2), c2 in right.items():
            key = (a1 + a2, b1 + b2)
            result[key] = result.get(key, S.Zero) + c1 * c2
    return _truncated(_clean({key: sympy.factor(c) for key, c in result.items()}))


def _truncated(terms: Terms) -> Terms:
    if not terms:
        return terms
    numbers = [a - next(iter(terms))[0] for a, _ in terms]
    if not all(d.is_number for d in numbers):
        return terms
    first = next(iter(terms))[0] + min(numbers)
    return {(a, b): c for (a, b), c in terms.items() if a - first <= _ORDER}


def _split(terms: Terms, whole: bool = False) -> tuple[Expr, Expr, Terms]:
    """Return exponent and coefficient of the leading term, and the rest over the leading term.

    The coefficient must be positive, or not 0 for a ``whole`` power.
    """
    if not terms:
        raise NoSeriesError("0")
    reference = next(iter(terms))[0]
    offsets = {a: a - reference for a, _ in terms}
    if not all(offset.is_number for offset in offsets.values()):
        raise NoSeriesError("exponents that cannot be compared")
    leading = min(terms, key=lambda key: offsets[key[0]])
    a, b = leading
    c = terms[leading]
    allowed = c.is_nonzero if whole else c.is_positive
    if b or any(other != leading and other[0] == a for other in terms) or not allowed:
        raise NoSeriesError("a leading term that is no positive power")
    return (
        a,
        c,
        {(other - a, log_power): d / c for (other, log_power), d in terms.items() if (other, log_power) != leading},
    )


def _power(terms: Terms, exponent: Expr) -> Terms:
    if exponent.is_Integer and exponent > 0:
        product = terms
        for _ in range(int(exponent) - 1):
            product = _multiply(product, terms)
        return product
    a, c, u = _split(terms, bool(exponent.is_Integer))
    result: Terms = {}
    power: Terms = {(S.Zero, 0): S.One}
    for n in range(_ORDER + 1):
        result = _total([result, _scaled(power, sympy.ff(exponent, n) / sympy.factorial(n))])
        power = _multiply(power, u)
    return {(exponent * a + key, b): c**exponent * d for (key, b), d in result.items()}


def _logarithm(terms: Terms) -> Terms:
    a, c, u = _split(terms)
    result: Terms = _clean({(S.Zero, 0): log(c), (S.Zero, 1): a})
    power = u
    for n in range(1, _ORDER + 1):
        result = _total([result, _scaled(power, S(-1) ** (n + 1) / n)])
        power = _multiply(power, u)
    return result


def limit(terms: Terms) -> Expr:
    """Return the limit for t -> 0+, with a decision for every parameter that it depends on."""
    families: dict[Expr, list[tuple[Expr, int, Expr]]] = {}
    for (a, b), c in terms.items():
        number, _ = a.as_coeff_Add()
        families.setdefault(a - number, []).append((a, b, c))
    total: Expr = S.Zero
    for members in families.values():
        total += _limit_of_family(sorted(members, key=lambda m: (m[0].as_coeff_Add()[0], -m[1])))
    return total


def _limit_of_family(members: list[tuple[Expr, int, Expr]]) -> Expr:
    if not members:
        return S.Zero
    (a, b, c), rest = members[0], members[1:]
    if _is_positive(a):
        return S.Zero
    infinite = c * (-S.One) ** b * S.Infinity
    if a == 0:
        grows: Expr = c if b == 0 else infinite
    elif a.is_number:
        grows = infinite
    else:
        grows = infinite if b else select(sympy.Eq(a, 0), c, infinite)
    if not (a == 0 and b == 0) and not c.is_number:
        grows = select(sympy.Eq(c, 0), _limit_of_family(rest), grows)
    return grows if a.is_number else select(sympy.Gt(a, 0), S.Zero, grows)


def _is_positive(a: Expr) -> bool:
    """Whether the exponent is positive for all parameters in their domains."""
    low = a
    for symbol in a.free_symbols:
        if not isinstance(symbol, Parameter) or not isinstance(symbol.domain, Interval) or a.coeff(symbol) < 0:
            return False
        low = low.xreplace({symbol: symbol.domain.inf})
    return bool(low > 0)
