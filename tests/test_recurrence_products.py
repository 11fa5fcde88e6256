"""Products with Hessians where one of the paths of a lattice is nearly certain, to 1e-9 of their row's largest entry.

They are compared with finite differences of gradients from forward and backward sums in 800 digits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

STEP = mpmath.mpf(10) ** -150
SMALLEST = 2.0**-1022  # rows below are no numbers of full precision
Gradient = Callable[[Any], Any]  # both of arrays of mpmath's numbers

HEIGHTS = pytest.mark.parametrize("height", [0.0, 5.0, 30.0, 200.0])
SEEDS = pytest.mark.parametrize("seed", range(4))


def _numbers(array: Any) -> Any:
    return np.vectorize(mpmath.mpf, otypes=[object])(array)


_exp = np.vectorize(mpmath.exp, otypes=[object])


def _check(product: Any, gradient: Gradient, x: Any, v: Any) -> None:
    """Compare rows, which are the last axis, with the change of the gradient along v."""
    high, low = (gradient(_numbers(x) + sign * STEP * _numbers(v)) for sign in (1, -1))
    exact = (high - low) / (2 * STEP)
    largest = abs(exact).max(axis=-1, keepdims=True)
    assert largest.min() > 0
    assert (abs(_numbers(product) - exact) <= 1e-9 * np.maximum(largest, mpmath.mpf(SMALLEST))).all()


def _of_alignments(label: Any) -> Gradient:
    """Return the gradient in the logits of what aligns labels and frames."""

    def gradient(z: Any) -> Any:
        frames, places, _ = z.shape
        p = _exp(z)
        p /= p.sum(axis=-1, keepdims=True)
        here = np.full((frames + 1, places + 1), mpmath.mpf(0))
        left = here.copy()
        left[frames, places - 1] = mpmath.mpf(1)
        for t, u in np.ndindex(frames, places):
            here[t, u] = mpmath.mpf(t == u == 0)
            here[t, u] += here[t - 1, u] * p[t - 1, u, 0] if t else 0
            here[t, u] += here[t, u - 1] * p[t, u - 1, label[u - 1]] if u else 0
        total = here[frames - 1, places - 1] * p[-1, -1, 0]
        slope = np.full(z.shape, mpmath.mpf(0))
        for t in range(frames - 1, -1, -1):
            for u in range(places - 1, -1, -1):
                taken = {0: p[t, u, 0] * left[t + 1, u]}
                if u < places - 1:
                    taken[label[u]] = p[t, u, label[u]] * left[t, u + 1]
                left[t, u] = sum(taken.values())
                slope[t, u] = here[t, u] * left[t, u] / total * p[t, u]
                for k, weight in taken.items():
                    slope[t, u, k] -= here[t, u] * weight / total
        return slope

    return gradient


def _of_warpings(distance: Any) -> Any:
    """Return how much of all ways through a matrix goes through each of its entries."""
    n, m = distance.shape
    weight = _exp(-distance)
    here, left = (np.full((n + 2, m + 2), mpmath.mpf(0)) for _ in range(2))  # with an empty margin
    here[0, 0], left[n, m] = mpmath.mpf(1), mpmath.mpf(1)
    for i, j in np.ndindex(n, m):
        here[i + 1, j + 1] = (here[i, j + 1] + here[i + 1, j] + here[i, j]) * weight[i, j]
    total, share = here[n, m], np.full((n, m), mpmath.mpf(0))
    behind = np.full((n + 2, m + 2), mpmath.mpf(0))  # of the entry itself, too
    for i in range(n - 1, -1, -1):
        for j in range(m - 1, -1, -1):
            after = behind[i + 2, j + 1] + behind[i + 1, j + 2] + behind[i + 2, j + 2] + left[i + 1, j + 1]
            share[i, j] = here[i + 1, j + 1] * after / total
            behind[i + 1, j + 1] = after * weight[i, j]
    return share


@HEIGHTS
@SEEDS
@pytest.mark.parametrize("wanted", [True, False])
def test_alignments(sequences: Any, height: float, seed: int, wanted: bool) -> None:
    """What is nearly certain is one alignment, or an entry of every row, which the label may not take."""
    rng, frames, labels, classes = np.random.default_rng(seed), 5, 3, 4
    label = rng.integers(1, classes, labels)
    z, v = rng.normal(size=(2, frames, labels + 1, classes))
    if wanted:
        t = u = 0
        for reads in rng.permutation([False] * (frames - 1) + [True] * labels):
            z[t, u, label[u] if reads else 0] += height
            t, u = (t, u + 1) if reads else (t + 1, u)
        z[t, u, 0] += height
    else:
        for t, u in np.ndindex(frames, labels + 1):
            z[t, u, rng.integers(classes)] += height
    with mpmath.workdps(800):
        _check(sequences("rnnt_with_logits").hvp(z, label, v=v), _of_alignments(label), z, v)


@HEIGHTS
@SEEDS
@pytest.mark.parametrize("wanted", [True, False])
def test_warpings(sequences: Any, height: float, seed: int, wanted: bool) -> None:
    """What is nearly certain is one way, or what goes through one entry of every row."""
    rng, n, m = np.random.default_rng(seed), 6, 5
    distance, v = rng.normal(size=(2, n, m))
    if wanted:
        i = j = 0
        distance[0, 0] -= height
        while (i, j) != (n - 1, m - 1):
            nexts = [(a, b) for a, b in ((i + 1, j), (i, j + 1), (i + 1, j + 1)) if a < n and b < m]
            i, j = nexts[rng.integers(len(nexts))]
            distance[i, j] -= height
    else:
        distance[range(n), rng.integers(m, size=n)] -= height
    with mpmath.workdps(800):
        _check(sequences("soft_dtw").hvp(distance, v=v), _of_warpings, distance, v)
