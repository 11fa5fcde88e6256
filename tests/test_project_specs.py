"""Specs as modules: which losses are collected, how they import one another, and that they run anew each time."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from symloss.errors import SpecError
from symloss.loader import load

_HEAD = """from symloss import Loss, Prediction, Target
p, y = Prediction("p"), Target("y")
"""


def _names(*paths: Path) -> list[str]:
    return [loss.name for loss in load(paths)]


def _write(folder: Path, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.py").write_text(_HEAD + text + "\n")
    return folder


def test_in_the_order_of_files_and_of_declaration(tmp_path: Path) -> None:
    specs = _write(
        tmp_path / "specs",
        b='z = Loss("z", p**2)\na = Loss("a", p**4)',
        a='m = Loss("m", p**6)',
        _helpers='no = Loss("no", p**2)',
    )
    assert _names(specs) == ["m", "z", "a"]


def test_a_second_name_for_a_loss_is_no_second_loss(tmp_path: Path) -> None:
    specs = _write(tmp_path / "specs", s='a = Loss("a", p**2)\nalias = a\n_private = Loss("b", p**2)')
    assert _names(specs, specs, specs / "s.py") == ["a"]


def test_two_files_may_not_declare_one_name(tmp_path: Path) -> None:
    one = _write(tmp_path / "one", s='a = Loss("a", p**2)')
    two = _write(tmp_path / "two", s='a = Loss("a", p**2)')
    with pytest.raises(SpecError, match=r"two/s\.py:3: .* first at .*one/s\.py:3"):
        load([one, two])


@pytest.mark.parametrize("how", ["from .late import late", "from late import late"])
def test_what_a_spec_imports_belongs_to_the_other(how: str, tmp_path: Path) -> None:
    early = f'{how}\nearly = late.compose("early", {{late.arguments[0]: 2 * p}})'
    specs = _write(tmp_path / "specs", early=early, late='late = Loss("late", (p - y) ** 2)')
    assert _names(specs) == ["early", "late"]
    assert _names(specs / "early.py") == ["early"]


def test_a_file_runs_once(tmp_path: Path) -> None:
    counted = f'with open({str(tmp_path / "runs")!r}, "a") as file:\n    file.write("x")\nlate = Loss("late", p**2)'
    specs = _write(tmp_path / "specs", early='from .late import late\nearly = Loss("early", p**4)', late=counted)
    load([specs])
    assert (tmp_path / "runs").read_text() == "x"


@pytest.mark.parametrize("how", ["from .base import base", "from base import base"])
def test_what_changed_is_seen(how: str, tmp_path: Path) -> None:
    """Also in files that others import, within a moment, and at the same length."""
    specs = _write(tmp_path / "specs", a=f'{how}\na = base.compose("a", {{}})', base='base = Loss("base", p**2)')
    first = load([specs])[0].declared
    stat = (specs / "base.py").stat()
    _write(specs, base='base = Loss("base", p**4)')
    os.utime(specs / "base.py", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    second = load([specs])[0].declared
    assert [str(first), str(second)] == ["p**2", "p**4"]


def test_no_byte_code_is_left(tmp_path: Path) -> None:
    specs = _write(tmp_path / "specs", s='a = Loss("a", p**2)')
    load([specs])
    assert [path.name for path in specs.iterdir()] == ["s.py"]


def test_a_spec_does_not_hide_a_module_of_python(tmp_path: Path) -> None:
    specs = _write(
        tmp_path / "specs", colorsys='c = Loss("c", p**2)', user='from colorsys import rgb_to_hsv\nu = Loss("u", p**2)'
    )
    assert _names(specs) == ["c", "u"]


def test_the_order_of_arguments_is_that_of_the_spec_whatever_was_declared_before(tmp_path: Path) -> None:
    """SymPy's cache answers with equal expressions, whose arguments have the order of another spec."""
    text = 'from sympy import exp\n{0}, {1} = Target("{0}"), Target("{1}")\n'
    text += 'loss = Loss("loss", (p - a) ** 2 + exp(a * b) * (p * b) ** 2)'
    for first, second in ("ab", "ba", "ab"):
        (loss,) = load([_write(tmp_path / "specs", s=text.format(first, second))])
        assert [argument.name for argument in loss.arguments] == ["p", first, second]
