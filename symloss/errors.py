"""Errors that speak to the person who wrote the spec."""

from __future__ import annotations

import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """The place in a spec where something was declared."""

    file: str
    line: int
    module: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class SpecError(ValueError):
    """Something in a spec is wrong.

    Parameters
    ----------
    message : str
        What is wrong, and what would be right.
    source : Source, optional
        Where; shown as ``file:line: `` before the message.
    """

    def __init__(self, message: str, source: Source | None = None) -> None:
        self.message = message
        self.source = source
        super().__init__(f"{source}: {message}" if source else message)


def spec_source() -> Source | None:
    """Return the place in the module that is being executed, or None outside of one.

    The innermost frame that runs a module's own statements is the spec: a helper function that builds
    a loss for a spec is thereby attributed to the spec that called it.
    """
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name == "<module>":
            return Source(frame.f_code.co_filename, frame.f_lineno, str(frame.f_globals.get("__name__", "")))
        frame = frame.f_back  # type: ignore[assignment]
    return None
