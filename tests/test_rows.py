"""Maxima of rows: in vectors, piece by piece, and where one is what an array holds, of the array as it stands."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
import pytest

from symloss import ir
from symloss.emit.rows import is_made_of_entries, split_off_whole_rows
from symloss.runtime.rows import ROOM, largest_of, raised_over

DTYPES = (np.float32, np.float64)
_k, _row = ir.Name("k"), ir.Extent("z", 0)
_z, _y = ir.Load("z", (_k,)), ir.Load("y", (_k,))
_product = (ir.Assign("a", _z), ir.Assign("b", _y), ir.Assign("p", ir.Call("multiply", (ir.Name("a"), ir.Name("b")))))


def _largest(*terms: ir.Expr, body: tuple[ir.Statement, ...] = (), skip: tuple[ir.Expr, ...] = ()) -> ir.Reduce:
    accumulators = tuple(ir.Accumulator("max", (f"m{n}", f"at{n}"), term) for n, term in enumerate(terms))
    return ir.Reduce("k", _row, skip, body, accumulators)


def _found(row: Any, piece: int) -> tuple[Any, int]:
    largest, place = row.dtype.type(-np.inf), -1
    for start in range(0, row.size, piece):
        largest, place = raised_over(largest, place, row[start : start + piece], start)
    return largest, place


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [1, 5, 63, 64, 65, ROOM, ROOM + 1, 1000])
def test_the_largest_of_pieces_is_the_largest(dtype: Any, size: int) -> None:
    rng = np.random.default_rng(size)
    for _ in range(20):
        row = rng.integers(-4, 5, size).astype(dtype)  # most of them more than once: the first one counts
        for piece in (1, 7, ROOM):
            assert _found(row, piece) == (row.max(), row.argmax())


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_number_is_the_largest_and_nothing_is_nowhere(dtype: Any) -> None:
    row = np.array([1.0, math.nan, 3.0, math.nan], dtype)
    for piece in (1, 2, 4):
        largest, place = _found(row, piece)
        assert math.isnan(largest)
        assert place == 1
    assert _found(np.full(3, -np.inf, dtype), 2) == (-np.inf, 0)
    assert _found(np.empty(0, dtype), 2) == (-np.inf, -1)
    assert largest_of(np.empty(0, dtype)) == (-np.inf, -1)


def test_entries_as_they_stand_are_sought_alone() -> None:
    both = _largest(ir.Name("a"), ir.Name("p"), body=_product)
    ((accumulator, array),), rest = split_off_whole_rows(both)
    assert (accumulator.names, array) == (("m0", "at0"), "z")
    assert rest is not None
    assert [a.names for a in rest.accumulators] == [("m1", "at1")]
    assert rest.body == _product
    alone = _largest(_z)
    assert split_off_whole_rows(alone) == ([(alone.accumulators[0], "z")], None)
    only_product = _largest(ir.Name("p"), body=_product)
    assert split_off_whole_rows(only_product) == ([], only_product)


def test_what_is_left_computes_what_it_needs() -> None:
    unused = ir.Assign("c", ir.Call("exp", (ir.Name("b"),)))
    _, rest = split_off_whole_rows(_largest(ir.Name("a"), ir.Name("p"), body=(*_product, unused)))
    assert rest is not None
    assert rest.body == _product


@pytest.mark.parametrize(
    "bounded",
    [
        _largest(ir.Load("z", (_k,), 0.0, 1.0)),
        _largest(_z, skip=(ir.Name("label"),)),
        _largest(ir.Load("z", (ir.Name("j"),))),
    ],
    ids=["within bounds", "without one", "of another index"],
)
def test_other_maxima_stay(bounded: ir.Reduce) -> None:
    assert split_off_whole_rows(bounded) == ([], bounded)


def test_pieces_are_made_of_entries() -> None:
    assert is_made_of_entries(_largest(ir.Name("p"), body=_product))
    assert not is_made_of_entries(_largest(ir.Name("p"), body=_product, skip=(ir.Name("label"),)))
    assert not is_made_of_entries(_largest(_k))  # the index itself
    assert not is_made_of_entries(_largest(ir.Load("z", (_k, ir.Name("label")))))
    assert not is_made_of_entries(_largest(ir.Number(1.0)))
    decided = ir.If(ir.Compare(">", ir.Name("a"), ir.Number(0.0)), _product[2:], _product[2:])
    assert not is_made_of_entries(_largest(ir.Name("p"), body=(*_product[:2], decided)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [*range(16, 82), 100, 128, 1000])
def test_the_largest_is_found_wherever_it_stands(dtype: Any, size: int) -> None:
    rng = np.random.default_rng(size)
    row = rng.normal(size=size).astype(dtype)
    for place in {0, 1, 15, size // 2, size - 17 if size > 16 else 0, size - 2, size - 1}:
        for value in (9.0, math.inf, math.nan):
            changed = row.copy()
            changed[place] = value
            if place < size - 5:
                changed[place + 3] = value  # the first one counts
            largest, found = largest_of(changed)
            np.testing.assert_array_equal(largest, dtype(value))
            assert found == place
    assert largest_of(np.full(size, -np.inf, dtype)) == (-np.inf, 0)
    zeros = np.zeros(size, dtype)
    zeros[0] = -0.0
    assert largest_of(zeros) == (0.0, 0)


@numba.njit
def _in_column(array: Any, column: int) -> Any:
    return largest_of(array[:, column])


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_largest_of_a_column_is_not_that_of_what_lies_between(dtype: Any) -> None:
    array = np.random.default_rng(1).normal(size=(40, 3)).astype(dtype)
    array[:, 1] += 100.0
    array[7, 2] = np.nan
    assert _in_column(array, 0) == (array[:, 0].max(), array[:, 0].argmax())
    assert np.isnan(_in_column(array, 2)[0])
    assert _in_column(array, 2)[1] == 7
    assert _in_column(np.asfortranarray(array[::-1]), 0) == (array[:, 0].max(), 39 - array[:, 0].argmax())
