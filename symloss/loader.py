"""Runs spec files and collects the losses that they declare; every error names file and line."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
import traceback
import types
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path

from symloss.declare import Loss
from symloss.errors import SpecError

OWN_SPECS = "symloss.specs"
_HOW_TO_IMPORT = (
    "; specs of one folder import one another as `from .name import loss`, "
    f"those of symloss as `from {OWN_SPECS}.name import loss`"
)
_loaded: set[str] = set()  # modules that spec files brought; a later call runs them anew


def load(paths: Sequence[Path]) -> list[Loss]:
    """Return the losses that spec files declare, in the order of files and of declaration.

    A loss bound to a name with a leading underscore is private; one that a file imports belongs to the other file.
    Each is followed by those of its cases that get kernels of their own.

    Parameters
    ----------
    paths : sequence of Path
        Spec files, or folders of them.

    Raises
    ------
    SpecError
        For a missing or empty path, an error in a spec, or two losses of one name.
    """
    _forget()
    losses: dict[str, Loss] = {}
    files = dict.fromkeys(file.resolve() for path in paths for file in _files(path))
    for file in files:
        for loss in _declared_in(_run(file)):
            other = losses.get(loss.name)
            if other is not None and other is not loss:
                raise SpecError(
                    f"the loss {loss.name!r} is declared twice, first at {other.source}; give one of them another name",
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
            yield from value.cases()


def _run(file: Path) -> types.ModuleType:
    """Execute one spec; those of symloss itself under the name that other specs import them by."""
    try:
        if file.parent == _own_folder():
            return importlib.import_module(f"{OWN_SPECS}.{file.stem}")
        return _execute(file)
    except SpecError:
        raise
    except SyntaxError as error:
        place = f"{error.filename or file}:{error.lineno or 1}"
        raise SpecError(f"{place}: this is no valid Python: {_one_line(error.msg)}") from None
    except ImportError as error:
        said = _one_line(error).replace(_package_of(file), "")
        raise SpecError(f"{_place(error, file)}: {type(error).__name__}: {said}{_HOW_TO_IMPORT}") from None
    except (Exception, SystemExit) as error:
        raise SpecError(f"{_place(error, file)}: {type(error).__name__}: {_one_line(error)}") from None


def _own_folder() -> Path:
    return Path(importlib.import_module(OWN_SPECS).__file__ or "").resolve().parent


def _package_of(file: Path) -> str:
    """Return the name of the package that stands for a folder of specs."""
    return f"specs_{hashlib.sha256(str(file.parent).encode()).hexdigest()[:12]}"


def _execute(file: Path) -> types.ModuleType:
    """Run a file as a module of a package of its own, so that specs of one folder can import one another."""
    if file.suffix != ".py":
        raise SpecError(f"{file}: a spec must be a .py file")
    package, folder = _package_of(file), str(file.parent)
    if package not in sys.modules:
        parent = types.ModuleType(package)
        parent.__path__ = [folder]
        sys.modules[package] = parent
    before, finder = set(sys.modules), _SpecFinder(package, file.parent)
    writes_none, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # which would be trusted the next time
    sys.meta_path.insert(0, finder)
    sys.path.append(folder)  # last: a spec called like a module of Python's does not hide it
    try:
        return importlib.import_module(f"{package}.{file.stem}")
    finally:
        sys.dont_write_bytecode = writes_none
        sys.path.remove(folder)
        sys.meta_path.remove(finder)
        _loaded.update(name for name in set(sys.modules) - before if _is_inside(sys.modules[name], file.parent))


def _is_inside(module: types.ModuleType, folder: Path) -> bool:
    file = getattr(module, "__file__", None)
    return file is not None and Path(file).resolve().parent == folder


def _forget() -> None:
    for name in _loaded:
        sys.modules.pop(name, None)
    _loaded.clear()
    importlib.invalidate_caches()


class _SpecFinder(MetaPathFinder):
    """Finds the modules of one folder of specs."""

    def __init__(self, package: str, folder: Path) -> None:
        self.package, self.folder = package, folder

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        package, _, stem = fullname.rpartition(".")
        file = self.folder / f"{stem}.py"
        if package != self.package or not file.is_file():
            return None
        return importlib.util.spec_from_file_location(fullname, file, loader=_FreshLoader(fullname, str(file)))


class _FreshLoader(SourceFileLoader):
    """Compiles what the file says now; leaves no byte code beside it, and trusts none."""

    def get_code(self, fullname: str) -> types.CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def _one_line(error: object) -> str:
    return " ".join(str(error).split())


def _place(error: BaseException, file: Path) -> str:
    """Return the innermost place inside the folder of the spec."""
    frames = traceback.extract_tb(error.__traceback__)
    inside = [f for f in frames if Path(f.filename).resolve().parent == file.parent]
    return f"{inside[-1].filename}:{inside[-1].lineno}" if inside else str(file)
