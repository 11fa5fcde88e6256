"""What the loops over the entries of several short rows need, which lie end to end."""

from __future__ import annotations

from typing import Any

from numba import types

from .inside import overload
from .jit import inlined
from .row_sums import SIDE_BY_SIDE
from .stack import on_stack

ENTRIES = 1024  # for which there is room on the stack
SHORT_ROW = ENTRIES // SIDE_BY_SIDE  # entries of the longest rows that are short
_AT_ONCE = 512  # entries whose terms wait to be added up: of more, several arrays push them out of the first cache


entries = on_stack(ENTRIES)  # a number of each entry, or of each row of at least one


@inlined
def rows_at_once(length: int) -> int:
    """Return how many rows of at most that length to take: as many as are summed side by side, or a multiple."""
    return max(_AT_ONCE // max(length, 1) // SIDE_BY_SIDE, 1) * SIDE_BY_SIDE


def entry_factors(weight: Any, start: int, stop: int, factor: float, length: int, into: Any) -> Any:
    """Return the factor of all entries, or where rows have weights an array of their products with it."""
    if weight is None:
        return factor
    for i in range(start, stop):
        into[(i - start) * length : (i + 1 - start) * length] = weight[i] * factor
    return into


@overload(entry_factors)
def _entry_factors_compiled(weight: Any, start: Any, stop: Any, factor: Any, length: Any, into: Any) -> Any:
    def alone(weight: Any, start: Any, stop: Any, factor: Any, length: Any, into: Any) -> Any:
        return factor

    def products(weight: Any, start: Any, stop: Any, factor: Any, length: Any, into: Any) -> Any:
        for i in range(start, stop):
            own, first = weight[i] * factor, (i - start) * length
            for k in range(length):
                into[first + k] = own
        return into

    return alone if isinstance(weight, types.NoneType) else products


def factor_at(factors: Any, entry: int) -> Any:
    """Return the factor of an entry."""
    return factors[entry] if hasattr(factors, "shape") and factors.shape else factors


@overload(factor_at)
def _factor_compiled(factors: Any, entry: Any) -> Any:
    def own(factors: Any, entry: Any) -> Any:
        return factors[entry]

    def shared(factors: Any, entry: Any) -> Any:
        return factors

    return own if isinstance(factors, types.Array) else shared
