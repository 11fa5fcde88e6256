"""Evaluates expressions with mpmath, for the numbers in plots: slow, simple, and the same on every machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mpmath
import sympy
from sympy import Basic

from symloss.functions import Primitive, select
from symloss.reductions import Dim, Element, Index, MaxOver, Reduction, SumOver

_DIGITS = 40
_CONTEXT = mpmath.MPContext()
_CONTEXT.dps = _DIGITS
_COMPARE = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def evaluate(expr: Basic, values: Mapping[Basic, Any], sizes: Mapping[Dim, int]) -> Any:
    """Return the value of an expression.

    Parameters
    ----------
    expr : Expr
        What to evaluate.
    values : mapping
        A number for every symbol, a sequence of numbers for every array, an integer for every free index.
    sizes : mapping
        The length of every axis.
    """
    return _Evaluation(values, sizes)(expr)


class _Evaluation:
    def __init__(self, values: Mapping[Basic, Any], sizes: Mapping[Dim, int]) -> None:
        self._values, self._sizes = dict(values), sizes

    def __call__(self, expr: Any) -> Any:
        if expr in self._values:
            return self._values[expr]
        if isinstance(expr, Dim):
            return self._sizes[expr]
        if isinstance(expr, Element):
            entry = self._values[expr.base]
            for index in expr.indices:
                entry = entry[int(self(index))]
            return entry
        if isinstance(expr, (SumOver, MaxOver)):
            terms = self._terms(expr)
            return _CONTEXT.fsum(terms) if isinstance(expr, SumOver) else max(terms, default=-_CONTEXT.inf)
        if isinstance(expr, select):
            return self(expr.args[1] if self._holds(expr.args[0]) else expr.args[2])
        if isinstance(expr, (Reduction, Primitive)):
            return self(expr.definition())
        return self._operation(expr)

    def _terms(self, expr: Reduction) -> list[Any]:
        left_out = {int(self(place)) for place in expr.excluded}
        outer = self._values.get(expr.index)
        terms = []
        for position in range(self._sizes[expr.index.dim]):
            if position not in left_out:
                self._values[expr.index] = position
                terms.append(self(expr.body))
        if outer is not None:
            self._values[expr.index] = outer
        else:
            self._values.pop(expr.index, None)
        return terms

    def _holds(self, condition: Any) -> bool:
        left, right = map(self, condition.args)
        return bool(_COMPARE[condition.rel_op](left, right))

    def _operation(self, expr: Any) -> Any:
        if expr.is_Piecewise:
            return next(self(value) for value, condition in expr.args if condition == True or self._holds(condition))  # noqa: E712
        args = [self(arg) for arg in expr.args]
        if expr.is_Add:
            return _CONTEXT.fsum(args)
        if expr.is_Mul:
            return _CONTEXT.fprod(args)
        if expr.is_Pow:
            return _CONTEXT.power(*args)
        if isinstance(expr, sympy.Rational):
            return _CONTEXT.mpf(expr.p) / expr.q
        if isinstance(expr, Index):
            raise KeyError(f"the index {expr} is free")
        if isinstance(expr, (sympy.Number, sympy.NumberSymbol)):
            return _CONTEXT.mpf(str(expr.evalf(_DIGITS)))
        if isinstance(expr, (sympy.Max, sympy.Min)):
            return (max if isinstance(expr, sympy.Max) else min)(args)
        name = {"Abs": "fabs"}.get(type(expr).__name__, type(expr).__name__)
        return getattr(_CONTEXT, name)(*args)
