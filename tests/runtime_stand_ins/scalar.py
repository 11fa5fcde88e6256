"""Curvature * (z - y)**3 of a scalar prediction, with y in [0, 1]."""

import math

import numpy as np

from ._runtime import Array, Driver, Interval, Scalar, add_terms, describe, kernel, weighted

_ARGUMENTS = (Array("z", "prediction"), Array("y", "target", (), Interval(0.0, 1.0)))
_PARAMETERS = (Scalar("curvature", 1.0, Interval(0.0, math.inf)),)
INFO = describe("scalar", "Cube", "", _ARGUMENTS, _PARAMETERS)


@kernel
def _value(z, y, curvature, weight, losses):
    outside = False
    for i in range(z.size):
        outside |= (y[i] < 0) | (y[i] > 1)
        d = z[i] - y[i]
        losses[i] = weighted(weight, i, 1.0) * (curvature * (d * d * d))
    return not outside


@kernel
def _value_and_grad(z, y, curvature, weight, scale, losses, grad_z):
    outside = False
    for i in range(z.size):
        outside |= (y[i] < 0) | (y[i] > 1)
        d = z[i] - y[i]
        losses[i] = weighted(weight, i, 1.0) * (curvature * (d * d * d))
        grad_z[i] = weighted(weight, i, scale) * (curvature * 3 * (d * d))
    return not outside


@kernel
def _grad_and_hess(z, y, curvature, weight, scale, grad_z, hess_z):
    outside = False
    for i in range(z.size):
        outside |= (y[i] < 0) | (y[i] > 1)
        d = z[i] - y[i]
        grad_z[i] = weighted(weight, i, scale) * (curvature * 3 * (d * d))
        hess_z[i] = weighted(weight, i, scale) * (curvature * 6 * d)
    return not outside


@kernel
def _hvp(z, y, curvature, weight, scale, v_z, product_z):
    outside = False
    for i in range(z.size):
        outside |= (y[i] < 0) | (y[i] > 1)
        product_z[i] = weighted(weight, i, scale) * (curvature * 6 * (z[i] - y[i])) * v_z[i]
    return not outside


@kernel
def _total(z, y, curvature, weight):
    losses = np.empty(z.shape[0])
    inside = _value(z, y, curvature, weight, losses)
    total, lost = add_terms(0.0, 0.0, losses, z)
    return inside, total + lost


@kernel
def _total_and_grad(z, y, curvature, weight, scale, grad_z):
    losses = np.empty(z.shape[0])
    inside = _value_and_grad(z, y, curvature, weight, scale, losses, grad_z)
    total, lost = add_terms(0.0, 0.0, losses, z)
    return inside, total + lost


_DRIVER = Driver(_ARGUMENTS, _PARAMETERS, _value, _value_and_grad, _grad_and_hess, _hvp, _total, _total_and_grad)


def value(z, y, *, curvature=1.0, weight=None, reduction="mean", out=None, threads=None):
    return _DRIVER.value((z, y), (curvature,), weight=weight, reduction=reduction, out=out, threads=threads)


def grad(z, y, *, curvature=1.0, weight=None, reduction="mean", out=None, threads=None):
    return _DRIVER.grad((z, y), (curvature,), weight=weight, reduction=reduction, out=out, threads=threads)


def value_and_grad(z, y, *, curvature=1.0, weight=None, reduction="mean", out=None, threads=None):
    return _DRIVER.value_and_grad((z, y), (curvature,), weight=weight, reduction=reduction, out=out, threads=threads)


def grad_and_hess(z, y, *, curvature=1.0, weight=None, reduction="mean", out=None, threads=None):
    return _DRIVER.grad_and_hess((z, y), (curvature,), weight=weight, reduction=reduction, out=out, threads=threads)


def hvp(z, y, *, v, curvature=1.0, weight=None, reduction="mean", out=None, threads=None):
    return _DRIVER.hvp((z, y), (curvature,), v=v, weight=weight, reduction=reduction, out=out, threads=threads)
