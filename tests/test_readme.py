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


def test_every_loss_is_named() -> None:
    table = README.split("<!-- losses -->")[1].split("\n\n")[0]
    assert re.findall(r"`(\w+)`", table) == list(catalogue())
