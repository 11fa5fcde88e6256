"""Where parts of arrays begin: one word each for a function to be given, where Numba's arrays are seven.

A function that goes over one short front has a dozen of them, and to write their sizes and strides to the stack took it
as long as what it computes.  Pointers are to be used while their arrays exist, and inside of these.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from .inside import overload
from .late import make_array, populate_array


@intrinsic
def _at(typingctx: Any, array: Any, place: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source = make_array(array)(context, builder, args[0])
        return builder.gep(source.data, [args[1]], inbounds=True, source_etype=context.get_data_type(array.dtype))

    return types.CPointer(array.dtype)(array, types.intp), build


def in_order(array: Any) -> Any:
    """Return an array with its entries one behind the other, as pointers find them: itself, or a copy."""
    return np.ascontiguousarray(array)


@overload(in_order)
def _in_order_compiled(array: Any) -> Any:
    def itself(array: Any) -> Any:
        return array

    def copied(array: Any) -> Any:
        return np.ascontiguousarray(array)

    return itself if array.layout == "C" else copied


def whole(array: Any) -> Any:
    """Return where an array begins."""
    return array


@overload(whole, jit_options={"forceinline": True})
def _whole_compiled(array: Any) -> Any:
    def implementation(array: Any) -> Any:
        return _at(array, 0)

    return implementation


def start_of(array: Any, row: int, start: int) -> Any:
    """Return where ``array[row, start:]`` begins."""
    return array[row, start:]


@overload(start_of, jit_options={"forceinline": True})
def _start_of_compiled(array: Any, row: Any, start: Any) -> Any:
    def implementation(array: Any, row: Any, start: Any) -> Any:
        return _at(array, row * array.shape[1] + start)

    return implementation


def extent(pointer: Any, size: int) -> Any:
    """Return the array of so many numbers that begins somewhere.

    Numba drops what a function writes to an array that a call returned, and does not use afterwards, if it has inlined
    something there itself, as it does `wide_vectors` and `distinct`: it knows nobody else to whom the array belongs.
    What is written in a loop, or by a function that is called, stays.
    """
    return pointer[:size]


@intrinsic
def _extent(typingctx: Any, pointer: Any, size: Any) -> Any:
    result = types.Array(pointer.dtype, 1, "C")

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        width = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(pointer.dtype)))
        out = make_array(result)(context, builder)
        populate_array(out, data=args[0], shape=[args[1]], strides=[width], itemsize=width, meminfo=None)
        return out._getvalue()

    return result(pointer, types.intp), build


@overload(extent, jit_options={"forceinline": True})
def _extent_compiled(pointer: Any, size: Any) -> Any:
    def implementation(pointer: Any, size: Any) -> Any:
        return _extent(pointer, size)

    return implementation
