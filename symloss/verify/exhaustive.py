"""Every float32 there is: float32 kernels against the float64 kernels, which are certified to a few units of 2**-53."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import ModuleType
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from sympy import FiniteSet, S

from symloss.arguments import Target, Weight
from symloss.declare import Loss
from symloss.verify.hunt import OUTPUTS, Worst
from symloss.verify.point import Sample, ends

Progress = Callable[[Iterable[Any], str, int], Iterable[Any]]
_CHUNK = 1 << 22
_CHUNKS = 1 << 10


def is_exhaustible(loss: Loss) -> bool:
    """Whether the loss of a sample has one continuous argument when its targets are fixed."""
    single = len(loss.predictions) == 1 and not loss.dims and not loss.sets and not loss.of_role(Weight)
    return single and all(_fixed(t) for t in loss.of_role(Target))


def _fixed(target: Any) -> list[float]:
    """Return the values of a target that a label takes: its members, or the ends of its domain."""
    if isinstance(target.domain, FiniteSet):
        return [float(v) for v in target.domain]
    return [] if target.domain == S.Reals else [v for v in ends(target.domain) if np.isfinite(v)]


def exhaust(
    loss: Loss, module: ModuleType, progress: Progress, chunks: Sequence[int] = range(_CHUNKS)
) -> dict[str, tuple[int, Worst]]:
    """Return how many inputs were tried, and the worst, for each output.

    The reference is the float64 kernel at the same number, whose own error is below 2**-28 units of float32.

    Parameters
    ----------
    loss : Loss
        One for which `is_exhaustible` holds.
    module : module
        Its kernels.
    progress : callable
        Wraps the iteration.
    chunks : sequence of int
        Which parts of the line of floats, of `_CHUNK` bit patterns each.
    """
    targets = loss.of_role(Target)
    labels = list(itertools.product(*map(_fixed, targets)))
    found = {output: Worst() for output in OUTPUTS}
    rounds = [(label, chunk) for label in labels for chunk in chunks]
    tried = 0
    for label, chunk in progress(rounds, f"all float32: {loss.name}", len(rounds)):
        x = _chunk(chunk, loss.predictions[0].domain)
        tried += x.size
        if x.size:
            _try(loss, module, x, label, found)
    return {output: (tried, worst) for output, worst in found.items()}


def _chunk(number: int, domain: Any) -> npt.NDArray[np.float32]:
    """Return the float32 of consecutive bit patterns, those outside of the domain aside."""
    start = number * _CHUNK
    x = np.arange(start, start + _CHUNK, dtype=np.uint32).view(np.float32)
    low, high = ends(domain)
    return x if np.isinf(low) and np.isinf(high) else x[(x >= low) & (x <= high)]


def _try(
    loss: Loss, module: ModuleType, x: npt.NDArray[np.float32], label: tuple[float, ...], found: dict[str, Worst]
) -> None:
    got, exact = (_results(module, x.astype(dtype), label) for dtype in (np.float32, np.float64))
    for output, a, b in zip(OUTPUTS, got, exact, strict=True):
        worst = found[output]
        normal, place, subnormal = _largest(a, b)
        if normal > worst.ulp:
            given = {loss.predictions[0].name: np.asarray(float(x[place]))}
            given |= {t.name: np.asarray(v) for t, v in zip(loss.of_role(Target), label, strict=True)}
            worst.ulp = worst.of_terms = normal
            worst.sample = worst.sample_of_terms = Sample("exhaustive", given)
        worst.subnormal = max(worst.subnormal, subnormal)


def _results(module: ModuleType, x: npt.NDArray[Any], label: tuple[float, ...]) -> Iterator[npt.NDArray[Any]]:
    targets = [np.full(x.shape, v, np.int8 if v == int(v) else x.dtype) for v in label]
    yield from module.value_and_grad(x, *targets, reduction="none")
    yield module.grad_and_hess(x, *targets, reduction="none")[1]


@numba.njit(cache=False, error_model="numpy")
def _largest(got: Any, exact: Any) -> tuple[float, int, float]:  # pragma: no cover
    """Return the largest error of a normal result, its place, and the largest of a subnormal one."""
    worst, place, subnormal = 0.0, 0, 0.0
    least, top, tiny = 2.0**-149, 2.0**128, 2.0**-126
    for i in range(got.size):
        a, b = np.float64(got[i]), exact[i]
        size = abs(b)
        if a != a or b != b:
            error = 0.0 if (a != a) == (b != b) else np.inf
        elif size >= top * (1.0 - 2.0**-25):
            error = 0.0 if abs(a) == np.inf and (a > 0.0) == (b > 0.0) else np.inf
        elif size < tiny:
            subnormal = max(subnormal, abs(a - b) / least)
            continue
        else:
            unit = 2.0 ** np.floor(np.log2(size)) * 2.0**-23
            if unit > size * 2.0**-23:  # log2 rounded up to the next binade
                unit *= 0.5
            error = abs(a - b) / unit
        if error > worst:
            worst, place = error, i
    return worst, place, subnormal
