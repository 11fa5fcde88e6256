"""The adapters of array libraries import them when they are used, and say which extra is missing."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

LIBRARIES = ("torch", "jax", "dask")
EXTRAS = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def _python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_importing_adapters_imports_no_library() -> None:
    run = _python(
        f"import sys, symloss.adapters, symloss.lint.judge; print(sorted({set(LIBRARIES)} & set(sys.modules)))"
    )
    assert run.stdout == "[]\n", run.stderr


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_missing_library_is_named_with_its_extra(library: str) -> None:
    run = _python(f"import sys; sys.modules[{library!r}] = None; import symloss.adapters.{library}")
    said = f"ModuleNotFoundError: {library} is not installed; pip install 'symloss[{library}]'"
    assert run.returncode == 1
    assert run.stderr.splitlines()[-1] == said
    assert library in EXTRAS
