"""What boosters get of a loss of one score is what the generated module returns, rounded, weighted and laid out."""

from __future__ import annotations

import importlib
import threading
from typing import Any

import numpy as np
import pytest

from symloss.adapters import _pairs, catboost
from symloss.adapters._kernels import Blockwise
from symloss.adapters._pairs import compiled_pairs
from symloss.adapters._scores import scores
from symloss.adapters.boosting import Boosted
from symloss.adapters.curvature import column_of, curvature_of

LOSSES: tuple[tuple[str, dict[str, float]], ...] = (
    ("half_squared_error", {}),
    ("binary_cross_entropy_with_logits", {}),
    ("focal_with_logits", {"gamma": 1.5}),
    ("huber", {"delta": 0.7}),
)
DERIVED = {("focal_with_logits", "gauss_newton"), ("huber", "majorant")}
CASES = [
    (loss, params, curvature)
    for loss, params in LOSSES
    for curvature in ("exact", "abs", "ones", "xgboost", "lightgbm", "gauss_newton", "majorant")
    if curvature in ("exact", "abs", "ones", "xgboost", "lightgbm") or (loss, curvature) in DERIVED
]
EACH = pytest.mark.parametrize(("loss", "params", "curvature"), CASES)
_MANY = 200_003  # more than a thread computes at a time, and no multiple of it


def _data(count: int) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(0)
    return 3 * rng.normal(size=count), (rng.random(count) < 0.5).astype(np.float32), rng.random(count)


@EACH
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weighted", [False, True])
def test_blockwise(loss: str, params: dict[str, float], curvature: str, dtype: Any, weighted: bool) -> None:
    raw, targets, weight = _data(_MANY)
    raw = raw.astype(dtype)
    chosen = scores(loss, params)
    found = Blockwise(*column_of(curvature, chosen))(raw, targets, weight if weighted else None)
    for got, expected in zip(found, curvature_of(curvature, chosen)(raw, targets.astype(dtype)), strict=True):
        assert got.dtype == np.float32
        np.testing.assert_array_equal(got, (expected * weight if weighted else expected).astype(np.float32))


@EACH
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weighted", [False, True])
def test_pairs(loss: str, params: dict[str, float], curvature: str, dtype: Any, weighted: bool) -> None:
    raw, targets, weight = _data(500)
    weight = weight.astype(np.float32)
    chosen = scores(loss, params)
    pairs = compiled_pairs(*column_of(curvature, chosen), dtype)(raw, targets, weight if weighted else None)
    factor = weight.astype(np.float64) if weighted else 1.0
    expected = curvature_of(curvature, chosen)(raw.astype(dtype), targets.astype(dtype))
    for got, exact in zip(pairs.T, expected, strict=True):
        assert got.dtype == dtype
        # a kernel multiplies before it rounds, here the factor is of what is rounded already
        np.testing.assert_array_max_ulp(got, (-factor * exact.astype(np.float64)).astype(dtype), int(weighted))


def test_threads_of_catboost_keep_what_is_local_to_them(monkeypatch: pytest.MonkeyPatch) -> None:
    cat = pytest.importorskip("catboost")
    made, callers, calls = [], set(), 0
    keep = _pairs.keep_thread_state
    monkeypatch.setattr(_pairs, "keep_thread_state", lambda: (keep(), made.append(threading.get_ident())))
    objective = catboost.objective("half_squared_error")
    compute = objective.calc_ders_range

    def counted(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        callers.add(threading.get_ident())
        return compute(*arguments)

    objective.calc_ders_range = counted
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100_000, 3))
    params = {"iterations": 3, "depth": 3, "verbose": 0, "allow_writing_files": False, "boosting_type": "Plain"}
    for _ in range(20):  # which threads take part is left to chance
        cat.CatBoost({**params, "thread_count": 2, "loss_function": objective, "eval_metric": "RMSE"}).fit(x, x[:, 0])
        if len(callers) > 1:
            break
    else:
        pytest.skip("CatBoost used one thread only")
    assert calls > 100
    assert sorted(made) == sorted(callers)


@pytest.mark.parametrize("count", [3, _MANY])
def test_a_target_outside_of_its_domain(count: int) -> None:
    raw, targets, _ = _data(count)
    targets[-1] = 2.0
    chosen = scores("binary_cross_entropy_with_logits")
    for call in (Blockwise(chosen, None), compiled_pairs(chosen, None, np.float64)):
        with pytest.raises(ValueError, match=r"y: expected targets in \[0, 1\]"):
            call(raw, targets, None)


def test_a_parameter_outside_of_its_domain() -> None:
    with pytest.raises(ValueError, match="delta"):
        Boosted("huber", "exact", "C", {"delta": -1.0})


def test_a_dtype_that_there_is_no_kernel_for() -> None:
    with pytest.raises(ValueError, match="dtype: expected float32 or float64, got float16"):
        compiled_pairs(scores("half_squared_error"), None, np.float16)


def test_no_samples() -> None:
    grad, hess = Blockwise(scores("half_squared_error"), None)(np.zeros(0), np.zeros(0), None)
    assert grad.shape == hess.shape == (0,)


def test_scores_that_cannot_be_written_to_or_have_gaps() -> None:
    module = importlib.import_module("symloss.generated.half_squared_error")
    raw, targets, _ = _data(10)
    wide = np.repeat(raw, 2)[::2]
    raw.flags.writeable = False
    expected, _ = module.grad_and_hess(raw, targets.astype(np.float64), reduction="none")
    for given in (raw, wide):
        grad, _ = Blockwise(scores(module), None)(given, targets, None)
        np.testing.assert_array_equal(grad, expected.astype(np.float32))
