"""A certificate depends on what its kernel computes with, and on nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
import symloss.generated

import symloss.runtime
from symloss.reach import Arithmetic

KERNEL = "from ._runtime import twofold\nfrom ._runtime.elementary import sigmoid\n\nx = twofold.power\n"
FILES = {
    "__init__.py": "from . import twofold\nfrom .reduce import add\n",
    "bits.py": "def fused(a): ...\n\n\n@overload(fused)\ndef _compiled(a): return A_CONSTANT\n\n\nA_CONSTANT = 1\n",
    "elementary.py": "from .bits import fused\n\n\n@polymorphic\ndef sigmoid(x): return fused(x)\n"
    "\n\ndef tanh(x): ...\n",
    "reduce.py": "def add(x): ...\n",
    "twofold.py": "def power(x): return _exp(x)\n\n\ndef _exp(x): ...\n\n\ndef log(x): ...\n",
    "literals.py": "def cast(x): ...\n",
}


def _of(folder: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        (folder / name).write_text(text)
    return Arithmetic(folder).of(KERNEL)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("elementary.py", "return fused(x)", "return -fused(x)"),
        ("elementary.py", "@polymorphic", "@kernel"),
        ("bits.py", "fused(a): ...", "fused(a): 1"),
        ("bits.py", "return A_CONSTANT", "return 2"),  # the compiled form of something that is reached
        ("bits.py", "A_CONSTANT = 1", "A_CONSTANT = 2"),
        ("twofold.py", "_exp(x): ...", "_exp(x): 1"),  # by way of an attribute of a module
        ("literals.py", "cast(x): ...", "cast(x): 1"),
    ],
)
def test_what_is_reached_counts(tmp_path: Path, file: str, old: str, new: str) -> None:
    assert old in FILES[file]
    assert _of(tmp_path, FILES) != _of(tmp_path, FILES | {file: FILES[file].replace(old, new)})


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("elementary.py", "def tanh(x): ...", "def tanh(x): 1"),
        ("twofold.py", "log(x): ...", "log(x): 1"),
        ("reduce.py", "add(x): ...", "add(x): 1"),
        ("elementary.py", "", '"""A text about the file."""\n'),
    ],
)
def test_what_is_not_reached_does_not(tmp_path: Path, file: str, old: str, new: str) -> None:
    assert _of(tmp_path, FILES) == _of(tmp_path, FILES | {file: FILES[file].replace(old, new, 1)})


def test_how_wide_literals_are_is_part_of_what_is_computed() -> None:
    runtime = Path(symloss.runtime.__file__).parent
    text = (Path(symloss.generated.__path__[0]) / "cross_entropy.py").read_text()
    assert "@rows_kernel" in text
    assert "class _RowLiterals" in Arithmetic(runtime).of(text)
