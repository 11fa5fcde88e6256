"""The disk cache of compiled functions: one file a specialisation, written whole, named by everything it depends on.

Numba's own ``cache=True`` raises at import where no cache directory can be written, does not see that a function
which was compiled *into* a kernel has changed, and may mix up two specialisations that two processes save at the
same time.  This one has none of these: it looks for its directory when it is first needed, failures to read or write
it only cost time, its key covers this whole folder, and every specialisation has a file name of its own.
"""

from __future__ import annotations

import functools
import hashlib
import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba.core.caching import CompileResultCacheImpl, InTreeCacheLocator, NullCache, UserWideCacheLocator

from .machine_code import MachineCode, extract, processor


class DiskCache(NullCache):
    """The saved specialisations of one function.

    Parameters
    ----------
    function : callable
        From a file.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._source = function.__code__.co_filename
        self._loaded = _seen(self._source)

    def find(self, types: tuple[Any, ...]) -> MachineCode | None:
        """Return what was saved for arguments of these types, or None."""
        if self._stamp is None:
            return None
        key, name = self._key(types)
        for folder in self._folders:
            try:
                with open(os.path.join(folder, name), "rb") as file:
                    found, *code = pickle.load(file)
                if found == key:
                    return MachineCode(*code)
            except Exception:  # nothing there, or damaged, which pickle reports in a dozen ways
                continue
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Write what Numba has compiled and remove what belongs to an older source; do nothing if the disk is against.

        Numba calls this after it has compiled.
        """
        code = extract(data)
        if code is None or self._stamp is None:
            return
        key, name = self._key(tuple(sig))
        try:
            self._locator.ensure_cache_path()
            path = Path(self._locator.get_cache_path()) / name
            _write(path, pickle.dumps((key, *code)))
        except (RuntimeError, OSError):  # no place to write, or it became read-only, or full
            return
        for old in path.parent.glob(f"{self._base}.*.nbc"):
            if not old.name.startswith(f"{self._base}.{self._stamp}-"):
                old.unlink(missing_ok=True)

    def _key(self, types: tuple[Any, ...]) -> tuple[str, str]:
        """Return the whole key of a specialisation, and the name of its file."""
        key = repr((types, processor()))
        return key, f"{self._base}.{self._stamp}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.nbc"

    @functools.cached_property
    def _base(self) -> str:
        function, version = self._function, sys.version_info
        stem = os.path.splitext(os.path.basename(self._source))[0]
        place = f"{function.__qualname__}-{function.__code__.co_firstlineno}".replace("<", "").replace(">", "")
        return f"{stem}.{place}.py{version.major}{version.minor}{getattr(sys, 'abiflags', '')}"

    @functools.cached_property
    def _locator(self) -> Any:
        """What Numba has to say about where to write."""
        return CompileResultCacheImpl(self._function).locator

    @functools.cached_property
    def _folders(self) -> tuple[str, ...]:
        """The folders where Numba may have let us write."""
        if numba.config.CACHE_DIR or getattr(numba.config, "CACHE_LOCATOR_CLASSES", None):
            try:
                return (self._locator.get_cache_path(),)
            except (RuntimeError, OSError):
                return ()
        usual = (InTreeCacheLocator, UserWideCacheLocator)
        return tuple(place(self._function, self._source).get_cache_path() for place in usual)

    @functools.cached_property
    def _stamp(self) -> str | None:
        """A hash of the sources; None if they are no files any more, or others than those that were loaded."""
        runtime = _runtime_digest()
        try:
            own = _digest(self._source)
            if runtime is None or self._loaded is None or _state(self._source) != self._loaded:
                return None
        except OSError:
            return None
        return hashlib.sha256(runtime + own).hexdigest()[:12]


def _write(path: Path, content: bytes) -> None:
    partial = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _state(file: str) -> tuple[int, int]:
    status = os.stat(file)
    return status.st_mtime_ns, status.st_size


def _own_files() -> list[str]:
    folder = os.path.dirname(__file__)
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(".py")]


# Taken when the sources are loaded: a process that outlives a change must not save old code under the new stamp.
_LOADED = {file: _state(file) for file in _own_files()}


def _seen(file: str) -> tuple[int, int] | None:
    try:
        return _LOADED.get(file) or _state(file)
    except OSError:  # not from a file
        return None


@functools.cache
def _runtime_digest() -> bytes | None:
    """Return a hash of this folder as it was loaded, and None if it has changed since."""
    try:
        digest = _digest(*_LOADED)
        return digest if {file: _state(file) for file in _LOADED} == _LOADED else None
    except OSError:
        return None


def _digest(*files: str) -> bytes:
    digest = hashlib.sha256(numba.__version__.encode())
    for file in files:
        with open(file, "rb") as opened:
            digest.update(os.path.basename(file).encode() + b"\0" + opened.read() + b"\0")
    return digest.digest()
