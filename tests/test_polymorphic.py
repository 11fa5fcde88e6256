"""Literals take the dtype of the arguments, compiled as interpreted."""

from __future__ import annotations

import math

import numpy as np
import pytest

from symloss.runtime.bits import by_dtype, fused, polynomial, raised, split
from symloss.runtime.jit import polymorphic

_TENTH = 0.1
_TABLE = (0.3, 0.7)


@polymorphic
def _compute(x: float, y: float) -> float:
    total = 1.0 - x * _TENTH
    for entry in _TABLE:
        total = total * x + entry
    return total if x < y else math.inf


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_literals_are_as_wide_as_the_arguments(kind: type) -> None:
    _compute(kind(2), kind(3))
    returned = {
        o.signature.return_type.name for o in _compute.overloads.values() if str(o.signature.args[0]) in kind.__name__
    }
    assert returned == {kind.__name__}
    with np.errstate(all="ignore"):
        interpreted = _compute.py_func(kind(2), kind(3))
    table = [kind(entry) for entry in _TABLE]
    x = kind(2)
    expected = ((kind(1) - x * kind(_TENTH)) * x + table[0]) * x + table[1]
    assert kind(_compute(x, kind(3))) == expected
    assert abs(interpreted - expected) <= 4 * np.spacing(expected)


def test_mixed_arguments_are_computed_in_float64() -> None:
    assert _compute(np.float32(2), np.float64(3)) == _compute(2.0, 3.0)


@polymorphic
def _narrow(x: float) -> float:
    return x


@polymorphic
def _wide(x: float) -> float:
    return 2.0 * x


def test_a_function_is_chosen_by_dtype() -> None:
    chosen = by_dtype(_narrow, _wide)

    @polymorphic
    def call(x: float) -> float:
        return chosen(x)  # type: ignore[no-any-return]

    assert [call(np.float32(3)), call(3.0), chosen(np.float32(3)), chosen(3.0)] == [3, 6, 3, 6]


@polymorphic
def _parts(x: float, k: float) -> tuple[float, float, float, float]:
    m, e = split(x)
    return m, e, fused(x, x, -1.0), polynomial(x, (2.0, 3.0, 5.0))


@pytest.mark.parametrize("x", [1.0, 0.75, 1.4999, 1.5, 3.7, 1e-15, 1e15])
def test_bits_are_the_same_interpreted_and_compiled(x: float) -> None:
    for kind in (np.float32, np.float64):
        given = kind(x)
        compiled, interpreted = _parts(given, given), _parts.py_func(given, given)
        assert [kind(a) for a in compiled] == [kind(b) for b in interpreted]
        m, k = interpreted[:2]
        assert float(m) * 2.0 ** float(k) == float(given)
        assert 0.75 <= m < 1.5


@polymorphic
def _raised(x: float) -> float:
    return raised(x)


@pytest.mark.parametrize("k", [-126, -1, 0, 1, 127])
def test_powers_of_two_are_put_together_bit_by_bit(k: int) -> None:
    for kind, rounder in ((np.float32, 1.5 * 2.0**23 + 127), (np.float64, 1.5 * 2.0**52 + 1023)):
        assert _raised(kind(rounder + k)) == raised(kind(rounder + k)) == 2.0**k
