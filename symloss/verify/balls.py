"""Expressions over balls: every number is an interval that is proved to hold the exact one.

A function of one variable near a point is its Taylor series with balls as coefficients (Arb's `arb_series`), so value
and derivatives come out of one evaluation, by arithmetic that symloss's own differentiation has no part in.  What a
ball is too wide to decide raises `UndecidedError`; where the function has no series, `SpecialError`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy
from flint import arb, arb_series, ctx
from sympy import Basic, S

from symloss.arguments import Argument
from symloss.functions import Primitive, select
from symloss.reductions import Dim, Element, Index, MaxOver, Norm, Reduction, SumOver

Ball = Any  # arb, or arb_series where it depends on the variable
ORDER = 3  # derivatives that are kept


class UndecidedError(ArithmeticError):
    """A ball is too wide; a higher precision may decide."""


class SpecialError(ArithmeticError):
    """The function has no Taylor series here: a kink, a jump, an end of its domain."""


@dataclass
class Place:
    """Where an expression is evaluated.

    Attributes
    ----------
    arrays : mapping of str to sequence
        Entries of every argument, flat, in C order.
    shapes : mapping of str to tuple of int
        Shape of every argument.
    dims : mapping of Dim to int
        Lengths of the axes.
    """

    arrays: Mapping[str, Sequence[Ball]]
    shapes: Mapping[str, tuple[int, ...]]
    dims: Mapping[Dim, int]
    indices: dict[Index, int] = field(default_factory=dict)
    known: dict[Any, Ball] = field(default_factory=dict)


Run = Callable[[Place], Any]


def constant_term(x: Ball) -> Any:
    """Return the value of a series."""
    return x[0] if isinstance(x, arb_series) else x


def coefficients(x: Ball) -> list[Any]:
    """Return value and Taylor coefficients."""
    if not isinstance(x, arb_series):
        return [x, *[arb(0)] * ORDER]
    return [x[i] for i in range(ORDER + 1)]


def _is_zero(x: Ball) -> bool:
    return all(c.is_zero() for c in coefficients(x)) if isinstance(x, arb_series) else bool(x.is_zero())


def _product(factors: Sequence[Ball]) -> Ball:
    """Multiply; 0 times anything is 0, as 0 log 0 is."""
    if any(map(_is_zero, factors)):
        return arb(0)
    result = factors[0]
    for factor in factors[1:]:
        result = result * factor
    return result


def _power(base: Ball, exponent: Ball) -> Ball:
    start = constant_term(base)
    if not isinstance(exponent, arb_series) and exponent.is_exact() and exponent.is_integer() and abs(exponent) < 1000:
        whole = int(float(exponent))
        if whole < 0 and start.is_zero():
            raise SpecialError
        if whole < 0 and start.contains(0):
            raise UndecidedError
        return base**whole if whole >= 0 else 1 / base**-whole
    if start.is_zero():
        raise SpecialError
    return (exponent * _log(base)).exp()


def _log(x: Ball) -> Ball:
    start = constant_term(x)
    if start.is_zero() or start < 0:
        raise SpecialError
    if not start > 0:
        raise UndecidedError
    return x.log()


def _sqrt(x: Ball) -> Ball:
    start = constant_term(x)
    if start.is_zero():
        if isinstance(x, arb_series):
            raise SpecialError
        return x
    if not start > 0:
        raise SpecialError if start < 0 else UndecidedError
    return x.sqrt()


def _less(a: Ball, b: Ball) -> bool:
    """Whether a < b; at equality there is a kink if either side moves."""
    left, right = constant_term(a), constant_term(b)
    if left < right:
        return True
    if left > right:
        return False
    if (left - right).is_zero():
        if isinstance(a, arb_series) or isinstance(b, arb_series):
            raise SpecialError
        return False
    raise UndecidedError


def _equal(a: Ball, b: Ball) -> bool:
    left, right = constant_term(a), constant_term(b)
    if left < right or left > right:
        return False
    if (left - right).is_zero():
        if isinstance(a, arb_series) or isinstance(b, arb_series):
            raise SpecialError
        return True
    raise UndecidedError


def _largest(*terms: Ball) -> Ball:
    best = terms[0]
    for term in terms[1:]:
        best = term if _less(best, term) else best
    return best


def _absolute(x: Ball) -> Ball:
    return -x if _less(x, arb(0)) else x


def _sign(x: Ball) -> Ball:
    return arb(0) if _equal(x, arb(0)) else arb(-1) if _less(x, arb(0)) else arb(1)


def _cosh(x: Ball) -> Ball:
    return (x.exp() + (-x).exp()) / 2


def _sinh(x: Ball) -> Ball:
    return (x.exp() - (-x).exp()) / 2


def _polygamma(order: Ball, x: Ball) -> Ball:
    """Return derivatives of digamma: those of the series of loggamma, put together with the series of the argument."""
    start, times = constant_term(x), int(float(order)) + 1
    if not start > 0:
        raise SpecialError if start <= 0 else UndecidedError
    length = ctx.cap + times
    series = arb_series([start, 1], prec=length)
    ctx.cap = length
    try:
        series = series.lgamma()
    finally:
        ctx.cap = length - times
    for _ in range(times):
        series = series.derivative()
    result = series[ORDER]
    for i in reversed(range(ORDER)):
        result = result * (x - start) + series[i]
    return result


_FUNCTIONS: dict[type, Callable[..., Ball]] = {
    sympy.exp: lambda x: x.exp(),
    sympy.log: _log,
    sympy.sin: lambda x: x.sin(),
    sympy.cos: lambda x: x.cos(),
    sympy.sinh: _sinh,
    sympy.cosh: _cosh,
    sympy.tanh: lambda x: _sinh(x) / _cosh(x),
    sympy.asinh: lambda x: _log(x + (x * x + 1).sqrt()),
    sympy.atan: lambda x: x.atan(),
    sympy.erf: lambda x: x.erf(),
    sympy.erfc: lambda x: x.erfc(),
    sympy.loggamma: lambda x: x.lgamma(),
    sympy.polygamma: _polygamma,
    sympy.Abs: _absolute,
    sympy.sign: _sign,
    sympy.Max: _largest,
    sympy.Min: lambda *terms: -_largest(*(-t for t in terms)),
}
_RELATIONS: dict[type, Callable[..., bool]] = {
    sympy.Eq: _equal,
    sympy.Ne: lambda a, b: not _equal(a, b),
    sympy.Lt: _less,
    sympy.Le: lambda a, b: not _less(b, a),
    sympy.Gt: lambda a, b: _less(b, a),
    sympy.Ge: lambda a, b: not _less(a, b),
    sympy.And: lambda *parts: all(parts),
    sympy.Or: lambda *parts: any(parts),
    sympy.Not: lambda part: not part,
}


class Compiler:
    """Turns an expression into nested functions of a `Place`, once; what functions return is kept for the place."""

    def __init__(self) -> None:
        self._known: dict[Basic, Run] = {}

    def compile(self, expr: Basic) -> Run:
        """Return what evaluates the expression."""
        if expr not in self._known:
            run = self._compile(expr)
            costly = isinstance(expr, (sympy.Function, sympy.Pow, Reduction)) and expr.args
            self._known[expr] = _kept(expr, run) if costly else run
        return self._known[expr]

    def _compile(self, expr: Basic) -> Run:
        if isinstance(expr, Reduction):
            return self._reduction(expr)
        if isinstance(expr, select):
            return self._choice([(expr.args[1], expr.args[0]), (expr.args[2], S.true)])
        if isinstance(expr, sympy.Piecewise):
            return self._choice([tuple(piece.args) for piece in expr.args])
        if isinstance(expr, Primitive):
            return self.compile(expr.definition())
        if isinstance(expr, Element):
            return self._element(expr)
        if not expr.args:
            return _atom(expr)
        parts = [self.compile(arg) for arg in expr.args]
        if isinstance(expr, sympy.Add):
            return lambda at: sum((part(at) for part in parts[1:]), parts[0](at))
        if isinstance(expr, sympy.Mul):
            return lambda at: _product([part(at) for part in parts])
        if isinstance(expr, sympy.Pow):
            if expr.exp == sympy.Rational(1, 2):
                return lambda at: _sqrt(parts[0](at))
            return lambda at: _power(parts[0](at), parts[1](at))
        function = _FUNCTIONS.get(type(expr)) or _RELATIONS.get(type(expr))
        if function is None:
            raise TypeError(f"the oracle cannot evaluate {type(expr).__name__} in {expr}")
        return lambda at: function(*[part(at) for part in parts])

    def _choice(self, pieces: Sequence[tuple[Any, Any]]) -> Run:
        runs = [(self.compile(value), self.compile(condition)) for value, condition in pieces]

        def run(at: Place) -> Ball:
            for value, condition in runs:
                if condition(at):
                    return value(at)
            raise SpecialError

        return run

    def _element(self, expr: Element) -> Run:
        name, places = expr.base.name, [self.compile(i) for i in expr.indices]

        def run(at: Place) -> Ball:
            offset = 0
            for place, size in zip(places, at.shapes[name], strict=True):
                offset = offset * size + int(float(place(at)))
            return at.arrays[name][offset]

        return run

    def _reduction(self, expr: Reduction) -> Run:
        if not isinstance(expr, (SumOver, MaxOver, Norm)):
            return self.compile(expr.definition())
        index, body = expr.index, self.compile(expr.body)
        excluded = [self.compile(place) for place in expr.excluded]

        def terms(at: Place) -> list[Ball]:
            without = {int(float(run(at))) for run in excluded}
            found, outer = [], at.indices.get(index)
            for i in range(at.dims[index.dim]):
                if i not in without:
                    at.indices[index] = i
                    found.append(body(at))
            if outer is not None:
                at.indices[index] = outer
            return found

        if isinstance(expr, SumOver):
            return lambda at: sum(terms(at), arb(0))
        if isinstance(expr, MaxOver):
            return lambda at: _largest(*terms(at))
        return lambda at: _sqrt(sum((t * t for t in terms(at)), arb(0)))


def _kept(expr: Basic, run: Run) -> Run:
    number = object()
    free = sorted((s for s in expr.free_symbols if isinstance(s, Index)), key=str)

    def kept(at: Place) -> Ball:
        key = (number, *[at.indices[i] for i in free])
        value = at.known.get(key)
        if value is None:
            value = at.known[key] = run(at)
        return value

    return kept


_CONSTANTS: dict[Basic, Callable[[], Ball]] = {
    S.Pi: arb.pi,
    S.Exp1: arb.const_e,
    S.EulerGamma: arb.const_euler,
}


def _atom(expr: Basic) -> Run:
    if isinstance(expr, Argument):
        name = expr.name
        return lambda at: at.arrays[name][0]
    if isinstance(expr, Dim):
        return lambda at: arb(at.dims[expr])
    if isinstance(expr, Index):
        return lambda at: arb(at.indices[expr])
    if isinstance(expr, sympy.Rational):
        above, below = int(expr.p), int(expr.q)
        return lambda at: arb(above) / below
    if expr in (S.true, S.false):
        return lambda at: expr is S.true
    if expr not in _CONSTANTS:
        raise TypeError(f"the oracle cannot evaluate {expr!r}")
    constant = _CONSTANTS[expr]
    return lambda at: constant()


def set_precision(bits: int) -> None:
    """Set the precision of all balls, and the order of the series."""
    ctx.prec, ctx.cap = bits, ORDER + 1
