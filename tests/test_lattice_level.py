"""Weights between all states as plain floats: the same sums, and only where nothing is lost."""

from __future__ import annotations

import itertools
import math
from typing import Any

import mpmath
import numpy as np
import pytest
from symloss.generated import linear_chain_crf

from symloss.runtime.lattice import NOWHERE, across, exponentials, is_level, level


def _numbers(x: Any) -> tuple[Any, Any]:
    """Return exp(x) as mantissas and exponents."""
    shape, x = np.shape(x), np.ravel(x)
    m, e = np.empty(x.size), np.empty(x.size)
    exponentials(x, np.zeros(x.size), np.ones(x.size), m, e)
    return m.reshape(shape), e.reshape(shape)


def test_sums_have_the_same_bits() -> None:
    rng = np.random.default_rng(1)
    for size in (1, 2, 5, 20, 33):
        row_m, row_e = _numbers(rng.normal(size=size) * rng.choice([1.0, 100.0]))
        jump_m, jump_e = _numbers(rng.normal(size=(size, size)) * 3)
        found = []
        for flat in (False, True):
            if flat:
                level(jump_m, jump_e)
            assert is_level(jump_e) == flat or size == 1
            m, e = np.empty(size), np.empty(size)
            across(row_m, row_e, jump_m, jump_e, flat, m, e)
            found.append((m, e))
        np.testing.assert_array_equal(found[0], found[1])


@pytest.mark.parametrize("odd", [-math.inf, -50.0, 50.0])
def test_what_is_far_from_1_or_0_stays(odd: float) -> None:
    x = np.array([[0.3, -1.0], [odd, 2.0]])
    m, e = _numbers(x)
    before = m.copy(), e.copy()
    level(m, e)
    np.testing.assert_array_equal((m, e), before)
    assert not is_level(e)
    assert (e[1, 0] == NOWHERE) == (odd == -math.inf)


def _exact(emission: Any, transition: Any, tag: Any) -> Any:
    """Return the loss by going over all paths."""
    length, states = emission.shape

    def score(path: Any) -> Any:
        steps = sum(mpmath.mpmathify(emission[t, y]) for t, y in enumerate(path))
        return steps + sum(mpmath.mpmathify(transition[a, b]) for a, b in itertools.pairwise(path))

    total = mpmath.fsum(mpmath.exp(score(path)) for path in itertools.product(range(states), repeat=length))
    return mpmath.log(total) - score(tag)


@pytest.mark.parametrize("transitions", ["near", "far", "forbidden"])
def test_paths_far_below_the_largest_entries(transitions: str) -> None:
    """What a forbidden transition leads to from the best state has to be reached from one that is far below it."""
    rng = np.random.default_rng(2)
    emission, transition = rng.normal(size=(4, 3)) * 3, rng.normal(size=(3, 3))
    emission[0] = [0.0, -900.0, -1800.0]
    if transitions == "far":
        transition[0] -= 400.0
    if transitions == "forbidden":
        transition[0] = -np.inf
    tag = np.array([1, 2, 0, 1])
    tag = np.array([1, 2, 1, 1]) if transitions == "forbidden" else tag
    none = np.zeros(3)
    value = linear_chain_crf.value(emission[None], transition, none, none, tag[None], reduction="none")
    with mpmath.workdps(1000):
        exact = _exact(emission, transition, tag)
        assert abs(mpmath.mpmathify(float(value[0])) - exact) <= 1e-14 * abs(exact)
