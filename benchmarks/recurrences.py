"""Losses over recurrences beside what PyTorch and JAX users have; value and gradient, float32, calls take turns.

Usage: ``python -m benchmarks.recurrences [--only WORD] [--repeats N] [--cores N] [--cost FILE.png | --accuracy]``.
Peers that are not installed are left out: ``pip install 'symloss[peers,sequence-peers]'``.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

Call = Callable[[], Any]


class Case(NamedTuple):
    """One size of one loss; calls return the loss, and leave the gradient wherever they do."""

    name: str
    ours: Callable[[int], Any]
    theirs: dict[str, Callable[[int], Any]]


def compiled(name: str) -> Any:
    """Return the module of a loss."""
    return importlib.import_module(f"symloss.generated.{name}")


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except (ImportError, OSError):  # not there, or built for another version of what it is built on
        return None


def _in_torch(torch: Any, loss: Callable[[], Any], leaves: list[Any]) -> Callable[[int], float]:
    def call(threads: int) -> float:
        torch.set_num_threads(threads)
        for leaf in leaves:
            leaf.grad = None
        value = loss()
        value.backward()
        return float(value.detach())

    return call


def alignments(frames: int, count: int, classes: int, labels: int) -> Case:
    """Return CTC from logits."""
    module, torch, optax = compiled("ctc_with_logits"), _module("torch"), _module("optax")
    rng = np.random.default_rng(0)
    z = rng.normal(size=(count, frames, classes)).astype(np.float32)
    label, out = rng.integers(1, classes, (count, labels)), np.empty_like(z)
    theirs: dict[str, Callable[[int], Any]] = {}
    if torch is not None:
        x = torch.tensor(z.transpose(1, 0, 2).copy(), requires_grad=True)
        sizes = torch.full((count,), frames), torch.full((count,), labels)
        targets, ctc = torch.tensor(label), torch.nn.functional.ctc_loss
        theirs["torch"] = _in_torch(
            torch, lambda: ctc(torch.log_softmax(x, -1), targets, *sizes, reduction="sum") / count, [x]
        )
    if optax is not None:
        theirs["optax"] = _in_jax(
            lambda logits: optax.ctc_loss(logits, np.zeros((count, frames)), label, np.zeros((count, labels))).mean(),
            [z],
        )
    return Case(
        f"CTC {frames} x {count} x {classes}, {labels} labels",
        lambda threads: module.value_and_grad(z, label, out=(None, out), threads=threads)[0],
        theirs,
    )


def _in_jax(loss: Callable[..., Any], arrays: list[Any]) -> Callable[[int], float]:
    import jax

    both = jax.jit(jax.value_and_grad(loss, argnums=tuple(range(len(arrays)))))

    def call(threads: int) -> float:  # XLA takes the threads that the process may use
        value, grads = both(*arrays)
        jax.block_until_ready(grads)
        return float(value)

    return call


def chains(length: int, count: int, tags: int) -> Case:
    """Return linear-chain CRFs."""
    module, torch = compiled("linear_chain_crf"), _module("torch")
    rng = np.random.default_rng(0)
    emission = rng.normal(size=(count, length, tags)).astype(np.float32)
    shared = [rng.normal(size=s).astype(np.float32) for s in ((tags, tags), tags, tags)]
    tag = rng.integers(0, tags, (count, length))
    theirs: dict[str, Callable[[int], Any]] = {}
    torchcrf = _module("torchcrf")
    if torch is not None and torchcrf is not None:
        crf = torchcrf.CRF(tags, batch_first=True)
        with torch.no_grad():
            for parameter, array in zip(
                (crf.transitions, crf.start_transitions, crf.end_transitions), shared, strict=True
            ):
                parameter.copy_(torch.tensor(array))
        e, y = torch.tensor(emission, requires_grad=True), torch.tensor(tag)
        theirs["pytorch-crf"] = _in_torch(torch, lambda: -crf(e, y, reduction="mean"), [e, *crf.parameters()])
    if torch is not None:
        leaves = [torch.tensor(a, requires_grad=True) for a in (emission, *shared)]
        theirs["torch, a scan"] = _in_torch(torch, lambda: _chain_in_torch(torch, *leaves, torch.tensor(tag)), leaves)
    given = (emission, *shared, tag)
    return Case(
        f"CRF {length} x {count}, {tags} tags",
        lambda threads: module.value_and_grad(*given, threads=threads)[0],
        theirs,
    )


def _chain_in_torch(torch: Any, emission: Any, transition: Any, start: Any, end: Any, tag: Any) -> Any:
    alpha = start + emission[:, 0]
    score = start[tag[:, 0]] + emission.gather(2, tag[:, :, None]).sum((1, 2)) + end[tag[:, -1]]
    score = score + transition[tag[:, :-1], tag[:, 1:]].sum(1)
    for t in range(1, emission.shape[1]):
        alpha = torch.logsumexp(alpha[:, :, None] + transition, 1) + emission[:, t]
    return (torch.logsumexp(alpha + end, 1) - score).mean()


def transducers(frames: int, count: int, labels: int, classes: int) -> Case:
    """Return RNN transducers."""
    module, torch, torchaudio = compiled("rnnt_with_logits"), _module("torch"), _module("torchaudio")
    rng = np.random.default_rng(0)
    z = rng.normal(size=(count, frames, labels + 1, classes)).astype(np.float32)
    label = rng.integers(1, classes, (count, labels))
    theirs: dict[str, Callable[[int], Any]] = {}
    if torch is not None:
        x, y = torch.tensor(z, requires_grad=True), torch.tensor(label)
        if torchaudio is not None:
            sizes = [torch.full((count,), s, dtype=torch.int32) for s in (frames, labels)]
            rnnt = torchaudio.functional.rnnt_loss
            theirs["torchaudio"] = _in_torch(torch, lambda: rnnt(x, y.int(), *sizes, blank=0, reduction="mean"), [x])
        theirs["torch, a scan"] = _in_torch(torch, lambda: _transducer_in_torch(torch, x, y), [x])
    return Case(
        f"RNN-T {frames} x {count} x {classes}, {labels} labels",
        lambda threads: module.value_and_grad(z, label, threads=threads)[0],
        theirs,
    )


def _transducer_in_torch(torch: Any, z: Any, label: Any) -> Any:
    """Return the loss, an anti-diagonal at a time."""
    logp = torch.log_softmax(z, -1)
    count, frames, places, _ = logp.shape
    blank = logp[..., 0]
    emit = torch.nn.functional.pad(
        logp[:, :, :-1].gather(3, label[:, None, :, None].expand(-1, frames, -1, 1))[..., 0], (0, 1), value=-1e30
    )
    alpha = torch.full((count, places), -1e30)
    alpha[:, 0] = 0.0
    u = torch.arange(places)
    for front in range(1, frames + places - 1):
        t = front - u
        inside = (t >= 0) & (t < frames)
        from_t = torch.where(inside & (t > 0), alpha + blank[:, (t - 1).clamp(0, frames - 1), u], torch.tensor(-1e30))
        shifted = alpha[:, :-1] + emit[:, t[1:].clamp(0, frames - 1), u[:-1]]
        from_u = torch.nn.functional.pad(torch.where(inside[1:], shifted, torch.tensor(-1e30)), (1, 0), value=-1e30)
        alpha = torch.logaddexp(from_t, from_u)
    return -(alpha[:, -1] + blank[:, -1, -1]).mean()


def warpings(count: int, n: int, m: int) -> Case:
    """Return soft dynamic time warping."""
    module, torch = compiled("soft_dtw"), _module("torch")
    distance = np.random.default_rng(0).random((count, n, m), np.float32)
    theirs: dict[str, Callable[[int], Any]] = {}
    tslearn = _module("tslearn.metrics.soft_dtw_fast")
    if tslearn is not None:
        theirs["tslearn"] = lambda threads: _warped_by_tslearn(tslearn, distance)
    if torch is not None:
        x = torch.tensor(distance, requires_grad=True)
        theirs["torch, a scan"] = _in_torch(torch, lambda: _warped_in_torch(torch, x), [x])
    return Case(
        f"soft-DTW {count} x {n} x {m}", lambda threads: module.value_and_grad(distance, threads=threads)[0], theirs
    )


def _warped_by_tslearn(fast: Any, distances: Any) -> float:
    """Return the mean loss by tslearn's own Numba kernels, forward and backward."""
    total = 0.0
    for distance in distances:
        d = distance.astype(np.float64)
        n, m = d.shape
        r, e = np.zeros((n + 2, m + 2)), np.zeros((n + 2, m + 2))
        fast._njit_soft_dtw(d, r, gamma=1.0)
        total += r[n, m]
        padded = np.pad(d, ((0, 1), (0, 1)))
        fast._njit_soft_dtw_grad(padded, r, e, gamma=1.0)
    return total / len(distances)


def _warped_in_torch(torch: Any, distance: Any) -> Any:
    """Return the mean loss, an anti-diagonal at a time."""
    count, n, m = distance.shape
    far = torch.full((count, n + 1), 1e30)
    before, last = far.clone(), far.clone()
    before[:, 0] = 0.0
    i = torch.arange(n)
    for front in range(n + m - 1):
        j = front - i
        inside = (j >= 0) & (j < m)
        came = torch.stack([last[:, :-1], last[:, 1:], before[:, :-1]], -1)
        value = distance[:, i, j.clamp(0, m - 1)] - torch.logsumexp(-came, -1)
        new = torch.nn.functional.pad(torch.where(inside, value, torch.tensor(1e30)), (1, 0), value=1e30)
        before, last = last, new
    return last[:, -1].mean()


def cases() -> Iterator[Callable[[], Case]]:
    """Yield what makes each case."""
    for size in ((200, 32, 64, 50), (1000, 8, 5000, 200), (100, 256, 32, 20)):
        yield lambda size=size: alignments(*size)  # type: ignore[misc]
    yield lambda: chains(100, 64, 20)
    yield lambda: transducers(60, 8, 20, 64)
    yield lambda: warpings(32, 100, 100)


_CALM = 0.02  # seconds, after which no thread of the call before looks for work any more


def measure(case: Case, threads: int, repeats: int) -> Iterator[tuple[str, float, float, float]]:
    """Yield for every peer its name, our median time and its own, and the relative difference of the losses.

    On one core that is the time of the processor, which other work on the machine disturbs less.
    """
    clock = time.process_time if threads == 1 else time.perf_counter
    for name, peer in case.theirs.items():
        ours, theirs = case.ours(threads), peer(threads)
        times: tuple[list[float], list[float]] = ([], [])
        for _, (call, own) in itertools.product(range(repeats), ((case.ours, times[0]), (peer, times[1]))):
            time.sleep(_CALM)
            start = clock()
            call(threads)
            own.append(clock() - start)
        yield name, *(float(np.median(own)) for own in times), abs(float(ours) - float(theirs)) / abs(float(theirs))


def lattices() -> Iterator[tuple[str, Callable[[int], tuple[Case, int]]]]:
    """Yield ways for lattices to grow: a name, and what makes the case that is k times the smallest, with its size."""
    yield "CTC, T S: T grows", lambda k: (alignments(60 * k, 1, 16, 40), 60 * k * 81)
    yield (
        "CTC, T S: both grow",
        lambda k: _grown(k, lambda r: (alignments(120 * r, 1, 16, 30 * r), 120 * r * (60 * r + 1))),
    )
    yield "CRF, T K^2: T grows", lambda k: (chains(100 * k, 1, 8), 100 * k * 64)
    yield "CRF, T K^2: K grows", lambda k: _grown(k, lambda r: (chains(60, 1, 8 * r), 60 * (8 * r) ** 2))
    yield "RNN-T, T U K: T grows", lambda k: (transducers(40 * k, 1, 8, 16), 40 * k * 9 * 16)
    yield (
        "RNN-T, T U K: U and K grow",
        lambda k: _grown(k, lambda r: (transducers(40, 1, 8 * r, 16 * r), 40 * (8 * r + 1) * 16 * r)),
    )
    yield "soft-DTW, n m: both grow", lambda k: _grown(k, lambda r: (warpings(1, 60 * r, 60 * r), (60 * r) ** 2))


def _grown(k: int, make: Callable[[int], tuple[Case, int]]) -> tuple[Case, int]:
    return make(round(k**0.5))


def cost(path: Path) -> None:
    """Plot the time of value and gradient, of one core, over two decades of the size of each lattice."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(7, 5))
    for label, of_size in lattices():
        sizes, found = [], []
        for k in (1, 4, 9, 25, 49, 100):
            case, size = of_size(k)
            case.ours(1)
            ticks = [time.process_time() for _ in range(9) if case.ours(1) is not None]
            sizes.append(size)
            found.append(float(np.min(np.diff(ticks))))
        slope = float(np.polyfit(np.log(sizes[2:]), np.log(found[2:]), 1)[0])
        axis.loglog(sizes, found, marker="o", label=f"{label} (exponent {slope:.2f})")
        print(f"{label:30} exponent {slope:.2f}, {1e9 * found[-1] / sizes[-1]:.1f} ns an entry", flush=True)
    ends = np.array(axis.get_xlim())
    axis.loglog(ends, 1e-8 * ends, "k:", linewidth=1, label="linear: 10 ns an entry")
    axis.set_xlabel("entries of the lattice of a sequence")
    axis.set_ylabel("seconds of one core, value and gradient")
    axis.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=100)
    pyplot.close(figure)


def accuracy() -> None:
    """Print how far float32 is from float64, for long sequences and large logits."""
    module = compiled("ctc_with_logits")
    print(f"{'frames, count, classes, labels':32} {'scale':>5} {'value':>8} {'gradient':>8}")
    sizes = ((200, 32, 64, 50), (100, 256, 32, 20), (1000, 8, 5000, 200), (5000, 2, 30, 800))
    for (frames, count, classes, labels), scale in itertools.product(sizes, (1, 10, 100)):
        rng = np.random.default_rng(scale)
        z = rng.normal(size=(count, frames, classes)).astype(np.float32) * np.float32(scale)
        label = rng.integers(1, classes, (count, labels))
        value, grad = module.value_and_grad(z, label, reduction="none")
        exact, slopes = module.value_and_grad(z.astype(np.float64), label, reduction="none")
        largest = abs(slopes).max(-1, keepdims=True)
        apart = np.maximum(abs(grad - slopes) - 2 * np.finfo(np.float32).smallest_subnormal, 0.0)
        found = (abs(value - exact) / exact).max(), (apart / np.where(largest > 0.0, largest, 1.0)).max()
        print(f"{f'{frames}, {count}, {classes}, {labels}':32} {scale:5} {found[0]:8.1e} {found[1]:8.1e}", flush=True)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--cores", type=int, default=2, help="that everybody may use; XLA takes them all")
    parser.add_argument("--accuracy", action="store_true", help="print errors of float32 instead")
    parser.add_argument("--cost", type=Path, help="plot the cost over two decades into this file instead")
    given = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: given.cores])
    if given.accuracy:
        accuracy()
        return
    if given.cost is not None:
        cost(given.cost)
        return
    print(f"{'case':40} {'peer':14} {'cores':>5} {'ours, ms':>9} {'theirs, ms':>10} {'ratio':>6} {'difference':>10}")
    for make in cases():
        case = make()
        if given.only not in case.name:
            continue
        for name, ours, theirs, apart in measure(case, given.cores, given.repeats):
            row = f"{case.name:40} {name:14} {given.cores:5} {1e3 * ours:9.2f} {1e3 * theirs:10.2f}"
            print(f"{row} {theirs / ours:6.1f} {apart:10.1e}", flush=True)


if __name__ == "__main__":
    main()
