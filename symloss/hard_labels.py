"""A shorter form of kernels where labels are hard: targets of an interval that are all at its ends.

With y = 0 or y = 1, ``-y*log(p) - (1 - y)*log(1 - p)`` takes one logarithm in the place of two.  The shorter form has
the same bits, so that no result depends on the labels of other samples: it is what is left of the same formula.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sympy import Eq, Interval

from symloss import ir
from symloss.arguments import Target
from symloss.declare import Loss
from symloss.derive import Output
from symloss.functions import select
from symloss.schedule.unify import unify


def hard_target(loss: Loss) -> Target | None:
    """Return the target whose labels may be hard: the only one, a number, in an interval with two ends."""
    targets = loss.of_role(Target)
    if len(targets) != 1 or loss.dims or loss.sets:
        return None
    (target,) = targets
    domain = target.domain
    has_ends = isinstance(domain, Interval) and not (domain.left_open or domain.right_open)  # infinity is no end
    return target if has_ends else None


def harden(outputs: Iterable[Output], target: Target) -> tuple[Output, ...]:
    """Return the outputs for a target at one end of its domain, or at the other.

    One that does not read all of its inputs there stays as it is: of those NaN would be lost.
    """
    end, start = target.domain.end, target.domain.start

    def of(expr: Any) -> Any:
        ways = [expr.subs(target, value) for value in (end, start)]
        read = expr.free_symbols - {target}
        return select(Eq(target, end), *ways) if all(read == way.free_symbols for way in ways) else expr

    return tuple(output.with_expr(of(output.expr)) if output.expr.has(target) else output for output in outputs)


def simplify(kernel: ir.Kernel, target: Target) -> ir.Kernel:
    """Return the kernel of hardened outputs without tests whether the label is NaN, ready to be scheduled."""
    return kernel.each(lambda body: unify(_ordered(body, target.name)))


def _ordered(body: tuple[ir.Statement, ...], label: str) -> tuple[ir.Statement, ...]:
    result: list[ir.Statement] = []
    for statement in body:
        if isinstance(statement, ir.If):
            yes, no = _ordered(statement.yes, label), _ordered(statement.no, label)
            of_label = statement.condition.operator == "unordered" and ir.Name(label) == statement.condition.left
            result += no if of_label else [replace(statement, yes=yes, no=no)]
        else:
            result.append(statement)
    return tuple(result)


def with_hard_forms(kernel: ir.Kernel, hard: ir.Kernel) -> ir.Kernel:
    """Return the kernel, whose functions have another form where that has the same bits and calls fewer functions.

    In numbers of two parts the bits would be others.
    """
    forms = {f.kind: f for f in hard.functions}
    return replace(kernel, functions=tuple(_with_form(f, forms[f.kind]) for f in kernel.functions))


def _with_form(function: ir.Function, hard: ir.Function) -> ir.Function:
    shorter = function.refined is None and _calls(hard.body) < _calls(function.body)
    return replace(function, hard=hard) if shorter else function


def _calls(body: tuple[ir.Statement, ...]) -> int:
    """Return how many calls of functions there are that take many instructions."""
    return sum(isinstance(part, ir.Call) and part.function in ir.COSTLY for part in ir.walk(body))
