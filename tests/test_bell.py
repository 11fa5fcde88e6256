"""The judge's erf and erfc, to any number of digits, against ball arithmetic."""

from __future__ import annotations

import math
import time

import mpmath
import pytest
from flint import arb, ctx

from symloss.verify import bell


def _correct(digits: int, x: str, name: str) -> mpmath.mpf:
    before = ctx.dps
    ctx.dps = digits + 20
    try:
        while True:
            ball = getattr(arb(x), name)()
            if ball.rel_accuracy_bits() > 3.33 * digits:
                return mpmath.mpf(ball.mid().str(digits + 10, radius=False))
            ctx.dps *= 2
    finally:
        ctx.dps = before


@pytest.mark.parametrize("digits", [30, 100, 450, 1100])
@pytest.mark.parametrize("x", ["1e-200", "-0.3", "0.7", "-6.25", "5.3125", "20.125", "38.5", "-38.5", "61.75", "5e9"])
@pytest.mark.parametrize("name", ["erf", "erfc"])
def test_all_digits_are_right(digits: int, x: str, name: str) -> None:
    with mpmath.workdps(digits + 20):
        exact = _correct(digits + 15, x, name)
        context = mpmath.MPContext()
        context.dps = digits
        got = getattr(bell, name)(context, context.mpf(x))
        assert abs(mpmath.mpf(got) / exact - 1) < mpmath.mpf(10) ** -(digits - 1)


@pytest.mark.parametrize("name", ["erf", "erfc"])
@pytest.mark.parametrize("x", ["0", "inf", "-inf", "nan", "1e300", "-1e300"])
def test_ends(name: str, x: str) -> None:
    context = mpmath.MPContext()
    got, exact = getattr(bell, name)(context, context.mpf(x)), getattr(math, name)(float(x))
    assert abs(got - exact) < 1e-300 or got == exact or (mpmath.isnan(got) and math.isnan(exact))


def test_tails_are_quick() -> None:
    """Mpmath takes near a second for each of these numbers."""
    context = mpmath.MPContext()
    context.dps = 1100
    start = time.process_time()
    for x in (30.0, 38.0, -38.0):
        bell.erfc(context, context.mpf(x) / 3 * 3)
    assert time.process_time() - start < 1.0
