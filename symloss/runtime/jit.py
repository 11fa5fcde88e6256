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
from numba.core.runtime import rtsys
from numba.core.serialize import dumps

from .inside import OPTIONS, PolymorphicInside
from .literals import Polymorphic


def inlined(function: Callable[..., Any]) -> Any:
    """Compile a function as `kernel` does; LLVM puts its body in the place of every call."""
    return kernel(function, forceinline=True)


def polymorphic(function: Callable[..., Any]) -> Any:
    """Compile a function of numbers as `kernel` does, in float32 where they all are; put in the place of its calls."""
    return kernel(function, polymorphic=True, forceinline=True)


def kernel(function: Callable[..., Any], *, polymorphic: bool = False, **options: Any) -> Any:
    """Compile a function with Numba at its first call: no GIL, NumPy's division by zero, cached on disk.

    Parameters
    ----------
    function : callable
        Defined at the top level of a module.
    polymorphic : bool
        Whether its literals are as wide as its arguments.
    **options
        Others of Numba's.

    Returns
    -------
    Compiled
        Without a disk cache where there is no directory to write one; the function itself where Numba is switched off.
    """
    if numba.config.DISABLE_JIT:
        return function
    return functools.update_wrapper(Compiled(function, polymorphic, options), function)


class Compiled:
    """A function in two forms, each made when it is first asked for: called from Python, or part of another one.

    Numba's dispatchers take a millisecond each to make; a module has a hundred, of which one call needs ten.

    Parameters
    ----------
    py_func : callable
        What is compiled.
    polymorphic : bool
        Whether its literals are as wide as its arguments.
    options : dict
        Others of Numba's.
    """

    def __init__(self, py_func: Callable[..., Any], polymorphic: bool, options: dict[str, Any]) -> None:
        self.py_func = py_func
        self._source = _Source(py_func)
        self._polymorphic = polymorphic
        self._options = {"nogil": True, "error_model": "numpy", **options}

    @functools.cached_property
    def dispatcher(self) -> Any:
        """Numba's dispatcher, for calls from Python."""
        own = {"pipeline_class": Polymorphic} if self._polymorphic else {}
        dispatcher = numba.njit(**self._options, **own)(self.py_func)
        dispatcher._cache = _LazyCache(self.py_func, self._source)
        return dispatcher

    @functools.cached_property
    def _inside(self) -> Any:
        """Numba's dispatcher, for calls from compiled functions."""
        own = {"pipeline_class": PolymorphicInside} if self._polymorphic else {}
        return numba.njit(**self._options, **{**OPTIONS, **own})(self.py_func)

    @property
    def _numba_type_(self) -> Any:
        """What Numba takes the function for where a compiled one calls it."""
        return self._inside._numba_type_

    def __call__(self, *arguments: Any) -> Any:
        """Call the function from Python."""
        return self.dispatcher(*arguments)

    def __reduce__(self) -> str:
        return self.py_func.__qualname__  # pickled as the name by which its module knows it

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.dispatcher, name)


class _Cache(FunctionCache):
    """Numba's cache of one function, which loads nothing but what is in it."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the compiled specialisation, or None.

        Numba first makes ready to compile, which takes it half a second.
        """
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)


class _LazyCache(NullCache):
    """Numba's cache of one function, set up when it is first needed, so that importing touches no file."""

    def __init__(self, function: Callable[..., Any], source: _Source) -> None:
        self._function, self._source = function, source

    @functools.cached_property
    def _cache(self) -> Any:
        stamp = self._source.stamp()
        if stamp is None:
            return NullCache()
        try:
            cache = _Cache(self._function)
            cache._cache_file = _Files(cache._cache_path, cache._impl.filename_base, stamp)
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


def _state(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_mtime_ns, status.st_size


# Taken when the sources are loaded: a process that outlives a change must not save old code under the new stamp.
_LOADED = {file: _state(file) for file in sorted(Path(__file__).parent.glob("*.py"))}


@functools.cache
def _runtime_stamp() -> bytes | None:
    """Return a hash of this folder as it was loaded, and None if it has changed since."""
    digest = _digest(*_LOADED)
    return digest if {file: _state(file) for file in _LOADED} == _LOADED else None


def _digest(*files: Path) -> bytes:
    digest = hashlib.sha256(numba.__version__.encode())
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.digest()


class _Source:
    """What a function is compiled from: its own file as it was when the function was made, and this folder."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._file = Path(function.__code__.co_filename)
        self._loaded = _seen(self._file)

    def stamp(self) -> str | None:
        """Return a hash of the sources; None if they are no files any more, or others."""
        runtime = _runtime_stamp()
        try:
            own = _digest(self._file)
            if runtime is None or self._loaded is None or _state(self._file) != self._loaded:
                return None
        except OSError:
            return None
        return hashlib.sha256(runtime + own).hexdigest()[:12]


def _seen(file: Path) -> tuple[int, int] | None:
    try:
        return _state(file)
    except OSError:  # not from a file
        return None
