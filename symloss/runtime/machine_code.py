"""Machine code out of the disk cache, called before Numba is ready to compile, which takes it half a second.

Numba's own way keeps bitcode, types and environments beside the machine code of a function, and imports whatever they
name to load them.  To call the function takes its machine code, and the addresses of what that calls.
"""

from __future__ import annotations

import builtins
import ctypes
import functools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple

import numba
from numba import _dynfunc, _helperlib
from numba.core import codegen
from numba.core.environment import Environment
from numba.core.intrinsics import INTR_MATH
from numba.core.runtime import _nrt_python

binding = codegen.ll  # llvmlite's, by way of Numba, which is what is required


class MachineCode(NamedTuple):
    """One compiled specialisation of a function, for the processor that it was compiled on.

    Attributes
    ----------
    object_file : bytes
        As LLVM made it.
    entry : str
        Symbol of what Python calls.
    environment : str
        Symbol of the place that points to what Numba calls an environment.
    needs : tuple of str
        Symbols that are not defined in the object file.
    """

    object_file: bytes
    entry: str
    environment: str
    needs: tuple[str, ...]


@functools.cache
def processor() -> tuple[str, str, str]:
    """Return what machine code depends on beside its source."""
    name = numba.config.CPU_NAME or binding.get_host_cpu_name()
    features = numba.config.CPU_FEATURES
    return binding.get_process_triple(), name, codegen.get_host_cpu_features() if features is None else features


def extract(result: Any) -> MachineCode | None:
    """Return the machine code of what Numba has just compiled; None if it needs more of Numba than that."""
    environments = (result.environment, *result._find_referenced_environments())
    if result.objectmode or result.lifted or result.reload_init or any(e.consts for e in environments):
        return None
    about, library = result.fndesc, result.library
    needs: list[str] = []
    for symbol in (*library._final_module.functions, *library._final_module.global_variables):
        if symbol.is_declaration:
            needs += _called_for(symbol.name)
    entry, environment = about.llvm_cpython_wrapper_name, result.target_context.get_env_name(about)
    return MachineCode(library._get_compiled_object(), entry, environment, tuple(needs))


def _called_for(name: str) -> tuple[str, ...]:
    """Return the symbols that a declaration may become: LLVM calls the C library for some of its own functions."""
    if not name.startswith("llvm."):
        return (name,)
    own = name.split(".")[1]
    return (own,) if own in INTR_MATH else ()


def load(code: MachineCode, function: Callable[..., Any]) -> Callable[..., Any] | None:
    """Return the compiled function; None if it calls what is not to be found in this process.

    It does not look at the types of its arguments, other than whether they are arrays or numbers.

    Parameters
    ----------
    code : MachineCode
        Compiled on this very processor.
    function : callable
        Of which it is a specialisation.
    """
    engine = _engine()  # first: with the first of them, LLVM learns of the symbols of this process
    if not all(map(_is_there, code.needs)):
        return None
    engine.add_object_file(binding.ObjectFileRef.from_data(code.object_file))
    engine.finalize_object()
    environment = Environment(function.__globals__)
    place = ctypes.c_void_p.from_address(engine.get_global_value_address(code.environment))
    place.value = id(environment)
    return _dynfunc.make_function(
        SimpleNamespace(__name__=function.__module__), function.__name__, function.__doc__ or "",
        engine.get_function_address(code.entry), environment, (engine, environment),
    )  # fmt: skip


def _engine() -> Any:
    """Return what keeps the machine code of one function: two functions may use one name for different things."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    target = binding.Target.from_triple(binding.get_process_triple())
    return binding.create_mcjit_compiler(
        binding.parse_assembly(""),
        target.create_target_machine(jit=True),
        use_lmm=getattr(numba.config, "USE_LLVMLITE_MEMORY_MANAGER", None),
    )


# Addresses of what Numba offers machine code.
_HELPERS: dict[str, int] = {**vars(_dynfunc)["c_helpers"], **vars(_helperlib)["c_helpers"]}
_MEMORY: dict[str, int] = vars(_nrt_python)["c_helpers"]


@functools.cache
def _is_there(name: str) -> bool:
    """Whether LLVM finds the symbol; it is told where those of Numba and Python are, as Numba would tell it."""
    own = _address(name)
    if own:
        binding.add_symbol(name, own)
    return bool(own or binding.address_of_symbol(name))


def _address(name: str) -> int | None:
    if name == "_Py_NoneStruct":
        return id(None)
    for prefix, addresses in (("PyExc_", None), ("numba_", _HELPERS), ("NRT_", _MEMORY)):
        if name.startswith(prefix):
            own = name.removeprefix(prefix)
            # What Numba writes out to be inlined it also has as a function: ``MemInfo_data_fast``, of text and lists.
            return id(getattr(builtins, own)) if addresses is None else addresses.get(own.removesuffix("_fast"))
    return _HELPERS.get(name) if name in INTR_MATH else None
