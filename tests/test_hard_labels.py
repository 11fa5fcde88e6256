"""Where labels are hard: the shorter form of a kernel has the bits of the general one, and is called for no others."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sympy import Interval, Rational, exp, log
from test_emit import module_of, text_of

from symloss import Loss, Prediction, Target, generated
from symloss.pipeline import compile_loss
from symloss.runtime import elementary
from symloss.runtime.loops import all_hard
from symloss.schedule.unify import CASES

_DTYPES = [(np.float32, np.float32), (np.float64, np.float64), (np.float32, np.float64)]  # of predictions, of targets


def _has_hard_form(loss: Loss) -> bool:
    return "all_hard(" in text_of(loss)


def test_where_there_is_a_shorter_form() -> None:
    """Of two logarithms one is left; from logits there is one function either way."""
    texts = {path.stem: path.read_text() for path in Path(generated.__path__[0]).glob("*.py")}
    assert [name for name, text in texts.items() if "all_hard(" in text] == ["binary_cross_entropy"]


def _probabilities(dtype: Any) -> Any:
    """Return numbers between 0 and 1, both and their neighbours included, then what is outside, and NaN."""
    generator = np.random.default_rng(5)
    small = 2.0 ** -generator.uniform(0, 160, 4000)
    drawn = [generator.random(4000), small, 1.0 - small]
    ends = [np.nextafter(dtype(0), dtype(1)), np.nextafter(dtype(1), dtype(0)), np.finfo(dtype).tiny]
    return np.concatenate([*drawn, ends, [0.0, -0.0, 1.0, -0.1, 1.1, np.inf, np.nan]]).astype(dtype)


def _assert_same_bits(one: Any, other: Any) -> None:
    np.testing.assert_array_equal(one, other)
    number = ~np.isnan(one)
    np.testing.assert_array_equal(np.signbit(one[number]), np.signbit(other[number]))


def _results(module: Any, p: Any, y: Any, **options: Any) -> list[Any]:
    return [module.value(p, y, **options), *module.value_and_grad(p, y, **options)]


@pytest.mark.parametrize("weighted", [False, True], ids=["alone", "weighted"])
@pytest.mark.parametrize(("dtype", "of_targets"), _DTYPES)
def test_the_same_bits(dtype: Any, of_targets: Any, weighted: bool) -> None:
    from symloss.generated import binary_cross_entropy as module

    p = _probabilities(dtype)
    for start in (0, 1):
        y = (np.arange(p.size) + start & 1).astype(of_targets)
        weight = np.random.default_rng(6).choice([0.0, 0.3, 2.0], p.size) if weighted else None
        hard = _results(module, p, y, reduction="none", weight=weight)
        soft = np.concatenate([[0.5], y]).astype(of_targets)  # one soft label, and all take the general form
        first = None if weight is None else np.concatenate([[1.0], weight])
        general = _results(module, np.concatenate([[0.5], p]).astype(dtype), soft, reduction="none", weight=first)
        for one, other in zip(hard, general, strict=True):
            _assert_same_bits(one, other[1:])


def test_a_label_that_is_none_is_still_refused() -> None:
    from symloss.generated import binary_cross_entropy as module

    p = np.full(5000, 0.5)
    y = np.zeros(5000)
    for wrong in (-0.5, 1.5):
        y[4321] = wrong
        with pytest.raises(ValueError, match=r"4321"):
            module.value(p, y)
    y[4321] = np.nan
    assert math.isnan(module.value(p, y))


def test_sums_of_chunks_of_either_form() -> None:
    from symloss.generated import binary_cross_entropy as module

    generator = np.random.default_rng(7)
    p, y = generator.random(50_000), (generator.random(50_000) < 0.5).astype(float)
    y[10_000:12_345] = generator.random(2345)
    losses, grads = module.value_and_grad(p, y, reduction="none")
    total, grad = module.value_and_grad(p, y, reduction="sum")
    assert total == pytest.approx(math.fsum(losses), rel=1e-15)
    np.testing.assert_array_equal(grad, grads)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cases_have_the_bits_of_the_general_function(name: str, dtype: Any) -> None:
    general, arguments = CASES[name]
    function, whole = getattr(elementary, name), getattr(elementary, general)
    numba = pytest.importorskip("numba")

    @numba.njit(error_model="numpy")
    def both(x: Any, given: Any) -> Any:
        one, other = np.empty_like(x), np.empty_like(x)
        for i in range(x.size):
            one[i] = function(x[i])
            other[i] = whole(given[0][i], given[1][i])
        return one, other

    generator = np.random.default_rng(8)
    sizes = 2.0 ** generator.uniform(-1074 if dtype is np.float64 else -149, 120, 40_000)
    near = 1.0 + generator.choice([-1.0, 1.0], 4000) * 2.0 ** -generator.uniform(0, 52, 4000)
    extremes = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, np.finfo(dtype).max, np.finfo(dtype).tiny]
    x = np.concatenate([sizes, -sizes, near, near - 1.0, -near, extremes]).astype(dtype)
    given = tuple(x if a is None else np.full_like(x, a.value) for a in arguments)
    one, other = both(x, given)
    where = one != 0.0  # log1p(-0.0) is -0.0, which no loss is
    np.testing.assert_array_equal(one == 0.0, other == 0.0)
    _assert_same_bits(one[where], other[where])


def test_all_hard() -> None:
    nan = math.nan
    cases = [([0, 1, 1], True), ([0, 0.5], False), ([nan, 1], False), ([1, nan], False), ([], False)]
    for labels, expected in cases:
        for form in (all_hard, all_hard.py_func):
            assert bool(form(np.array(labels, float), 0.0, 1.0)) is expected


def _loss_of(domain: Interval) -> Loss:
    p, t = Prediction("p", domain=Interval(0, 1)), Target("t", domain=domain)
    share = (t - domain.start) / (domain.end - domain.start)
    return Loss(f"entropy_from_{domain.start}".replace("-", "minus_"), -(share * log(p) + (1 - share) * log(1 - p)))


@pytest.mark.parametrize("domain", [Interval(-1, 1), Interval(0, 1)], ids=str)
def test_labels_at_other_ends(domain: Interval, tmp_path: Path) -> None:
    assert _has_hard_form(_loss_of(domain))
    module = module_of(_loss_of(domain), tmp_path)
    low, high = float(domain.start), float(domain.end)
    p = np.random.default_rng(9).random(1000)
    for label, expected in ((low, -np.log1p(-p)), (high, -np.log(p))):
        losses, grads = module.value_and_grad(p, np.full(1000, label), reduction="none")
        np.testing.assert_allclose(losses, expected, rtol=3e-16)
        np.testing.assert_allclose(grads, 1 / (1 - p) if label == low else -1 / p, rtol=3e-16)


def test_an_input_that_hard_labels_make_idle_still_gives_nan(tmp_path: Path) -> None:
    """t*a + (1 - t)*b reads both in the general form: NaN in either is NaN, whatever the labels of a block."""
    x, z, t = Prediction("x"), Prediction("z"), Target("t", domain=Interval(0, 1))
    mixed = Loss("mixed", t * exp(-x) + (1 - t) * exp(z))
    module = module_of(mixed, tmp_path)
    nan, one = np.array([math.nan, 1.0]), np.ones(2)
    for label in (0.0, 1.0):
        for arrays in ((nan, one), (one, nan)):
            losses = module.value(*arrays, np.full(2, label), reduction="none")
            np.testing.assert_array_equal(np.isnan(losses), [True, False])


def test_none_where_it_is_no_shorter() -> None:
    p, t = Prediction("p", domain=Interval(0, 1)), Target("t", domain=Interval(Rational(1, 4), Rational(3, 4)))
    both = Loss("smooth", -(t * log(p) + (1 - t) * log(1 - p)))  # either end needs both logarithms
    one = Loss("positive", -(t * log(p)))
    for loss in (both, one):
        assert "all_hard(" not in compile_loss(loss).text(f"{loss.name}.py")
