"""Remembers what a generated folder was made of, so that nothing is computed where nothing changed.

The memory is in the user's cache directory and not in the generated folder, which is a pure function of specs and
symloss: versions of libraries and paths have no place in it.  Where it cannot be written, everything is computed.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from symloss.write import replace_text

_LIBRARIES = ("sympy", "jinja2", "mpmath")


def is_current(paths: Iterable[Path], out: Path) -> bool:
    """Whether the folder holds exactly what the last run wrote, from exactly the same sources."""
    try:
        memory = json.loads(_memory(paths, out).read_text(encoding="utf-8"))
        sources = [Path(name) for name in memory["sources"]]
        return bool(
            memory["made_of"] == _digest([*_spec_files(paths), *sources, *_own_files(), *_certificates(out)])
            and memory["files"] == _digest_tree(out)
        )
    except (OSError, ValueError, KeyError):
        return False


def remember(paths: Iterable[Path], out: Path, sources: Iterable[Path]) -> None:
    """Note what the folder was made of.

    Parameters
    ----------
    paths : iterable of Path
        Spec files and folders.
    out : Path
        The generated folder.
    sources : iterable of Path
        Other files that the specs import.
    """
    named = sorted({str(path.resolve()) for path in sources})
    made_of = _digest([*_spec_files(paths), *map(Path, named), *_own_files(), *_certificates(out)])
    memory = {"sources": named, "made_of": made_of, "files": _digest_tree(out)}
    try:
        replace_text(_memory(paths, out), json.dumps(memory))
    except OSError:
        return


def imported_sources() -> list[Path]:
    """Return the files of imported modules that are neither Python's, nor installed, nor symloss's."""
    roots = {Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve(), _package()}
    files = (Path(f) for m in list(sys.modules.values()) if (f := getattr(m, "__file__", None)))
    return [f for f in files if f.suffix == ".py" and f.is_file() and roots.isdisjoint(f.resolve().parents)]


def _memory(paths: Iterable[Path], out: Path) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    key = "\n".join([str(out.resolve()), *sorted(str(path.resolve()) for path in paths)])
    return cache / "symloss" / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.json"


def _package() -> Path:
    return Path(__file__).resolve().parent


def _own_files() -> list[Path]:
    package = _package()
    files = [f for f in package.rglob("*") if f.suffix in (".py", ".j2")]
    return sorted([*files, *(package.parent / "specs").glob("*.py")])


def _certificates(out: Path) -> list[Path]:
    return sorted((out.resolve().parent / "certificates").glob("*.json"))


def _spec_files(paths: Iterable[Path]) -> list[Path]:
    return sorted(file for path in paths for file in (path.glob("*.py") if path.is_dir() else [path]))


def _digest(files: Iterable[Path]) -> str:
    digest = hashlib.sha256(sys.version.encode())
    for library in _LIBRARIES:
        digest.update(importlib.metadata.version(library).encode())
    for file in files:
        digest.update(str(file.resolve()).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _digest_tree(folder: Path) -> str:
    files = [f for f in folder.rglob("*") if f.is_file() and "__pycache__" not in f.parts and f.suffix != ".pdf"]
    return _digest(sorted(files))
