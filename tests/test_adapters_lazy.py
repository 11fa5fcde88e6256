"""Adapters import their libraries when they are used, and say which extra is missing."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

# Adapter, the library that it is for, what uses it first.
ADAPTERS = (
    ("sklearn", "sklearn", "import symloss.adapters.sklearn"),
    ("scipy", "scipy", "from symloss.adapters._solve import lbfgs; import numpy; lbfgs(None, numpy.zeros(1), 1.0, 1)"),
    ("xgboost", "xgboost", "from symloss.adapters.xgboost import objective; objective('squared_error')"),
    ("lightgbm", "lightgbm", "from symloss.adapters.lightgbm import objective; objective('squared_error')"),
    ("torch", "torch", "import symloss.adapters.torch"),
    ("jax", "jax", "import symloss.adapters.jax"),
    ("dask", "dask", "import symloss.adapters.dask"),
)
EXTRAS = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def _python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_importing_adapters_imports_no_library() -> None:
    libraries = {library for _, library, _ in ADAPTERS}
    run = _python(f"import sys, symloss.adapters; print(sorted({libraries} & set(sys.modules)))")
    assert run.stdout == "[]\n", run.stderr


@pytest.mark.parametrize(("extra", "library", "use"), ADAPTERS, ids=lambda given: given.partition(" ")[0])
def test_a_missing_library_is_named_with_its_extra(extra: str, library: str, use: str) -> None:
    run = _python(f"import sys; sys.modules[{library!r}] = None; {use}")
    said = f"ModuleNotFoundError: {library} is not installed; pip install 'symloss[{extra}]'"
    assert run.returncode == 1
    assert run.stderr.splitlines()[-1] == said
    assert extra in EXTRAS
