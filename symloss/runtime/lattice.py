"""Arithmetic of recurrences: numbers m * 2**e with a float each, which neither overflow nor vanish, in vectors.

Sums over paths span thousands of orders of magnitude.  Logarithms hold them, but cost an exponential and a logarithm
an addition, and lose digits as they grow; a scale for a whole front of states loses states.  A mantissa and an exponent
for every number lose nothing, and cost a few instructions of which none is transcendental.  m is 0 or 3/4 <= m < 3/2;
e is a whole number, and `NOWHERE` where m = 0.
"""

from __future__ import annotations

import math
from typing import Any

from numba import types
from numba.extending import intrinsic

from .bits import raised, split
from .exponential import _reduced as reduced
from .inside import overload
from .jit import inlined, kernel, polymorphic
from .logarithm import _double_near
from .loops import wide_vectors

NOWHERE = -1e300  # the exponent of 0
HELD = 1 << 15  # points of a lattice, at four numbers each, that caches hold: fronts of more are computed twice
_LEVEL = 64.0  # exponents of numbers that are multiplied, and added up, as plain floats
_ROUNDER = 1.5 * 2.0**52 + 1023.0
_FARTHEST = -(2.0**48)  # logarithms below it count as this


def distinct() -> None:
    """Tell LLVM that the arrays which the calling function writes to overlap no other of its arguments."""


@intrinsic
def _distinct(typingctx: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        floats = [context.get_value_type(kind) for kind in (types.float32, types.float64)]
        for argument in builder.function.args:
            if getattr(argument.type, "pointee", None) in floats:
                argument.add_attribute("noalias")
        return context.get_dummy_value()

    return types.none(), build


@overload(distinct, inline="always")  # the attributes must be the caller's
def _distinct_compiled() -> Any:
    def implementation() -> Any:
        return _distinct()

    return implementation


@polymorphic
def halved(apart: float) -> float:
    """Return 2**apart for a whole apart <= 0; 0 where that is no normal float."""
    apart = -1023.0 if apart < -1023.0 else apart
    return raised(apart + _ROUNDER)


@polymorphic
def settled(m: float, e: float) -> tuple[float, float]:
    """Return m * 2**e with m brought back into its range."""
    mantissa, power = split(m)
    nothing = m == 0.0
    return (m if nothing or m != m else mantissa), (NOWHERE if nothing else e + power)


@polymorphic
def plus(m: float, e: float, other_m: float, other_e: float) -> tuple[float, float]:
    """Return the sum of two numbers."""
    top = e if e > other_e else other_e
    return settled(m * halved(e - top) + other_m * halved(other_e - top), top)


@polymorphic
def exponential(x: float, low: float, scale: float) -> tuple[float, float]:
    """Return scale * exp(x + low) for x <= 0 or moderate, a tiny ``low``, and a normal scale or 0."""
    near = x if x > _FARTHEST else _FARTHEST
    shifted, r, tail = reduced(near)
    high = 1.0 + r
    m = high + ((r - (high - 1.0)) + tail)
    m = (m + m * low) * scale
    m = m if x > -math.inf or x != x else 0.0
    return settled(m, shifted - _ROUNDER)


@kernel
def exponentials(x: Any, low: Any, scale: Any, m: Any, e: Any) -> None:
    """Write ``scale * exp(x + low)``."""
    wide_vectors()
    distinct()
    for i in range(m.size):
        m[i], e[i] = exponential(x[i], low[i], scale[i])


@kernel
def products(a_m: Any, a_e: Any, b_m: Any, b_e: Any, m: Any, e: Any) -> None:
    """Write the products of two vectors."""
    wide_vectors()
    distinct()
    for i in range(m.size):
        m[i], e[i] = settled(a_m[i] * b_m[i], a_e[i] + b_e[i])


@kernel
def shares(a_m: Any, a_e: Any, b_m: Any, b_e: Any, total_m: float, total_e: float, out: Any) -> None:
    """Write the products of two vectors over a total that they do not exceed, as plain floats."""
    wide_vectors()
    distinct()
    inverse = 1.0 / total_m
    for i in range(out.size):
        out[i] = a_m[i] * b_m[i] * inverse * halved(a_e[i] + b_e[i] - total_e)


@kernel
def nothing(m: Any, e: Any) -> None:
    """Write zeros."""
    m[:] = 0.0
    e[:] = NOWHERE


@kernel
def add_along(a_m: Any, a_e: Any, b_m: float, b_e: float, m: Any, e: Any) -> None:
    """Add the products of a vector and a number to a vector."""
    wide_vectors()
    distinct()
    for i in range(m.size):
        m[i], e[i] = plus(m[i], e[i], a_m[i] * b_m, a_e[i] + b_e)


@polymorphic
def logarithm(m: float, e: float) -> float:
    """Return the natural logarithm; -inf of 0."""
    result = _double_near(m - 1.0, e)
    return -math.inf if m == 0.0 else result


@polymorphic
def share(m: float, e: float, total_m: float, total_e: float) -> float:
    """Return a number over another that it does not exceed by much, as a plain float; 0 over 0 is 0."""
    quotient = m / total_m * halved(e - total_e)
    return 0.0 if m == 0.0 else quotient


@inlined
def gap(x: float, y: float) -> tuple[float, float]:
    """Return x - y in two parts; 0 where the two are equal, infinite ones too."""
    apart = 0.0 if x == y else x - y
    back = apart - x
    lost = (x - (apart - back)) - (y + back)
    return apart, (lost if abs(lost) < 1.0 else 0.0)


@kernel
def level(m: Any, e: Any) -> None:
    """Give all numbers of a matrix the exponent 0, if plain floats hold them with room to spare, and none of them is 0.

    Of a product with such numbers the largest factor beside them makes no less than 2**-128 of any sum.
    """
    for i in range(m.shape[0]):
        for j in range(m.shape[1]):
            if abs(e[i, j]) > _LEVEL:
                return
    for i in range(m.shape[0]):
        for j in range(m.shape[1]):
            m[i, j] *= raised(e[i, j] + _ROUNDER)
            e[i, j] = 0.0


@kernel
def is_level(e: Any) -> bool:
    """Return whether all exponents of a matrix are 0."""
    steep = 0
    for i in range(e.shape[0]):
        for j in range(e.shape[1]):
            steep |= e[i, j] != 0.0
    return steep == 0


@kernel
def _across_level(a_m: Any, a_e: Any, jump_m: Any, top: float, m: Any, e: Any) -> None:
    """Do what `across` does, for plain floats: one exponent is the largest for all sums."""
    wide_vectors()
    distinct()
    for j in range(m.size):
        m[j] = 0.0
    for i in range(a_m.size):
        factor = a_m[i] * halved(a_e[i] - top)
        for j in range(m.size):
            m[j] += factor * jump_m[i, j]
    for j in range(m.size):
        mantissa, e[j] = settled(m[j], top)
        m[j] = mantissa + 0.0


@kernel
def across(a_m: Any, a_e: Any, jump_m: Any, jump_e: Any, flat: bool, m: Any, e: Any) -> None:
    """Write the sums over i of ``a[i] * jump[i, j]``, each with the exponent of its largest term first.

    ``flat`` says whether `is_level` finds all exponents of ``jump`` 0.
    """
    if not flat:
        _across_slopes(a_m, a_e, jump_m, jump_e, m, e)
        return
    top = NOWHERE
    for i in range(a_e.size):
        top = a_e[i] if a_e[i] > top else top
    _across_level(a_m, a_e, jump_m, top, m, e)


@kernel
def _across_slopes(a_m: Any, a_e: Any, jump_m: Any, jump_e: Any, m: Any, e: Any) -> None:
    """Do what `across` does, for numbers of any size.

    Zeros are added to what may stay as it was: LLVM would store only what changes, with instructions that are slow.
    """
    wide_vectors()
    distinct()
    for j in range(m.size):
        m[j], e[j] = 0.0, NOWHERE
    for i in range(a_m.size):
        for j in range(m.size):
            top = a_e[i] + jump_e[i, j]
            e[j] = (top if top > e[j] else e[j]) + 0.0
    for i in range(a_m.size):
        for j in range(m.size):
            m[j] += a_m[i] * jump_m[i, j] * halved(a_e[i] + jump_e[i, j] - e[j])
    for j in range(m.size):
        mantissa, e[j] = settled(m[j], e[j])
        m[j] = mantissa + 0.0


@kernel
def add_jump_shares(
    a_m: Any, a_e: Any, jump_m: Any, jump_e: Any, b_m: Any, b_e: Any, total_m: float, total_e: float, out: Any
) -> None:
    """Add ``a[i] * jump[i, j] * b[j]`` over a total to a matrix of plain floats."""
    wide_vectors()
    distinct()
    for i in range(a_m.size):
        m, e = a_m[i] / total_m, a_e[i] - total_e
        for j in range(b_m.size):
            out[i, j] += m * jump_m[i, j] * b_m[j] * halved(e + jump_e[i, j] + b_e[j])


@kernel
def begin(front: Any, place: Any, m: Any, e: Any, current: int, pad: int, row_m: Any, row_e: Any) -> None:
    """Let paths begin on a front: put the values of the boundary into it."""
    for r in range(front.size):
        if front[r] == current:
            row_m[place[r] + pad], row_e[place[r] + pad] = m[r], e[r]


@kernel
def finish(
    front: Any, place: Any, m: Any, e: Any, reach_m: Any, reach_e: Any, current: int, pad: int, row_m: Any, row_e: Any,
    total_m: float, total_e: float,
) -> tuple[float, float]:  # fmt: skip
    """Let paths end on a front: return the total with what ends there."""
    for r in range(front.size):
        if front[r] == current:
            reach_m[r], reach_e[r] = settled(row_m[place[r] + pad] * m[r], row_e[place[r] + pad] + e[r])
            total_m, total_e = plus(total_m, total_e, reach_m[r], reach_e[r])
    return total_m, total_e


@kernel
def resume(front: Any, place: Any, m: Any, e: Any, current: int, pad: int, row_m: Any, row_e: Any) -> None:
    """Let the backward sweep begin in the points of a front in which paths end."""
    for r in range(front.size):
        if front[r] == current:
            at = place[r] + pad
            row_m[at], row_e[at] = plus(row_m[at], row_e[at], m[r], e[r])


@kernel
def multiply(m: Any, e: Any, b_m: Any, b_e: Any) -> None:
    """Multiply a vector by another, in place."""
    wide_vectors()
    distinct()
    for i in range(m.size):
        m[i], e[i] = settled(m[i] * b_m[i], e[i] + b_e[i])
