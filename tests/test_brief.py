"""Functions for float64 numbers that become float32: good to 2**-44 against mpmath, and in all special values alike."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from symloss.generated import focal_with_logits

from symloss import ir
from symloss.runtime import brief, elementary

Function = Callable[..., Any]
EXACT: dict[str, tuple[Function, float, float]] = {
    "exp": (mpmath.exp, -690.0, 708.0),
    "expm1": (mpmath.expm1, -1e38, 708.0),
    "expm1mx": (lambda x: mpmath.expm1(x) - x, -1e38, 708.0),
    "log": (mpmath.log, 0.0, 3e38),
    "log1p": (mpmath.log1p, -1.0, 3e38),
    "sigmoid": (lambda x: 1 / (1 + mpmath.exp(-x)), -690.0, 3e38),
    "logistic_density": (lambda x: 1 / (2 + mpmath.exp(x) + mpmath.exp(-x)), -690.0, 690.0),
    "softplus": (lambda x: mpmath.log1p(mpmath.exp(x)), -690.0, 3e38),
    "log1mexp": (lambda x: mpmath.log(-mpmath.expm1(x)), -690.0, 0.0),
    "lifted": (lambda x: x, -3e38, 3e38),
    "lowered": (lambda x: x, -3e38, 3e38),
    "lifted_one_plus": (lambda x: 1 + x, 0.0, 3e38),
    "lifted_sigmoid": (lambda x: 1 / (1 + mpmath.exp(-x)), -690.0, 3e38),
    "lifted_logistic_density": (lambda x: 1 / (2 + mpmath.exp(x) + mpmath.exp(-x)), -690.0, 690.0),
}
OF_MORE: dict[str, Function] = {
    "exp_minus": lambda x, y: mpmath.exp(x - y),
    "logaddexp": lambda x, y: mpmath.log(mpmath.exp(x) + mpmath.exp(y)),
    "xlogy": lambda x, y: x * mpmath.log(y),
    "xlog1py": lambda x, y: x * mpmath.log1p(y),
    "sigmoid_mix": lambda x, a, b: a / (1 + mpmath.exp(-x)) + b / (1 + mpmath.exp(x)),
    "times_exp": lambda x, k: k * mpmath.exp(x),
    "times_expm1": lambda x, k: k * mpmath.expm1(x),
    "times_expm1mx": lambda x, k: k * (mpmath.expm1(x) - x),
    "exp_below": lambda x, y: mpmath.exp(x - y),
    "lifted_exp_minus": lambda x, y: mpmath.exp(x - y),
    "times_log_softmax": lambda x, total, log_total, k, weight: k * weight * (x - log_total) + 0 * total,
    "squared_difference": lambda x, y: (x - y) ** 2,
    "times_square": lambda x, k: k * x**2,
    "sum_ratio": lambda total, rest, y: (total + 0 * rest) / y,
    "softplus_mix": lambda x, a, b: a * mpmath.log1p(mpmath.exp(x)) + b * mpmath.log1p(mpmath.exp(-x)),
}
_LIFT = 2.0**64  # by which the long forms of some are multiplied
SPECIAL = (-math.inf, -0.0, 0.0, 1.0, -1.0, math.inf, math.nan)


def _numbers(low: float, high: float) -> list[float]:
    rng = np.random.default_rng(5)
    sizes = np.exp2(rng.uniform(-140, 127, 400)) * rng.choice([-1.0, 1.0], 400)
    near = np.array([0.25, 0.34657, 0.5, 0.69314, 1.0, 87.3, 103.9])
    x = np.concatenate([sizes, rng.uniform(-100, 100, 400), rng.uniform(-1, 1, 400), near, -near])
    return [float(v) for v in np.float32(x) if low < v < high]


def _error(got: float, exact: Any) -> float:
    return 0.0 if got == exact else float(abs(mpmath.mpf(got) - exact) / abs(exact))


@pytest.mark.parametrize("name", EXACT)
def test_functions_of_one_number(name: str) -> None:
    function, low, high = EXACT[name]
    with mpmath.workprec(1000):
        worst = max((_error(getattr(brief, name)(x), function(mpmath.mpf(x))), x) for x in _numbers(low, high))
    assert worst[0] <= 2.0**-44, worst


@pytest.mark.parametrize("name", OF_MORE)
def test_functions_of_more(name: str) -> None:
    rng = np.random.default_rng(6)
    count = OF_MORE[name].__code__.co_argcount
    with mpmath.workprec(1000):
        for _ in range(500):
            args = [float(np.float32(v)) for v in rng.uniform(0, 1, count) * 2.0 ** rng.integers(-20, 7, count)]
            exact = OF_MORE[name](*map(mpmath.mpf, args))
            # The sum of two terms of one sign: relative; a difference is exact before the exponential.
            assert _error(getattr(brief, name)(*args), exact) <= 2.0**-44, args


def test_the_tables_name_the_same_functions() -> None:
    names = {f.__name__ for f in brief.FUNCTIONS}
    assert names == ir.BRIEF == {*EXACT, *OF_MORE}
    assert all(callable(getattr(elementary, name)) for name in names)


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("x", SPECIAL)
def test_special_values_are_those_of_the_long_form(name: str, x: float) -> None:
    if name == "log1mexp" and x > 0:
        pytest.skip("outside of its domain")
    given = _LIFT * x if name == "lifted_one_plus" else x
    lift = 1.0 / _LIFT if name == "lowered" else _LIFT if name.startswith("lifted") else 1.0
    mine, other = getattr(brief, name)(x), getattr(elementary, name)(given) / lift
    np.testing.assert_allclose(mine, other, rtol=2.0**-44, atol=0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("odd", [math.inf, -math.inf, math.nan])
def test_one_infinite_sample_does_not_change_the_others(dtype: Any, odd: float) -> None:
    """A block with a number that is not finite is computed again, by functions for any numbers."""
    z = np.random.default_rng(0).normal(0, 5, 5000).astype(dtype)
    y = (z > 1).astype(dtype)
    value, grad = focal_with_logits.value_and_grad(z, y, reduction="none")
    z[1234] = odd
    again, grad_again = focal_with_logits.value_and_grad(z, y, reduction="none")
    others = np.arange(5000) != 1234
    np.testing.assert_array_equal(value[others], again[others])
    np.testing.assert_array_equal(grad[others], grad_again[others])
    alone = focal_with_logits.value(z[1234:1235], y[1234:1235], reduction="none")
    np.testing.assert_array_equal(again[1234], alone[0])
    assert math.isnan(again[1234]) == math.isnan(odd)
