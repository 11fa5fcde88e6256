"""The table of other libraries: every row is the loss of that name, on moderate inputs."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

_ROWS = {"PyTorch": ("torch", 12), "JAX": ("optax", 9), "scikit-learn": ("sklearn", 4)}


@pytest.mark.parametrize("library", _ROWS)
def test_they_are_the_same_losses(library: str) -> None:
    module, rows = _ROWS[library]
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed: pip install 'symloss[peers]'")
    command = [sys.executable, str(Path(__file__).parent / "peers_compared.py"), library]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.stdout == f"{rows} losses agree\n", run.stderr


def test_importing_imports_none_of_them() -> None:
    code = "import sys, symloss.peers; print(sorted({'torch', 'jax', 'sklearn', 'optax'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
