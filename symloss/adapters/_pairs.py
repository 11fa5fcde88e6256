"""Derivatives of a few hundred samples of a loss of one score, as CatBoost asks for them.

It asks for 500 or 1,000 samples at a time, one thread after the other, so that what surrounds a kernel can take longer
than the kernel.  What it takes without converting anything is float32, and it walks through any layout: the kernel
writes both derivatives where they stay.

Its threads are not Python's.  For each call they would be given a new state of the interpreter, with the stack of
Python frames that is mapped and unmapped with it, while the other thread waits: more than the derivatives take.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from sys import getrefcount
from typing import Any

import numpy as np
import numpy.typing as npt

from symloss.adapters._kernels import Change, Floats, Kernel, kernel_of
from symloss.adapters._scores import Array, Scores

_LENGTHS = 16  # of which a thread keeps room
Pairs = Callable[[Floats, Array, "Floats | None"], Floats]
Write = Callable[..., bool]  # scores, targets, perhaps weights, and where to


def compiled_pairs(loss: Scores, change: Change | None, dtype: npt.DTypeLike) -> Pairs:
    """Return a function from scores, targets and weights to derivatives of minus the loss.

    Parameters
    ----------
    loss : Scores
        A loss of one score.
    change : callable or None
        What makes the Hessian column of the second derivative; Numba has to compile it.
    dtype : dtype-like
        What the derivatives are computed and returned in, float32 or float64.

    Returns
    -------
    callable
        Of float64 scores, targets of any dtype and weights or None, all of shape (n_samples,): an array of shape
        (n_samples, 2) of gradients and Hessian column. It raises ValueError if a target is outside of its domain.
        What it calls is compiled when it is first called.

    Raises
    ------
    ValueError
        For another dtype.
    """
    kernel = kernel_of(loss, change)
    kept = np.dtype(dtype)
    if kept not in (np.float32, np.float64):
        raise ValueError(f"dtype: expected float32 or float64, got {kept}")
    weighted = _exact(kernel, kept) if change is None else _changed(kernel, kept)
    plain = _without_weights(weighted)
    rooms, refusal = _Rooms(), kernel.refusal

    def pairs(scores: Floats, targets: Array, weights: Floats | None) -> Floats:
        count = len(scores)
        room = rooms.of_length.get(count)
        # Referred to by the pair, here, and by the call that counts; the columns by their transpose, too.
        if room is None or getrefcount(room[0]) > 3 or getrefcount(room[1]) > 2:
            if len(rooms.of_length) == _LENGTHS:
                rooms.of_length.clear()
            columns = np.empty((2, count), kept)
            room = rooms.of_length[count] = (columns, columns.T)
            del columns
        inside = plain(scores, targets, room[0]) if weights is None else weighted(scores, targets, weights, room[0])
        if not inside:
            raise ValueError(refusal)
        return room[1]

    return pairs


def keep_thread_state() -> None:
    """Let the interpreter keep its state of this thread, and what is local to it in Python, until it ends itself.

    What a foreign thread is given by ``PyGILState_Ensure`` is deleted by the last ``PyGILState_Release``; there is one
    more of the former now.  The threads of a pool live as long as the process; the state of one that ends is not freed.
    """
    ctypes.pythonapi.PyGILState_Ensure()


class _Rooms(threading.local):
    """Where the results of a thread are, for each length one, which is used again when nobody else knows it."""

    def __init__(self) -> None:
        keep_thread_state()
        self.of_length: dict[int, tuple[Floats, Floats]] = {}


def _without_weights(weighted: Write) -> Write:
    """Return the same without weights: Numba takes longer to recognise a None than an array."""
    import numba  # which imports SciPy where that is installed

    @numba.njit(error_model="numpy")
    def plain(scores: Any, targets: Any, columns: Any) -> Any:
        return weighted(scores, targets, None, columns)

    return plain


def _exact(kernel: Kernel, kept: np.dtype[Any]) -> Write:
    """Return what computes both derivatives, and returns whether all targets are in their domain."""
    import numba

    run, constants = kernel.run, kernel.constants

    @numba.njit(error_model="numpy")
    def write(scores: Any, targets: Any, weights: Any, columns: Any) -> Any:
        z, y = np.asarray(scores, kept), np.asarray(targets, kept)
        return run(z, y, *constants, weights, -1.0, columns[0], columns[1])

    return write


def _changed(kernel: Kernel, kept: np.dtype[Any]) -> Write:
    """Return the same for a Hessian column that is made of the second derivative."""
    import numba

    run, constants = kernel.run, kernel.constants
    change = numba.njit(kernel.change, error_model="numpy")

    @numba.njit(error_model="numpy")
    def write(scores: Any, targets: Any, weights: Any, columns: Any) -> Any:
        z, y = np.asarray(scores, kept), np.asarray(targets, kept)
        grad, hess = columns[0], columns[1]
        inside = run(z, y, *constants, None, 1.0, grad, hess)
        column = change(hess, False)
        for i in range(grad.shape[0]):
            factor = -1.0 if weights is None else -np.float64(weights[i])
            grad[i], hess[i] = factor * grad[i], factor * column[i]
        return inside

    return write
