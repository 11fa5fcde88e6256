"""Kernels over several blocks in one call, without a visit to the interpreter between two of them.

Behind a block of samples the interpreter is no longer in the cache: to call the next one took it as long as a third of
what a cheap loss costs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import types
from numba.core import cgutils
from numba.core.callconv import excinfo_ptr_t
from numba.extending import intrinsic

from .batch import Batch
from .crew import HAS_SEMAPHORES, Desk
from .jit import USUAL, Compiled
from .late import make_array

Kernel = Callable[..., Any]
_BEFORE = 4  # arguments of a loop before those of its kernel
ir = cgutils.ir
_WORD, _BYTE, _BIT, _OK = ir.IntType(64), ir.IntType(8), ir.IntType(1), ir.Constant(ir.IntType(32), 0)
_TAKEN, _FIRST, _LAST, _INSIDE, _CODE, _INFO, _RESULT, _GIVEN = range(8)  # what threads share
_loops: dict[Kernel, Any] = {}  # a kernel is always cut in one way


def run_blocks(kernel: Kernel, arguments: tuple[Any, ...], batch: Batch, scale: tuple[float, ...]) -> Any:
    """Call a kernel with one block of samples after the other.

    Parameters
    ----------
    kernel : callable
        Called with inputs, constants, weights, scale and rest; returns whether every target is inside its domain, and
        with it the sum of the losses if there are sums.
    arguments : tuple
        Numbers of samples, of all and of a block; a float64 array for the sums of the blocks, or None; the desk of a
        crew that helps, or 0; then what the kernel is called with, whole.
    batch : Batch
        How many inputs and constants there are, and of what types.
    scale : tuple
        How long it is.

    Returns
    -------
    bool or (bool, float)
        Whether every target is inside its domain; with it the sum of the last block, if there are sums.
    """
    try:
        entry = _loops[kernel].entries[batch.types]
    except (KeyError, AttributeError):
        entry = _new_entry(kernel, arguments, batch, scale)
    return entry(*arguments)


def _new_entry(
    kernel: Kernel, arguments: tuple[Any, ...], batch: Batch, scale: tuple[float, ...]
) -> Callable[..., Any]:
    if kernel not in _loops:
        cut = [True] * (len(arguments) - _BEFORE)  # which arguments are cut into blocks
        constants, weight = len(batch.inputs), len(batch.inputs) + len(batch.constants)
        cut[constants:weight] = [False] * (weight - constants)
        cut[weight + 1 : weight + 1 + len(scale)] = [False] * len(scale)
        _loops[kernel] = OverBlocks(kernel, cut) if isinstance(kernel, Compiled) else _plain(kernel, cut)
    loop: Any = _loops[kernel]
    return loop.entry(batch.types, arguments) if isinstance(loop, OverBlocks) else loop


def _plain(kernel: Kernel, cut: list[bool]) -> Callable[..., Any]:
    """Return the loop where Numba is switched off."""

    def over_blocks(count: int, length: int, sums: Any, _desk: int, *arguments: Any) -> Any:
        all_inside, total = True, 0.0
        for number, start in enumerate(range(0, count, length)):
            part = slice(start, min(start + length, count))
            own = [a[part] if c and a is not None else a for a, c in zip(arguments, cut, strict=True)]
            inside = kernel(*own)
            if sums is not None:
                inside, total = inside
                sums[number] = total
            all_inside &= inside
        return all_inside if sums is None else (all_inside, total)

    return over_blocks


class OverBlocks(Compiled):
    """The compiled loop, which shares the disk cache of its kernel, and counts as a specialisation of that.

    Parameters
    ----------
    kernel : Compiled
        What is called.
    cut : list of bool
        Which of its arguments are cut into blocks.
    """

    def __init__(self, kernel: Compiled, cut: list[bool]) -> None:
        names = ", ".join(kernel.py_func.__code__.co_varnames[: len(cut)])
        before = "_count, _length, _sums, _desk"
        scope = {"_each_block": _each_block(cut), "_kernel": kernel}
        # Numba knows functions of so many arguments only.
        exec(f"def over_blocks({before}, {names}): return _each_block(_kernel, {before}, ({names},))", scope)
        super().__init__(scope["over_blocks"], USUAL, {})
        self._kernel = kernel
        self._cache = kernel._cache

    def entry(self, key: Any, arguments: tuple[Any, ...]) -> Callable[..., Any]:
        """Return the specialisation for these arguments; see `Compiled`."""
        loaded, compiled = self.loaded, self.compiled
        entry = super().entry(key, arguments)
        self._kernel.loaded += self.loaded - loaded
        self._kernel.compiled += self.compiled - compiled
        return entry


def _each_block(cut: list[bool]) -> Any:
    """Return what compiles to the loop over blocks, of kernels of which these arguments are cut."""

    @intrinsic
    def each_block(typingctx: Any, kernel: Any, count: Any, length: Any, sums: Any, desk: Any, arguments: Any) -> Any:
        own = typingctx.resolve_function_type(kernel, tuple(arguments), {})
        compiled = kernel.dispatcher.overloads[own.args]

        def build(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            _, count, length, own_sums, address, packed = args
            context.add_linking_libs(compiled.library.with_what_it_calls())
            data = None if sums is types.none else make_array(sums)(context, builder, own_sums).data
            task = _Task(context, builder, own, compiled.fndesc, cut)
            return task.run(count, length, data, address, cgutils.unpack_tuple(builder, packed))

        return own.return_type(kernel, count, length, sums, desk, arguments), build

    return each_block


class _Task:
    """Emits a function that takes one block after the other, which several threads may do at once, and its call.

    The caller begins with the first block, those who help with the last: so each finds in its own cache what it left
    there if the arrays are the same in the next call.  What they share lies on the stack of the caller: how many blocks
    are taken, and how many of these from either end, whether all was inside so far, how the kernel failed, what it
    returned last, and what they were given.

    Parameters
    ----------
    context, builder
        Numba's, of the function that calls it.
    own : Signature
        Of the kernel.
    kernel : FunctionDescriptor
        What is called for every block.
    cut : list of bool
        Which of its arguments are cut into blocks.
    """

    def __init__(self, context: Any, builder: Any, own: Any, kernel: Any, cut: list[bool]) -> None:
        self._context, self._builder, self._own, self._cut = context, builder, own, cut
        self._kernel = context.declare_function(builder.module, kernel)

    def run(self, count: Any, length: Any, sums: Any, desk: Any, arguments: list[Any]) -> Any:
        """Emit the call, by this thread alone or with the crew at a desk; return what the kernel returned."""
        context, builder = self._context, self._builder
        status, result = _OK, context.get_constant_null(self._own.return_type)
        given = [count, length, *([] if sums is None else [sums]), *arguments]
        start = [_WORD(0), _WORD(0), _WORD(0), _BYTE(1), status, ir.Constant(excinfo_ptr_t, None), result, *given]
        shared = cgutils.alloca_once(builder, ir.LiteralStructType([value.type for value in start]))
        for place, value in enumerate(start):
            builder.store(value, cgutils.gep_inbounds(builder, shared, 0, place))
        function = self._function(shared.type, sums is not None)
        argument = builder.bitcast(shared, cgutils.voidptr_t)
        if HAS_SEMAPHORES:
            together = builder.icmp_unsigned("!=", desk, _WORD(0))
            with builder.if_then(together, likely=False):
                Desk(builder, desk).open(self._from_the_end(function), argument)
        builder.call(function, [argument, _BIT(0)])
        if HAS_SEMAPHORES:
            with builder.if_then(together, likely=False):
                Desk(builder, desk).close()
        inside, code, info, result = (
            builder.load(cgutils.gep_inbounds(builder, shared, 0, place)) for place in range(_INSIDE, _GIVEN)
        )
        failed = context.call_conv._get_return_status(builder, code, info)
        with cgutils.if_unlikely(builder, failed.is_error):
            context.call_conv.return_status_propagate(builder, failed)
        inside = builder.trunc(inside, ir.IntType(1))
        return inside if sums is None else builder.insert_value(result, inside, 0)

    def _from_the_end(self, function: Any) -> Any:
        """Return the function of those who help."""
        kind = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t])
        helper = ir.Function(self._builder.module, kind, f"{function.name}.from_the_end")
        helper.linkage = "internal"
        builder = ir.IRBuilder(helper.append_basic_block("entry"))
        builder.call(function, [helper.args[0], _BIT(1)])
        builder.ret_void()
        return helper

    def _function(self, pointer: Any, summed: bool) -> Any:
        kind = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, _BIT])
        function = ir.Function(self._builder.module, kind, f"{self._builder.function.name}.blocks")
        function.linkage = "internal"
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        shared = builder.bitcast(function.args[0], pointer)
        fields = len(pointer.pointee.elements)
        places = [cgutils.gep_inbounds(builder, shared, 0, place) for place in range(fields)]
        count, length, *given = (builder.load(place) for place in places[_GIVEN:])
        sums, arguments = (given[0], given[1:]) if summed else (None, given)
        number = builder.sdiv(builder.sub(builder.add(count, length), _WORD(1)), length)
        end = builder.select(function.args[1], places[_LAST], places[_FIRST])
        look, compute, done = map(builder.append_basic_block, ("look", "compute", "done"))
        builder.branch(look)
        builder.position_at_end(look)
        taken = builder.atomic_rmw("add", places[_TAKEN], _WORD(1), "seq_cst")
        builder.cbranch(builder.icmp_signed("<", taken, number), compute, done)
        builder.position_at_end(compute)
        place = builder.atomic_rmw("add", end, _WORD(1), "monotonic")  # there are as many as are taken: they never meet
        from_the_end = builder.sub(builder.sub(number, _WORD(1)), place)
        block = builder.select(function.args[1], from_the_end, place)
        status, result = self._call(builder, block, count, length, arguments)
        with cgutils.if_unlikely(builder, status.is_error):
            builder.atomic_rmw("max", places[_TAKEN], number, "seq_cst")  # the others stop, too
            known = builder.cmpxchg(places[_CODE], _OK, status.code, "seq_cst", "seq_cst")
            with builder.if_then(builder.extract_value(known, 1)):
                builder.store(status.excinfoptr, places[_INFO])
            builder.branch(done)
        inside = result
        if summed:
            inside, total = cgutils.unpack_tuple(builder, result)
            builder.store(total, builder.gep(sums, [block], source_etype=total.type))
        builder.atomic_rmw("and", places[_INSIDE], builder.zext(inside, _BYTE), "monotonic")
        with builder.if_then(builder.icmp_signed("==", block, builder.sub(number, _WORD(1)))):
            builder.store(result, places[_RESULT])
        builder.branch(look)
        builder.position_at_end(done)
        builder.ret_void()
        return function

    def _call(self, builder: Any, block: Any, count: Any, length: Any, arguments: list[Any]) -> tuple[Any, Any]:
        """Emit the call of the kernel with one block."""
        start = builder.mul(block, length)
        left = builder.sub(count, start)
        size = builder.select(builder.icmp_signed("<", left, length), left, length)
        parts = [
            _part(self._context, builder, kind, value, start, size) if c and isinstance(kind, types.Array) else value
            for c, kind, value in zip(self._cut, self._own.args, arguments, strict=True)
        ]
        # The kernel stays a function: its loops are compiled as its attributes say.
        return self._context.call_conv.call_function(
            builder, self._kernel, self._own.return_type, self._own.args, parts, attrs=("noinline",)
        )


def _part(context: Any, builder: Any, kind: Any, value: Any, start: Any, size: Any) -> Any:
    """Return ``value[start : start + size]``."""
    part = make_array(kind)(context, builder, value)
    shape = part.shape
    part.data = cgutils.pointer_add(builder, part.data, builder.mul(start, builder.extract_value(part.strides, 0)))
    part.shape = builder.insert_value(shape, size, 0)
    part.nitems = size
    for axis in range(1, kind.ndim):
        part.nitems = builder.mul(part.nitems, builder.extract_value(shape, axis))
    return part._getvalue()
