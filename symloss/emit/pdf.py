"""Compiles the book with the TeX of the system."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

_INSTALL = "on Debian: apt-get install texlive-latex-recommended texlive-pictures texlive-fonts-recommended latexmk"


class TexError(Exception):
    """The book could not be compiled."""


def compile_book(folder: Path) -> Path:
    """Compile ``book.tex`` of a folder of documents to ``book.pdf`` beside it.

    Raises
    ------
    TexError
        If there is no TeX, with what to install, or if it fails, with what it says.
    """
    if shutil.which("latexmk") is None or shutil.which("pdflatex") is None:
        raise TexError(f"there is no TeX (latexmk and pdflatex) to compile the book with; {_INSTALL}")
    with tempfile.TemporaryDirectory() as work:
        command = ["latexmk", "-pdf", "-interaction=nonstopmode", "-halt-on-error", f"-outdir={work}", "book.tex"]
        run = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
        if run.returncode != 0:
            said = [line for line in run.stdout.splitlines() if line.startswith(("!", "l."))]
            raise TexError(f"TeX could not compile {folder / 'book.tex'}: {' '.join(said[:4])}")
        partial = folder / f".book.pdf.{os.getpid()}.tmp"
        shutil.copy(Path(work) / "book.pdf", partial)
        partial.replace(folder / "book.pdf")
    return folder / "book.pdf"
