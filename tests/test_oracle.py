"""The oracle of balls against mpmath, which knows nothing of it."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from catalogue import catalogue
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from symloss import Loss, Prediction
from symloss.verify.evaluate import MP
from symloss.verify.oracle import Entry, Oracle, is_normal, ulps
from symloss.verify.point import Sample
from symloss.verify.ulp import error_in_ulps

_PRECISION = 4000
_LOGIT = Oracle(catalogue()["binary_cross_entropy_with_logits"])
_FOCAL = Oracle(catalogue()["focal_with_logits"])
_SPARSE = Oracle(catalogue()["sparse_cross_entropy_with_logits"])
_ABSOLUTE = Oracle(catalogue()["absolute_error"])


def _number(ball: object) -> mpmath.mpf:
    mantissa, exponent = (int(v) for v in ball.mid().man_exp())  # type: ignore[attr-defined]
    return mpmath.ldexp(mpmath.mpf(mantissa), exponent)


def _close(ball: object, exact: mpmath.mpf) -> bool:
    return bool(abs(_number(ball) - exact) <= mpmath.mpf(2) ** -100 * abs(exact))


@pytest.mark.parametrize("z", [0.0, -0.3, 2.5, -36.7, 40.0, -700.0, 700.0, 1e-300])
@pytest.mark.parametrize("y", [0.0, 1.0, 0.3])
def test_value_and_derivatives_of_cross_entropy(z: float, y: float) -> None:
    sample = Sample("", {"z": np.asarray(z), "y": np.asarray(y)})
    found = _LOGIT.series(sample, Entry("z", 0))
    assert found is not None
    with mpmath.workprec(_PRECISION):
        x, target = mpmath.mpf(z), mpmath.mpf(y)
        s = 1 / (1 + mpmath.exp(-x))
        value = -target * mpmath.log(s) - (1 - target) * mpmath.log(1 / (1 + mpmath.exp(x)))
        wanted = (value, s - target, s * (1 - s))
        assert all(_close(ball, exact) for ball, exact in zip(found, wanted, strict=True))


@pytest.mark.parametrize("z", [-3.0, 0.7, 12.0])
def test_derivatives_of_focal_are_those_of_mpmath(z: float) -> None:
    sample = Sample("", {"z": np.asarray(z), "y": np.asarray(1.0)}, {"alpha": 0.25, "gamma": 1.7})
    found = _FOCAL.series(sample, Entry("z", 0))
    assert found is not None
    with mpmath.workprec(_PRECISION):

        def loss(x: mpmath.mpf) -> mpmath.mpf:
            s = 1 / (1 + mpmath.exp(-x))
            return -mpmath.mpf(0.25) * (1 - s) ** mpmath.mpf(1.7) * mpmath.log(s)

        wanted = [mpmath.diff(loss, mpmath.mpf(z), n) for n in range(3)]
        assert all(_close(ball, exact) for ball, exact in zip(found, wanted, strict=True))


def test_a_confident_row() -> None:
    sample = Sample("", {"z": np.array([350.0, -350.0, 1.0]), "label": np.asarray(0)})
    with mpmath.workprec(_PRECISION):
        rest = [mpmath.exp(mpmath.mpf(v) - 350) for v in (-350.0, 1.0)]
        total = 1 + sum(rest)
        found = _SPARSE.series(sample, Entry("z", 0))
        assert found is not None
        assert _close(found[0], mpmath.log(total))
        assert _close(found[1], -sum(rest) / total)


def test_kinks_are_special() -> None:
    names = [a.name for a in catalogue()["absolute_error"].arguments]
    sample = Sample("", {name: np.asarray(1.5) for name in names})
    assert _ABSOLUTE.series(sample, Entry(names[0], 0)) is None


def test_ends_of_domains_are_special() -> None:
    oracle = Oracle(catalogue()["binary_cross_entropy"])
    sample = Sample("", {"p": np.asarray(0.0), "y": np.asarray(1.0)})
    assert oracle.series(sample, Entry("p", 0)) is None


def test_the_largest_term_is_what_cancels() -> None:
    sample = Sample("", {"z": np.asarray(0.5), "y": np.asarray(1 / (1 + math.exp(-0.5)))})
    sizes = _LOGIT.largest_terms(sample, Entry("z", 0))
    found = _LOGIT.series(sample, Entry("z", 0))
    assert sizes is not None
    assert found is not None
    assert abs(float(found[1])) < 1e-15  # a root of the gradient
    assert 0.5 < sizes[1] < 1.0  # of sigmoid(0.5) - y, both about 0.62


def test_terms_are_known_where_other_derivatives_are_zero() -> None:
    """The third derivative is 0 at z = 0, as a ball of any precision around it."""
    oracle, target = Oracle(catalogue()["weighted_binary_cross_entropy_with_logits"]), 0.5 - 2.0**-51
    arrays = {"z": np.asarray(0.0), "y": np.asarray(target)}
    sizes = oracle.largest_terms(Sample("", arrays, {"pos_weight": 1.0}), Entry("z", 0))
    assert sizes is not None
    assert sizes[1] == target  # of (1 - y)*sigmoid(z) - y*sigmoid(-z), which is 2**-51


def test_of_a_long_row_the_target_at_the_same_place_counts() -> None:
    """All others are larger, and each of them moves little: softmax * sum(y) - y is about 0.6 - 0.5 here."""
    oracle, targets = Oracle(catalogue()["cross_entropy_with_logits"]), np.full(60, 0.6)
    targets[7] = 0.5
    sizes = oracle.largest_terms(Sample("", {"z": np.zeros(60), "y": targets}), Entry("z", 7))
    assert sizes is not None
    assert sizes[1] == pytest.approx(0.5 * 59 / 60)


# How long it takes to draw numbers says how busy the machine is.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.floats(allow_nan=False), st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([32, 64]))
def test_ulps_agree_with_the_judge(got: float, exact: float, bits: int) -> None:
    from flint import arb

    dtype = np.dtype(f"float{bits}").type
    with np.errstate(over="ignore"):
        rounded = float(dtype(got))
    theirs, ours = error_in_ulps(rounded, MP.mpf(exact), dtype), ulps(rounded, arb(exact), dtype)
    largest = float(np.finfo(dtype).max)
    if abs(exact) < largest and math.isfinite(rounded):
        assert ours == pytest.approx(theirs, rel=1e-12) or min(ours, theirs) > 1e290
    elif abs(exact) < largest:
        assert ours > 0  # infinity, where there is a number


def test_nan_is_wrong_and_infinity_right_beyond_the_floats() -> None:
    from flint import arb

    assert ulps(math.nan, arb(1), np.float32) == math.inf
    assert ulps(math.inf, arb(2) ** 2000, np.float64) == 0
    assert ulps(-math.inf, arb(2) ** 2000, np.float64) == math.inf
    assert ulps(0.0, arb(2) ** -1074, np.float64) == 1
    assert is_normal(arb(2) ** -1022, np.float64)
    assert not is_normal(arb(2) ** -1023, np.float64)


def test_an_exact_tie_is_proved() -> None:
    p = Prediction("p")
    oracle = Oracle(Loss("product", p * (p + 1)))
    found = oracle.series(Sample("", {"p": np.asarray(1 + 2.0**-52)}), Entry("p", 0))
    assert found is not None
    assert found[0].is_exact()
