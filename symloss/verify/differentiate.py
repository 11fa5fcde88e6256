"""Derivatives as differences in so high a precision that they are exact for every purpose of floats.

Every number is computed with two steps, at two precisions, until both agree; so nothing has to be known about the
function.  A kink shows itself as a second difference that grows as the step shrinks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from symloss.verify.evaluate import MP, Number

_LEVELS = (60, 100, 180, 300, 480, 700, 1000, 1400, 2000)  # digits beyond what the differences cancel
_AGREEMENT = 30  # digits
_DEEPEST = 480  # digits at which anything that a float64 can hold has shown itself


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
class Stencil:
    """Differences with one step, at one precision."""

    value: Number
    slopes: list[Number]  # central
    bends: list[Number]  # forward slope minus backward slope
    steps: list[Number]
    mixed: list[Number]  # in each entry and along the direction
    along: Number  # the step along the direction


def stencil(
    f: Function, x: Sequence[Number], scales: Sequence[Number], direction: Sequence[Number] | None, shift: int
) -> Stencil:
    """Take the differences with the step ``10**-shift`` in units of the scales."""
    fraction = MP.mpf(10) ** -shift
    value = f.start(x)
    slopes, bends, steps, mixed = [], [], [], []
    along = _step_along(scales, direction or (), fraction)
    moved = None if direction is None else [(a + along * v, a - along * v) for a, v in zip(x, direction, strict=True)]
    for i, scale in enumerate(scales):
        h = scale * fraction
        above, below = f.near(_moved(x, i, h)), f.near(_moved(x, i, -h))
        slopes.append((above - below) / (2 * h))
        bends.append((above - 2 * value + below) / h)
        steps.append(h)
        if moved is not None:
            forward, backward = [a for a, _ in moved], [b for _, b in moved]
            turn = f.near(_moved(forward, i, h)) - f.near(_moved(backward, i, h))
            turn -= f.near(_moved(forward, i, -h)) - f.near(_moved(backward, i, -h))
            mixed.append(turn / (4 * h * along))
    return Stencil(value, slopes, bends, steps, mixed, along)


def _step_along(scales: Sequence[Number], direction: Sequence[Number], fraction: Number) -> Number:
    """Return a step along the direction that moves no entry further than its own step."""
    limits = [scale / abs(v) for scale, v in zip(scales, direction, strict=False) if v != 0]
    return min(limits, default=MP.one) * fraction


def _moved(x: Sequence[Number], i: int, h: Number) -> list[Number]:
    point = list(x)
    point[i] = point[i] + h
    return point


@dataclass
class _Rounds:
    """Two stencils, and whether they agree."""

    coarse: Stencil
    fine: Stencil
    negligible: Number  # below it, a number is 0
    final: bool  # whether the precision suffices to call a number 0

    def settled(self) -> Derivatives | None:
        coarse, fine = self.coarse, self.fine
        value = self._agreed(coarse.value, fine.value)
        entries = [self._entry(i) for i in range(len(fine.slopes))]
        products = [self._product(i, entry) for i, entry in enumerate(entries)] if fine.mixed else []
        if value is None or any(e is None for e in entries) or any(p is None for p in products):
            return None
        found = [e for e in entries if e is not None]
        gradient, hessian, kinks = zip(*found, strict=True) if found else ((), (), ())
        return Derivatives(value, gradient, hessian, tuple(products), kinks)

    def _agreed(self, a: Number, b: Number, digits: int = _AGREEMENT) -> Number | None:
        if not (MP.isfinite(a) and MP.isfinite(b)):  # rounding makes infinities, too: log(1 - sigmoid(100))
            same = a == b or (MP.isnan(a) and MP.isnan(b))
            return b if same and self.final else None
        if abs(a) <= self.negligible and abs(b) <= self.negligible:
            return MP.zero if self.final else None
        return b if abs(a - b) <= MP.mpf(10) ** -digits * abs(b) else None

    def _entry(self, i: int) -> tuple[Number, Number, bool] | None:
        """Return slope, second derivative and whether there is a kink."""
        coarse, fine = self.coarse, self.fine
        if fine.bends[i] != 0 and abs(coarse.bends[i] - fine.bends[i]) <= abs(fine.bends[i]) / 10**8:
            slope = self._agreed(_least_slope(coarse, i), _least_slope(fine, i), _AGREEMENT // 2)
            return None if slope is None else (slope, MP.zero, True)
        slope = self._agreed(coarse.slopes[i], fine.slopes[i])
        second = self._agreed(coarse.bends[i] / coarse.steps[i], fine.bends[i] / fine.steps[i])
        return None if slope is None or second is None else (slope, second, False)

    def _product(self, i: int, entry: tuple[Number, Number, bool] | None) -> Number | None:
        a, b = self.coarse.mixed[i] * self.coarse.along, self.fine.mixed[i] * self.fine.along
        if entry is not None and (entry[2] or (b != 0 and abs(a - b) <= abs(b) / 10**8)):
            return MP.zero
        return self._agreed(self.coarse.mixed[i], self.fine.mixed[i])


def _least_slope(found: Stencil, i: int) -> Number:
    """Return the subgradient of least magnitude between the one-sided slopes."""
    forward, backward = found.slopes[i] + found.bends[i] / 2, found.slopes[i] - found.bends[i] / 2
    if forward * backward <= 0 or min(abs(forward), abs(backward)) <= 10**-8 * max(abs(forward), abs(backward)):
        return MP.zero
    return min(forward, backward, key=abs)


def differentiate(
    f: Function,
    x: Sequence[Number],
    scales: Sequence[Number],
    direction: Sequence[Number] | None = None,
    depth: int = _DEEPEST,
) -> Derivatives:
    """Return value, gradient, Hessian diagonal and Hessian-vector product.

    Parameters
    ----------
    f : Function
        Evaluated at points near ``x``.
    x : sequence of number
        The point.
    scales : sequence of number
        For each entry a length within which the function has no other kink, and no end of its domain.
    direction : sequence of number, optional
        What the Hessian is multiplied by.
    depth : int
        Digits beyond which nothing that is not 0 stays hidden.

    Raises
    ------
    UnsettledError
        If no precision was high enough.
    """
    depth = min(depth, _DEEPEST)
    negligible = MP.mpf(10) ** -(depth - 80)
    previous = None
    for level, digits in enumerate(_LEVELS):
        shift = max(20 + 5 * level, digits // 4)  # at a minimum the slope is nothing but the error of the difference
        with MP.workdps(digits + 2 * (shift + span(x, scales))):
            found = stencil(f, x, scales, direction, shift)
            result = None if previous is None else _Rounds(previous, found, negligible, digits >= depth).settled()
        if result is not None:
            return result
        previous = found
    raise UnsettledError(f"no precision up to {_LEVELS[-1]} digits was enough at {[MP.nstr(a, 17) for a in x]}")


def span(x: Sequence[Number], scales: Sequence[Number]) -> int:
    """Return how many decimal places lie between the largest entry and the smallest scale."""
    if not x:
        return 0
    low, high = min(scales), max(1, *(abs(a) for a in x))
    return max(0, int(MP.log10(high) - MP.log10(low)) + 1)


def derivative_of(f: Callable[[Number], Sequence[Number]], x: Number) -> list[Number]:
    """Return ``abs(x * df/dx)`` of functions that are smooth there, to a few digits."""
    step = MP.mpf(10) ** -25
    above, below = f(x * (1 + step)), f(x * (1 - step))
    return [abs(a - b) / (2 * step) for a, b in zip(above, below, strict=True)]
