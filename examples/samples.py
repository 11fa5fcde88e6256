"""Judges generated digits beside those of a Gaussian mixture from scikit-learn."""

from __future__ import annotations

import numpy as np
from sklearn.mixture import GaussianMixture

from .digits import SampleJudge, images
from .results import Array, Result


def compare(example: str, samples: Array) -> list[Result]:
    """Return how clear the samples are, and how many digits there are among them."""
    x, _ = images()
    mixture = GaussianMixture(10, covariance_type="diag", random_state=0).fit(x)
    theirs = np.clip(mixture.sample(len(samples))[0], 0.0, 1.0)
    judge = SampleJudge()
    by = "GaussianMixture"
    return [
        Result(example, "clear samples", judge.quality(samples), judge.quality(theirs), by, 0.05, True),
        Result(example, "digits covered", judge.coverage(samples), judge.coverage(theirs), by, 1.0, True),
    ]
