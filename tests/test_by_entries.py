"""Short rows whose entries are computed end to end: the bits of rows computed one by one, wherever a row ends."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from catalogue import catalogue
from symloss.generated._runtime.by_entries import ENTRIES, SHORT_ROW, rows_at_once
from symloss.generated._runtime.row_sums import SIDE_BY_SIDE, sum_rows
from symloss.generated._runtime.stretches import rows_between
from symloss.generated._runtime.vector_sums import sum_exactly, sum_of
from sympy import Idx, Interval, Range, Rational, Sum, exp, log
from test_emit import module_of

from symloss import Dim, Loss, Prediction, Target

DTYPES = ("float32", "float64")
LENGTHS = (0, 1, 2, 3, 7, 8, 9, 31, 32, 100, SHORT_ROW)
_FUNCTIONS = ("_value", "_value_and_grad", "_grad_and_hess", "_hvp")


def _module(name: str) -> Any:
    return importlib.import_module(f"symloss.generated.{name}")


# Whoever declares such a loss finds it here.
LOSSES = sorted(name for name in catalogue() if hasattr(_module(name), "_value_by_entries"))


def test_losses_that_wait_for_no_sum_are_here() -> None:
    assert {"gaussian_kl", "vae_reconstruction", "vae", "vae_bernoulli", "cross_entropy"} <= set(LOSSES)
    assert "cross_entropy_with_logits" not in LOSSES


@numba.njit
def _sums(terms: Any, rows: int, totals: Any, losts: Any, like: Any) -> None:
    sum_rows(terms, rows, totals, losts, like)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 5, 8, 11, 16, 17, 21, 32, 37, 64, 100, 128])
@pytest.mark.parametrize("rows", [1, 3, 8, 21])
def test_sums_of_rows_have_the_bits_of_each_row_alone(rows: int, length: int, dtype: str) -> None:
    rng = np.random.default_rng([rows, length])
    terms = rng.normal(size=rows * length) * 10.0 ** rng.integers(-12, 12, rows * length)
    if length > 2:
        terms[::7], terms[1] = -0.0, np.inf
        terms[-1] = np.nan
    room = -(-rows // SIDE_BY_SIDE) * SIDE_BY_SIDE
    totals, losts, like = np.empty(room), np.empty(room), np.empty(0, dtype)
    _sums(terms, rows, totals, losts, like)
    for i, row in enumerate(terms.reshape(rows, length)):
        with np.errstate(invalid="ignore"):
            right = (0.0 + sum_of(row), 0.0) if dtype == "float32" else sum_exactly(row)
        np.testing.assert_array_equal([totals[i], losts[i]], right)
        assert np.signbit(totals[i]) == np.signbit(right[0]) or np.isnan(right[0])


def test_rows_fit_into_the_room() -> None:
    for length in range(SHORT_ROW + 1):
        rows = rows_at_once(length)
        assert rows % SIDE_BY_SIDE == 0
        assert 0 < rows <= ENTRIES  # the room for sums
        assert rows * length <= ENTRIES


@numba.njit
def _part(array: Any, start: int, stop: int) -> Any:
    part = rows_between(array, start, stop)
    part[0] += 1.0
    return part.copy()


def test_rows_between_are_one_row() -> None:
    array = np.arange(12.0).reshape(4, 3)
    np.testing.assert_array_equal(_part(array, 1, 3), [4.0, 4.0, 5.0, 6.0, 7.0, 8.0])
    assert array[1, 0] == 4.0
    np.testing.assert_array_equal(rows_between(array, 1, 3), array[1:3].ravel())


def _arguments(name: str, count: int, length: int, dtype: str) -> list[Any]:
    """Return entries of all magnitudes, some at the ends of their domains, infinite or NaN."""
    rng = np.random.default_rng([count, length])
    arrays = []
    for a in _module(name)._ARGUMENTS:
        entries = rng.normal(size=(count, length)) * 10.0 ** rng.integers(-3, 3, (count, length))
        low, high = a.domain.low, a.domain.high
        special = [0.0, -0.0, 1.0] if np.isfinite(low) else [0.0, -0.0, np.nan, np.inf, -np.inf, 1e30]
        if np.isfinite(low):
            entries = rng.uniform(low, high, (count, length)) ** rng.integers(1, 9, (count, length))
        chosen = rng.random((count, length)) < 0.1
        kind = {"mixed": "float32" if a.role == "prediction" else "float64"}.get(dtype, dtype)
        arrays.append(np.where(chosen, rng.choice(special, (count, length)), entries).astype(kind))
    return arrays


def _by(function: Any, short: bool, arguments: list[Any], weight: Any, kind: str) -> list[Any]:
    """Return what a block kernel writes, told that rows are short or that they are long."""
    dtype, count = arguments[0].dtype, len(arguments[0])
    module = importlib.import_module(function.__module__)
    predictions = [a for a, i in zip(arguments, module._ARGUMENTS, strict=True) if i.role == "prediction"]
    results = [np.full(count, short, dtype)] if "value" in kind else []  # what nobody writes differs
    each = {"_value": 0, "_grad_and_hess": 2}.get(kind, 1)
    results += [np.full_like(p, short) for p in predictions for _ in range(each)]
    directions = [np.cos(np.nan_to_num(p)) for p in predictions] if kind == "_hvp" else []
    parameters = [1.5 for _ in module._PARAMETERS]
    scale = [0.25] if kind != "_value" else []
    told = [True, None] if short else [None, True]
    assert function(*arguments, *parameters, *told, weight, *scale, *directions, *results)
    return results


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", [*DTYPES, "mixed"])
@pytest.mark.parametrize("kind", _FUNCTIONS)
@pytest.mark.parametrize("name", LOSSES)
def test_rows_end_to_end_have_the_bits_of_rows_one_by_one(name: str, kind: str, dtype: str, weighted: bool) -> None:
    function = getattr(_module(name), kind)
    for length in LENGTHS:
        for count in (1, SIDE_BY_SIDE + 1, rows_at_once(length) + 3):
            arguments = _arguments(name, count, length, dtype)
            weight = np.linspace(0.0, 2.0, count) if weighted else None
            one, other = (_by(function, short, arguments, weight, kind) for short in (True, False))
            for a, b in zip(one, other, strict=True):
                np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", LOSSES)
def test_any_number_of_threads_and_any_neighbours(name: str, dtype: str) -> None:
    module = _module(name)
    arguments = _arguments(name, 20_011, 9, dtype)
    loss, *gradients = module.value_and_grad(*arguments, reduction="none", threads=1)
    for threads in (2, 3, 8):
        other, *others = module.value_and_grad(*arguments, reduction="none", threads=threads)
        np.testing.assert_array_equal(loss, other)
        np.testing.assert_array_equal(gradients, others)
    part = slice(1003, 1010)
    cut, *_ = module.value_and_grad(*(a[part] for a in arguments), reduction="none")
    np.testing.assert_array_equal(loss[part], cut)


@pytest.mark.parametrize("length", [3, SHORT_ROW + 1])
def test_a_target_outside_of_its_domain_is_named(length: int) -> None:
    p = np.full((30, length), 1 / length)
    y = p.copy()
    y[20, 1] = 1.5
    with pytest.raises(ValueError, match="y"):
        _module("cross_entropy").value_and_grad(p, y)


_AXES = (
    "Step",
    "Start",
    "Stop",
    "Part",
    "Size",
    "Factors",
    "Terms",
    "Totals",
    "Weight",
    "Scale",
    "Inside",
    "I",
    "K",
    "K_2",
    "D",
)


@pytest.mark.parametrize("axis", _AXES)
def test_an_axis_of_any_name(axis: str, tmp_path: Path) -> None:
    dim = Dim(axis)
    index, w, t = Idx("n", dim), Prediction("w", dim), Target("t", dim)
    loss = Loss(f"with_axis_{axis.lower()}", Sum(log(1 + exp(w[index])) - t[index] * w[index], index))
    module = module_of(loss, tmp_path)
    for length in (10, SHORT_ROW + 1):
        rng = np.random.default_rng(3)
        given, targets = rng.normal(size=(2, 2000, length))
        weight = rng.uniform(0.5, 2.0, 2000)
        value, grad = module.value_and_grad(given, targets, weight=weight, reduction="none")
        np.testing.assert_allclose(value, weight * (np.logaddexp(0.0, given) - targets * given).sum(1), rtol=1e-12)
        np.testing.assert_allclose(grad, weight[:, None] * (1 / (1 + np.exp(-given)) - targets), atol=1e-14)


@pytest.mark.parametrize("names", [("terms", "totals"), ("lost", "losts"), ("start", "stop"), ("total", "factors")])
def test_arguments_of_any_name(names: tuple[str, str], tmp_path: Path) -> None:
    dim = Dim("C")
    c, x, y = Idx("c", dim), Prediction(names[0], dim), Target(names[1], dim)
    module = module_of(Loss(f"of_{names[0]}", Sum((x[c] - y[c]) ** 2, c)), tmp_path)
    given, targets = np.random.default_rng(4).normal(size=(2, 500, 12))
    value, grad = module.value_and_grad(given, targets, reduction="none")
    np.testing.assert_allclose(value, ((given - targets) ** 2).sum(1), rtol=1e-14)
    np.testing.assert_allclose(grad, 2 * (given - targets), rtol=1e-14)


@pytest.fixture(scope="module")
def bounded(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, float]]:
    """Return modules, and a target that is outside of the domain of each, next to its end."""
    dim = Dim("C")
    c, z = Idx("c", dim), Prediction("z", dim)
    wrong = ((Interval.open(0, 1), 0.0), (Interval.open(0, 1), 1.0), (Interval(0, Rational(1, 10)), 0.1 + 1e-9))
    modules = []
    for number, (domain, outside) in enumerate(wrong):
        y = Target("y", dim, domain=domain)
        loss = Loss(f"bounded_{number}", Sum(log(1 + exp(z[c])) - y[c] * z[c], c))
        modules.append((module_of(loss, tmp_path_factory.mktemp("bounded")), outside))
    return modules


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("length", [5, SHORT_ROW + 1])
def test_the_ends_of_a_domain_are_not_rounded(length: int, dtype: str, bounded: list[tuple[Any, float]]) -> None:
    """As numbers to compute with are, in float32: there the least float64 above 0 is 0, and 0.1 more than a tenth."""
    for module, outside in bounded:
        given, targets = np.zeros((20, length), dtype), np.full((20, length), 0.05, dtype)
        module.value_and_grad(given, targets)
        targets[3, 2] = outside
        with pytest.raises(ValueError, match="y"):
            module.value(given, targets)


def test_targets_that_are_a_row_of_whole_numbers(tmp_path: Path) -> None:
    dim = Dim("C")
    c, x, y = Idx("c", dim), Prediction("x", dim), Target("y", dim, domain=Range(3))
    module = module_of(Loss("of_whole_numbers", Sum((x[c] - y[c]) ** 2, c)), tmp_path)
    given = np.random.default_rng(5).normal(size=(40, 4))
    targets = np.arange(160).reshape(40, 4) % 3
    np.testing.assert_allclose(module.value(given, targets), ((given - targets) ** 2).sum(1).mean(), rtol=1e-14)
    targets[7, 1] = 3
    with pytest.raises(ValueError, match="y"):
        module.value(given, targets)
