"""Applies the rules: the phases canonicalize (before and after differentiation) and stabilize."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sympy import Add, Basic, Expr, FiniteSet, Mul, S

from symloss.arguments import Argument, Target
from symloss.declare import Loss
from symloss.derive import Output
from symloss.functions import select
from symloss.matching import fill, match, match_factors, match_terms
from symloss.reductions import Element, Index, Reduction, equal, resolve, rewrite_parts
from symloss.row_rules import ROW_RULES
from symloss.rules import CANONICAL, RULES, STABLE, Rule

_MOST_STEPS = 200  # at one node; a pair of rules that undo each other is a defect of the table
_FEW = 4  # members of a finite domain up to which each value of a target gets an expression of its own


class Rewriter:
    """Applies the rules of some phases, innermost parts first, until none applies."""

    def __init__(self, *phases: str) -> None:
        self._rules: dict[type, list[Rule]] = {}
        for rule in RULES:
            if rule.phase in phases:
                self._rules.setdefault(type(rule.left), []).append(rule)
        self._row_rules = [rule for rule in ROW_RULES if rule.phase in phases]
        self._memo: dict[Basic, Any] = {}

    def __call__(self, expr: Any) -> Any:
        """Return an equal expression to which no rule applies."""
        if not getattr(expr, "args", ()) or isinstance(expr, Element):
            return expr
        if expr not in self._memo:
            self._memo[expr] = self._settle(rewrite_parts(expr, self))
        return self._memo[expr]

    def _settle(self, expr: Any) -> Any:
        for _ in range(_MOST_STEPS):
            replaced = self._once(expr)
            if replaced is None:
                return expr
            expr = rewrite_parts(replaced, self) if replaced.args and not isinstance(replaced, Element) else replaced
        raise RuntimeError(f"the rewrite rules do not come to an end at {expr}")

    def _once(self, expr: Any) -> Any:
        for rule in self._rules.get(type(expr), ()):
            replaced = _apply(rule, expr)
            if replaced is not None and replaced != expr:
                return replaced
        for row_rule in self._row_rules:
            if isinstance(expr, row_rule.heads):
                replaced = row_rule.apply(expr)
                if replaced is not None and replaced != expr:
                    return replaced
        return None


def _apply(rule: Rule, expr: Expr) -> Expr | None:
    """Return the expression with one occurrence of the left side replaced, or None."""
    if isinstance(rule.left, Add):
        for found, rest in match_terms(rule.left, expr, {}):
            if rule.where(found):
                return rest + fill(rule.right, found)
    elif isinstance(rule.left, Mul):
        for found, rest in match_factors(rule.left, expr, {}):
            if rule.where(found):
                return rest * fill(rule.right, found)
    else:
        for found in match(rule.left, expr, {}):
            if rule.where(found):
                return fill(rule.right, found)
    return None


def canonicalize(loss: Loss) -> Loss:
    """Return the loss with textbook forms turned into primitives, one expression a value of a finite target."""
    return loss.with_expr(_by_value(loss.expr, _few_valued(loss)), Rewriter(CANONICAL)(loss.normalizer))


def _few_valued(loss: Loss) -> list[Argument]:
    """Return the scalar targets that only take a few values."""
    return [
        target
        for target in loss.of_role(Target)
        if not target.dims and isinstance(target.domain, FiniteSet) and len(target.domain) <= _FEW
    ]


def _by_value(expr: Expr, targets: list[Argument]) -> Expr:
    """Substitute each value of the targets and canonicalize what is left; anything else is NaN."""
    if not targets:
        return Rewriter(CANONICAL)(expr)
    target, *others = targets
    if target not in expr.free_symbols:
        return _by_value(expr, others)
    result: Expr = S.NaN
    for value in sorted(target.domain):
        result = select(equal(target, value), _by_value(expr.xreplace({target: value}), others), result)
    return result


def stabilize(outputs: Iterable[Output]) -> tuple[Output, ...]:
    """Return the same values in forms that neither cancel nor overflow, one a case of label and target."""
    return tuple(output.with_expr(fold(output.expr, Rewriter(CANONICAL, STABLE))) for output in outputs)


def fold(expr: Expr, rewrite: Rewriter) -> Expr:
    """Bring decisions about labels to the top and rewrite each case by itself."""
    condition = _decision(expr)
    if condition is None:
        return rewrite(expr)
    yes, no = resolve(expr, condition, True), resolve(expr, condition, False)
    index = next((side for side in condition.args if isinstance(side, Index)), None)
    if index is not None:  # in this case the component is the label's own
        yes = yes.xreplace({index: next(side for side in condition.args if side != index)})
    return select(condition, fold(yes, rewrite), fold(no, rewrite))


def _decision(expr: Basic) -> Any:
    """Return the condition of a `select` outside of reductions that no float decides."""
    if isinstance(expr, select) and _is_discrete(expr.args[0]):
        return expr.args[0]
    if isinstance(expr, Reduction):
        return None
    return next((found for arg in expr.args if (found := _decision(arg)) is not None), None)


def _is_discrete(condition: Basic) -> bool:
    def labelled(side: Basic) -> bool:
        return bool(side.is_integer) or isinstance(getattr(side, "domain", None), FiniteSet)

    return bool(condition.is_Relational and condition.rel_op == "==" and all(map(labelled, condition.args)))
