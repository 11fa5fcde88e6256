"""Threads of the pool keep subnormal numbers, whatever the thread does that starts them."""

from __future__ import annotations

import json
import platform
import subprocess
import sys

import pytest

_PROGRAM = """
import json, threading
import numpy as np
from symloss.runtime import threads
from symloss.runtime.floating_point import keep_subnormals, subnormals

keep_subnormals(False)
tiny, found, both = np.array([2.5e-308]), {}, threading.Barrier(2)

def task():
    both.wait(60)
    found[threading.current_thread().name] = float((tiny * 0.5)[0])

threads.run(task, 1)
with subnormals():
    found["inside"] = float((tiny * 0.5)[0])
found["after"] = float((tiny * 0.5)[0])
keep_subnormals()
print(json.dumps(found))
"""


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or platform.machine() not in ("x86_64", "aarch64"),
    reason="the mode of other machines is not known",
)
def test_subnormal_numbers_survive_a_thread_that_flushes_them() -> None:
    run = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True)
    kept = {name: value > 0 for name, value in json.loads(run.stdout).items()}
    assert kept == {"MainThread": False, "symloss-0": True, "inside": True, "after": False}
