"""Adapters import their library when they are used, and name the extra where it is missing."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LIBRARIES = ("catboost", "dask", "jax", "lightgbm", "scipy", "sklearn", "torch", "xgboost")
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
# what a user writes first
FIRST_USE = {
    "catboost": "from symloss.adapters.catboost import objective; objective('squared_error')",
    "dask": "import symloss.adapters.dask",
    "jax": "import symloss.adapters.jax",
    "lightgbm": "from symloss.adapters.lightgbm import objective; objective('squared_error')",
    "sklearn": "from symloss.adapters.sklearn import LossRegressor",
    "torch": "import symloss.adapters.torch",
    "xgboost": "from symloss.adapters.xgboost import objective; objective('squared_error')",
}
_HIDE = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {library!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
"""


def _run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_importing_the_adapters_imports_no_library() -> None:
    names = ["boosting", "catboost", "curvature", "initial", "lightgbm", "scipy", "xgboost"]
    code = "import sys, symloss.adapters, symloss.lint.judge\n" + "".join(
        f"import symloss.adapters.{name}\n" for name in names
    )
    run = _run(f"{code}print([name for name in {LIBRARIES!r} if name in sys.modules])")
    assert run.stdout.strip() == "[]", run.stderr


@pytest.mark.parametrize("library", FIRST_USE)
def test_without_the_library_the_error_names_the_extra(library: str) -> None:
    run = _run(_HIDE.format(library=library) + FIRST_USE[library])
    assert run.returncode == 1
    said = f"ModuleNotFoundError: {library} is not installed; pip install 'symloss[{library}]'"
    assert run.stderr.splitlines()[-1] == said
    assert library in EXTRAS


def test_what_a_library_lacks_itself_is_not_taken_for_it() -> None:
    from symloss.adapters._lazy import library

    with pytest.raises(ModuleNotFoundError, match="no_such_library is not installed; pip install 'symloss"):
        library("no_such_library.part")
    hidden = _HIDE.format(library="scipy")
    run = _run(hidden + "from symloss.adapters._lazy import library; library('sklearn')")
    assert "symloss[" not in run.stderr
    assert "scipy" in run.stderr
