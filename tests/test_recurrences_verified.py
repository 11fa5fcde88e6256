"""Losses over recurrences against the judge, and best paths against all paths."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from conftest import SPECS

from symloss.loader import load
from symloss.verify.report import table
from symloss.verify.sequences import OUTPUTS, verify_sequences

BOTH = ("ctc_with_logits", "soft_dtw")  # a row of its own for every front, and not
LOSSES = {loss.name: loss for loss in load([SPECS])}


@pytest.mark.parametrize("name", LOSSES)
def test_judge(sequences: Any, name: str) -> None:
    dtypes = ("float64", "float32") if name in BOTH else ("float64",)  # every precision is a compilation
    rows = verify_sequences(LOSSES[name], sequences(name), dtypes)
    assert len(rows) == len(dtypes) * len(OUTPUTS)
    assert all(row.passed for row in rows), table(rows)


def test_judge_finds_what_is_wrong(sequences: Any) -> None:
    """A gradient that is 1e-12 off, and a product of the wrong sign, do not pass."""
    right = sequences("soft_dtw")

    class Wrong:
        value, posterior, decode = right.value, right.posterior, right.decode

        @staticmethod
        def value_and_grad(*given: Any, **keywords: Any) -> Any:
            value, grad = right.value_and_grad(*given, **keywords)
            return value, grad * (1 + 1e-12)

        @staticmethod
        def grad(*given: Any, **keywords: Any) -> Any:
            return right.grad(*given, **keywords) * (1 + 1e-12)

        @staticmethod
        def hvp(*given: Any, **keywords: Any) -> Any:
            return -right.hvp(*given, **keywords)

    rows = {row.output: row for row in verify_sequences(LOSSES["soft_dtw"], Wrong, ("float64",))}  # type: ignore[arg-type]
    assert rows["value"].passed
    assert not rows["gradient"].passed
    assert not rows["hvp"].passed


def _walks(ends: tuple[int, int], steps: tuple[tuple[int, int], ...]) -> list[list[tuple[int, int]]]:
    """Return all walks from (0, 0)."""
    if ends == (0, 0):
        return [[(0, 0)]]
    before = [(ends[0] - i, ends[1] - j) for i, j in steps]
    return [[*walk, ends] for point in before if min(point) >= 0 for walk in _walks(point, steps)]


def test_best_alignment(sequences: Any) -> None:
    ctc, rng = sequences("ctc_with_logits"), np.random.default_rng(0)
    for label in ((1, 2), (1, 1), (2,), ()):
        z = rng.normal(size=(5, 3))
        logp = z - np.log(np.exp(z).sum(-1, keepdims=True))
        symbols = [0, *(s for k in label for s in (k, 0))]

        def legal(path: tuple[int, ...], symbols: list[int] = symbols) -> bool:
            moves = itertools.pairwise((0, *path))
            fine = (b - a in (0, 1) or (b - a == 2 and b % 2 and symbols[a] != symbols[b]) for a, b in moves)
            return all(fine) and path[-1] >= len(symbols) - 2

        paths = [p for p in itertools.product(range(len(symbols)), repeat=5) if legal(p)]
        best = max(paths, key=lambda p: sum(logp[t, symbols[s]] for t, s in enumerate(p)))
        assert ctc.decode(z, np.array(label, np.int64)).tolist() == list(best)
    z = rng.normal(size=(2, 4, 3))
    got = ctc.decode(z, np.array([[1, 1], [1, 2]]), np.array([2, 3]))
    assert got[0].tolist() == [-1] * 4  # two equal labels take three frames
    assert got[1, 3] == -1
    assert (got[1, :3] >= 0).all()


def test_best_tags(sequences: Any) -> None:
    crf, rng = sequences("linear_chain_crf"), np.random.default_rng(1)
    emission, transition, start, end = (rng.normal(size=s) for s in ((3, 5, 3), (3, 3), 3, 3))
    got = crf.decode(emission, transition, start, end, np.array([5, 3, 1]))
    for n, size in enumerate((5, 3, 1)):

        def score(y: tuple[int, ...], n: int = n) -> float:
            moves = sum(transition[a, b] for a, b in itertools.pairwise(y))
            return float(start[y[0]] + sum(emission[n, t, s] for t, s in enumerate(y)) + moves + end[y[-1]])

        best = max(itertools.product(range(3), repeat=size), key=score)
        assert got[n].tolist() == [*best, *[-1] * (5 - size)]


def test_best_walks(sequences: Any) -> None:
    rng = np.random.default_rng(2)
    distance = rng.random((3, 4))
    walks = _walks((2, 3), ((1, 0), (0, 1), (1, 1)))
    best = min(walks, key=lambda walk: sum(distance[p] for p in walk))
    got = sequences("soft_dtw").decode(distance)
    assert [tuple(p) for p in got.tolist() if p[0] >= 0] == best
    z, label = rng.normal(size=(3, 4, 4)), [2, 1, 3]
    logp = z - np.log(np.exp(z).sum(-1, keepdims=True))

    def score(walk: list[tuple[int, int]]) -> float:
        moves = itertools.pairwise(walk)
        return float(sum(logp[*a, 0] if b[0] > a[0] else logp[*a, label[a[1]]] for a, b in moves))

    best = max(_walks((2, 3), ((1, 0), (0, 1))), key=score)
    got = sequences("rnnt_with_logits").decode(z, np.array(label))
    assert [tuple(p) for p in got.tolist() if p[0] >= 0] == best
