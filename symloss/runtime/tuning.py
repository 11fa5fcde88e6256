"""What LLVM is told beside what it finds out.

To read entries that lie apart one by one: it takes gathers where there are some, and since microcode mends what they
leaked, they take ten times as long as the loads that they stand for on many processors: to write rows of ten classes
back took as long as all the rest.

To take two vectors at a time through a loop, or four where a function says so: it does so in short loops only, and
those of kernels are chains of a hundred operations, each of which waits for the one before it, so that the next
vector's do not fit into what the processor looks ahead at.  The bits are the same: sums are added up elsewhere, in a
fixed order.
"""

from __future__ import annotations

from typing import Any

from numba.core import cgutils, codegen
from numba.core.codegen import CPUCodeLibrary, JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import register_pass
from numba.core.typed_passes import NativeLowering

from .literals import Polymorphic

ir = cgutils.ir  # llvmlite's, by way of Numba, which is what is required
_KNOWN_SINCE = 18  # version of LLVM
_AT_A_TIME = 2  # vectors
# An attribute of functions whose loops take four at a time; llvmlite knows attributes without values only, and prints
# this one as it stands.
FOUR_AT_A_TIME = '"vectors-at-a-time"="4"'
_FEATURES = "+prefer-no-gather,+prefer-no-scatter"


def _attribute(features: str) -> str | None:
    """Return the attribute of a function with the features of the processor and ours; None where there is none."""
    x86 = codegen.ll.get_process_triple().startswith(("x86_64", "i686"))
    if not x86 or codegen.ll.llvm_version_info[0] < _KNOWN_SINCE:
        return None
    return f'"target-features"="{",".join(filter(None, (features, _FEATURES)))}"'


def _interleave(function: Any) -> None:
    """Say of every loop of a function how many vectors at a time it goes over, if over vectors at all."""
    at_a_time = 4 if FOUR_AT_A_TIME in function.attributes else _AT_A_TIME
    order = {block: n for n, block in enumerate(function.blocks)}
    for block, n in order.items():
        jump = block.terminator
        if isinstance(jump, (ir.Branch, ir.ConditionalBranch)) and any(
            order[target] <= n for target in jump.operands if target in order
        ):
            jump.set_metadata("llvm.loop", _loop(function.module, at_a_time))


def _loop(module: Any, at_a_time: int) -> Any:
    """Return what names a loop, its first operand being itself, and says how many vectors it takes at a time."""
    count = module.add_metadata(["llvm.loop.interleave.count", ir.Constant(ir.IntType(32), at_a_time)])
    loop = ir.MDValue(module, (), name=str(len(module.metadata)))
    loop.operands = (loop, count)
    return loop


class Tuned(CPUCodeLibrary):
    """The modules of one function."""

    def add_ir_module(self, ir_module: Any) -> None:
        """Take a module, and tell LLVM so in every function that it defines."""
        attribute = _attribute(self._codegen._tm_features)
        for function in ir_module.functions:
            if function.is_declaration:
                continue
            if attribute is not None:
                # llvmlite knows attributes without values only; it prints this one as it stands.
                set.add(function.attributes, attribute)
            _interleave(function)
        super().add_ir_module(ir_module)

    def add_llvm_module(self, ll_module: Any) -> None:
        """Take the module as it is: optimised before it has what it calls, loops forget how they are to be taken."""
        ll_module.data_layout = self._codegen._data_layout
        self._final_module.link_in(ll_module)


class _TunedCode(Tuned, JITCodeLibrary):
    """The same, with what makes machine code of them."""


@register_pass(mutates_CFG=True, analysis_only=False)
class _LowerTuned(NativeLowering):
    """Lowers a function into such a library."""

    _name = "lower_tuned"

    def run_pass(self, state: Any) -> bool:
        if state.library is None:
            state.library = _TunedCode(state.targetctx.codegen(), state.func_id.func_qualname)
            state.library.enable_object_caching()
        return bool(super().run_pass(state))


def lowered_by(lowering: type[NativeLowering], pipelines: list[Any]) -> list[Any]:
    """Return pipelines with another pass in the place of the one that lowers."""
    for passes in pipelines:
        passes.passes = [(lowering if step is NativeLowering else step, what) for step, what in passes.passes]
        passes.finalize()
    return pipelines


class Entry(CompilerBase):
    """Numba's compiler for functions that are called from Python."""

    def define_pipelines(self) -> list[Any]:
        """Return Numba's passes, but for the last."""
        return lowered_by(_LowerTuned, [DefaultPassBuilder.define_nopython_pipeline(self.state)])


class PolymorphicEntry(Polymorphic):
    """The same with literals as wide as the arguments."""

    def define_pipelines(self) -> list[Any]:
        """Return the passes of `Polymorphic`, but for the last."""
        return lowered_by(_LowerTuned, super().define_pipelines())
