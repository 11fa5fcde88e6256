"""Properties that need no reference: symmetry, shifts, sums, and agreement of the functions with one another."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from symloss.generated import binary_cross_entropy_with_logits as bce
from symloss.generated import cross_entropy_with_logits as ce
from symloss.generated import focal_with_logits as focal
from symloss.generated import sparse_cross_entropy_with_logits as sparse
from symloss.generated import squared_error

DTYPES = [np.float32, np.float64]
Floats = npt.NDArray[np.floating]


def _patterns(dtype: type, count: int = 20_000) -> Floats:
    """Return floats of all magnitudes, by bit patterns, and the numbers near which kernels saturate."""
    rng = np.random.default_rng(3)
    width = np.dtype(dtype).itemsize * 8
    bits = rng.integers(0, 2**width, count, dtype=np.uint64).astype(f"uint{width}")
    z = np.concatenate([bits.view(dtype), rng.uniform(-800, 800, count).astype(dtype)])
    return z[np.isfinite(z)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", [bce, focal])
def test_labels_mirror_logits_to_the_bit(loss: object, dtype: type) -> None:
    """The loss of label 1 at z is that of label 0 at -z, all derivatives included."""
    z = _patterns(dtype)
    options = {"alpha": 0.5} if loss is focal else {}
    ones, zeros = np.ones_like(z), np.zeros_like(z)
    right = loss.value_and_grad(z, ones, reduction="none", **options)  # type: ignore[attr-defined]
    left = loss.value_and_grad(-z, zeros, reduction="none", **options)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(right[0], left[0])
    np.testing.assert_array_equal(right[1], -left[1])
    hessians = [
        loss.grad_and_hess(x, y, reduction="none", **options)[1]  # type: ignore[attr-defined]
        for x, y in ((z, ones), (-z, zeros))
    ]
    np.testing.assert_array_equal(*hessians)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("classes", [2, 3, 10, 1000])
def test_cross_entropy_does_not_see_exact_shifts(dtype: type, classes: int) -> None:
    rng = np.random.default_rng(classes)
    z = rng.integers(-200, 200, (50, classes)).astype(dtype) / 8  # sums with 2**k are exact
    label = rng.integers(0, classes, 50)
    for shift in (1.0, -64.0, 512.0):
        moved = (z + dtype(shift)).astype(dtype)
        for a, b in zip(sparse.value_and_grad(z, label), sparse.value_and_grad(moved, label), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("classes", [2, 3, 10, 1000])
@pytest.mark.parametrize("scale", [1.0, 30.0, 300.0])
def test_gradient_rows_sum_to_0(dtype: type, classes: int, scale: float) -> None:
    """Within 2 ULP of the largest entry, for each of the roundings of the entries themselves."""
    rng = np.random.default_rng(classes)
    z = (rng.normal(size=(40, classes)) * scale).astype(dtype)
    grad = sparse.grad(z, rng.integers(0, classes, 40), reduction="none")
    for row in grad.astype(np.float64):
        largest = np.abs(row).max()
        roundings = sum(np.spacing(dtype(abs(v))) for v in row) / 2  # of the entries: each is the nearest float at best
        assert abs(math.fsum(row)) <= 2 * float(np.spacing(dtype(largest))) + float(roundings)


@pytest.mark.parametrize("dtype", DTYPES)
def test_dense_and_sparse_targets_agree(dtype: type) -> None:
    rng = np.random.default_rng(5)
    z = (rng.normal(size=(200, 7)) * 100).astype(dtype)
    label = rng.integers(0, 7, 200)
    one_hot = np.eye(7, dtype=dtype)[label]
    dense_value, dense_grad = ce.value_and_grad(z, one_hot, reduction="none")
    value, grad = sparse.value_and_grad(z, label, reduction="none")
    np.testing.assert_array_max_ulp(dense_value, value, 2)
    np.testing.assert_allclose(dense_grad, grad, rtol=8 * np.finfo(dtype).eps, atol=float(np.finfo(dtype).tiny))


@pytest.mark.parametrize("dtype", DTYPES)
def test_losses_are_not_negative_and_grow(dtype: type) -> None:
    z = np.sort(_patterns(dtype))
    value = bce.value(z, np.zeros_like(z), reduction="none")
    assert (value >= 0).all()
    steps = np.diff(value.astype(np.float64))
    assert (steps >= -2 * np.spacing(value[1:]).astype(np.float64)).all()


def test_infinities_are_exact() -> None:
    inf = np.inf
    assert bce.value(np.array([inf, -inf]), np.array([1.0, 0.0]), reduction="none").tolist() == [0.0, 0.0]
    assert bce.grad(np.array([inf, -inf]), np.array([0.0, 1.0]), reduction="none").tolist() == [1.0, -1.0]
    assert sparse.value(np.array([[0.0, -inf]]), np.array([0])) == 0.0
    assert sparse.value(np.array([[0.0, -inf]]), np.array([1])) == inf
    assert ce.value(np.array([[0.0, -inf]]), np.array([[1.0, 0.0]])) == 0.0
    assert np.isnan(bce.value(np.array([np.nan]), np.array([1.0])))


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("dtype", DTYPES)
def test_sums_over_ten_million_terms(dtype: type, threads: int) -> None:
    """Within 2 ULP of the exact sum of the exact losses; here those are squares of small integers over 3."""
    n = 10_000_000
    prediction = (np.arange(n) % 1013).astype(dtype)
    target = np.full(n, -7.0, dtype)
    whole, rest = divmod(n, 1013)
    exact = sum((k + 7) ** 2 for k in range(1013)) * whole + sum((k + 7) ** 2 for k in range(rest))
    total = squared_error.value(prediction, target, reduction="sum", threads=threads)
    mean = squared_error.value(prediction, target, reduction="mean", threads=threads)
    assert abs(float(total) - exact) <= 2 * float(np.spacing(dtype(exact)))
    assert abs(float(mean) - exact / n) <= 2 * float(np.spacing(dtype(exact / n)))


def test_sums_of_logistic_losses_over_ten_million_terms() -> None:
    z = np.linspace(-30.0, 30.0, 10_000_000)
    y = np.ones_like(z)
    exact = math.fsum(bce.value(z, y, reduction="none"))  # correctly rounded
    totals = {float(bce.value(z, y, reduction="sum", threads=threads)) for threads in (1, 2, 3, 8)}
    assert len(totals) == 1
    assert abs(totals.pop() - exact) <= 2 * math.ulp(exact)
    single = bce.value(z.astype(np.float32), y.astype(np.float32), reduction="sum")
    wide = math.fsum(bce.value(z.astype(np.float32).astype(np.float64), y, reduction="none"))
    assert abs(float(single) - wide) <= 2 * float(np.spacing(np.float32(wide)))
