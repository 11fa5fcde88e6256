"""Minimisers of the loss of a linear model; each works with what generated modules offer."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np

from symloss.adapters._lazy import library
from symloss.adapters._scores import Array

_NARROW = 200  # features up to which a Newton step with a whole Hessian is the fastest
_HALVINGS = 30
_POLISHING_STEPS = 5
_STILL_GOOD = 0.03  # a Hessian whose step makes the gradient so much smaller is used for another one
_SAMPLED_STILL_GOOD = 0.25
_ENOUGH_SAMPLES = 100  # for each coefficient: such a Hessian makes the gradient ten times smaller
_FAR = 0.2  # a new Hessian that makes the gradient no smaller was far from the minimum, and the next one is, too
_SHARE = 8  # of the samples, one of so many, which then is enough
_WORTH = 40  # gradients take as long as the Hessian of a row of scores, in multiplications, at most
_FLAT = 1e-9  # curvature that is nothing but rounding, in that of one output alone
_EPSILON = float(np.finfo(np.float64).eps)
_ROUNDING = 64 * _EPSILON  # relative changes of the objective that say nothing


class Differentiable(Protocol):
    """What L-BFGS minimises."""

    def value_and_grad(self, flat: Array) -> tuple[float, Array]:
        """Return the objective and its gradient."""


class Smooth(Differentiable, Protocol):
    """What Newton steps minimise."""

    outputs: int
    features: int
    samples: int

    def hvp(self, flat: Array, direction: Array) -> Array:
        """Return the Hessian times a vector."""

    def hessian(self, flat: Array, samples: int | None = None) -> Array | None:
        """Return the Hessian, estimated from so many samples, or None where there is no curvature."""


FindStep = Callable[[Smooth, Array, Array], Array | None]


class Minimum(NamedTuple):
    """Where a minimiser ended.

    Attributes
    ----------
    flat : ndarray
        The coefficients.
    iterations : int
        How many steps it took.
    converged : bool
        Whether no component of the gradient is larger than the tolerance, or the objective cannot be told from its
        minimum any more.
    message : str
        Why it ended.
    """

    flat: Array
    iterations: int
    converged: bool
    message: str


def lbfgs(objective: Differentiable, start: Array, tol: float, max_iter: int) -> Minimum:
    """Minimise with L-BFGS: from values and gradients."""
    return _lbfgs(objective, start, tol, max_iter)[0]


def polished_lbfgs(objective: Smooth, start: Array, tol: float, max_iter: int) -> Minimum:
    """Minimise with L-BFGS, and take Newton steps at the end."""
    found, grad = _lbfgs(objective, start, tol, max_iter)
    return found._replace(flat=_polished(objective, found.flat, grad, tol)) if found.converged else found


def _lbfgs(objective: Differentiable, start: Array, tol: float, max_iter: int) -> tuple[Minimum, Array]:
    """Return where L-BFGS ended, and the gradient there."""
    options = {"gtol": tol, "ftol": _EPSILON, "maxiter": max_iter, "maxfun": 4 * max_iter + 20, "maxls": 50}
    found = library("scipy.optimize").minimize(
        objective.value_and_grad, start, jac=True, method="L-BFGS-B", options=options
    )
    # A line search that finds no improvement is no failure where rounding hides it.
    hidden = np.max(np.abs(found.jac), initial=0.0) <= math.sqrt(_ROUNDING) * max(1.0, abs(found.fun))
    converged = bool(found.success or (hidden and found.status == 2))
    return Minimum(found.x, int(found.nit), converged, str(found.message)), found.jac


def _polished(objective: Smooth, flat: Array, grad: Array, tol: float) -> Array:
    """Take Newton steps while the gradient becomes smaller, where the objective is too flat to say so."""
    for _ in range(_POLISHING_STEPS):
        largest = np.max(np.abs(grad), initial=0.0)
        step = _conjugate_step(objective, flat, grad) if largest > tol else None
        if step is None:
            break
        grad = objective.value_and_grad(flat + step)[1]
        if not np.max(np.abs(grad)) < largest:
            break
        flat = flat + step
    return flat


def newton_cg(objective: Smooth, start: Array, tol: float, max_iter: int) -> Minimum:
    """Minimise with Newton steps that conjugate gradients find: from Hessian-vector products."""
    return _newton(objective, start, tol, max_iter, _conjugate_step)


def newton_cholesky(objective: Smooth, start: Array, tol: float, max_iter: int) -> Minimum:
    """Minimise with Newton steps from the whole Hessian."""
    return _newton(objective, start, tol, max_iter, _CholeskySteps())


def _newton(objective: Smooth, start: Array, tol: float, max_iter: int, find_step: FindStep) -> Minimum:
    """Take Newton steps, halved until the objective becomes smaller; go on with L-BFGS where there is none."""
    flat = start
    value, grad = objective.value_and_grad(flat)
    for iteration in range(max_iter):
        if np.max(np.abs(grad), initial=0.0) <= tol:
            return Minimum(flat, iteration, True, "the gradient is small")
        step = find_step(objective, flat, grad)
        if step is None:
            return _go_on(objective, flat, tol, max_iter, iteration)
        slope = float(grad @ step)
        flat_before, value_before = flat, value
        for halving in range(_HALVINGS):
            flat = flat_before + 0.5**halving * step
            value, grad = objective.value_and_grad(flat)
            if value <= value_before + 1e-4 * 0.5**halving * slope + _ROUNDING * abs(value_before):
                break
        else:
            return _go_on(objective, flat_before, tol, max_iter, iteration)
        if -slope <= _EPSILON * abs(value):
            return Minimum(flat, iteration + 1, True, "the objective does not change any more")
    largest = np.max(np.abs(grad), initial=0.0)
    return Minimum(flat, max_iter, bool(largest <= tol), "the limit of iterations is reached")


class _CholeskySteps:
    """Steps from whole Hessians, each used while it is good (Shamanskii 1967, *A modification of Newton's method*).

    Where the next Hessian comes soon, or takes far longer than the gradient, as for several outputs, some of the
    samples say enough (Erdogdu and Montanari 2015, *Convergence rates of sub-sampled Newton methods*).
    """

    def __init__(self) -> None:
        self._factor: Any = None
        self._before, self._samples, self._steps = math.inf, 0, 0

    def __call__(self, objective: Smooth, flat: Array, grad: Array) -> Array | None:
        """Return the step, or None if it cannot be trusted."""
        largest = float(np.max(np.abs(grad), initial=0.0))
        ratio, good = largest / self._before, _SAMPLED_STILL_GOOD if objective.outputs > 1 else _STILL_GOOD
        if self._factor is None or ratio > good:
            self._samples = min(self._next_samples(objective, len(flat), ratio), objective.samples)
            hessian = objective.hessian(flat, self._samples)
            self._factor, self._steps = _cholesky(hessian, objective.outputs), 0
        self._before, self._steps = largest, self._steps + 1
        if self._factor is None:
            return None
        return np.asarray(library("scipy.linalg").cho_solve(self._factor, -grad, check_finite=False))

    def _next_samples(self, objective: Smooth, size: int, ratio: float) -> int:
        """Return from how many samples to estimate the next Hessian, where the last made the gradient so much less."""
        new = self._steps == 1
        if objective.outputs > 1:
            return max(4 * self._samples if new else self._samples, _ENOUGH_SAMPLES * size)
        if new and ratio > _FAR:
            return max(_ENOUGH_SAMPLES * size, objective.samples // _SHARE)
        return objective.samples


def _cholesky(hessian: Array | None, outputs: int) -> Any:
    """Return the factors of a Hessian, or None where it is not positive definite."""
    linalg = library("scipy.linalg")
    if hessian is None or not np.isfinite(hessian).all():
        return None
    try:
        factor = linalg.cho_factor(_held(hessian, outputs), check_finite=False)
    except linalg.LinAlgError:
        return None
    diagonal = np.abs(np.diag(factor[0]))
    return factor if diagonal.min() > 1e-7 * diagonal.max() else None  # singular but for rounding


def _held(hessian: Array, outputs: int) -> Array:
    """Add curvature where all outputs grow by the same and nothing changes: a softmax does not see that.

    The gradient is zero in these directions, and so is the step.
    """
    if outputs == 1:
        return hessian
    table = hessian.reshape(outputs, -1, outputs, hessian.shape[0] // outputs)
    own = np.einsum("kjkj->j", table) / outputs
    together = np.abs(table.sum(axis=2)).max(axis=(0, 1))  # of each coefficient
    table[:, range(len(own)), :, range(len(own))] += np.where(together <= _FLAT * own, own, 0.0)[:, None, None]
    return hessian


def _conjugate_step(objective: Smooth, flat: Array, grad: Array) -> Array | None:
    """Return a step that is exact enough for the size of the gradient; None where there is no curvature along it.

    Nocedal and Wright (2006), Numerical Optimization, algorithm 7.1.
    """
    step, rest, direction = np.zeros_like(grad), grad.copy(), -grad
    square, steepest = float(rest @ rest), 0.0
    enough = square * min(0.25, math.sqrt(square))  # of the squared residual
    for number in range(4 * len(grad) + 20):
        product = objective.hvp(flat, direction)
        curvature, size = float(direction @ product), float(direction @ direction)
        if not curvature > _EPSILON * steepest * size:  # none, but for rounding
            return step if number else None
        steepest = max(steepest, curvature / size)
        length = square / curvature
        step += length * direction
        rest += length * product
        square, before = float(rest @ rest), square
        if not square > enough:
            break
        direction = square / before * direction - rest
    return step if np.isfinite(step).all() else None


def _go_on(objective: Smooth, flat: Array, tol: float, max_iter: int, done: int) -> Minimum:
    rest = polished_lbfgs(objective, flat, tol, max(max_iter - done, 1))
    return rest._replace(iterations=rest.iterations + done)


SOLVERS: dict[str, Callable[[Smooth, Array, float, int], Minimum]] = {
    "lbfgs": polished_lbfgs,
    "newton-cg": newton_cg,
    "newton-cholesky": newton_cholesky,
}


def best_solver(rows: bool, samples: int, features: int, outputs: int) -> str:
    """Return the name of the solver for ``"auto"``; Newton steps go on with L-BFGS where there is no curvature."""
    if not rows:
        return "lbfgs" if features > _NARROW else "newton-cholesky"
    size = outputs * (features + 1)
    enough = min(samples, _ENOUGH_SAMPLES * size)
    return "newton-cholesky" if enough * size <= _WORTH * samples else "newton-cg"
