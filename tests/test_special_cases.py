"""Kernels of their own for values of parameters: what is declared, what is generated, which kernels a call finds."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from symloss.generated import focal_with_logits
from sympy import Interval, oo

from symloss import Loss, Parameter, Prediction, Target, sigmoid
from symloss.errors import SpecError
from symloss.loader import load
from symloss.pipeline import compile_loss
from symloss.verify.kernels import own_kernels

z, y = Prediction("z"), Target("y")
gamma, delta = Parameter("gamma", 1.5, domain=Interval(0, oo)), Parameter("delta", 1.0)
SPECS = Path(__file__).parents[1] / "specs"
RNG = np.random.default_rng(7)
Z, Y = RNG.normal(size=300) * 5, RNG.integers(0, 2, 300).astype(float)
CASES = [loss for loss in load([SPECS]) if loss.kernels_at]


def _powered(**options: Any) -> Loss:
    return Loss("powered", delta * (1 + (z - y) ** 2) ** gamma, title="Powered", **options)


def test_a_case_has_the_number_in_the_place_of_the_parameter() -> None:
    (case,) = _powered(kernels_at={gamma: 2}).cases()
    assert case.name == "powered_gamma_2"
    assert case.texts.title == "Powered, gamma = 2"
    assert case.parameters == (delta,)
    assert case.declared == delta * (1 + (z - y) ** 2) ** 2
    assert case.cases() == ()
    assert _powered().cases() == ()


def test_compose_inherits_the_values_of_the_parameters_that_are_left() -> None:
    loss = _powered(kernels_at={gamma: 2})
    (case,) = loss.compose("other", {z: sigmoid(z)}).cases()
    assert case.name == "other_gamma_2"
    assert loss.compose("third", {gamma: 3}).cases() == ()
    assert loss.compose("fourth", {z: 2 * z}, kernels_at={}).cases() == ()


@pytest.mark.parametrize("wrong", [{z: 2}, {gamma: 2.5}, {gamma: -1}, {Parameter("alpha", 1.0): 2}], ids=str)
def test_only_whole_numbers_of_the_domain_of_a_parameter_will_do(wrong: dict[Any, Any]) -> None:
    with pytest.raises(SpecError, match="powered: kernels_at: expected parameters of the loss, with whole numbers"):
        _powered(kernels_at=wrong)


def test_a_case_follows_its_loss(tmp_path: Path) -> None:
    spec = tmp_path / "powers.py"
    spec.write_text(
        "from symloss import Loss, Parameter, Prediction, Target\n"
        'z, y, n = Prediction("z"), Target("y"), Parameter("n", 3.0)\n'
        'loss = Loss("power", (1 + (z - y) ** 2) ** n, kernels_at={n: 3})\n'
    )
    general, case = load([spec])
    assert (general.name, case.name) == ("power", "power_n_3")
    assert case.source == general.source


@pytest.mark.parametrize("loss", CASES, ids=lambda loss: loss.name)
def test_the_general_module_names_the_other(loss: Loss) -> None:
    (case,) = loss.cases()
    text = compile_loss(loss).text(f"{loss.name}.py")
    assert f"the kernels of `{case.name}` are called" in " ".join(text.split())
    assert f'_DRIVER = SpecialCase(_GENERAL, (None, 2.0), f"{{__name__}}{loss.case_suffix}")' in text
    assert "SpecialCase" not in compile_loss(case).text(f"{case.name}.py")


@pytest.mark.parametrize("loss", CASES, ids=lambda loss: loss.name)
@pytest.mark.parametrize("function", ["value", "grad", "value_and_grad", "grad_and_hess", "hvp"])
def test_a_call_with_the_values_finds_the_kernels_of_the_case(loss: Loss, function: str) -> None:
    """And only such a call: next to 2 the general kernels give nearly the same, and others at 3."""
    general, case = (importlib.import_module(f"symloss.generated.{one.name}") for one in (loss, *loss.cases()))
    options = {"weight": np.arange(300.0), "reduction": "sum", "threads": 1, "alpha": 0.4}
    options |= {"v": np.ones(300)} if function == "hvp" else {}
    wanted = getattr(case, function)(Z, Y, **options)
    for two in (2, 2.0, np.float64(2)):
        _same(wanted, getattr(general, function)(Z, Y, gamma=two, **options))
    near = getattr(general, function)(Z, Y, gamma=np.nextafter(2.0, 3.0), **options)
    with own_kernels(general):
        own = getattr(general, function)(Z, Y, gamma=2, **options)
    for part, nearly, by_general in zip(*map(_parts, (wanted, near, own)), strict=True):
        np.testing.assert_allclose(nearly, part, rtol=1e-12, atol=1e-300)
        np.testing.assert_allclose(by_general, part, rtol=1e-12, atol=1e-300)
    third = _parts(getattr(general, function)(Z, Y, gamma=3, **options))[0]
    assert np.abs(third - _parts(wanted)[0]).max() > 1e-3


def test_results_go_to_arrays_that_the_caller_has() -> None:
    losses, grads = np.empty(300), np.empty(300)
    value, grad = focal_with_logits.value_and_grad(Z, Y, reduction="none", out=(losses, grads))
    assert value is losses
    assert grad is grads
    _same((losses, grads), focal_with_logits.value_and_grad(Z, Y, reduction="none"))


@pytest.mark.parametrize("wrong", ["2", None, -1, float("nan"), np.zeros(2), [2]], ids=repr)
def test_a_wrong_value_is_refused_as_ever(wrong: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="gamma: expected"):
        focal_with_logits.value(Z, Y, gamma=wrong)


def test_other_arguments_are_still_checked() -> None:
    with pytest.raises(ValueError, match="alpha: expected a finite number in"):
        focal_with_logits.value(Z, Y, alpha=2, gamma=2)
    with pytest.raises(ValueError, match="y: expected"):
        focal_with_logits.value(Z, Y[:3], gamma=2)


def _parts(result: Any) -> list[Any]:
    return [np.asarray(part) for part in (result if isinstance(result, tuple) else (result,))]


def _same(one: Any, other: Any) -> None:
    for a, b in zip(_parts(one), _parts(other), strict=True):
        np.testing.assert_array_equal(a, b)
