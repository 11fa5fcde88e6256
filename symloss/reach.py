"""What a kernel computes with: the text of the runtime's functions that it reaches, and of no others.

A certificate stays valid as long as this text and the kernel's own do: a new function beside them changes neither.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from pathlib import Path

# Files of the runtime that kernels compute with.
ARITHMETIC = (
    "bits.py", "brief.py", "by_entries.py", "coefficients.py", "double_word.py", "elementary.py",
    "error_function.py", "excess.py", "exponential.py", "exponential_parts.py", "gamma_function.py",
    "hyperbolic.py", "inverse.py", "lifted_rows.py", "logarithm.py", "logistic.py", "loops.py", "maxima.py",
    "norm_parts.py", "parts.py", "quotients.py", "reduce.py", "row_literals.py", "row_sums.py", "rows.py",
    "scaled_tail.py", "special_coefficients.py", "squares.py", "stack.py", "stretches.py", "tiles.py", "twofold.py",
    "vector_sums.py",
)  # fmt: skip
_ALWAYS = "literals.py"  # how all of them are compiled
_RUNTIME = "_runtime"

_Place = tuple[str, str]  # a module, and a name in it


@dataclass
class _Module:
    """What the top of a file defines, with what each definition names, and what it imports."""

    texts: dict[str, str] = field(default_factory=dict)
    uses: dict[str, set[_Place]] = field(default_factory=dict)
    compiled: list[tuple[_Place, str]] = field(default_factory=list)  # of what, and the definition that is its overload
    imported: dict[str, _Place] = field(default_factory=dict)


class Arithmetic:
    """The functions of a runtime folder.

    Parameters
    ----------
    runtime : Path
        The folder.
    """

    def __init__(self, runtime: Path) -> None:
        texts = {name: _read(runtime / name) for name in (*ARITHMETIC, _ALWAYS, "__init__.py")}
        self._modules = {Path(name).stem: _module(Path(name).stem, texts[name]) for name in ARITHMETIC}
        self._modules[_RUNTIME] = _module(_RUNTIME, texts["__init__.py"])
        self._always = "\n".join(line for line in texts[_ALWAYS].splitlines() if not line.startswith("#"))

    def of(self, kernel: str) -> str:
        """Return the text of all definitions that the text of a generated module reaches."""
        compiled = [(self._resolved(of), by) for m in self._modules.values() for of, by in m.compiled]
        own = _module("", kernel)
        waiting = [place for uses in (*own.uses.values(), own.imported.values()) for place in uses]
        reached: dict[_Place, str] = {}
        while waiting:
            module, name = place = self._resolved(waiting.pop())
            known = self._modules.get(module)
            if place in reached or known is None or name not in known.texts:
                continue
            reached[place] = known.texts[name]
            waiting += known.uses[name]
            waiting += [(module, by) for of, by in compiled if of == place]
        return "\n".join([self._always, *(reached[place] for place in sorted(reached))])

    def _resolved(self, place: _Place) -> _Place:
        """Return where a name is defined, following imports."""
        module, name = place
        known = self._modules.get(module)
        return self._resolved(known.imported[name]) if known and name in known.imported else place


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _module(own: str, text: str) -> _Module:
    module, tree, lines = _Module(), ast.parse(text), text.splitlines()
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.level:
            source = (node.module or _RUNTIME).rpartition(".")[2]
            if (own, source) != (_RUNTIME, _RUNTIME):  # there, `from . import twofold` is a module, and no name in one
                module.imported |= {alias.asname or alias.name: (source, alias.name) for alias in node.names}
    for node in tree.body:
        decorators = getattr(node, "decorator_list", [])
        for name in _defined(node):
            start = min([node.lineno, *(d.lineno for d in decorators)])
            module.texts[name] = "\n".join(lines[start - 1 : node.end_lineno])
            module.uses[name] = {_place(own, part, module) for part in ast.walk(node)} - {(own, "")}
        for d in decorators:
            if isinstance(d, ast.Call) and isinstance(d.func, ast.Name) and d.func.id == "overload":
                module.compiled.append((_place(own, d.args[0], module), _defined(node)[0]))
    return module


def _defined(node: ast.stmt) -> list[str]:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)]


def _place(own: str, node: ast.AST, module: _Module) -> _Place:
    """Return what a name, or an attribute of an imported module, stands for; no name where it is neither."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        source, name = module.imported.get(node.value.id, ("", ""))
        return (name, node.attr) if source == _RUNTIME else (own, "")
    return module.imported.get(node.id, (own, node.id)) if isinstance(node, ast.Name) else (own, "")
