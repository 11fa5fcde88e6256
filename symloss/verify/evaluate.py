"""The declared expression of a loss, evaluated in arbitrary precision.

Only the declaration is read: primitives through their `definition`, reductions as loops.  Nothing here knows how
symloss differentiates, rewrites or compiles.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import mpmath
import sympy
from sympy import Basic, S

from symloss.arguments import Argument
from symloss.functions import Primitive, select
from symloss.recurrence import LogAdd, Step, SumAlong, Total, Workspace
from symloss.reductions import Dim, Element, Index, MaxOver, Norm, Reduction, SumOver
from symloss.verify import bell
from symloss.verify.paths import Paths, mentions_a_path

MP: Any = mpmath.MPContext()  # a context of our own: its precision is nobody else's
MP.dps = 60
Number = Any  # a number of MP
Run = Callable[["Environment"], Any]


@dataclass
class Environment:
    """The numbers at which an expression is evaluated.

    Attributes
    ----------
    arrays : mapping of str to sequence
        Entries of every argument, flat, in C order.
    shapes : mapping of str to tuple of int
        Shape of every argument.
    dims : mapping of Dim to int
        Lengths of the axes.
    ties : dict
        Where maxima tie and norms vanish at the base point; see `Declared`.
    recording : bool
        Whether this is the base point.
    """

    arrays: Mapping[str, Sequence[Number]]
    shapes: Mapping[str, tuple[int, ...]]
    dims: Mapping[Dim, int]
    ties: dict[Any, Any] = field(default_factory=dict)
    recording: bool = True
    indices: dict[Any, int] = field(default_factory=dict)
    workspaces: dict[Workspace, Any] = field(default_factory=dict)
    cache: dict[Any, Number] = field(default_factory=dict)


def _product(factors: Sequence[Number]) -> Number:
    """Multiply; 0 times infinity is 0, as 0 log 0 is."""
    if any(MP.isinf(factor) for factor in factors) and any(factor == 0 for factor in factors):
        return MP.nan if any(MP.isnan(factor) for factor in factors) else MP.zero
    result = factors[0]
    for factor in factors[1:]:
        result = result * factor
    return result


def _power(base: Number, exponent: Number) -> Number:
    if MP.isnan(base) or MP.isnan(exponent):
        return MP.nan
    if base == 0 and exponent < 0:
        return MP.inf
    if MP.isint(exponent) and abs(exponent) < 10**6:
        return base ** int(exponent)
    if base < 0:
        return MP.nan
    return MP.sqrt(base) if exponent == 0.5 else MP.power(base, exponent)


def _real_where(inside: Callable[[Number], bool], function: Callable[[Number], Number]) -> Callable[[Number], Number]:
    return lambda x: function(x) if inside(x) else MP.nan


def _loggamma(x: Number) -> Number:
    return MP.inf if x == 0 else MP.loggamma(x)


def _polygamma(order: Number, x: Number) -> Number:
    if x == 0:
        return MP.inf if order % 2 else -MP.inf
    return MP.psi(int(order), x) if x > 0 else MP.nan


_FUNCTIONS: dict[type, Callable[..., Number]] = {
    sympy.exp: MP.exp,
    sympy.log: _real_where(lambda x: x >= 0, MP.ln),
    sympy.sin: MP.sin,
    sympy.cos: MP.cos,
    sympy.sinh: MP.sinh,
    sympy.cosh: MP.cosh,
    sympy.tanh: MP.tanh,
    sympy.asinh: MP.asinh,
    sympy.atan: MP.atan,
    sympy.erf: lambda x: bell.erf(MP, x),
    sympy.erfc: lambda x: bell.erfc(MP, x),
    sympy.loggamma: _real_where(lambda x: x >= 0, _loggamma),
    sympy.polygamma: _polygamma,
    sympy.Abs: abs,
    sympy.sign: MP.sign,
    sympy.Max: max,
    sympy.Mod: lambda a, b: a - b * MP.floor(a / b),
    sympy.floor: MP.floor,
    sympy.Min: min,
}
_RELATIONS: dict[type, Callable[..., bool]] = {
    sympy.Eq: lambda a, b: a == b,
    sympy.Ne: lambda a, b: a != b,
    sympy.Lt: lambda a, b: a < b,
    sympy.Le: lambda a, b: a <= b,
    sympy.Gt: lambda a, b: a > b,
    sympy.Ge: lambda a, b: a >= b,
    sympy.And: lambda *parts: all(parts),
    sympy.Or: lambda *parts: any(parts),
    sympy.Not: lambda part: not part,
}


class _Compiler:
    """Turns an expression into nested functions of an `Environment`, once; every part is evaluated once a point."""

    def __init__(self) -> None:
        self.known: dict[Basic, Run] = {}
        self.paths = Paths(MP, self.compile)

    def compile(self, expr: Basic) -> Run:
        if expr not in self.known:
            run = self._compile(expr)
            costly = isinstance(expr, (sympy.Function, sympy.Pow, Reduction)) and expr.args
            costly = costly and not mentions_a_path(expr)
            self.known[expr] = _cached(expr, run) if costly else run
        return self.known[expr]

    def _compile(self, expr: Basic) -> Run:
        if isinstance(expr, Total):
            return self.paths.total(expr)
        if isinstance(expr, SumAlong):
            return self.paths.along(expr)
        if isinstance(expr, Reduction):
            return self._reduction(expr)
        if isinstance(expr, select):
            return self._choice([(expr.args[1], expr.args[0]), (expr.args[2], S.true)])
        if isinstance(expr, sympy.Piecewise):
            return self._choice([tuple(piece.args) for piece in expr.args])
        if isinstance(expr, Primitive):
            return self.compile(expr.definition())
        if isinstance(expr, Element):
            return self.paths.entry(expr) if isinstance(expr.base, Workspace) else self._element(expr)
        if not expr.args:
            return _atom(expr)
        parts = [self.compile(arg) for arg in expr.args]
        if isinstance(expr, sympy.Add):
            return lambda env: sum((part(env) for part in parts[1:]), parts[0](env))
        if isinstance(expr, LogAdd):
            return self.paths.sum_of_paths(expr)
        if isinstance(expr, sympy.Mul):
            return lambda env: _product([part(env) for part in parts])
        if isinstance(expr, sympy.Pow):
            return lambda env: _power(parts[0](env), parts[1](env))
        function = _FUNCTIONS.get(type(expr)) or _RELATIONS.get(type(expr))
        if function is None:
            raise TypeError(f"the judge cannot evaluate {type(expr).__name__} in {expr}")
        return lambda env: function(*[part(env) for part in parts])

    def _choice(self, pieces: Sequence[tuple[Any, Any]]) -> Run:
        runs = [(self.compile(value), self.compile(condition)) for value, condition in pieces]

        def run(env: Environment) -> Number:
            return next((value(env) for value, condition in runs if condition(env)), MP.nan)

        return run

    def _element(self, expr: Element) -> Run:
        name, places = expr.base.name, [self.compile(i) for i in expr.indices]

        def run(env: Environment) -> Number:
            offset = 0
            for place, size in zip(places, env.shapes[name], strict=True):
                position = int(place(env))
                if not 0 <= position < size:
                    raise IndexError(f"{expr} at {position}, of {size}")
                offset = offset * size + position
            return env.arrays[name][offset]

        return run

    def _reduction(self, expr: Reduction) -> Run:
        if not isinstance(expr, (SumOver, MaxOver, Norm)):
            return self.compile(expr.definition())
        index, body = expr.index, self.compile(expr.body)
        excluded = [self.compile(place) for place in expr.excluded]
        place = _place(expr)

        def terms(env: Environment) -> list[Number]:
            without = {int(run(env)) for run in excluded}
            found, outer = [], env.indices.get(index)
            for i in range(env.dims[index.dim]):
                if i not in without:
                    env.indices[index] = i
                    found.append(body(env))
            if outer is not None:
                env.indices[index] = outer
            return found

        if isinstance(expr, SumOver):
            return lambda env: sum(terms(env), MP.zero)
        if isinstance(expr, MaxOver):
            return lambda env: _maximum(terms(env), env, place(env))
        return lambda env: _norm(terms(env), env, place(env))


def _maximum(terms: list[Number], env: Environment, place: Any) -> Number:
    """Return the largest; where several tie at the base point, their mean, whose gradient is the even split."""
    if any(MP.isnan(term) for term in terms):
        return MP.nan
    if env.recording:
        largest = max(terms, default=-MP.inf)
        env.ties[place] = [i for i, term in enumerate(terms) if term == largest]
        return largest
    tied = env.ties[place]
    return sum((terms[i] for i in tied), MP.zero) / len(tied) if len(tied) > 1 else max(terms, default=-MP.inf)


def _norm(terms: list[Number], env: Environment, place: Any) -> Number:
    """Return the Euclidean norm; where it vanishes at the base point it stays 0, as its subgradient there is 0."""
    norm = MP.sqrt(sum((term * term for term in terms), MP.zero))
    if env.recording:
        env.ties[place] = norm == 0
    return MP.zero if env.ties[place] else norm


def _place(expr: Basic) -> Callable[[Environment], Any]:
    """Return what distinguishes the occurrences of an expression inside of loops."""
    free = sorted((s for s in expr.free_symbols if isinstance(s, Index)), key=str)
    return lambda env: (expr, *[env.indices[i] for i in free])


def _cached(expr: Basic, run: Run) -> Run:
    number = object()  # cheaper to hash than the expression
    free = sorted((s for s in expr.free_symbols if isinstance(s, Index)), key=str)

    def cached(env: Environment) -> Number:
        key = (number, *[env.indices[i] for i in free])
        value = env.cache.get(key)
        if value is None:
            value = env.cache[key] = run(env)
        return value

    return cached


def _atom(expr: Basic) -> Run:
    if isinstance(expr, Argument):
        name = expr.name
        return lambda env: env.arrays[name][0]
    if isinstance(expr, Dim):
        return lambda env: MP.mpf(env.dims[expr])
    if isinstance(expr, (Index, Step)):
        return lambda env: MP.mpf(env.indices[expr])
    if isinstance(expr, sympy.Integer):
        whole = MP.mpf(int(expr))
        return lambda env: whole
    if isinstance(expr, sympy.Rational):
        return lambda env: MP.mpf(int(expr.p)) / int(expr.q)
    constants: dict[Basic, Callable[[], Any]] = {
        S.true: lambda: True,
        S.false: lambda: False,
        S.Pi: lambda: +MP.pi,
        S.Exp1: lambda: +MP.e,
        S.EulerGamma: lambda: +MP.euler,
        S.Infinity: lambda: MP.inf,
        S.NegativeInfinity: lambda: -MP.inf,
    }
    if expr not in constants:
        raise TypeError(f"the judge cannot evaluate {expr!r}")
    constant = constants[expr]
    return lambda env: constant()


class Declared:
    """An expression of a loss as a function of numbers.

    Derivatives are differences, so the conventions at ties are fixed where they start from: after `start`, a maximum
    that ties there is the mean of its tied terms, and a norm that vanishes there is 0.

    Parameters
    ----------
    expr : sympy.Expr
        The expression.
    arguments : sequence of Argument
        What occurs in it.
    """

    def __init__(self, expr: Basic, arguments: Sequence[Argument]) -> None:
        self._run = _Compiler().compile(expr)
        self._arguments = tuple(arguments)
        self._ties: dict[Any, Any] = {}

    def start(self, arrays: Mapping[str, Sequence[Number]], shapes: Mapping[str, tuple[int, ...]]) -> Number:
        """Return the value at a base point, at the current precision of `MP`."""
        self._ties = {}
        return self._evaluate(arrays, shapes, True)

    def near(self, arrays: Mapping[str, Sequence[Number]], shapes: Mapping[str, tuple[int, ...]]) -> Number:
        """Return the value near the base point."""
        return self._evaluate(arrays, shapes, False)

    def _evaluate(
        self, arrays: Mapping[str, Sequence[Number]], shapes: Mapping[str, tuple[int, ...]], recording: bool
    ) -> Number:
        dims = {dim: size for a in self._arguments for dim, size in zip(a.dims, shapes[a.name], strict=True)}
        env = Environment(arrays, shapes, dims, self._ties, recording)
        try:
            value = MP.convert(self._run(env))
        except (ZeroDivisionError, OverflowError):
            return MP.nan
        return value if isinstance(value, MP.mpf) else MP.nan
