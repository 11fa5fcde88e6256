"""How much the results move with their arguments: the mixed forward-backward bound."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from symloss.verify import differentiate as diff
from symloss.verify.evaluate import MP, Number
from symloss.verify.judge import Judge
from symloss.verify.point import Sample


def sensitivities(judge: Judge, sample: Sample, products: bool = True, position: int | None = None) -> list[Number]:
    """Return, for every number that comes out, ``abs(f) + sum(abs(x * df/dx))`` over all real arguments ``x``.

    An input that is moved relatively by ``eps`` moves the result by as much as ``eps`` times that: no
    program can do better that has its arguments rounded once.  The judge's own numbers are differentiated for it.
    With ``position`` only the entries at that place of every argument are moved, which gives a lower bound of it.
    """
    centre = [e.number for e in judge.verdict(sample, products).results.flat()]
    totals = [abs(number) for number in centre]
    for name, place in _real_entries(judge, sample):
        if _entry(sample, name, place) == 0.0 or position not in (None, place):
            continue
        try:
            moves = diff.derivative_of(
                lambda x, n=name, p=place: _numbers_at(judge, sample, n, p, x, products),  # type: ignore[misc]
                MP.mpf(_entry(sample, name, place)),
            )
        except diff.UnsettledError:
            continue
        totals = [t + m if MP.isfinite(m) else t for t, m in zip(totals, moves, strict=True)]
    return totals


def _real_entries(judge: Judge, sample: Sample) -> list[tuple[str, int]]:
    names = [a.name for a in judge.loss.arguments if a.name not in judge.labels]
    entries = [(n, i) for n in names for i in range(np.size(sample.arrays.get(n, sample.parameters.get(n, 0.0))))]
    return entries + [(f"v {n}", i) for n, v in sample.directions.items() for i in range(np.size(v))]


def _entry(sample: Sample, name: str, position: int) -> float:
    if name.startswith("v "):
        return float(sample.directions[name[2:]].ravel()[position])
    if name in sample.parameters:
        return float(sample.parameters[name])
    return float(np.ravel(sample.arrays[name])[position])


def _numbers_at(judge: Judge, sample: Sample, name: str, position: int, x: Number, products: bool) -> Sequence[Number]:
    """Return all results with one argument moved."""
    point = judge.point(sample).moved(name, position, x)
    found = judge.settle(point, point.direction if products else None)
    return found.flat()
