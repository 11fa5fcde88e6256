"""Looks for inputs at which a kernel loses most of its digits: cancellations that no rule could remove.

A few tempting inputs, in plain Python against high precision: quick enough to run whenever a spec is compiled.
Whether every digit is right is what `verify` and `certify` say.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sympy import FiniteSet

from symloss.arguments import Parameter, Target, Weight, is_class_label, label_bounds
from symloss.declare import Loss
from symloss.verify.evaluate import MP, Declared, Number
from symloss.verify.plain import plain_module
from symloss.verify.point import Sample, ends, numbers_of
from symloss.verify.ulp import spacing

_SIZES = (1e-12, 1e-8, 1e-5, 1e-3, 0.04, 0.3, 0.9, 1.0, 2.7, 9.0, 17.5, 37.4, 120.0, 700.0)
_DIGITS = 420  # of the largest exponential, that of 700, and of what may be added to its reciprocal
_TOLERATED = 2.0**26  # units in the last place of the largest term: half of all digits


@dataclass(frozen=True)
class Witness:
    """An input, what the kernel says there, and what is right."""

    output: str
    sample: Sample
    got: float
    exact: float
    ulps: float

    def __str__(self) -> str:
        return (
            f"the {self.output} cancels: at {self.sample} it is {self.got!r}, and {self.exact!r} is right "
            f"({self.ulps:.1e} ULP off)"
        )


def witness(loss: Loss, text: str, runtime: Path) -> Witness | None:
    """Return the worst input found, or None if no result loses more than half of its digits.

    Parameters
    ----------
    loss : Loss
        The declaration.
    text : str
        The module that was generated of it.
    runtime : Path
        The folder of the runtime.
    """
    module = plain_module(loss.name, text, runtime)
    declared = Declared(loss.expr, loss.arguments)
    found: list[Witness] = []
    with MP.workdps(_DIGITS), np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for sample in _samples(loss):
            found += _compare(loss, module, declared, sample)
    return max(found, key=lambda w: w.ulps, default=None)


def _samples(loss: Loss) -> Iterator[Sample]:
    """Yield every size once for every argument, small ones beside large ones; labels alternate."""
    rng = np.random.default_rng(5)
    for number, size in enumerate(_SIZES if loss.dims else _SIZES * 2):
        arrays: dict[str, Any] = {}
        for place, a in enumerate(loss.arguments):
            if isinstance(a, Parameter):
                continue
            shape = (3,) * len(a.dims)
            if is_class_label(a):
                start, stop = (int(e.xreplace(dict.fromkeys(e.free_symbols, 3))) for e in label_bounds(a))
                arrays[a.name] = np.asarray(rng.integers(start, stop, shape))
            elif isinstance(a.domain, FiniteSet):
                members = sorted(float(v) for v in a.domain)
                arrays[a.name] = np.full(shape, members[(number + number // len(_SIZES)) % len(members)])
            else:
                other = _SIZES[(number + 5 * place * (number // len(_SIZES))) % len(_SIZES)]
                arrays[a.name] = _inside(a, size if place == 0 else other, number, shape, rng)
        yield Sample("witness", arrays, {p.name: float(p.default) for p in loss.parameters})


def _inside(a: Any, size: float, number: int, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    """Return numbers of about this size, or this far from an end of the domain."""
    low, high = ends(a.domain)
    spread = size * (1 + 0.5 * rng.random(shape))
    if isinstance(a, Weight):
        return 1 + 0.5 * rng.random(shape)
    if isinstance(a, Target) and math.isfinite(low) and math.isfinite(high):
        return low + (high - low) * (np.arange(math.prod(shape)).reshape(shape) == number % max(1, math.prod(shape)))
    if math.isfinite(low) and math.isfinite(high):
        inward = (high - low) * np.minimum(spread, 0.5)
        return low + inward if number % 2 else high - inward
    if math.isfinite(low):
        return low + spread
    return high - spread if math.isfinite(high) else spread * rng.choice([-1.0, 1.0], shape)


def _compare(loss: Loss, module: Any, declared: Declared, sample: Sample) -> Iterator[Witness]:
    arguments = [sample.arrays[a.name] for a in loss.arguments if a.name in sample.arrays]
    plain = [np.float64(a) if a.ndim == 0 and a.dtype.kind == "f" else a[()] for a in map(np.asarray, arguments)]
    rows = [np.zeros(np.shape(sample.arrays[p.name])) for p in loss.predictions]
    given = [*plain, *sample.parameters.values(), *(row for row in rows if row.ndim)]
    try:
        with np.errstate(all="ignore"):
            results = module.sample_value_and_grad(*given)
    except (OverflowError, ValueError, ZeroDivisionError):  # which compiled code answers with infinities and NaN
        return
    results = list(results) if isinstance(results, tuple) else [results]
    if any(np.isinf(r).any() for r in (*results, *rows)):  # beyond which differences mean nothing
        return
    slopes = [row.ravel()[0] if row.ndim else results.pop(1) for row in rows]
    exact = _Exact(loss, declared, sample)
    yield from _judged("value", sample, results[0], exact.value(), exact.value_terms())
    for p, slope in zip(loss.predictions, slopes, strict=True):
        yield from _judged(f"gradient in {p.name}", sample, slope, *exact.slope(p.name))


def _judged(output: str, sample: Sample, got: float, exact: Number, terms: Number) -> Iterator[Witness]:
    if not MP.isfinite(exact) or abs(exact) > 1e300 or max(abs(exact), terms) < 1e-290:
        return
    error = abs(MP.mpf(float(got)) - exact) if math.isfinite(got) else MP.inf
    if error > _TOLERATED * spacing(max(abs(exact), terms), np.float64):
        yield Witness(output, sample, float(got), float(exact), float(min(error / spacing(exact, np.float64), 1e300)))


class _Exact:
    """Value and slopes at one sample by differences in high precision, and how far arguments move them."""

    def __init__(self, loss: Loss, declared: Declared, sample: Sample) -> None:
        self._declared = declared
        given: dict[str, Any] = {**sample.arrays, **sample.parameters}
        self._arrays = {name: numbers_of(values) for name, values in given.items()}
        self._shapes = {name: np.shape(values) for name, values in given.items()}
        labels = {a.name for a in loss.arguments if is_class_label(a)}
        self._names = [name for name in given if name not in labels]

    def value(self) -> Number:
        return self._declared.start(self._arrays, self._shapes)

    def value_terms(self) -> Number:
        return max((abs(x * self._first(name, i)) for name, i, x in self._entries()), default=MP.zero)

    def slope(self, name: str) -> tuple[Number, Number]:
        """Return the slope along the first entry, and the largest of what its arguments make of it."""
        moves = []
        for other, i, x in self._entries():
            h = _step(x)
            above, below = (self._first(name, 0, (other, i, sign * h)) for sign in (1, -1))
            moves.append(abs(x * (above - below) / (2 * h)))
        return self._first(name, 0), max(moves, default=MP.zero)

    def _entries(self) -> Iterator[tuple[str, int, Number]]:
        for name in self._names:
            for i, x in enumerate(self._arrays[name][:1]):
                if x != 0:
                    yield name, i, x

    def _first(self, name: str, i: int, also: tuple[str, int, Number] | None = None) -> Number:
        h = _step(self._arrays[name][i]) / 3
        above, below = (self._near(((name, i, sign * h), also)) for sign in (1, -1))
        return (above - below) / (2 * h)

    def _near(self, moves: tuple[tuple[str, int, Number] | None, ...]) -> Number:
        arrays = dict(self._arrays)
        for move in moves:
            if move is not None:
                name, i, h = move
                row = list(arrays[name])
                row[i] = row[i] + h
                arrays[name] = row
        return self._declared.near(arrays, self._shapes)


def _step(x: Number) -> Number:
    return max(abs(x), MP.mpf("1e-12")) * MP.mpf(10) ** -30
