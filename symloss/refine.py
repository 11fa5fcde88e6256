"""Which results need numbers in two parts: those whose roundings may add up to more than is certified.

An error is counted in units in the last place, as if nothing cancelled: where terms cancel, the largest of them is
the measure.  Targets in an interval are taken for labels, at one of its ends: what they multiply stays as it is or
vanishes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from symloss import ir
from symloss.schedule.prune import prune

_ROUNDING = 0.5
_LIMIT = 1.5  # of a sum of roundings; products of them bring it to 2 at the end of a binade
_LIMIT_ALONE = 2.0  # of one function, whose error was measured
_KINDS = ("value", "value_and_grad", "grad_and_hess")

# Largest measured error of the functions of `runtime.elementary` at exact arguments, rounded up.
ERRORS = {
    "exp": 0.6, "log": 0.6, "log1p": 1.0, "expm1": 1.0, "sqrt": 0.5, "sigmoid": 2.0, "softplus": 1.5, "tanh": 2.0,
    "log1mexp": 3.0, "log_cosh": 5.0, "sech": 3.0, "sinh": 2.0, "cosh": 2.0, "xlogy": 1.2, "xlog1py": 1.6,
    "logaddexp": 3.0, "log1p_ratio": 1.6, "hypot": 1.0, "sqrt1pm1": 4.0, "power": 0.6,
}  # fmt: skip
_EXACT = {"negate", "absolute", "sgn", "maximum"}
_PRODUCTS = {"multiply", "divide", "multiply_no_nan", "divide_no_nan", "ratio"}
_SUMS = {"add", "subtract", "minus"}
IN_TWO_PARTS = frozenset({*ERRORS, *_EXACT, *_PRODUCTS, *_SUMS})


@dataclass(frozen=True)
class _Estimate:
    """The error of a value; whether it is a label, or something that a label multiplies; whether one function."""

    ulps: float = 0.0
    label: bool = False
    chosen: bool = False
    alone: bool = False


def refine(kernel: ir.Kernel, labels: Iterable[str]) -> ir.Kernel:
    """Return the kernel with a form in two parts of every function of scalars that needs it.

    Parameters
    ----------
    kernel : Kernel
        As scheduled.
    labels : iterable of str
        Names of the targets whose domains have ends.
    """
    names = frozenset(labels)
    return ir.Kernel(tuple(_refined(f, names) for f in kernel.functions))


def _refined(function: ir.Function, labels: frozenset[str]) -> ir.Function:
    if function.kind not in _KINDS or function.rows or not _is_scalar(function.body):
        return function
    known: dict[str, _Estimate] = {}
    for statement in function.body:
        _follow(statement, known, labels)
    # Result by result, so that one has the same bits whichever others are computed with it.
    wanted = tuple(
        name
        for name in function.scalars
        if _exceeds(known[name]) and _called(_returning(function.body, (name,))) <= IN_TWO_PARTS
    )
    if not wanted:
        return function
    return replace(function, refined=ir.Function(function.kind, wanted, (), _returning(function.body, wanted)))


def _returning(body: tuple[ir.Statement, ...], names: tuple[str, ...]) -> tuple[ir.Statement, ...]:
    """Return what it takes to compute some of the results."""
    return prune((*body[:-1], ir.Return(tuple(map(ir.Name, names)))))


def _exceeds(estimate: _Estimate) -> bool:
    return estimate.ulps > (_LIMIT_ALONE if estimate.alone else _LIMIT)


def _is_scalar(body: tuple[ir.Statement, ...]) -> bool:
    return all(
        _is_scalar((*s.yes, *s.no)) if isinstance(s, ir.If) else isinstance(s, (ir.Assign, ir.Return)) for s in body
    )


def _called(node: object) -> set[str]:
    if isinstance(node, tuple):
        return {name for part in node for name in _called(part)}
    own = {node.function} if isinstance(node, ir.Call) else set()
    return own.union(*(_called(part) for part in ir.parts(node)))


def _follow(statement: ir.Statement, known: dict[str, _Estimate], labels: frozenset[str]) -> None:
    """Note the error of every name that the statement assigns; of two branches, the larger."""
    if isinstance(statement, ir.Assign):
        known[statement.name] = _estimate(statement.value, known, labels)
    elif isinstance(statement, ir.If):
        branches = []
        for body in (statement.yes, statement.no):
            inner = dict(known)
            for part in body:
                _follow(part, inner, labels)
            branches.append(inner)
        for name in branches[0].keys() | branches[1].keys():
            found = [branch[name] for branch in branches if name in branch]
            known[name] = max(found, key=lambda e: (_exceeds(e), e.ulps))


def _estimate(expr: ir.Expr, known: dict[str, _Estimate], labels: frozenset[str]) -> _Estimate:
    if isinstance(expr, ir.Name):
        return known.get(expr.name, _Estimate(label=expr.name in labels))
    if isinstance(expr, ir.Choose):
        return max((_estimate(e, known, labels) for e in (expr.yes, expr.no)), key=lambda e: e.ulps)
    if not isinstance(expr, ir.Call):
        return _Estimate()
    return _of_call(expr.function, [_estimate(a, known, labels) for a in expr.args], expr.args)


def _of_call(function: str, of: list[_Estimate], args: tuple[ir.Expr, ...]) -> _Estimate:
    if function in _EXACT:
        return max(of, key=lambda e: e.ulps)
    if function in _SUMS:
        if any(e.label for e in of) and all(e.label or isinstance(a, ir.Number) for e, a in zip(of, args, strict=True)):
            return _Estimate(label=True)  # 1 - y
        worst = max(e.ulps for e in of)
        if all(e.chosen for e in of):
            return _Estimate(worst, chosen=True, alone=all(e.alone for e in of))
        return _Estimate(worst + _ROUNDING)
    if function in _PRODUCTS:
        others = [e for e in of if not e.label]
        if len(others) < len(of) and function not in ("divide", "divide_no_nan"):
            return replace(max(others, key=lambda e: e.ulps), chosen=True) if others else _Estimate(label=True)
        by_number = any(isinstance(a, ir.Number) and math.frexp(a.value)[0] in (0.5, -0.5) for a in args)
        total = sum(e.ulps for e in of)
        return _Estimate(total + (0.0 if by_number else _ROUNDING), chosen=any(e.chosen for e in of))
    inexact = max((e.ulps for e in of), default=0.0)
    if function == "sqrt":
        return _Estimate(inexact / 2 + _ROUNDING)
    return _Estimate(math.inf if inexact else ERRORS.get(function, math.inf), alone=not inexact)
