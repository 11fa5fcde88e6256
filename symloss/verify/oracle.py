"""The exact value, gradient and Hessian diagonal of a declared loss, proved: balls that round to one float.

Only the declaration is read.  The precision is raised until the ball of a result is far narrower than the distance
of neighbouring floats; points without Taylor series (kinks, ends of domains) have no result here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb, arb_series

from symloss.arguments import is_class_label
from symloss.declare import Loss
from symloss.verify.balls import Compiler, Place, SpecialError, UndecidedError, coefficients, set_precision
from symloss.verify.point import Sample

_PRECISIONS = (192, 384, 1280, 2560, 5120, 10240)
_ENOUGH, _PLENTY = 53 + 48, 53 + 110  # bits of accuracy: proved to 2**-48 ULP; narrower than any but an exact tie
_MOVED = 20  # arguments of which `largest_terms` takes derivatives
_NOTHING = arb(2) ** -2200  # times any float it is nothing beside any other
HUGE = 1e300  # an error that no float holds
Exact = Any  # an arb


@dataclass(frozen=True)
class Entry:
    """One number among the predictions."""

    name: str
    position: int


class Oracle:
    """Evaluates one loss.

    Parameters
    ----------
    loss : Loss
        The declaration; nothing that was derived from it is read.
    """

    def __init__(self, loss: Loss) -> None:
        self.loss = loss
        self._run = Compiler().compile(loss.expr)
        self._labels = {a.name for a in loss.arguments if is_class_label(a)}

    def entries(self, sample: Sample) -> list[Entry]:
        """Return the entries of all predictions, in the order of the kernels' results."""
        return [Entry(p.name, i) for p in self.loss.predictions for i in range(np.size(sample.arrays[p.name]))]

    def series(self, sample: Sample, entry: Entry) -> tuple[Exact, Exact, Exact] | None:
        """Return value, first and second derivative along an entry, or None at a special point."""
        return self._settled(sample, {entry: 1}, lambda c: (c[0], c[1], 2 * c[2]))

    def largest_terms(self, sample: Sample, entry: Entry) -> tuple[float, float, float] | None:
        """Return the size of what each of the three is the sum of.

        It is the largest of the number itself and of ``abs(x * d/dx)`` of it, over the real arguments ``x`` (of a long
        row, over the largest entries and those at the same place): how far a relative change of one moves it.
        """
        exact = self.series(sample, entry)
        if exact is None:
            return None
        sizes = [abs(float(e)) for e in exact]
        arguments = sorted(self._real_entries(sample), key=lambda pair: -abs(pair[1]))
        beside = [pair for pair in arguments[_MOVED:] if pair[0].position == entry.position]
        for other, x in [*arguments[:_MOVED], *beside]:
            moved = self._moves(sample, entry, other)
            if moved is not None and x != 0:
                sizes = [max(size, abs(x * float(m))) for size, m in zip(sizes, moved, strict=True)]
        return sizes[0], sizes[1], sizes[2]

    def _moves(self, sample: Sample, entry: Entry, other: Entry) -> tuple[Exact, Exact, Exact] | None:
        """Return the derivatives in ``other`` of value, first and second derivative along the entry (polarisation)."""
        if other == entry:
            return self._settled(sample, {entry: 1}, lambda c: (c[1], 2 * c[2], 6 * c[3]), exact=False)
        alone = self._settled(sample, {other: 1}, lambda c: tuple(c), exact=False)
        along = self._settled(sample, {entry: 1}, lambda c: tuple(c), exact=False)
        sums = self._settled(sample, {other: 1, entry: 1}, lambda c: tuple(c), exact=False)
        differences = self._settled(sample, {other: 1, entry: -1}, lambda c: tuple(c), exact=False)
        if alone is None or along is None or sums is None or differences is None:
            return None
        return alone[1], sums[2] - alone[2] - along[2], sums[3] + differences[3] - 2 * alone[3]

    def _real_entries(self, sample: Sample) -> Iterator[tuple[Entry, float]]:
        for name, values in _arguments(sample):
            if name not in self._labels:
                for i, x in enumerate(np.ravel(values).tolist()):
                    yield Entry(name, i), x

    def _settled(
        self, sample: Sample, direction: Mapping[Entry, int], wanted: Any, exact: bool = True
    ) -> tuple[Exact, ...] | None:
        for bits in _PRECISIONS:
            set_precision(bits)
            try:
                found = wanted(coefficients(self._run(self._place(sample, direction))))
            except (UndecidedError, ValueError):  # Arb's division by a ball around 0
                continue
            except (SpecialError, ZeroDivisionError):
                return None
            if all(_is_settled(ball) if exact else _is_known(ball) for ball in found):
                return found
        return None

    def _place(self, sample: Sample, direction: Mapping[Entry, int]) -> Place:
        arrays: dict[str, Sequence[Any]] = {}
        shapes: dict[str, tuple[int, ...]] = {}
        for name, values in _arguments(sample):
            shapes[name] = np.shape(values)
            arrays[name] = [arb(v) for v in np.ravel(values).tolist()]
        for entry, slope in direction.items():
            row = list(arrays[entry.name])
            row[entry.position] = arb_series([row[entry.position], slope])
            arrays[entry.name] = row
        dims = {d: n for a in self.loss.arguments for d, n in zip(a.dims, shapes[a.name], strict=True)}
        return Place(arrays, shapes, dims)


def _arguments(sample: Sample) -> Iterator[tuple[str, Any]]:
    yield from sample.arrays.items()
    yield from sample.parameters.items()


def _is_settled(ball: Exact) -> bool:
    if ball.is_exact():
        return True
    accuracy = ball.rel_accuracy_bits()
    if accuracy < _ENOUGH:
        return False
    return accuracy >= _PLENTY or float(ball.lower()) == float(ball.upper())


def _is_known(ball: Exact) -> bool:
    """Whether the size is known: no precision tells a number that is 0 for a reason from one that is nearly so."""
    return ball.rel_accuracy_bits() > 20 or bool(abs(ball) < _NOTHING)


def ulps(got: float, exact: Exact, dtype: Any) -> float:
    """Return ``abs(got - exact)`` in units in the last place of the exact number, subnormal ones included.

    NaN, infinities and their signs have to agree; beyond the largest float the nearest float is infinite.
    """
    if got != got:
        return math.inf
    info = np.finfo(dtype)
    digits, least = int(info.nmant), int(info.minexp)
    if exact.is_zero():
        return abs(got) / float(info.smallest_subnormal)
    mantissa, power = (int(v) for v in exact.mid().man_exp())
    exponent = mantissa.bit_length() - 1 + power
    if exponent < least - 4 * digits:  # as good as 0
        return abs(got) / float(info.smallest_subnormal)
    exponent = max(exponent, least)
    top = int(info.maxexp)
    if math.isinf(got):
        if exponent >= top:
            return 0.0 if (got > 0) == (mantissa > 0) else math.inf
        got_over, shift = (1 if got > 0 else -1), top
    else:
        ratio = got.as_integer_ratio()
        got_over, shift = ratio[0], 1 - ratio[1].bit_length()
    if exponent >= top:
        return math.inf
    low = min(shift, power)
    apart = abs((got_over << (shift - low)) - (mantissa << (power - low)))
    unit = exponent - digits - low
    if apart.bit_length() - unit > 1000:  # no float holds it
        return HUGE
    return apart / (1 << unit) if unit >= 0 else float(apart << -unit)


def is_normal(exact: Exact, dtype: Any) -> bool:
    """Whether a number is as large as the least normal float, or 0."""
    return bool(exact.is_zero() or abs(float(exact)) >= float(np.finfo(dtype).tiny))
