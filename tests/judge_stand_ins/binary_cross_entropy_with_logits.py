"""Right kernels of `binary_cross_entropy_with_logits`."""

import numpy as np

from .interface import Elementwise


def softplus(x):
    """Return log(1 + exp(x))."""
    return np.where(np.isnan(x), x, np.maximum(x, 0.0)) + np.log1p(np.exp(-np.abs(x)))


def sigmoid(x):
    """Return 1 / (1 + exp(-x))."""
    e = np.exp(-np.abs(x))
    return np.where(x > 0, 1.0, e) / (1.0 + e)


def times(x, y):
    """Return a product that is 0 where x is."""
    return np.where((x == 0) & ~np.isnan(y), 0.0, x * y)


KERNELS = Elementwise(
    loss=lambda z, y: times(y, softplus(-z)) + times(1 - y, softplus(z)),
    slope=lambda z, y: (1 - y) * sigmoid(z) - y * sigmoid(-z),
    curvature=lambda z, y: sigmoid(z) * sigmoid(-z),
)
value, grad, value_and_grad = KERNELS.value, KERNELS.grad, KERNELS.value_and_grad
grad_and_hess, hvp = KERNELS.grad_and_hess, KERNELS.hvp
sample_value, sample_value_and_grad = KERNELS.sample_value, KERNELS.sample_value_and_grad
