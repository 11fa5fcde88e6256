"""The command ``symloss``."""

from __future__ import annotations

import errno
import os
import shlex
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import click
from tqdm import tqdm

from symloss import __version__
from symloss.errors import SpecError
from symloss.lint.command import lint_objective

_SPECS = click.argument("specs", nargs=-1, type=click.Path(path_type=Path))
_OUT = click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="The generated package; default ./generated."
)
_STAGES = ("declared", "canonical", "derived", "stable", "exact", "lowered", "scheduled", "kernel", "latex")


class _Group(click.Group):
    """Shows every error of a user or a spec as ``error: ...`` on stderr, without a traceback."""

    def main(self, *args: Any, **options: Any) -> Any:
        options["standalone_mode"] = False
        try:
            sys.exit(super().main(*args, **options) or 0)
        except click.UsageError as error:
            if error.ctx is not None:
                click.echo(error.ctx.get_usage(), err=True)
            _fail(error.format_message(), error.exit_code)
        except click.ClickException as error:
            _fail(error.format_message(), error.exit_code)
        except click.Abort:
            _fail("interrupted", 130)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SpecError as error:
            raise click.ClickException(str(error)) from None
        except OSError as error:
            if error.errno == errno.EPIPE:  # `symloss list | head`
                raise
            said = f"{error.filename}: {error.strerror}" if error.strerror else str(error)
            raise click.ClickException(said) from None


def _fail(message: str, code: int) -> NoReturn:
    click.echo(f"error: {message}", err=True)
    sys.exit(code)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__)
def main() -> None:
    """Loss functions declared as mathematics, compiled to fast and stable kernels.

    \b
    symloss new huber            write a spec to start from
    symloss generate             compile ./specs to ./generated
    symloss verify focal         compare kernels with high precision
    """


@main.command()
@_SPECS
@_OUT
def generate(specs: tuple[Path, ...], out: Path | None) -> None:
    """Turn specs into kernels and documents; only what changed is written.

    \b
    symloss generate
    symloss generate my_specs/ --out my_package/generated
    """
    _bring_up_to_date(*_places(specs, out, writes=True))


@main.command()
@_SPECS
@_OUT
def check(specs: tuple[Path, ...], out: Path | None) -> None:
    """Fail if the generated package is not what the specs say, or holds other files.

    \b
    symloss check
    symloss check my_specs/ --out my_package/generated
    """
    from symloss.certificate import CERTIFIED, functions_text
    from symloss.loader import load
    from symloss.project import shelf_of, texts
    from symloss.write import differences, strays

    paths, folder = _places(specs, out, writes=True)
    shelf = shelf_of(folder)
    files = texts(load(paths), _progress, shelf)
    for family in CERTIFIED:
        shelf.find(family, functions_text(family))
    different, stray = list(differences(files, folder)), strays(files, folder)
    for text in different:
        click.echo(text)
    for path in stray:
        click.echo(f"{folder / path}: no spec accounts for this file")
    if different or stray:
        mend = shlex.join(["symloss", "generate", *map(str, specs), *(["--out", str(out)] if out else [])])
        remove = "; remove the files named above that it leaves" if stray else ""
        raise click.ClickException(f"{len(different)} files differ, {len(stray)} are strays; run `{mend}`{remove}")
    for old in shelf.stale:
        click.echo(f"{old}: certifies a kernel that is no more")
    if shelf.stale:
        names = " ".join(old.stem for old in shelf.stale)
        raise click.ClickException(f"{len(shelf.stale)} certificates are stale; run `symloss certify {names}`")
    click.echo(f"{folder}: {len(files)} files are what the specs say")


@main.command("list")
@_SPECS
def list_losses(specs: tuple[Path, ...]) -> None:
    """List losses with their arguments and parameters.

    \b
    symloss list
    symloss list my_specs/
    """
    from symloss.arguments import Parameter
    from symloss.loader import load

    losses = load(_places(specs, None)[0])
    width = max(len(loss.name) for loss in losses)
    for loss in losses:
        arrays = ", ".join(a.name for a in loss.arguments if not isinstance(a, Parameter))
        parameters = ", ".join(f"{p.name}={float(p.default):g}" for p in loss.of_role(Parameter))
        click.echo(f"{loss.name:{width}}  ({arrays}{'; ' if parameters else ''}{parameters})  {loss.texts.title}")


@main.command()
@click.argument("name")
@click.option("--stage", type=click.Choice(_STAGES), default="stable", show_default=True, help="What to print.")
@click.option("--specs", "paths", multiple=True, type=click.Path(path_type=Path), help="Where the loss is declared.")
def show(name: str, stage: str, paths: tuple[Path, ...]) -> None:
    """Print a loss as one stage of the compiler leaves it.

    \b
    symloss show focal_with_logits --stage stable
    symloss show vae --stage kernel
    """
    from symloss.pipeline import text_of_stage
    from symloss.project import blaming

    (loss,) = _chosen([name], paths)
    with blaming(loss):
        text = text_of_stage(loss, stage)
    click.echo(text)


@main.command()
@click.argument("name")
@click.option("--folder", type=click.Path(path_type=Path), default=Path("specs"), show_default=True)
def new(name: str, folder: Path) -> None:
    """Write a commented spec to start from.

    \b
    symloss new huber
    symloss new huber --folder my_specs
    """
    from symloss.arguments import check_name
    from symloss.emit.environment import render
    from symloss.write import replace_text

    check_name(name, "a loss", None)
    path = folder / f"{name}.py"
    if path.exists():
        raise click.ClickException(f"{path} exists already; choose another name")
    replace_text(path, render("spec.py.j2", name=name, title=name.replace("_", " ").capitalize()))
    click.echo(f"{path}: edit it, then run `symloss generate {folder}`")


@main.command()
@click.argument("names", nargs=-1)
@click.option("--specs", "paths", multiple=True, type=click.Path(path_type=Path), help="Where the losses are declared.")
@_OUT
def verify(names: tuple[str, ...], paths: tuple[Path, ...], out: Path | None) -> None:
    """Compare generated kernels with the declared losses in high precision.

    \b
    symloss verify
    symloss verify focal focal_with_logits
    symloss verify --specs my_specs --out my_package/generated
    """
    from symloss.project import package_of
    from symloss.verify.report import table
    from symloss.verify.report import verify as run

    folder = _places(paths, out)[1]
    losses = _chosen(names, paths)
    rows = run(losses, package_of(folder), lambda items: _progress(items, "verify", len(losses)))
    click.echo(table(rows))
    if not all(row.passed for row in rows):
        raise click.ClickException("some kernels are wrong")


@main.command()
@click.argument("names", nargs=-1)
@click.option("--specs", "paths", multiple=True, type=click.Path(path_type=Path), help="Where the losses are declared.")
@_OUT
@click.option("--inputs", default=2000, show_default=True, help="Inputs drawn for each setting, before the search.")
@click.option("--search-only", is_flag=True, help="Do not try all float32.")
@click.option("--own", is_flag=True, help="Keep what certificates say of other libraries.")
@click.option(
    "--jobs", type=click.IntRange(1), default=os.cpu_count(), show_default="one a core", help="How many at once."
)
@click.option("--readme", type=click.Path(path_type=Path), help="Also put the table of errors into this file.")
def certify(
    names: tuple[str, ...],
    paths: tuple[Path, ...],
    out: Path | None,
    inputs: int,
    search_only: bool,
    own: bool,
    jobs: int,
    readme: Path | None,
) -> None:
    """Measure the worst error of generated kernels, and of other libraries, and write certificates.

    \b
    symloss certify
    symloss certify focal focal_with_logits --search-only
    symloss certify elementary error_function    functions that kernels call
    symloss certify --specs my_specs --out my_package/generated
    """
    from symloss.certificate import CERTIFIED, markdown, markdown_of_functions, markdown_of_soft_targets, read
    from symloss.write import replace_text

    try:
        from symloss.certification import Search, certify_all
        from symloss.verify.certify import certifiable
    except ModuleNotFoundError as error:
        raise click.ClickException(f"{error.name} is missing; pip install 'symloss[certify]'") from None

    spec_paths, folder = _places(paths, out, writes=True)
    _bring_up_to_date(spec_paths, folder)
    certificates = folder.resolve().parent / "certificates"
    named = [n for n in names if n not in CERTIFIED]
    losses = certifiable(_chosen(named, paths), named) if named or not names else []
    subjects = [*(f for f in CERTIFIED if not names or f in names), *(loss.name for loss in losses)]
    search = Search(tuple(spec_paths), folder, inputs, not search_only, own)
    certify_all(subjects, search, min(jobs, len(subjects)), _progress)
    shown = [read(path) for loss in _chosen((), paths) if (path := certificates / f"{loss.name}.json").exists()]
    if readme is not None:
        table = f"{markdown(shown)}\n\n{markdown_of_soft_targets(shown)}"
        families = [certificates / f"{family}.json" for family in CERTIFIED]
        table += f"\n\n{markdown_of_functions(read(path) for path in families if path.exists())}"
        replace_text(readme, _with_table(readme.read_text(encoding="utf-8"), table, readme))
    _bring_up_to_date(spec_paths, folder)
    click.echo(markdown([c for c in shown if not names or c.loss in names]))


@main.command()
@click.argument("names", nargs=-1)
@click.option("--specs", "paths", multiple=True, type=click.Path(path_type=Path), help="Where the losses are declared.")
@_OUT
@click.option("--dtype", "dtypes", multiple=True, type=click.Choice(["float32", "float64"]), help="Default: both.")
@click.option("--weights", is_flag=True, help="Also with weights of samples.")
def warm(
    names: tuple[str, ...], paths: tuple[Path, ...], out: Path | None, dtypes: tuple[str, ...], weights: bool
) -> None:
    """Compile kernels now, so that their first call finds them in the cache.

    \b
    symloss warm
    symloss warm focal_with_logits --dtype float32
    """
    from importlib import import_module

    from symloss.project import package_of
    from symloss.warm import calls

    spec_paths, folder = _places(paths, out)
    package = package_of(folder)
    losses = _chosen(names, spec_paths)
    every = [
        call for loss in losses for call in calls(import_module(f"{package}.{loss.name}"), dtypes or _BOTH, weights)
    ]
    for call in _progress(every, "compile", len(every)):
        call()
    click.echo(f"{len(losses)} losses are compiled")


_BOTH = ("float32", "float64")
_TABLE_STARTS, _TABLE_ENDS = "<!-- errors -->\n", "<!-- end of errors -->"


def _with_table(text: str, table: str, path: Path) -> str:
    """Return the text with the table between its two marks."""
    from symloss.write import with_part

    try:
        return with_part(text, _TABLE_STARTS, _TABLE_ENDS, table)
    except ValueError as error:
        raise click.ClickException(f"{path}: {error}") from None


@main.command()
@_SPECS
@_OUT
@click.option("--pdf", is_flag=True, help="Compile the book with TeX.")
def docs(specs: tuple[Path, ...], out: Path | None, pdf: bool) -> None:
    """Write the documents, and compile the book.

    \b
    symloss docs --pdf
    """
    from symloss.emit.pdf import TexError, compile_book

    paths, folder = _places(specs, out, writes=True)
    _bring_up_to_date(paths, folder)
    if not pdf:
        click.echo(f"{folder / 'docs'}: written; --pdf compiles the book")
        return
    try:
        click.echo(compile_book(folder / "docs"))
    except TexError as error:
        raise click.ClickException(str(error)) from None


def _bring_up_to_date(paths: Sequence[Path], folder: Path) -> None:
    """Generate, unless specs, symloss and the folder are as the last run left them."""
    from symloss.stamp import is_current

    if is_current(paths, folder):
        click.echo(f"{folder}: nothing changed")
        return
    from symloss.project import generate as run

    changes = run(paths, folder, _progress, lambda said: click.echo(f"warning: {said}", err=True))
    for path in changes.removed:
        click.echo(f"removed {folder / path}")
    click.echo(f"{folder}: {len(changes.written)} files written, {len(changes.removed)} removed")


def _chosen(names: Sequence[str], paths: Sequence[Path]) -> list[Any]:
    """Return the losses of these names, or all."""
    from symloss.loader import load

    losses = {loss.name: loss for loss in load(_places(paths, None)[0])}
    for name in names:
        if name not in losses:
            raise click.ClickException(f"there is no loss {name!r}; `symloss list` shows those that there are")
    return [losses[name] for name in names] or list(losses.values())


def _places(specs: Sequence[Path], out: Path | None, *, writes: bool = False) -> tuple[list[Path], Path]:
    """Return spec paths and generated folder: those given, those of this folder, or those of symloss itself.

    Commands that write the generated folder take those of symloss only inside its own repository.
    """
    if specs:
        return list(specs), out or Path("generated")
    if Path("specs").is_dir():
        return [Path("specs")], out or Path("generated")
    from symloss.loader import OWN_SPECS

    root = Path(__file__).resolve().parents[1]
    if not (root / "specs").is_dir():
        raise click.ClickException(f"name a folder of specs: there is no ./specs here, and {OWN_SPECS} is installed")
    if writes and not Path.cwd().is_relative_to(root):
        raise click.ClickException(
            "there is no ./specs here; name a folder of specs, or write one with `symloss new NAME`"
        )
    return [root / "specs"], out or root / "generated"


def _progress(items: Iterable[Any], what: str, total: int) -> Iterable[Any]:
    return tqdm(items, desc=what, total=total, disable=not sys.stderr.isatty(), leave=False)


main.add_command(lint_objective)

if __name__ == "__main__":
    main()
