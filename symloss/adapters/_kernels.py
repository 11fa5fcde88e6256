"""The block kernel of a loss of one score, called with as little beside it as can be.

Generated functions check and lay out whatever they are given. Boosters give the same kind of arrays hundreds of times,
so what can be checked once is, and conversions happen block by block, in the cache.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from symloss.adapters._scores import Array, Scores

Floats = npt.NDArray[np.floating]
Change = Callable[[Floats, bool], Floats]  # of second derivatives, and whether they are of rows of scores
_BLOCK = 32768
_WORTH_HELP = 4  # blocks from which on other threads take part


class Kernel(NamedTuple):
    """What computes a block.

    Attributes
    ----------
    run : callable
        ``run(scores, targets, *constants, weight, scale, gradient, hessian)`` of the generated module; arrays of one
        dtype; it returns whether all targets are in their domain.
    constants : tuple of float
        The parameters of the loss.
    change : callable or None
        What makes the Hessian column of the second derivative.
    refusal : str
        What is wrong where a target is outside of its domain.
    """

    run: Any
    constants: tuple[float, ...]
    change: Change | None
    refusal: str


def kernel_of(loss: Scores, change: Change | None) -> Kernel:
    """Return the kernel of a loss of one score.

    Raises
    ------
    TypeError, ValueError
        For a parameter outside of its domain.
    """
    loss.call("grad_and_hess", np.zeros(0), np.zeros(0), reduction="none")  # looks at the parameters
    known = {p["name"]: p["default"] for p in loss.module.INFO["parameters"]} | loss.parameters
    refusal = f"{loss.target['name']}: expected targets in {loss.target['domain']}; some are outside"
    return Kernel(loss.module._grad_and_hess, tuple(map(float, known.values())), change, refusal)


class Blockwise:
    """Gradient and Hessian column of every sample, in float32, which XGBoost and LightGBM keep them in.

    They are computed in the precision of the scores, and rounded once.
    """

    def __init__(self, loss: Scores, change: Change | None) -> None:
        self._kernel = kernel_of(loss, change)
        package = loss.module.__name__.rpartition(".")[0]
        self._threads = importlib.import_module(f"{package}._runtime.threads")

    def __call__(self, raw: Floats, targets: Array, weight: Floats | None) -> tuple[Floats, Floats]:
        """Return both; all arrays are of shape (n_samples,).

        Raises
        ------
        ValueError
            If a target is outside of its domain.
        """
        raw = np.require(raw, None, ["C", "A", "W"])
        grad, hess = np.empty(len(raw), np.float32), np.empty(len(raw), np.float32)
        starts = iter(range(0, len(raw), _BLOCK))
        outside: list[int] = []

        def work() -> None:
            room = np.empty((3, _BLOCK), raw.dtype)
            with np.errstate(all="ignore"):  # what is too large for float32 is infinite
                for start in starts:
                    cut = slice(start, start + _BLOCK)
                    own = None if weight is None else weight[cut]
                    if outside or not self._write(raw[cut], targets[cut], own, room, grad[cut], hess[cut]):
                        outside.append(start)
                        break

        number = -(-len(raw) // _BLOCK)
        helpers = min(self._threads.thread_count(None), number) - 1 if number >= _WORTH_HELP else 0
        self._threads.run(work, helpers)
        if outside:
            raise ValueError(self._kernel.refusal)
        return grad, hess

    def _write(self, z: Floats, targets: Array, weight: Floats | None, room: Floats, grad: Any, hess: Any) -> bool:
        """Compute a block; return whether its targets are in their domain."""
        y, first, second = room[:, : len(z)]
        if targets.dtype == z.dtype and targets.flags.carray:
            y = targets
        else:
            np.copyto(y, targets, casting="unsafe")
        run, constants, change, _ = self._kernel
        inside = bool(run(z, y, *constants, None, 1.0, first, second))
        column = second if change is None else change(second, False)
        if weight is None:
            np.copyto(grad, first, casting="same_kind")
            np.copyto(hess, column, casting="same_kind")
        else:
            np.multiply(first, weight, out=grad, casting="same_kind")
            np.multiply(column, weight, out=hess, casting="same_kind")
        return inside
