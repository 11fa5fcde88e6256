"""Generated modules as text: formatted, the same every time, and safe from names that specs choose."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from catalogue import catalogue
from sympy import Idx, Interval, Sum, exp

import symloss.emit
import symloss.runtime
from symloss import Dim, Loss, Parameter, Prediction, Target, ir
from symloss.pipeline import compile_loss


def text_of(loss: Loss) -> str:
    """Return the generated module."""
    return compile_loss(loss).text(f"{loss.name}.py")


def module_of(loss: Loss, folder: Path) -> Any:
    """Import the generated module from a package of its own."""
    package = folder / f"package_{loss.name}"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "_runtime").symlink_to(Path(symloss.runtime.__file__).parent)
    (package / f"{loss.name}.py").write_text(text_of(loss))
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(f"{package.name}.{loss.name}")
    finally:
        sys.path.remove(str(folder))


@pytest.mark.parametrize("loss", catalogue().values(), ids=lambda loss: loss.name)
def test_formatted(loss: Loss) -> None:
    text = text_of(loss)
    ast.parse(text)
    assert max(map(len, text.splitlines())) <= 120
    assert not any(line != line.rstrip() for line in text.splitlines())
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert "%" not in text


_PRINT = """
import sys
sys.path.insert(0, sys.argv[1])
from test_emit import text_of
from catalogue import catalogue
names = ["focal", "vae", "cross_entropy_with_logits", "wgan_gradient_penalty"]
losses = catalogue()
for name in (names if sys.argv[2] == "forwards" else names[::-1]):
    text_of(losses[name])
for name in names:
    print(text_of(losses[name]))
"""


def test_the_same_in_every_process() -> None:
    """Neither hashing nor the order of compilation shows."""
    root = str(Path(__file__).parent)
    texts = set()
    for seed, order in (("0", "forwards"), ("1", "backwards"), ("77", "backwards")):
        run = subprocess.run(
            [sys.executable, "-c", _PRINT, root, order],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        texts.add(run.stdout)
    assert len(texts) == 1


def test_names_that_generated_code_uses_itself(tmp_path: Path) -> None:
    """Arguments may be called like anything that kernels call or name."""
    C = Dim("C")  # noqa: N806
    c = Idx("c", C)
    factor, scaled, total = Prediction("factor", C), Prediction("scaled"), Target("total")
    scale, i, lost = Parameter("scale", 1.0), Parameter("i", 2.0), Parameter("lost", 3.0)
    body = Sum(exp(factor[c]) * factor[c], c) * scale + i * exp(scaled) + lost * total * scaled**3
    module = module_of(Loss("clashing", body), tmp_path)
    rng = np.random.default_rng(0)
    x, s, t = rng.normal(size=(5, 3)), rng.normal(size=5), rng.normal(size=5)
    expected = (np.exp(x) * x).sum(1) * 1.5 + 0.5 * np.exp(s) + 3.0 * t * s**3
    value, (grad_x, grad_s) = module.value_and_grad(x, s, t, scale=1.5, i=0.5, reduction="none")
    np.testing.assert_allclose(value, expected, rtol=1e-14)
    np.testing.assert_allclose(grad_x, 1.5 * np.exp(x) * (1 + x), rtol=1e-14)
    np.testing.assert_allclose(grad_s, 0.5 * np.exp(s) + 9.0 * t * s**2, rtol=1e-14)


def test_two_axes(tmp_path: Path) -> None:
    """Predictions with two inner axes, and a sum inside a sum."""
    T, C = Dim("T"), Dim("C")  # noqa: N806
    t, c = Idx("t", T), Idx("c", C)
    z, y = Prediction("z", T, C), Target("y", T, domain=Interval(0, 1))
    module = module_of(Loss("two_axes", Sum(y[t] * Sum(exp(z[t, c]), c) ** 2, t)), tmp_path)
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(6, 4, 3)), rng.uniform(size=(6, 4))
    inner = np.exp(a).sum(-1)
    grad, hess = module.grad_and_hess(a, b, reduction="none")
    np.testing.assert_allclose(module.value(a, b, reduction="none"), (b * inner**2).sum(-1), rtol=1e-14)
    outer = 2 * (b * inner)[..., None] * np.exp(a)
    np.testing.assert_allclose(grad, outer, rtol=1e-14)
    np.testing.assert_allclose(hess, outer + 2 * b[..., None] * np.exp(2 * a), rtol=1e-14)
    v = rng.normal(size=a.shape)
    product = outer * v + 2 * b[..., None] * np.exp(a) * (np.exp(a) * v).sum(-1, keepdims=True)
    np.testing.assert_allclose(module.hvp(a, b, v=v, reduction="sum"), product, rtol=1e-13)


def test_no_index_is_called_like_a_variable_of_the_text_around() -> None:
    """Those that loops over rows print beside what is computed: an index of that name would replace their value."""
    folder = Path(symloss.emit.__file__).parent
    texts = [path.read_text() for path in folder.glob("*.py") if not path.stem.startswith("lattice")]
    own = {name for text in texts for name in re.findall(r'local\("(\w+)"\)', text)}
    assert {"start", "stop", "part", "factor"} <= own
    assert own - {"i"} <= ir.AROUND  # that of samples is in no loop over entries
