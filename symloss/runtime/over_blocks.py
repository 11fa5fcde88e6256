"""Kernels over several blocks in one call, without a visit to the interpreter between two of them.

Behind a block of samples the interpreter is no longer in the cache: to call the next one took it as long as a third of
what a cheap loss costs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .batch import Batch
from .jit import Compiled
from .late import make_array

Kernel = Callable[..., Any]
_BEFORE = 3  # arguments of a loop before those of its kernel
_loops: dict[Kernel, Any] = {}


def run_blocks(kernel: Kernel, key: Any, arguments: tuple[Any, ...], batch: Batch, scale: tuple[float, ...]) -> Any:
    """Call a kernel with one block of samples after the other.

    Parameters
    ----------
    kernel : callable
        Called with inputs, constants, weights, scale and rest; returns whether every target is inside its domain, and
        with it the sum of the losses if there are sums.
    key : hashable
        Different for arguments of different types.
    arguments : tuple
        Numbers of samples, of all and of a block; a float64 array for the sums of the blocks, or None; then what the
        kernel is called with, whole.
    batch : Batch
        How many inputs and constants there are.
    scale : tuple
        How long it is.

    Returns
    -------
    bool or (bool, float)
        Whether every target is inside its domain; with it the sum of the last block, if there are sums.
    """
    try:
        entry = _loops[kernel].entries[key]
    except (KeyError, AttributeError):
        entry = _new_entry(kernel, key, arguments, batch, scale)
    return entry(*arguments)


def _new_entry(
    kernel: Kernel, key: Any, arguments: tuple[Any, ...], batch: Batch, scale: tuple[float, ...]
) -> Callable[..., Any]:
    if kernel not in _loops:
        cut = [True] * (len(arguments) - _BEFORE)  # which arguments are cut into blocks
        constants, weight = len(batch.inputs), len(batch.inputs) + len(batch.constants)
        cut[constants:weight] = [False] * (weight - constants)
        cut[weight + 1 : weight + 1 + len(scale)] = [False] * len(scale)
        _loops[kernel] = OverBlocks(kernel, cut) if isinstance(kernel, Compiled) else _plain(kernel, cut)
    loop: Any = _loops[kernel]
    return loop.entry(key, arguments) if isinstance(loop, OverBlocks) else loop


def _plain(kernel: Kernel, cut: list[bool]) -> Callable[..., Any]:
    """Return the loop where Numba is switched off."""

    def over_blocks(count: int, length: int, sums: Any, *arguments: Any) -> Any:
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
        names = kernel.py_func.__code__.co_varnames[: len(cut)]
        scope = {"each_block": _each_block(cut), "kernel": kernel}
        listed = ", ".join(names)  # Numba knows functions of so many arguments only
        exec(f"def over_blocks(_n, _m, _s, {listed}): return each_block(kernel, _n, _m, _s, ({listed},))", scope)
        super().__init__(scope["over_blocks"], False, {})
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

    @intrinsic  # type: ignore[untyped-decorator]
    def each_block(typingctx: Any, kernel: Any, count: Any, length: Any, sums: Any, arguments: Any) -> Any:
        own = typingctx.resolve_function_type(kernel, tuple(arguments), {})
        compiled = kernel.dispatcher.overloads[own.args]

        def build(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            _, count, length, own_sums, packed = args
            context.add_linking_libs(compiled.library.with_what_it_calls())
            callee = context.declare_function(builder.module, compiled.fndesc)
            result = context.get_constant_null(own.return_type)
            last = cgutils.alloca_once_value(builder, result)
            all_inside = cgutils.alloca_once_value(builder, context.get_constant(types.boolean, True))
            values = cgutils.unpack_tuple(builder, packed)
            with cgutils.for_range_slice(builder, count.type(0), count, length, inc=True) as (start, number):
                left = builder.sub(count, start)
                size = builder.select(builder.icmp_signed("<", left, length), left, length)
                parts = [
                    _part(context, builder, kind, value, start, size) if c and isinstance(kind, types.Array) else value
                    for c, kind, value in zip(cut, arguments, values, strict=True)
                ]
                # The kernel stays a function: its loops are compiled as its attributes say.
                status, result = context.call_conv.call_function(
                    builder, callee, own.return_type, own.args, parts, attrs=("noinline",)
                )
                with cgutils.if_unlikely(builder, status.is_error):
                    context.call_conv.return_status_propagate(builder, status)
                inside = result
                if sums is not types.none:
                    inside, total = cgutils.unpack_tuple(builder, result)
                    data = make_array(sums)(context, builder, own_sums).data
                    builder.store(total, builder.gep(data, [number], source_etype=total.type))
                builder.store(builder.and_(builder.load(all_inside), inside), all_inside)
                builder.store(result, last)
            result, all_inside = builder.load(last), builder.load(all_inside)
            return all_inside if sums is types.none else builder.insert_value(result, all_inside, 0)

        return own.return_type(kernel, count, length, sums, arguments), build

    return each_block


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
