"""How much the results move with their arguments: the mixed forward-backward bound.

An input that is moved relatively by ``eps`` moves a result ``f`` by ``eps * abs(x * df/dx)``: no program can do
better that has its arguments rounded once.  The judge's own numbers are differentiated for it, to a few digits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from symloss.verify.differentiate import MOST, Stencil, span
from symloss.verify.evaluate import MP, Number
from symloss.verify.judge import Judge
from symloss.verify.point import Point, Sample

_STEP = 25  # digits
_SHIFT = 30  # the differences that are differentiated have a smaller step

Results = Callable[[Point], Sequence[Number]]


def value_sensitivity(judge: Judge, sample: Sample) -> Number:
    """Return ``abs(f) + sum(abs(x * df/dx))`` of the loss ``f`` over all real arguments ``x``."""
    return _moves(judge, sample, lambda point: [point.start(point.x)], None)[0]


def sensitivities(
    judge: Judge, sample: Sample, entry: int, products: bool = True, position: int | None = None
) -> tuple[Number, ...]:
    """Return the same for the derivatives along one entry: first, second, and the product.

    With ``position`` only the entries at that place of every argument are moved: a lower bound, in less time.
    """

    def results(point: Point) -> list[Number]:
        stencil = Stencil(point, point.x, judge.point(sample).scales(), point.direction if products else None, _SHIFT)
        found = stencil.difference(entry)
        return [found.slope, found.bend / found.step, *([] if found.mixed is None else [found.mixed])]

    return tuple(_moves(judge, sample, results, position))


def _moves(judge: Judge, sample: Sample, results: Results, position: int | None) -> list[Number]:
    start = judge.point(sample)
    with MP.workdps(min(start.depth(), MOST) + 60 + 2 * (_SHIFT + span(start.x, start.scales()))):
        totals = [abs(number) for number in results(start)]
        for name, place in _real_entries(judge, sample):
            x = MP.mpf(_entry(sample, name, place))
            if x == 0 or position not in (None, place):
                continue
            step = MP.mpf(10) ** -_STEP
            above, below = (results(start.moved(name, place, x * (1 + sign * step))) for sign in (1, -1))
            moves = [abs(a - b) / (2 * step) for a, b in zip(above, below, strict=True)]
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
