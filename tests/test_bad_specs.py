"""Every mistake in a spec is one line: file, line, what is wrong, what would be right; and nothing is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from symloss.cli import main

_HEAD = """from sympy import Function, Idx, Interval, Sum, Symbol, log
from symloss import Dim, Loss, Parameter, Prediction, Target

p, y = Prediction("p"), Target("y")
C = Dim("C")
c = Idx("c", C)
z = Prediction("z", C)
"""

# what is declared on line 8, and words that the message must contain
MISTAKES: dict[str, tuple[str, tuple[str, ...]]] = {
    "undeclared symbol": ('bad = Loss("bad", (p - Symbol("q")) ** 2)', ("undeclared symbol q", "Prediction")),
    "unbound index": ('bad = Loss("bad", z[c] ** 2)', ("index c is not bound", "Sum")),
    "no identifier": ('bad = Loss("my loss", (p - y) ** 2)', ("'my loss'", "identifier")),
    "a keyword": ('bad = Loss("lambda", (p - y) ** 2)', ("'lambda'", "identifier")),
    "reserved name": ('out = Prediction("out")', ("'out'", "choose another")),
    "unsupported function": ('bad = Loss("bad", Function("f")(p))', ("f is not supported", "exp")),
    "axes without index": ('bad = Loss("bad", log(z))', ("z has inner axes", "z[c]")),
    "index without axes": ('bad = Loss("bad", p[c])', ("declared with 0 axes",)),
    "another axis": ('bad = Loss("bad", Sum(z[Idx("d", Dim("D"))], Idx("d", Dim("D"))))', ("axis 0 of z is C",)),
    "no prediction": ('bad = Loss("bad", y**2)', ("no Prediction",)),
    "no expression": ('bad = Loss("bad", "p +")', ("must be a SymPy expression",)),
    "two arguments of one name": (
        'bad = Loss("bad", (p - Target("p")) ** 2)',
        ("two different arguments", "'p'"),
    ),
    "default outside": ('a = Parameter("a", -1.0, domain=Interval(0, 1))', ("default -1", "domain")),
    "compose without key": ('bad = Loss("bad", p**2).compose("worse", {y: p})', ("has no argument y",)),
    "syntax error": ("bad = Loss(", ("no valid Python",)),
    "error of Python": ("bad = 1 / 0", ("ZeroDivisionError",)),
    "two losses of one name": (
        'one, two = Loss("twice", p**2), Loss("twice", p**4)',
        ("'twice' is declared twice", "another name"),
    ),
    "nothing to import": ("from .nowhere import loss", ("No module named '.nowhere'", "from .name import")),
    "no such name": (
        "from symloss.specs.binary import nowhere",
        ("cannot import name 'nowhere'", "from symloss.specs.name import"),
    ),
    "message of several lines": ('raise ValueError("one\\ntwo")', ("ValueError: one two",)),
    "end of the program": ("raise SystemExit(0)", ("SystemExit",)),
    "name of a document": ('book = Loss("book", p**2)', ("place of docs/book.tex", "another name")),
    "same name in another case": (
        'one, two = Loss("twice", p**2), Loss("Twice", p**4)',
        ("would take the place of twice.py", "another name"),
    ),
    "text that is none": ('bad = Loss("bad", p**2, title=3)', ("bad cannot be compiled", "symloss show bad")),
    "no loss": ("pass", ("no Loss is declared",)),
}


def _snapshot(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with one good spec, and what was generated of it."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "specs").mkdir()
    (folder / "specs" / "good.py").write_text(_HEAD + 'good = Loss("good", (p - y) ** 2)\n')
    result = CliRunner().invoke(main, ["generate", str(folder / "specs"), "--out", str(folder / "out")])
    assert result.exit_code == 0, result.output
    return folder


@pytest.mark.parametrize("mistake", MISTAKES)
def test_one_line_and_nothing_is_written(mistake: str, project: Path) -> None:
    line, words = MISTAKES[mistake]
    before = _snapshot(project / "out")
    bad = project / "specs" / "wrong.py"
    bad.write_text(_HEAD + line + "\n")
    specs = [str(bad)] if mistake == "no loss" else [str(project / "specs")]
    try:
        result = CliRunner().invoke(main, ["generate", *specs, "--out", str(project / "out")])
    finally:
        bad.unlink()
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    (message,) = [text for text in result.output.splitlines() if text.strip()]
    assert message.startswith("error: ")
    for word in words:
        assert word in message
    if mistake != "no loss":
        assert "wrong.py:8: " in message
    assert _snapshot(project / "out") == before


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["generate", str(tmp_path / "nowhere"), "--out", str(tmp_path / "out")])
    assert result.exit_code == 1
    assert "nowhere: there is no such spec" in result.output
    assert not (tmp_path / "out").exists()
