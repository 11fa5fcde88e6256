"""Compute the polynomials of `symloss/runtime/coefficients.py` with mpmath, and write that file.

Each is the minimax polynomial, found by Remez' exchange in 60 digits, of one function on the interval that is left
after range reduction.  The error it achieves, rounded coefficients included, stands beside it.

Run ``python tools/coefficients.py`` after a change of the table below.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
from mpmath import mpf

_FILE = Path(__file__).parent.parent / "symloss" / "runtime" / "coefficients.py"
_DIGITS = 60
_ROUNDS = 12
_GRID = 400
Function = Callable[[Any], Any]


@dataclass(frozen=True)
class Polynomial:
    """What to approximate.

    Attributes
    ----------
    name : str
        Of the tuple in the file.
    says : str
        What it approximates and where, in words.
    target, weight : callable
        The function, and what its error is multiplied by: relative errors of the result that it is a part of.
    low, high : float
        The interval.
    degree : int
        Of the polynomial.
    single : bool
        Whether the coefficients are rounded to float32 rather than to float64.
    """

    name: str
    says: str
    target: Function
    weight: Function
    low: mpf
    high: mpf
    degree: int
    single: bool


def _away_from_zero(function: Function, series: Function) -> Function:
    """Return the function, by its series near 0, where its formula is 0/0."""
    return lambda x: series(x) if abs(x) < mpf(10) ** -15 else function(x)


_EXP = _away_from_zero(lambda r: (mpmath.expm1(r) - r) / r**2, lambda r: mpf(1) / 2 + r / 6 + r**2 / 24)
_CUBIC = _away_from_zero(lambda r: (mpmath.expm1(r) - r - r**2 / 2) / r**3, lambda r: mpf(1) / 6 + r / 24 + r**2 / 120)
_LOG = _away_from_zero(lambda f: (mpmath.log1p(f) - f + f**2 / 2) / f**3, lambda f: mpf(1) / 3 - f / 4 + f**2 / 5)
_LOG_SQUARE = _away_from_zero(lambda f: (mpmath.log1p(f) - f) / f**2, lambda f: -mpf(1) / 2 + f / 3 - f**2 / 4)
_ARTANH = _away_from_zero(
    lambda z: (2 * mpmath.atanh(mpmath.sqrt(z)) / mpmath.sqrt(z) - 2) / z, lambda z: mpf(2) / 3 + 2 * z / 5
)
_LOG_COSH = _away_from_zero(
    lambda t: (mpmath.log(mpmath.cosh(mpmath.sqrt(t))) - t / 2) / t**2, lambda t: -mpf(1) / 12 + t / 45
)
_TANH = _away_from_zero(
    lambda t: (mpmath.tanh(mpmath.sqrt(t)) / mpmath.sqrt(t) - 1) / t, lambda t: -mpf(1) / 3 + 2 * t / 15
)


def _table() -> list[Polynomial]:
    half = mpmath.log(2) / 2 * mpf("1.0001")
    low, high = mpf(-1) / 4, mpf(1) / 2
    largest = (high / (2 + high)) ** 2
    exp_weight = _away_from_zero(lambda r: abs(r**2 / mpmath.expm1(r)), abs)
    log_weight = _away_from_zero(lambda f: abs(f**3 / mpmath.log1p(f)), lambda f: f**2)
    exp_says = "(exp(r) - 1 - r) / r**2 for abs(r) <= log(2)/2"
    return [
        Polynomial("EXP_SINGLE", exp_says, _EXP, exp_weight, -half, half, 5, True),
        Polynomial("EXP_DOUBLE", exp_says, _EXP, exp_weight, -half, half, 10, False),
        Polynomial(
            "EXP_CUBIC", "(exp(r) - 1 - r - r**2/2) / r**3 for abs(r) <= log(2)/2",
            _CUBIC, lambda r: abs(r * exp_weight(r)), -half, half, 10, False,
        ),
        Polynomial(
            "LOG_SINGLE", "(log(1 + f) - f + f**2/2) / f**3 for 3/4 <= 1 + f <= 3/2",
            _LOG, log_weight, low, high, 8, True,
        ),
        Polynomial(
            "LOG_UNIT", "(log(1 + f) - f) / f**2 for 3/4 <= 1 + f <= 3/2",
            _LOG_SQUARE, lambda f: abs(log_weight(f) / f), low, high, 8, True,
        ),
        Polynomial(
            "LOG_DOUBLE", "(log((1 + s)/(1 - s)) - 2*s) / s**3 in z = s**2, for 3/4 <= (1 + s)/(1 - s) <= 3/2",
            _ARTANH, lambda z: z / 2, mpf(0), largest, 7, False,
        ),
        Polynomial(
            "EXP_BRIEF", "(exp(r) - 1 - r) / r**2 for abs(r) <= log(2)/2, relative to itself",
            _EXP, lambda r: 1 / _EXP(r), -half, half, 8, False,
        ),
        Polynomial(
            "LOG_BRIEF", "(log((1 + s)/(1 - s)) - 2*s) / s**3 in z = s**2, for 3/4 <= (1 + s)/(1 - s) <= 2",
            _ARTANH, lambda z: z / 2, mpf(0), mpf(1) / 9, 7, False,
        ),
        *(
            Polynomial(
                f"LOG_COSH_{name}", "(log(cosh(x)) - t/2) / t**2 in t = x**2, for t <= 1",
                _LOG_COSH, lambda t: 2 * t, mpf(0), mpf(1), degree, single,
            )
            for name, degree, single in (("SINGLE", 6, True), ("DOUBLE", 17, False))
        ),
        *(
            Polynomial(
                f"TANH_{name}", "(tanh(x) / x - 1) / t in t = x**2, for x <= 0.55",
                _TANH, lambda t: t, mpf(0), mpf("0.55") ** 2, degree, single,
            )
            for name, degree, single in (("SINGLE", 5, True), ("DOUBLE", 11, False))
        ),
    ]  # fmt: skip


def _extrema(error: Function, low: mpf, high: mpf, roots: list[mpf]) -> list[mpf]:
    """Return the points of largest error between neighbouring zeros, the ends of the interval included."""
    ends = [low, *roots, high]
    points = []
    for left, right in pairwise(ends):
        grid = [left + (right - left) * i / 40 for i in range(41)]
        best = max(grid, key=lambda x: abs(error(x)))
        step = (right - left) / 40
        for _ in range(12):
            best = max((max(left, best - step), best, min(right, best + step)), key=lambda x: abs(error(x)))
            step /= 2
        points.append(best)
    return points


def _zeros(error: Function, points: list[mpf]) -> list[mpf]:
    """Return where the error changes its sign between neighbouring points, by bisection."""
    zeros = []
    for left, right in pairwise(points):
        a, b, sign = left, right, mpmath.sign(error(left))
        for _ in range(60):
            middle = (a + b) / 2
            a, b = (middle, b) if mpmath.sign(error(middle)) == sign else (a, middle)
        zeros.append((a + b) / 2)
    return zeros


def remez(p: Polynomial) -> list[mpf]:
    """Return the coefficients of the minimax polynomial, from the highest power down."""
    count = p.degree + 2
    # The start is not symmetric: where the weight is 0, at 0, there must be no point.
    middle, half = (p.low + p.high) / 2, (p.high - p.low) / 2
    nodes = [mpmath.cos(mpmath.pi * (2 * i + 1) / (2 * count)) for i in range(count)]
    points = [middle + half * (mpf("0.01") - mpf("0.98") * node) for node in nodes]
    coefficients: list[mpf] = []
    for _ in range(_ROUNDS):
        rows = [[x**n for n in range(p.degree, -1, -1)] + [(-1) ** i / p.weight(x)] for i, x in enumerate(points)]
        solution = mpmath.lu_solve(mpmath.matrix(rows), mpmath.matrix([p.target(x) for x in points]))
        coefficients = list(solution)[:-1]

        def error(x: mpf, coefficients: list[mpf] = coefficients) -> mpf:
            return p.weight(x) * (p.target(x) - mpmath.polyval(coefficients, x))

        points = _extrema(error, p.low, p.high, _zeros(error, points))
    return coefficients


def achieved(p: Polynomial, coefficients: list[float]) -> float:
    """Return the largest weighted error of rounded coefficients on a grid."""
    grid = [p.low + (p.high - p.low) * i / _GRID for i in range(_GRID + 1)]
    return float(max(abs(p.weight(x) * (p.target(x) - mpmath.polyval(list(map(mpf, coefficients)), x))) for x in grid))


def _text(p: Polynomial) -> str:
    rounded = [float(np.float32(c)) if p.single else float(c) for c in remez(p)]
    error = mpmath.nstr(mpmath.log(achieved(p, rounded), 2), 4)
    lines = [f"# {p.says}", f"# relative error of the result: 2**{error}", f"{p.name} = ("]
    return "\n".join([*lines, *(f"    {c!r}," for c in rounded), ")"])


def main() -> None:
    """Write the file."""
    mpmath.mp.dps = _DIGITS
    head = '"""Coefficients of polynomials, highest power first; written by `tools/coefficients.py`, not by hand."""'
    _FILE.write_text("\n\n".join([head, *map(_text, _table())]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
