"""Reads lines of handwritten digits: a network over columns, trained with CTC on what is written, not on where.

The best path for known digits says where each of them is; the best sequence of symbols, repeats and blanks taken out,
is what the network reads.
"""

from __future__ import annotations

import itertools
from types import ModuleType

import numpy as np
from sklearn.linear_model import LogisticRegression
from symloss.generated import ctc_with_logits, linear_chain_crf

from .layers import MLP, Adam, batches
from .results import PICTURES, Array, Result
from .sequences import Lines, edits, halves

_BLANK, _SYMBOLS = 0, 11  # a digit d is the symbol d + 1


def train(loss: ModuleType, lines: Lines, epochs: int, seed: int = 0) -> tuple[MLP, list[float]]:
    """Return the network and the mean loss of every epoch."""
    rng = np.random.default_rng(seed)
    windows = lines.windows()
    network = MLP((windows.shape[2], 64, _SYMBOLS), rng, leak=0.0)
    adam = Adam(network.parameters, rate=3e-3)
    history = []
    for _ in range(epochs):
        losses = []
        for batch in batches(len(windows), 25, rng):
            x = windows[batch]
            z = network.forward(x.reshape(-1, x.shape[2])).reshape(*x.shape[:2], _SYMBOLS)
            given = (lines.digits[batch] + 1, lines.columns[batch], lines.sizes[batch])
            value, grad = loss.value_and_grad(z, *given, blank=_BLANK)
            adam.step(network.backward(grad.reshape(-1, _SYMBOLS))[1])
            losses.append(float(value))
        history.append(float(np.mean(losses)))
    return network, history


def logits(network: MLP, lines: Lines) -> Array:
    """Return the logits of every column."""
    windows = lines.windows()
    return network.forward(windows.reshape(-1, windows.shape[2])).reshape(*windows.shape[:2], _SYMBOLS)


def read(chain: ModuleType, z: Array, columns: Array) -> list[list[int]]:
    """Return the digits of the best sequence of symbols, in which any symbol may follow any other."""
    free = np.zeros((_SYMBOLS, _SYMBOLS)), np.zeros(_SYMBOLS), np.zeros(_SYMBOLS)
    paths = chain.decode(z, *free, columns)
    return [
        [int(s) - 1 for s, _ in itertools.groupby(path[:size]) if s != _BLANK]
        for path, size in zip(paths, columns, strict=True)
    ]


def error_rate(readings: list[list[int]], lines: Lines) -> float:
    """Return the number of edits for every digit written."""
    wrong = sum(
        edits(reading, digits[:size].tolist())
        for reading, digits, size in zip(readings, lines.digits, lines.sizes, strict=True)
    )
    return wrong / float(lines.sizes.sum())


def run(count: int = 1500, epochs: int = 30) -> list[Result]:
    """Compare with logistic regression on digits that are cut out for it."""
    ctc, chain = ctc_with_logits, linear_chain_crf
    rng = np.random.default_rng(0)
    known, unknown = halves(rng)
    network, _ = train(ctc, Lines(count, known, rng), epochs)
    lines = Lines(300, unknown, rng)
    z = logits(network, lines)
    readings = read(chain, z, lines.columns)
    save_lines(ctc, z, lines, readings)
    peer = LogisticRegression(max_iter=2000).fit(*known)
    reference = 1 - float(peer.score(*unknown))
    return [
        Result(
            "digit lines",
            "label error rate",
            error_rate(readings, lines),
            reference,
            "LogisticRegression, cut out",
            0.03,
            False,
        )
    ]


def save_lines(ctc: ModuleType, z: Array, lines: Lines, readings: list[list[int]]) -> None:
    """Save pictures of a few lines, with what was read, and where the best path has each digit that is written."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    PICTURES.mkdir(exist_ok=True)
    places = ctc.decode(z, lines.digits + 1, lines.columns, lines.sizes, blank=_BLANK)
    figure, axes = pyplot.subplots(8, 1, figsize=(8, 9))
    for line, axis in enumerate(axes):
        width = int(lines.columns[line])
        axis.imshow(lines.pixels[line, :width].T, cmap="gray_r")
        written = "".join(map(str, lines.digits[line, : lines.sizes[line]]))
        axis.set_title(f"written {written}, read {''.join(map(str, readings[line]))}", fontsize=9)
        for place in range(1, 2 * int(lines.sizes[line]), 2):
            for column in np.flatnonzero(places[line, :width] == place):
                axis.axvline(column, color="tab:red", alpha=0.5)
        axis.axis("off")
    figure.tight_layout()
    figure.savefig(PICTURES / "digit_lines.png", dpi=80)
    pyplot.close(figure)
