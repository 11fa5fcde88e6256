"""The Jinja environments of all templates; they receive finished strings and decide nothing."""

from __future__ import annotations

import functools
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

# Braces and percent signs mean something else in LaTeX.
_LATEX = {
    "variable_start_string": r"\VAR{",
    "variable_end_string": "}",
    "block_start_string": r"\BLOCK{",
    "block_end_string": "}",
    "comment_start_string": r"\COMMENT{",
    "comment_end_string": "}",
    "trim_blocks": True,
    "lstrip_blocks": True,
}


@functools.cache
def _environment(latex: bool) -> Environment:
    options: dict[str, Any] = _LATEX if latex else {}
    return Environment(
        loader=PackageLoader("symloss.emit", "templates"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
        **options,
    )


def render(template: str, **strings: Any) -> str:
    """Return the text of a template; those of LaTeX have delimiters of their own."""
    return _environment(template.endswith(".tex.j2")).get_template(template).render(**strings)
