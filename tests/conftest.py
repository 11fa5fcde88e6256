"""What several files of tests share: compiled losses over recurrences."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from symloss.project import generate

SPECS = Path(__file__).parents[1] / "specs" / "sequences"


@pytest.fixture(scope="session")
def sequences(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return what imports the compiled losses of ``specs/sequences`` by name."""
    folder = tmp_path_factory.mktemp("sequences")
    generate([SPECS], folder / "of_sequences")
    sys.path.insert(0, str(folder))
    yield lambda name: importlib.import_module(f"of_sequences.{name}")
    sys.path.remove(str(folder))
