"""Generated losses as PyTorch functions: derivatives against finite differences and PyTorch's own losses."""

from __future__ import annotations

import importlib
import inspect
import shutil
from typing import Any

import numpy as np
import pytest

torch: Any = pytest.importorskip("torch")
adapter = importlib.import_module("symloss.adapters.torch")

# Loss, shapes of the predictions, the other arrays, keywords: elementwise, parameters, rows with labels, dense rows,
# shared arrays, several predictions, and sets of samples.
CASES: tuple[tuple[str, tuple[tuple[int, ...], ...], tuple[Any, ...], dict[str, float]], ...] = (
    ("binary_cross_entropy_with_logits", ((4,),), (np.array([0.0, 1.0, 0.3, 1.0]),), {}),
    ("squared_error", ((2, 3),), (np.arange(6.0).reshape(2, 3),), {}),
    ("focal_with_logits", ((2, 2),), (np.array([[0, 1], [1, 0]]),), {"gamma": 1.5}),
    ("sparse_cross_entropy_with_logits", ((3, 4),), (np.array([0, 3, 3]),), {}),
    ("cross_entropy_with_logits", ((2, 3),), (np.array([[0.0, 1.0, 0.0], [0.2, 0.3, 0.5]]),), {}),
    ("weighted_sparse_cross_entropy_with_logits", ((3, 2),), (np.array([0, 1, 1]), np.array([1.0, 2.5])), {}),
    ("gaussian_kl", ((3, 2), (3, 2)), (), {}),
    ("wasserstein", ((3,), (4,)), (), {}),
    ("gan_discriminator_with_logits", ((3,), (2,)), (), {}),
)
OF_SAMPLES = [case for case in CASES if case[0] in ("squared_error", "cross_entropy_with_logits", "gaussian_kl")]


def _inputs(shapes: tuple[tuple[int, ...], ...], others: tuple[Any, ...]) -> tuple[list[Any], list[Any]]:
    rng = np.random.default_rng(7)
    predictions = [torch.tensor(rng.normal(size=shape), requires_grad=True) for shape in shapes]
    return predictions, [torch.tensor(other) for other in others]


def _both_checks(function: Any, predictions: list[Any]) -> None:
    torch.autograd.gradcheck(function, tuple(predictions))  # both raise
    torch.autograd.gradgradcheck(function, tuple(predictions))


@pytest.mark.parametrize(("loss", "shapes", "others", "params"), CASES)
def test_both_derivatives(loss: str, shapes: Any, others: Any, params: dict[str, float]) -> None:
    predictions, rest = _inputs(shapes, others)
    function = adapter.from_loss(loss)
    _both_checks(lambda *given: function(*given, *rest, **params), predictions)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("reduction", ["none", "sum", "mean", "weighted_mean"])
@pytest.mark.parametrize(("loss", "shapes", "others", "params"), OF_SAMPLES)
def test_reductions(
    loss: str, shapes: Any, others: Any, params: dict[str, float], reduction: str, weighted: bool
) -> None:
    predictions, rest = _inputs(shapes, others)
    module = importlib.import_module(f"symloss.generated.{loss}")
    batch = shapes[0][: len(shapes[0]) - len(module.INFO["arguments"][0]["shape"]) + 1]
    weight = torch.tensor(np.linspace(0.5, 2.0, int(np.prod(batch))).reshape(batch)) if weighted else None
    function = adapter.from_loss(module)

    def chosen(*given: Any) -> Any:
        return function(*given, *rest, weight=weight, reduction=reduction, **params)

    value = chosen(*predictions)
    assert value.shape == (batch if reduction == "none" else ())
    with torch.no_grad():
        assert torch.equal(chosen(*predictions), value)
    _both_checks(chosen, predictions)


@pytest.mark.parametrize(
    ("loss", "theirs", "target"),
    [
        ("binary_cross_entropy_with_logits", "binary_cross_entropy_with_logits", torch.tensor([0.0, 1.0, 0.25])),
        ("squared_error", "mse_loss", torch.tensor([0.0, 1.0, 0.25])),
        ("sparse_cross_entropy_with_logits", "cross_entropy", torch.tensor([0, 1, 1])),
    ],
)
def test_against_their_losses(loss: str, theirs: str, target: Any) -> None:
    shape = (3,) if target.is_floating_point() else (3, 2)
    start = torch.linspace(-2.0, 2.0, int(np.prod(shape))).reshape(shape)
    found = []
    for function in (adapter.from_loss(loss), getattr(torch.nn.functional, theirs)):
        z = start.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(function(z, target), z, create_graph=True)
        (product,) = torch.autograd.grad((gradient**2).sum(), z)  # a penalty of the gradient
        found.append((gradient.detach(), product))
    for ours, other in zip(*found, strict=True):
        torch.testing.assert_close(ours, other, rtol=2e-6, atol=1e-7)


@pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")  # torch's own
@pytest.mark.parametrize("loss", ["binary_cross_entropy_with_logits", "gaussian_kl"])
def test_compiled(loss: str, backend: str) -> None:
    if backend == "inductor" and not (shutil.which("g++") or shutil.which("clang++")):
        pytest.skip("inductor needs a C++ compiler")
    function = adapter.from_loss(loss)
    weight = torch.tensor([1.0, 0.0, 2.0])
    second = torch.tensor([[0.0], [1.0], [0.5]])

    def scaled(z: Any) -> Any:
        if loss == "gaussian_kl":
            return (3 * function(2 * z, second * z, weight=weight, reduction="none")).sum()
        return 3 * function(2 * z[:, 0], second[:, 0], weight=weight)

    compiled = torch.compile(scaled, backend=backend, fullgraph=True)
    start = torch.linspace(-2.0, 2.0, 6).reshape(3, 2)
    results = []
    for chosen in (scaled, compiled):
        z = start.clone().requires_grad_()
        value = chosen(z)
        value.backward()
        results.append((value.detach(), z.grad))
    torch.testing.assert_close(results[0], results[1])


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")  # torch's own
def test_operators_are_as_registered() -> None:
    mu, logvar = (torch.randn(3, 2, requires_grad=True) for _ in range(2))
    known, factor = [torch.randn(3, 2) for _ in range(2)], torch.randn(3, requires_grad=True)
    given = ("symloss.generated.gaussian_kl", [mu, logvar], [], torch.rand(3), "none", [])
    constant = (given[0], [mu.detach(), logvar.detach()], *given[2:])
    for operator, arguments in (
        (adapter._value, constant),
        (adapter._value_and_grad, given),
        (adapter._pull_back, (*given, known, factor)),
        (adapter._hvp, (*constant, [part.clone().requires_grad_() for part in known])),
    ):
        torch.library.opcheck(operator, arguments)  # raises


def test_memory_is_read_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = importlib.import_module("symloss.generated.squared_error")
    seen: list[Any] = []
    original = module.value_and_grad

    def spy(*arrays: Any, **keywords: Any) -> Any:
        result = original(*arrays, **keywords)
        seen.extend([*arrays, keywords["weight"], result[1]])
        return result

    monkeypatch.setattr(module, "value_and_grad", spy)
    z, y, w = torch.randn(6, requires_grad=True), torch.randn(12)[::2], torch.rand(6)
    adapter.from_loss(module)(z, y, weight=w).backward()
    for tensor, array in zip((z, y, w), seen, strict=False):
        assert array.ctypes.data == tensor.data_ptr()
    np.testing.assert_array_equal(seen[3], z.grad.numpy())


def test_threads_are_those_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = importlib.import_module("symloss.generated.squared_error")
    original, seen = module.value, []
    monkeypatch.setattr(module, "value", lambda *a, **k: seen.append(k["threads"]) or original(*a, **k))
    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            adapter.from_loss(module)(torch.zeros(3), torch.ones(3))
    finally:
        torch.set_num_threads(before)
    assert seen == [1, 2]


def test_third_derivatives_are_refused() -> None:
    z = torch.randn(3, dtype=torch.float64, requires_grad=True)
    loss = adapter.from_loss("binary_cross_entropy_with_logits")(z, torch.zeros(3))
    (first,) = torch.autograd.grad(loss, z, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), z, create_graph=True)
    with pytest.raises(NotImplementedError, match="third derivatives"):
        torch.autograd.grad(second.sum(), z)


def test_products_with_the_hessian() -> None:
    z, v = (
        torch.randn(3, dtype=torch.float64, requires_grad=True),
        torch.ones(3, dtype=torch.float64, requires_grad=True),
    )
    loss = adapter.from_loss("binary_cross_entropy_with_logits")(z, torch.zeros(3), reduction="sum")
    (first,) = torch.autograd.grad(loss, z, create_graph=True)
    (product,) = torch.autograd.grad(first @ v, z)
    p = torch.sigmoid(z.detach())
    torch.testing.assert_close(product, p * (1 - p) * v.detach())
    kernel = "symloss.generated.binary_cross_entropy_with_logits"
    (again,) = adapter._hvp(kernel, [z.detach()], [torch.zeros(3)], None, "sum", [], [v])
    (in_direction,) = torch.autograd.grad(again.sum(), v)
    torch.testing.assert_close(in_direction, p * (1 - p))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"z": torch.zeros(3, dtype=torch.int64)}, TypeError, "z: expected float32 or float64, got torch.int64"),
        ({"z": torch.zeros(3, dtype=torch.bfloat16)}, TypeError, "use z.float()"),
        ({"y": torch.zeros(3, requires_grad=True)}, ValueError, "y: only predictions have derived gradients"),
        ({"weight": torch.ones(3, requires_grad=True)}, ValueError, "weight: only predictions"),
        ({"y": np.zeros(3)}, TypeError, "y: expected a tensor, got ndarray"),
        ({"y": torch.zeros(3, device="meta")}, ValueError, "y: expected a tensor of the CPU, got one of meta"),
        ({"y": torch.full((3,), 2.0)}, ValueError, "y: expected values in"),
        ({"y": torch.zeros(3, 1)}, ValueError, "y: expected shape"),
        ({"reduction": "all"}, ValueError, "reduction: expected one of 'none'"),
        ({"gamma": 2.0}, TypeError, "there is no keyword 'gamma'"),
    ],
)
def test_bad_input(change: dict[str, Any], error: type[Exception], message: str) -> None:
    given = {"z": torch.zeros(3), "y": torch.zeros(3), **change}
    with pytest.raises(error) as caught:
        adapter.from_loss("binary_cross_entropy_with_logits")(given.pop("z"), given.pop("y"), **given)
    assert message in str(caught.value)


def test_sets_have_no_weights() -> None:
    function = adapter.from_loss("wasserstein")
    with pytest.raises(ValueError, match="takes no weight and no reduction"):
        function(torch.zeros(3), torch.zeros(2), reduction="sum")
    with pytest.raises(TypeError, match="expected 2 arrays, d_real, d_fake; got 1"):
        function(torch.zeros(3))


def test_it_looks_like_the_loss() -> None:
    function = adapter.from_loss("focal_with_logits")
    assert function.__name__ == "focal_with_logits"
    assert [*inspect.signature(function).parameters][2:4] == ["weight", "reduction"]
    assert "Arguments, after the batch axes" in function.__doc__
