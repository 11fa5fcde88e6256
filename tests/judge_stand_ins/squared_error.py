"""Right kernels of `squared_error`."""

import numpy as np

from .interface import Elementwise

KERNELS = Elementwise(
    loss=lambda x, y: (x - y) ** 2,
    slope=lambda x, y: 2 * (x - y),
    curvature=lambda x, y: np.where(np.isnan(x), np.nan, 2.0),
)
value, grad, value_and_grad = KERNELS.value, KERNELS.grad, KERNELS.value_and_grad
grad_and_hess, hvp = KERNELS.grad_and_hess, KERNELS.hvp
sample_value, sample_value_and_grad = KERNELS.sample_value, KERNELS.sample_value_and_grad
