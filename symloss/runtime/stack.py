"""Room for numbers on the stack of the function that asks for it: nothing to free, and no other thread sees it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import lower_builtin, type_callable

from .late import make_array, populate_array


def on_stack(*shape: int) -> Callable[[Any], Any]:
    """Return a function that makes room of that shape, in the dtype of the array or number that it is given.

    Compiled calls become part of their caller before LLVM sees it: a function that LLVM has to inline first would
    return what is on a stack of its own.
    """

    def room(like: Any) -> Any:
        return np.empty(shape, np.asarray(like).dtype)

    @type_callable(room)
    def room_type(context: Any) -> Any:
        return lambda like: types.Array(getattr(like, "dtype", like), len(shape), "C")

    @lower_builtin(room, types.Any)
    def room_lowered(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = context.get_data_type(signature.return_type.dtype)
        size = context.get_abi_sizeof(kind)
        strides = [size * math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
        array = make_array(signature.return_type)(context, builder)
        populate_array(
            array,
            data=cgutils.alloca_once(builder, kind, size=math.prod(shape)),
            shape=[context.get_constant(types.intp, n) for n in shape],
            strides=[context.get_constant(types.intp, n) for n in strides],
            itemsize=context.get_constant(types.intp, size),
            meminfo=None,
        )
        return array._getvalue()

    return room
