"""Time symloss beside other libraries and write the table of ratios and its plot.

``python -m benchmarks.run`` takes the sizes up to a million entries; ``--all`` those up to sixteen million.  Each peer
has a process of its own, on one core that it is bound to and then on all; results stand in ``benchmarks/results.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmarks.peers import NAMES
from symloss.write import replace_text, with_part

_HERE = Path(__file__).parent
_README = _HERE.parent / "README.md"
_START, _END = "<!-- speed -->\n", "<!-- end of speed -->"
Line = dict[str, Any]
Key = tuple[Any, ...]


def measure(peer: str, threads: int, sizes: tuple[float, float], repeats: int) -> list[Line]:
    """Run the process of one peer and return what it measured; nothing where the peer is not installed."""
    processors = sorted(os.sched_getaffinity(0))[:threads]

    def bind() -> None:
        os.sched_setaffinity(0, processors)

    command = [sys.executable, "-m", "benchmarks.worker", peer, str(threads), *map(str, sizes), str(repeats)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        command, cwd=_HERE.parent, env=environment, preexec_fn=bind, capture_output=True, text=True, check=False
    )  # fmt: skip
    if done.returncode:
        print(f"{peer}, {threads} threads: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def _key(line: Line) -> Key:
    return line["loss"], line["output"], tuple(line["shape"]), line["dtype"], line["threads"]


def ratios(lines: Iterable[Line]) -> dict[Key, Line]:
    """Return for every case the fastest peer, how many times faster ours is, and its distance from the floor."""
    best: dict[Key, Line] = {}
    for line in lines:
        ratio = line["peer"] / line["ours"]
        if _key(line) not in best or ratio < best[_key(line)]["ratio"]:
            best[_key(line)] = {**line, "ratio": ratio, "above_floor": line["out"] / line["floor"]}
    return best


def table(best: dict[Key, Line]) -> str:
    """Return the table of ratios in Markdown: ours beside the fastest peer of each case."""
    rows = ["| loss | size | f32, 1 core | f32, all | f64, 1 core | f64, all |", "|---|---|---|---|---|---|"]
    threads = sorted({key[4] for key in best})
    columns = [(dtype, count) for dtype in ("float32", "float64") for count in (threads[0], threads[-1])]
    for loss, output, shape in dict.fromkeys(key[:3] for key in best):
        cells = [_cell(best.get((loss, output, shape, *column))) for column in columns]
        size = " x ".join(f"{n:,}" for n in shape)
        what = loss.replace("_", " ") + (", gradient and Hessian" if output == "hessian" else "")
        rows.append(f"| {what} | {size} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _cell(line: Line | None) -> str:
    if line is None:
        return ""
    per_entry = 1e9 * line["ours"] / int(np.prod(line["shape"]))
    return f"{line['ratio']:.1f} x {line['peer_name']} ({per_entry:.2f} ns)"


def plot(best: dict[Key, Line], path: Path) -> None:
    """Draw the ratios of the largest sizes as bars."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.ticker import LogLocator, NullLocator

    chosen: dict[str, tuple[int, float]] = {}
    for (loss, output, shape, dtype, threads), line in best.items():
        name = f"{loss} ({dtype}{', Hessian' if output == 'hessian' else ''})"
        if threads == 1 and int(np.prod(shape)) >= chosen.get(name, (0, 0.0))[0]:
            chosen[name] = int(np.prod(shape)), line["ratio"]
    names = sorted(chosen, key=lambda name: chosen[name][1])
    figure, axes = plt.subplots(figsize=(8, 0.28 * len(names) + 1), layout="constrained")
    axes.barh(names, [chosen[name][1] for name in names], color="#3b6ea5")
    axes.axvline(1.0, color="black", linewidth=0.8)
    axes.set(xscale="log", xlabel="times faster than the fastest peer, one core, largest size")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(axis="x", linewidth=0.3)
    axes.tick_params(axis="y", labelsize=7)
    figure.savefig(path, dpi=120)


def main() -> None:
    """Measure, and write results, table and plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="the largest sizes, too")
    parser.add_argument("--smallest", type=float, default=0, help="leave out what has fewer entries")
    parser.add_argument("--repeats", type=int, default=11)
    parser.add_argument("--peers", nargs="*", default=NAMES, choices=NAMES)
    given = parser.parse_args()
    path = _HERE / "results.json"
    cores = len(os.sched_getaffinity(0))
    before = json.loads(path.read_text())["lines"] if path.exists() else []
    lines: list[Line] = [line for line in before if line["peer_name"] not in given.peers]
    runs = [(peer, threads) for threads in dict.fromkeys((1, cores)) for peer in given.peers]
    for peer, threads in tqdm(runs, desc="measure", disable=not sys.stderr.isatty()):
        lines += measure(peer, threads, (given.smallest, 2e7 if given.all else 5e6), given.repeats)
    best = ratios(lines)
    machine = {"processor": platform.processor() or platform.machine(), "cores": cores}
    path.write_text(json.dumps({"machine": machine, "lines": lines}, indent=1) + "\n")
    text = table(best)
    replace_text(_README, with_part(_README.read_text(encoding="utf-8"), _START, _END, text))
    plot(best, _HERE / "speed.png")
    print(text)


if __name__ == "__main__":
    main()
