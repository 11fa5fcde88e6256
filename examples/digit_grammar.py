"""Noisy digits that follow a grammar: a chain learns which digit follows which, and reads what an image alone hides."""

from __future__ import annotations

from types import ModuleType

import numpy as np
from sklearn.linear_model import LogisticRegression
from symloss.generated import linear_chain_crf

from .layers import MLP, Adam, batches
from .results import Array, Result
from .sequences import halves

_LENGTH, _NOISE = 12, 0.6


class Runs:
    """Sequences of digits, most of them one more than the last, each seen through noise."""

    def __init__(self, count: int, data: tuple[Array, Array], rng: np.random.Generator) -> None:
        x, y = data
        self.lengths = rng.integers(4, _LENGTH + 1, count)
        self.tags = np.zeros((count, _LENGTH), np.int64)
        self.tags[:, 0] = rng.integers(0, 10, count)
        for place in range(1, _LENGTH):
            ascends = rng.random(count) < 0.9
            self.tags[:, place] = np.where(ascends, (self.tags[:, place - 1] + 1) % 10, rng.integers(0, 10, count))
        of_digit = [np.flatnonzero(y == digit) for digit in range(10)]
        chosen = np.array([[rng.choice(of_digit[tag]) for tag in tags] for tags in self.tags])
        self.images = x[chosen] + _NOISE * rng.normal(size=(count, _LENGTH, x.shape[1]))
        self.there = np.arange(_LENGTH) < self.lengths[:, None]


def train(loss: ModuleType, runs: Runs, epochs: int, seed: int = 0) -> tuple[MLP, list[Array], list[float]]:
    """Return the network of emissions, transitions with start and end, and the mean loss of every epoch."""
    rng = np.random.default_rng(seed)
    network = MLP((64, 10), rng)
    chain = [np.zeros((10, 10)), np.zeros(10), np.zeros(10)]
    adam = Adam([*network.parameters, *chain], rate=1e-2)
    history = []
    for _ in range(epochs):
        losses = []
        for batch in batches(len(runs.tags), 50, rng):
            emission = network.forward(runs.images[batch].reshape(-1, 64)).reshape(-1, _LENGTH, 10)
            value, grads = loss.value_and_grad(emission, *chain, runs.tags[batch], runs.lengths[batch])
            adam.step([*network.backward(grads[0].reshape(-1, 10))[1], *grads[1:]])
            losses.append(float(value))
        history.append(float(np.mean(losses)))
    return network, chain, history


def run(count: int = 1000, epochs: int = 20) -> list[Result]:
    """Compare with logistic regression, which sees one image at a time."""
    loss = linear_chain_crf
    rng = np.random.default_rng(1)
    known, unknown = halves(rng)
    runs, tests = Runs(count, known, rng), Runs(300, unknown, rng)
    network, chain, _ = train(loss, runs, epochs)
    emission = network.forward(tests.images.reshape(-1, 64)).reshape(-1, _LENGTH, 10)
    paths = loss.decode(emission, *chain, tests.lengths)
    ours = float(np.mean(paths[tests.there] == tests.tags[tests.there]))
    peer = LogisticRegression(max_iter=2000).fit(runs.images[runs.there], runs.tags[runs.there])
    reference = float(peer.score(tests.images[tests.there], tests.tags[tests.there]))
    return [Result("digit grammar", "accuracy of tags", ours, reference, "LogisticRegression, one by one", 0.0, True)]
