"""Every float32 there is: float32 kernels against the float64 kernels, which are certified to a few units of 2**-53."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from sympy import FiniteSet, S

from symloss.arguments import Target, Weight
from symloss.declare import Loss
from symloss.progress import Progress, no_progress
from symloss.verify.hunt import OUTPUTS, Worst
from symloss.verify.kernels import own_kernels
from symloss.verify.point import Sample, ends

_CHUNK = 1 << 18
CHUNKS = range(1 << 14)  # all of the line of floats


def is_exhaustible(loss: Loss) -> bool:
    """Whether the loss of a sample has one continuous argument when its targets are fixed."""
    single = len(loss.predictions) == 1 and not loss.dims and not loss.sets and not loss.of_role(Weight)
    return single and all(_fixed(t) for t in loss.of_role(Target))


def _fixed(target: Any) -> list[float]:
    """Return the values of a target that a label takes: its members, or the ends of its domain that belong to it."""
    if isinstance(target.domain, FiniteSet):
        return [float(v) for v in target.domain]
    if target.domain == S.Reals:
        return []
    return [v for v in ends(target.domain) if np.isfinite(v) and bool(target.domain.contains(v))]


def exhaust(
    loss: Loss,
    module: ModuleType,
    progress: Progress = no_progress,
    chunks: Sequence[int] = CHUNKS,
    outputs: Sequence[str] = OUTPUTS,
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
    outputs : sequence of str
        What to compare; all, or the value alone.
    """
    targets = loss.of_role(Target)
    labels = list(itertools.product(*map(_fixed, targets)))
    found = {output: Worst() for output in outputs}
    rounds = [(label, chunk) for label in labels for chunk in chunks]
    tried = 0
    with own_kernels(module), ThreadPoolExecutor(os.cpu_count()) as pool:  # kernels let go of the interpreter
        pieces = pool.map(lambda piece: _try(loss, module, outputs, *piece), rounds)
        for part in progress(pieces, f"all float32: {loss.name}", len(rounds)):
            tried += part.pop("tried")
            for output, worst in part.items():
                found[output] = _larger(found[output], worst)
    return {output: (tried, worst) for output, worst in found.items()}


def _larger(a: Worst, b: Worst) -> Worst:
    worst = a if a.ulp >= b.ulp else b
    worst.subnormal = max(a.subnormal, b.subnormal)
    return worst


def _chunk(number: int, domain: Any) -> npt.NDArray[np.float32]:
    """Return the float32 of consecutive bit patterns, those outside of the domain aside."""
    start = number * _CHUNK
    x = np.arange(start, start + _CHUNK, dtype=np.uint32).view(np.float32)
    low, high = ends(domain)
    return x if np.isinf(low) and np.isinf(high) else x[(x >= low) & (x <= high)]


def _try(
    loss: Loss, module: ModuleType, outputs: Sequence[str], label: tuple[float, ...], chunk: int
) -> dict[str, Any]:
    """Return the worst of one part of the line, and under "tried" how many numbers it has."""
    x = _chunk(chunk, loss.predictions[0].domain)
    found: dict[str, Any] = {output: Worst() for output in outputs} | {"tried": x.size}
    if not x.size:
        return found
    wide = _ROOMS.take("x", x.size, np.float64)
    with np.errstate(invalid="ignore"):  # a signalling NaN becomes a quiet one
        wide[:] = x
    results = zip(outputs, _results(module, outputs, x, label), _results(module, outputs, wide, label), strict=True)
    for output, got, exact in results:
        worst = found[output]
        worst.ulp, place, worst.subnormal = _largest(got, exact, exact.view(np.int64), _UNITS)
        worst.of_terms = worst.ulp
        given = {loss.predictions[0].name: np.asarray(float(x[place]))}
        given |= {t.name: np.asarray(v) for t, v in zip(loss.of_role(Target), label, strict=True)}
        worst.sample = worst.sample_of_terms = Sample("exhaustive", given)
    return found


class _Rooms(threading.local):
    """Arrays of the size of a chunk, for each thread: fresh memory takes longer than what is computed in it."""

    def __init__(self) -> None:
        self._rooms: dict[tuple[Any, str], npt.NDArray[Any]] = {}

    def take(self, name: str, size: int, dtype: Any) -> npt.NDArray[Any]:
        """Return the array of a name and dtype, for so many numbers."""
        key = (np.dtype(dtype), name)
        room = self._rooms.get(key)
        if room is None or room.size < size:
            room = self._rooms[key] = np.empty(size, dtype)
        return room[:size]


_ROOMS = _Rooms()


def _results(
    module: ModuleType, outputs: Sequence[str], x: npt.NDArray[Any], label: tuple[float, ...]
) -> list[npt.NDArray[Any]]:
    """Return the outputs; they are overwritten with the next ones of this thread."""
    targets = [_ROOMS.take(f"target {i}", x.size, x.dtype) for i in range(len(label))]
    for target, v in zip(targets, label, strict=True):
        target.fill(v)
    rooms = [_ROOMS.take(output, x.size, x.dtype) for output in outputs]
    module.value(x, *targets, reduction="none", threads=1, out=rooms[0])
    if len(outputs) > 1:
        module.grad_and_hess(x, *targets, reduction="none", threads=1, out=tuple(rooms[1:]))
    return rooms


# Units in the last place of float32 by the biased exponent of a float64.
_UNITS = np.ldexp(1.0, np.maximum(np.arange(2048) - 1023, -126) - 23)


@numba.njit(cache=False, nogil=True, error_model="numpy")
def _largest(got: Any, exact: Any, patterns: Any, units: Any) -> tuple[float, int, float]:  # pragma: no cover
    """Return the largest error of a normal result, its place, and the largest of a subnormal one."""
    worst, place, subnormal = 0.0, 0, 0.0
    top, tiny = 2.0**128 * (1.0 - 2.0**-25), 2.0**-126
    for i in range(got.size):
        a, b = np.float64(got[i]), exact[i]
        error = abs(a - b) / units[(patterns[i] >> 52) & 2047]
        if not error <= 4.0:  # infinities, NaN, or an error indeed
            if a != a or b != b:
                error = 0.0 if (a != a) == (b != b) else np.inf
            elif abs(b) >= top:
                error = 0.0 if abs(a) == np.inf and (a > 0.0) == (b > 0.0) else np.inf
        if abs(b) < tiny:
            subnormal = max(subnormal, error)
        elif error > worst:
            worst, place = error, i
    return worst, place, subnormal
