"""What a start costs: importing a generated module, its first call with an empty and with a full cache, generating.

``python -m benchmarks.cold`` prints seconds; every figure comes from a fresh process.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

_GENERATED = Path(__file__).parent.parent / "generated"
_LOSSES = ("binary_cross_entropy_with_logits", "focal_with_logits", "sparse_cross_entropy_with_logits", "squared_error")
_PROGRAM = """
import time
import numba, numba.extending, numpy as np
start = time.perf_counter()
from losses import {name} as module
imported = time.perf_counter() - start
z = np.zeros({shape}, "{dtype}")
y = np.zeros({labels})
start = time.perf_counter()
module.value_and_grad(z, y)
print(imported, time.perf_counter() - start)
"""


def first_call(folder: Path, name: str, dtype: str) -> tuple[float, float]:
    """Return how long the import and the first call take in a new process."""
    rows = name.startswith("sparse")
    program = _PROGRAM.format(
        name=name, dtype=dtype, shape="(8, 8)" if rows else "8", labels="8, int" if rows else f"8, '{dtype}'"
    )
    usual = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env=usual, stdout=subprocess.PIPE, text=True, check=True
    )
    imported, called = map(float, done.stdout.split())
    return imported, called


def main() -> None:
    """Print the table."""
    print("| loss | dtype | import | first call, empty cache | first call, full cache |")
    print("|---|---|---|---|---|")
    for name in _LOSSES:
        for dtype in ("float32", "float64"):
            with tempfile.TemporaryDirectory() as folder:
                copy = Path(folder) / "losses"
                shutil.copytree(_GENERATED, copy, ignore=shutil.ignore_patterns("__pycache__", "docs"))
                _, cold = first_call(Path(folder), name, dtype)
                imported, warm = first_call(Path(folder), name, dtype)
            print(f"| {name} | {dtype} | {imported:.3f} | {cold:.2f} | {warm:.3f} |", flush=True)


if __name__ == "__main__":
    main()
