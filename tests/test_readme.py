"""The snippets of the README, run as a reader would: copied, in an empty folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from catalogue import catalogue

README = (Path(__file__).parents[1] / "README.md").read_text()
SNIPPETS = re.findall(r"```(python|console)\n(.*?)```", README, re.DOTALL)


def _python(code: str, cwd: Path) -> str:
    run = subprocess.run([sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_use_a_loss(tmp_path: Path) -> None:
    (use,) = [code for _, code in SNIPPETS if "bce.hvp" in code]
    said = _python(use + "\nprint(bce.value(z, y, reduction='none'))", tmp_path)
    assert said.split() == ["[4.24835426e-18", "6.93147181e-01", "4.24835426e-18]"]


def test_add_a_loss(tmp_path: Path) -> None:
    (spec,) = [code for _, code in SNIPPETS if "Loss(" in code]
    (commands,) = [code for kind, code in SNIPPETS if kind == "console" and "my_specs" in code]
    (use,) = [code for _, code in SNIPPETS if "my_package.generated" in code and "import numpy" in code]
    assert len(spec.splitlines()) <= 12
    (tmp_path / "my_specs").mkdir()
    (tmp_path / "my_specs" / "robust.py").write_text(spec)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "XDG_CACHE_HOME": str(tmp_path / ".cache")}
    subprocess.run(["bash", "-ec", commands], cwd=tmp_path, env=environment, check=True, capture_output=True)
    said = _python(use + "\nprint(log_cosh_error.value(residual, np.zeros(3), reduction='none'))", tmp_path)
    assert said.split() == ["[5.00000000e-19", "4.33780830e-01", "7.99306853e+02]"]
    assert (tmp_path / "my_package" / "generated" / "docs" / "log_cosh_error.tex").exists()


@pytest.mark.parametrize("adapter", ["sklearn", "scipy", "xgboost", "lightgbm", "catboost"])
def test_adapters(tmp_path: Path, adapter: str) -> None:
    pytest.importorskip(adapter)
    (use,) = [code for _, code in SNIPPETS if f"from symloss.adapters.{adapter} import" in code]
    assert 0.93 < float(_python(use, tmp_path).split()[-1]) <= 1.0


def test_torch(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    (use,) = [code for _, code in SNIPPETS if "from symloss.adapters.torch import" in code]
    assert float(_python(use, tmp_path)) > 0.97


def test_jax(tmp_path: Path) -> None:
    jax = pytest.importorskip("jax")
    (use,) = [code for _, code in SNIPPETS if "from symloss.adapters.jax import" in code]
    numbers = [float(number) for number in re.findall(r"-?\d\.?\d*(?:e-?\d+)?", _python(use, tmp_path))]
    scores, labels = [[2.0, 0.0, -1.0], [0.0, 0.0, 0.0]], [0, 2]
    single = jax.nn.softmax(jax.numpy.array(scores)) - jax.nn.one_hot(jax.numpy.array(labels), 3)
    assert numbers == pytest.approx([*(single / 2).ravel().tolist(), *single.ravel().tolist()], abs=1e-6)


def test_dask(tmp_path: Path) -> None:
    pytest.importorskip("dask.array")
    (use,) = [code for _, code in SNIPPETS if "from symloss.adapters.dask import" in code]
    assert float(_python(use, tmp_path)) > 0.98


def test_lint(tmp_path: Path) -> None:
    (objective,) = [code for kind, code in SNIPPETS if kind == "python" and "def logistic" in code]
    (command,) = [code for kind, code in SNIPPETS if kind == "console" and "lint-objective" in code]
    (report,) = re.findall(r"```text\n(my_objectives.*?)```", README, re.DOTALL)
    (tmp_path / "my_objectives.py").write_text(objective)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path}
    run = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=environment, check=False, capture_output=True, text=True
    )
    assert (run.returncode, run.stdout) == (1, report)


def test_every_loss_is_named() -> None:
    table = README.split("<!-- losses -->")[1].split("\n\n")[0]
    assert re.findall(r"`(\w+)`", table) == list(catalogue())
