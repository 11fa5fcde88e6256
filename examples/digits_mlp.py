"""A multilayer perceptron on the digits, with sparse cross-entropy from logits."""

from __future__ import annotations

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from symloss.generated import sparse_cross_entropy_with_logits as loss

from .digits import images
from .layers import MLP, Adam, batches
from .results import Array, Result


def train(x: Array, y: Array, epochs: int = 60, seed: int = 0) -> tuple[MLP, list[float]]:
    """Return the network and the mean loss of every epoch."""
    rng = np.random.default_rng(seed)
    network = MLP((64, 100, 10), rng, leak=0.0)
    adam = Adam(network.parameters, rate=2e-3)
    history = []
    for _ in range(epochs):
        losses = []
        for batch in batches(len(x), 100, rng):
            value, grad = loss.value_and_grad(network.forward(x[batch]), y[batch])
            adam.step(network.backward(grad)[1])
            losses.append(float(value))
        history.append(float(np.mean(losses)))
    return network, history


def run() -> list[Result]:
    """Compare with scikit-learn's perceptron of the same size on the same split."""
    x, y = images()
    x_train, x_test, y_train, y_test = train_test_split(x, y, random_state=0, stratify=y)
    network, _ = train(x_train, y_train)
    ours = float(np.mean(network.forward(x_test).argmax(1) == y_test))
    peer = MLPClassifier((100,), max_iter=400, random_state=0).fit(x_train, y_train)
    return [Result("digits, MLP", "accuracy", ours, peer.score(x_test, y_test), "MLPClassifier", 0.01, True)]
