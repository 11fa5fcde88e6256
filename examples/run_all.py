"""Runs every example, or those named, and prints one table; fails where a figure is short of its reference."""

from __future__ import annotations

import importlib
import os
import sys
import time
from pathlib import Path

from tqdm import tqdm

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # matrices are small: threads would only wait for one another
NAMES = (
    "diabetes",
    "breast_cancer",
    "digits_mlp",
    "digits_vae",
    "digits_gan",
    "digits_wgan",
    "boosting",
    "digit_lines",
    "digit_grammar",
)


def main() -> int:
    """Return the exit status."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    rows = []
    names = sys.argv[1:] or NAMES
    for name in tqdm(names, desc="examples", disable=not sys.stderr.isatty(), leave=False):
        started = time.perf_counter()
        results = importlib.import_module(f"examples.{name}").run()
        rows += [(result, time.perf_counter() - started) for result in results]
    line = "{:16}  {:21}  {:>9}  {:>9}  {:32}  {:>5}  {}"
    print(line.format("example", "metric", "symloss", "reference", "by", "s", ""))
    for result, seconds in rows:
        figures = (f"{result.ours:9.5g}", f"{result.reference:9.5g}")
        verdict = "" if result.good else "SHORT"
        print(line.format(result.example, result.metric, *figures, result.by, f"{seconds:.0f}", verdict))
    print("pictures of samples: examples/pictures/")
    return 0 if all(result.good for result, _ in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
