"""Rows of few entries, several at a time: tiles of them, transposed, in which entry [k, i] is entry k of row i.

Loops over the samples of a tile become vectors however short the rows are.  Places in a row are numbers of the dtype
of the entries here, so that all lanes of a vector are equally wide.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from .inside import overload
from .jit import inlined, polymorphic
from .loops import weighted
from .stack import on_stack
from .transpose import turn_4, turn_8

LANES = 32  # samples in a tile
FEW = 64  # entries of the longest rows that are worth transposing


lanes = on_stack(LANES)  # a number of each sample of a tile
tile = on_stack(FEW, LANES)  # `LANES` rows of at most `FEW` entries, transposed


@inlined
def spread(rows: Any, into: Any) -> None:
    """Transpose rows into a tile; lanes without a row of their own repeat the last one."""
    count, columns = rows.shape
    if count == LANES and columns >= 4:
        in_squares(rows, into, LANES, columns)
    elif count == LANES:  # a number of steps that the compiler knows
        for k in range(columns):
            for i in range(LANES):
                into[k, i] = rows[i, k]
    else:
        for k in range(columns):
            for i in range(LANES):
                into[k, i] = rows[min(i, count - 1), k]


@inlined
def in_squares(source: Any, into: Any, rows: int, columns: int) -> None:
    """Transpose the first rows and columns of an array, of which there are 4 at least; the last squares overlap."""
    if min(rows, columns) >= 8:
        for i in range(0, rows, 8):
            for k in range(0, columns, 8):
                turn_8(source, min(i, rows - 8), min(k, columns - 8), into)
    else:
        for i in range(0, rows, 4):
            for k in range(0, columns, 4):
                turn_4(source, min(i, rows - 4), min(k, columns - 4), into)


@inlined
def spread_numbers(numbers: Any, into: Any) -> None:
    """Copy a number of each sample into lanes; those without a sample of their own repeat the last one."""
    for i in range(LANES):
        into[i] = numbers[min(i, numbers.shape[0] - 1)]


@inlined
def spread_factor(weight: Any, start: int, count: int, factor: float, into: Any) -> None:
    """Write the factor of each sample, times its weight if there are weights, into lanes."""
    for i in range(LANES):
        into[i] = weighted(weight, start + min(i, count - 1), factor)


@inlined
def collect(tile: Any, rows: Any) -> None:
    """Write the rows that a tile holds transposed."""
    if rows.shape[0] == LANES and rows.shape[1] >= 4:
        in_squares(tile, rows, rows.shape[1], LANES)
    elif rows.shape[0] == LANES:
        for i in range(LANES):
            for k in range(rows.shape[1]):
                rows[i, k] = tile[k, i]
    else:
        for i in range(rows.shape[0]):
            for k in range(rows.shape[1]):
                rows[i, k] = tile[k, i]


def as_place(like: Any, k: int) -> Any:
    """Return an index in the dtype of a number."""
    return type(like)(k)


@overload(as_place)
def _as_place_compiled(like: Any, k: Any) -> Any:
    kind = np.float32 if like == types.float32 else np.float64

    def implementation(like: Any, k: Any) -> Any:
        return kind(k)

    return implementation


@polymorphic
def is_at(place: float, k: int) -> bool:
    """Whether a place is k."""
    return place == as_place(place, k)


@polymorphic
def raised_to(largest: float, place: float, term: float, k: int) -> tuple[float, float]:
    """Return the larger of the largest term so far and the term of index k, or a NaN, and its place."""
    larger = (term > largest) | (term != term)
    return term if larger else largest, as_place(place, k) if larger else place


@inlined
def all_inside(rows: Any, low: float, high: float) -> bool:
    """Whether every entry is in ``low .. high``, or NaN."""
    outside = False
    entries = rows.reshape(-1)
    for j in range(entries.size):
        outside |= (entries[j] < low) | (entries[j] > high)
    return not outside
