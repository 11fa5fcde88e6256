"""Where NaN goes: a decision that it has no part in is to give NaN, and most do without being asked."""

from __future__ import annotations

from typing import Any

from sympy import Expr, S
from sympy.core.relational import Relational, Unequality

from symloss.arguments import Argument
from symloss.functions import select
from symloss.reductions import Element


def passes_nan(condition: Any, expr: Expr) -> bool:
    """Whether NaN in an operand of the condition reaches the result anyway, or no float decides."""
    entries = {e for e in condition.atoms(Element, Argument) if getattr(e, "base", e).role not in ("parameter",)}
    entries -= {e.base for e in entries if isinstance(e, Element)}
    entries = {e for e in entries if not getattr(e, "base", e).is_integer}
    return expr is S.NaN or all(_reaches(e, expr) for e in entries)


def _fails_with(entry: Expr, condition: Any) -> bool:
    """Whether a comparison does not hold where an entry is NaN."""
    ordered = isinstance(condition, Relational) and not isinstance(condition, Unequality)
    return ordered and any(_reaches(entry, side) for side in condition.args)


def _reaches(entry: Expr, expr: Expr) -> bool:
    if expr == entry:
        return True
    if isinstance(expr, select):
        yes, no = (_reaches(entry, branch) or branch is S.NaN for branch in expr.args[1:])
        return no and (yes or _fails_with(entry, expr.args[0]))
    if isinstance(expr, Element) or not expr.args:
        return False
    return any(_reaches(entry, arg) for arg in expr.args if isinstance(arg, Expr))
