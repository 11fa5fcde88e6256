"""sum_d x_d**2 t_d + s sum_l mu_l: three predictions, two axes, and a scalar target that is 0 or 1."""

import numpy as np

from ._runtime import Array, Driver, Finite, add_terms, describe, kernel, weighted

_ARGUMENTS = (
    Array("x", "prediction", ("D",)),
    Array("mu", "prediction", ("L",)),
    Array("s", "prediction"),
    Array("t", "target", ("D",)),
    Array("on", "target", (), Finite(0.0, 1.0)),
)
INFO = describe("several", "Several", "", _ARGUMENTS)


@kernel
def _sums(x, mu, t):
    squares, total = 0.0, 0.0
    for d in range(x.size):
        squares += x[d] * x[d] * t[d]
    for k in range(mu.size):
        total += mu[k]
    return squares, total


@kernel
def _value(x, mu, s, t, on, weight, losses):
    outside = False
    for i in range(s.size):
        outside |= (on[i] != 0) & (on[i] != 1) & (on[i] == on[i])
        squares, total = _sums(x[i], mu[i], t[i])
        losses[i] = weighted(weight, i, 1.0) * (on[i] * (squares + s[i] * total))
    return not outside


@kernel
def _value_and_grad(x, mu, s, t, on, weight, scale, losses, grad_x, grad_mu, grad_s):
    for i in range(s.size):
        squares, total = _sums(x[i], mu[i], t[i])
        losses[i] = weighted(weight, i, 1.0) * (on[i] * (squares + s[i] * total))
        factor = weighted(weight, i, scale) * on[i]
        for d in range(x.shape[1]):
            grad_x[i, d] = factor * 2 * x[i, d] * t[i, d]
        for k in range(mu.shape[1]):
            grad_mu[i, k] = factor * s[i]
        grad_s[i] = factor * total
    return _inside(on)


@kernel
def _grad_and_hess(x, mu, s, t, on, weight, scale, grad_x, grad_mu, grad_s, hess_x, hess_mu, hess_s):
    for i in range(s.size):
        _, total = _sums(x[i], mu[i], t[i])
        factor = weighted(weight, i, scale) * on[i]
        for d in range(x.shape[1]):
            grad_x[i, d] = factor * 2 * x[i, d] * t[i, d]
            hess_x[i, d] = factor * 2 * t[i, d]
        for k in range(mu.shape[1]):
            grad_mu[i, k] = factor * s[i]
            hess_mu[i, k] = 0.0
        grad_s[i] = factor * total
        hess_s[i] = 0.0
    return _inside(on)


@kernel
def _hvp(x, mu, s, t, on, weight, scale, v_x, v_mu, v_s, product_x, product_mu, product_s):
    for i in range(s.size):
        _, total = _sums(x[i], v_mu[i], t[i])
        factor = weighted(weight, i, scale) * on[i]
        for d in range(x.shape[1]):
            product_x[i, d] = factor * 2 * t[i, d] * v_x[i, d]
        for k in range(mu.shape[1]):
            product_mu[i, k] = factor * v_s[i]
        product_s[i] = factor * total
    return _inside(on)


@kernel
def _inside(on):
    outside = False
    for i in range(on.size):
        outside |= (on[i] != 0) & (on[i] != 1) & (on[i] == on[i])
    return not outside


@kernel
def _total(x, mu, s, t, on, weight):
    losses = np.empty(x.shape[0])
    inside = _value(x, mu, s, t, on, weight, losses)
    total, lost = add_terms(0.0, 0.0, losses, x)
    return inside, total + lost


@kernel
def _total_and_grad(x, mu, s, t, on, weight, scale, grad_x, grad_mu, grad_s):
    losses = np.empty(x.shape[0])
    inside = _value_and_grad(x, mu, s, t, on, weight, scale, losses, grad_x, grad_mu, grad_s)
    total, lost = add_terms(0.0, 0.0, losses, x)
    return inside, total + lost


_DRIVER = Driver(_ARGUMENTS, (), _value, _value_and_grad, _grad_and_hess, _hvp, _total, _total_and_grad)


def value(x, mu, s, t, on, *, weight=None, reduction="mean", out=None, threads=None):
    return _DRIVER.value((x, mu, s, t, on), (), weight=weight, reduction=reduction, out=out, threads=threads)


def grad(x, mu, s, t, on, *, weight=None, reduction="mean", out=None, threads=None):
    return _DRIVER.grad((x, mu, s, t, on), (), weight=weight, reduction=reduction, out=out, threads=threads)


def value_and_grad(x, mu, s, t, on, *, weight=None, reduction="mean", out=None, threads=None):
    return _DRIVER.value_and_grad((x, mu, s, t, on), (), weight=weight, reduction=reduction, out=out, threads=threads)


def grad_and_hess(x, mu, s, t, on, *, weight=None, reduction="mean", out=None, threads=None):
    return _DRIVER.grad_and_hess((x, mu, s, t, on), (), weight=weight, reduction=reduction, out=out, threads=threads)


def hvp(x, mu, s, t, on, *, v, weight=None, reduction="mean", out=None, threads=None):
    return _DRIVER.hvp((x, mu, s, t, on), (), v=v, weight=weight, reduction=reduction, out=out, threads=threads)
