"""The floating-point mode of a thread: some libraries flush subnormal numbers to zero, and new threads inherit it.

XLA does so in the threads in which it calls back, and whatever was compiled with ``-ffast-math`` where it is loaded.
"""

from __future__ import annotations

import ctypes
import functools
import platform
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Where a fenv_t of Linux has the register that says so, and the bits: FZ and DAZ of MXCSR, FZ of FPCR.
_FLUSHING = {"x86_64": (28, 0x8040), "aarch64": (0, 1 << 24)}
_SIZE = 64  # of a fenv_t, or more


@functools.cache
def _functions() -> tuple[Any, Any] | None:
    """Return fegetenv and fesetenv of C; None where the layout of a fenv_t is not known."""
    if not sys.platform.startswith("linux") or platform.machine() not in _FLUSHING:
        return None
    try:
        library = ctypes.CDLL(None)
        return library.fegetenv, library.fesetenv
    except (OSError, AttributeError):
        return None


def keep_subnormals(keep: bool = True) -> Any:
    """Let this thread keep subnormal numbers, or flush them to zero; return what `restore` takes."""
    functions = _functions()
    if functions is None:
        return None
    get, put = functions
    before = ctypes.create_string_buffer(_SIZE)
    get(before)
    offset, flushing = _FLUSHING[platform.machine()]
    after = ctypes.create_string_buffer(before.raw, _SIZE)
    (bits,) = struct.unpack_from("I", before, offset)
    struct.pack_into("I", after, offset, bits & ~flushing if keep else bits | flushing)
    put(after)
    return before


def restore(mode: Any) -> None:
    """Go back to an earlier mode of this thread."""
    functions = _functions()
    if functions is not None:
        functions[1](mode)


@contextmanager
def subnormals() -> Iterator[None]:
    """Keep subnormal numbers for a while."""
    mode = keep_subnormals()
    try:
        yield
    finally:
        restore(mode)
