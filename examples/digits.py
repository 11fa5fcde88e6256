"""The digits data, and a judge of generated samples."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits
from sklearn.svm import SVC

from .results import Array


def images() -> tuple[Array, Array]:
    """Return 1797 images of 64 intensities between 0 and 1, and what they show."""
    x, y = load_digits(return_X_y=True)
    return x / 16.0, y


class SampleJudge:
    """A classifier that knows real digits: how sure it is of samples, and how many of the ten digits it sees."""

    def __init__(self) -> None:
        x, y = images()
        self._real = SVC(C=10.0).fit(x, y)
        self._scale = float(np.median(self._margin(x)))

    def _margin(self, x: Array) -> Array:
        scores = np.sort(self._real.decision_function(x), axis=1)
        return scores[:, -1] - scores[:, -2]

    def quality(self, samples: Array) -> float:
        """Return the share of samples that are told as clearly as the less clear half of real digits."""
        return float(np.mean(self._margin(samples) > 0.9 * self._scale))

    def coverage(self, samples: Array) -> int:
        """Return how many digits make up at least 2% of the samples."""
        shares = np.bincount(self._real.predict(samples), minlength=10) / len(samples)
        return int(np.sum(shares >= 0.02))
