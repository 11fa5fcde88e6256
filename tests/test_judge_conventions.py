"""Kinks, ends of domains, infinities and NaN."""

import math

import numpy as np
import pytest
from symloss.specs import binary, generative, multiclass, regression
from sympy import Abs, Idx, Interval, Max, Piecewise, Rational, Sum, erf, exp, log, oo, sqrt

from symloss import Dim, Loss, Parameter, Prediction, Target
from symloss.reductions import Element, Index, MaxOver, Norm
from symloss.verify.judge import Judge
from symloss.verify.limits import limit
from symloss.verify.point import Sample

INF, NAN = math.inf, math.nan


def judged(loss, parameters=None, **arrays):
    """Return the expected results, flat, as floats, and which of them may be NaN."""
    arrays = {name: np.asarray(a) for name, a in arrays.items()}
    given = {p.name: float(p.default) for p in loss.parameters} | (parameters or {})
    directions = {p.name: np.ones(arrays[p.name].shape) for p in loss.predictions}
    results = Judge(loss).verdict(Sample("test", arrays, given, directions)).results.flat()
    return [None if e.number is None else float(e.number) for e in results], [e.or_nan for e in results]


def numbers(loss, parameters=None, **arrays):
    """Return the expected results."""
    return judged(loss, parameters, **arrays)[0]


def same(got, *expected):
    """Whether numbers agree, NaN included."""
    np.testing.assert_allclose(got, expected, rtol=1e-14, atol=0)
    return True


ENDS = [(0.0, 0.0, (0, 1, 1)), (0.0, 1.0, (INF, -INF, INF)), (0.0, 0.25, (INF, -INF, INF)),
        (1.0, 1.0, (0, -1, 1)), (1.0, 0.0, (INF, INF, INF)), (0.0, 5e-324, (INF, -INF, INF))]  # fmt: skip


@pytest.mark.parametrize(("p", "y", "expected"), ENDS)
def test_ends_of_binary_cross_entropy(p, y, expected):
    """Limits from inside."""
    assert same(numbers(binary.binary_cross_entropy, p=p, y=y), *expected, expected[2])


# -alpha (1 - p)^gamma log p at p = 1 behaves as alpha (1 - p)^(gamma + 1).
FOCAL = {0.0: (0, -0.25, 0.25), 0.5: (0, 0, INF), 1.0: (0, 0, 0.5), 1.5: (0, 0, 0), 2.0: (0, 0, 0), 3.0: (0, 0, 0)}


@pytest.mark.parametrize("gamma", FOCAL)
def test_ends_of_focal(gamma):
    """At p = 0 everything is infinite, at p = 1 it depends on the exponent."""
    assert same(numbers(binary.focal, {"gamma": gamma}, p=0.0, y=1.0), INF, -INF, INF, INF)
    value, slope, second = FOCAL[gamma]
    assert same(numbers(binary.focal, {"gamma": gamma}, p=1.0, y=1.0), value, slope, second, second)
    assert same(numbers(binary.focal, {"alpha": 0.75, "gamma": gamma}, p=0.0, y=0.0), value, -slope, second, second)


def test_infinite_logits():
    """Limits, also where a power has to settle, and none where it depends on the way."""
    logits = binary.binary_cross_entropy_with_logits
    assert same(numbers(logits, z=INF, y=1.0), 0, 0, 0, 0)
    assert same(numbers(logits, z=INF, y=0.0), INF, 1, 0, 0)
    assert same(numbers(logits, z=-INF, y=0.25), INF, -0.25, 0, 0)
    assert same(numbers(logits, z=-INF, y=5e-324), INF, -5e-324, 0, 0)
    assert same(numbers(regression.squared_error, prediction=INF, target=1000.0), INF, INF, 2, 2)
    assert same(numbers(multiclass.sparse_cross_entropy_with_logits, z=[1.0, -INF], label=0), *[0] * 7)
    assert same(numbers(generative.wgan_gradient_penalty, slope=[0.5, -INF]), INF, 10, -INF, 20, 20, 20, 20)
    assert numbers(generative.wasserstein, d_real=[INF], d_fake=[INF])[0] is None


def test_nan_and_outside():
    """NaN in, NaN out, but for what does not depend on it."""
    got, free = judged(binary.binary_cross_entropy, p=NAN, y=0.5)
    assert same(got, *[NAN] * 4)
    assert not any(free)
    assert same(numbers(binary.binary_cross_entropy, p=1.5, y=0.5), *[NAN] * 4)
    got, free = judged(generative.gan_discriminator, d_real=[NAN], d_fake=[0.5])
    assert same(got[:3], NAN, NAN, 2)
    assert free[:3] == [False, False, True]
    got, free = judged(generative.wgan_generator, d_fake=NAN)
    assert same(got, NAN, -1, 0, 0)
    assert free == [False, True, True, True]
    assert judged(multiclass.sparse_cross_entropy, p=[0.5, NAN], label=0)[1][0]
    assert same(numbers(Loss("on_open", log(positive)), s=0.0), *[NAN] * 4)


x, y = Prediction("x"), Target("y")
positive = Prediction("s", domain=Interval.Lopen(0, oo))
C = Dim("C")
c = Idx("c", C)
z = Prediction("z", C)
i = Index("i", C)
slope = Parameter("tau", 0.25)


def test_kinks_have_the_slope_of_least_magnitude_and_no_curvature():
    """One-sided slopes of opposite sign, of one sign, and equal ones."""
    assert same(numbers(regression.absolute_error, prediction=1.5, target=1.5), 0, 0, 0, 0)
    assert same(numbers(Loss("pinball", Max(slope * (y - x), (slope - 1) * (y - x))), x=0.5, y=0.5), 0, 0, 0, 0)
    assert same(numbers(Loss("leaky", Max(x, 3 * x) + y), x=0.0, y=0.0), 0, 1, 0, 0)
    assert same(numbers(Loss("hinge", Max(0, 1 - x * y)), x=1.0, y=1.0), 0, 0, 0, 0)
    assert same(numbers(Loss("hinge", Max(0, 1 - x * y)), x=0.5, y=1.0), 0.5, -1, 0, 0)
    huber = Loss("huber", Piecewise((x**2 / 2, Abs(x) <= 1), (Abs(x) - Rational(1, 2), True)))
    assert same(numbers(huber, x=0.25), 0.03125, 0.25, 1, 1)
    assert same(numbers(huber, x=-3.0), 2.5, -1, 0, 0)
    assert same(numbers(huber, x=1.0)[:2], 0.5, 1)


def test_ties_split_evenly_and_norms_vanish():
    """A maximum over an axis, and a norm at the zero vector."""
    largest = Loss("largest", MaxOver(Element(z, i), i))
    third = 1 / 3
    assert same(numbers(largest, z=[2.0, 2.0, 1.0]), 2, 0.5, 0.5, 0, *[0] * 6)
    assert same(numbers(largest, z=[2.0, 2.0, 2.0]), 2, third, third, third, *[0] * 6)
    assert same(numbers(Loss("norm", Norm(Element(z, i), i)), z=[0.0, 0.0]), *[0] * 7)
    assert same(numbers(Loss("root", sqrt(Sum(z[c] ** 2, c))), z=[0.0, 0.0]), *[0] * 7)
    assert same(numbers(generative.wgan_gradient_penalty, slope=[0.0, 0.0]), 10, *[0] * 6)


def test_ties_of_subnormal_width_are_no_ties():
    """The step is smaller than any distance of two floats."""
    assert same(numbers(Loss("hinge", Max(0, x - y)), x=5e-324, y=0.0), 5e-324, 1, 0, 0)


def test_other_functions():
    """Functions that no loss of the catalogue uses."""
    got = numbers(Loss("probit", erf(x) + exp(x)), x=0.5)
    bell = 2 / math.sqrt(math.pi) * math.exp(-0.25)
    assert same(got, math.erf(0.5) + math.exp(0.5), bell + math.exp(0.5), math.exp(0.5) - bell, math.exp(0.5) - bell)
    poisson = numbers(Loss("poisson", positive - y * log(positive)), s=2.0, y=0.5)
    assert same(poisson, 2 - 0.5 * math.log(2), 0.75, 0.125, 0.125)


def test_limits_of_sequences():
    """Constant, vanishing, growing, and neither."""
    assert limit([1, 1, 1]) == 1
    assert limit([1e-40, 1e-80, 1e-160]) == 0
    assert limit([-92, -184, -368]) == -INF
    assert limit([1, -1, 1]) is None
    assert limit([1, 1.05, 1.1]) is None


def test_a_growth_that_is_hidden_by_other_terms_is_no_limit():
    """The loss grows by 1e-30 in every unit of the logit: nothing finite is required."""
    x_logit = {"x_logit": [-INF], "x": [2.0**-100], "mu": [2.0], "logvar": [1.0]}
    assert numbers(generative.vae_bernoulli, **x_logit)[0] in (None, INF)
