"""All texts of one loss."""

from __future__ import annotations

from dataclasses import dataclass

from symloss import ir
from symloss.certificate import Shelf
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


def emit(
    kernel: ir.Kernel, loss: Loss, derived: tuple[Output, ...], stable: tuple[Output, ...], shelf: Shelf | None = None
) -> Artifacts:
    """Return module and document of a loss; the document states the error that this very module is certified for."""
    module = module_text(loss, kernel)
    certificate = shelf.find(loss.name, module) if shelf else None
    document = page(loss, derived, stable, certificate)
    return Artifacts(loss.name, ((f"{loss.name}.py", module), (f"docs/{loss.name}.tex", document)))
