"""Arrays in blocks, and sums over blocks in a fixed order."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from symloss.adapters._lazy import library

da: Any = library("dask.array")
dask: Any = importlib.import_module("dask")
DaskArray = Any  # dask.array.Array


def tree_sum(parts: list[Any]) -> Any:
    """Return the sum of delayed results: neighbours are added, then neighbours among the sums, and so on."""
    add = dask.delayed(_add, pure=False)
    while len(parts) > 1:
        odd = parts[-1:] if len(parts) % 2 else []
        parts = [add(left, right) for left, right in zip(parts[::2], parts[1::2], strict=False)] + odd
    return parts[0]


def _add(left: Any, right: Any) -> Any:
    return left + right


def as_dask(array: Any, name: str) -> DaskArray:
    """Return an array as one of Dask.

    Raises
    ------
    ValueError
        If its blocks have unknown lengths.
    """
    if not isinstance(array, da.Array):
        array = da.from_array(np.asarray(array))
    if any(np.isnan(size) for size in array.shape):
        raise ValueError(f"{name}: its blocks have unknown lengths; call {name}.compute_chunk_sizes() first")
    return array


def cut(array: Any, name: str, cuts: tuple[int, ...]) -> list[Any]:
    """Return the blocks of an array along its first axis, as delayed values.

    Raises
    ------
    ValueError
        If it has another length.
    """
    array = as_dask(array, name)
    if not array.ndim or array.shape[0] != sum(cuts):
        raise ValueError(f"{name}: expected {sum(cuts)} samples along its first axis, got shape {array.shape}")
    return list(array.rechunk({0: cuts, **dict.fromkeys(range(1, array.ndim), -1)}).to_delayed().ravel())
