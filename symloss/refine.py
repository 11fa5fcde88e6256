"""How wide numbers have to be: in float64 kernels, which results need two parts; whether float32 kernels may be narrow.

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

# Largest error of the functions of `runtime.elementary` that a search finds, at exact arguments; trying all float32
# finds up to 1 ULP more (`certificates/elementary.json`).
ERRORS = {
    "exp": 0.8, "log": 0.9, "log1p": 0.9, "expm1": 1.1, "sqrt": 0.5, "sigmoid": 1.3, "softplus": 1.5, "tanh": 1.0,
    "logistic_density": 1.4, "sigmoid_mix": 1.4, "softplus_mix": 1.5,
    "log1mexp": 1.6, "log_cosh": 1.7, "sech": 1.7, "sinh": 0.8, "cosh": 2.0, "xlogy": 1.4, "xlog1py": 1.4,
    "logaddexp": 3.0, "log1p_ratio": 1.6, "hypot": 1.0, "sqrt1pm1": 0.5, "power": 0.6,
    "gaussian": 0.9, "erf": 0.9, "erfc": 0.9, "log_erfc": 0.9, "log_half_erfc": 0.9, "erfc_hazard": 0.9,
    "erfc_curvature": 0.9, "erfc_excess": 0.9, "erfcx": 0.9, "loggamma": 0.9, "digamma": 0.9, "trigamma": 0.9,
    "tetragamma": 0.9, "asinh": 0.8, "atan": 0.8,
    "times_exp": 1.3, "times_expm1": 1.6, "lifted_sigmoid": 1.3, "lifted_logistic_density": 1.4,
    "expm1mx": 0.9, "times_expm1mx": 1.4, "squared_difference": 0.5, "times_square": 0.5,
}  # fmt: skip
# Of values and gradients of rows of classes in float32: what the roundings may add up to for 4 to be certified.
_ROW_LIMIT = 6.5
_SINGLE_LIMITS = {"value": 2.0, "grad": 2.0, "hess": 3.2}  # in float32, where the sum is rarely reached
_EXACT = {"negate", "absolute", "sgn", "maximum", "lifted", "lowered"}
_PRODUCTS = {"multiply", "divide", "multiply_no_nan", "divide_no_nan", "divide_twice", "ratio", "sum_ratio"}
_MIXES = {
    "sigmoid_mix",
    "softplus_mix",
    "times_exp",
    "times_expm1",
    "times_expm1mx",
    "times_square",
}  # of which all but the first argument multiply
_SUMS = {"add", "added_once", "subtract", "minus", "excess", "distance_excess", "lifted_one_plus"}
_RESTS = {"square_rest", "plus_rest", "less_rest", "inverse_rest"}  # what rounding takes
_ONLY_SUMMED = {
    "added_once",
    "squared_difference",
    "sum_ratio",
    "times_square",
    "lifted_one_plus",
    "product_difference",
    "times_inverse",
    "times_parts",
} | (_RESTS - {"square_rest"})
IN_TWO_PARTS = frozenset({*ERRORS, *_EXACT, *_PRODUCTS, *_SUMS}) - _ONLY_SUMMED - {"expm1mx", "times_expm1mx"}


@dataclass(frozen=True)
class _Estimate:
    """The error of a value; whether it is a label, something that a label multiplies, one function, or not negative."""

    ulps: float = 0.0
    label: bool = False
    chosen: bool = False
    alone: bool = False
    positive: bool = False


def narrow(kernel: ir.Kernel, labels: Iterable[str], wide: Iterable[str]) -> ir.Kernel:
    """Return the kernel, which stays in float32 with float32 arguments if that is accurate enough.

    Parameters
    ----------
    kernel : Kernel
        As lowered.
    labels : iterable of str
        Names of the targets whose domains have ends.
    wide : iterable of str
        Names of the arguments that stay float64 in float32 kernels.
    """
    return replace(kernel, single=_may_be_single(kernel, frozenset(labels), frozenset(wide)))


def refine(kernel: ir.Kernel, labels: Iterable[str]) -> ir.Kernel:
    """Return the kernel with a form in two parts of every function of scalars that needs it, for float64.

    Parameters
    ----------
    kernel : Kernel
        As scheduled.
    labels : iterable of str
        Names of the targets whose domains have ends.
    """
    names = frozenset(labels)
    return replace(kernel, functions=tuple(_refined(f, names) for f in kernel.functions))


def _may_be_single(kernel: ir.Kernel, labels: frozenset[str], wide: frozenset[str]) -> bool:
    """Whether float32 is accurate enough for every result of the loss, and known to be faster.

    Losses without costly functions stay in float64: they gain little, and their squares could overflow in a mean.
    """
    functions = [f for f in kernel.functions if f.kind != "normalizer"]
    called: set[str] = set().union(*(ir.called(f.body) for f in functions))
    slow = ir.COSTLY | ir.RELATIVE
    if not called & slow or not called <= slow | _ONLY_SUMMED | IN_TWO_PARTS - {"hypot", "cosh"}:
        return False
    return all(_is_narrow(f, labels) and wide.isdisjoint(_read(f.body)) for f in functions)


def _read(body: tuple[ir.Statement, ...]) -> set[str]:
    """Return the names of numbers and arrays that are read."""
    return {name for s in body for name in ir.used(s)} | {load.array for s in body for load in ir.loads(s)}


def _is_narrow(function: ir.Function, labels: frozenset[str]) -> bool:
    if function.kind == "hvp":
        return True
    known = _errors(function, labels)
    if ir.has_loops(function.body):
        results = [name for name in (*function.scalars, *function.rows) if not name.startswith("hess")]
        return all(known[name].ulps <= _ROW_LIMIT for name in results if name in known)
    limits = {name: _SINGLE_LIMITS.get(name.split("_")[0], _SINGLE_LIMITS["value"]) for name in function.scalars}
    return all(known[name].ulps <= limit for name, limit in limits.items())


def _errors(function: ir.Function, labels: frozenset[str]) -> dict[str, _Estimate]:
    """Return the estimate of every name."""
    known: dict[str, _Estimate] = {}
    for statement in function.body:
        _follow(statement, known, labels)
    return known


def _refined(function: ir.Function, labels: frozenset[str]) -> ir.Function:
    if function.kind not in _KINDS or function.rows or not _is_scalar(function.body):
        return function
    known = _errors(function, labels)
    # Result by result, so that one has the same bits whichever others are computed with it.
    wanted = tuple(
        name
        for name in function.scalars
        if _exceeds(known[name]) and ir.called(_returning(function.body, (name,))) <= IN_TWO_PARTS
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
    elif isinstance(statement, (ir.Loop, ir.Reduce)):
        for part in statement.body:
            _follow(part, known, labels)
        for a in statement.accumulators if isinstance(statement, ir.Reduce) else ():
            term = _estimate(a.term, known, labels)
            added = _ROUNDING if a.kind == "sum" else 0.0
            known[a.names[0]] = _Estimate(term.ulps + added, positive=term.positive)
    elif isinstance(statement, ir.Store):
        known[statement.array] = _estimate(statement.value, known, labels)


def _estimate(expr: ir.Expr, known: dict[str, _Estimate], labels: frozenset[str]) -> _Estimate:
    if isinstance(expr, ir.Name):
        return known.get(expr.name, _Estimate(label=expr.name in labels))
    if isinstance(expr, ir.Load):
        return _Estimate(label=expr.array in labels)
    if isinstance(expr, ir.Choose):
        return max((_estimate(e, known, labels) for e in (expr.yes, expr.no)), key=lambda e: e.ulps)
    if not isinstance(expr, ir.Call):
        return _Estimate()
    return _of_call(expr.function, [_estimate(a, known, labels) for a in expr.args], expr.args)


def _of_call(function: str, of: list[_Estimate], args: tuple[ir.Expr, ...]) -> _Estimate:
    if function in _RESTS:
        return _Estimate()
    if function == "times_inverse":
        return _Estimate(of[0].ulps + of[1].ulps + _ROUNDING)
    if function == "times_parts":
        return _Estimate(of[0].ulps + of[1].ulps + of[3].ulps + _ROUNDING)
    if function == "product_difference":
        a, b, _, c, d, _, k, _ = (e.ulps for e in of)
        return _Estimate(max(a + b, c + d) + k + _ROUNDING)
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
        if len(others) < len(of) and function not in ("divide", "divide_no_nan", "divide_twice"):
            return replace(max(others, key=lambda e: e.ulps), chosen=True) if others else _Estimate(label=True)
        by_number = any(isinstance(a, ir.Number) and math.frexp(a.value)[0] in (0.5, -0.5) for a in args)
        total = sum(e.ulps for e in (*of, *of[1:] * (function == "divide_twice")))
        return _Estimate(total + (0.0 if by_number else _ROUNDING), chosen=any(e.chosen for e in of))
    if function in _MIXES:
        of = of[:1] + [e for e in of[1:] if not e.label]
    inexact = max((e.ulps for e in of), default=0.0)
    if function in ir.RELATIVE and not inexact:
        return _Estimate(ERRORS["exp"] + _ROUNDING, positive=True)
    if function == "log1p" and of[0].positive:
        return _Estimate(inexact + ERRORS["log1p"], positive=True)
    if function == "sqrt":
        return _Estimate(inexact / 2 + _ROUNDING)
    return _Estimate(math.inf if inexact else ERRORS.get(function, math.inf), alone=not inexact)
