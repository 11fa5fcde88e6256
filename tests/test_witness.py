"""What no rule can mend is said, with an input that proves it; what is mended is not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import mpmath
import pytest
from catalogue import catalogue

from symloss.verify.witness import witness

ROOT = Path(__file__).parents[1]
SPEC = """from sympy import cosh, exp, log, sin
from symloss import Loss, Prediction
x = Prediction("x")
hopeless = Loss("hopeless", (x - sin(x)) * x)
fine = Loss("fine", log(cosh(x)))
slope = Loss("slope", exp(x) - 1 - x - x**2 / 2 - x**3 / 6)
"""


def _generate(folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / ".cache")}
    command = [sys.executable, "-m", "symloss", "generate", "specs", "--out", "out"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)


def test_a_hopeless_cancellation_is_reported(tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "mine.py").write_text(SPEC)
    first, *others = _generate(tmp_path).stderr.splitlines()
    assert first.startswith("warning: specs/mine.py:4: hopeless: the ") or ("mine.py:4: hopeless: the " in first)
    found = re.search(r"value cancels: at x=(\S+) it is (\S+), and (\S+) is right \((\S+) ULP off\)", first)
    assert found is not None
    x, got, right, ulps = (float(text) for text in found.groups())
    exact = (mpmath.mpf(x) - mpmath.sin(mpmath.mpf(x))) * x if abs(x) > 1e-3 else mpmath.mpf(x) ** 4 / 6
    assert right == pytest.approx(float(exact), rel=1e-6)
    assert abs(got - right) > 1e-6 * abs(right)
    assert ulps > 2**26
    assert [line.split(": ")[2] for line in others] == ["slope"]
    assert _generate(tmp_path).stderr == ""  # nothing new


@pytest.mark.parametrize("name", ["focal_with_logits", "gaussian_kl", "sparse_cross_entropy_with_logits"])
def test_stable_kernels_have_no_witness(name: str) -> None:
    text = (ROOT / "generated" / f"{name}.py").read_text(encoding="utf-8")
    assert witness(catalogue()[name], text, ROOT / "symloss" / "runtime") is None


def test_a_kernel_that_cancels_has_one() -> None:
    text = (ROOT / "generated" / "gan_generator_with_logits.py").read_text(encoding="utf-8")
    naive = text.replace("grad_z_fake = -sigmoid(minus)", "grad_z_fake = -(1.0 - sigmoid(z_fake))")
    assert naive != text
    found = witness(catalogue()["gan_generator_with_logits"], naive, ROOT / "symloss" / "runtime")
    assert found is not None
    assert found.output == "gradient in z_fake"
    assert found.ulps > 1e8
