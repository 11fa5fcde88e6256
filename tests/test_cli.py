"""The commands, as a user meets them: in folders of their own, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

LOG_COSH = '''"""A smooth loss for outliers."""

from sympy import cosh, log

from symloss import Loss, Prediction, Target

prediction, target = Prediction("prediction"), Target("target")
log_cosh_error = Loss("log_cosh_error", log(cosh(prediction - target)))
'''
USE = """
import numpy as np
from my_package.generated import log_cosh_error as loss

r = np.array([0.0, 1e-9, -2.0, 800.0])
np.testing.assert_allclose(
    loss.value(r, np.zeros(4), reduction="none"), [0.0, 5e-19, 1.3250027473578645, 799.3068528194401], rtol=1e-15
)
grad, hess = loss.grad_and_hess(r, np.zeros(4), reduction="none")
np.testing.assert_allclose(grad, np.tanh(r), rtol=1e-15)
np.testing.assert_allclose(hess[:3], 1 / np.cosh(r[:3]) ** 2, rtol=1e-14)
"""


def symloss(*args: str, cwd: Path, code: int = 0) -> str:
    """Run the command in a process of its own; return what it prints."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(cwd / ".cache")}
    command = [sys.executable, "-m", "symloss", *args]
    run = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == code, run.stdout + run.stderr
    assert "\r" not in run.stderr  # no progress bar where nobody looks
    return run.stdout + run.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return an empty folder with one spec."""
    (tmp_path / "my_specs").mkdir()
    (tmp_path / "my_specs" / "robust.py").write_text(LOG_COSH)
    (tmp_path / "my_package").mkdir()
    (tmp_path / "my_package" / "__init__.py").touch()
    return tmp_path


def test_a_new_user(folder: Path) -> None:
    assert len(LOG_COSH.splitlines()) <= 12
    out = folder / "my_package" / "generated"
    symloss("generate", "my_specs", "--out", str(out), cwd=folder)
    run = subprocess.run([sys.executable, "-c", USE], cwd=folder, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert (out / "docs" / "log_cosh_error.tex").exists()
    assert "nothing changed" in symloss("generate", "my_specs", "--out", str(out), cwd=folder)
    assert "what the specs say" in symloss("check", "my_specs", "--out", str(out), cwd=folder)
    assert "log_cosh_error" in symloss("verify", "--specs", "my_specs", "--out", str(out), cwd=folder)


def test_check_finds_drift_and_strays(folder: Path) -> None:
    symloss("generate", "my_specs", "--out", "out", cwd=folder)
    kernel = folder / "out" / "log_cosh_error.py"
    kernel.write_text(kernel.read_text().replace("log_cosh(", "absolute("))
    (folder / "out" / "notes.txt").write_text("mine")
    said = symloss("check", "my_specs", "--out", "out", cwd=folder, code=1)
    assert "-    loss = absolute(" in said
    assert "notes.txt: no spec accounts" in said
    assert "symloss generate my_specs --out out" in said
    symloss("generate", "my_specs", "--out", "out", cwd=folder)
    assert "absolute(" not in kernel.read_text()
    assert (folder / "out" / "notes.txt").read_text() == "mine"


def test_only_what_changed_is_written_and_what_left_is_removed(folder: Path) -> None:
    other = folder / "my_specs" / "other.py"
    other.write_text(LOG_COSH.replace("log_cosh_error", "log_cosh_two"))
    symloss("generate", "my_specs", "--out", "out", cwd=folder)
    before = (folder / "out" / "log_cosh_error.py").stat().st_mtime_ns
    other.unlink()
    assert "removed" in symloss("generate", "my_specs", "--out", "out", cwd=folder)
    assert not (folder / "out" / "log_cosh_two.py").exists()
    assert (folder / "out" / "log_cosh_error.py").stat().st_mtime_ns == before


def test_specs_compose_those_of_symloss_and_of_each_other(folder: Path) -> None:
    (folder / "my_specs" / "smooth.py").write_text(
        "from sympy import Rational\n"
        "from symloss.specs.binary import binary_cross_entropy_with_logits as bce, y\n"
        "from .robust import log_cosh_error, prediction, target\n"
        'smooth = bce.compose("smoothed", {y: y * Rational(9, 10) + Rational(1, 20)})\n'
        'doubled = log_cosh_error.compose("doubled", {prediction: 2 * prediction})\n'
    )
    said = symloss("list", "my_specs", cwd=folder)
    assert [line.split()[0] for line in said.splitlines()] == ["log_cosh_error", "smoothed", "doubled"]


def test_certificates_are_the_same_one_by_one_and_at_once(folder: Path) -> None:
    square = LOG_COSH.replace("log_cosh_error", "half_square").replace("log(cosh(prediction - target))", "{}")
    (folder / "my_specs" / "square.py").write_text(square.format("(prediction - target)**2 / 2"))
    found = []
    for jobs in ("1", "2"):
        made = folder / f"jobs{jobs}"
        options = ["--specs", "my_specs", "--out", f"{made.name}/generated", "--inputs", "30", "--search-only"]
        symloss("certify", "log_cosh_error", "half_square", *options, "--jobs", jobs, cwd=folder)
        found.append({path.name: path.read_text() for path in (made / "certificates").iterdir()})
        assert "what the specs say" in symloss("check", "my_specs", "--out", f"{made.name}/generated", cwd=folder)
    assert found[0] == found[1]
    assert sorted(found[0]) == ["half_square.json", "log_cosh_error.json"]


def test_new_writes_a_spec_that_compiles(folder: Path) -> None:
    symloss("new", "huber_like", "--folder", "fresh", cwd=folder)
    symloss("generate", "fresh", "--out", "out", cwd=folder)
    assert (folder / "out" / "huber_like.py").exists()
    assert "exists already" in symloss("new", "huber_like", "--folder", "fresh", cwd=folder, code=1)
    assert "identifier" in symloss("new", "huber-like", cwd=folder, code=1)


@pytest.mark.parametrize(
    "stage", ["declared", "canonical", "derived", "stable", "lowered", "scheduled", "kernel", "latex"]
)
def test_every_stage_prints(stage: str, folder: Path) -> None:
    assert "prediction" in symloss("show", "log_cosh_error", "--stage", stage, "--specs", "my_specs", cwd=folder)


def test_an_unknown_loss_is_named(folder: Path) -> None:
    assert "there is no loss 'huber'" in symloss("show", "huber", "--specs", "my_specs", cwd=folder, code=1)


def test_help_has_examples(folder: Path) -> None:
    for command in ("generate", "check", "list", "show", "new", "verify", "docs"):
        assert f"symloss {command}" in symloss(command, "--help", cwd=folder)


def test_generated_modules_do_not_import_sympy() -> None:
    code = "import sys, symloss.generated.focal; print('sympy' in sys.modules, 'click' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False"]
