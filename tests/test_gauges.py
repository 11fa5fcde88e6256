"""Gauges for the places of a front change nothing that passes one, and keep long sums over paths in plain floats."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from test_recurrences_precision import _exact as exact_recursion

from symloss.runtime import gauges
from symloss.runtime.leaks import sum_of_rest
from symloss.runtime.plain_fronts import TINY


@pytest.mark.parametrize(("on", "back"), [(True, False), (False, True), (True, True), (False, False)])
def test_chosen_gauges_are_near_numbers_and_one_another(on: bool, back: bool) -> None:
    rng = np.random.default_rng(5)
    front, gauge = np.exp2(rng.uniform(-800, 0, 60)), np.floor(rng.uniform(-90, 90, 60))
    front[rng.random(60) < 0.4] = 0.0
    chosen = np.empty(60)
    gauges.choose(front, on, back, gauge, chosen)
    assert np.isfinite(chosen).all()
    there = front > 0
    assert (chosen[there] >= gauge[there] + np.floor(np.log2(front[there]))).all()
    rise = np.diff(chosen)  # steps on come from below, and find no gauge that is much lower than theirs
    assert rise.min() >= -(12 if on else 200)
    assert rise.max() <= (12 if back else 200)
    needed = [k for k in range(60) if there[k] and chosen[k] == gauge[k] + math.floor(math.log2(front[k]))]
    assert needed  # no higher than it must be: the highest number has its own


def test_other_gauges_change_no_number() -> None:
    rng = np.random.default_rng(6)
    front, gauge = np.exp2(rng.uniform(-100, 0, 50)), np.zeros(50)
    chosen = np.floor(rng.uniform(-300, 300, 50))
    changed = front.copy()
    top, gone = gauges.change(changed, gauge, chosen, TINY)
    np.testing.assert_array_equal(np.ldexp(changed, chosen.astype(int)), front)
    assert not gone
    assert top == changed.max().view(np.int64)
    chosen[7] = 950.0
    changed = front.copy()
    assert gauges.change(changed, gauge, chosen, TINY)[1]
    assert changed[7] == 0.0


def test_factors_are_quotients_of_gauges() -> None:
    gauge, origin, mask = (
        np.array([0.0, 3.0, -7.0, 2000.0]),
        np.array([1.0, -2.0, 900.0, 0.0]),
        np.array([1.0, 0, 1, 1]),
    )
    out = np.empty(4)
    gauges.factors(gauge, origin, out)
    np.testing.assert_array_equal(out, [2.0, 2.0**-5, 2.0**907, 0.0])
    gauges.guarded_factors(gauge, origin, mask, out)
    np.testing.assert_array_equal(out, [2.0, 0.0, 2.0**907, 0.0])


def test_a_sum_without_some_terms() -> None:
    terms = np.random.default_rng(7).random(1000)
    before, kept = terms.copy(), np.empty(3)
    total = sum_of_rest(terms, np.array([3, 999, 400]), kept)
    assert total == pytest.approx(math.fsum(np.delete(before, [3, 999, 400])), rel=1e-14)
    np.testing.assert_array_equal(terms, before)


def _frames(kind: str, count: int, entries: int, labels: int) -> tuple[Any, Any]:
    """Return logits as of a network that knows nothing, is nearly sure, sees silence first, or favours the blank."""
    rng = np.random.default_rng(labels)
    z, label = rng.normal(size=(count, entries)), rng.integers(1, entries, labels)
    if kind in ("sure", "silent"):
        at = np.sort(rng.choice(count // 4, labels, replace=False)) * 2 + (count // 2 if kind == "silent" else 0)
        path = np.zeros(count, int)
        path[at] = label
        z[np.arange(count), path] += 12.0 if kind == "sure" else 7.0
    if kind == "blank":
        z[:, 0] += 4.0
    return z, label


@pytest.mark.parametrize("count", [gauges.LONG - 56, gauges.LONG + 1, 1200])
@pytest.mark.parametrize("kind", ["random", "sure", "silent", "blank"])
def test_long_alignments(sequences: Any, kind: str, count: int) -> None:
    """Of more fronts than `LONG`, what is tried first has gauges; of fewer, one scale a front."""
    z, label = _frames(kind, count, 6, 30)
    exact, slopes = exact_recursion(z, label, 40)
    assert abs(sequences("ctc_with_logits").value(z, label) - exact) <= 1e-13 * exact
    wanted = np.array([[float(s) for s in row] for row in slopes])
    for checkpoint in (False, True):
        value, grad = sequences("ctc_with_logits").value_and_grad(z, label, checkpoint=checkpoint)
        assert abs(value - exact) <= 1e-13 * exact
        np.testing.assert_allclose(grad, wanted, rtol=0, atol=1e-13)


@pytest.mark.parametrize("kept", [8000, 90])
def test_long_sums_stay_plain_floats_with_gauges_only(sequences: Any, kept: int) -> None:
    ctc = sequences("ctc_with_logits")
    z, label = _frames("random", 8000, 6, 40)
    n_t, n_s = len(z), 2 * len(label) + 1
    entry, may = np.empty(n_s, np.int64), np.zeros(n_s + 4)
    given = (z, label, n_t, len(label), 0)
    ctc._tables(*given, n_t, n_s, n_t, entry, may)
    known = (*given, n_t, n_s, n_t, entry, may)
    pool = ctc.pools()
    ctc.cleared(pool)
    starts = ctc._starts(pool, *known)
    ends = ctc._ends(pool, *known, *starts[:2])
    found = {}
    for steep in (True, False):
        grad = np.empty_like(z)
        room = np.zeros(n_t, np.int64), np.zeros(n_t)
        found[steep] = (*ctc._plainly(pool, *known, *room, *starts, *ends[:2], 1.0, kept, steep, grad), grad)
    assert [found[steep][0] for steep in (True, False)] == [True, False]
    assert found[True][1] == pytest.approx(ctc.value(z, label), rel=1e-14)
    softmax = np.exp(z - np.logaddexp.reduce(z, axis=1, keepdims=True))
    for s, visits in enumerate(ctc.posterior(z, label).T):  # careful sweeps: an exponent for every number
        softmax[:, entry[s]] -= visits
    np.testing.assert_allclose(found[True][2], softmax, atol=1e-12)
    assert abs(found[True][2].sum(axis=1)).max() < 1e-13  # of a softmax
