"""class_weight[label] * (sum(z)**2 - z[label]) of a row z; the normalizer is class_weight[label]."""

import math

import numpy as np

from ._runtime import Array, Driver, Interval, Labels, add_terms, describe, kernel, weighted

_ARGUMENTS = (
    Array("z", "prediction", ("C",)),
    Array("label", "target", (), Labels(0, "C")),
    Array("class_weight", "weight", ("C",), Interval(0.0, math.inf)),
)
INFO = describe("labelled", "Labelled", "", _ARGUMENTS)


@kernel
def _loss(z, k):
    total = 0.0
    for c in range(z.size):
        total += z[c]
    return total, total * total - z[k]


@kernel
def _value(z, label, class_weight, weight, losses):
    for i in range(z.shape[0]):
        _, loss = _loss(z[i], label[i])
        losses[i] = weighted(weight, i, 1.0) * (class_weight[label[i]] * loss)
    return True


@kernel
def _value_and_grad(z, label, class_weight, weight, scale, losses, grad_z):
    for i in range(z.shape[0]):
        total, loss = _loss(z[i], label[i])
        losses[i] = weighted(weight, i, 1.0) * (class_weight[label[i]] * loss)
        factor = weighted(weight, i, scale)
        for c in range(z.shape[1]):
            grad_z[i, c] = factor * (class_weight[label[i]] * (2 * total - (c == label[i])))
    return True


@kernel
def _grad_and_hess(z, label, class_weight, weight, scale, grad_z, hess_z):
    for i in range(z.shape[0]):
        total, _ = _loss(z[i], label[i])
        factor = weighted(weight, i, scale)
        for c in range(z.shape[1]):
            grad_z[i, c] = factor * (class_weight[label[i]] * (2 * total - (c == label[i])))
            hess_z[i, c] = factor * (class_weight[label[i]] * 2)
    return True


@kernel
def _hvp(z, label, class_weight, weight, scale, v_z, product_z):
    for i in range(z.shape[0]):
        total, _ = _loss(v_z[i], label[i])
        for c in range(z.shape[1]):
            product_z[i, c] = weighted(weight, i, scale) * (class_weight[label[i]] * 2 * total)
    return True


@kernel
def _normalizer(z, label, class_weight, weight, normalizers):
    for i in range(z.shape[0]):
        normalizers[i] = weighted(weight, i, 1.0) * class_weight[label[i]]
    return True


@kernel
def _total(z, label, class_weight, weight):
    losses = np.empty(z.shape[0])
    inside = _value(z, label, class_weight, weight, losses)
    total, lost = add_terms(0.0, 0.0, losses, z)
    return inside, total + lost


@kernel
def _total_and_grad(z, label, class_weight, weight, scale, grad_z):
    losses = np.empty(z.shape[0])
    inside = _value_and_grad(z, label, class_weight, weight, scale, losses, grad_z)
    total, lost = add_terms(0.0, 0.0, losses, z)
    return inside, total + lost


@kernel
def _total_normalizer(z, label, class_weight, weight):
    normalizers = np.empty(z.shape[0])
    inside = _normalizer(z, label, class_weight, weight, normalizers)
    total, lost = add_terms(0.0, 0.0, normalizers, z)
    return inside, total + lost


_DRIVER = Driver(
    _ARGUMENTS,
    (),
    _value,
    _value_and_grad,
    _grad_and_hess,
    _hvp,
    _total,
    _total_and_grad,
    total_normalizer=_total_normalizer,
)


def value(z, label, class_weight, *, weight=None, reduction="mean", out=None, threads=None):
    return _DRIVER.value((z, label, class_weight), (), weight=weight, reduction=reduction, out=out, threads=threads)


def grad(z, label, class_weight, *, weight=None, reduction="mean", out=None, threads=None):
    return _DRIVER.grad((z, label, class_weight), (), weight=weight, reduction=reduction, out=out, threads=threads)


def value_and_grad(z, label, class_weight, *, weight=None, reduction="mean", out=None, threads=None):
    return _DRIVER.value_and_grad(
        (z, label, class_weight), (), weight=weight, reduction=reduction, out=out, threads=threads
    )


def grad_and_hess(z, label, class_weight, *, weight=None, reduction="mean", out=None, threads=None):
    return _DRIVER.grad_and_hess(
        (z, label, class_weight), (), weight=weight, reduction=reduction, out=out, threads=threads
    )


def hvp(z, label, class_weight, *, v, weight=None, reduction="mean", out=None, threads=None):
    return _DRIVER.hvp((z, label, class_weight), (), v=v, weight=weight, reduction=reduction, out=out, threads=threads)
