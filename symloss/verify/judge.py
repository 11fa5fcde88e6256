"""What a kernel has to return for one sample: high precision, and the conventions at kinks, ends and NaN."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from symloss.arguments import is_class_label
from symloss.declare import Loss
from symloss.verify import differentiate as diff
from symloss.verify.evaluate import MP, Declared, Number
from symloss.verify.limits import FURTHER, distances, limit
from symloss.verify.point import Point, Sample, ends

_TINY = 1e-8
_FRACTIONS = (MP.mpf(0.3140625), MP.mpf(0.5771484375))  # floats, in the place of what is NaN


@dataclass(frozen=True)
class Expected:
    """What one number has to be.

    Attributes
    ----------
    number : number or None
        The exact result, infinities and NaN included; None if there is none and nothing is required.
    or_nan : bool
        Whether NaN is right, too: the number does not depend on the argument that is NaN.
    """

    number: Number | None
    or_nan: bool = False


@dataclass(frozen=True)
class Verdict:
    """What has to come out for one sample, derivatives flat over all predictions.

    Attributes
    ----------
    results : Derivatives
        Of `Expected`.
    nearby : Sample or None
        A sample inside of all domains at which the results move with the arguments as they do here: the sample
        itself, or one that is finite instead of infinite or NaN; None at an end of a domain.
    """

    results: diff.Derivatives
    nearby: Sample | None


class Judge:
    """Judges samples of one loss.

    Parameters
    ----------
    loss : Loss
        The declaration; nothing that was derived from it is read.
    """

    def __init__(self, loss: Loss) -> None:
        self.loss = loss
        self.predictions = loss.predictions
        self.labels = frozenset(a.name for a in loss.arguments if is_class_label(a))
        self._declared = Declared(loss.expr, loss.arguments)
        self._normalizer = Declared(loss.normalizer, loss.arguments)

    def point(self, sample: Sample) -> Point:
        """Return the sample as a point at which the loss can be differentiated."""
        return Point(self.loss, self._declared, sample)

    def normalizer(self, sample: Sample) -> Number:
        """Return what ``weighted_mean`` divides by for this sample."""
        point = self.point(sample)
        return self._normalizer.start(point.arrays(point.x), point.shapes)

    def value(self, sample: Sample) -> Number:
        """Return the loss of a sample whose predictions are inside of their domains."""
        return self.settle(self.point(sample), None, values_only=True).value

    def verdict(self, sample: Sample, products: bool = True) -> Verdict:
        """Return what the kernels have to return for a sample."""
        point = self.point(sample)
        direction = point.direction if products else None
        states = point.states()
        if "nan" in states or "outside" in states:
            return Verdict(self._with_nan(point, states, direction), _nearby(_valid(point, states, _FRACTIONS[-1])))
        return Verdict(self._required(point, states, direction), _nearby(point))

    def settle(self, point: Point, direction: Sequence[Number] | None, values_only: bool = False) -> diff.Derivatives:
        """Return value and derivatives at a point inside of the domains."""
        scales = [] if values_only else point.scales()
        function: diff.Function = _Values(point) if values_only else point
        return diff.differentiate(function, [] if values_only else point.x, scales, direction, point.depth())

    def _required(self, point: Point, states: Sequence[str], direction: Sequence[Number] | None) -> diff.Derivatives:
        """Return what is required where every prediction is inside of its domain, or at an end."""
        if "end" in states or "infinite" in states:
            return self._at_end(point, states, direction)
        if point.depth() > diff.MOST:  # certificates are of ball arithmetic, which needs none
            return _nothing(len(point.x), direction)
        found = self.settle(point, direction)
        return found.rebuild([Expected(number) for number in found.flat()])

    def _with_nan(self, point: Point, states: Sequence[str], direction: Sequence[Number] | None) -> diff.Derivatives:
        """Require NaN, but of what does not depend on the entries that are NaN or outside."""
        found = []
        for fraction in _FRACTIONS:
            replaced = _valid(point, states, fraction)
            found.append(self._required(replaced, replaced.states(), direction))
        first, second = found
        results = [_independent(a.number, b.number) for a, b in zip(first.flat(), second.flat(), strict=True)]
        rebuilt = first.rebuild(results)
        if results[0].or_nan:  # the loss does not depend on them at all
            return rebuilt
        must = [state == "outside" for state in states]
        gradient, hessian = (
            tuple(Expected(MP.nan) if bad else e for e, bad in zip(part, must, strict=True))
            for part in (rebuilt.gradient, rebuilt.hessian)
        )
        return replace(rebuilt, gradient=gradient, hessian=hessian)

    def _at_end(self, point: Point, states: Sequence[str], direction: Sequence[Number] | None) -> diff.Derivatives:
        """Take limits from inside, all entries that are at an end moving together."""
        if "infinite" not in states:
            return self._limits(point, point.nearing(distances(point.smallest())), direction)
        near = point.far()
        found = self._limits(point, point.nearing(near), direction)
        tiny = point.smallest() < _TINY  # its growth may be hidden
        if tiny or any(e.number is None for e in found.flat()):
            further = self._limits(point, point.nearing(FURTHER), direction)
            pairs = zip(found.flat(), further.flat(), strict=True)
            found = found.rebuild([_either(a.number, b.number) for a, b in pairs])
        if states.count("infinite") > 1:  # only limits that do not depend on the way are limits
            for skew in (1, -1):
                other = self._limits(point, point.nearing(near, skew), direction)
                pairs = zip(found.flat(), other.flat(), strict=True)
                found = found.rebuild([Expected(_same(a.number, b.number)) for a, b in pairs])
        return found

    def _limits(self, point: Point, points: Sequence[Point], direction: Sequence[Number] | None) -> diff.Derivatives:
        try:
            found = [self.settle(p, direction) for p in points]
        except diff.UnsettledError:
            return _nothing(len(point.x), direction)
        columns = zip(*(f.flat() for f in found), strict=True)
        return found[0].rebuild([Expected(limit(column)) for column in columns])


def _nothing(n: int, direction: Sequence[Number] | None) -> diff.Derivatives:
    """Require nothing of value and derivatives."""
    nothing = Expected(None)
    products = (nothing,) * (0 if direction is None else n)
    return diff.Derivatives(nothing, (nothing,) * n, (nothing,) * n, products, (False,) * n)


def _independent(a: Number | None, b: Number | None) -> Expected:
    """Require NaN of a number that depends on what is NaN; of one that does not, NaN or the number."""
    if a is None or b is None:
        return Expected(None)
    return Expected(b, True) if a == b or abs(a - b) <= MP.mpf(10) ** -25 * abs(b) else Expected(MP.nan)


def _either(a: Number | None, b: Number | None) -> Expected:
    """Return the limit that is known; none where two contradict each other."""
    if a is None or b is None:
        return Expected(b if a is None else a)
    return Expected(_same(a, b))


def _same(a: Number | None, b: Number | None) -> Number | None:
    if a is None or b is None or a == b:
        return None if b is None else a
    return a if MP.isfinite(a) and MP.isfinite(b) and abs(a - b) <= MP.mpf(10) ** -20 * abs(b) else None


def _valid(point: Point, states: Sequence[str], fraction: Number) -> Point:
    """Return the point with what is NaN or outside replaced by numbers inside."""
    return point.at(
        [
            inside_of(p.domain, fraction) if state in ("nan", "outside") else a
            for a, p, state in zip(point.x, point.owners, states, strict=True)
        ]
    )


def _nearby(point: Point) -> Sample | None:
    """Return a sample inside of all domains at which the results move as they do at the point."""
    states = point.states()
    if "end" in states:
        return None
    return (point.finite() if "infinite" in states else point).as_sample()


def inside_of(domain: Any, fraction: Number) -> Number:
    """Return a number inside of the domain."""
    low, high = ends(domain)
    if math.isfinite(low) and math.isfinite(high):
        return low + fraction * (MP.mpf(high) - low)
    return low + fraction if math.isfinite(low) else (high - fraction if math.isfinite(high) else fraction)


class _Values:
    """The loss at one point, differentiated in nothing."""

    def __init__(self, point: Point) -> None:
        self._point = point

    def start(self, x: Sequence[Number]) -> Number:
        return self._point.start(self._point.x)

    def near(self, x: Sequence[Number]) -> Number:
        return self._point.near(self._point.x)
