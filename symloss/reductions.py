"""Sums, maxima, log-sum-exps and norms over an axis, as binder nodes of our own.

SymPy's `Sum` and `Idx` are accepted in specs and converted once (`declare.py`), because SymPy's calculus of them is
not reliable.  A node stores its bound index under a canonical name (axis and height), so that two sums that
differ in the name of their index alone *are* equal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from sympy import Basic, Dummy, Eq, Expr, S, Symbol, Tuple, exp, log, sqrt, sympify

from symloss.functions import select


class Dim(Symbol):
    """The length of an axis: a positive integer that may be used as a number.

    Parameters
    ----------
    name : str
        Name of the axis, shown in documents and in error messages.
    """

    def __new__(cls, name: str, **assumptions: Any) -> Dim:
        assumptions.update(integer=True, positive=True)
        return Symbol.__xnew__(cls, name, **assumptions)


class Index(Symbol):
    """A running integer 0, 1, ..., dim - 1."""

    dim: Dim

    def __new__(cls, name: str, dim: Dim, **assumptions: Any) -> Index:
        assumptions.update(integer=True, nonnegative=True)
        self = Symbol.__xnew__(cls, name, **assumptions)
        self.dim = dim
        return self

    def _hashable_content(self) -> tuple[Any, ...]:
        return (*super()._hashable_content(), self.dim)

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (self.name, self.dim), {}


class BoundIndex(Index):
    """The index that a reduction binds; its name follows from the axis and the nesting height."""

    height: int

    def __new__(cls, dim: Dim, height: int, **assumptions: Any) -> BoundIndex:
        self: BoundIndex = Index.__new__(cls, f"{dim.name}_{height}", dim, **assumptions)
        self.height = height
        return self

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (self.dim, self.height), {}


class Element(Expr):
    """One entry ``base[i, j, ...]`` of an array argument."""

    is_real = True
    is_commutative = True

    def __new__(cls, base: Symbol, *indices: Any) -> Element:
        return Expr.__new__(cls, base, *map(sympify, indices))

    @property
    def base(self) -> Symbol:
        """The array."""
        return self.args[0]

    @property
    def indices(self) -> tuple[Expr, ...]:
        """The position in the array."""
        return self.args[1:]

    def _sympystr(self, printer: Any) -> str:
        return f"{self.base.name}[{', '.join(printer._print(i) for i in self.indices)}]"


class Reduction(Expr):
    """A number made of ``body`` at every value of ``index`` but those in ``excluded``.

    Subclasses with ``located = True`` have a fourth argument, the index value ``at`` at which they are taken.
    Arguments are ``(body, index, excluded)``; use `open` to get at the body.
    """

    is_real = True
    is_commutative = True
    located: ClassVar[bool] = False

    def __new__(cls, body: Any, index: Index, excluded: Iterable[Any] = (), *at: Any) -> Any:
        body, excluded = sympify(body), Tuple(*sorted(set(map(sympify, excluded)), key=str))
        free = Dummy(integer=True)
        body = body.xreplace({index: free})
        bound = BoundIndex(index.dim, 1 + _height(body))
        return Expr.__new__(cls, body.xreplace({free: bound}), bound, excluded, *map(sympify, at))

    @property
    def body(self) -> Expr:
        """The reduced expression, over the canonical index; prefer `open`."""
        return self.args[0]

    @property
    def index(self) -> BoundIndex:
        """The bound index."""
        return self.args[1]

    @property
    def excluded(self) -> Tuple:
        """The index values that are left out."""
        return self.args[2]

    @property
    def at(self) -> Expr:
        """The index value at which a located reduction is taken."""
        return self.args[3]

    def open(self, index: Basic) -> Expr:
        """Return the body with the bound index replaced by ``index``."""
        return self.body.xreplace({self.index: index})

    def rebuild(self, body: Expr, index: Index, excluded: Iterable[Any] | None = None) -> Any:
        """Return the same kind of reduction, at the same place, of another body."""
        return type(self)(body, index, self.excluded if excluded is None else excluded, *self.args[3:])

    def fresh_index(self) -> Index:
        """Return an index over the same axis that occurs nowhere else."""
        dummy = Dummy(self.index.dim.name.lower())
        return Index(f"{dummy.name}_{dummy.dummy_index}", self.index.dim)

    @property
    def free_symbols(self) -> set[Basic]:
        """Symbols that are not bound here."""
        outside = set().union(*(arg.free_symbols for arg in self.args[2:]))
        return (self.body.free_symbols - {self.index}) | outside | {self.index.dim}

    def _xreplace(self, rule: dict[Basic, Basic]) -> tuple[Any, bool]:
        if self in rule:
            return rule[self], True
        inner = {old: new for old, new in rule.items() if self.index not in old.free_symbols}
        index: Basic = self.index
        body = self.body
        if any(self.index in new.free_symbols for new in inner.values()):  # would be captured
            index = self.fresh_index()
            body = body.xreplace({self.index: index})
        new_body, changed = body._xreplace(inner)
        rest = [arg._xreplace(rule) for arg in self.args[2:]]
        if not (changed or any(flag for _, flag in rest)):
            return self, False
        return type(self)(new_body, index, *(arg for arg, _ in rest)), True

    def _eval_subs(self, old: Basic, new: Basic) -> Any:
        return self.xreplace({old: new})

    def doit(self, **_hints: Any) -> Any:
        """Leave the node as it is."""
        return self

    def definition(self) -> Expr:
        """Return the same value in terms of `SumOver` and `MaxOver`."""
        raise NotImplementedError(type(self).__name__)

    def _sympystr(self, printer: Any) -> str:
        parts = [printer._print(self.body), printer._print(self.index)]
        parts += [f"without {printer._print(i)}" for i in self.excluded]
        parts += [f"at {printer._print(self.at)}"] if self.located else []
        return f"{type(self).__name__}({', '.join(parts)})"


def _height(expr: Basic) -> int:
    return max((node.index.height for node in expr.atoms(Reduction)), default=0)


class SumOver(Reduction):
    """Sum of the body."""


class RestOver(Reduction):
    """What rounding takes from the `SumOver` of the same: 0 in exact numbers."""

    def definition(self) -> Expr:
        return S.Zero


class MaxOver(Reduction):
    """Largest value of the body; -oo over nothing."""


class ArgmaxOver(Reduction):
    """Where the body is largest: the first such index; -1 over nothing."""

    is_integer = True


class LogSumExp(Reduction):
    """log(sum(exp(body))); -oo over nothing."""

    def definition(self) -> Expr:
        return log(SumOver(exp(self.body), self.index, self.excluded))


class Norm(Reduction):
    """Euclidean norm of the body; its subgradient at the zero vector is 0."""

    def definition(self) -> Expr:
        return sqrt(SumOver(self.body**2, self.index, self.excluded))


class Unit(Reduction):
    """The body at one place over its `Norm`; 0 for the zero vector."""

    located = True

    def definition(self) -> Expr:
        norm = Norm(self.body, self.index, self.excluded)
        return select(Eq(norm, 0), S.Zero, self.open(self.at) / norm)


class Softmax(Reduction):
    """exp(body) at one place over its sum."""

    located = True
    is_nonnegative = True

    def definition(self) -> Expr:
        return exp(self.open(self.at)) / SumOver(exp(self.body), self.index, self.excluded)


class LogSoftmax(Reduction):
    """log of `Softmax`."""

    located = True

    def definition(self) -> Expr:
        return self.open(self.at) - log(SumOver(exp(self.body), self.index, self.excluded))


class SoftmaxComplement(Reduction):
    """1 - `Softmax`, which is the softmax of all the other places together."""

    located = True
    is_nonnegative = True

    def definition(self) -> Expr:
        others = SumOver(exp(self.body), self.index, (*self.excluded, self.at))
        return others / SumOver(exp(self.body), self.index, self.excluded)


REDUCTIONS: tuple[type[Reduction], ...] = (
    SumOver, MaxOver, ArgmaxOver, LogSumExp, Norm, Unit, Softmax, LogSoftmax, SoftmaxComplement,
)  # fmt: skip


def sum_over(body: Any, index: Index, excluded: Iterable[Any] = ()) -> Expr:
    """Sum, with Kronecker deltas contracted, factors free of the index moved out, and a constant multiplied out.

    A delta splits the sum in what is at its place and what is elsewhere; never "the whole sum minus one term".
    """
    body, excluded = sympify(body), tuple(excluded)
    if body == 0:
        return S.Zero
    condition = _delta(body, index)
    if condition is not None:
        return _split_at(body, index, excluded, condition)
    outside, inside = body.as_independent(index, as_Add=False)
    if inside.could_extract_minus_sign():
        outside, inside = -outside, -inside
    if inside == 1:
        return outside * (index.dim - _count_distinct(excluded))
    return outside * SumOver(inside, index, excluded)


def _count_distinct(places: tuple[Any, ...]) -> Expr:
    count: Expr = S.Zero
    for position, place in enumerate(places):
        new: Expr = S.One
        for earlier in places[:position]:
            new = select(equal(place, earlier), S.Zero, new)
        count += new
    return count


def _split_at(body: Expr, index: Index, excluded: tuple[Any, ...], condition: Basic) -> Expr:
    place = next(side for side in condition.args if side != index)
    elsewhere = sum_over(resolve(body, condition, False), index, (*excluded, place))
    if place in excluded:
        return elsewhere
    here = resolve(body, condition, True).xreplace({index: place})
    for other in excluded:
        here = select(equal(place, other), S.Zero, here)
    return here + elsewhere


def _delta(expr: Basic, index: Index) -> Basic | None:
    """Return a condition ``index == place`` on which the expression depends outside of inner reductions."""
    if isinstance(expr, Reduction) or not expr.has(index):
        return None
    if isinstance(expr, Eq) and index in expr.args:
        return expr
    return next((found for arg in expr.args if (found := _delta(arg, index)) is not None), None)


def rewrite_parts(expr: Any, rewrite: Callable[[Any], Any]) -> Any:
    """Rebuild a node of rewritten parts; the body of a reduction is rewritten over an index of its own."""
    if isinstance(expr, Reduction):
        index = expr.fresh_index()
        rest = [rewrite(arg) for arg in expr.args[2:]]
        return type(expr)(rewrite(expr.open(index)), index, *rest)
    args = [rewrite(arg) for arg in expr.args]
    return expr if all(new is old for new, old in zip(args, expr.args, strict=True)) else expr.func(*args)


def transform(expr: Basic, visit: Callable[[Basic], Basic | None]) -> Any:
    """Replace, outermost first, every part for which ``visit`` returns something, also inside reductions."""
    replaced = visit(expr)
    if replaced is not None:
        return replaced
    if isinstance(expr, Reduction):
        index = expr.fresh_index()
        rest = [transform(arg, visit) for arg in expr.args[2:]]
        return type(expr)(transform(expr.open(index), visit), index, *rest)
    if not expr.args:
        return expr
    return expr.func(*(transform(arg, visit) for arg in expr.args))


def equal(a: Any, b: Any) -> Basic:
    """Equality of two index expressions, in one order whichever way it is written."""
    a, b = sorted(map(sympify, (a, b)), key=str)
    return Eq(a, b)


def resolve(expr: Basic, condition: Basic, holds: bool) -> Any:
    """Return ``expr`` where the condition is known to hold, or known not to.

    Only conditions outside of reductions that bind one of its symbols are meant, which `xreplace` sees to.
    """
    known = S.true if holds else S.false
    replaced = expr.xreplace({condition: known, condition.func(*reversed(condition.args)): known})
    return _decide(replaced)


def _decide(expr: Basic) -> Basic:
    """Rebuild every `select` whose condition has become known."""
    if not expr.has(S.true, S.false):
        return expr
    args = [_decide(arg) if isinstance(arg, Basic) else arg for arg in expr.args]
    return select(*args) if isinstance(expr, select) else expr.func(*args)
