"""What a start costs: importing a generated module, its first call with an empty and with a full cache, generating.

``python -m benchmarks.cold`` prints seconds by the clock, and of the processor in brackets; every figure comes from a
fresh process, those of the import and of the full cache are the medians of several.  Numba leaves a collection of its
own garbage to whoever allocates next; it runs before the clock does.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

_GENERATED = Path(__file__).parent.parent / "generated"
_SCORES = ("8", "8, '{dtype}'")  # what `numpy.zeros` makes predictions and targets of
_LOSSES = {
    "binary_cross_entropy_with_logits": _SCORES,
    "focal_with_logits": _SCORES,
    "sparse_cross_entropy_with_logits": ("(8, 8)", "8, int"),
    "squared_error": _SCORES,
    "ctc_with_logits": ("(8, 8, 8)", "(8, 0), int"),
}
_PROGRAM = """
import gc, time
import numba, numba.extending, numpy as np
gc.collect()
def now():
    return np.array([time.perf_counter(), time.process_time()])
start = now()
from losses import {name} as module
imported = now() - start
z = np.zeros({shape}, "{dtype}")
y = np.zeros({labels})
start = now()
module.value_and_grad(z, y)
print(*imported, *(now() - start))
"""
_REPEATS = 5


def first_call(folder: Path, name: str, dtype: str) -> list[float]:
    """Return how long import and first call take in a new process: clock and processor, clock and processor."""
    shape, labels = _LOSSES[name]
    program = _PROGRAM.format(name=name, dtype=dtype, shape=shape, labels=labels.format(dtype=dtype))
    usual = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env=usual, stdout=subprocess.PIPE, text=True, check=True
    )
    return [float(figure) for figure in done.stdout.split()]


def main() -> None:
    """Print the table."""
    print("| loss | dtype | import | first call, empty cache | first call, full cache |")
    print("|---|---|---|---|---|")
    for name in _LOSSES:
        for dtype in ("float32", "float64"):
            with tempfile.TemporaryDirectory() as folder:
                copy = Path(folder) / "losses"
                shutil.copytree(_GENERATED, copy, ignore=shutil.ignore_patterns("__pycache__", "docs"))
                *_, clock, processor = first_call(Path(folder), name, dtype)
                later = zip(*(first_call(Path(folder), name, dtype) for _ in range(_REPEATS)), strict=True)
            a, b, c, d = map(statistics.median, later)
            cold, imported, warm = f"{clock:.2f} ({processor:.2f})", f"{a:.3f} ({b:.3f})", f"{c:.3f} ({d:.3f})"
            print(f"| {name} | {dtype} | {imported} | {cold} | {warm} |", flush=True)


if __name__ == "__main__":
    main()
