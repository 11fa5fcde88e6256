"""What the command says where it cannot do what was asked: one line on stderr, an exit code, no traceback."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import termios
from pathlib import Path

import pytest

SPEC = """from symloss import Loss, Prediction, Target
p, y = Prediction("p"), Target("y")
mine = Loss("mine", (p - y) ** 2)
"""
COMMAND = [sys.executable, "-m", "symloss"]


def _run(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "XDG_CACHE_HOME": str(cwd / ".cache")}
    return subprocess.run([*COMMAND, *args], cwd=cwd, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with one spec and one file."""
    (tmp_path / "my specs").mkdir()
    (tmp_path / "my specs" / "mine.py").write_text(SPEC)
    (tmp_path / "file").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["frobnicate"], 2, "No such command 'frobnicate'"),
        (["--frobnicate"], 2, "No such option"),
        (["show"], 2, "Missing argument 'NAME'"),
        (["show", "mine", "--stage", "last"], 2, "'last' is not one of 'declared'"),
        (["show", "other", "--specs", "my specs"], 1, "there is no loss 'other'"),
        (["verify", "--specs", "my specs", "--out", "out"], 1, "run `symloss generate` first"),
        (["generate", "nowhere"], 1, "nowhere: there is no such spec"),
        (["generate", "file"], 1, "a spec must be a .py file"),
        (["generate", "my specs", "--out", "file"], 2, "is a file"),
        (["generate", "my specs", "--out", "file/out"], 1, "file/out: Not a directory"),
        (["check", "my specs", "--out", "o ut"], 1, "symloss generate 'my specs' --out 'o ut'"),
        # Outside of its repository a command does not write to the repository of symloss.
        (["generate"], 1, "there is no ./specs here"),
        (["check"], 1, "there is no ./specs here"),
        (["docs"], 1, "there is no ./specs here"),
    ],
    ids=lambda value: "_".join(value) if isinstance(value, list) else "",
)
def test_one_line(args: list[str], code: int, said: str, folder: Path) -> None:
    run = _run(*args, cwd=folder)
    last = run.stderr.splitlines()[-1]
    assert run.returncode == code
    assert last.startswith("error: ")
    assert said in last
    assert "Traceback" not in run.stderr
    assert code == 2 or run.stderr.count("\n") == 1
    assert sorted(p.name for p in folder.iterdir()) == ["file", "my specs"]


def test_hand_written_files_are_not_replaced(folder: Path) -> None:
    (folder / "package").mkdir()
    (folder / "package" / "__init__.py").write_text("VERSION = 1\n")
    run = _run("generate", "my specs", "--out", "package", cwd=folder)
    assert run.returncode == 1
    assert "package/__init__.py: symloss did not generate this file" in run.stderr
    assert [p.read_text() for p in (folder / "package").iterdir()] == ["VERSION = 1\n"]


def test_quiet_where_nobody_looks(folder: Path) -> None:
    run = _run("generate", "my specs", "--out", "out", cwd=folder)
    assert run.returncode == 0
    assert run.stderr == ""


def test_a_bar_on_a_terminal(folder: Path) -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))  # on a terminal of no size there is no bar
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / ".cache")}
    command = [*COMMAND, "generate", "my specs", "--out", "out"]
    run = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=theirs, check=False)
    os.set_blocking(ours, False)
    shown = os.read(ours, 4096)  # while our end is still open: what waits there is lost with it
    os.close(theirs)
    os.close(ours)
    assert run.returncode == 0
    assert b"compile" in shown
