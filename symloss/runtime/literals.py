"""Numbers in the text of a kernel that take the dtype of its arguments, as they do in NumPy.

Numba reads ``1.0`` as a float64 and computes ``1.0 - x`` in float64 for a float32 x.  In functions compiled by
`jit.polymorphic`, floats are float32 where all floating arguments are.
"""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import numpy as np
from numba.core import ir, types
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import FunctionPass, register_pass
from numba.core.untyped_passes import ReconstructSSA


def _is_single(arguments: Any) -> bool:
    floats = {getattr(a, "dtype", a) for a in arguments} & {types.float32, types.float64}
    return floats == {types.float32}


def _single(value: Any) -> Any:
    """Return a float, or a tuple of floats, as float32; None for anything else."""
    if type(value) is float:
        return np.float32(value)
    if type(value) is tuple and value and all(type(v) is float for v in value):
        return tuple(map(np.float32, value))
    return None


@register_pass(mutates_CFG=False, analysis_only=False)
class _SingleLiterals(FunctionPass):
    """Replaces floats by float32 ones."""

    _name = "single_literals"

    def __init__(self) -> None:
        FunctionPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        if not _is_single(state.args):
            return False
        changed = False
        for block in state.func_ir.blocks.values():
            for assignment in block.find_insts(ir.Assign):
                value = _single(_constant(assignment.value, state.func_ir))
                if value is not None:
                    assignment.value = ir.Const(value, assignment.loc)
                    changed = True
        return changed


def _constant(value: Any, func_ir: Any) -> Any:
    """Return the value of a literal, a global, or an attribute of a module such as ``math.inf``."""
    if isinstance(value, (ir.Const, ir.Global, ir.FreeVar)):
        return value.value
    if isinstance(value, ir.Expr) and value.op == "getattr":
        module = func_ir.get_definition(value.value)
        if isinstance(module, ir.Global) and isinstance(module.value, ModuleType) and module.value in (math, np):
            return getattr(module.value, value.attr)
    return None


class Polymorphic(CompilerBase):
    """Numba's compiler with literals as wide as the arguments."""

    def define_pipelines(self) -> list[Any]:
        """Return the usual passes and that of this module."""
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.add_pass_after(_SingleLiterals, ReconstructSSA)
        passes.finalize()
        return [passes]
