"""Functions alone: those of plain floats keep the errors that `refine` counts with, those in two parts 2**-56."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import numpy.typing as npt
import pytest

from symloss import refine
from symloss.certificate import CERTIFIED, Certificate
from symloss.runtime import elementary, twofold
from symloss.verify.elementary import certify_functions


@functools.cache
def _measured(family: str) -> Certificate:
    return certify_functions("symloss.generated", count=150, family=family)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("family", "name"), [(family, name) for family in CERTIFIED for name in CERTIFIED[family]])
def test_plain_functions_are_no_worse_than_refine_counts_with(family: str, name: str, dtype: str) -> None:
    (error,) = [e for e in _measured(family).errors if e.function == name and e.dtype == dtype]
    assert error.ulp is not None
    assert error.ulp <= refine.ERRORS.get(name, 8.0)  # what is not in the table is never in two parts
    assert error.tried > 150


def test_every_function_that_may_be_refined_exists_in_two_parts() -> None:
    for name in refine.IN_TWO_PARTS:
        assert callable(getattr(twofold, name)), name
    for name in refine.ERRORS:
        assert callable(getattr(elementary, name)), name


TWOFOLD: dict[str, tuple[Callable[[Any], Any], float, float]] = {
    "exp": (mpmath.exp, -670.0, 709.0),
    "expm1": (mpmath.expm1, -60.0, 709.0),
    "log": (mpmath.log, 0.0, 1e300),
    "log1p": (mpmath.log1p, -1.0, 1e300),
    "sigmoid": (lambda x: 1 / (1 + mpmath.exp(-x)), -670.0, 700.0),
    "softplus": (lambda x: mpmath.log1p(mpmath.exp(x)), -670.0, 700.0),
    "log1mexp": (lambda x: mpmath.log(-mpmath.expm1(x)), -670.0, 0.0),
    "sinh": (mpmath.sinh, -700.0, 700.0),
    "cosh": (mpmath.cosh, -700.0, 700.0),
    "tanh": (mpmath.tanh, -700.0, 700.0),
    "sech": (mpmath.sech, -670.0, 670.0),
    "log_cosh": (lambda x: mpmath.log(mpmath.cosh(x)), -700.0, 700.0),
    "sqrt": (mpmath.sqrt, 0.0, 1e300),
    "sqrt1pm1": (lambda x: mpmath.sqrt(1 + x) - 1, -1.0, 1e300),
    "log1p_ratio": (lambda x: mpmath.log1p(x) / x, -1.0, 1e300),
}
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "divide_twice": lambda x, y: x / y / y,
    "power": lambda x, y: mpmath.power(x, y),
    "hypot": mpmath.hypot,
    "logaddexp": lambda x, y: mpmath.log(mpmath.exp(x) + mpmath.exp(y)),
    "xlogy": lambda x, y: x * mpmath.log(y),
}


def _numbers(low: float, high: float, seed: int, count: int = 150) -> npt.NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    top = min(max(abs(low), abs(high)), 700.0)
    sizes = np.exp2(rng.uniform(-80, np.log2(top), count)) * rng.choice([-1.0, 1.0], count)
    near = np.concatenate([np.array([-1.0, 1.0]) * mark * (1 + 2.0**-40) for mark in (0.29, 0.34, 0.41, 0.6931, 1.0)])
    x = np.concatenate([sizes, rng.uniform(max(low, -top), top, count), low + np.exp2(-rng.uniform(1, 40, 20)), near])
    return x[(x > low) & (x < high)]


@pytest.mark.parametrize("name", TWOFOLD)
def test_functions_in_two_parts(name: str) -> None:
    function, low, high = TWOFOLD[name]
    for x in _numbers(low, high, 1).tolist():
        rest = x * 2.0**-54
        with mpmath.workprec(2500):
            exact = function(mpmath.mpf(x) + mpmath.mpf(rest))
            got = sum(map(mpmath.mpf, getattr(twofold, name)((x, rest))))
            if abs(exact) > 1e-280:
                assert abs(got - exact) <= mpmath.mpf(2) ** -56 * abs(exact), x


def _scaled(x: Any) -> Any:
    return 2 * mpmath.exp(-(x**2)) / (mpmath.sqrt(mpmath.pi) * mpmath.erfc(x))


SPECIAL: dict[str, tuple[Callable[[Any], Any], float, float]] = {
    "gaussian": (lambda x: mpmath.exp(-(x**2)), -25.0, 25.0),
    "erf": (mpmath.erf, -40.0, 40.0),
    "erfc": (mpmath.erfc, -40.0, 25.0),
    "log_erfc": (lambda x: mpmath.log(mpmath.erfc(x)), -40.0, 40.0),
    "log_half_erfc": (lambda x: mpmath.log(mpmath.erfc(x) / 2), -25.0, 40.0),
    "erfc_hazard": (_scaled, -25.0, 40.0),
    "erfc_curvature": (lambda x: _scaled(x) * (_scaled(x) - 2 * x), -25.0, 40.0),
    "erfc_excess": (lambda x: _scaled(x) - 2 * x, -40.0, 40.0),
    "asinh": (mpmath.asinh, -40.0, 40.0),
    "atan": (mpmath.atan, -40.0, 40.0),
    "loggamma": (mpmath.loggamma, 0.0, 700.0),
    "digamma": (mpmath.digamma, 0.0, 700.0),
    "trigamma": (lambda x: mpmath.psi(1, x), 0.0, 700.0),
    "tetragamma": (lambda x: mpmath.psi(2, x), 0.0, 700.0),
}


@pytest.mark.parametrize("name", SPECIAL)
def test_special_functions_in_two_parts(name: str) -> None:
    function, low, high = SPECIAL[name]
    x = _numbers(low, min(high, 40.0), 5, 300)
    for high_part in x[(x > low) & (x < high)].tolist():
        rest = high_part * 2.0**-54
        with mpmath.workprec(1500):
            exact = function(mpmath.mpf(high_part) + mpmath.mpf(rest))
            got = sum(map(mpmath.mpf, getattr(twofold, name)((high_part, rest))))
            assert abs(got - exact) <= mpmath.mpf(2) ** -54 * abs(exact), high_part


@pytest.mark.parametrize("name", BINARY)
def test_operations_in_two_parts(name: str) -> None:
    positive = name in ("power", "xlogy")
    pairs = zip(_numbers(0.0 if positive else -700.0, 700.0, 2), _numbers(0.0, 30.0, 3), strict=False)
    for x, y in pairs:
        a, b = (float(x), float(x) * 2.0**-54), (float(y), -float(y) * 2.0**-55)
        with mpmath.workprec(2500):
            exact = BINARY[name](sum(map(mpmath.mpf, a)), sum(map(mpmath.mpf, b)))
            got = sum(map(mpmath.mpf, getattr(twofold, name)(a, b)))
            bits = {"power": 55, "logaddexp": 57, "xlogy": 57}.get(name, 62)  # exp multiplies what its argument lacks
            size = max(abs(exact), abs(mpmath.mpf(a[0])) if name in ("add", "subtract", "logaddexp") else 0)
            if abs(exact) > 1e-280:
                assert abs(got - exact) <= mpmath.mpf(2) ** -bits * size, (x, y)


def test_interpreted_and_compiled_functions_agree_to_the_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    from pathlib import Path

    from symloss.verify import plain

    plain.plain_module("nothing", "", Path(inspect.getfile(elementary)).parent)
    import sys

    python = sys.modules["symloss_plain._runtime.twofold"]
    for x in _numbers(-700.0, 700.0, 4, 40).tolist():
        for name in ("exp", "softplus", "sigmoid", "tanh"):
            assert getattr(python, name)((x, 0.0)) == getattr(twofold, name)((x, 0.0)), (name, x)


def test_divide_twice_rounds_once() -> None:
    rng = np.random.default_rng(5)
    for x, y in zip(rng.uniform(0.01, 100, 500), np.exp2(rng.uniform(-200, 200, 500)), strict=True):
        with mpmath.workprec(300):
            exact = mpmath.mpf(x) / mpmath.mpf(y) ** 2
            error = abs(elementary.divide_twice(x, y) - exact) / mpmath.mpf(np.spacing(float(exact)))
        assert error < 0.51
    assert [elementary.divide_twice(a, b) for a, b in ((1.0, 1e-200), (1.0, np.inf), (1.0, 1e200))] == [
        np.inf,
        0.0,
        0.0,
    ]
