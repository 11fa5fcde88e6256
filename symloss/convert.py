"""From what a spec says in SymPy to the nodes of symloss, once, with errors that name file and line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import sympy
from sympy import Basic, Expr, Function, Idx, S, Symbol, sympify

from symloss import functions as f
from symloss import reductions as r
from symloss import special_functions as s
from symloss.arguments import Argument, Parameter, Prediction, Target, Weight
from symloss.errors import Source, SpecError
from symloss.recurrence import LogAdd, SumAlong, Total
from symloss.reductions import Dim, Element, Index, Reduction, transform


class Mean(Function):
    """Mean over the batch of the arrays inside; the batches of two means may differ in size."""

    is_real = True

    @classmethod
    def eval(cls, *_args: Any) -> None:
        """Leave the mean unevaluated."""


class logsumexp(Function):  # noqa: N801 - a mathematical function
    """log(sum(exp(body))) over an index, in specs: ``logsumexp(z[c], c)``."""

    is_real = True


class softmax(Function):  # noqa: N801
    """exp(body) over its sum, at the index itself, in specs: ``softmax(z[c], c)``."""

    is_real = True


class log_softmax(Function):  # noqa: N801
    """log of the softmax, in specs: ``log_softmax(z[c], c)``."""

    is_real = True


_AXIS_FUNCTIONS: dict[type, Callable[[Expr, Index], Expr]] = {
    logsumexp: lambda body, i: r.LogSumExp(body, i),
    softmax: lambda body, i: r.Softmax(body, i, (), i),
    log_softmax: lambda body, i: r.LogSoftmax(body, i, (), i),
}
_POLYGAMMA = (s.digamma, s.trigamma, s.tetragamma)
# SymPy functions for which symloss has a node of its own, because SymPy's derivative or evaluation is not wanted.
_COUNTERPARTS: dict[type, Callable[..., Expr]] = {
    sympy.Abs: f.absolute,
    sympy.sign: f.sgn,
    sympy.tanh: f.tanh,
    sympy.sech: f.sech,
    sympy.coth: lambda x: 1 / f.tanh(x),
    sympy.KroneckerDelta: lambda a, b: f.indicator(r.equal(a, b)),
    sympy.erf: s.erf,
    sympy.erfc: s.erfc,
    sympy.loggamma: s.loggamma,
    sympy.polygamma: lambda order, x: _POLYGAMMA[int(order)](x),
}
SUPPORTED_FUNCTIONS: tuple[Any, ...] = (
    sympy.exp, sympy.log, sympy.sin, sympy.cos, sympy.sinh, sympy.cosh, sympy.asinh, sympy.atan,
)  # fmt: skip
_RELATIONS: tuple[Any, ...] = (sympy.Eq, sympy.Ne, sympy.Lt, sympy.Le, sympy.Gt, sympy.Ge)
_OPERATIONS: tuple[Any, ...] = (
    sympy.Add, sympy.Mul, sympy.Pow, sympy.Mod, sympy.floor, f.Primitive, Mean, LogAdd, Total, *_RELATIONS,
)  # fmt: skip


def convert(expr: Any, source: Source | None) -> Expr:
    """Return the expression over symloss's nodes.

    Parameters
    ----------
    expr : sympy.Expr
        As a spec states it: with `Sum`, `Idx`, `Max`, `Piecewise`, ...
    source : Source or None
        Place that errors name.

    Raises
    ------
    SpecError
        For an undeclared symbol, an unbound index, an unsupported function or a misplaced axis.
    """
    try:
        expr = sympify(expr)
    except (sympy.SympifyError, TypeError):
        raise SpecError(f"a loss must be a SymPy expression, got {expr!r}", source) from None
    if not isinstance(expr, Expr):
        raise SpecError(f"a loss must be a SymPy expression, got {expr!r}", source)
    own_indices = {i: _own_index(i, source) for i in expr.atoms(Idx)}
    expr = _Converter(source).visit(expr.xreplace(own_indices))
    _check_symbols(expr, source)
    return expr


def _own_index(idx: Idx, source: Source | None) -> Index:
    if idx.lower != 0 or idx.upper is None or not isinstance(idx.upper + 1, Dim):
        raise SpecError(f'index {idx} must run over a Dim: Idx("{idx}", Dim("N"))', source)
    return Index(str(idx), idx.upper + 1)


class _Converter:
    """Bottom-up conversion of one expression."""

    def __init__(self, source: Source | None) -> None:
        self.source = source

    def fail(self, message: str) -> SpecError:
        return SpecError(message, self.source)

    def visit(self, expr: Any) -> Any:
        if isinstance(expr, Reduction):
            return expr
        if isinstance(expr, sympy.Sum):
            return self.sum(expr)
        if isinstance(expr, sympy.Piecewise):
            return self.piecewise(expr)
        if isinstance(expr, (sympy.Max, sympy.Min)):
            return self.extremum(expr)
        if isinstance(expr, sympy.Float):
            return sympy.Rational(str(expr))
        if not expr.args:
            return self.atom(expr)
        if isinstance(expr, (sympy.Tuple, SumAlong)):
            return type(expr)(*map(self.visit, expr.args))
        if isinstance(expr, Element):
            return self.element(expr)
        args = [self.visit(a) for a in expr.args]
        kind: Any = type(expr)
        if kind in _AXIS_FUNCTIONS:
            return _AXIS_FUNCTIONS[kind](args[0], self.axis(args[1:], str(expr)))
        if kind is sympy.polygamma and args[0] not in range(len(_POLYGAMMA)):
            raise self.fail(f"{expr}: of the derivatives of loggamma, the first {len(_POLYGAMMA)} are supported")
        if kind in _COUNTERPARTS:
            return _COUNTERPARTS[kind](*args)
        if not isinstance(expr, (*_OPERATIONS, *SUPPORTED_FUNCTIONS)):
            known = sorted(t.__name__ for t in (*SUPPORTED_FUNCTIONS, *f.SCALAR_PRIMITIVES, *s.SPECIAL_PRIMITIVES))
            raise self.fail(f"the function {kind.__name__} is not supported; supported are {', '.join(known)}")
        return kind(*args)

    def atom(self, expr: Basic) -> Basic:
        if isinstance(expr, Argument) and expr.dims:
            shown = ", ".join(d.name.lower() for d in expr.dims)
            raise self.fail(f"{expr.name} has inner axes: write {expr.name}[{shown}]")
        if expr in (S.NaN, S.ComplexInfinity, S.ImaginaryUnit):
            raise self.fail(f"the expression contains {expr}")
        return expr

    def element(self, expr: Element) -> Element:
        base = expr.base
        for position, (index, dim) in enumerate(zip(expr.indices, base.dims, strict=True)):
            if isinstance(index, Index) and index.dim != dim:
                raise self.fail(f"{expr}: axis {position} of {base.name} is {dim}, but {index} runs over {index.dim}")
        return Element(base, *(self.visit(i) for i in expr.indices))

    def axis(self, args: list[Any], shown: str) -> Index:
        if len(args) != 1 or not isinstance(args[0], Index):
            raise self.fail(f"{shown}: the last argument must be the one index to reduce over")
        return args[0]

    def sum(self, expr: sympy.Sum) -> Expr:
        body = self.visit(expr.function)
        for limit in expr.limits:
            index = limit[0]
            if not isinstance(index, Index) or (len(limit) == 3 and tuple(limit[1:]) != (0, index.dim - 1)):
                raise self.fail(f"{expr}: sums run over a whole axis, Sum(f[c], c) with c = Idx('c', C); got {limit}")
            body = r.SumOver(body, index)
        return body

    def extremum(self, expr: Expr) -> Expr:
        sign = 1 if isinstance(expr, sympy.Max) else -1
        indices = [a for a in expr.args if isinstance(a, Index)]
        others = [sign * self.visit(a) for a in sorted(expr.args, key=sympy.default_sort_key) if a not in indices]
        if indices:
            if len(others) != 1:
                raise self.fail(f"{expr}: a maximum over an axis has one expression and one index, Max(z[c], c)")
            body = others[0]
            for index in indices:
                body = r.MaxOver(body, index)
            return sign * body
        result = others[0]
        for other in others[1:]:
            result = f.maximum(result, other)
        return sign * result

    def piecewise(self, expr: sympy.Piecewise) -> Expr:
        *pieces, (last, otherwise) = expr.args
        if otherwise is not S.true:
            raise self.fail(f"{expr}: the last piece of a Piecewise must be (expression, True)")
        result = self.visit(last)
        for value, condition in reversed(pieces):
            result = self.choose(condition, self.visit(value), result)
        return result

    def choose(self, condition: Any, yes: Expr, no: Expr) -> Expr:
        if condition in (S.true, S.false):
            return yes if condition is S.true else no
        if isinstance(condition, sympy.logic.boolalg.ITE):  # SymPy compares choices so
            which, one, other = condition.args
            return self.choose(which, self.choose(one, yes, no), self.choose(other, yes, no))
        if isinstance(condition, sympy.Not):
            return self.choose(condition.args[0], no, yes)
        if isinstance(condition, sympy.And):
            for part in reversed(condition.args):
                no, yes = no, self.choose(part, yes, no)
            return yes
        if isinstance(condition, sympy.Or):
            for part in reversed(condition.args):
                no = self.choose(part, yes, no)
            return no
        if not isinstance(condition, _RELATIONS):
            raise self.fail(f"the condition {condition} of a Piecewise must be a comparison")
        return f.select(condition.func(*(self.visit(a) for a in condition.args)), yes, no)


def _check_symbols(expr: Expr, source: Source | None) -> None:
    for symbol in sorted(expr.free_symbols, key=str):
        if isinstance(symbol, Index):
            raise SpecError(f"index {symbol} is not bound: no Sum, Max or logsumexp runs over it", source)
        if not isinstance(symbol, (Argument, Dim)):
            roles = ", ".join(kind.__name__ for kind in (Prediction, Target, Weight, Parameter))
            raise SpecError(f"undeclared symbol {symbol}: declare it as one of {roles}", source)


def expand_means(expr: Expr, source: Source | None) -> tuple[Expr, tuple[Dim, ...]]:
    """Replace every `Mean` by a sum over a hidden axis of the arrays inside it.

    Returns
    -------
    expr : Expr
        Without `Mean`.
    sets : tuple of Dim
        The hidden axes.
    """
    means = sorted(expr.atoms(Mean), key=sympy.default_sort_key)
    if not means:
        return expr, ()
    axis: dict[Argument, Dim] = {}
    for mean in means:
        members = [a for a in _by_order(mean.atoms(Argument)) if not isinstance(a, (Parameter, Weight))]
        if not members or any(a.dims for a in members):
            raise SpecError(f"{mean}: a Mean runs over the batch of arguments without inner axes", source)
        known = [axis[a] for a in members if a in axis]
        dim = known[0] if known else Dim(f"N_{members[0].name}")
        axis.update({a: dim for a, d in axis.items() if d in known} | dict.fromkeys(members, dim))
    for mean in means:
        dim = axis[next(a for a in _by_order(mean.atoms(Argument)) if a in axis)]
        i = Index("i", dim)
        entries = {a: Element(a.with_dims(d), i) for a, d in axis.items() if d == dim}
        expr = expr.xreplace({mean: r.SumOver(mean.args[0].xreplace(entries), i) / dim})
    outside = [a for a in axis if a in expr.free_symbols]
    if outside:
        raise SpecError(f"{outside[0].name} occurs both inside and outside of a Mean", source)
    return expr, tuple(dict.fromkeys(axis[a] for a in _by_order(axis)))


def _by_order(arguments: Iterable[Argument]) -> list[Argument]:
    return sorted(arguments, key=lambda a: a.order)


def arguments_of(name: str, expr: Expr, normalizer: Expr, source: Source | None) -> tuple[Argument, ...]:
    """Return predictions, targets, weights and parameters in the order of their declaration, checked."""
    found = _by_order(a for a in expr.free_symbols | normalizer.free_symbols if isinstance(a, Argument))
    roles = (Prediction, Target, Weight, Parameter)
    ordered = tuple(a for role in roles for a in found if isinstance(a, role))
    names = [a.name for a in ordered]
    for repeated in {n for n in names if names.count(n) > 1}:
        raise SpecError(f"{name}: two different arguments are called {repeated!r}", source)
    if not any(isinstance(a, Prediction) for a in expr.free_symbols):
        raise SpecError(f"{name}: the loss contains no Prediction, so there is nothing to differentiate in", source)
    if any(isinstance(a, Prediction) for a in normalizer.free_symbols):
        raise SpecError(f"{name}: the normalizer must not contain a Prediction", source)
    return ordered


def substitute(expr: Expr, substitution: Mapping[Any, Any], source: Source | None) -> Expr:
    """Replace arguments, or entries of array arguments, all at once.

    A key ``p[c]`` stands for every entry of ``p``: its index is the formal parameter of the right side.
    """
    rules: dict[Basic, Expr] = {}
    entries: dict[Argument, tuple[tuple[Index, ...], Expr]] = {}
    for key, value in substitution.items():
        if isinstance(key, Argument) and not key.dims:
            rules[key] = convert(value, source)
        elif isinstance(key, Element):
            formal = tuple(_formal(i, key, source) for i in key.indices)
            entries[key.base] = (formal, _convert_open(value, formal, source))
        else:
            raise SpecError(f"compose: replace an argument p or an entry p[c], not {key!r}", source)

    def visit(part: Basic) -> Basic | None:
        if isinstance(part, Element) and part.base in entries:
            formal, value = entries[part.base]
            return value.xreplace(dict(zip(formal, part.indices, strict=True)))
        return rules.get(part)

    return transform(expr, visit)


def _formal(index: Basic, key: Element, source: Source | None) -> Index:
    own = _own_index(index, source) if isinstance(index, Idx) else index
    if not isinstance(own, Index):
        raise SpecError(f"compose: the index in {key} must be a running index, not {index}", source)
    return own


def _convert_open(value: Any, formal: tuple[Index, ...], source: Source | None) -> Expr:
    """Convert a right side in which the formal indices may occur free."""
    expr = sympify(value)
    expr = expr.xreplace({i: _own_index(i, source) for i in expr.atoms(Idx)})
    expr = _Converter(source).visit(expr)
    stand_ins = {i: sympy.Integer(0) for i in formal}
    _check_symbols(expr.xreplace(stand_ins), source)
    return expr


def free_of(expr: Basic, symbols: Iterable[Symbol]) -> bool:
    """Whether none of the symbols occurs free."""
    return not expr.free_symbols.intersection(symbols)
