"""The largest entry of a row and its place, in vectors: floats are compared as whole numbers of the same order.

LLVM makes no vectors of a maximum of floats, where a NaN could be lost; of whole numbers it does.
"""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from .inside import overload
from .jit import kernel
from .loops import wide_vectors

_BITS = {types.float32: types.int32, types.float64: types.int64}


def ordered(x: float) -> int:
    """Return a whole number of the width of x that grows with x, and is the largest of all for NaN."""
    kind, width = ("f", 32) if isinstance(x, np.float32) else ("d", 64)
    if math.isnan(x):
        return 2 ** (width - 1) - 1
    (bits,) = struct.unpack("<i" if width == 32 else "<q", struct.pack(f"<{kind}", x))
    return int(bits) if bits >= 0 else int(bits) ^ (2 ** (width - 1) - 1)


@intrinsic
def _ordered(typingctx: Any, x: Any) -> Any:
    whole = _BITS[x]

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        integer = context.get_value_type(whole)
        last = integer(2 ** (whole.bitwidth - 1) - 1)
        bits = builder.bitcast(args[0], integer)
        flipped = builder.xor(bits, builder.and_(builder.ashr(bits, integer(whole.bitwidth - 1)), last))
        return builder.select(builder.fcmp_unordered("uno", args[0], args[0]), last, flipped)

    return whole(x), build


@overload(ordered)
def _ordered_compiled(x: Any) -> Any:
    def implementation(x: Any) -> Any:
        return _ordered(x)

    return implementation


def as_whole(x: float) -> int:
    """Return the bits of a float64 that is no NaN and not negative: a whole number that grows with it."""
    return int(np.float64(x).view(np.int64))


@intrinsic
def _as_whole(typingctx: Any, x: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], context.get_value_type(types.int64))

    return types.int64(types.float64), build


@overload(as_whole)
def _as_whole_compiled(x: Any) -> Any:
    def implementation(x: Any) -> Any:
        return _as_whole(x)

    return implementation


@intrinsic
def _greater(typingctx: Any, a: Any, b: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(builder.icmp_signed(">", *args), *args)

    return a(a, a), build


def greater(a: int, b: int) -> int:
    """Return the greater of two whole numbers of the same width."""
    return max(a, b)


@overload(greater)
def _greater_compiled(a: Any, b: Any) -> Any:
    def implementation(a: Any, b: Any) -> Any:
        return _greater(a, b)

    return implementation


@kernel
def greatest_of(row: Any) -> tuple[float, int]:
    """Return the largest entry of a row of one or more, or a NaN, and the place of the first such."""
    wide_vectors()
    top = ordered(row[0])
    for k in range(row.size):
        top = greater(top, ordered(row[k]))
    back = 0  # counted from the end, so that the first place is the greatest
    for k in range(row.size):
        back = greater(back, row.size - k if ordered(row[k]) == top else 0)
    place = row.size - back
    return row[place], place
