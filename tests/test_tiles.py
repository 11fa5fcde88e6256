"""Rows of few entries are computed in tiles, longer ones one by one: right at either side, wherever a sample stands."""

from __future__ import annotations

import importlib
import tracemalloc
from typing import Any

import mpmath
import numpy as np
import pytest
from symloss.generated._runtime.blocks import LONGEST
from symloss.generated._runtime.tiles import FEW, LANES

LOSSES = (
    "sparse_cross_entropy_with_logits", "cross_entropy_with_logits", "weighted_sparse_cross_entropy_with_logits",
    "weighted_cross_entropy_with_logits",
)  # fmt: skip
DTYPES = ("float32", "float64")
CLASSES = (1, 2, 3, 4, 5, 8, 10, FEW, FEW + 1, 300)


def _module(name: str) -> Any:
    return importlib.import_module(f"symloss.generated.{name}")


def _arguments(name: str, count: int, classes: int, dtype: str, scale: float = 3.0) -> list[Any]:
    rng = np.random.default_rng([count, classes])
    z = (scale * rng.normal(size=(count, classes))).astype(dtype)
    label = rng.integers(0, classes, count)
    targets = label if "sparse" in name else np.eye(classes, dtype=dtype)[label]
    return [z, targets, *([rng.uniform(0.2, 3.0, classes)] if name.startswith("weighted") else [])]


def _everything(module: Any, arguments: list[Any], **keywords: Any) -> list[Any]:
    """Return loss, gradient, gradient, Hessian diagonal and product of each sample."""
    keywords["reduction"] = "none"
    return [
        module.value(*arguments, **keywords),
        *module.value_and_grad(*arguments, **keywords),
        *module.grad_and_hess(*arguments, **keywords),
        module.hvp(*arguments, v=np.cos(arguments[0]), **keywords),
    ]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("classes", [3, 5, 10, FEW + 1])
@pytest.mark.parametrize("name", LOSSES)
def test_a_sample_has_the_same_bits_wherever_it_stands(name: str, classes: int, dtype: str) -> None:
    count = 2 * LANES + 5
    arguments = _arguments(name, count, classes, dtype)
    weight = np.linspace(0.0, 2.0, count)
    whole = _everything(_module(name), arguments, weight=weight)
    for part in (slice(0, 1), slice(LANES - 1, LANES + 1), slice(3, 3 + LANES), slice(count - 7, count)):
        cut = [arguments[0][part], arguments[1][part], *arguments[2:]]
        for one, other in zip(whole, _everything(_module(name), cut, weight=weight[part]), strict=True):
            np.testing.assert_array_equal(one[part], other)
    strided = [np.repeat(arguments[0], 2, axis=1)[:, ::2], np.repeat(arguments[1], 2, axis=0)[::2], *arguments[2:]]
    for one, other in zip(whole, _everything(_module(name), strided, weight=weight), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("classes", CLASSES)
@pytest.mark.parametrize("name", LOSSES)
def test_functions_agree_to_the_bit(name: str, classes: int, dtype: str) -> None:
    value, also_value, grad, also_grad, *_ = _everything(_module(name), _arguments(name, 77, classes, dtype, 30.0))
    np.testing.assert_array_equal(value, also_value)
    np.testing.assert_array_equal(grad, also_grad)


@pytest.mark.parametrize("threads", [2, 3, 8])
@pytest.mark.parametrize("name", LOSSES)
def test_any_number_of_threads(name: str, threads: int) -> None:
    arguments = _arguments(name, 30_011, 10, "float32")
    module = _module(name)
    for one, other in zip(
        module.value_and_grad(*arguments, threads=1), module.value_and_grad(*arguments, threads=threads), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def _exact(z: Any, label: int) -> tuple[Any, list[Any], list[Any]]:
    """Return loss, gradient and Hessian diagonal in so many digits that nothing cancels."""
    logits = [mpmath.mpf(float(x)) for x in z]
    total = mpmath.fsum(map(mpmath.exp, logits))
    shares = [mpmath.exp(x) / total for x in logits]
    others = mpmath.fsum(p for k, p in enumerate(shares) if k != label)
    grad = [-others if k == label else p for k, p in enumerate(shares)]
    hess = [p * mpmath.fsum(q for j, q in enumerate(shares) if j != k) for k, p in enumerate(shares)]
    return -mpmath.log1p(-others) if others < 0.5 else -mpmath.log(shares[label]), grad, hess


def _ulps(got: Any, exact: Any, dtype: str) -> float:
    spacing = float(np.spacing(np.dtype(dtype).type(abs(exact))))
    return float(abs(mpmath.mpf(float(got)) - exact) / spacing)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("classes", [2, 3, 10, FEW])
@pytest.mark.parametrize("dense", [False, True])
def test_tiles_are_as_accurate_as_rows(dense: bool, classes: int, dtype: str) -> None:
    """Within 4 ULP, also of what is tiny because one class is certain; normal results only."""
    rng = np.random.default_rng(classes)
    z = (rng.normal(size=(40, classes)) * rng.choice([1.0, 10.0, 40.0], (40, 1))).astype(dtype)
    z[::4, 0] += 60 if dtype == "float32" else 600
    label = np.where(rng.random(40) < 0.5, z.argmax(1), rng.integers(0, classes, 40))
    module = _module("cross_entropy_with_logits" if dense else "sparse_cross_entropy_with_logits")
    targets = np.eye(classes, dtype=dtype)[label] if dense else label
    value, grad = module.value_and_grad(z, targets, reduction="none")
    _, hess = module.grad_and_hess(z, targets, reduction="none")
    smallest = np.finfo(dtype).tiny
    with mpmath.workdps(1200):
        for row in range(40):
            exact = _exact(z[row], int(label[row]))
            pairs = [(value[row], exact[0], 4), *((g, e, 4) for g, e in zip(grad[row], exact[1], strict=True))]
            pairs += [(g, e, 6) for g, e in zip(hess[row], exact[2], strict=True)]
            for got, right, limit in pairs:
                if abs(right) > smallest:
                    assert _ulps(got, right, dtype) <= limit


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("classes", [3, FEW + 1])
def test_infinities_and_nan_stay_in_their_row(classes: int, dtype: str) -> None:
    module = _module("sparse_cross_entropy_with_logits")
    z, label = _arguments("sparse_cross_entropy_with_logits", LANES + 3, classes, dtype)
    right = module.value_and_grad(z, label, reduction="none")
    z[1, 0], z[2], z[4, label[4]], z[5, label[5]] = np.nan, -np.inf, np.inf, -np.inf
    value, grad = module.value_and_grad(z, label, reduction="none")
    assert np.isnan(value[1])
    assert np.isnan(grad[1]).all()
    assert value[4] == 0.0
    assert (grad[4] == 0.0).all()
    assert value[5] == np.inf
    same = np.delete(np.arange(len(z)), [1, 2, 4, 5])
    np.testing.assert_array_equal(value[same], right[0][same])
    np.testing.assert_array_equal(grad[same], right[1][same])


@pytest.mark.parametrize("classes", [10, FEW + 1])
def test_targets_outside_of_their_domain_are_found(classes: int) -> None:
    module = _module("cross_entropy_with_logits")
    z, y = _arguments("cross_entropy_with_logits", LANES + 3, classes, "float64")
    y[LANES + 1, 1] = 1.5
    with pytest.raises(ValueError, match="y"):
        module.value_and_grad(z, y)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(200_000, 10), (4096, 1000), (64, 32_000)])
@pytest.mark.parametrize("name", LOSSES)
def test_nothing_of_the_size_of_the_batch_is_allocated(name: str, shape: tuple[int, int], dtype: str) -> None:
    """Beyond the results 1 MB; where logits are not contiguous, a block for each thread that converts them."""
    arguments = _arguments(name, *shape, dtype)
    strided = [np.repeat(arguments[0], 2, axis=0)[::2], *arguments[1:]]
    block = LONGEST * arguments[0].itemsize
    for threads in (1, 2):
        assert _memory_beside_the_results(name, arguments, threads) <= 2**20
        assert _memory_beside_the_results(name, strided, threads) <= threads * block + 2**15  # for Python's objects


def _memory_beside_the_results(name: str, arguments: list[Any], threads: int) -> int:
    """Return how many bytes a call has allocated at its worst, once everything is compiled."""
    function = _module(name).value_and_grad
    function(*arguments, threads=threads)
    tracemalloc.start()
    _, grad = function(*arguments, threads=threads)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak - grad.nbytes
