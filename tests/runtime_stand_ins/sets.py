"""mean(a**2) - mean(b)**2 of two sets of samples."""

import numpy as np

from ._runtime import Array, Driver, add_terms, describe, kernel, weighted

_ARGUMENTS = (Array("a", "prediction"), Array("b", "prediction"))
INFO = describe("sets", "Sets", "", _ARGUMENTS, over_sets=True)


@kernel
def _mean(x, power):
    total = 0.0
    for j in range(x.size):
        total += x[j] ** power
    return total / x.size


@kernel
def _value(a, b, weight, losses):
    for i in range(a.shape[0]):
        losses[i] = weighted(weight, i, 1.0) * (_mean(a[i], 2) - _mean(b[i], 1) ** 2)
    return True


@kernel
def _value_and_grad(a, b, weight, scale, losses, grad_a, grad_b):
    for i in range(a.shape[0]):
        mean = _mean(b[i], 1)
        losses[i] = weighted(weight, i, 1.0) * (_mean(a[i], 2) - mean**2)
        for j in range(a.shape[1]):
            grad_a[i, j] = weighted(weight, i, scale) * 2 * a[i, j] / a.shape[1]
        for j in range(b.shape[1]):
            grad_b[i, j] = -weighted(weight, i, scale) * 2 * mean / b.shape[1]
    return True


@kernel
def _grad_and_hess(a, b, weight, scale, grad_a, grad_b, hess_a, hess_b):
    for i in range(a.shape[0]):
        mean = _mean(b[i], 1)
        for j in range(a.shape[1]):
            grad_a[i, j] = weighted(weight, i, scale) * 2 * a[i, j] / a.shape[1]
            hess_a[i, j] = weighted(weight, i, scale) * 2 / a.shape[1]
        for j in range(b.shape[1]):
            grad_b[i, j] = -weighted(weight, i, scale) * 2 * mean / b.shape[1]
            hess_b[i, j] = -weighted(weight, i, scale) * 2 / b.shape[1] ** 2
    return True


@kernel
def _hvp(a, b, weight, scale, v_a, v_b, product_a, product_b):
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            product_a[i, j] = weighted(weight, i, scale) * 2 * v_a[i, j] / a.shape[1]
        mean = _mean(v_b[i], 1)
        for j in range(b.shape[1]):
            product_b[i, j] = -weighted(weight, i, scale) * 2 * mean / b.shape[1]
    return True


@kernel
def _total(a, b, weight):
    losses = np.empty(a.shape[0])
    inside = _value(a, b, weight, losses)
    total, lost = add_terms(0.0, 0.0, losses, a)
    return inside, total + lost


@kernel
def _total_and_grad(a, b, weight, scale, grad_a, grad_b):
    losses = np.empty(a.shape[0])
    inside = _value_and_grad(a, b, weight, scale, losses, grad_a, grad_b)
    total, lost = add_terms(0.0, 0.0, losses, a)
    return inside, total + lost


_DRIVER = Driver(_ARGUMENTS, (), _value, _value_and_grad, _grad_and_hess, _hvp, _total, _total_and_grad, over_sets=True)


def value(a, b, *, out=None, threads=None, **unknown):
    _DRIVER.refuse(unknown)
    return _DRIVER.value((a, b), (), out=out, threads=threads)


def grad(a, b, *, out=None, threads=None, **unknown):
    _DRIVER.refuse(unknown)
    return _DRIVER.grad((a, b), (), out=out, threads=threads)


def value_and_grad(a, b, *, out=None, threads=None, **unknown):
    _DRIVER.refuse(unknown)
    return _DRIVER.value_and_grad((a, b), (), out=out, threads=threads)


def grad_and_hess(a, b, *, out=None, threads=None, **unknown):
    _DRIVER.refuse(unknown)
    return _DRIVER.grad_and_hess((a, b), (), out=out, threads=threads)


def hvp(a, b, *, v, out=None, threads=None, **unknown):
    _DRIVER.refuse(unknown)
    return _DRIVER.hvp((a, b), (), v=v, out=out, threads=threads)
