"""Derivatives as differences in so high a precision that they are exact for every purpose of floats.

Every number is computed with two steps, at two precisions, until both agree; so nothing has to be known about the
function.  A kink shows itself as a second difference that grows as the step shrinks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from symloss.verify.evaluate import MP, Number

_LEVELS = (60, 100, 180, 300, 480, 700, 1000, 1400, 2000)  # digits beyond what the differences cancel
_AGREEMENT = 30  # digits
DEEPEST = 480  # digits at which anything that a float64 can hold has shown itself
MOST = _LEVELS[-1]


class Function(Protocol):
    """A function of the predictions, at the current precision of `MP`."""

    def start(self, x: Sequence[Number]) -> Number:
        """Return the value at the base point."""

    def near(self, x: Sequence[Number]) -> Number:
        """Return the value at another point."""


class UnsettledError(ArithmeticError):
    """No precision was high enough for two results to agree."""


@dataclass(frozen=True)
class Derivatives:
    """What was found at one point.

    Attributes
    ----------
    value : number
        The function.
    gradient, hessian : tuple of number
        First derivatives, and the diagonal of the second ones.
    product : tuple of number
        The Hessian times the direction; empty without one.
    kinks : tuple of bool
        Where the one-sided slopes along an entry differ: the derivative of least magnitude is taken there, and the
        second derivative is 0.
    """

    value: Number
    gradient: tuple[Number, ...]
    hessian: tuple[Number, ...]
    product: tuple[Number, ...]
    kinks: tuple[bool, ...]

    def flat(self) -> tuple[Number, ...]:
        """Return all numbers, one after the other."""
        return (self.value, *self.gradient, *self.hessian, *self.product)

    def rebuild(self, numbers: Sequence[Any]) -> Derivatives:
        """Return the same with other numbers in the order of `flat`."""
        n, rest = len(self.gradient), tuple(numbers[1:])
        return Derivatives(numbers[0], rest[:n], rest[n : 2 * n], rest[2 * n :], self.kinks)


@dataclass(frozen=True)
class Difference:
    """Differences along one entry, with one step, at one precision."""

    slope: Number  # central
    bend: Number  # forward slope minus backward slope
    step: Number
    mixed: Number | None  # in the entry and along the direction
    along: Number  # the step along the direction


class Stencil:
    """The points around one point, with one step, at one precision."""

    def __init__(
        self,
        f: Function,
        x: Sequence[Number],
        scales: Sequence[Number],
        direction: Sequence[Number] | None,
        shift: int,
    ) -> None:
        fraction = MP.mpf(10) ** -shift
        self._f, self._x = f, x
        self._steps = [scale * fraction for scale in scales]
        self._along = _step_along(scales, direction or (), fraction)
        self._sides: list[list[Number]] = []
        if direction is not None:
            self._sides = [[a + sign * self._along * v for a, v in zip(x, direction, strict=True)] for sign in (1, -1)]
        self.value = f.start(x)

    def difference(self, i: int) -> Difference:
        """Take the differences along an entry."""
        h, mixed = self._steps[i], None
        above, below = self._at(self._x, i, h), self._at(self._x, i, -h)
        if self._sides:
            forward, backward = self._sides
            turn = self._at(forward, i, h) - self._at(backward, i, h)
            turn -= self._at(forward, i, -h) - self._at(backward, i, -h)
            mixed = turn / (4 * h * self._along)
        return Difference((above - below) / (2 * h), (above - 2 * self.value + below) / h, h, mixed, self._along)

    def _at(self, x: Sequence[Number], i: int, h: Number) -> Number:
        point = list(x)
        point[i] = point[i] + h
        return self._f.near(point)


def _step_along(scales: Sequence[Number], direction: Sequence[Number], fraction: Number) -> Number:
    """Return a step along the direction that moves no entry further than its own step."""
    limits = [scale / abs(v) for scale, v in zip(scales, direction, strict=False) if v != 0]
    return min(limits, default=MP.one) * fraction


@dataclass(frozen=True)
class _Rule:
    """When two numbers, found at two precisions, are one.

    Attributes
    ----------
    negligible : number
        Below it, a number is 0.
    final : bool
        Whether the precision suffices to call a number 0, or infinite.
    """

    negligible: Number
    final: bool

    def agreed(self, a: Number, b: Number, digits: int = _AGREEMENT) -> Number | None:
        """Return the number, or None if they differ."""
        if not (MP.isfinite(a) and MP.isfinite(b)):  # rounding makes infinities, too: log(1 - sigmoid(100))
            same = a == b or (MP.isnan(a) and MP.isnan(b))
            return b if same and self.final else None
        if abs(a) <= self.negligible and abs(b) <= self.negligible:
            return MP.zero if self.final else None
        return b if abs(a - b) <= MP.mpf(10) ** -digits * abs(b) else None

    def entry(self, coarse: Difference, fine: Difference) -> _Entry | None:
        """Return the derivatives along an entry, or None if they are not settled."""
        if _persists(coarse.bend, fine.bend):
            slope = self.agreed(_least_slope(coarse), _least_slope(fine), _AGREEMENT // 2)
            return None if slope is None else _Entry(slope, MP.zero, MP.zero, True)
        slope = self.agreed(coarse.slope, fine.slope)
        second = self.agreed(coarse.bend / coarse.step, fine.bend / fine.step)
        product: Number | None = MP.zero
        a, b = coarse.mixed, fine.mixed
        if a is not None and b is not None and not _persists(a * coarse.along, b * fine.along):
            product = self.agreed(a, b)
        return None if slope is None or second is None or product is None else _Entry(slope, second, product, False)


@dataclass(frozen=True)
class _Entry:
    slope: Number
    second: Number
    product: Number
    kink: bool


def _persists(coarse: Number, fine: Number) -> bool:
    """Whether a difference of slopes stays as the step shrinks: a kink."""
    return bool(fine != 0 and abs(coarse - fine) <= abs(fine) / 10**8)


def _least_slope(found: Difference) -> Number:
    """Return the subgradient of least magnitude between the one-sided slopes."""
    forward, backward = found.slope + found.bend / 2, found.slope - found.bend / 2
    if forward * backward <= 0 or min(abs(forward), abs(backward)) <= max(abs(forward), abs(backward)) / 10**8:
        return MP.zero
    return min(forward, backward, key=abs)


def differentiate(
    f: Function,
    x: Sequence[Number],
    scales: Sequence[Number],
    direction: Sequence[Number] | None = None,
    depth: int = DEEPEST,
) -> Derivatives:
    """Return value, gradient, Hessian diagonal and Hessian-vector product.

    Parameters
    ----------
    f : Function
        Evaluated at points near ``x``.
    x : sequence of number
        The point.
    scales : sequence of number
        For each entry a length within which the function has no other kink, and no end of its domain.  Without any,
        the function is only evaluated.
    direction : sequence of number, optional
        What the Hessian is multiplied by.
    depth : int
        Digits beyond which nothing that is not 0 stays hidden.

    Raises
    ------
    UnsettledError
        If no precision was high enough.
    """
    if depth > MOST:
        raise UnsettledError(f"{depth} digits are needed to see what is there, of at most {MOST}")
    negligible = MP.mpf(10) ** -(depth - 80)
    value: Number | None = None
    coarse_value: Number | None = None
    coarse: dict[int, Difference] = {}
    settled: dict[int, _Entry] = {}
    for level, digits in enumerate(_LEVELS):
        if digits < depth // 4:
            continue
        shift = max(20 + 5 * level, digits // 4)  # at a minimum the slope is nothing but the error of the difference
        rule = _Rule(negligible, digits >= depth)
        with MP.workdps(digits + 2 * (shift + span(x, scales))):
            stencil = Stencil(f, x, scales, direction, shift)
            if value is None and coarse_value is not None:
                value = rule.agreed(coarse_value, stencil.value)
            coarse_value = stencil.value
            for i in range(len(scales)):
                if i not in settled:
                    fine = stencil.difference(i)
                    entry = rule.entry(coarse[i], fine) if i in coarse else None
                    settled.update({} if entry is None else {i: entry})
                    coarse[i] = fine
        if value is not None and len(settled) == len(scales):
            entries = [settled[i] for i in range(len(scales))]
            products = () if direction is None else tuple(e.product for e in entries)
            slopes, seconds = tuple(e.slope for e in entries), tuple(e.second for e in entries)
            return Derivatives(value, slopes, seconds, products, tuple(e.kink for e in entries))
    raise UnsettledError(f"no precision up to {_LEVELS[-1]} digits was enough at {[MP.nstr(a, 17) for a in x]}")


def span(x: Sequence[Number], scales: Sequence[Number]) -> int:
    """Return how many decimal places lie between the largest entry and the smallest scale."""
    if not scales:
        return 0
    low, high = min(scales), max(1, *(abs(a) for a in x))
    return max(0, int(MP.log10(high) - MP.log10(low)) + 1)
