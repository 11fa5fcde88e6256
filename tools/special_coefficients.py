"""Compute the polynomials of `symloss/runtime/special_coefficients.py`: error function, gamma function, atan.

They are found as those of `coefficients.py` are.  Of some, the last two terms are kept apart, in two parts each:
``NAME_LAST``.

Run ``python tools/special_coefficients.py`` after a change of the table below.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import mpmath
from coefficients import Function, Polynomial, achieved, remez
from mpmath import mpf

_FILE = Path(__file__).parent.parent / "symloss" / "runtime" / "special_coefficients.py"
_DIGITS = 60
_MIDDLE = 3  # t = (x - 3)/(x + 3) spreads 1/2 .. infinity most evenly: the degrees are least
_TAIL = 8  # from here on the gamma function is its asymptotic series
_SMALL = mpf(10) ** -20


def _scaled(x: Any) -> Any:
    """exp(x**2) * erfc(x), by its continued fraction where the factors have no place in a float."""
    return mpmath.exp(x * x) * mpmath.erfc(x) if x < 30 else 1 / (mpmath.sqrt(mpmath.pi) * (x + _fraction(x)))


def _fraction(x: Any) -> Any:
    """1/2 / (x + 1 / (x + 3/2 / (x + ...)))."""
    rest = mpf(0)
    for n in range(80, 0, -1):
        rest = mpf(n) / 2 / (x + rest)
    return rest


def _excess(x: Any) -> Any:
    """2*exp(-x**2) / (sqrt(pi)*erfc(x)) - 2*x."""
    if x >= 30:
        return 2 * _fraction(x)
    with mpmath.extradps(20):
        return 2 / (mpmath.sqrt(mpmath.pi) * _scaled(x)) - 2 * x


def _spread(function: Function) -> Function:
    """Return a function of t, near its end 1 where x is as good as infinite at that of a large x."""

    def of_t(t: Any) -> Any:
        t = min(t, 1 - mpf(10) ** -25)
        return function(_MIDDLE * (1 + t) / (1 - t))

    return functools.cache(of_t)


def _gap(function: Function) -> Function:
    """Continue a function over what is removable at 0 and at 1."""
    return functools.cache(lambda f: function(min(max(f, _SMALL), 1 - _SMALL)))


def _at_large(function: Function) -> Function:
    """Return a function of z = 1/x**2, at 0 as near it."""
    return functools.cache(lambda z: function(1 / mpmath.sqrt(max(z, mpf(10) ** -12))))


def _stirling(x: Any) -> Any:
    with mpmath.extradps(40):
        main = (x - mpf(1) / 2) * mpmath.log(x) - x + mpmath.log(2 * mpmath.pi) / 2
        return x * (mpmath.loggamma(x) - main)


def _digamma_tail(x: Any) -> Any:
    with mpmath.extradps(40):
        return x * x * (mpmath.log(x) - 1 / (2 * x) - mpmath.digamma(x))


def _trigamma_tail(x: Any) -> Any:
    with mpmath.extradps(40):
        return x**3 * (mpmath.psi(1, x) - 1 / x - 1 / (2 * x * x))


def _tetragamma_tail(x: Any) -> Any:
    with mpmath.extradps(40):
        return -(x**4) * (mpmath.psi(2, x) + x**-2 + x**-3)


def _table() -> list[tuple[Polynomial, bool]]:
    """Return the polynomials, and of which of them the last terms are to have two parts."""
    root = mpmath.findroot(mpmath.digamma, mpf("1.4616")) - 1
    slope, tangent = 2 / mpmath.sqrt(mpmath.pi), mpmath.sqrt(2) - 1
    half, zero, one, far = mpf(1) / 2, mpf(0), mpf(1), mpf(1) / _TAIL**2
    start = (half - _MIDDLE) / (half + _MIDDLE)

    def erf_ratio(z: Any) -> Any:
        z = max(z, _SMALL)
        return (mpmath.erf(mpmath.sqrt(z)) / mpmath.sqrt(z) - slope) / z

    def atan_ratio(z: Any) -> Any:
        z = max(z, _SMALL)
        return (mpmath.atan(mpmath.sqrt(z)) / mpmath.sqrt(z) - 1) / z

    erf_weight: Function = lambda z: z / slope  # noqa: E731
    scaled = _spread(lambda x: (1 + 2 * x) * _scaled(x))
    excess = _spread(lambda x: (1 + x) * _excess(x))
    unit = _gap(lambda f: mpmath.loggamma(1 + f) / (f * (f - 1)))
    derivative = _gap(lambda f: mpmath.digamma(1 + f) / (f - root))
    middle = "in f - 1/2, for 0 <= f <= 1"
    tails = {
        "LOGGAMMA": ("(loggamma(x) - (x - 1/2)*log(x) + x - log(2*pi)/2) * x", _stirling,
                     lambda z: mpmath.sqrt(z) / mpmath.loggamma(1 / mpmath.sqrt(z)) if z > 0 else zero),
        "DIGAMMA": ("(log(x) - 1/(2*x) - digamma(x)) * x**2", _digamma_tail,
                    lambda z: z / mpmath.digamma(1 / mpmath.sqrt(z)) if z > 0 else zero),
        "TETRAGAMMA": ("-(tetragamma(x) + 1/x**2 + 1/x**3) * x**4", _tetragamma_tail, lambda z: z),
        "TRIGAMMA": ("(trigamma(x) - 1/x - 1/(2*x**2)) * x**3", _trigamma_tail, lambda z: z),
    }  # fmt: skip
    found: list[tuple[Polynomial, bool]] = []
    for kind, turn, erf, wide, over, gamma in (("", 10, 9, 23, 26, 24), ("_SHORT", 4, 3, 12, 13, 11)):
        two = not kind
        t = "in t = (x - 3)/(x + 3), for x >= 1/2"
        found += [
            (Polynomial(f"ATAN{kind}", "(atan(x)/x - 1) / z in z = x**2, for x <= sqrt(2) - 1",
                        atan_ratio, lambda z: z, zero, tangent**2 * mpf("1.0001"), turn, False), False),
            (Polynomial(f"ERF{kind}", "(erf(x)/x - 2/sqrt(pi)) / z in z = x**2, for x <= 1/2",
                        erf_ratio, erf_weight, zero, half**2, erf, False), False),
            (Polynomial(f"ERFC_SCALED{kind}", f"exp(x**2)*erfc(x) * (1 + 2*x) {t}",
                        scaled, lambda t: 1 / scaled(t), start, one, wide, False), two),
            (Polynomial(f"ERFC_EXCESS{kind}", f"(2*exp(-x**2)/(sqrt(pi)*erfc(x)) - 2*x) * (1 + x) {t}",
                        excess, lambda t: 1 / excess(t), start, one, over, False), two),
            (Polynomial(f"LOGGAMMA{kind}", f"loggamma(1 + f) / (f*(f - 1)) {middle}",
                        lambda g: unit(half + g), lambda g: 1 / unit(half + g), -half, half, gamma, False), two),
            (Polynomial(f"DIGAMMA{kind}", f"digamma(1 + f) / (f - root) {middle}",
                        lambda g: derivative(half + g), lambda g: 1 / derivative(half + g), -half, half, gamma, False),
             two),
        ]  # fmt: skip
        for name, (says, tail, weight) in tails.items():
            degree = {"": 7, "_SHORT": 2}[kind] + {"LOGGAMMA": 0, "DIGAMMA": 1, "TRIGAMMA": 2, "TETRAGAMMA": 3}[name]
            found.append((
                Polynomial(f"{name}_TAIL{kind}", f"{says} in z = 1/x**2, for x >= {_TAIL}",
                           _at_large(tail), weight, zero, far, degree, False), False,
            ))  # fmt: skip
    return found


def _parts(number: mpf) -> tuple[float, float]:
    return float(number), float(number - mpf(float(number)))


def _text(p: Polynomial, two: bool) -> str:
    exact = remez(p)
    upper, last = (exact[:-2], exact[-2:]) if two else (exact, [])
    rounded, pairs = [float(c) for c in upper], tuple(map(_parts, last))
    error = achieved(p, [*map(mpf, rounded), *(mpf(high) + low for high, low in pairs)])
    lines = [f"# {p.says}", f"# relative error of the result: 2**{mpmath.nstr(mpmath.log(error, 2), 4)}"]
    lines += [f"{p.name} = (", *(f"    {c!r}," for c in rounded), ")"]
    return "\n".join([*lines, f"{p.name}_LAST = {pairs!r}"] if two else lines)


def _constants() -> str:
    root = mpmath.findroot(mpmath.digamma, mpf("1.4616")) - 1
    numbers = {
        "TWO_OVER_ROOT_PI": ("2/sqrt(pi)", 2 / mpmath.sqrt(mpmath.pi)),
        "DIGAMMA_ROOT": ("where digamma(1 + f) = 0", root),
        "HALF_LOG_2_PI": ("log(2*pi)/2", mpmath.log(2 * mpmath.pi) / 2),
        "HALF_PI": ("pi/2", mpmath.pi / 2),
        "LOG_2": ("log(2)", mpmath.log(2)),
    }
    lines = []
    for name, (says, number) in numbers.items():
        lines.append(f"# {says}, in two parts\n{name} = {_parts(number)!r}")
    return "\n\n".join(lines)


def main() -> None:
    """Write the file."""
    mpmath.mp.dps = _DIGITS
    head = '"""Coefficients of polynomials, highest power first; by `tools/special_coefficients.py`, not by hand."""'
    parts = [head, _constants()]
    for p, two in _table():
        parts.append(_text(p, two))
        print(p.name, parts[-1].splitlines()[1], flush=True)  # noqa: T201 - minutes pass between them
    _FILE.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
