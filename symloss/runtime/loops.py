"""What the loops over samples need beside arithmetic: weights that may be missing, chunks that stay in the cache."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from .elementary import scaled
from .inside import overload
from .jit import kernel
from .tuning import FOUR_AT_A_TIME

CHUNK = 2048  # samples whose losses are summed together: 16 KiB, in the first cache beside what is read and written
# The same where next to nothing is computed: of longer ones the first are out of that cache when they are summed, since
# several arrays stream through it meanwhile.  To begin a chunk takes too long for less.
SHORT_CHUNK = 512


def weighted(weight: Any, i: int, factor: float) -> Any:
    """Return the factor times the weight of sample i, if there are weights."""
    return factor if weight is None else weight[i] * factor


@overload(weighted)
def _weighted_compiled(weight: Any, i: Any, factor: Any) -> Any:
    def alone(weight: Any, i: Any, factor: Any) -> Any:
        return factor

    def product(weight: Any, i: Any, factor: Any) -> Any:
        return weight[i] * factor

    return alone if isinstance(weight, types.NoneType) else product


def weighed(weight: Any, i: int, factor: float, x: float) -> Any:
    """Return x times the factor and the weight of sample i; 0 for a weight of 0, even if x is infinite."""
    return factor * x if weight is None else scaled(weight[i] * factor, x)


@overload(weighed)
def _weighed_compiled(weight: Any, i: Any, factor: Any, x: Any) -> Any:
    def alone(weight: Any, i: Any, factor: Any, x: Any) -> Any:
        return factor * x

    def product(weight: Any, i: Any, factor: Any, x: Any) -> Any:
        return scaled(weight[i] * factor, x)

    return alone if isinstance(weight, types.NoneType) else product


def cut(weight: Any, part: slice) -> Any:
    """Return the weights of some samples, if there are weights."""
    return None if weight is None else weight[part]


@overload(cut)
def _cut_compiled(weight: Any, part: Any) -> Any:
    def nothing(weight: Any, part: Any) -> Any:
        return None

    def some(weight: Any, part: Any) -> Any:
        return weight[part]

    return nothing if isinstance(weight, types.NoneType) else some


@kernel
def all_hard(labels: Any, low: float, high: float) -> bool:
    """Whether every label is one of the two: none is between them, or NaN; of soft ones the first is seldom hard."""
    hard = labels.size > 0 and (labels[0] == low or labels[0] == high)
    if hard:
        wide_vectors()
        for i in range(labels.size):
            hard &= (labels[i] == low) | (labels[i] == high)
    return hard


def in_dtype_of(array: Any, number: float) -> Any:
    """Return a number in the dtype of an array of floats."""
    return array.dtype.type(number)


@overload(in_dtype_of)
def _in_dtype_compiled(array: Any, number: Any) -> Any:
    kind = np.float32 if array.dtype == types.float32 else np.float64

    def implementation(array: Any, number: Any) -> Any:
        return kind(number)

    return implementation


def parts_in_dtype_of(array: Any, parts: tuple[float, float]) -> Any:
    """Return a sum and its rest in the dtype of an array of floats; the rest has what rounding takes from the sum."""
    whole = array.dtype.type(parts[0])
    return whole, array.dtype.type((parts[0] - whole) + parts[1])


@overload(parts_in_dtype_of)
def _parts_in_dtype_compiled(array: Any, parts: Any) -> Any:
    kind = np.float32 if array.dtype == types.float32 else np.float64

    def implementation(array: Any, parts: Any) -> Any:
        whole = kind(parts[0])
        return whole, kind((parts[0] - np.float64(whole)) + parts[1])

    return implementation


def wide_vectors() -> None:
    """Let LLVM use vectors of 512 bits in the calling function, where the processor has them.

    By default it takes 256 for fear of a lower clock; for kernels that compute as much as these, that costs a third.
    """


@intrinsic
def _wide_vectors(typingctx: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        # llvmlite knows attributes without values only; it prints this one as it stands.
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.none(), build


@overload(wide_vectors, inline="always")  # the attribute must be the caller's
def _wide_vectors_compiled() -> Any:
    def implementation() -> Any:
        return _wide_vectors()

    return implementation


def four_at_a_time() -> None:
    """Let LLVM take four vectors at a time, not two, through the loops of the calling function.

    Worth while for loops over many samples that are chains of many operations: so many chains keep the processor busy.
    """


@intrinsic
def _four_at_a_time(typingctx: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        set.add(builder.function.attributes, FOUR_AT_A_TIME)
        return context.get_dummy_value()

    return types.none(), build


@overload(four_at_a_time, inline="always")  # the attribute must be the caller's
def _four_at_a_time_compiled() -> Any:
    def implementation() -> Any:
        return _four_at_a_time()

    return implementation
