"""Minimisers of the loss of a linear model; each works with what generated modules offer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np

from symloss.adapters._lazy import library
from symloss.adapters._scores import Array

_NARROW = 200  # features up to which a Newton step with a whole Hessian is the fastest
_HALVINGS = 30
_ROUNDING = 64 * np.finfo(np.float64).eps  # relative changes of the objective that say nothing


class Smooth(Protocol):
    """What is minimised."""

    outputs: int
    features: int

    def value_and_grad(self, flat: Array) -> tuple[float, Array]:
        """Return the objective and its gradient."""

    def hvp(self, flat: Array, direction: Array) -> Array:
        """Return the Hessian times a vector."""

    def hessian(self, flat: Array) -> Array | None:
        """Return the Hessian, or None where there is no curvature."""


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


def lbfgs(objective: Smooth, start: Array, tol: float, max_iter: int) -> Minimum:
    """Minimise with L-BFGS: from values and gradients."""
    found = library("scipy.optimize").minimize(
        objective.value_and_grad,
        start,
        jac=True,
        method="L-BFGS-B",
        options={"gtol": tol, "ftol": _ROUNDING, "maxiter": max_iter, "maxfun": 4 * max_iter + 20, "maxls": 50},
    )
    return Minimum(found.x, int(found.nit), bool(found.success), str(found.message))


def newton_cg(objective: Smooth, start: Array, tol: float, max_iter: int) -> Minimum:
    """Minimise with Newton steps that conjugate gradients find: from Hessian-vector products."""
    ended = _Ended()

    def watch(intermediate_result: Any) -> None:
        if np.max(np.abs(objective.value_and_grad(intermediate_result.x)[1])) <= tol:
            ended.flat = intermediate_result.x
            raise StopIteration

    found = library("scipy.optimize").minimize(
        lambda flat: objective.value_and_grad(flat)[0],
        start,
        jac=lambda flat: objective.value_and_grad(flat)[1],
        hessp=objective.hvp,
        method="Newton-CG",
        callback=watch,
        options={"xtol": 1e-14, "maxiter": max_iter},
    )
    flat = found.x if ended.flat is None else ended.flat
    return _judged(objective, flat, int(found.nit), tol, str(found.message))


class _Ended:
    flat: Array | None = None


def newton_cholesky(objective: Smooth, start: Array, tol: float, max_iter: int) -> Minimum:
    """Minimise with Newton steps from the whole Hessian, and with L-BFGS where that is not positive definite."""
    flat = start
    value, grad = objective.value_and_grad(flat)
    for iteration in range(max_iter):
        if np.max(np.abs(grad), initial=0.0) <= tol:
            return Minimum(flat, iteration, True, "the gradient is small")
        step = _newton_step(objective.hessian(flat), grad)
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
        if -slope <= _ROUNDING * abs(value):
            return Minimum(flat, iteration + 1, True, "the objective does not change any more")
    return _judged(objective, flat, max_iter, tol, "the limit of iterations is reached")


def _newton_step(hessian: Array | None, grad: Array) -> Array | None:
    """Return the step, or None if it cannot be trusted."""
    linalg = library("scipy.linalg")
    if hessian is None or not np.isfinite(hessian).all():
        return None
    try:
        factor = linalg.cho_factor(hessian, check_finite=False)
    except linalg.LinAlgError:
        return None
    diagonal = np.abs(np.diag(factor[0]))
    if diagonal.min() <= 1e-7 * diagonal.max():  # singular but for rounding
        return None
    return np.asarray(linalg.cho_solve(factor, -grad, check_finite=False))


def _go_on(objective: Smooth, flat: Array, tol: float, max_iter: int, done: int) -> Minimum:
    rest = lbfgs(objective, flat, tol, max(max_iter - done, 1))
    return rest._replace(iterations=rest.iterations + done)


def _judged(objective: Smooth, flat: Array, iterations: int, tol: float, message: str) -> Minimum:
    largest = np.max(np.abs(objective.value_and_grad(flat)[1]), initial=0.0)
    return Minimum(flat, iterations, bool(largest <= tol), message)


SOLVERS: dict[str, Callable[[Smooth, Array, float, int], Minimum]] = {
    "lbfgs": lbfgs,
    "newton-cg": newton_cg,
    "newton-cholesky": newton_cholesky,
}


def best_solver(rows: bool, features: int) -> str:
    """Return the name of the solver for ``"auto"``."""
    return "lbfgs" if rows or features > _NARROW else "newton-cholesky"
