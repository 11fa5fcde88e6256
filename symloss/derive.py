"""Differentiation of indexed expressions: gradient, Hessian diagonal and Hessian-vector product.

The chain rule runs through the leaves of an expression (entries of arrays, symbols, reductions, choices): SymPy
differentiates the scalar function of the leaves, the rules below differentiate the leaves.  No sum is unrolled, and
a Kronecker delta only lives until the sum around it is closed (`reductions.sum_over`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import sympy
from sympy import Add, Basic, Dummy, Expr, S, Symbol

from symloss.arguments import Argument, Prediction
from symloss.declare import Loss
from symloss.functions import divide_no_nan, indicator, maximum, minimal, select
from symloss.reductions import (
    Element,
    Index,
    LogSoftmax,
    LogSumExp,
    MaxOver,
    Norm,
    Reduction,
    Softmax,
    SoftmaxComplement,
    SumOver,
    Unit,
    equal,
    sum_over,
)

Seed = Callable[[Basic], Expr]  # the derivative of one entry of a prediction


class Direction(Argument):
    """What a Hessian is multiplied by: shaped like the prediction that it belongs to."""

    role = "direction"

    @classmethod
    def of(cls, prediction: Prediction) -> Direction:
        """Return the direction of a prediction, ``v_z`` of ``z``."""
        return cls(f"v_{prediction.name}", *prediction.dims)


@dataclass(frozen=True)
class Output:
    """One thing that kernels compute.

    Attributes
    ----------
    kind : {"value", "gradient", "hessian", "hvp", "normalizer"}
        What it is; ``hessian`` is the diagonal.
    wrt : Prediction or None
        The prediction whose component it belongs to.
    index : tuple of Index
        The running indices of the component, () of a scalar.
    expr : Expr
        The component.
    """

    kind: str
    wrt: Prediction | None
    index: tuple[Index, ...]
    expr: Expr

    def with_expr(self, expr: Expr) -> Output:
        """Return the same thing, written in another way."""
        return replace(self, expr=expr)


def derive(loss: Loss) -> tuple[Output, ...]:
    """Return value, gradient, Hessian diagonal and Hessian-vector product of a canonical loss."""
    outputs = [Output("value", None, (), loss.expr)]
    gradients = {p: _gradient(loss.expr, p) for p in loss.predictions}
    outputs += gradients.values()
    for p, gradient in gradients.items():
        outputs.append(replace(gradient, kind="hessian", expr=derivative(gradient.expr, _component_seed(p))))
    direction = _direction_seed(loss)
    for gradient in gradients.values():
        outputs.append(replace(gradient, kind="hvp", expr=derivative(gradient.expr, direction)))
    if loss.normalizer != 1:
        outputs.append(Output("normalizer", None, (), loss.normalizer))
    for output in outputs:
        _check_closed(output.expr)
    return tuple(outputs)


def component_index(prediction: Prediction) -> tuple[Index, ...]:
    """Return the running indices of an output shaped like the prediction."""
    names = [dim.name.lower() for dim in prediction.dims]
    return tuple(Index(f"k_{name}", dim) for name, dim in zip(names, prediction.dims, strict=True))


def _gradient(expr: Expr, prediction: Prediction) -> Output:
    return Output("gradient", prediction, component_index(prediction), derivative(expr, _component_seed(prediction)))


def _component_seed(prediction: Prediction) -> Seed:
    component = component_index(prediction)

    def seed(entry: Basic) -> Expr:
        if entry == prediction:
            return S.One
        if isinstance(entry, Element) and entry.base == prediction:
            result: Expr = S.One
            for own, other in zip(entry.indices, component, strict=True):
                result = select(equal(own, other), result, S.Zero)
            return result
        return S.Zero

    return seed


def _direction_seed(loss: Loss) -> Seed:
    directions = {p: Direction.of(p) for p in loss.predictions}

    def seed(entry: Basic) -> Expr:
        if isinstance(entry, Element):
            direction = directions.get(entry.base)
            return S.Zero if direction is None else Element(direction, *entry.indices)
        return directions.get(entry, S.Zero)

    return seed


def derivative(expr: Expr, seed: Seed) -> Expr:
    """Return the derivative of an expression, given that of every entry of the predictions."""
    return _Differentiation(seed)(expr)


class _Differentiation:
    def __init__(self, seed: Seed) -> None:
        self._seed = seed
        self._memo: dict[Basic, Expr] = {}

    def __call__(self, expr: Expr) -> Expr:
        if expr is S.NaN or not self._depends(expr):
            return S.NaN if expr is S.NaN else S.Zero
        if expr not in self._memo:
            self._memo[expr] = self._differentiate(expr)
        return self._memo[expr]

    def _depends(self, expr: Basic) -> bool:
        return any(isinstance(s, Prediction) for s in expr.free_symbols) or expr.has(S.NaN)

    def _differentiate(self, expr: Expr) -> Expr:
        if isinstance(expr, (Symbol, Element)):
            return self._seed(expr)
        rule = _LEAF_RULES.get(type(expr))
        if rule is not None:
            return rule(expr, self)
        if isinstance(expr, Add):
            return Add(*map(self, expr.args))
        return self._chain(expr)

    def _chain(self, expr: Expr) -> Expr:
        """Differentiate a function of leaves."""
        leaves: dict[Expr, Dummy] = {}
        scalar = self._cut(expr, leaves)
        back = {dummy: leaf for leaf, dummy in leaves.items()}
        total: Expr = S.Zero
        for leaf, dummy in leaves.items():
            inner = self(leaf)
            if inner != 0:
                total += scalar.diff(dummy).xreplace(back) * inner
        return total

    def _cut(self, expr: Expr, leaves: dict[Expr, Dummy]) -> Expr:
        """Replace every leaf by a symbol that SymPy can differentiate in."""
        if not self._depends(expr):
            return expr
        if isinstance(expr, (Symbol, Element, *_LEAF_RULES)) or self._is_linear(expr):
            return leaves.setdefault(expr, Dummy(f"u{len(leaves)}", real=True))
        return expr.func(*(self._cut(arg, leaves) for arg in expr.args))

    def _is_linear(self, expr: Expr) -> bool:
        """Whether the expression is a sum of leaves: differentiated as a whole, what they share stays shared."""
        return isinstance(expr, Add) and all(
            isinstance(term.as_coeff_Mul()[1], (Symbol, Element, Reduction))
            for term in expr.args
            if self._depends(term)
        )


def _sum_rule(node: SumOver, d: _Differentiation) -> Expr:
    i = node.fresh_index()
    return sum_over(d(node.open(i)), i, node.excluded)


def _log_sum_exp_rule(node: LogSumExp, d: _Differentiation) -> Expr:
    i = node.fresh_index()
    body = node.open(i)
    return sum_over(Softmax(body, i, node.excluded, i) * d(body), i, node.excluded)


def _change_at(node: Reduction, d: _Differentiation) -> Expr:
    """Return d log softmax: the derivative of the body at the place, less the mean one.

    The place takes part in the mean, so that what it has in common with itself is left out on both sides.
    """
    i = node.fresh_index()
    body = node.open(i)
    share = SoftmaxComplement(body, i, node.excluded, node.at)
    others = sum_over(Softmax(body, i, node.excluded, i) * d(body), i, (*node.excluded, node.at))
    return share * d(body).xreplace({i: node.at}) - others


def _softmax_rule(node: Softmax, d: _Differentiation) -> Expr:
    return node * _change_at(node, d)


def _complement_rule(node: SoftmaxComplement, d: _Differentiation) -> Expr:
    return -_softmax_rule(Softmax(*node.args), d)


def _norm_rule(node: Norm, d: _Differentiation) -> Expr:
    i = node.fresh_index()
    body = node.open(i)
    return sum_over(Unit(body, i, node.excluded, i) * d(body), i, node.excluded)


def _unit_rule(node: Unit, d: _Differentiation) -> Expr:
    """Return the change across the vector, over its norm; what it has along the vector is left out on both sides."""
    i = node.fresh_index()
    body = node.open(i)
    unit, others = Unit(body, i, node.excluded, i), (*node.excluded, node.at)
    across = sum_over(unit**2, i, others) * d(body).xreplace({i: node.at})
    return divide_no_nan(across - node * sum_over(unit * d(body), i, others), Norm(body, i, node.excluded))


def _max_rule(node: MaxOver, d: _Differentiation) -> Expr:
    """Split the derivative evenly among the entries that attain the maximum: the subgradient of least norm."""
    i = node.fresh_index()
    body = node.open(i)
    attained = indicator(sympy.Eq(body, node))
    ties = SumOver(attained, i, node.excluded)
    return sum_over(attained / ties * d(body), i, node.excluded)


def _maximum_rule(node: maximum, d: _Differentiation) -> Expr:
    left, right = node.args
    one, other = d(left), d(right)
    return select(sympy.Gt(left, right), one, select(sympy.Lt(left, right), other, minimal(one, other)))


def _select_rule(node: select, d: _Differentiation) -> Expr:
    condition, yes, no = node.args
    return select(condition, d(yes), d(no))


_LEAF_RULES: dict[type, Callable[[Any, _Differentiation], Expr]] = {
    SumOver: _sum_rule,
    MaxOver: _max_rule,
    LogSumExp: _log_sum_exp_rule,
    Norm: _norm_rule,
    Unit: _unit_rule,
    Softmax: _softmax_rule,
    LogSoftmax: _change_at,
    SoftmaxComplement: _complement_rule,
    maximum: _maximum_rule,
    select: _select_rule,
}


def _check_closed(expr: Expr) -> None:
    left_over = expr.atoms(sympy.Derivative, sympy.Subs, sympy.Heaviside, sympy.DiracDelta)
    if left_over:
        raise NotImplementedError(f"no derivative is known of a part of {expr}")
