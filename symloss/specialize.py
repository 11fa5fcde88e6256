"""From stable mathematics to what floats need: row statistics, exact ends, products with infinity.

Values do not change.  Softmax and its relatives are expressed by the largest entry of the row, its place, and the sum
over all other places, so that ``log1p`` of that sum keeps a confident row's loss exact (Blanchard, Higham & Higham
2021, *Accurately computing the log-sum-exp and softmax functions*, with the largest term left out of the sum).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sympy import Add, Expr, Mul, Pow, S, exp, log, sqrt

from symloss.arguments import Parameter, Prediction
from symloss.decisions import decide
from symloss.derive import Output
from symloss.ends import close_ends
from symloss.functions import (
    absolute,
    binade,
    defined_with,
    exp_minus,
    log1p,
    log_cosh,
    logistic_density,
    minus,
    multiply_no_nan,
    offset,
    ratio,
    sech,
    select,
    sgn,
    sigmoid,
    sigmoid_mix,
    softplus,
    softplus_mix,
    tanh,
)
from symloss.lifting import lift_rows
from symloss.norms import join_norms
from symloss.quotients import join_products
from symloss.reductions import (
    ArgmaxOver,
    Element,
    Index,
    LogSoftmax,
    LogSumExp,
    MaxOver,
    Norm,
    Reduction,
    RestOver,
    Softmax,
    SoftmaxComplement,
    SumOver,
    Unit,
    equal,
    rewrite_parts,
)
from symloss.rewrite import Rewriter
from symloss.rules import SPECIAL
from symloss.scaled_functions import exp_below, lifted_logistic_density, lifted_sigmoid, norm_less, square_rest
from symloss.scaling import is_divisor, is_never_zero, is_predicted, scale
from symloss.special_functions import (
    digamma,
    erf,
    erfc,
    erfc_curvature,
    erfc_excess,
    erfc_hazard,
    erfcx,
    gaussian,
    log_erfc,
    log_half_erfc,
    loggamma,
    tetragamma,
    trigamma,
)
from symloss.squares import add_once, round_once

_UNBOUNDED = (
    softplus, softplus_mix, LogSoftmax, LogSumExp, log_cosh, absolute, log, log_erfc, log_half_erfc, erfc_hazard,
    erfc_excess, erfcx, loggamma, digamma, trigamma, tetragamma,
)  # fmt: skip
_BOUNDED = (
    sigmoid, sigmoid_mix, logistic_density, tanh, sech, sgn, Softmax, SoftmaxComplement, Unit, gaussian, erf, erfc,
    erfc_curvature, lifted_sigmoid, lifted_logistic_density,
)  # fmt: skip


def specialize(outputs: Iterable[Output]) -> tuple[Output, ...]:
    """Return the same values in terms of sums, maxima and their places."""
    outputs, join = tuple(outputs), Rewriter(SPECIAL)
    bounded = [s for s in sorted(outputs[0].expr.free_symbols, key=str) if _is_bounded(s)]

    def of(output: Output) -> Expr:
        exact = _exact(join(output.expr))
        return _follow(decide(exact), bounded) if output.wrt else decide(add_once(exact))

    return tuple(output.with_expr(of(output)) for output in outputs)


def _exact(expr: Expr) -> Expr:
    return _bound(join_products(lift_rows(round_once(join_norms(expand(guard(scale(close_ends(expr)))))))))


def _bound(expr: Any) -> Any:
    """Say of exponentials of an entry relative to the largest that they are at most 1."""
    if not expr.args or isinstance(expr, Element):
        return expr
    expr = rewrite_parts(expr, _bound)
    below = isinstance(expr, exp_minus) and _is_entry(*expr.args)
    return exp_below(*expr.args) if below else expr


def _is_entry(x: Expr, largest: Expr) -> bool:
    """Whether the second is the largest of a row of which the first is an entry."""
    if not isinstance(largest, MaxOver) or largest.excluded:
        return False
    places = {place for entry in x.atoms(Element) for place in entry.indices}
    return any(largest.open(place) == x for place in places)


def _is_bounded(symbol: Any) -> bool:
    scalar = isinstance(symbol, Prediction) and not symbol.dims
    return scalar and symbol.domain != S.Reals


def _follow(expr: Expr, predictions: Iterable[Prediction]) -> Expr:
    """Make a derivative NaN where a prediction that it does not depend on is outside of its domain."""
    for prediction in predictions:
        if prediction not in expr.free_symbols:
            expr = defined_with(expr, prediction)
    return expr


def guard(expr: Any) -> Any:
    """Let a factor that is exactly 0 win over one that is infinite: 0*softplus(oo) is 0, not NaN."""
    if not expr.args or isinstance(expr, Element):
        return expr
    if isinstance(expr, Add):
        expr = _under_parameter(expr)
    expr = rewrite_parts(expr, guard)
    if isinstance(expr, Mul):
        number, factors = expr.as_coeff_mul()
        infinite = [f for f in factors if isinstance(f, _UNBOUNDED) or _is_pole(f) or _is_infinite_sum(f)]
        infinite = infinite or _under_weight(factors) or _under_bell(factors)
        rest = Mul(*(f for f in factors if f not in infinite))
        if infinite and rest != 1:
            return _multiplied(number, rest, Mul(*infinite))
    return expr


def _under_parameter(expr: Add) -> Expr:
    """k*a + k*b -> k*(a + b) for a parameter k: one rounding of the sum in the place of one of each term.

    Only under norms, whose terms have more roundings than the largest of them may lose.
    """
    if not expr.has(Norm, Unit):
        return expr
    shared = set.intersection(*(set(Mul.make_args(term)) for term in expr.args))
    outside = [f for f in shared if isinstance(f, Parameter)]
    return Mul(*outside, Add(*(term / Mul(*outside) for term in expr.args)))


def _multiplied(number: Expr, rest: Expr, infinite: Expr) -> Expr:
    """Return the product, in which a square, which may overflow alone, is multiplied one half after the other."""
    base, power = infinite.as_base_exp()
    if power == 2 and isinstance(infinite, Pow) and not isinstance(base, _BOUNDED):
        return multiply_no_nan(multiply_no_nan(number * rest, base), base)
    return number * multiply_no_nan(rest, infinite)


def _under_weight(factors: Iterable[Expr]) -> list[Expr]:
    """Return the factors that predictions can make infinite, if there is one that may be 0 whatever they are."""
    weights = [f for f in factors if not is_predicted(f) and not f.is_positive]
    weights = [f for f in weights if not (is_divisor(f) and is_never_zero(f))]
    free = [f for f in factors if is_predicted(f) and not isinstance(f, _BOUNDED) and not is_divisor(f)]
    return free if weights else []


def _under_bell(factors: Iterable[Expr]) -> list[Expr]:
    """Return the factors that predictions can make infinite, if there is an exp(-x**2), which vanishes faster."""
    bells = [f for f in factors if isinstance(f, gaussian)]
    free = [f for f in factors if is_predicted(f) and not isinstance(f, _BOUNDED) and not is_divisor(f)]
    return free if bells else []


def _is_infinite_sum(factor: Expr) -> bool:
    """Whether the factor is a sum with a term that may be infinite."""
    infinite = (multiply_no_nan, *_UNBOUNDED)
    parts = [part for term in factor.args for part in Mul.make_args(term)] if isinstance(factor, Add) else []
    return any(isinstance(part, infinite) or _is_pole(part) for part in parts)


def _is_pole(factor: Expr) -> bool:
    """Whether the factor is a power like x**(g - 1), which may overflow."""
    return isinstance(factor, Pow) and not factor.exp.is_number and bool(factor.exp.as_coeff_Add()[0] < 0)


def expand(expr: Any) -> Any:
    """Replace the softmax family, norms and sums without one entry by row statistics."""
    if not expr.args or isinstance(expr, Element):
        return expr
    if isinstance(expr, Add):
        expr = _less_norm(_shift(expr))
    if isinstance(expr, (Pow, SumOver)):
        expr = _square_of_unit(expr)
    if isinstance(expr, exp):
        expr = _exp_below_log_sum_exp(expr)
    expr = rewrite_parts(expr, expand)
    if isinstance(expr, Add):
        return _over_one(expr)
    rule = _EXPANSIONS.get(type(expr))
    return expr if rule is None else rule(expr)


def _over_one(expr: Add) -> Expr:
    """a*b/D - a*c/D -> a*(b - c)/D for a D that is summed: what it lacks counts once, and so does what a lacks."""
    first, *others = (Mul.make_args(term) for term in expr.args)
    shared = [factor for factor in first if factor.free_symbols and all(factor in term for term in others)]
    if not any(map(_is_over_sum, shared)):
        return expr
    outside = Mul(*shared)
    return outside * Add(*(term / outside for term in expr.args))


def _is_over_sum(factor: Expr) -> bool:
    base, power = factor.as_base_exp()
    return bool(power.is_Integer and power < 0 and isinstance(base, Add) and base.has(SumOver))


def _statistics(node: Reduction) -> tuple[Expr, Expr, Expr]:
    """Return the largest entry, its place, and the sum of exp of the others relative to it."""
    largest = MaxOver(node.body, node.index, node.excluded)
    place = ArgmaxOver(node.body, node.index, node.excluded)
    others = SumOver(exp_minus(node.body, largest), node.index, (*node.excluded, place))
    return largest, place, others


def _log_sum_exp(node: LogSumExp) -> Expr:
    largest, _, others = _statistics(node)
    return largest + log1p(others)


def _shift(expr: Add) -> Expr:
    """Take what is added to a log-sum-exp to the largest entry first: differences of inputs are often exact."""
    for term in expr.args:
        sign, node = term.as_coeff_Mul()
        if isinstance(node, LogSumExp) and sign in (1, -1):
            largest, _, others = _statistics(node)
            return sign * (offset(largest, sign * (expr - term)) + log1p(others))
    return expr


def _exp_below_log_sum_exp(expr: Expr) -> Expr:
    """exp(u - log-sum-exp) -> exp(u - largest)/(1 + others): what rounding takes from an exponent, exp multiplies."""
    (exponent,) = expr.args
    for term in Add.make_args(exponent):
        if isinstance(-term, LogSumExp):
            largest, _, others = _statistics(-term)
            return exp_minus(expand(exponent - term), largest) / (1 + others)
    return expr


def _softmax(node: Softmax) -> Expr:
    largest, _, others = _statistics(node)
    return exp_minus(node.open(node.at), largest) / (1 + others)


def _log_softmax(node: LogSoftmax) -> Expr:
    largest, _, others = _statistics(node)
    return minus(node.open(node.at), largest) - log1p(others)


def _complement(node: SoftmaxComplement) -> Expr:
    largest, place, others = _statistics(node)
    elsewhere = 1 + others - exp_minus(node.open(node.at), largest)
    return select(equal(node.at, place), others, elsewhere) / (1 + others)


def _less_norm(expr: Add) -> Expr:
    """Subtract from a norm before its root is rounded: norm - level may be all digits that rounding takes."""
    for term in expr.args:
        sign, node = term.as_coeff_Mul()
        if isinstance(node, Norm) and sign in (1, -1):
            scale, squares = _sum_of_squares(node)
            ratio_ = squares.body.as_base_exp()[0]
            rest = RestOver(*squares.args) + SumOver(square_rest(ratio_), *squares.args[1:])
            return sign * norm_less(scale, squares, rest, -sign * (expr - term))
    return expr


def _square_of_unit(expr: Expr) -> Expr:
    """Divide the square of an entry, or a sum of them, by the sum of all squares, once."""
    square = expr.body if isinstance(expr, SumOver) else expr
    if not (isinstance(square, Pow) and square.exp == 2 and isinstance(square.base, Unit)):
        return expr
    unit = square.base
    scale, squares = _sum_of_squares(unit)
    entry = ratio(unit.open(unit.at), scale) ** 2
    return ratio(SumOver(entry, *expr.args[1:]) if isinstance(expr, SumOver) else entry, squares)


def _sum_of_squares(node: Norm | Unit) -> tuple[Expr, SumOver]:
    """Return a power of two as large as the largest entry, and the squares over its own: none of them overflows."""
    scale = binade(MaxOver(absolute(node.body), node.index, node.excluded))
    return scale, SumOver(ratio(node.body, scale) ** 2, node.index, node.excluded)


def _scaled_norm(node: Norm | Unit) -> tuple[Expr, Expr]:
    """Return a power of two as large as the largest entry, and the norm over it."""
    scale, squares = _sum_of_squares(node)
    return scale, sqrt(squares)


def _norm(node: Norm) -> Expr:
    scale, norm = _scaled_norm(node)
    return scale * norm


def _unit(node: Unit) -> Expr:
    scale, norm = _scaled_norm(node)  # not by the norm itself: that of subnormal entries has few digits
    return ratio(ratio(node.open(node.at), scale), norm)


def _sum_without_one(node: SumOver) -> Expr:
    """Express a sum without a running place by the entry of largest magnitude and the sum of the others.

    A sum for each place would take C**2 steps, and "whole sum minus one" loses the sum where the one dominates.
    """
    running = [place for place in node.excluded if isinstance(place, Index)]
    if not running:
        return node
    (place,) = running
    kept = tuple(other for other in node.excluded if other != place)
    dominant = ArgmaxOver(absolute(node.body), node.index, kept)
    others = SumOver(node.body, node.index, (*kept, dominant))
    return select(equal(place, dominant), others, others + minus(node.open(dominant), node.open(place)))


_EXPANSIONS: dict[type, Callable[[Any], Expr]] = {
    LogSumExp: _log_sum_exp,
    Softmax: _softmax,
    LogSoftmax: _log_softmax,
    SoftmaxComplement: _complement,
    Norm: _norm,
    Unit: _unit,
    SumOver: _sum_without_one,
}
