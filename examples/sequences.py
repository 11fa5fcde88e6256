"""Lines of handwritten digits, and what tells how well they were read."""

from __future__ import annotations

import numpy as np

from .digits import images
from .results import Array


def halves(rng: np.random.Generator) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Return images and digits for training, and others for tests: three quarters and one quarter."""
    x, y = images()
    order = rng.permutation(len(x))
    cut = 3 * len(x) // 4
    return (x[order[:cut]], y[order[:cut]]), (x[order[cut:]], y[order[cut:]])


class Lines:
    """Images of lines of 3 to 8 digits with random gaps, padded to one width.

    Attributes
    ----------
    pixels : ndarray, shape (lines, columns, 8)
        Intensities, a column at a time.
    columns, sizes : ndarray
        How many columns and digits each line has.
    digits : ndarray, shape (lines, 8)
        What is written, then padding.
    """

    def __init__(self, count: int, data: tuple[Array, Array], rng: np.random.Generator) -> None:
        x, y = data
        self.sizes = rng.integers(3, 9, count)
        self.digits = np.zeros((count, 8), np.int64)
        self.columns = np.zeros(count, np.int64)
        self.pixels = np.zeros((count, 8 * 8 + 9 * 4, 8))
        for line, size in enumerate(self.sizes):
            chosen, at = rng.integers(0, len(x), size), int(rng.integers(0, 5))
            for place, image in enumerate(chosen):
                self.pixels[line, at : at + 8] = x[image].reshape(8, 8).T
                at += 8 + int(rng.integers(0, 5))
                self.digits[line, place] = y[image]
            self.columns[line] = at

    def windows(self, reach: int = 5) -> Array:
        """Return for every column the columns around it, shape (lines, columns, 8 * (2 * reach + 1))."""
        padded = np.pad(self.pixels, ((0, 0), (reach, reach), (0, 0)))
        width = self.pixels.shape[1]
        return np.concatenate([padded[:, i : i + width] for i in range(2 * reach + 1)], axis=2)


def edits(a: list[int], b: list[int]) -> int:
    """Return how many insertions, deletions and replacements turn one sequence into the other (Levenshtein)."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
    return row[-1]
