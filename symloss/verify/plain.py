"""Generated functions of one sample as plain Python: nothing is compiled, so that one may ask for a few numbers."""

from __future__ import annotations

import importlib
import sys
import types
from pathlib import Path
from typing import Any

_PACKAGE = "symloss_plain"  # holds the runtime, imported a second time with decorators that do nothing
_DECORATORS = ("kernel", "inlined", "polymorphic", "rows_kernel")


def plain_module(name: str, text: str, runtime: Path) -> types.ModuleType:
    """Execute a generated module without Numba.

    Parameters
    ----------
    name : str
        Of the loss.
    text : str
        Of the module.
    runtime : Path
        The folder of the runtime.
    """
    _prepare(runtime)
    module = types.ModuleType(f"{_PACKAGE}.{name}")
    module.__dict__["__package__"] = _PACKAGE
    exec(compile(text, f"<{name}>", "exec"), module.__dict__)
    return module


def _prepare(runtime: Path) -> None:
    """Put the runtime under another name, with a stand-in for its compiler."""
    if _PACKAGE in sys.modules:
        return
    package, inner, jit = (types.ModuleType(n) for n in (_PACKAGE, f"{_PACKAGE}._runtime", f"{_PACKAGE}._runtime.jit"))
    package.__path__, inner.__path__ = [], [str(runtime)]
    jit.__dict__.update(dict.fromkeys(_DECORATORS, _unchanged), called=_called, specialised=_specialised)
    jit.__dict__.update(Compiled=_Compiled, USUAL=())
    sys.modules |= {module.__name__: module for module in (package, inner, jit)}
    names = (
        "bits", "brief", "by_entries", "describe", "driver", "loops", "reduce", "row_sums", "rows", "special_case",
        "stretches", "tiles", "twofold",
    )  # fmt: skip
    parts = [importlib.import_module(f"{inner.__name__}.{name}") for name in names]
    for part in parts:  # after all imports, each of which also sets the name of the file
        inner.__dict__.update({k: v for k, v in vars(part).items() if not k.startswith("_")})
    inner.__dict__.update(dict.fromkeys(_DECORATORS, _unchanged), twofold=parts[-1])


def _unchanged(function: Any, **_options: Any) -> Any:
    return function


class _Compiled:
    """What no function is here."""


def _specialised(function: Any, _arguments: tuple[Any, ...]) -> Any:
    return function


def _called(function: Any, _key: Any, arguments: tuple[Any, ...]) -> Any:
    return function(*arguments)
