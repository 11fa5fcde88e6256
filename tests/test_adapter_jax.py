"""Generated losses as JAX functions: derivatives against finite differences, `vmap` against a loop."""

from __future__ import annotations

import importlib
import inspect
import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest

jax: Any = pytest.importorskip("jax")
jnp: Any = importlib.import_module("jax.numpy")
check_grads: Any = importlib.import_module("jax.test_util").check_grads
adapter = importlib.import_module("symloss.adapters.jax")

# Loss, shapes of the predictions, the other arrays, keywords.
CASES: tuple[tuple[str, tuple[tuple[int, ...], ...], tuple[Any, ...], dict[str, float]], ...] = (
    ("binary_cross_entropy_with_logits", ((4,),), (np.array([0.0, 1.0, 0.3, 1.0]),), {}),
    ("focal_with_logits", ((2, 2),), (np.array([[0, 1], [1, 0]]),), {"gamma": 1.5}),
    ("sparse_cross_entropy_with_logits", ((3, 4),), (np.array([0, 3, 3]),), {}),
    ("weighted_sparse_cross_entropy_with_logits", ((3, 2),), (np.array([0, 1, 1]), np.array([1.0, 2.5])), {}),
    ("gaussian_kl", ((3, 2), (3, 2)), (), {}),
    ("wasserstein", ((3,), (4,)), (), {}),
)


@pytest.fixture(autouse=True)
def _doubles() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def _given(shapes: tuple[tuple[int, ...], ...], *before: int) -> list[Any]:
    rng = np.random.default_rng(5)
    return [jnp.asarray(rng.normal(size=(*before, *shape))) for shape in shapes]


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(("loss", "shapes", "others", "params"), CASES)
def test_both_derivatives(loss: str, shapes: Any, others: Any, params: dict[str, float], compiled: bool) -> None:
    function = adapter.from_loss(loss)

    def chosen(*given: Any) -> Any:
        return function(*given, *others, **params)

    check_grads(jax.jit(chosen) if compiled else chosen, _given(shapes), order=2, modes=["rev"], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("reduction", ["none", "sum", "mean", "weighted_mean"])
def test_reductions(reduction: str, weighted: bool) -> None:
    module: Any = importlib.import_module("symloss.generated.gaussian_kl")
    weight = np.array([0.5, 1.0, 2.0]) if weighted else None
    function = adapter.from_loss(module)

    def chosen(*given: Any) -> Any:
        return function(*given, weight=weight, reduction=reduction)

    given = _given(((3, 2), (3, 2)))
    keywords = {"weight": weight, "reduction": reduction}
    np.testing.assert_array_equal(chosen(*given), module.value(*map(np.asarray, given), **keywords))
    check_grads(chosen, given, order=2, modes=["rev"], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("reduction", ["none", "sum", "mean", "weighted_mean"])
@pytest.mark.parametrize(("loss", "shapes", "others", "params"), CASES[:-1])
def test_vmap_is_a_loop(loss: str, shapes: Any, others: Any, params: dict[str, float], reduction: str) -> None:
    function = adapter.from_loss(loss)
    weight = None if params else jnp.linspace(0.5, 2.0, shapes[0][0])

    def chosen(*given: Any) -> Any:
        value = function(*given, *others, weight=weight, reduction=reduction, **params)
        return (value**2).sum()

    given = _given(shapes, 2, 3)
    for derived in (chosen, jax.grad(chosen), jax.grad(lambda *a: jax.grad(chosen)(*a).sum())):
        mapped = jax.jit(jax.vmap(jax.vmap(derived)))(*given)
        for i, j in np.ndindex(2, 3):
            one = derived(*(array[i, j] for array in given))
            np.testing.assert_allclose(mapped[i, j], one, rtol=1e-13, atol=1e-15)


def test_vmap_over_single_samples_is_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = importlib.import_module("symloss.generated.weighted_sparse_cross_entropy_with_logits")
    original, calls = module.value_and_grad, []
    monkeypatch.setattr(module, "value_and_grad", lambda *a, **k: calls.append(a) or original(*a, **k))
    (z,) = _given(((3,),), 50)
    label, classes = jnp.arange(50) % 3, jnp.array([1.0, 2.0, 0.5])
    function = adapter.from_loss(module)
    mapped = jax.vmap(jax.grad(function), in_axes=(0, 0, None))(z, label, classes)
    assert len(calls) == 1
    np.testing.assert_array_equal(
        mapped, module.grad(np.asarray(z), np.asarray(label), np.asarray(classes), reduction="none")
    )


def test_vmap_over_what_samples_share() -> None:
    function = adapter.from_loss("weighted_sparse_cross_entropy_with_logits")
    (z,) = _given(((3, 2),))
    label, classes = jnp.array([0, 1, 1]), jnp.array([[1.0, 2.0], [3.0, 0.5]])
    for reduction in ("mean", "none"):
        mapped = jax.vmap(lambda w, r=reduction: function(z, label, w, reduction=r))(classes)
        for number, row in enumerate(classes):
            np.testing.assert_array_equal(mapped[number], function(z, label, row, reduction=reduction))


def test_vmap_over_sets() -> None:
    real, fake = _given(((3,), (5,)), 4)
    function = adapter.from_loss("wasserstein")
    mapped = jax.vmap(jax.grad(function, argnums=(0, 1)))(real, fake)
    np.testing.assert_allclose(mapped[0], np.full((4, 3), 1 / 3), rtol=1e-15)
    np.testing.assert_allclose(mapped[1], np.full((4, 5), -1 / 5), rtol=1e-15)


def test_float32() -> None:
    with jax.enable_x64(False):
        z = jnp.array([-40.0, 0.0, 3.0])
        gradient = jax.jit(jax.grad(adapter.from_loss("binary_cross_entropy_with_logits")))(z, jnp.array([0, 1, 1]))
    assert gradient.dtype == np.float32
    exact = np.array([np.exp(-40.0) / (1 + np.exp(-40.0)), -0.5, -1 / (1 + np.exp(3.0))])
    np.testing.assert_allclose(gradient, exact / 3, rtol=2e-7)  # the tail is there


def test_subnormal_numbers_are_kept() -> None:
    """XLA flushes them in the threads that call back; 50,000 samples are several blocks, for threads of our own."""
    with jax.enable_x64(False):
        z, y = jnp.full(50_000, -100.0), jnp.zeros(50_000)
        found = jax.jit(partial(adapter.from_loss("binary_cross_entropy_with_logits"), reduction="none"))(z, y)
    assert {float(value).hex() for value in np.unique(np.asarray(found))} == {float(np.float32(math.exp(-100))).hex()}


def test_large_arrays_pass() -> None:
    z = jnp.linspace(-3.0, 3.0, 1_000_000)
    gradient = jax.jit(jax.grad(adapter.from_loss("squared_error")))(z, jnp.zeros_like(z))
    np.testing.assert_allclose(gradient, 2 * z / z.size, rtol=1e-15)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"z": np.zeros(3, np.int64)}, TypeError, "z: expected float32 or float64, got int64"),
        ({"z": np.zeros(3, np.float16)}, TypeError, "z: expected float32 or float64, got float16"),
        ({"reduction": "all"}, ValueError, "reduction: expected one of 'none'"),
        ({"gamma": 2.0}, TypeError, "there is no keyword 'gamma'"),
        ({"y": np.full(3, 2.0)}, Exception, "y: expected values in [0, 1], got 2.0 at position (0,)"),
        ({"y": np.zeros((3, 1))}, Exception, "y: expected shape"),
    ],
)
def test_bad_input(change: dict[str, Any], error: type[Exception], message: str) -> None:
    given = {"z": np.zeros(3), "y": np.zeros(3), **change}
    with pytest.raises(error) as caught:
        adapter.from_loss("binary_cross_entropy_with_logits")(
            given.pop("z"), given.pop("y"), **given
        ).block_until_ready()
    assert message in str(caught.value)


@pytest.mark.parametrize("compiled", [False, True])
def test_only_predictions_are_differentiated(compiled: bool) -> None:
    function = adapter.from_loss("squared_error")
    chosen = jax.jit(function) if compiled else function
    z, y = jnp.ones(3), jnp.zeros(3)
    with pytest.raises(TypeError, match="target: only predictions have derived gradients"):
        jax.grad(chosen, argnums=1)(z, y)
    with pytest.raises(TypeError, match="weight: only predictions"):
        jax.grad(lambda w: function(z, y, weight=w))(jnp.ones(3))
    stopped = jax.grad(lambda z: chosen(z, jax.lax.stop_gradient(0.5 * z)))(z)
    np.testing.assert_allclose(stopped, np.full(3, 1 / 3), rtol=1e-15)


def test_parameters_are_constants() -> None:
    function = adapter.from_loss("focal_with_logits")
    with pytest.raises(TypeError, match="gamma: expected a number, got a traced array"):
        jax.grad(lambda gamma: function(jnp.zeros(2), jnp.ones(2), gamma=gamma))(2.0)


def test_it_looks_like_the_loss() -> None:
    function = adapter.from_loss("focal_with_logits")
    assert function.__name__ == "focal_with_logits"
    assert [*inspect.signature(function).parameters][2:4] == ["weight", "reduction"]
