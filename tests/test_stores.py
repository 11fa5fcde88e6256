"""What kernels write is there: Numba drops some of it, as `symloss/runtime/pointers.py` says, where code invites it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import numba
import numpy as np
import pytest
from symloss.generated._runtime.loops import wide_vectors
from symloss.generated._runtime.pointers import extent, whole

ROOT = Path(__file__).parents[1]
INLINED = {"wide_vectors", "distinct"}
LOOPS = (ast.For, ast.While)


def _called(node: ast.AST) -> set[str]:
    return {n.func.id for n in ast.walk(node) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}


def _pairs(statement: ast.stmt) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Return what is assigned, and what to."""
    if isinstance(statement, ast.AugAssign):
        yield statement.target, statement.value
    if isinstance(statement, ast.Assign):
        for target in statement.targets:
            if not isinstance(target, ast.Tuple):
                yield target, statement.value
                continue
            value = statement.value
            values = value.elts if isinstance(value, ast.Tuple) else [value] * len(target.elts)
            yield from zip(target.elts, values, strict=True)


def _in_doubt(function: ast.FunctionDef) -> list[str]:
    """Return assignments to entries of arrays that calls returned, unless they are in a loop that begins later."""
    found: list[str] = []
    bound: dict[str, int] = {}

    def visit(statements: list[ast.stmt], depth: int) -> None:
        for statement in statements:
            for target, value in _pairs(statement):
                array = target
                while isinstance(array, ast.Subscript):
                    array = array.value
                if isinstance(target, ast.Name) and isinstance(value, ast.Call):
                    bound[target.id] = depth
                elif isinstance(target, ast.Subscript) and isinstance(array, ast.Call):
                    found.append(ast.unparse(statement))
                elif isinstance(target, ast.Subscript) and isinstance(array, ast.Name):
                    found.extend([ast.unparse(statement)] if bound.get(array.id, -1) >= depth else [])
            for part in ("body", "orelse"):
                visit(getattr(statement, part, []), depth + isinstance(statement, LOOPS))

    visit(function.body, 0)
    return found


def _doubts(text: str) -> list[str]:
    functions = [f for f in ast.walk(ast.parse(text)) if isinstance(f, ast.FunctionDef) and _called(f) & INLINED]
    return [f"{f.name}: {statement}" for f in functions for statement in _in_doubt(f)]


@pytest.mark.parametrize("folder", ["symloss/runtime", "generated"])
def test_no_kernel_writes_what_numba_may_drop(folder: str) -> None:
    assert {p.name: d for p in sorted((ROOT / folder).glob("*.py")) if (d := _doubts(p.read_text()))} == {}


@numba.njit
def _written(a):  # type: ignore[no-untyped-def]
    wide_vectors()
    out = extent(whole(a), 3)
    for k in range(out.size):
        out[k] += 1.0


@pytest.mark.parametrize(
    ("body", "doubtful"),
    [
        ("out = extent(out, 3)\n    out[0] = 1.0", True),
        ("out, n = extent(out, 3), 1\n    out[0] += 1.0", True),
        ("row_at(out, 1)[0] = 1.0", True),
        ("for i in range(3):\n        row = row_at(out, i)\n        row[0] = 1.0", True),
        ("row = row_at(out, 0)\n    for i in range(3):\n        row[i] = 1.0", False),
        ("out[0] = 1.0", False),
    ],
)
def test_such_writing_is_recognised(body: str, doubtful: bool) -> None:
    assert bool(_doubts(f"def f(out):\n    wide_vectors()\n    {body}\n")) == doubtful
    assert not _doubts(f"def f(out):\n    {body}\n")


def test_what_a_loop_writes_stays() -> None:
    a = np.zeros(4)
    _written(a)
    assert a.tolist() == [1.0, 1.0, 1.0, 0.0]
