"""The linter of objectives: planted mistakes are named, their corrections correct, and right objectives pass."""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import planted_objectives as planted
import pytest

from symloss.adapters._scores import scores
from symloss.lint.called import ObjectiveError
from symloss.lint.explain import explain
from symloss.lint.hypotheses import FACTORS, FORMS, PROPERTIES, VIEWS, Factor, Form
from symloss.lint.judge import Report, lint
from symloss.lint.problem import Facts, facts, moderate

BCE, SPARSE = "binary_cross_entropy_with_logits", "sparse_cross_entropy_with_logits"
Objective = Callable[..., Any]
# Objective, loss, what is said about which derivative, whether it is a mistake.
PLANTED: tuple[tuple[Objective, str, tuple[tuple[tuple[str, ...], tuple[str, ...]], ...], bool], ...] = (
    (planted.sign_flipped, "squared_error", ((("gradient",), ("sign flipped",)),), True),
    (planted.chain_rule_missing, BCE, ((("gradient",), ("chain rule of the sigmoid missing",)),), True),
    (planted.raw_scores_as_probabilities, BCE, ((("gradient", "Hessian"), ("sigmoid never applied",)),), True),
    (planted.factor_two, "squared_error", ((("gradient",), ("factor 2",)),), True),
    (planted.half_of_it, "squared_error", ((("gradient", "Hessian"), ("factor 1/2",)),), True),
    (planted.mean_not_sum, BCE, ((("gradient", "Hessian"), ("mean instead of sum",)),), True),
    (planted.constant_hessian, BCE, ((("Hessian",), ("Hessian is a constant",)),), False),
    (planted.bound_of_softmax, SPARSE, ((("Hessian",), ("bound",)),), False),
    (planted.overflows, BCE, ((("gradient",), ("NaN",)), (("Hessian",), ("NaN",))), True),
    (planted.arguments_swapped, BCE, ((("arguments",), ("arguments swapped",)),), True),
    (planted.negative_hessian, "squared_error", ((("Hessian",), ("sign flipped",)),), True),
    (planted.sigmoid_twice, BCE, ((("gradient", "Hessian"), ("sigmoid applied twice",)),), True),
    (planted.labels_of_minus_one, BCE, ((("gradient", "Hessian"), ("labels -1 and 1 expected",)),), True),
    (planted.weights_ignored, BCE, ((("gradient", "Hessian"), ("weights ignored",)),), True),
    (planted.wrong_order, BCE, ((("gradient", "Hessian"), ("gradient and Hessian in the wrong order",)),), True),
    (planted.transposed, SPARSE, ((("gradient", "Hessian"), ("classes and samples transposed",)),), True),
    (
        planted.half_and_flipped,
        "squared_error",
        ((("gradient",), ("sign flipped", "factor 1/2")), (("Hessian",), ("factor 1/2",))),
        True,
    ),
    (planted.square_of_gradient, BCE, ((("Hessian",), ("square of the gradient",)),), False),
    (
        planted.wrong_branch,
        BCE,
        ((("gradient",), ("wrong for some inputs",)), (("Hessian",), ("wrong for some inputs",))),
        True,
    ),
    (planted.something_else, BCE, ((("gradient",), ("not recognised",)), (("Hessian",), ("not recognised",))), True),
)
RIGHT = (
    (planted.right_logistic, BCE),
    (planted.right_clipped, BCE),
    (planted.right_squared, "squared_error"),
    (planted.right_absolute, "absolute_error"),
    (planted.right_softmax, SPARSE),
    (planted.right_weighted, BCE),
    (planted.right_focal, "focal_with_logits"),
)
_BY_NAME: Any = {"ids": lambda given: getattr(given, "__name__", "")}


def _said(report: Report) -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
    return tuple((finding.about, finding.names) for finding in report.findings)


@pytest.mark.parametrize(("objective", "loss", "expected", "mistake"), PLANTED, **_BY_NAME)
def test_planted_mistakes_are_named(objective: Objective, loss: str, expected: Any, mistake: bool) -> None:
    report = lint(objective, loss)
    assert _said(report) == expected
    assert (report.mistakes > 0) == mistake


@pytest.mark.parametrize(("objective", "loss"), RIGHT, **_BY_NAME)
def test_no_false_alarm(objective: Objective, loss: str) -> None:
    assert lint(objective, loss).findings == ()


@pytest.mark.parametrize(("objective", "loss"), [row[:2] for row in PLANTED], **_BY_NAME)
def test_corrections_correct(objective: Objective, loss: str) -> None:
    before = lint(objective, loss)
    if any("only once" in line for finding in before.findings for line in finding.mend):
        pytest.skip("the correction is no line of Python")
    namespace = {**vars(planted)}
    exec(f"from symloss.generated import {loss}", namespace)
    text = inspect.getsource(objective)
    for finding in before.findings:
        for line in finding.mend:
            text = _corrected(text, line.replace("weight=weights", "weight=weight"), finding.about)
    exec(text, namespace)
    after = lint(namespace[objective.__name__], loss)
    named = {name for _, names in _said(before) for name in names}
    assert not named & {name for _, names in _said(after) for name in names}
    rest = {("gradient", "NaN")} if objective is planted.chain_rule_missing else set()  # 0 / 0: a mistake of its own
    assert {(about[0], names[0]) for about, names in _said(after)} == rest


def _corrected(text: str, line: str, about: tuple[str, ...]) -> str:
    """Return the function with the correction put in: of its first line, its beginning, or one part of its return."""
    first, *body = text.rstrip().split("\n")
    if line.startswith("def "):
        return "\n".join([line, *body])
    if "# first of all" not in line:
        place = max(number for number, old in enumerate(body) if old.strip().startswith("return"))
        parts = line.partition("  # p =")
        setting = [f"    p = {parts[2]}"] if parts[1] else []
        one, two = ("result", "old") if about == ("gradient",) else ("old", "result")
        if len(about) == 2:
            return "\n".join([first, *body[:place], *setting, f"    {line}"])
        new = [f"    old = {body[place].strip()[7:]}", f"    result = {parts[0][7:]}"]
        return "\n".join([first, *body[:place], *setting, *new, f"    return {one}[0], {two}[1]"])
    after = next((n + 1 for n, old in enumerate(body) if "get_label" in old), 0)
    return "\n".join([first, *body[:after], f"    {line}", *body[after:]])


def _objective_of(row: Any, loss: str) -> Objective:
    """Return an objective that makes the mistake of a row of the tables."""
    chosen = scores(loss)

    def objective(y_true: Any, y_pred: Any) -> Any:
        at = facts(chosen, y_pred, y_true)
        if isinstance(row, Factor):
            return tuple(row.of_samples(len(y_true)) * part for part in (at.grad, at.hess))
        if isinstance(row, Form):
            grad = at.grad if row.grad is None else row.grad(at)
            return grad, at.hess if row.hess is None else row.hess(at)
        with np.errstate(all="ignore"):
            moved = facts(chosen, row.scores(y_pred), y_true)
        return moved.grad, moved.hess

    return objective


@pytest.mark.parametrize("row", [*VIEWS, *FORMS, *FACTORS], ids=lambda row: row.name)
def test_every_row_is_recognised(row: Any) -> None:
    of_rows = bool(getattr(row, "of_rows", False))
    loss = SPARSE if of_rows else ("focal_with_logits" if row.name == "absolute value" else BCE)
    chosen = scores(loss)
    at = facts(chosen, *moderate(chosen, 3))
    grad, hess = _objective_of(row, loss)(at.targets, at.scores)
    for which, found in (("grad", grad), ("hess", hess)):
        if not isinstance(row, Form) or getattr(row, which) is not None:
            explanation = explain(which, found, chosen, at)
            assert explanation is not None
            assert [each.name for each in explanation.rows] == [row.name]


def test_every_property_is_recognised() -> None:
    columns: dict[str, Callable[[Facts], Any]] = {
        "Hessian is not positive": lambda at: np.zeros_like(at.hess),
        "Hessian is a constant in place of 0": lambda at: np.full_like(at.hess, 1.0),
        "Hessian is a constant": lambda at: np.full_like(at.hess, 0.7),
        "bound": lambda at: at.hess + 0.1 * at.scores**2,
    }
    assert set(columns) == {row.name for row in PROPERTIES}
    for name, column in columns.items():
        loss = "absolute_error" if "place of 0" in name else BCE
        chosen = scores(loss)
        report = lint(lambda y, z, c=column, of=chosen: ((at := facts(of, z, y)).grad, c(at)), loss)
        assert _said(report) == ((("Hessian",), (name,)),)


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_objectives_of_the_adapters_pass(library: str) -> None:
    pytest.importorskip(library)
    objective = importlib.import_module(f"symloss.adapters.{library}").objective
    for loss in (BCE, SPARSE):
        module: Any = importlib.import_module(f"symloss.generated.{loss}")
        assert lint(objective(module), loss).findings == ()
    assert _said(lint(objective(module, curvature=library), SPARSE)) == ((("Hessian",), ("bound",)),)


def test_objectives_without_a_text_or_a_signature() -> None:
    bound = functools.partial(planted.sign_flipped)
    assert _said(lint(bound, "squared_error")) == ((("gradient",), ("sign flipped",)),)
    with pytest.raises(ObjectiveError, match="expected a pair, gradient and Hessian"):
        lint(np.subtract, "squared_error")


def test_a_default_is_no_weight() -> None:
    def focal(y_true: Any, y_pred: Any, gamma: float = 2.0) -> Any:
        assert gamma == 2.0
        return planted.right_focal(y_true, y_pred)

    assert lint(focal, "focal_with_logits").findings == ()


def test_names_tell_a_swap_from_a_sign() -> None:
    def mse(predictions: Any, labels: Any) -> Any:
        return 2 * (predictions - labels), np.full(len(labels), 2.0)

    assert _said(lint(mse, "squared_error")) == ((("arguments",), ("arguments swapped",)),)


def test_parameters_and_shared_arrays() -> None:
    assert _said(lint(planted.right_focal, "focal_with_logits", {"gamma": 1.0}))[0][1] == ("not recognised",)

    def weighted(y_true: Any, y_pred: Any) -> Any:
        p = planted._softmax(y_pred)
        w = np.array([1.0, 2.0, 0.5, 1.0])[y_true.astype(int)][:, None]
        return w * (p - np.eye(4)[y_true.astype(int)]), w * p * (1 - p)

    given = {"class_weight": [1.0, 2.0, 0.5, 1.0]}
    assert lint(weighted, "weighted_sparse_cross_entropy_with_logits", given, classes=4).findings == ()


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        (planted.raises, "f(targets, scores) raised KeyError: 'label'"),
        (planted.one_result, "expected a pair, gradient and Hessian; got ndarray"),
        (planted.wrong_shape, "expected the Hessian in the shape (27,) of the scores, got ()"),
    ],
)
def test_what_cannot_be_compared(objective: Objective, message: str) -> None:
    with pytest.raises(ObjectiveError) as caught:
        lint(objective, BCE)
    assert str(caught.value) == message


def _command(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": ""}
    command = [sys.executable, "-m", "symloss", "lint-objective", *arguments]
    folder = Path(planted.__file__).parent
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)


def test_command() -> None:
    run = _command("planted_objectives:chain_rule_missing", "--loss", BCE)
    assert run.returncode == 1
    assert run.stderr == "error: planted_objectives:chain_rule_missing: 1 mistake\n"
    lines = run.stdout.splitlines()
    assert lines[0] == f"planted_objectives:chain_rule_missing against {BCE}, called as f(targets, scores)"
    assert lines[1].startswith("mistake: gradient: ")
    assert lines[1].endswith("the chain rule of the sigmoid is missing")
    assert lines[2].endswith(": return (p - y_true) / (p * (1 - p)), p * (1 - p)")
    assert lines[3].startswith("    right: return ((p - y_true) / (p * (1 - p))) * p * (1 - p), p * (1 - p)")
    assert lines[4] == "ok: Hessian"


def test_command_names_the_package() -> None:
    run = _command("planted_objectives:constant_hessian", "--loss", f"symloss.generated.{BCE}")
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.splitlines()[-1] == f"where {BCE} is the generated module: from symloss.generated import {BCE}"


def test_command_says_ok() -> None:
    run = _command("planted_objectives:right_focal", "--loss", "focal_with_logits", "--param", "gamma=2")
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.splitlines()[1:] == ["ok: gradient and Hessian"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("planted_objectives", "--loss", BCE), "expected MODULE:FUNCTION, got 'planted_objectives'"),
        (("no_such_module:f", "--loss", BCE), "no_such_module cannot be imported"),
        (("planted_objectives:nothing", "--loss", BCE), "planted_objectives has no nothing"),
        (("planted_objectives:np", "--loss", BCE), "planted_objectives:np is no function"),
        (("planted_objectives:raises", "--loss", BCE), "raised KeyError: 'label'"),
        (("planted_objectives:right_logistic", "--loss", "nothing"), "there is no generated module"),
        (("planted_objectives:right_logistic", "--loss", "focal"), "and a raw score does not"),
        (("planted_objectives:right_logistic", "--loss", BCE, "--param", "gamma"), "expected NAME=VALUE"),
        (("planted_objectives:right_logistic", "--loss", BCE, "--param", "gamma=1"), "there is no parameter 'gamma'"),
    ],
)
def test_command_errors(arguments: tuple[str, ...], message: str) -> None:
    run = _command(*arguments)
    assert run.returncode in (1, 2)
    assert message in run.stderr.splitlines()[-1]
    assert "Traceback" not in run.stderr
