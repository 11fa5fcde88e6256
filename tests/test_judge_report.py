"""The judge accepts right kernels and finds every planted mistake."""

import functools
import importlib
import types

import numpy as np
import pytest
from judge_stand_ins import binary_cross_entropy_with_logits as right
from judge_stand_ins.interface import Elementwise
from symloss.specs import binary, multiclass, regression

from symloss.verify import report
from symloss.verify.compare import judge_sample
from symloss.verify.judge import Judge
from symloss.verify.report import table, verify, verify_loss

LOSS = binary.binary_cross_entropy_with_logits
KERNELS = right.KERNELS


@pytest.fixture(autouse=True)
def _judged_once(monkeypatch):
    """Judge every sample once for all tests: only the kernels differ."""
    monkeypatch.setattr(report, "judge_sample", judge_once)


@functools.cache
def judge_by_name(loss, shown):
    """Return a judged sample."""
    return judge_sample(Judge(loss), SAMPLES[shown])


SAMPLES = {}


def judge_once(judge, sample):
    """Remember what was judged."""
    shown = f"{sample} {sample.directions}"
    SAMPLES[shown] = sample
    return judge_by_name(judge.loss, shown)


def wrong_outputs(loss, module):
    """Return the outputs for which something was found."""
    return {row.output for row in verify_loss(loss, module, samples=2) if not row.passed}


def changed(**functions):
    """Return right kernels of the binary cross-entropy but for some functions of one sample."""
    parts = {"loss": KERNELS.loss, "slope": KERNELS.slope, "curvature": KERNELS.curvature}
    return Elementwise(**parts | functions)


def test_right_kernels_pass_and_the_table_says_so():
    """In both precisions, and the progress wraps the losses."""
    seen = []

    def progress(losses):
        seen.extend(losses)
        return losses

    rows = verify([regression.squared_error, LOSS], right.__package__, progress, samples=2)
    text = table(rows)
    assert seen == [regression.squared_error, LOSS]
    assert all(row.passed for row in rows), text
    assert len(rows) == 20
    assert "Wrong" not in text
    assert "20 of 20 rows pass" in text
    assert max(row.worst_share for row in rows) <= 1.0


def nan_at_forty(z, y):
    """Return the slope, NaN at one input."""
    return np.where(z == 40.0, np.nan, KERNELS.slope(z, y))


MISTAKES = {
    "coefficient": ({"curvature": lambda z, y: KERNELS.curvature(z, y) * (1 + 1e-6)}, {"hessian", "hvp", "structure"}),
    "sign": ({"slope": lambda z, y: -KERNELS.slope(z, y)}, {"gradient", "structure"}),
    "clamped tail": ({"curvature": lambda z, y: right.sigmoid(z) * (1 - right.sigmoid(z))}, {"hessian", "hvp"}),
    "cancelling loss": ({"loss": lambda z, y: right.softplus(z) - z * y}, {"value"}),
    "overflow": ({"loss": lambda z, y: np.log(1 + np.exp(z)) - z * y}, {"value"}),
    "nan at one input": ({"slope": nan_at_forty}, {"gradient"}),
    "nan that disappears": ({"slope": lambda z, y: np.nan_to_num(KERNELS.slope(z, y))}, {"gradient"}),
    "dropped branch": ({"loss": lambda z, y: right.times(y, right.softplus(-z))}, {"value", "structure"}),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_planted_mistakes_are_found(name):
    """In the output where they are, and in no other but those that depend on it."""
    functions, outputs = MISTAKES[name]
    found = wrong_outputs(LOSS, changed(**functions))
    assert found - {"structure"} == outputs - {"structure"}
    assert found >= outputs


class Unweighted(Elementwise):
    """Ignores the weight in a mean."""

    def value(self, x, y, *, weight=None, reduction="mean", **keywords):
        """Return the loss."""
        weight = None if reduction == "mean" else weight
        return super().value(x, y, weight=weight, reduction=reduction, **keywords)


class Loose(Elementwise):
    """Its fused function has other bits, by one unit in the last place."""

    def value_and_grad(self, x, y, **keywords):
        """Return both."""
        value, grad = super().value_and_grad(x, y, **keywords)
        return value, np.nextafter(grad, np.asarray(np.inf, x.dtype))


class Broken(Elementwise):
    """Raises where nothing is wrong."""

    def hvp(self, x, y, *, v, **keywords):
        """Return nothing."""
        raise ZeroDivisionError("division by zero")


class Rounded(Elementwise):
    """The function of one sample is another one."""

    def sample_value(self, x, y):
        """Return the loss of one sample."""
        return super().sample_value(x, y) * (1 + 1e-7)


@pytest.mark.parametrize("kind", [Unweighted, Loose, Broken, Rounded])
def test_mistakes_of_structure_are_found(kind):
    """Reductions, fused functions, exceptions."""
    module = kind(KERNELS.loss, KERNELS.slope, KERNELS.curvature)
    rows = verify_loss(LOSS, module, samples=1)
    assert any(row.failures for row in rows if row.output == "structure")
    if kind is Broken:
        assert "division by zero" in table(rows)


def test_a_mistake_in_a_row_is_found_and_described():
    """Entry, argument, result and what was expected."""
    generated = importlib.import_module("symloss.generated.cross_entropy")
    module = types.SimpleNamespace(**vars(generated))

    def grad_and_hess(p, y, **keywords):
        grad, hess = generated.grad_and_hess(p, y, **keywords)
        hess[..., -1] *= 1.5
        return grad, hess

    module.grad_and_hess = grad_and_hess
    rows = [row for row in verify_loss(multiclass.cross_entropy, module, samples=1) if row.output == "hessian"]
    assert not any(row.passed for row in rows)
    assert "entry [" in str(rows[1].failures[0])
    assert "expected" in str(rows[1].failures[0])
    assert "p=[" in str(rows[1].failures[0])
