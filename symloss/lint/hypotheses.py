"""The mistakes that people make, as data: what each does to the derived gradient and Hessian.

Three kinds of rows.  A `View` changes the scores at which the loss is differentiated; a `Form` puts something else in
the place of a derivative; a `Factor` multiplies it.  Two of them can come together.  A `Property` says something about
a Hessian column that is no derivative at all.

Corrections are lines of Python: ``{grad}`` and ``{hess}`` stand for what the objective returns, with ``_it`` behind for
the same in parentheses, ``{scores}`` and ``{targets}`` for its arguments, ``{exact}`` and ``{hess_exact}`` for what is
derived.  The threads in which the mistakes were met are issues of dmlc/xgboost and microsoft/LightGBM.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from symloss.adapters._scores import Array
from symloss.lint.problem import Facts


@dataclass(frozen=True)
class View:
    """Other scores than the given ones; NaN where there are none."""

    name: str
    said: str
    mend: str
    scores: Callable[[Array], Array]
    of_rows: bool = False


@dataclass(frozen=True)
class Form:
    """Something else than the derivative; None where only the other derivative can be mistaken so."""

    name: str
    said: str
    mend: str
    grad: Callable[[Facts], Array] | None
    hess: Callable[[Facts], Array] | None
    mend_hess: str = "return {grad}, {hess_exact}"
    note: bool = False  # no mistake where the Hessian is meant
    of_rows: bool | None = None


@dataclass(frozen=True)
class Factor:
    """A factor, of the number of samples."""

    name: str
    said: str
    mend: str
    of_samples: Callable[[int], float]


@dataclass(frozen=True)
class Property:
    """Something true of a Hessian column, given the derived facts."""

    name: str
    said: str
    mend: str
    holds: Callable[[Array, Facts], bool]
    note: bool = False


def _sigmoid(scores: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-scores))


def _logit(scores: Array) -> Array:
    inside = np.where((scores > 0.0) & (scores < 1.0), scores, np.nan)
    return np.log(inside / (1.0 - inside))


def _softmax(scores: Array) -> Array:
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def _log_of_row(scores: Array) -> Array:
    normed = (scores > 0.0).all(axis=-1) & (np.abs(scores.sum(axis=-1) - 1.0) < 1e-6)
    return np.log(np.where(normed[:, np.newaxis], scores, np.nan))


def _log(scores: Array) -> Array:
    return np.log(np.where(scores > 0.0, scores, np.nan))


def _slope(facts: Facts) -> Array:
    p = _sigmoid(facts.scores)
    return p * (1.0 - p)


def _in_probability(facts: Facts) -> Array:
    """Return the second derivative in p = sigmoid(score): by the chain rule, backwards."""
    slope = _slope(facts)
    return (facts.hess - facts.grad * (1.0 - 2.0 * _sigmoid(facts.scores))) / slope**2


def _in_mean(facts: Facts) -> Array:
    """Return the second derivative in m = exp(score)."""
    return (facts.hess - facts.grad) / np.exp(2.0 * facts.scores)


def _by_column(array: Array) -> Array:
    return np.ascontiguousarray(array.T).reshape(array.shape)


VIEWS = (
    View(
        "sigmoid never applied",  # xgboost#2995
        "the score is taken for a probability: objectives get raw scores, and the sigmoid is never applied",
        "{scores} = 1 / (1 + np.exp(-{scores}))  # first of all",
        _logit,
    ),
    View(
        "sigmoid applied twice",
        "the sigmoid is applied twice",
        "the sigmoid of {scores} only once",
        _sigmoid,
    ),
    View(
        "exponential never applied",
        "the score is taken for a mean: objectives get raw scores, and the exponential is never applied",
        "{scores} = np.exp({scores})  # first of all",
        _log,
    ),
    View(
        "softmax never applied",
        "the scores are taken for probabilities: objectives get raw scores, and the softmax is never applied",
        "{scores} = softmax({scores}, axis=1)  # first of all",
        _log_of_row,
        of_rows=True,
    ),
    View(
        "softmax applied twice",
        "the softmax is applied twice",
        "the softmax of {scores} only once",
        _softmax,
        of_rows=True,
    ),
)

FORMS = (
    Form(
        "chain rule of the sigmoid missing",  # LightGBM#2052
        "it is the derivative in the probability, not in the score: the chain rule of the sigmoid is missing",
        "return {grad_it} * p * (1 - p), {hess}  # p = 1 / (1 + np.exp(-{scores}))",
        lambda facts: facts.grad / _slope(facts),
        _in_probability,
        of_rows=False,
    ),
    Form(
        "chain rule of the exponential missing",
        "it is the derivative in the mean, not in the score: the chain rule of the exponential is missing",
        "return {grad_it} * np.exp({scores}), {hess}",
        lambda facts: facts.grad / np.exp(facts.scores),
        _in_mean,
        of_rows=False,
    ),
    Form(
        "labels -1 and 1 expected",  # xgboost#2072
        "it is 0 for all targets of 0: the formula is one for labels -1 and 1, and boosters give 0 and 1",
        "{targets} = 2 * {targets} - 1  # first of all",
        lambda facts: facts.grad * (facts.labels != 0.0),
        lambda facts: facts.hess * (facts.labels != 0.0),
        "{targets} = 2 * {targets} - 1  # first of all",
        of_rows=False,
    ),
    Form(
        "classes and samples transposed",
        "it is laid out class by class, the scores sample by sample",
        "return np.ravel({grad}).reshape({scores}.shape[::-1]).T, {hess}",
        lambda facts: _by_column(facts.grad),
        lambda facts: _by_column(facts.hess),
        "return {grad}, np.ravel({hess}).reshape({scores}.shape[::-1]).T",
        of_rows=True,
    ),
    Form(
        "gradient and Hessian in the wrong order",
        "it holds the other derivative: the gradient comes first, the Hessian second",
        "return {hess}, {grad}",
        lambda facts: facts.hess,
        lambda facts: facts.grad,
        "return {hess}, {grad}",
    ),
    Form(
        "the loss itself",
        "it is the loss itself, not its derivative",
        "return {exact}",
        lambda facts: facts.value,
        lambda facts: facts.value,
        of_rows=False,
    ),
    Form(
        "square of the gradient",
        "it is the square of the gradient",
        "",
        None,
        lambda facts: facts.grad**2,
        note=True,
    ),
    Form(
        "bound",  # xgboost#10105
        "it is a bound, not the second derivative: twice that, as XGBoost has it for a softmax, 2p(1-p)",
        "",
        None,
        lambda facts: 2.0 * facts.hess,
        note=True,
        of_rows=True,
    ),
    Form(
        "absolute value",
        "it is the absolute value of the second derivative",
        "",
        None,
        lambda facts: np.abs(facts.hess),
        note=True,
    ),
)

FACTORS = (
    Factor("sign flipped", "its sign is flipped", "-{it}", lambda n: -1.0),  # xgboost#2602, #3037
    Factor("factor 2", "it has a factor 2 too much", "{it} / 2", lambda n: 2.0),  # xgboost#10258, #2345
    Factor("factor 1/2", "it lacks a factor 2", "2 * {it}", lambda n: 0.5),
    Factor(
        "mean instead of sum",
        "it is that of the mean over the samples, divided by their number; boosters expect that of each sample",
        "len({scores}) * {it}",
        lambda n: 1.0 / n,
    ),
)


def _is_constant(column: Array, facts: Facts) -> bool:
    return bool(np.ptp(column) <= 1e-9 * max(1.0, float(np.abs(column).max())))


PROPERTIES = (
    Property(
        "Hessian is not positive",
        "it is a constant that is not positive: boosters divide by sums of it",
        "return {grad}, {hess_exact}",
        lambda column, facts: _is_constant(column, facts) and float(column.max()) <= 0.0,
    ),
    Property(
        "Hessian is a constant in place of 0",
        "it is a constant, as is usual where the second derivative is 0: steps are means of gradients",
        "",  # right as it is
        lambda column, facts: _is_constant(column, facts) and not facts.hess.any(),
        note=True,
    ),
    Property(
        "Hessian is a constant",
        "it is a constant, not the second derivative: steps are means of gradients, not Newton steps",
        "return {grad}, {hess_exact}",
        _is_constant,
        note=True,
    ),
    Property(
        "bound",
        "it is a bound, nowhere below the second derivative: steps are smaller than Newton steps",
        "return {grad}, {hess_exact}",
        lambda column, facts: bool((column >= facts.hess - 1e-6 - 1e-5 * np.abs(facts.hess)).all()),
        note=True,
    ),
)
