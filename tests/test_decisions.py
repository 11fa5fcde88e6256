"""What jumps where a difference of inputs is a level: on the side of the exact difference, however that rounds."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import pytest
from catalogue import catalogue
from symloss.generated import huber
from sympy import Abs, Expr, Interval, Le, Max, Piecewise, Rational, exp, oo, sign
from test_emit import module_of

from symloss import Loss, Parameter, Prediction, Target
from symloss.decisions import decide
from symloss.functions import absolute, select, sgn
from symloss.pipeline import text_of_stage
from symloss.runtime import excess as runtime
from symloss.runtime import twofold
from symloss.scaled_functions import distance_excess, excess

p, y, q = Prediction("p"), Target("y"), Target("q")
t = Parameter("t", 1.0, domain=Interval(0, oo))
DTYPES = (np.float32, np.float64)
# Differences of which four round to 1/2 or -1/2.
NEAR: tuple[tuple[float, float], ...] = ((-0.5, 7e-45), (-0.5, -7e-45), (0.5, 7e-45), (0.5, -7e-45), (1.5, 1.0))


def _near_level(dtype: Any) -> tuple[npt.NDArray[Any], ...]:
    """Return x, y and a level that their distance mostly rounds to."""
    rng = np.random.default_rng(3)
    level = rng.choice([0.5, 1.0, 1.5, 3.0, 1e-3, 7.0], size=2000).astype(dtype)
    y_ = (rng.normal(size=2000) * 10.0 ** rng.integers(-38, 2, size=2000)).astype(dtype)
    return (y_ + level * rng.choice([-1, 1], size=2000)).astype(dtype), y_, level


def _sign(x: Fraction) -> int:
    return (x > 0) - (x < 0)


def _exact(x: Any, y: Any, level: Any) -> tuple[int, int]:
    a, b, c = (Fraction(float(n)) for n in (x, y, level))
    return _sign(a - b - c), _sign(abs(a - b) - c)


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_excess_has_its_sign(dtype: Any) -> None:
    @numba.njit(error_model="numpy")
    def compiled(x: Any, y: Any, level: Any) -> Any:
        return runtime.excess(x, y, level), runtime.distance_excess(x, y, level)

    turned = 0
    for x, y_, level in zip(*_near_level(dtype), strict=True):
        expected = _exact(x, y_, level)
        assert tuple(map(np.sign, compiled(x, y_, level))) == expected
        pairs = [(float(n), 0.0) for n in (x, y_, level)]
        parts = runtime.excess_parts(*pairs), runtime.distance_excess_parts(*pairs)
        assert tuple(np.sign(twofold.merged(part)) for part in parts) == expected
        turned += bool(abs(x - y_) == level and expected[1])
    assert turned > 100  # which what is rounded alone gets wrong


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_excess_of_infinite_and_undefined_differences(dtype: Any) -> None:
    large = np.finfo(dtype).max
    with np.errstate(all="ignore"):
        assert runtime.excess(large, -large, dtype(1)) == np.inf
        assert runtime.distance_excess(-large, large, dtype(1)) == np.inf
        assert runtime.distance_excess(dtype(-np.inf), dtype(0), dtype(1)) == np.inf
        for function in (runtime.excess, runtime.distance_excess):
            assert np.isnan(function(dtype(np.nan), dtype(0), dtype(1)))
            assert np.isnan(function(dtype(np.inf), dtype(np.inf), dtype(1)))


CHANGED: dict[str, tuple[Expr, Expr]] = {
    "size of a difference": (select(Le(absolute(p - y), t), 1, 0), select(Le(distance_excess(p, y, t), 0), 1, 0)),
    "scaled by powers of two": (
        select(Le(absolute(p - y / 2), 2 * t), 1, 0),
        select(Le(distance_excess(p, y / 2, 2 * t), 0), 1, 0),
    ),
    "a difference less a number": (select(p - y > 1, 1, 0), select(excess(p, y, 1) > 0, 1, 0)),
    "three inputs": (select(p > y + q, 1, 0), select(excess(p, q, y) > 0, 1, 0)),
    "sign": (sgn(p - y - t), sgn(excess(p, y, t))),
    "sign of a distance": (sgn(t - absolute(p - y)), -sgn(distance_excess(p, y, t))),
    "inside of others": (exp(select(absolute(p - y) < t, p, y)), exp(select(distance_excess(p, y, t) < 0, p, y))),
}
KEPT: dict[str, Expr] = {
    "a sign": select(p - y > 0, 1, 0),
    "two inputs": select(p > y, 1, 0),
    "of what is rounded itself": select(absolute(p - 3 * y) > t, 1, 0),
    "a level that is rounded": select(absolute(p - y) > t * q, 1, 0),
    "a level that is no float": select(absolute(p - y) > Rational(1, 10), 1, 0),
    "continuous": select(absolute(p - y) > t, absolute(p - y) - t, 0),
    "continuous on either side": select(absolute(p - y) > t, t * sgn(p - y), p - y),
}


@pytest.mark.parametrize("name", CHANGED)
def test_what_jumps_compares_exactly(name: str) -> None:
    given, expected = CHANGED[name]
    assert decide(given) == expected


@pytest.mark.parametrize("name", KEPT)
def test_other_comparisons_stay(name: str) -> None:
    assert decide(KEPT[name]) == KEPT[name]


def test_what_jumps_on_one_side_only() -> None:
    """2*(p - y) and abs(p - y) + t are the same at p - y = t, not at p - y = -t."""
    jumping = select(absolute(p - y) > t, 2 * (p - y), absolute(p - y) + t)
    assert decide(jumping).has(distance_excess)


def test_values_and_gradients_of_losses_compare_floats() -> None:
    """They are continuous, and exact comparisons cost time."""
    changed = [name for name, loss in catalogue().items() if not loss.dims and "excess" in text_of_stage(loss, "exact")]
    assert changed == ["huber"]
    lines = text_of_stage(catalogue()["huber"], "exact").splitlines()
    assert [line.split()[0] for line in lines if "excess" in line] == ["hessian", "hvp"]


_OF_RESIDUAL: dict[str, tuple[Expr, Callable[[Fraction, Fraction], tuple[float, float]]]] = {
    "huber": (
        Piecewise(((p - y) ** 2 / 2, Abs(p - y) <= t), (t * (Abs(p - y) - t / 2), True)),
        lambda r, level: (float(max(-level, min(level, r))), float(abs(r) <= level)),
    ),
    "insensitive": (Max(0, Abs(p - y) - t), lambda r, level: (float(_sign(r) * (abs(r) > level)), 0.0)),
    "shifted": (Abs(p - y - t), lambda r, level: (float(_sign(r - level)), 0.0)),
    "jumping": (p * sign(p - y - t), lambda r, level: (float(_sign(r - level)), 0.0)),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", _OF_RESIDUAL)
def test_derivatives_are_those_of_the_right_side(name: str, dtype: Any, tmp_path: Path) -> None:
    expr, expected = _OF_RESIDUAL[name]
    module = module_of(Loss(f"{name}_{np.dtype(dtype)}", expr), tmp_path)
    x, target, levels = _near_level(dtype)
    for level in np.unique(levels):
        chosen = levels == level
        grad, hess = module.grad_and_hess(x[chosen], target[chosen], t=float(level), reduction="none")
        exact = [Fraction(float(a)) - Fraction(float(b)) for a, b in zip(x[chosen], target[chosen], strict=True)]
        pairs = [expected(r, Fraction(float(level))) for r in exact]
        np.testing.assert_array_equal(hess, [h for _, h in pairs])
        np.testing.assert_array_equal(grad, np.array([g for g, _ in pairs], dtype))


def test_huber_at_the_inputs_that_certificates_had() -> None:
    """The residuals round to delta from above and from below."""
    prediction, target = np.array(NEAR).T.astype(np.float32)
    hess = huber.grad_and_hess(prediction, target, delta=0.5, reduction="none")[1]
    np.testing.assert_array_equal(hess, [0.0, 1.0, 1.0, 0.0, 1.0])
    product = huber.hvp(prediction, target, delta=0.5, v=np.ones(5, np.float32), reduction="none")
    np.testing.assert_array_equal(product, [0.0, 1.0, 1.0, 0.0, 1.0])
