"""`symloss warm` compiles what later calls need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from catalogue import catalogue
from click.testing import CliRunner

from symloss import warm
from symloss.cli import main
from symloss.lattices.lattice import has_recurrence
from symloss.loader import load
from symloss.runtime.by_entries import SHORT_ROW
from symloss.runtime.tiles import FEW

SPECS = (Path(__file__).parent.parent / "specs",)
_PROGRAM = """
import numpy as np
from symloss.generated import binary_cross_entropy_with_logits as m
z = np.zeros(8, "float32")
m.value_and_grad(z, z)
m.grad_and_hess(z, z)
kernels = [k for k in vars(m).values() if hasattr(k, "py_func")]
print(sum(k.compiled for k in kernels), sum(k.loaded for k in kernels))
"""


def test_nothing_is_left_to_compile() -> None:
    done = CliRunner().invoke(main, ["warm", "binary_cross_entropy_with_logits", "--dtype", "float32"])
    assert done.exit_code == 0, done.output
    assert done.output == "1 losses are compiled\n"
    found = subprocess.run([sys.executable, "-c", _PROGRAM], stdout=subprocess.PIPE, text=True, check=True).stdout
    misses, hits = map(int, found.split())
    assert misses == 0
    assert hits == 2


_SECOND_PROGRAM = """
import importlib, sys
from symloss.warm import calls
module = importlib.import_module("symloss.generated." + sys.argv[1])
call = next(c for c in calls(module, ("float64",), False) if c.func.__name__ == "value_and_grad")
call()
kernels = [k for k in vars(module).values() if hasattr(k, "py_func")]
print(sum(k.compiled for k in kernels), sum(k.loaded for k in kernels))
"""


@pytest.mark.parametrize("name", [loss.name for loss in load(SPECS) if has_recurrence(loss)])
def test_recurrences_are_not_compiled_twice(name: str) -> None:
    """They are large, and take more of what Numba has: a second process finds all that they need."""
    command = [sys.executable, "-c", _SECOND_PROGRAM, name]
    first, second = (subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout for _ in range(2))
    assert sum(map(int, first.split())) >= 1
    misses, hits = map(int, second.split())
    assert misses == 0
    assert hits >= 1


@pytest.mark.parametrize("name", catalogue())
def test_every_loss_has_arguments_to_call_it_with(name: str) -> None:
    from importlib import import_module

    from symloss.warm import calls

    module = import_module(f"symloss.generated.{name}")
    every = list(calls(module, ("float64",), weighted=True))
    assert len(every) >= 5
    every[0]()


def test_rows_are_short_and_long() -> None:
    short, long = warm._LENGTHS
    assert short <= min(FEW, SHORT_ROW)
    assert long > max(FEW, SHORT_ROW)
