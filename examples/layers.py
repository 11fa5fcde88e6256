"""Multilayer perceptrons with back-propagation in NumPy: the loss at their end is symloss's."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from .results import Array


class MLP:
    """Dense layers with tanh or leaky rectifiers between them.

    Parameters
    ----------
    sizes : sequence of int
        Width of every layer, input and output included.
    rng : Generator
        For the initial weights.
    leak : float, optional
        Slope of a leaky rectifier; None stands for tanh.
    """

    def __init__(self, sizes: Sequence[int], rng: np.random.Generator, leak: float | None = None) -> None:
        self.leak = leak
        gain = 1.0 if leak is None else np.sqrt(2.0)
        self.weights = [rng.normal(size=(m, n)) * gain / np.sqrt(m) for m, n in itertools.pairwise(sizes)]
        self.biases = [np.zeros(n) for n in sizes[1:]]
        self._inputs: list[Array] = []

    @property
    def parameters(self) -> list[Array]:
        """Weights and biases, in the order of the gradients that `backward` returns."""
        return [*self.weights, *self.biases]

    def forward(self, x: Array) -> Array:
        """Return the output of the last layer; what `backward` needs is kept."""
        self._inputs = []
        for layer, (w, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            if layer:
                x = np.tanh(x) if self.leak is None else np.where(x > 0, x, self.leak * x)
            self._inputs.append(x)
            x = x @ w + b
        return x

    def backward(self, grad: Array) -> tuple[Array, list[Array]]:
        """Return the gradient in the input, and in the parameters, given that in the output."""
        weights: list[Array] = []
        biases: list[Array] = []
        for layer in range(len(self.weights) - 1, -1, -1):
            x = self._inputs[layer]
            weights.insert(0, x.T @ grad)
            biases.insert(0, grad.sum(0))
            grad = grad @ self.weights[layer].T
            if layer:
                grad = grad * (1 - x * x if self.leak is None else np.where(x > 0, 1.0, self.leak))
        return grad, [*weights, *biases]


class Adam:
    """Adaptive moments (Kingma and Ba 2015), in place."""

    def __init__(self, parameters: list[Array], rate: float = 1e-3, beta: float = 0.9) -> None:
        self._parameters, self._rate, self._beta = parameters, rate, beta
        self._means = [np.zeros_like(p) for p in parameters]
        self._squares = [np.zeros_like(p) for p in parameters]
        self._steps = 0

    def step(self, gradients: list[Array]) -> None:
        """Take one step down."""
        self._steps += 1
        correction = np.sqrt(1 - 0.999**self._steps) / (1 - self._beta**self._steps)
        for p, g, m, s in zip(self._parameters, gradients, self._means, self._squares, strict=True):
            m += (1 - self._beta) * (g - m)
            s += 0.001 * (g * g - s)
            p -= self._rate * correction * m / (np.sqrt(s) + 1e-8)


def batches(count: int, size: int, rng: np.random.Generator) -> list[Array]:
    """Return the positions of shuffled batches of one epoch; a last short one is dropped."""
    order = rng.permutation(count)
    return [order[i : i + size] for i in range(0, count - size + 1, size)]
