"""Rows and places of one front in plain floats: the compiled functions against formulas in 50 digits."""

from __future__ import annotations

from typing import Any

import mpmath
import numba
import numpy as np
import pytest
from symloss.generated._runtime.plain_fronts import (
    complete_entries,
    complete_places,
    readers,
    weigh_places,
    worth_keeping,
)
from symloss.generated._runtime.pointers import start_of, whole
from symloss.generated._runtime.pools import cleared, pools


@numba.njit
def _front(row: Any, entry: Any, shares: Any, factor: float) -> Any:
    """Return the softmax of places, and the gradient by both ways."""
    pool = pools()
    entries, reader, others, most, where = readers(cleared(pool), entry, row.shape[1])
    sizes = row.shape[1], entry.size, others.shape[1]
    terms, node = np.empty((1, row.shape[1])), np.empty((1, entry.size))
    reading = entries[0], start_of(others, 0, 0), start_of(others, 2, 0)
    place, rest, _ = weigh_places(*sizes, start_of(row, 0, 0), *reading, start_of(terms, 0, 0), start_of(node, 0, 0))
    one, other, sums = np.empty_like(row), terms.astype(row.dtype), np.empty(row.shape[1])
    given = (*sizes, start_of(shares, 0, 0), *reading, whole(most), start_of(terms, 0, 0), whole(sums))
    fine = complete_entries(*given, place, rest, factor, start_of(one, 0, 0))
    groups = entries, reader, others, most, where
    also = complete_places(shares[0], *groups, node[0], sums[: entries.size], place, rest, factor, other[0])
    return node[0], one[0], other[0], fine, also


def _floats(numbers: list[Any]) -> Any:
    return np.array([float(x) for x in numbers])


def _wanted(row: Any, entry: Any, shares: Any, factor: float) -> tuple[Any, Any, Any]:
    """Return the softmax of places, the gradient, and the size of what it is the difference of."""
    with mpmath.workdps(50):
        terms = [mpmath.exp(mpmath.mpf(float(x))) for x in row]
        softmax = [term / mpmath.fsum(terms) for term in terms]
        total = mpmath.fsum(map(float, shares))
        sums = [mpmath.fsum(float(s) for s, e in zip(shares, entry, strict=True) if e == k) for k in range(len(row))]
        grad = [factor * (s - total * p) for s, p in zip(sums, softmax, strict=True)]
        sizes = [abs(factor) * (s + total * p) for s, p in zip(sums, softmax, strict=True)]
        return _floats([softmax[k] for k in entry]), _floats(grad), _floats(sizes)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("size", "places"), [(2, 1), (2, 5), (5, 41), (8, 9), (32, 41), (33, 20), (300, 17)])
@pytest.mark.parametrize("scale", [1.0, 12.0])
def test_weights_and_gradients_of_a_front(dtype: str, size: int, places: int, scale: float) -> None:
    rng = np.random.default_rng(size * places)
    row = (scale * rng.normal(size=(1, size))).astype(dtype)
    entry = rng.integers(0, size, places)
    entry[::2] = 0
    for largest in (0, int(entry[-1]), size - 1):
        row[0, largest] = row.max() + scale
        shares = rng.dirichlet(np.ones(places))[None]
        node, one, other, fine, also = _front(row, entry, shares, -0.5)
        softmax, grad, sizes = _wanted(row[0], entry, shares[0], -0.5)
        in_float64, rounding = 2.0**-42 if dtype == "float32" else 1e-15, np.finfo(dtype).eps / 2
        np.testing.assert_allclose(node, softmax, rtol=in_float64)
        least = in_float64 * sizes + np.finfo(dtype).smallest_subnormal
        assert (abs(one - grad) <= rounding * abs(grad) + least).all()
        # Of many entries, the exponentials have been rounded before.
        assert (abs(other - grad) <= 3 * rounding * abs(grad) + least).all()
        assert fine
        assert also


def test_shares_that_are_not_1_together_are_noticed() -> None:
    row, entry = np.linspace(0.0, 1.0, 6)[None], np.array([0, 3, 0, 5, 0])
    for total, right in [(1.0, True), (1.0 + 1e-8, False), (1.0 - 1e-8, False), (np.nan, False)]:
        assert _front(row, entry, np.full((1, 5), total / 5), 1.0)[3:] == (right, right)


def test_exponentials_are_kept_where_there_are_few() -> None:
    assert worth_keeping(100, 41, 32)
    assert not worth_keeping(100, 41, 42)
    assert not worth_keeping(6000, 41, 32)
