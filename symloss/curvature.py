"""What may stand in place of a Hessian diagonal where steps are taken: derived from the loss, by name.

``fisher``
    The expectation of the second derivative over the label, given the score (Fisher scoring; McCullagh and Nelder 1989,
    section 2.5): where both derivatives are linear in the target, the second one at the mean target, at which the first
    one is 0.
``gauss_newton``
    The second derivative of the outer loss times the square of the derivative of the link (Schraudolph 2002, *Fast
    curvature matrix-vector products*): without the curvature of the link, hence at least 0 where the outer loss is
    convex.
``majorant``
    An upper bound of the second derivative over all scores (Boehning and Lindsay 1988, *Monotonicity of
    quadratic-approximation algorithms*), by interval arithmetic: a parabola with this curvature lies above the loss.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any

import sympy
from sympy import Add, Expr, S

from symloss.arguments import Prediction, Target, is_class_label
from symloss.bounds import bounds
from symloss.declare import Loss
from symloss.derive import Output, derive
from symloss.functions import in_elementary_terms, maximum, select
from symloss.rewrite import Rewriter, canonicalize
from symloss.rules import CANONICAL, SPECIAL, STABLE

_PLACES = (sympy.Rational(3, 10), sympy.Rational(13, 7), sympy.Rational(-5, 3))  # where jumps are looked for
_TINY, _DIGITS = sympy.Rational(1, 10**25), 40


def has_curvatures(loss: Loss) -> bool:
    """Whether it is a loss of one unbounded score and one target, both numbers."""
    targets = loss.of_role(Target)
    if loss.sets or loss.dims or len(loss.predictions) != 1 or len(targets) != 1:
        return False
    return not is_class_label(targets[0]) and loss.predictions[0].domain == S.Reals


def curvature(kind: str, loss: Loss, outputs: Iterable[Output]) -> Expr | None:
    """Return a curvature of a loss whose outputs have been derived, or None where it has none of this kind."""
    slope, exact = (next(o.expr for o in outputs if o.kind == k) for k in ("gradient", "hessian"))
    return CURVATURES[kind](loss, slope, exact)


def in_place_of_hessian(outputs: Iterable[Output], expr: Expr) -> tuple[Output, ...]:
    """Return the outputs with another Hessian diagonal."""
    return tuple(o.with_expr(expr) if o.kind == "hessian" else o for o in outputs)


def named(loss: Loss, kind: str) -> Loss:
    """Return the loss under the name, and with the title, of the module that has this curvature."""
    other = copy.copy(loss)
    title = f"{loss.texts.title}; its Hessian diagonal holds {SAID[kind]}"
    changed = {"name": f"{loss.name}_{kind}", "title": title, "task": "Curvatures for boosting", "kernels_at": {}}
    for key, value in changed.items():
        object.__setattr__(other, key, value)
    return other


def _fisher(loss: Loss, slope: Expr, exact: Expr) -> Expr | None:
    (target,) = loss.of_role(Target)
    if slope.has(select) or slope.diff(target, 2) != 0 or exact.diff(target, 2) != 0:
        return None
    factor = slope.diff(target)
    if factor == 0:
        return None
    if target not in sympy.expand(exact).free_symbols:
        return exact
    mean = sympy.powsimp(slope.xreplace({target: S.Zero}) / -factor)
    return Rewriter(CANONICAL)(sympy.powsimp(exact.xreplace({target: mean})))


def _gauss_newton(loss: Loss, slope: Expr, exact: Expr) -> Expr | None:
    if loss.outer is None or len(loss.link) != 1 or len(loss.outer.predictions) != 1:
        return None
    (inner,), (outer,) = loss.link, loss.outer.predictions
    if inner != outer:
        return None
    link, own = loss.link[inner], loss.predictions[0]
    if own not in link.free_symbols:
        return None
    canonical = Rewriter(CANONICAL)
    slope_of_link = canonical(canonical(link).diff(own))
    body = canonicalize(loss.outer)
    second = next(o.expr for o in derive(body) if o.kind == "hessian")

    def of(part: Any) -> Expr:
        if isinstance(part, select):
            condition, yes, no = part.args
            return select(condition, of(yes), of(no))
        terms = Add.make_args(canonical(part.xreplace({outer: link})))
        return canonical(Add(*(sympy.powsimp(term * slope_of_link**2) for term in terms)))

    return of(second)


def _majorant(loss: Loss, slope: Expr, exact: Expr) -> Expr | None:
    if _jumps(loss):
        return None
    high = bounds(Rewriter(CANONICAL, STABLE, SPECIAL)(exact)).high
    if high in (0, S.NaN) or high.has(sympy.oo, S.NaN):
        return None
    return high.replace(lambda part: isinstance(part, sympy.Max), lambda part: _maximum(part.args))


def _maximum(parts: Iterable[Expr]) -> Expr:
    first, *others = parts
    for other in others:
        first = maximum(first, other)
    return first


def _jumps(loss: Loss) -> bool:
    """Whether the first derivative jumps somewhere, so that no second derivative bounds its growth.

    Both sides of each place where a choice is made are compared, for several targets.
    """
    (prediction,), (target,) = loss.predictions, loss.of_role(Target)
    members = list(target.domain) if isinstance(target.domain, sympy.FiniteSet) else list(_PLACES)
    value = in_elementary_terms(loss.expr)
    slope = value.diff(prediction)
    for member in members:
        given = {target: member} | {p: p.default for p in loss.parameters}
        for condition in _conditions(value.xreplace(given)):
            places = sympy.solveset(condition, prediction, S.Reals)
            if not isinstance(places, sympy.FiniteSet) and places is not S.EmptySet:
                return True  # nobody knows where
            if any(_jumps_at(slope.xreplace(given), prediction, place) for place in places):
                return True
    return False


def _jumps_at(expr: Expr, prediction: Prediction, place: Expr) -> bool:
    left, right = (sympy.N(expr.xreplace({prediction: place + s * _TINY}), _DIGITS) for s in (-1, 1))
    jump = abs(left - right)
    return not (jump.is_number and jump.is_finite and jump < sympy.sqrt(_TINY))


def _conditions(expr: Expr) -> list[Expr]:
    """Return expressions that are 0 where an expression changes its form."""
    found = [part.args[0] for part in expr.atoms(sympy.Abs, sympy.sign)]
    found += [part.args[0] - part.args[1] for part in expr.atoms(sympy.Max, sympy.Min) if len(part.args) == 2]
    for part in expr.atoms(sympy.core.relational.Relational):
        found.append(part.lhs - part.rhs)
    return found


CURVATURES: dict[str, Callable[[Loss, Expr, Expr], Expr | None]] = {
    "fisher": _fisher,
    "gauss_newton": _gauss_newton,
    "majorant": _majorant,
}
SAID = {
    "fisher": "the expectation of the second derivative over the target",
    "gauss_newton": "the second derivative without the curvature of the link",
    "majorant": "an upper bound of the second derivative",
}
