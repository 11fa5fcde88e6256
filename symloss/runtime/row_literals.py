"""Kernels whose literals are as wide as the rows that they are given.

Such a kernel gets weights and writes sums that may be float64 beside the float32 rows that it computes with; what is
called for one sample gets rows alone, see `literals`.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from numba.core.compiler_machinery import register_pass

from .inside import PolymorphicInside
from .jit import kernel
from .literals import _SingleLiterals
from .tuning import PolymorphicEntry


@register_pass(mutates_CFG=False, analysis_only=False)
class _RowLiterals(_SingleLiterals):
    """Replaces floats by float32 ones where all rows of floats are float32."""

    _name = "row_literals"

    def run_pass(self, state: Any) -> bool:
        rows = [a for a in state.args if getattr(a, "ndim", 0) > 1]
        return super().run_pass(SimpleNamespace(args=rows, func_ir=state.func_ir))


def _by_rows(pipelines: list[Any]) -> list[Any]:
    for passes in pipelines:
        passes.passes = [(_RowLiterals if p is _SingleLiterals else p, what) for p, what in passes.passes]
        passes.finalize()
    return pipelines


class _RowsEntry(PolymorphicEntry):
    """Numba's compiler for such kernels that are called from Python."""

    def define_pipelines(self) -> list[Any]:
        """Return the passes of `PolymorphicEntry`, but for one."""
        return _by_rows(super().define_pipelines())


class _RowsInside(PolymorphicInside):
    """The same for those that become part of others."""

    def define_pipelines(self) -> list[Any]:
        """Return the passes of `PolymorphicInside`, but for one."""
        return _by_rows(super().define_pipelines())


def rows_kernel(function: Callable[..., Any]) -> Any:
    """Compile a function as `kernel` does, in float32 where all rows of numbers are."""
    return kernel(function, compilers=(_RowsEntry, _RowsInside))
