"""The text of an objective: what it returns, where, and what it calls its arguments."""

from __future__ import annotations

import ast
import inspect
import textwrap
from dataclasses import dataclass
from pathlib import Path

from symloss.lint.called import Objective, Style, positional

_ATOMS = (ast.Name, ast.Call, ast.Attribute, ast.Subscript, ast.Constant)


@dataclass(frozen=True)
class Source:
    """Names and texts for corrections.

    Attributes
    ----------
    place : str
        File and line of the ``return``; empty where there is no source.
    line : str
        The ``return``.
    words : dict
        What corrections are formatted with: name, grad, hess, grad_it, hess_it, scores, targets, exact, hess_exact.
    """

    place: str
    line: str
    words: dict[str, str]


def source_of(objective: Objective, style: Style, loss: str) -> Source:
    """Return what can be read in an objective's text; defaults for the rest."""
    place, line, grad, hess, targets_of_data = "", "", "grad", "hess", "labels"
    try:
        text, first = inspect.getsourcelines(objective)
        tree = ast.parse(textwrap.dedent("".join(text)))
        file = Path(inspect.getsourcefile(objective) or "").name
    except (OSError, TypeError, SyntaxError):
        tree = None
    if tree is not None:
        returned = _last_return(tree)
        targets_of_data = _name_of_labels(tree) or targets_of_data
        if returned is not None and isinstance(returned.value, ast.Tuple):
            code = textwrap.dedent("".join(text))
            place = f"{file}:{first + returned.lineno - 1}"
            line = " ".join((ast.get_source_segment(code, returned) or "").split())
            grad, hess = (ast.unparse(part) for part in returned.value.elts)
    one, two, *_ = [*(parameter.name for parameter in positional(objective)), "first", "second"]
    scores, targets = (one, targets_of_data) if style.native else (two, one)
    if style.swapped:
        scores, targets = targets, scores
    exact = f'{loss}.grad_and_hess({scores}, {targets}, reduction="none")'
    words = {"grad": grad, "hess": hess, "grad_it": in_parentheses(grad), "hess_it": in_parentheses(hess)}
    words |= {"scores": scores, "targets": targets, "exact": exact, "hess_exact": f"{exact}[1]"}
    return Source(place, line, {**words, "name": getattr(objective, "__name__", "objective")})


def in_parentheses(text: str) -> str:
    """Return an expression as it can be multiplied."""
    return text if isinstance(ast.parse(text, mode="eval").body, _ATOMS) else f"({text})"


def merged(first: str, second: str) -> str:
    """Return the ``return`` of the first part of one and the second part of another."""
    left, right = (ast.parse(f"def f():\n {line}") for line in (first, second))
    (one, _), (_, two) = (tree.body[0].body[0].value.elts for tree in (left, right))  # type: ignore[attr-defined]
    return f"return {ast.unparse(one)}, {ast.unparse(two)}"


def _last_return(tree: ast.AST) -> ast.Return | None:
    """Return the last ``return`` of a pair."""
    pairs = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple) and len(node.value.elts) == 2
    ]
    return max(pairs, key=lambda node: node.lineno, default=None)


def _name_of_labels(tree: ast.AST) -> str | None:
    """Return the name of what ``data.get_label()`` is assigned to."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            function, (target, *_) = node.value.func, node.targets
            if isinstance(function, ast.Attribute) and function.attr == "get_label" and isinstance(target, ast.Name):
                return target.id
    return None
