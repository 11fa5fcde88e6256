"""The best constant prediction, in closed form: what a booster starts from.

Where the derivative of a loss is linear in the target, the constant that minimises the sum over all samples depends on
the mean target alone: it is the root of the derivative at that mean (McCullagh and Nelder 1989, section 2.5).  Whether
SymPy finds the root decides; boosters search for it otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable

import sympy
from sympy import Expr, S, Symbol

from symloss.arguments import Target, is_class_label
from symloss.declare import Loss
from symloss.functions import in_elementary_terms

MEAN = Symbol("mean", positive=True)
_LARGEST = 100  # operations of a derivative whose root is looked for: SymPy takes long over larger ones
_KINKED = (sympy.Piecewise, sympy.Max, sympy.Min, sympy.Abs, sympy.sign)


def best_constant(loss: Loss) -> Expr | None:
    """Return the constant score with the least weighted mean loss, in `MEAN` and the parameters, or None.

    `MEAN` is the weighted mean of the targets.  Only losses of one unbounded scalar prediction and one scalar target,
    a number, have one.
    """
    targets = loss.of_role(Target)
    if loss.sets or loss.dims or len(loss.predictions) != 1 or len(targets) != 1 or is_class_label(targets[0]):
        return None
    (prediction,), (target,) = loss.predictions, targets
    expr = in_elementary_terms(loss.expr)
    if prediction.domain != S.Reals or expr.has(*_KINKED):
        return None
    slope = expr.diff(prediction)
    if slope.diff(target, 2) != 0 or slope.count_ops() > _LARGEST:
        return None
    score = Symbol("score", real=True)
    try:
        found = sympy.solve(slope.xreplace({target: MEAN, prediction: score}), score)
    except NotImplementedError:
        return None
    return _with_open_ends(found[0], target) if len(found) == 1 and not found[0].has(score) else None


def _with_open_ends(expr: Expr, target: Target) -> Expr:
    """Return the logarithms of quotients with denominators above 0, which at an end of the domain are infinite."""
    inside = {MEAN: sum(end for end in (target.domain.inf, target.domain.sup) if end.is_finite) / S(2) or S.One}

    def flipped(part: Expr) -> Expr:
        above, below = sympy.fraction(part.args[0])
        return sympy.log(-above / -below) if below.xreplace(inside).is_negative else part

    return expr.replace(lambda part: isinstance(part, sympy.log), flipped)


def constants(losses: Iterable[Loss]) -> dict[str, tuple[tuple[str, ...], Expr]]:
    """Return the closed forms that there are, with the names of the parameters in them, by name of the loss."""
    found = {}
    for loss in losses:
        expr = best_constant(loss)
        if expr is not None:
            found[loss.name] = (tuple(p.name for p in loss.parameters if p in expr.free_symbols), expr)
    return found
