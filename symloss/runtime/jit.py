"""The decorator of every kernel: Numba without the GIL, cached on disk wherever that is possible.

Numba's own ``cache=True`` raises at import where no cache directory can be written, does not see that a function
which was compiled *into* a kernel has changed, and may mix up two specialisations that two processes save at the
same time.  The cache below has none of these: it looks for its directory at the first compilation, failures to read
or write it only cost time, its key covers this whole folder, and every specialisation has a file name of its own.
"""

from __future__ import annotations

import functools
import hashlib
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba.core.caching import FunctionCache, NullCache
from numba.core.serialize import dumps

from .literals import Polymorphic


def inlined(function: Callable[..., Any]) -> Any:
    """Compile a function as `kernel` does; LLVM puts its body in the place of every call."""
    return kernel(function, forceinline=True)


def polymorphic(function: Callable[..., Any]) -> Any:
    """Compile a function of numbers as `kernel` does, in float32 where they all are; put in the place of its calls."""
    return kernel(function, forceinline=True, pipeline_class=Polymorphic)


def kernel(function: Callable[..., Any], **options: Any) -> Any:
    """Compile a function with Numba at its first call: no GIL, NumPy's division by zero, cached on disk.

    Parameters
    ----------
    function : callable
        Defined at the top level of a module.
    **options
        Others of Numba's.

    Returns
    -------
    numba dispatcher
        Without a disk cache where there is no directory to write one.
    """
    dispatcher = numba.njit(nogil=True, error_model="numpy", **options)(function)
    if hasattr(dispatcher, "_cache"):  # absent under NUMBA_DISABLE_JIT, where the function itself comes back
        dispatcher._cache = _LazyCache(function, _source_stamp(function))
    return dispatcher


class _LazyCache(NullCache):
    """Numba's cache of one function, set up when it is first needed, so that importing touches no file."""

    def __init__(self, function: Callable[..., Any], stamp: str) -> None:
        self._function, self._stamp = function, stamp

    @functools.cached_property
    def _cache(self) -> Any:
        try:
            cache = FunctionCache(self._function)
            cache._cache_file = _Files(cache._cache_path, cache._impl.filename_base, self._stamp)
        except (RuntimeError, OSError):  # no place to write
            return NullCache()
        return cache

    @property
    def cache_path(self) -> Any:
        return self._cache.cache_path

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the compiled specialisation, or None."""
        return self._cache.load_overload(sig, target_context)

    def save_overload(self, sig: Any, data: Any) -> None:
        """Write the specialisation to disk, if the disk lets us."""
        try:
            self._cache.save_overload(sig, data)
        except OSError:
            self.__dict__["_cache"] = NullCache()  # became read-only, or full

    def flush(self) -> None:
        """Forget what is on disk."""
        self._cache.flush()


class _Files:
    """The files of one function: one a specialisation, written whole, named by everything it depends on."""

    def __init__(self, folder: str, base: str, stamp: str) -> None:
        self._folder, self._base, self._stamp = Path(folder), base, stamp

    def _path(self, key: Any) -> Path:
        return self._folder / f"{self._base}.{self._stamp}-{hashlib.sha256(repr(key).encode()).hexdigest()[:16]}.nbc"

    def load(self, key: Any) -> Any:
        """Return what was saved under the key, or None."""
        try:
            found, data = pickle.loads(self._path(key).read_bytes())
        except Exception:  # nothing there, or damaged, which pickle reports in a dozen ways
            return None
        return data if found == repr(key) else None

    def save(self, key: Any, data: Any) -> None:
        """Write ``data`` under the key and remove what belongs to an older source."""
        path = self._path(key)
        partial = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        try:
            partial.write_bytes(dumps((repr(key), data)))
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        self._remove(keep=f"{self._base}.{self._stamp}-")

    def flush(self) -> None:
        """Remove every file of the function."""
        self._remove(keep=None)

    def _remove(self, keep: str | None) -> None:
        for path in self._folder.glob(f"{self._base}.*.nbc"):
            if keep is None or not path.name.startswith(keep):
                path.unlink(missing_ok=True)


def _digest(*files: Path) -> str:
    digest = hashlib.sha256(numba.__version__.encode())
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


# Taken when the sources are loaded: a process that outlives a change must not save old code under the new stamp.
_RUNTIME_STAMP = _digest(*sorted(Path(__file__).parent.glob("*.py")))


def _source_stamp(function: Callable[..., Any]) -> str:
    """Return a hash of what the function is compiled from: its own file, and this folder."""
    file = Path(function.__code__.co_filename)
    try:
        status = file.stat()
    except OSError:  # not from a file
        return _RUNTIME_STAMP[:12]
    return _stamp_of(file, status.st_mtime_ns, status.st_size)


@functools.cache
def _stamp_of(file: Path, _time: int, _size: int) -> str:
    return hashlib.sha256(f"{_RUNTIME_STAMP}{_digest(file)}".encode()).hexdigest()[:12]
