"""Pieces of Python text, formatted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WIDTH = 110
_INDENT = "    "

_ESCAPES = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
}  # fmt: skip


@dataclass(frozen=True)
class CodeFunction:
    """A function as text: its ``def`` lines, docstring and indented body, and how it is compiled."""

    signature: str
    docstring: str
    lines: tuple[str, ...]
    decorator: str = "kernel"


def signature(name: str, arguments: Iterable[str]) -> str:
    """Return the ``def`` lines."""
    return "\n".join(call_lines(f"def {name}(", list(arguments), "):"))


def call_lines(before: str, arguments: Sequence[str], after: str, depth: int = 0) -> list[str]:
    """Return a call on one line, or its arguments on a line of their own, or each on its own."""
    tab = _INDENT * depth
    line = tab + before + ", ".join(arguments) + after
    if len(line) <= WIDTH:
        return [line]
    inside = f"{tab}{_INDENT}{', '.join(arguments)}"
    if len(inside) <= WIDTH:
        return [tab + before, inside, tab + after]
    return [tab + before, *(f"{tab}{_INDENT}{argument}," for argument in arguments), tab + after]


def escape(text: str) -> str:
    """Return plain text for LaTeX."""
    return "".join(_ESCAPES.get(character, character) for character in text)
