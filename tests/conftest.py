"""What several files of tests share: compiled losses over recurrences."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

SPECS = Path(__file__).parents[1] / "specs" / "sequence.py"


@pytest.fixture(scope="session")
def sequences() -> Any:
    """Return what imports the compiled losses of ``specs/sequence.py`` by name."""
    return lambda name: importlib.import_module(f"symloss.generated.{name}")
