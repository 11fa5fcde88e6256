"""The floor plan: imports go one way, files stay small, no loss is a special case."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest
from catalogue import catalogue

PACKAGE = Path(__file__).parents[1] / "symloss"
LONGEST = 400

# Every stage, with what it may import.  Later stages may import earlier ones only as far as the table says.
DECLARATION = {
    "errors",
    "functions",
    "special_functions",
    "reductions",
    "arguments",
    "recurrence",
    "convert",
    "declare",
}
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "functions": set(),
    "special_functions": {"functions"},
    "scaled_functions": {"functions"},
    "reductions": {"functions"},
    "arguments": {"errors", "reductions"},
    "recurrence": {"arguments", "errors", "functions", "reductions"},
    "convert": {"errors", "functions", "special_functions", "reductions", "arguments", "recurrence"},
    "declare": {"errors", "arguments", "convert", "reductions"},
    "lattices": {"arguments", "declare", "errors", "functions", "recurrence", "reductions"},
    "derive": {"arguments", "declare", "functions", "reductions"},
    "matching": set(),
    "rules": {"functions", "matching", "special_functions"},
    "row_rules": {"functions", "reductions", "rules"},
    "rewrite": {"arguments", "declare", "derive", "functions", "matching", "reductions", "row_rules", "rules"},
    "series": {"arguments", "functions"},
    "ends": {"arguments", "functions", "reductions", "series"},
    "scaling": {"arguments", "derive", "functions", "reductions", "scaled_functions"},
    "decisions": {"arguments", "functions", "reductions", "scaled_functions"},
    "lifting": {"arguments", "functions", "reductions", "scaled_functions"},
    "norms": {"arguments", "functions", "reductions", "scaled_functions"},
    "squares": {"decisions", "functions", "reductions", "scaled_functions"},
    "quotients": {"functions", "reductions", "scaled_functions"},
    "specialize": {
        "arguments",
        "decisions",
        "derive",
        "ends",
        "functions",
        "lifting",
        "norms",
        "quotients",
        "reductions",
        "rewrite",
        "rules",
        "scaled_functions",
        "scaling",
        "special_functions",
        "squares",
    },
    "ir": set(),
    "bounds": {"arguments", "functions"},
    "constants": {"arguments", "declare", "functions"},
    "curvature": {"arguments", "bounds", "declare", "derive", "functions", "rewrite", "rules"},
    "nans": {"arguments", "functions", "reductions"},
    "lower": {"arguments", "derive", "functions", "ir", "nans", "reductions"},
    "schedule": {"ir"},
    "refine": {"ir", "schedule"},
    "hard_labels": {"arguments", "declare", "derive", "functions", "ir", "schedule"},
    "certificate": {"reach"},
    "reach": set(),
    "emit": DECLARATION | {"certificate", "derive", "ir", "lattices", "lower"},
    "pipeline": {
        "errors",
        "arguments",
        "certificate",
        "curvature",
        "declare",
        "derive",
        "emit",
        "lattices",
        "lower",
        "hard_labels",
        "ir",
        "refine",
        "rewrite",
        "schedule",
        "specialize",
    },
    "loader": {"declare", "errors"},
    "write": set(),
    "stamp": {"write"},
    "project": {
        "certificate",
        "constants",
        "curvature",
        "declare",
        "emit",
        "errors",
        "lattices",
        "loader",
        "pipeline",
        "progress",
        "reach",
        "runtime",
        "stamp",
        "verify",
        "write",
    },
    "certification": {"certificate", "loader", "peers", "progress", "project", "verify", "write"},
    "cli": {
        "arguments",
        "warm",
        "certificate",
        "certification",
        "emit",
        "errors",
        "lint",
        "loader",
        "pipeline",
        "project",
        "stamp",
        "verify",
        "write",
    },
    "peers": set(),
    "warm": set(),
    "adapters": set(),
    "lint": {"adapters"},
    "progress": set(),
    "__main__": {"cli"},
    "__init__": DECLARATION,
    "verify": DECLARATION | {"certificate", "peers", "progress"},
    "runtime": set(),
}
# Libraries that only one place knows.
KNOWN_TO: dict[str, set[str]] = {
    "numba": {"adapters", "runtime", "verify"},
    "numpy": {"adapters", "lint", "peers", "runtime", "verify", "warm"},
    "mpmath": {"verify", "emit"},
    "jinja2": {"emit"},
    "click": {"cli", "lint"},
    "tqdm": {"cli"},
}
# What a generated folder, runtime included, needs beside Python: it is copied to where symloss is not.
GENERATED_NEEDS = {"numpy", "numba"}
FILES = sorted(path for path in PACKAGE.rglob("*.py"))
GENERATED = sorted((PACKAGE.parent / "generated").rglob("*.py"))


def _room(path: Path) -> str:
    relative = path.relative_to(PACKAGE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def _imports(path: Path) -> list[str]:
    """Return absolute names of everything that a file imports, wherever in it."""
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = _absolute(path, node)
            names += [f"{module}.{alias.name}" for alias in node.names] if module == "symloss" else [module]
    return names


def _absolute(path: Path, node: ast.ImportFrom) -> str:
    """Return the module that is imported from; relative imports are resolved inside of symloss."""
    if not node.level:
        return node.module or ""
    packages = ["symloss", *path.relative_to(PACKAGE).parent.parts]
    return ".".join([*packages[: len(packages) - node.level + 1], *filter(None, [node.module])])


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path: Path) -> None:
    room = _room(path)
    for name in _imports(path):
        head, *rest = name.split(".")
        if head == "symloss" and rest and rest[0] != room and not rest[0].startswith("__"):
            assert rest[0] in MAY_IMPORT[room], f"{room} must not import {name}"
        if head in KNOWN_TO:
            assert room in KNOWN_TO[head], f"{room} must not know {head}"


def test_the_table_has_no_cycle() -> None:
    order: list[str] = []
    rooms = dict(MAY_IMPORT)
    while rooms:
        free = [room for room, needs in rooms.items() if needs <= set(order)]
        assert free, f"a cycle among {sorted(rooms)}"
        order += free
        for room in free:
            del rooms[room]


def test_relative_imports_are_seen() -> None:
    (node,) = ast.parse("from ..declare import Loss").body
    assert isinstance(node, ast.ImportFrom)
    assert _absolute(PACKAGE / "runtime" / "call.py", node) == "symloss.declare"


@pytest.mark.parametrize("path", GENERATED, ids=lambda path: str(path.relative_to(PACKAGE.parent)))
def test_generated_code_stands_alone(path: Path) -> None:
    inside = path.parent == PACKAGE.parent / "generated"
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            ours = (node.module or "").startswith("_runtime") if inside else True
            assert node.level == 1, f"line {node.lineno} leaves the folder"
            assert ours, f"line {node.lineno} imports something else than the runtime"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
            heads = {module.split(".")[0] for module in modules}
            assert heads <= GENERATED_NEEDS | sys.stdlib_module_names, f"line {node.lineno} needs {heads}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_are_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if _room(path) != "peers"],  # which is a table of what others call them
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_no_loss_is_a_special_case(path: Path) -> None:
    names = set(catalogue())
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            assert node.value not in names, f"line {node.lineno} names the loss {node.value}"


def test_templates_decide_nothing() -> None:
    for path in (PACKAGE / "emit" / "templates").glob("*.j2"):
        text = path.read_text()
        for word in (" == ", " != ", " in [", "namespace", "macro"):
            assert word not in text, f"{path.name} decides something: {word}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_recurrence_is_a_special_case(path: Path) -> None:
    if _room(path) != "peers":
        words = re.findall(r"[a-z]+", path.read_text().lower())
        assert not {"ctc", "rnnt", "crf", "dtw"} & set(words)
