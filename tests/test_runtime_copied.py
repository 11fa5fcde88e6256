"""The runtime copied elsewhere: without symloss and SymPy, without a cache directory, with a damaged or stale cache."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import symloss.runtime

HERE = Path(__file__).parent

# Nothing of the toolkit can be imported; what a generated module needs is numpy and numba alone.
PREAMBLE = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        # yaml, too: Numba reads settings with it where it is installed.
        if name.split(".")[0] in {"symloss", "sympy", "mpmath", "jinja2", "click", "tqdm", "scipy", "sklearn", "yaml"}:
            raise ImportError(f"{name} is not to be imported here")
sys.meta_path.insert(0, Refuse())
import numpy as np
from project.losses import scalar
z = np.array([1.0, 2.0, 3.0])
def check():
    value, grad = scalar.value_and_grad(z, np.ones(3), curvature=2.0, reduction="sum")
    assert value == 18.0 and grad.tolist() == [0.0, 6.0, 24.0], (value, grad)
"""


@pytest.fixture
def project(tmp_path):
    """Copy the runtime and a stand-in into a package of another name."""
    losses = tmp_path / "project" / "losses"
    shutil.copytree(
        Path(symloss.runtime.__file__).parent, losses / "_runtime", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(HERE / "runtime_stand_ins" / "scalar.py", losses)
    for folder in (losses, losses.parent):
        (folder / "__init__.py").touch()
    return tmp_path


def run(folder, program, preamble=PREAMBLE, **environment):
    """Run a program in an interpreter of its own; return what it prints."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA_", "SYMLOSS_", "PYTHON"))}
    clean |= {"HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", preamble + program],
        cwd=folder, env=clean | environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def forbid_caches(folder):
    """Put files where cache directories would be, which stops even a superuser from writing there."""
    package = folder / "project"
    for place in (package, package / "losses", package / "losses" / "_runtime"):
        shutil.rmtree(place / "__pycache__", ignore_errors=True)
        (place / "__pycache__").touch()
    shutil.rmtree(folder / "cache", ignore_errors=True)
    (folder / "cache").touch()


def cached(folder):
    """Return the names of the files with compiled functions."""
    return {path.name for path in folder.rglob("*.nbc")}


def test_a_copy_needs_numpy_and_numba_alone(project):
    """Under another name, and with what is not needed out of reach."""
    program = """
from pathlib import Path
site = Path(np.__file__).parent.parent
packages = {Path(m.__file__).relative_to(site).parts[0] for m in list(sys.modules.values())
            if getattr(m, "__file__", None) and Path(m.__file__).is_relative_to(site)}
print(*sorted(p for p in packages if not p.startswith("_") and not p.endswith((".py", ".so"))))
"""
    # Numba takes what else it finds, to colour what it says and to trace.
    without = run(project, program, preamble="import sys, numba, numpy as np\nnumba.njit(lambda: 1)()").split()
    assert set(run(project, "check()" + program).split()) <= {"numpy", "numba", "llvmlite", *without}


def test_no_place_for_a_cache(project):
    """Numba's own cache raises at import there."""
    forbid_caches(project)
    (project / "project" / "plain.py").write_text("import numba\n@numba.njit(cache=True)\ndef f(): return 1\n")
    program = """
try:
    import project.plain
except RuntimeError as error:
    print(error)
check()
"""
    assert "no locator available" in run(project, program)
    assert not cached(project)


def test_the_cache_directory_disappears_after_the_first_use(project):
    """The specialisation that is compiled then is not saved."""
    program = """
single = z.astype(np.float32)
scalar.value_and_grad(single, single - single + 1)
import shutil
from pathlib import Path
for place in Path("project").rglob("__pycache__"):
    shutil.rmtree(place)
    place.touch()
check()
print(scalar._total_and_grad.compiled)
"""
    assert run(project, program).split() == ["2"]
    assert not {name for name in cached(project) if name.startswith("scalar")}


def test_import_compiles_nothing_and_touches_no_file(project):
    """Nor does it look for a place to write."""
    before = set(project.rglob("*"))
    program = """
kernels = [k for m in list(sys.modules.values()) if m.__name__.startswith("project")
           for k in vars(m).values() if hasattr(k, "py_func")]
print(len(kernels), sum(k.compiled + k.loaded for k in kernels))
"""
    kernels, compiled = map(int, run(project, program).split())
    assert kernels > 4
    assert compiled == 0
    assert set(project.rglob("*")) == before


COUNTS = """
check()
print(scalar._total_and_grad.loaded, scalar._total_and_grad.compiled)
"""


def test_a_second_process_compiles_nothing(project):
    """Until a function that is compiled into the kernels changes; what is stale is removed."""
    assert run(project, COUNTS).split() == ["0", "1"]
    first = cached(project)
    assert run(project, COUNTS).split() == ["1", "0"]
    assert cached(project) == first
    with (project / "project" / "losses" / "_runtime" / "reduce.py").open("a") as file:
        file.write("# changed\n")
    assert run(project, COUNTS).split() == ["0", "1"]
    assert len(cached(project)) == len(first)
    assert not cached(project) & {name for name in first if name.startswith("scalar._total_and_grad")}


def test_a_damaged_cache_is_written_again(project):
    """Whatever happened to the files."""
    run(project, COUNTS)
    (path,) = project.rglob("*.nbc")
    content = path.read_bytes()
    for damaged in (b"", b"nonsense", content[: len(content) // 2]):
        path.write_bytes(damaged)
        assert run(project, COUNTS).split() == ["0", "1"]
        assert run(project, COUNTS).split() == ["1", "0"]


def test_two_processes_at_once_keep_their_specialisations_apart(project):
    """Float32 and float64 compiled at the same time are never taken for each other."""
    program = """
for dtype in sys.argv[1:] or ("float32", "float64"):
    x = z.astype(dtype)
    assert scalar.value(x, x - x + 1).dtype == dtype
    print(scalar._total.loaded)
"""
    command = [sys.executable, "-c", PREAMBLE + program]
    processes = [subprocess.Popen([*command, dtype], cwd=project) for dtype in ("float32", "float64")]
    assert [process.wait(300) for process in processes] == [0, 0]
    assert run(project, program).split() == ["1", "2"]
