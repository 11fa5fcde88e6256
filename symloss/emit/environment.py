"""The Jinja environment of all templates; they receive finished strings and decide nothing."""

from __future__ import annotations

import functools
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


@functools.cache
def _environment() -> Environment:
    loader = PackageLoader("symloss.emit", "templates")
    return Environment(loader=loader, undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)


def render(template: str, **strings: Any) -> str:
    """Return the text of a template."""
    return _environment().get_template(template).render(**strings)
