"""The decorator of every kernel: Numba without the GIL, cached on disk wherever that is possible."""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numba
import numpy as np
from numba import types

from .disk_cache import DiskCache
from .inside import OPTIONS, Inside, PolymorphicInside
from .late import prepare
from .machine_code import load
from .tuning import Entry, PolymorphicEntry

Compilers = tuple[type[Any], type[Any]]  # Numba's, for calls from Python and for those from compiled functions
USUAL: Compilers = (Entry, Inside)


def inlined(function: Callable[..., Any]) -> Any:
    """Compile a function as `kernel` does; LLVM puts its body in the place of every call."""
    return kernel(function, forceinline=True)


def polymorphic(function: Callable[..., Any]) -> Any:
    """Compile a function of numbers as `kernel` does, in float32 where they all are; put in the place of its calls."""
    return kernel(function, compilers=(PolymorphicEntry, PolymorphicInside), forceinline=True)


def kernel(function: Callable[..., Any], *, compilers: Compilers = USUAL, **options: Any) -> Any:
    """Compile a function with Numba at its first call: no GIL, NumPy's division by zero, cached on disk.

    Parameters
    ----------
    function : callable
        Defined at the top level of a module.
    compilers : pair of types
        Those of other literals than Numba's, see `literals`.
    **options
        Others of Numba's.

    Returns
    -------
    Compiled
        Without a disk cache where there is no directory to write one; the function itself where Numba is switched off.
    """
    return function if numba.config.DISABLE_JIT else Compiled(function, compilers, options)


class Compiled:
    """A function in two forms, each made when it is first asked for: called from Python, or part of another one.

    Numba's dispatchers take a millisecond each to make; a module has a hundred, of which one call needs ten.

    Parameters
    ----------
    py_func : callable
        What is compiled.
    compilers : pair of types
        For calls from Python, and for those from compiled functions.
    options : dict
        Others of Numba's.

    Attributes
    ----------
    entries : dict
        Compiled specialisations that are ready to be called, by what the callers call them.  They do not look at the
        types of their arguments.
    loaded, compiled : int
        How many specialisations came from the disk cache, and how many did not.
    """

    def __init__(self, py_func: Callable[..., Any], compilers: Compilers, options: dict[str, Any]) -> None:
        self.__module__, self.__doc__ = py_func.__module__, py_func.__doc__
        self.__name__, self.__qualname__ = py_func.__name__, py_func.__qualname__
        self.__wrapped__ = self.py_func = py_func
        self.entries: dict[Any, Callable[..., Any]] = {}
        self.loaded = self.compiled = 0
        self._cache = DiskCache(py_func)
        self._entry_compiler, self._inside_compiler = compilers
        self._options = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True, **options}

    @functools.cached_property
    def dispatcher(self) -> Any:
        """Numba's dispatcher, for calls from Python."""
        dispatcher = numba.njit(**self._options, pipeline_class=self._entry_compiler)(self.py_func)
        dispatcher._cache = self._cache
        return dispatcher

    @functools.cached_property
    def _inside(self) -> Any:
        """Numba's dispatcher, for calls from compiled functions."""
        return numba.njit(**{**self._options, **OPTIONS, "pipeline_class": self._inside_compiler})(self.py_func)

    @property
    def _numba_type_(self) -> Any:
        """What Numba takes the function for where a compiled one calls it."""
        return self._inside._numba_type_

    def entry(self, key: Any, arguments: tuple[Any, ...]) -> Callable[..., Any]:
        """Return the specialisation for these arguments, and keep it under the key.

        Parameters
        ----------
        key : hashable
            The same for no arguments of other types.
        arguments : tuple
            What it will be called with.
        """
        kinds = tuple(map(_numba_type, arguments))
        entry = self._saved(kinds)
        if entry is None:
            with _without_collections():
                prepare()
                entry = self.dispatcher.compile(kinds)
            self.compiled += 1
        else:
            self.loaded += 1
        self.entries[key] = entry
        return entry

    def _saved(self, kinds: tuple[Any, ...]) -> Callable[..., Any] | None:
        """Return the specialisation from the disk cache."""
        try:
            code = self._cache.find(kinds)
            return None if code is None else load(code, self.py_func)
        except Exception:  # what another version of Numba does in another way only costs time
            return None

    def __call__(self, *arguments: Any) -> Any:
        """Call the function from Python."""
        missing = self.py_func.__code__.co_argcount - len(arguments)
        if missing:
            arguments += (self.py_func.__defaults__ or ())[-missing:]
        return self.specialised(arguments)(*arguments)

    def specialised(self, arguments: tuple[Any, ...]) -> Callable[..., Any]:
        """Return the specialisation for these arguments, all of them; it does not look at the types of others."""
        key = tuple(map(_kind, arguments))
        return self.entries.get(key) or self.entry(key, arguments)

    def __reduce__(self) -> str:
        return self.py_func.__qualname__  # pickled as the name by which its module knows it

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.dispatcher, name)


def called(function: Any, key: Any, arguments: tuple[Any, ...]) -> Any:
    """Call a function with arguments whose types the key stands for: nothing looks at them again.

    Parameters
    ----------
    function : Compiled or callable
        The latter where Numba is switched off.
    key : hashable
        Different for arguments of different types.
    arguments : tuple
        Numbers, None, and arrays as kernels want them.
    """
    try:
        entry = function.entries[key]
    except KeyError:
        entry = function.entry(key, arguments)
    except AttributeError:
        entry = function
    return entry(*arguments)


def specialised(function: Any, arguments: tuple[Any, ...]) -> Any:
    """Return what is called faster with arguments of these types; the function itself where Numba is switched off."""
    return function.specialised(arguments) if isinstance(function, Compiled) else function


@contextmanager
def _without_collections() -> Iterator[None]:
    """Let nobody look for garbage in what Numba has in memory while it compiles: that is a tenth of the time."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


_NUMBERS = {float: types.float64, int: types.int64, bool: types.boolean, type(None): types.none}
_DTYPES = {np.dtype(kind.name): kind for kind in (types.float64, types.float32, types.int64)}


def _kind(argument: Any) -> Any:
    """Return what is the same for no arguments of different types."""
    if type(argument) is np.ndarray:
        flags = argument.flags
        return argument.dtype, argument.ndim, flags.c_contiguous, flags.f_contiguous, flags.writeable
    return type(argument) if type(argument) in _NUMBERS else numba.typeof(argument)


def _numba_type(argument: Any) -> Any:
    """Do what `numba.typeof` does, which imports what only it needs."""
    if type(argument) is np.ndarray and argument.flags.carray and argument.dtype in _DTYPES:
        return types.Array(_DTYPES[argument.dtype], argument.ndim, "C")
    return _NUMBERS.get(type(argument)) or numba.typeof(argument)
