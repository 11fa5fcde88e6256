"""Squares of entries change places right, of whatever width and layout, and touch nothing beside them."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest

from symloss.runtime import tiles, transpose

DTYPES = (np.float32, np.float64)


@numba.njit
def _turn_4(source: Any, i: int, k: int, into: Any) -> None:
    transpose.turn_4(source, i, k, into)


@numba.njit
def _turn_8(source: Any, i: int, k: int, into: Any) -> None:
    transpose.turn_8(source, i, k, into)


@numba.njit
def _in_squares(source: Any, into: Any, rows: int, columns: int) -> None:
    tiles.in_squares(source, into, rows, columns)


@pytest.mark.parametrize("into", DTYPES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("size", "turn"), [(4, _turn_4), (8, _turn_8), (4, transpose.turn_4), (8, transpose.turn_8)])
def test_a_square_changes_places(size: int, turn: Any, dtype: Any, into: Any) -> None:
    source = np.random.default_rng(0).normal(size=(13, 19)).astype(dtype)
    target = np.zeros((21, 11), into)
    turn(source, 3, 5, target)
    expected = np.zeros_like(target)
    expected[5 : 5 + size, 3 : 3 + size] = source[3 : 3 + size, 5 : 5 + size].T
    np.testing.assert_array_equal(target, expected)


@pytest.mark.parametrize("turn", [_turn_4, _turn_8])
def test_arrays_whose_entries_lie_apart(turn: Any) -> None:
    source = np.arange(40.0 * 40).reshape(40, 40)
    size = 4 if turn is _turn_4 else 8
    for strided in (source[::2, ::2], source.T[:20, :20]):
        target = np.zeros((20, 20))
        turn(strided, 2, 7, target)
        np.testing.assert_array_equal(target[7 : 7 + size, 2 : 2 + size], strided[2 : 2 + size, 7 : 7 + size].T)
        assert np.count_nonzero(target) == size * size


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("columns", [4, 5, 7, 8, 9, 10, 15, 16, 31, 63, 64])
def test_all_rows_and_columns_in_squares(columns: int, dtype: Any) -> None:
    """Odd ends are within a square that overlaps the one before."""
    rows = np.random.default_rng(columns).normal(size=(tiles.LANES, columns)).astype(dtype)
    tile = np.full((tiles.FEW, tiles.LANES), np.nan, dtype)
    _in_squares(rows, tile, tiles.LANES, columns)
    np.testing.assert_array_equal(tile[:columns], rows.T)
    assert np.isnan(tile[columns:]).all()
    back = np.full_like(rows, np.nan)
    _in_squares(tile, back, columns, tiles.LANES)
    np.testing.assert_array_equal(back, rows)
