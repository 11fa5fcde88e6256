"""What all paths but one contribute: sums of positive numbers, which keep their digits where that one is certain."""

from __future__ import annotations

import math
from typing import Any

from .gauges import shifted
from .jit import kernel
from .lattice import NOWHERE, distinct, halved, logarithm, plus, settled
from .logarithm import log1p
from .loops import wide_vectors
from .stretches import stretch
from .vector_sums import sum_of

_NEAR = 64.0  # exponent of what the largest numbers of two fronts have of the total: nothing vanishes beside it


@kernel
def _missed(own_m: float, own_e: float, others_m: float, others_e: float) -> float:
    """Return log(1 + others/own)."""
    if own_m == 0.0:
        return math.inf
    m, e = settled(others_m / own_m, others_e - own_e)
    if e < 0.0:
        return log1p(m * halved(e))
    m, e = plus(m, e, 1.0, 0.0)
    return logarithm(m, e)


@kernel
def missed_before(a_m: Any, a_e: Any, jump_m: Any, jump_e: Any, chosen: int, place: int) -> float:
    """Return minus the logarithm of the part of what comes to a place that comes from a chosen one."""
    top = NOWHERE
    for i in range(a_m.size):
        e = a_e[i] + jump_e[i, place]
        top = e if i != chosen and e > top else top
    others = 0.0
    for i in range(a_m.size):
        term = a_m[i] * jump_m[i, place] * halved(a_e[i] + jump_e[i, place] - top)
        others += term if i != chosen else 0.0
    others_m, others_e = settled(others, top)
    own_m, own_e = a_m[chosen] * jump_m[chosen, place], a_e[chosen] + jump_e[chosen, place]
    return _missed(own_m, own_e, others_m, others_e)


@kernel
def missed_at_end(end_place: Any, reach_m: Any, reach_e: Any, chosen: int) -> float:
    """Return minus the logarithm of the part of what ends that ends in a chosen place."""
    own_m, own_e, others_m, others_e = 0.0, NOWHERE, 0.0, NOWHERE
    for r in range(end_place.size):
        if end_place[r] == chosen:
            own_m, own_e = plus(own_m, own_e, reach_m[r], reach_e[r])
        else:
            others_m, others_e = plus(others_m, others_e, reach_m[r], reach_e[r])
    return _missed(own_m, own_e, others_m, others_e)


@kernel
def balance(shares: Any, chosen: int) -> None:
    """Subtract 1 from a chosen one of several shares that are 1 together, or all 0."""
    others = 0.0
    for i in range(shares.size):
        others += shares[i] if i != chosen else 0.0
    shares[chosen] = -others


@kernel
def balance_places(places: Any, shares: Any, chosen: int) -> None:
    """Do the same to the share of a chosen place."""
    others = 0.0
    for r in range(shares.size):
        others += shares[r] if places[r] != chosen else 0.0
    for r in range(shares.size):
        if places[r] == chosen:
            shares[r] = -others


@kernel
def add_other_jumps(
    a_m: Any, a_e: Any, jump_m: Any, jump_e: Any, flat: bool, b_m: Any, b_e: Any, total_m: float, total_e: float,
    chosen: int, place: int, room: Any, out: Any,
) -> None:  # fmt: skip
    """Do the same to the shares that go from one front to the next, as `lattice.add_jump_shares` adds them.

    ``flat`` says whether `lattice.is_level` finds all exponents of ``jump`` 0; the room has three rows like a front.
    """
    size = b_m.size
    a, b, rest = stretch(room, 0, 0, size), stretch(room, 1, 0, size), stretch(room, 2, 0, size)
    for j in range(size):
        rest[j] = 0.0  # all others, by where they go to
    top_a, top_b = NOWHERE, NOWHERE
    for i in range(a_e.size):
        top_a, top_b = max(a_e[i], top_a), max(b_e[i], top_b)
    if flat and top_a + top_b - total_e <= _NEAR:
        _plain_shares(a_m, a_e, 1.0 / total_m, top_a, a)
        _plain_shares(b_m, b_e, 1.0, total_e - top_a, b)
        _add_level_jumps(a, jump_m, b, chosen, place, rest, out)
    else:
        _add_jumps(a_m, a_e, jump_m, jump_e, b_m, b_e, total_m, total_e, chosen, place, rest, out)
    out[chosen, place] -= sum_of(rest)


@kernel
def _plain_shares(m: Any, e: Any, factor: float, top: float, out: Any) -> None:
    wide_vectors()
    distinct()
    for i in range(out.size):
        out[i] = m[i] * factor * shifted(e[i] - top)


@kernel
def _add_level_jumps(a: Any, jump: Any, b: Any, chosen: int, place: int, rest: Any, out: Any) -> None:
    """Add all products of plain floats but that of the chosen place and the other one."""
    wide_vectors()
    distinct()
    for i in range(a.size):
        skipped = place if i == chosen else -1
        for j in range(b.size):
            part = a[i] * jump[i, j] * b[j]
            part = part if j != skipped else 0.0
            out[i, j] += part
            rest[j] += part


@kernel
def _add_jumps(
    a_m: Any, a_e: Any, jump_m: Any, jump_e: Any, b_m: Any, b_e: Any, total_m: float, total_e: float, chosen: int,
    place: int, rest: Any, out: Any,
) -> None:  # fmt: skip
    """Add all shares but that from the chosen place to the other one."""
    wide_vectors()
    distinct()
    for i in range(a_m.size):
        m, e = a_m[i] / total_m, a_e[i] - total_e
        skipped = place if i == chosen else -1
        for j in range(b_m.size):
            part = m * jump_m[i, j] * b_m[j] * halved(e + jump_e[i, j] + b_e[j])
            part = part if j != skipped else 0.0
            out[i, j] += part
            rest[j] += part
