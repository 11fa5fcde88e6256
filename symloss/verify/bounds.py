"""How much the results move with their arguments: the mixed forward-backward bound.

An input that is moved relatively by ``eps`` moves a result ``f`` by ``eps * abs(x * df/dx)``: no program can do
better that has its arguments rounded once.  The judge's own numbers are differentiated for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from symloss.verify import differentiate as diff
from symloss.verify.evaluate import MP, Number
from symloss.verify.judge import Judge
from symloss.verify.point import Point, Sample


def value_sensitivity(judge: Judge, sample: Sample) -> Number:
    """Return ``abs(f) + sum(abs(x * df/dx))`` of the loss ``f`` over all real arguments ``x``."""
    return _moves(judge, sample, lambda point: [judge.settle(point, None, values_only=True).value], None)[0]


def sensitivities(judge: Judge, sample: Sample, products: bool = True, position: int | None = None) -> list[Number]:
    """Return the same for everything that comes out.

    With ``position`` only the entries at that place of every argument are moved: a lower bound, in less time.
    """
    return _moves(
        judge, sample, lambda point: judge.settle(point, point.direction if products else None).flat(), position
    )


def _moves(
    judge: Judge, sample: Sample, results: Callable[[Point], Sequence[Number]], position: int | None
) -> list[Number]:
    start = judge.point(sample)
    totals = [abs(number) for number in results(start)]
    for name, place in _real_entries(judge, sample):
        entry = _entry(sample, name, place)
        if entry == 0.0 or position not in (None, place):
            continue
        try:
            moves = diff.derivative_of(
                lambda x, n=name, p=place: results(start.moved(n, p, x)),  # type: ignore[misc]
                MP.mpf(entry),
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
