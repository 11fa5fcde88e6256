"""Runs spec files and collects the losses that they declare; every error names file and line."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
import traceback
import types
from collections.abc import Iterator, Sequence
from pathlib import Path

from symloss.declare import Loss
from symloss.errors import SpecError

OWN_SPECS = "symloss.specs"


def load(paths: Sequence[Path]) -> list[Loss]:
    """Return the losses that spec files declare, in the order of files and of declaration.

    A loss bound to a name with a leading underscore is private; one that a file imports belongs to the other file.

    Parameters
    ----------
    paths : sequence of Path
        Spec files, or folders of them.

    Raises
    ------
    SpecError
        For a missing or empty path, an error in a spec, or two losses of one name.
    """
    losses: dict[str, Loss] = {}
    for path in paths:
        for file in _files(path):
            for loss in _declared_in(_run(file)):
                other = losses.get(loss.name)
                if other is not None:
                    raise SpecError(
                        f"the loss {loss.name!r} is declared twice, first at {other.source}; "
                        "give one of them another name",
                        loss.source,
                    )
                losses[loss.name] = loss
    if not losses:
        raise SpecError(f"{', '.join(map(str, paths))}: no Loss is declared there")
    return list(losses.values())


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        files = sorted(file for file in path.glob("*.py") if not file.name.startswith("_"))
        if not files:
            raise SpecError(f"{path}: there is no spec, a .py file, in this folder")
        return files
    if not path.exists():
        raise SpecError(f"{path}: there is no such spec file or folder")
    return [path]


def _declared_in(module: types.ModuleType) -> Iterator[Loss]:
    for name, value in vars(module).items():
        public = isinstance(value, Loss) and not name.startswith("_")
        if public and value.source is not None and value.source.module == module.__name__:
            yield value


def _run(file: Path) -> types.ModuleType:
    """Execute one spec; those of symloss itself under the name that other specs import them by."""
    try:
        if file.resolve().parent == _own_folder():
            return importlib.import_module(f"{OWN_SPECS}.{file.stem}")
        return _execute(file.resolve())
    except SpecError:
        raise
    except SyntaxError as error:
        raise SpecError(f"{error.filename}:{error.lineno}: this is no valid Python: {error.msg}") from None
    except Exception as error:
        raise SpecError(f"{_place(error, file)}: {type(error).__name__}: {error}") from None


def _own_folder() -> Path:
    return Path(importlib.import_module(OWN_SPECS).__file__ or "").resolve().parent


def _execute(file: Path) -> types.ModuleType:
    """Run a file as a module of a package of its own, so that specs of one folder can import one another."""
    package = f"specs_{hashlib.sha256(str(file.parent).encode()).hexdigest()[:12]}"
    parent = types.ModuleType(package)
    parent.__path__ = [str(file.parent)]
    sys.modules[package] = parent
    name = f"{package}.{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise SpecError(f"{file}: a spec must be a .py file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(file.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(file.parent))
    return module


def _place(error: Exception, file: Path) -> str:
    """Return the innermost place inside the folder of the spec."""
    frames = traceback.extract_tb(error.__traceback__)
    inside = [f for f in frames if Path(f.filename).resolve().parent == file.resolve().parent]
    return f"{inside[-1].filename}:{inside[-1].lineno}" if inside else str(file)
