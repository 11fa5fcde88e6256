"""Loops over samples are vectors: LLVM widens them, and no scalar function is called inside."""

from __future__ import annotations

import importlib
import platform
import re
from typing import Any

import llvmlite.binding
import numba
import numpy as np
import pytest
from numba.core.caching import NullCache
from symloss.generated._runtime import jit, over_blocks, tuning

FLAT = (
    "absolute_error", "binary_cross_entropy", "binary_cross_entropy_with_logits", "focal_with_logits", "squared_error",
    "weighted_binary_cross_entropy_with_logits",
)  # fmt: skip
_CALLED = re.compile(r"^declare .*@(exp|expf|log|logf|log1p|log1pf|expm1|expm1f|pow|powf|tanh|tanhf)\(", re.M)


def _compiled(name: str, dtype: str) -> str:
    """Return the optimised LLVM text of the kernel that writes losses and gradients."""
    module: Any = importlib.import_module(f"symloss.generated.{name}")
    kernel = module._value_and_grad
    kernel = numba.njit(nogil=True, error_model="numpy", pipeline_class=tuning.Entry)(kernel.py_func)  # as in `jit`
    assert isinstance(kernel._cache, NullCache)
    array = numba.types.Array(getattr(numba.types, dtype), 1, "C")
    parameters = [numba.types.float64 for _ in module.INFO["parameters"]]
    signature = (array, array, *parameters, numba.types.none, numba.types.float64, array, array)
    kernel.compile(signature)
    return str(kernel.inspect_llvm(signature))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FLAT)
def test_loops_become_vectors(name: str, dtype: str) -> None:
    text = _compiled(name, dtype)
    assert not _CALLED.search(text)
    assert re.search(r"fmul <\d+ x (float|double)>|fadd <\d+ x (float|double)>|fsub <\d+ x (float|double)>", text)
    assert "llvm.masked.gather" not in text


def _machine_code(monkeypatch: pytest.MonkeyPatch, name: str, dtype: str) -> str:
    """Return what becomes of the kernels that write gradients, and gradients and Hessians, of rows of ten entries."""
    module: Any = importlib.import_module(f"symloss.generated.{name}")
    asked: list[tuple[Any, tuple[Any, ...]]] = []
    entry = jit.Compiled.entry

    def recorded(self: Any, key: Any, arguments: tuple[Any, ...]) -> Any:
        asked.append((self.py_func, arguments))
        return entry(self, key, arguments)

    monkeypatch.setattr(jit.Compiled, "entry", recorded)
    rows, labels = np.ones((40, 10), dtype), np.zeros(40, np.int64)
    for call in (module.value_and_grad, module.grad_and_hess):
        call(rows, labels if "sparse" in name else np.eye(10, dtype=dtype)[labels], reduction="none")
    texts = []
    for function, arguments in asked:
        kernel = numba.njit(nogil=True, error_model="numpy", pipeline_class=tuning.Entry)(function)
        kernel.compile(tuple(map(numba.typeof, arguments)))
        texts += [str(kernel.inspect_llvm(kernel.signatures[0])), str(kernel.inspect_asm(kernel.signatures[0]))]
    assert len(asked) >= 2
    return "\n".join(texts)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["sparse_cross_entropy_with_logits", "cross_entropy_with_logits"])
def test_rows_are_transposed_without_gathers(monkeypatch: pytest.MonkeyPatch, name: str, dtype: str) -> None:
    """On processors that have gathers they took as long as all the rest."""
    module: Any = importlib.import_module(f"symloss.generated.{name}")
    for kernel in vars(module).values():
        if isinstance(kernel, jit.Compiled):
            over_blocks._loops.pop(kernel, None)
    text = _machine_code(monkeypatch, name, dtype)
    known = llvmlite.binding.llvm_version_info[0] >= 18 and platform.machine() in ("x86_64", "AMD64")
    assert ("+prefer-no-gather" in text) == known
    assert not known or not re.search(r"v?p?gather[dq]|v?p?scatter[dq]|llvm.masked.(gather|scatter)", text)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("name", "at_a_time"), [("squared_error", 2), ("binary_cross_entropy", 4), ("focal_with_logits", 4)]
)
def test_loops_take_several_vectors_at_a_time(
    monkeypatch: pytest.MonkeyPatch, name: str, at_a_time: int, dtype: str
) -> None:
    """One alone waits for itself; two do, where each is a long chain."""
    several = _stores_of_vectors(_compiled(name, dtype))
    monkeypatch.setattr(tuning, "_AT_A_TIME", 1)
    monkeypatch.setattr(tuning, "FOUR_AT_A_TIME", "an attribute that no function has")
    one = _stores_of_vectors(_compiled(name, dtype))
    assert several == [at_a_time * count for count in one] != []


def _stores_of_vectors(text: str) -> list[int]:
    """Return how many vectors each loop over vectors writes."""
    blocks = re.split(r"\n(?=[-\w.$]+:)", text)
    return [block.count("store <") for block in blocks if block.startswith("vector.body")]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["binary_cross_entropy_with_logits", "squared_error"])
def test_functions_of_one_sample_become_part_of_loops_that_users_compile(name: str, dtype: str) -> None:
    """Their compiler knows nothing of `tuning`."""
    sample: Any = importlib.import_module(f"symloss.generated.{name}").sample_value_and_grad

    @numba.njit(error_model="numpy")
    def loop(a: Any, b: Any, losses: Any, grads: Any) -> None:
        for i in range(a.size):
            losses[i], grads[i] = sample(a[i], b[i])

    array = numba.types.Array(getattr(numba.types, dtype), 1, "C")
    loop.compile((array, array, array, array))
    assert re.search(r"fmul <\d+ x (float|double)>", str(loop.inspect_llvm(loop.signatures[0])))


def test_float32_stays_float32_where_that_is_accurate() -> None:
    assert "x double>" not in _compiled("binary_cross_entropy_with_logits", "float32")
    assert "x double>" in _compiled("focal_with_logits", "float32")  # whose parameters are float64


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["binary_cross_entropy_with_logits", "sparse_cross_entropy_with_logits"])
def test_any_number_of_threads_gives_the_same_bits(name: str, dtype: str) -> None:
    module: Any = importlib.import_module(f"symloss.generated.{name}")
    rng = np.random.default_rng(0)
    shape = (200_003,) if name.startswith("binary") else (20_001, 17)
    z = rng.normal(size=shape).astype(dtype)
    y = (rng.random(shape) < 0.5).astype(dtype) if name.startswith("binary") else rng.integers(0, 17, shape[0])
    value, grad = module.value_and_grad(z, y, threads=1)
    for threads in (2, 3, 8):
        other = module.value_and_grad(z, y, threads=threads)
        assert other[0] == value
        np.testing.assert_array_equal(other[1], grad)


def test_nothing_of_the_size_of_the_batch_is_allocated_but_the_results() -> None:
    import tracemalloc

    from symloss.generated import binary_cross_entropy_with_logits as bce

    z = np.linspace(-5, 5, 2_000_000)
    y = np.ones_like(z)
    bce.value_and_grad(z, y)
    tracemalloc.start()
    _, grad = bce.value_and_grad(z, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= grad.nbytes + 2**20
