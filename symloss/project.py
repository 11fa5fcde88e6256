"""A generated package: everything that it holds, made from specs and written as a whole."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from symloss import runtime
from symloss.certificate import Shelf
from symloss.constants import constants
from symloss.curvature import named
from symloss.declare import Loss
from symloss.emit.book import book
from symloss.emit.boosting import boosting
from symloss.errors import SpecError
from symloss.lattices.lattice import has_recurrence
from symloss.loader import load
from symloss.pipeline import compile_curvatures, compile_loss
from symloss.progress import Progress, no_progress
from symloss.reach import Arithmetic
from symloss.stamp import imported_sources, remember
from symloss.verify.witness import witness
from symloss.write import MARK, Changes, differs, write

_BOOK = "docs/book.tex"
_BOOSTING = "_boosting.py"
_INIT = f'"""{MARK} from specs: one module a loss.\n\n``from . import NAME`` gives `value`, `grad`, ... of it.\n"""\n'


def shelf_of(out: Path) -> Shelf:
    """Return the certificates of a generated folder: those in ``certificates`` beside it."""
    return Shelf(out.resolve().parent / "certificates", Arithmetic(Path(runtime.__file__).parent).of)


def texts(losses: Sequence[Loss], progress: Progress = no_progress, shelf: Shelf | None = None) -> dict[str, str]:
    """Return every file of the generated package, by path; nothing is written.

    Parameters
    ----------
    losses : sequence of Loss
        What to compile.
    progress : callable, optional
        Wraps the iteration over losses: called with them, what is done, and how many there are.
    shelf : Shelf, optional
        Certificates for the documents.
    """
    files = {"__init__.py": _INIT, _BOOK: ""}
    for source in sorted(Path(runtime.__file__).parent.glob("*.py")):
        header = f"# {MARK}: a copy of symloss/runtime/{source.name}.\n"
        files[f"_runtime/{source.name}"] = header + source.read_text(encoding="utf-8")
    taken = {path.casefold(): path for path in files}  # some file systems do not tell cases apart
    places: dict[str, dict[str, str]] = {}
    curved: list[Loss] = []
    for loss in progress(losses, "compile", len(losses)):
        with blaming(loss):
            artifacts = dict(compile_loss(loss, shelf).files)
            curvatures = compile_curvatures(loss)
        if curvatures:
            places[loss.name] = {kind: found.name if found else loss.name for kind, found in curvatures.items()}
        for kind, found in curvatures.items():
            if found:
                artifacts.update(found.files)
                curved.append(named(loss, kind))
        for path, text in artifacts.items():
            other = taken.setdefault(path.casefold(), path)
            if path in files or other != path:
                raise SpecError(f"{loss.name} would take the place of {other}; choose another name", loss.source)
            files[path] = text
    files[_BOOK] = book([*losses, *curved])
    files[_BOOSTING] = boosting(constants(losses), places)
    return files


@contextmanager
def blaming(loss: Loss) -> Iterator[None]:
    """Turn whatever a stage of the compiler cannot do into an error at the place of the declaration."""
    try:
        yield
    except SpecError:
        raise
    except Exception as error:
        said = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise SpecError(
            f"{loss.name} cannot be compiled ({said}); write it in another form, and look at the stages with "
            f"`symloss show {loss.name} --stage derived`",
            loss.source,
        ) from error


def generate(
    paths: Sequence[Path],
    out: Path,
    progress: Progress = no_progress,
    warn: Callable[[str], object] = lambda said: None,
) -> Changes:
    """Make the folder hold what the specs say; where one spec is wrong, nothing is touched.

    Parameters
    ----------
    paths : sequence of Path
        Specs, and folders of them.
    out : Path
        The generated folder.
    progress : callable, optional
        See `texts`.
    warn : callable, optional
        Called with a sentence for every loss whose kernel loses most of its digits somewhere.

    Raises
    ------
    SpecError
        If a spec is wrong.
    FileExistsError
        If a file that symloss did not generate is in the way.
    """
    losses = load(paths)
    files = texts(losses, progress, shelf_of(out))
    # The witness evaluates in plain Python, and knows no recurrence yet.
    new = [loss for loss in losses if differs(files, out, f"{loss.name}.py") and not has_recurrence(loss)]
    changes = write(files, out)
    for loss in progress(new, "look for cancellations", len(new)):
        found = witness(loss, files[f"{loss.name}.py"], Path(runtime.__file__).parent)
        if found is not None:
            warn(f"{loss.source}: {loss.name}: {found}; write it with a primitive, or in a form that does not cancel")
    remember(paths, out, imported_sources())
    return changes


def package_of(folder: Path) -> str:
    """Return the name under which a generated folder can be imported; it is imported."""
    own = Path(runtime.__file__).resolve().parents[2] / "generated"
    if folder.resolve() == own:
        return "symloss.generated"
    name = f"generated_{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None or not (folder / "__init__.py").exists():
        raise SpecError(f"{folder}: there is no generated package; run `symloss generate` first")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return name
