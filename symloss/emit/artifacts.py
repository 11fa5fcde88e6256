"""All texts of one loss."""

from __future__ import annotations

from dataclasses import dataclass

from symloss import ir
from symloss.declare import Loss
from symloss.derive import Output
from symloss.emit.document import page
from symloss.emit.kernels import module_text


@dataclass(frozen=True)
class Artifacts:
    """What is generated of one loss.

    Attributes
    ----------
    name : str
        Of the loss.
    files : tuple of (str, str)
        Paths, relative to the generated package and with forward slashes, and texts.
    """

    name: str
    files: tuple[tuple[str, str], ...]

    def text(self, path: str) -> str:
        """Return the text of one file."""
        return dict(self.files)[path]


def emit(kernel: ir.Kernel, loss: Loss, derived: tuple[Output, ...], stable: tuple[Output, ...]) -> Artifacts:
    """Return module and document of a loss."""
    files = ((f"{loss.name}.py", module_text(loss, kernel)), (f"docs/{loss.name}.tex", page(loss, derived, stable)))
    return Artifacts(loss.name, files)
