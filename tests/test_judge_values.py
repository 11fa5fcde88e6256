"""The judge's numbers against closed forms and derivatives that are written here, in plain mpmath."""

import mpmath
import numpy as np
import pytest
from mpmath import mpf
from symloss.specs import binary, generative, multiclass, regression

from symloss.verify.judge import Judge
from symloss.verify.point import Sample


@pytest.fixture(autouse=True)
def _digits():
    with mpmath.workdps(500):
        yield


def judged(loss, directions=None, parameters=None, **arrays):
    """Return value, gradient, Hessian diagonal and product, flat."""
    arrays = {name: np.asarray(a) for name, a in arrays.items()}
    given = {p.name: float(p.default) for p in loss.parameters} | (parameters or {})
    directions = directions or {p.name: np.ones(arrays[p.name].shape) for p in loss.predictions}
    sample = Sample("test", arrays, given, {name: np.asarray(v, float) for name, v in directions.items()})
    results = Judge(loss).verdict(sample).results
    parts = ([results.value], results.gradient, results.hessian, results.product)
    return [[mpf(e.number) for e in part] for part in parts]


def agree(got, *expected):
    """Check lists of numbers to 25 digits."""
    for numbers, wanted in zip(got, expected, strict=True):
        for a, b in zip(numbers, wanted, strict=True):
            assert abs(a - b) <= mpf(10) ** -25 * abs(b), (mpmath.nstr(a, 20), mpmath.nstr(b, 20))


def sigma(x):
    """Return the logistic function."""
    return 1 / (1 + mpmath.exp(-x))


@pytest.mark.parametrize("p", [0.3, 1e-300, 5e-324, 1 - 2.0**-53, 2.0**-149])
@pytest.mark.parametrize("y", [0.0, 1.0, 0.25, 1e-300])
def test_binary_cross_entropy(p, y):
    """Close to the ends, too."""
    a, b = mpf(p), mpf(y)
    second = b / a**2 + (1 - b) / (1 - a) ** 2
    value, slope = -b * mpmath.log(a) - (1 - b) * mpmath.log(1 - a), -b / a + (1 - b) / (1 - a)
    agree(judged(binary.binary_cross_entropy, p=p, y=y), [value], [slope], [second], [second])


@pytest.mark.parametrize("z", [0.0, 0.3, -17.0, 40.0, -100.0, 745.2, -800.0])
@pytest.mark.parametrize("y", [0.0, 1.0, 0.25])
def test_binary_cross_entropy_with_logits(z, y):
    """Tails of 1e-348 have all their digits."""
    a, b = mpf(z), mpf(y)
    value = b * mpmath.log(1 + mpmath.exp(-a)) + (1 - b) * mpmath.log(1 + mpmath.exp(a))
    second = sigma(a) * sigma(-a)
    got = judged(binary.binary_cross_entropy_with_logits, z=z, y=y)
    agree(got, [value], [(1 - b) * sigma(a) - b * sigma(-a)], [second], [second])


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("z", [-40.0, -1.0, 0.5, 40.0])
def test_focal_with_logits(gamma, z):
    """The derivative of -alpha (1 - s)^gamma log s, s the logistic function."""
    a, g = mpf(z), mpf(gamma)
    s, c = sigma(a), sigma(-a)
    value = -(c**g) * mpmath.log(s) / 4
    slope = (g * s * c**g * mpmath.log(s) - c ** (g + 1)) / 4
    got = judged(binary.focal_with_logits, parameters={"gamma": gamma}, z=z, y=1.0)
    agree(got[:2], [value], [slope])


@pytest.mark.parametrize("z", [[1.0, 2.0, -0.5], [40.0, 0.25, -3.0], [1000.0, 999.0, 998.5]])
def test_cross_entropy_with_logits(z):
    """Softmax, with an off-diagonal Hessian."""
    y, v = [0.5, 0.125, 0.375], [0.25, -1.0, 2.0]
    a = [mpf(x) for x in z]
    total = sum(map(mpmath.exp, a))
    p = [mpmath.exp(x) / total for x in a]
    value = sum(-mpf(t) * mpmath.log(q) for t, q in zip(y, p, strict=True))
    along = sum(q * w for q, w in zip(p, v, strict=True))
    product = [q * (w - along) for q, w in zip(p, v, strict=True)]
    gradient = [q - mpf(t) for q, t in zip(p, y, strict=True)]
    agree(
        judged(multiclass.cross_entropy_with_logits, {"z": v}, z=z, y=y),
        [value], gradient, [q * (1 - q) for q in p], product,
    )  # fmt: skip


def test_sparse_and_weighted_cross_entropy():
    """The label picks a class, and its weight."""
    z, w = [1.0, 2.0, 3.0], np.array([0.5, 2.0, 1.0])
    dense = judged(multiclass.cross_entropy_with_logits, z=z, y=[0.0, 1.0, 0.0])
    agree(judged(multiclass.sparse_cross_entropy_with_logits, z=z, label=1), *dense)
    loss = multiclass.weighted_sparse_cross_entropy_with_logits
    twice = [[2 * number for number in part] for part in dense]
    agree(judged(loss, z=z, label=1, class_weight=w), *twice)
    sample = Sample("test", {"z": np.asarray(z), "label": np.asarray(1), "class_weight": w})
    assert Judge(loss).normalizer(sample) == 2


def test_gaussian_kl():
    """Two predictions; derivatives come in the order of declaration."""
    mu, lv = [mpf(0.5), mpf(-2.0)], [mpf(1.5), mpf(-700.0)]
    value = sum(-(1 + b - a * a - mpmath.exp(b)) / 2 for a, b in zip(mu, lv, strict=True))
    slopes = [*mu, *((mpmath.exp(b) - 1) / 2 for b in lv)]
    seconds = [1, 1, *(mpmath.exp(b) / 2 for b in lv)]
    got = judged(generative.gaussian_kl, mu=[0.5, -2.0], logvar=[1.5, -700.0])
    agree(got, [value], slopes, seconds, seconds)


def test_discriminator_over_two_sets_of_different_size():
    """A mean over each batch."""
    real, fake = [mpf(0.25), mpf(0.5)], [mpf(0.125), mpf(0.5), mpf(0.75)]
    value = -sum(map(mpmath.log, real)) / 2 - sum(mpmath.log(1 - f) for f in fake) / 3
    slopes = [*(-1 / (2 * r) for r in real), *(1 / (3 * (1 - f)) for f in fake)]
    seconds = [*(1 / (2 * r * r) for r in real), *(1 / (3 * (1 - f) ** 2) for f in fake)]
    got = judged(generative.gan_discriminator, d_real=[0.25, 0.5], d_fake=[0.125, 0.5, 0.75])
    agree(got, [value], slopes, seconds, seconds)


def test_gradient_penalty():
    """A norm: the Hessian has a part that is no diagonal."""
    x, v = [mpf(3), mpf(4)], [mpf(1), mpf(-2)]
    n = mpf(5)
    gradient = [20 * (1 - 1 / n) * a for a in x]
    dot = sum(a * b for a, b in zip(x, v, strict=True))
    hessian = [20 * (1 - 1 / n + a * a / n**3) for a in x]
    product = [20 * ((1 - 1 / n) * w + a * dot / n**3) for a, w in zip(x, v, strict=True)]
    got = judged(generative.wgan_gradient_penalty, {"slope": [1.0, -2.0]}, slope=[3.0, 4.0])
    agree(got, [mpf(160)], gradient, hessian, product)


def test_squared_error_at_its_minimum_and_at_subnormal_distance():
    """Exact zeros stay zeros, and nothing that a float can hold becomes one."""
    agree(judged(regression.squared_error, prediction=2.0, target=2.0), [0], [0], [2], [2])
    tiny = mpf(5e-324)
    agree(judged(regression.squared_error, prediction=5e-324, target=0.0), [0], [2 * tiny], [2], [2])
    agree(judged(regression.absolute_error, prediction=5e-324, target=0.0), [tiny], [1], [0], [0])
