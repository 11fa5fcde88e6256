"""Losses on data in blocks: the same results as in one piece, the same bits for every schedule, and dead workers."""

from __future__ import annotations

import importlib
import subprocess
import sys
import tracemalloc
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

da: Any = pytest.importorskip("dask.array")
dask: Any = importlib.import_module("dask")
adapter = importlib.import_module("symloss.adapters.dask")
tree_sum = importlib.import_module("symloss.adapters._blocks").tree_sum

RNG = np.random.default_rng(3)
# Loss, predictions and other arrays, how many of them are predictions, keywords.
CASES: tuple[tuple[str, tuple[Any, ...], int, dict[str, float]], ...] = (
    ("binary_cross_entropy_with_logits", (RNG.normal(size=103), RNG.integers(0, 2, 103)), 1, {}),
    ("squared_error", (RNG.normal(size=(101, 3)), RNG.normal(size=(101, 3))), 1, {}),
    ("focal_with_logits", (RNG.normal(size=103).astype(np.float32), RNG.integers(0, 2, 103)), 1, {"gamma": 1.5}),
    ("sparse_cross_entropy_with_logits", (RNG.normal(size=(103, 4)), RNG.integers(0, 4, 103)), 1, {}),
    (
        "weighted_sparse_cross_entropy_with_logits",
        (RNG.normal(size=(103, 2)), RNG.integers(0, 2, 103), np.array([1.0, 2.0])),
        1,
        {},
    ),
    ("gaussian_kl", (RNG.normal(size=(103, 2)), RNG.normal(size=(103, 2))), 2, {}),
)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize(("loss", "arrays", "predictions", "params"), CASES)
def test_as_in_one_piece(
    loss: str, arrays: tuple[Any, ...], predictions: int, params: dict[str, float], reduction: str, weighted: bool
) -> None:
    module: Any = importlib.import_module(f"symloss.generated.{loss}")
    first = da.from_array(arrays[0], chunks=(20, *[1] * (arrays[0].ndim - 1)))
    batch = arrays[0].shape[: arrays[0].ndim - len(module.INFO["arguments"][0]["shape"]) + 1]
    weight = np.linspace(0.5, 2.0, int(np.prod(batch))).reshape(batch) if weighted else None
    keywords: dict[str, Any] = {"weight": weight}
    keywords |= {"reduction": reduction, **params}
    value, gradient = dask.compute(*adapter.value_and_grad(module, first, *arrays[1:], **keywords))
    exact, derivative = module.value_and_grad(*arrays, **keywords)
    tolerance = 4 * float(np.finfo(arrays[0].dtype).eps)
    np.testing.assert_allclose(value, exact, rtol=tolerance)
    assert value.dtype == arrays[0].dtype
    assert adapter.value(loss, first, *arrays[1:], **keywords).compute() == value
    pairs = zip(gradient, derivative, strict=True) if predictions > 1 else [(gradient, derivative)]
    for ours, other in pairs:
        assert ours.dtype == other.dtype
        np.testing.assert_allclose(ours, other, rtol=tolerance)


def test_the_order_of_the_sum_is_fixed() -> None:
    said = tree_sum([dask.delayed(letter) for letter in "abcdefg"]).compute()
    brackets = tree_sum([_Bracketed(letter) for letter in "abcdefg"])
    assert said == "abcdefg"
    assert brackets.compute().text == "(((a+b)+(c+d))+((e+f)+g))"


class _Bracketed:
    """Shows in which order it is added."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __add__(self, other: _Bracketed) -> _Bracketed:
        return _Bracketed(f"({self.text}+{other.text})")


def test_bits_do_not_depend_on_the_scheduler() -> None:
    z, y = RNG.normal(size=20_000), RNG.integers(0, 2, 20_000)
    data = da.from_array(z, chunks=777)
    results = set()
    for settings in ({"scheduler": "synchronous"}, {"scheduler": "threads", "num_workers": 3}):
        with dask.config.set(**settings):
            for _ in range(3):
                value, gradient = dask.compute(*adapter.value_and_grad("binary_cross_entropy_with_logits", data, y))
                results.add((float(value), gradient.tobytes()))
    assert len(results) == 1


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", ["binary_cross_entropy_with_logits", "sparse_cross_entropy_with_logits"])
def test_linear_model(loss: str, weighted: bool) -> None:
    datasets, estimators = (pytest.importorskip(f"sklearn.{name}") for name in ("datasets", "linear_model"))
    x, y = (datasets.load_breast_cancer if "binary" in loss else datasets.load_wine)(return_X_y=True)
    x = (x - x.mean(0)) / x.std(0)
    weight = np.linspace(0.5, 1.5, len(y)) if weighted else None
    total = len(y) if weight is None else weight.sum()
    model = adapter.LinearModel(loss, alpha=0.1, tol=1e-9)
    model.fit(da.from_array(x, chunks=(50, 7)), y, sample_weight=weight)
    theirs = estimators.LogisticRegression(C=1 / (0.1 * total), tol=1e-12, max_iter=5000).fit(x, y, weight)
    np.testing.assert_allclose(np.atleast_2d(model.coef_), theirs.coef_, atol=1e-6)
    constant = np.atleast_1d(model.intercept_)
    np.testing.assert_allclose(constant - constant.mean() * (len(constant) > 1), theirs.intercept_, atol=1e-6)
    scores = model.scores(da.from_array(x, chunks=(50, -1))).compute()
    centred = scores - scores.mean(axis=-1, keepdims=True) if scores.ndim > 1 else scores
    np.testing.assert_allclose(centred, theirs.decision_function(x), atol=1e-5)


def test_predictions() -> None:
    x = RNG.normal(size=(300, 2))
    model = adapter.LinearModel("squared_error", alpha=0.0).fit(da.from_array(x, chunks=90), x @ [1.0, -2.0] + 3)
    np.testing.assert_allclose(model.coef_, [1.0, -2.0], atol=1e-6)
    np.testing.assert_allclose(model.intercept_, 3.0, atol=1e-6)
    np.testing.assert_allclose(model.predict(da.from_array(x, chunks=90)).compute(), x @ [1.0, -2.0] + 3, atol=1e-5)


def test_data_never_lie_in_memory_as_a_whole() -> None:
    rows, blocks = 20_000, 80

    def make(block_info: Any = None) -> Any:
        return np.random.default_rng(block_info[None]["chunk-location"][0]).normal(size=(rows, 10))

    x = da.map_blocks(make, chunks=((rows,) * blocks, (10,)), dtype=np.float64, meta=np.empty((0, 0)))
    y = (x[:, 0] > 0).astype(np.float64)
    with dask.config.set(scheduler="synchronous"):
        objective = adapter.BlockObjective("binary_cross_entropy_with_logits", x, y)
        objective.value_and_grad(np.zeros(11))
        tracemalloc.start()
        objective.value_and_grad(np.ones(11))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert x.nbytes == 128_000_000
    assert peak < x.nbytes / 10


@pytest.mark.parametrize("kind", ["read", "persisted"])
def test_a_worker_dies(tmp_path: Path, kind: str) -> None:
    pytest.importorskip("distributed")
    script = Path(__file__).parent / "dask_cluster.py"
    command = [sys.executable, str(script), str(tmp_path), kind]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert run.returncode == 0, run.stderr
    killed, found, evaluations, alone, as_many = run.stdout.split()
    assert killed == "1"
    assert int(evaluations) >= 6  # it was half-way
    assert (found, evaluations) == (alone, as_many)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"reduction": "weighted_mean"}, ValueError, "reduction: expected 'sum' or 'mean'"),
        ({"y": np.zeros(4)}, ValueError, "y: expected 5 samples along its first axis, got shape (4,)"),
        ({"y": np.full(5, 2.0)}, ValueError, "y: expected values in"),
        ({"gamma": 1.0}, TypeError, "there is no keyword 'gamma'"),
        ({"z": np.array(1.0)}, ValueError, "z: expected an axis of samples to cut, got shape ()"),
    ],
)
def test_bad_input(change: dict[str, Any], error: type[Exception], message: str) -> None:
    given = {"z": np.zeros(5), "y": np.zeros(5), **change}
    with pytest.raises(error) as caught:
        adapter.value("binary_cross_entropy_with_logits", given.pop("z"), given.pop("y"), **given).compute()
    assert message in str(caught.value)


def test_more_bad_input() -> None:
    z = da.from_array(np.zeros(6), chunks=2)
    with pytest.raises(ValueError, match="do not add up"):
        adapter.value("wasserstein", z, z)
    with pytest.raises(ValueError, match=r"z: its blocks have unknown lengths; call z.compute_chunk_sizes\(\) first"):
        adapter.value("binary_cross_entropy_with_logits", z[z > 1], z)
    with pytest.raises(ValueError, match="X: expected two axes"):
        adapter.LinearModel("squared_error").fit(z, z)


def test_no_convergence_is_said() -> None:
    x = da.from_array(RNG.normal(size=(60, 3)), chunks=20)
    model = adapter.LinearModel("squared_error", max_iter=1, tol=1e-12)
    with pytest.warns(RuntimeWarning, match="did not converge in 1 iterations"):
        model.fit(x, x[:, 0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        adapter.LinearModel("squared_error").fit(x, x[:, 0])
