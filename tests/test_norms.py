"""Norms less a level, squared or over the norm: one rounding, and values that stay what they were."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import pytest
from symloss.generated import wgan_gradient_penalty
from sympy import Expr, Interval, S, oo, sqrt
from test_row_rules import _value

from symloss.arguments import Parameter, Prediction
from symloss.functions import divide_no_nan, multiply_no_nan, ratio, select
from symloss.norms import join_norms
from symloss.reductions import Dim, Index, SumOver
from symloss.runtime.elementary import times_ratio
from symloss.runtime.norm_parts import norm_less_ratio, norm_less_square
from symloss.scaled_functions import norm_less
from symloss.verify.evaluate import MP as JUDGE

MP = mpmath.MPContext()
MP.prec = 400
C = Dim("C")
c = Index("c", C)
z, w = Prediction("z", C), Prediction("w")
lam = Parameter("lam", 1.0, domain=Interval(0, oo))


def _ulps(got: Any, exact: Any) -> float:
    return float(abs(MP.mpf(float(got)) - exact)) / math.ulp(float(exact))


def _parts(size: int, rng: np.random.Generator) -> tuple[float, float, float, Any]:
    """Return a power of two, a sum of squares, what rounding took from it, and their norm."""
    x = rng.normal(size=size)
    exact = sum(MP.mpf(v) ** 2 for v in x)
    total = float(exact)
    return float(2.0 ** rng.integers(-3, 12)), total, float(exact - total), MP.sqrt(exact)


def test_functions_round_once() -> None:
    rng = np.random.default_rng(4)
    for _ in range(500):
        scale, total, rest, root = _parts(3, rng)
        k, level = rng.uniform(0.1, 10), rng.choice([1.0, 0.7])
        less = scale * root - MP.mpf(level)
        assert _ulps(norm_less_square(k, scale, total, rest, level), MP.mpf(k) * less**2) <= 0.51
        assert _ulps(norm_less_ratio(k, scale, total, rest, level), MP.mpf(k) * less / root) <= 0.51


def test_functions_at_the_ends() -> None:
    assert norm_less_square(3.0, 0.0, 0.0, 0.0, 1.0) == 3.0
    assert norm_less_ratio(3.0, 0.0, 0.0, 0.0, 1.0) == 0.0
    with np.errstate(all="ignore"):
        assert norm_less_square(3.0, math.inf, 2.0, 0.0, 1.0) == math.inf
        assert norm_less_square(0.0, math.inf, 2.0, 0.0, 1.0) == norm_less_ratio(0.0, math.inf, 2.0, 0.0, 1.0) == 0.0
        assert norm_less_ratio(3.0, math.inf, 2.0, 0.0, 1.0) == math.inf
        for k in (0.0, 3.0):
            assert math.isnan(norm_less_square(k, math.nan, math.nan, 0.0, 1.0))
            assert math.isnan(norm_less_ratio(k, math.nan, math.nan, 0.0, 1.0))


def test_entries_over_a_power_of_two() -> None:
    """A subnormal entry keeps its digits, whichever of the factors is divided; nothing overflows that need not."""
    tiny = 5e-324
    cases = [
        (7 * tiny, 512.0, 1024.0, 14 * tiny),
        (7 * tiny, 2.0**-1060, 3.0, 21 * tiny / 2.0**-1060),
        (1e300, 2.0**1000, 2.0**1001, 2e300),
        (-3.0, 4.0, 2.0, -1.5),
        (3.0, 0.0, 2.0, 0.0),
        (math.inf, math.inf, 2.0, 2.0),
        (-math.inf, math.inf, 2.0, -2.0),
    ]
    for x, y, k, expected in cases:
        assert times_ratio(x, y, k) == expected
    assert math.isnan(times_ratio(math.nan, 2.0, 1.0))
    assert math.isnan(times_ratio(math.nan, 0.5, 1.0))


def test_subnormal_entries_of_a_gradient() -> None:
    """What a certificate's search found: up to 1718 of the smallest subnormal off, as the entry was divided by 512."""
    slope = np.array([[-0.5000000000018218, 708.3964185322703, 4.25e-322]])
    gradient = wgan_gradient_penalty.grad(slope, lam=10.0, reduction="none")
    norm = MP.sqrt(sum(MP.mpf(s) ** 2 for s in slope[0]))
    exact = 20 * (norm - 1) * MP.mpf(slope[0, 2]) / norm
    assert abs(MP.mpf(gradient[0, 2]) - exact) <= 5e-324


_squares = SumOver(z[c] ** 2, c)
_less = norm_less(4, _squares, S.Zero, 1)
_unit = ratio(ratio(w, 4), sqrt(_squares))
# What is joined: the sides are equal as far as the rest that the root in front of an entry leaves out, which is 0 here.
JOINED: dict[str, Expr] = {
    "square": multiply_no_nan(multiply_no_nan(lam, _less), _less),
    "square of more": 2 * multiply_no_nan(multiply_no_nan(lam + 1, _less), _less) + w,
    "over the norm": _less * _unit,
    "a number over the norm": _less * divide_no_nan(w, 4 * sqrt(_squares)),
    "over the norm, with a parameter": multiply_no_nan(lam, 2 * _less * _unit),
    "in one of two ways": multiply_no_nan(lam, select(w > 1, w, _less * _unit)),
}
KEPT: dict[str, Expr] = {
    "a norm alone": _less,
    "of another scale": _less * ratio(ratio(w, 8), sqrt(_squares)),
    "of another norm": _less * ratio(ratio(w, 4), sqrt(_squares + 1)),
    "a product of two": multiply_no_nan(multiply_no_nan(lam, w), _less),
    "nothing that a parameter could go into": multiply_no_nan(lam, select(w > 1, w, 1 / w)),
    "a number over another norm": _less * divide_no_nan(w, 2 * sqrt(_squares)),
}


@pytest.mark.parametrize("name", JOINED)
def test_joined_expressions_keep_their_values(name: str) -> None:
    expr = JOINED[name]
    joined = join_norms(expr)
    assert joined != expr
    assert not joined.has(norm_less)
    for size in (0.7, 1.7):
        numbers = {"z": [JUDGE.mpf(v) for v in (0.3, -1.75, 2.5)], "w": [JUDGE.mpf(size)], "lam": [JUDGE.mpf(1.3)]}
        with JUDGE.workdps(60):
            left, right = (_value(e, numbers) for e in (expr, joined))
            assert abs(left - right) <= JUDGE.mpf(10) ** -50 * abs(left)


@pytest.mark.parametrize("name", KEPT)
def test_other_products_stay(name: str) -> None:
    assert join_norms(KEPT[name]) == KEPT[name]


def test_value_and_gradient_of_the_penalty() -> None:
    """Away from the root, in units of the result: half a unit, and one and a half."""
    rng = np.random.default_rng(6)
    for size in (1, 3, 20):
        slope = rng.normal(size=(100, size)) * 10.0 ** rng.integers(-4, 5, size=(100, 1))
        value, grad = wgan_gradient_penalty.value_and_grad(slope, lam=0.7, reduction="none")
        for v, g, row in zip(value, grad, slope, strict=True):
            norm = MP.sqrt(sum(MP.mpf(s) ** 2 for s in row))
            if abs(norm - 1) < 0.1:
                continue
            assert _ulps(v, MP.mpf(0.7) * (norm - 1) ** 2) <= 0.51
            for got, s in zip(g, row, strict=True):
                assert _ulps(got, 2 * MP.mpf(0.7) * (norm - 1) * MP.mpf(s) / norm) <= 1.6
