"""Views that nobody owns and sums in lanes: compiled against the same in Python, and against exact sums."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
import pytest
from symloss.generated._runtime.greatest import as_whole
from symloss.generated._runtime.pointers import extent, start_of, whole
from symloss.generated._runtime.spans import span
from symloss.generated._runtime.stretches import row_at, stretch
from symloss.generated._runtime.vector_sums import dot, sum_exactly, sum_of


@numba.njit
def _sums(a: Any, b: Any) -> Any:
    return sum_of(a), dot(a, b)


@numba.njit
def _sum(terms: Any) -> Any:
    return sum_of(terms)


@numba.njit
def _exact_sum(terms: Any) -> Any:
    return sum_exactly(terms)


@numba.njit
def _views(array: Any, row: int, start: int, stop: int) -> Any:
    part, whole = stretch(array, row, start, stop), row_at(array, row)
    part[0] += 1.0
    span(whole, 2, 4)[1] += 1.0
    return part.copy(), whole.copy()


@numba.njit
def _by_pointers(array: Any, row: int, start: int, size: int) -> Any:
    part, first = extent(start_of(array, row, start), size), extent(whole(array[0]), 2)
    for k in range(part.size):
        part[k] *= 2
    for k in range(first.size):
        first[k] *= 2
    return part.copy(), first.size


@numba.njit
def _whole(x: float) -> int:
    return as_whole(x)


@pytest.mark.parametrize("size", [0, 1, 3, 4, 15, 16, 17, 30, 64, 101, 1000])
def test_sums_have_the_bits_that_they_have_in_python(size: int) -> None:
    a, b = np.random.default_rng(size).normal(size=(2, size))
    total, product = _sums(a, b)
    assert (total, product) == (sum_of(a), dot(a, b))
    assert abs(total - math.fsum(a)) <= 1e-15 * math.fsum(abs(a))
    assert abs(product - math.fsum(a * b)) <= 1e-15 * math.fsum(abs(a * b))


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 23, 64, 101, 1000])
def test_exact_sums_have_the_bits_that_they_have_in_python(size: int) -> None:
    rng = np.random.default_rng(size)
    terms = rng.normal(size=size) * 10.0 ** rng.integers(-9, 9, size)
    total, lost = _exact_sum(terms)
    assert (total, lost) == sum_exactly(terms)
    assert total + lost == math.fsum(terms)


@pytest.mark.parametrize("size", [0, 1, 3, 16, 23, 101, 1000])
def test_sums_of_single_precision_are_those_of_the_same_numbers_in_double(size: int) -> None:
    terms = np.random.default_rng(size).normal(size=size).astype(np.float32)
    assert _sums(terms.astype(np.float64), terms.astype(np.float64))[0] == _sum(terms) == sum_of(terms)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_views_are_the_memory_of_their_array(dtype: str) -> None:
    array = np.arange(20.0, dtype=dtype).reshape(4, 5)
    part, whole = _views(array, 2, 1, 4)
    assert part.dtype == dtype
    assert part.tolist() == [12.0, 12.0, 14.0]
    assert whole.tolist() == array[2].tolist() == [10.0, 12.0, 12.0, 14.0, 14.0]
    assert array.sum() == 192.0


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint64"])
def test_what_pointers_lead_to_is_the_memory_of_their_array(dtype: str) -> None:
    for function in (_by_pointers, _by_pointers.py_func):
        array = np.arange(20).reshape(4, 5).astype(dtype)
        expected = array.copy()
        expected[2, 1:4] *= 2
        expected[0, :2] *= 2
        part, size = function(array, 2, 1, 3)
        assert (part.tolist(), part.dtype, size) == ([22, 24, 26], dtype, 2)
        assert array.tolist() == expected.tolist()


def test_whole_numbers_are_in_the_order_of_floats() -> None:
    numbers = [0.0, 5e-324, 1e-300, 0.5, 1.0, 1.0 + 2.0**-52, 1e300, math.inf]
    wholes = [_whole(x) for x in numbers]
    assert wholes == sorted(set(wholes)) == [as_whole(x) for x in numbers]
