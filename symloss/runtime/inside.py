"""How a function is compiled that only becomes part of others: typed and lowered, and neither optimised nor assembled.

Numba gives every function that a kernel calls machine code and wrappers of its own, optimises it before it becomes
part of its caller, and again there: most of the time until a kernel's first call.  Here the kernel's own module gets
every function once, as it was lowered, and LLVM sees it there for the first time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

import numba.extending
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import register_pass
from numba.core.typed_passes import NativeLowering

from .literals import Polymorphic
from .tuning import Tuned, lowered_by


class _Part(Tuned):
    """The module of one function, which those that call it link beside the modules of what it calls."""

    def finalize(self) -> None:
        """Leave the module as it was lowered."""
        self._raise_if_finalized()
        self._finalize_dynamic_globals()
        self._finalized = True

    def with_what_it_calls(self) -> list[Any]:
        """Return every module that a caller has to link, this one first."""
        found: dict[Any, None] = {self: None}
        for library in self._linking_libraries:
            found |= dict.fromkeys(library.with_what_it_calls() if isinstance(library, _Part) else [library])
        return list(found)


@register_pass(mutates_CFG=True, analysis_only=False)
class _LowerInside(NativeLowering):
    """Lowers a function without making machine code of it."""

    _name = "lower_inside"

    def run_pass(self, state: Any) -> bool:
        codegen = state.targetctx.codegen()
        state.library = _Part(codegen, state.func_id.func_qualname)
        state.flags.no_compile = True
        super().run_pass(state)
        lowered = state["cr"]
        key: Any = [].append  # Numba finds a compiled function by a builtin one, which nobody can call here
        libraries = state.library.with_what_it_calls()
        state.targetctx.insert_user_function(key, lowered.fndesc, libraries)
        state.reload_init.extend(_reloads(libraries))
        state["cr"] = lowered._replace(cfunc=key)
        return True


def _reloads(libraries: Iterable[Any]) -> list[Any]:
    return [reload for library in libraries for reload in library._reload_init]


class Inside(CompilerBase):
    """Numba's compiler for functions that become part of others."""

    def define_pipelines(self) -> list[Any]:
        """Return Numba's passes, but for the last."""
        return lowered_by(_LowerInside, [DefaultPassBuilder.define_nopython_pipeline(self.state)])


class PolymorphicInside(Polymorphic):
    """The same with literals as wide as the arguments."""

    def define_pipelines(self) -> list[Any]:
        """Return the passes of `Polymorphic`, but for the last."""
        return lowered_by(_LowerInside, super().define_pipelines())


OPTIONS = {"pipeline_class": Inside, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def overload(function: Callable[..., Any], jit_options: Mapping[str, Any] = MappingProxyType({}), **others: Any) -> Any:
    """Do what `numba.extending.overload` does, for functions that only become part of others."""
    return numba.extending.overload(function, jit_options={**OPTIONS, **jit_options}, **others)
