"""Losses over recurrences against exact recursions, PyTorch, and themselves in the other precision."""

from __future__ import annotations

import functools
from typing import Any

import mpmath
import numpy as np
import pytest

FEW, LONG = ((100, 64, 32, 20), (200, 16, 64, 50)), ((1000, 1, 50, 200), (1500, 1, 30, 400))


def _exact(z: Any, label: Any, digits: int = 60) -> tuple[Any, Any]:
    """Return loss and gradient by forward and backward probabilities in high precision: Graves' own recursion."""
    frames = len(z)
    symbols = [0, *(s for k in label for s in (int(k), 0))]
    skips = [s > 1 and k != 0 and k != symbols[s - 2] for s, k in enumerate(symbols)]
    size = len(symbols)
    with mpmath.workdps(digits):
        p = []
        for row in z:
            e = [mpmath.exp(mpmath.mpmathify(x)) for x in row]
            whole = mpmath.fsum(e)
            p.append([x / whole for x in e])
        alphas, alpha = [], [mpmath.mpf(1)] + [mpmath.mpf(0)] * (size - 1)  # before the first frame: in the first blank
        for row in p:
            alpha = [
                (alpha[s] + (alpha[s - 1] if s else 0) + (alpha[s - 2] if skips[s] else 0)) * row[symbols[s]]
                for s in range(size)
            ]
            alphas.append(alpha)
        total = alpha[-1] + (alpha[-2] if size > 1 else 0)
        beta = [mpmath.mpf(int(s >= size - 2)) for s in range(size)]
        slopes = []
        for t in range(frames - 1, -1, -1):
            slope = list(p[t])
            for s in range(size):
                slope[symbols[s]] -= alphas[t][s] * beta[s] / total
            slopes.append(slope)
            b = [beta[s] * p[t][symbols[s]] for s in range(size)]
            beta = [
                b[s] + (b[s + 1] if s + 1 < size else 0) + (b[s + 2] if s + 2 < size and skips[s + 2] else 0)
                for s in range(size)
            ]
        return -mpmath.log(total), slopes[::-1]


@pytest.mark.parametrize("scale", [1, 10, 100])
def test_long_alignments_against_the_exact_recursion(sequences: Any, scale: int) -> None:
    """PyTorch's gradients are up to 3e-9 off here, so they are no judge."""
    rng = np.random.default_rng(scale)
    z, label = rng.normal(size=(300, 20)) * scale, rng.integers(1, 20, 60)
    value, grad = sequences("ctc_with_logits").value_and_grad(z, label)
    exact, slopes = _exact(z, label)
    assert abs(value - exact) <= 1e-15 * exact
    assert (
        max(abs(float(s) - g) for row, got in zip(slopes, grad, strict=True) for s, g in zip(row, got, strict=True))
        < 2e-14
    )


def test_nearly_certain_alignments_keep_their_digits(sequences: Any) -> None:
    """The loss is never negative; where it is tiny it has all its digits, as has the gradient."""
    ctc, rng = sequences("ctc_with_logits"), np.random.default_rng(3)
    label = np.array([1, 2, 2, 3])
    path = [0, 1, 1, 0, 2, 0, 2, 3, 0]
    for height in (5.0, 30.0, 60.0, 200.0, 600.0):
        z = rng.normal(size=(len(path), 5))
        z[range(len(path)), path] += height
        value, grad = ctc.value_and_grad(z, label)
        exact, slopes = _exact(z, label, 700)
        assert value >= 0
        assert abs(value - exact) <= 1e-13 * exact, (height, value, exact)
        for got, row in zip(grad, slopes, strict=True):
            largest = max(abs(s) for s in row)
            assert all(abs(g - s) <= 1e-9 * largest for g, s in zip(got, row, strict=True)), height


@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize("height", [0.0, 5.0, 30.0, 200.0])
def test_products_with_hessians_of_nearly_certain_alignments(sequences: Any, height: float, wanted: bool) -> None:
    """Against finite differences of the exact gradient, relative to the row's largest entry.

    What is nearly certain is the path that the label takes, or one that it cannot take.
    """
    ctc, rng = sequences("ctc_with_logits"), np.random.default_rng(4)
    label, path = np.array([1, 2, 2, 3]), [0, 1, 1, 0, 2, 0, 2, 3, 0]
    z, v = rng.normal(size=(2, len(path), 5))
    z[range(len(path)), path if wanted else [4, 0, 0, 3, 4, 4, 1, 1, 2]] += height
    product = ctc.hvp(z, label, v=v)
    with mpmath.workdps(800):
        step = mpmath.mpf(10) ** -150
        moved = [
            _exact([[x + sign * step * float(a) for x, a in zip(map(mpmath.mpf, row), along, strict=True)]
                    for row, along in zip(z.tolist(), v, strict=True)], label, 800)[1]
            for sign in (1, -1)
        ]  # fmt: skip
        for got, high, low in zip(product, *moved, strict=True):
            exact = [(a - b) / (2 * step) for a, b in zip(high, low, strict=True)]
            largest = max(map(abs, exact))
            assert largest > 0
            assert all(abs(mpmath.mpf(float(g)) - e) <= 1e-9 * largest for g, e in zip(got, exact, strict=True))


@pytest.mark.parametrize("height", [0, 3, 40, 200])
def test_nearly_certain_tags_keep_their_digits(sequences: Any, height: int) -> None:
    """Value, every entry of every gradient, and products with the Hessian, against all paths."""
    rng, frames, tags = np.random.default_rng(0), 5, 3
    tag = rng.integers(0, tags, frames)
    e, jump, start, end = (rng.normal(size=s) for s in ((frames, tags), (tags, tags), tags, tags))
    e[range(frames), tag] += height
    value, grads = sequences("linear_chain_crf").value_and_grad(e, jump, start, end, tag)

    def counts(path: Any) -> list[Any]:
        found = [np.zeros(g.shape, int) for g in grads]
        found[0][range(frames), path] += 1
        np.add.at(found[1], (path[:-1], path[1:]), 1)
        found[2][path[0]] += 1
        found[3][path[-1]] += 1
        return found

    with mpmath.workdps(400):
        exact = [np.vectorize(mpmath.mpf)(a) for a in (e, jump, start, end)]
        own = counts(tag)
        apart = [[a - b for a, b in zip(counts(np.array(p)), own, strict=True)] for p in np.ndindex(*[tags] * frames)]
        weights = [
            mpmath.exp(sum(((a * c).sum() for a, c in zip(exact, one, strict=True)), mpmath.mpf(0))) for one in apart
        ]
        total = mpmath.fsum(weights)
        others = mpmath.fsum(w for w, one in zip(weights, apart, strict=True) if one[0].any())
        assert abs(value - mpmath.log1p(others)) <= 1e-14 * mpmath.log1p(others)
        for which, grad in enumerate(grads):
            slope = sum(one[which] * w for one, w in zip(apart, weights, strict=True)) / total
            for got, true in zip(grad.ravel(), slope.ravel(), strict=True):
                assert abs(got - true) <= 1e-13 * abs(true)
        v = [rng.normal(size=g.shape) for g in grads]
        along = [sum((c * d).sum() for c, d in zip(one, v, strict=True)) for one in apart]
        mean = sum(w * mpmath.mpf(a) for w, a in zip(weights, along, strict=True)) / total
        for which, got in enumerate(sequences("linear_chain_crf").hvp(e, jump, start, end, tag, v=tuple(v))):
            terms = zip(weights, apart, along, strict=True)
            true = sum(one[which] * (w * (mpmath.mpf(a) - mean)) for w, one, a in terms) / total
            for row, wanted in zip(np.atleast_2d(got), np.atleast_2d(true), strict=True):
                assert abs(row - wanted).max() <= 1e-9 * abs(wanted).max()


@functools.cache
def _torch() -> Any:
    return pytest.importorskip("torch", reason="peers are an extra")


def _reference(z: Any, label: Any, lengths: Any, label_lengths: Any) -> tuple[Any, Any]:
    torch = _torch()
    x = torch.tensor(z.transpose(1, 0, 2).copy(), requires_grad=True)
    given = (torch.tensor(label), torch.tensor(lengths), torch.tensor(label_lengths))
    loss = torch.nn.functional.ctc_loss(torch.log_softmax(x, -1), *given, reduction="none", zero_infinity=True)
    loss.sum().backward()
    return loss.detach().numpy(), x.grad.numpy().transpose(1, 0, 2)


def test_ragged_batches_against_pytorch(sequences: Any) -> None:
    _torch()
    ctc, rng = sequences("ctc_with_logits"), np.random.default_rng(11)
    feasible = 0
    for _ in range(500):
        n, frames, classes, size = (int(rng.integers(low, high)) for low, high in ((1, 6), (1, 30), (2, 9), (0, 8)))
        z = rng.normal(size=(n, frames, classes)) * rng.choice([0.3, 1.0, 5.0])
        label = rng.integers(1, classes, (n, size))
        lengths, label_lengths = rng.integers(1, frames + 1, n), rng.integers(0, size + 1, n)
        expected, slopes = _reference(z, label, lengths, label_lengths)
        value, grad = ctc.value_and_grad(z, label, lengths, label_lengths, reduction="none", infeasible="zero")
        np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-14)  # PyTorch loses small losses
        np.testing.assert_allclose(grad, slopes, atol=1e-12)
        feasible += int((value > 0).sum())
    assert feasible > 700


@pytest.mark.parametrize("scale", [1, 10, 100])
@pytest.mark.parametrize("size", LONG)
def test_long_ones_against_pytorch(sequences: Any, size: tuple[int, ...], scale: int) -> None:
    _torch()
    frames, n, classes, labels = size
    rng = np.random.default_rng(frames)
    z, label = rng.normal(size=(n, frames, classes)) * scale, rng.integers(1, classes, (n, labels))
    lengths = np.full(n, frames), np.full(n, labels)
    expected, slopes = _reference(z, label, *lengths)
    value, grad = sequences("ctc_with_logits").value_and_grad(z, label, *lengths, reduction="none")
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    np.testing.assert_allclose(grad, slopes, atol=1e-10 if scale < 100 else 3e-9)  # PyTorch's error, see above


@pytest.mark.parametrize("scale", [1, 10, 100])
@pytest.mark.parametrize("size", [*FEW, *LONG])
def test_float32_is_float64_rounded(sequences: Any, size: tuple[int, ...], scale: int) -> None:
    frames, n, classes, labels = size
    rng = np.random.default_rng(labels)
    z = (rng.normal(size=(n, frames, classes)) * scale).astype(np.float32)
    label = rng.integers(1, classes, (n, labels))
    ctc = sequences("ctc_with_logits")
    value, grad = ctc.value_and_grad(z, label, reduction="none")
    exact, slopes = ctc.value_and_grad(z.astype(np.float64), label, reduction="none")
    assert value.dtype == grad.dtype == np.float32
    np.testing.assert_allclose(value, exact, rtol=1e-6)
    largest = abs(slopes).max(-1, keepdims=True)
    apart = abs(grad - slopes)
    assert (apart <= 2e-6 * largest + 2 * np.finfo(np.float32).smallest_subnormal).all()
