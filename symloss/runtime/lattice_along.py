"""Tangents of recurrences: the change of a logarithm along a direction is a mean over paths, a plain float."""

from __future__ import annotations

from typing import Any

import numpy as np

from .jit import kernel
from .lattice import halved, share
from .lifted_rows import exp_below


@kernel
def mean_along(row: Any, v: Any, largest: float, others: float) -> float:
    """Return the derivative of the log-sum-exp of a row along ``v``."""
    total = 0.0
    for k in range(row.size):
        total += exp_below(np.float64(row[k]), largest) * v[k]
    return total / (1.0 + others)


@kernel
def add_turn(row: Any, v: Any, largest: float, place: int, others: float, mean: float, amount: float, out: Any) -> None:
    """Subtract ``amount`` times the Hessian of the log-sum-exp of a row times ``v``.

    Its entries are 0 together; that of the largest entry, where a mean may be all but v, is put together of the others.
    """
    factor, total = amount / (1.0 + others), 0.0
    for k in range(row.size):
        if k != place:
            turn = factor * exp_below(np.float64(row[k]), largest) * (v[k] - mean)
            total += turn
            out[k] -= turn
    out[place] += total


@kernel
def add_balanced(turns: Any, shares: Any, entry: Any, place: int, factor: float, out: Any) -> float:
    """Add the changes of the shares of a front, which are 0 together, to the entries of a row that the places read.

    That of the entry which takes most, where a mean may be all there is, is put together of the others.  The change
    at the largest entry of the row is returned instead of being added; that of all others is minus it.
    """
    most = entry[np.argmax(shares)]
    others, at_place = 0.0, 0.0
    for i in range(shares.size):
        if entry[i] != most:
            amount = factor * turns[i]
            others += amount
            if entry[i] == place:
                at_place += amount
            else:
                out[entry[i]] += amount
    if most == place:
        return -others
    out[most] -= others
    return at_place


@kernel
def begin_along(front: Any, place: Any, t: Any, current: int, pad: int, row_t: Any) -> None:
    """Put the tangents of the boundary into a front."""
    for r in range(front.size):
        if front[r] == current:
            row_t[place[r] + pad] = t[r]


@kernel
def finish_along(front: Any, place: Any, t: Any, current: int, pad: int, row_t: Any, reach_t: Any) -> None:
    """Write the tangents of what ends on a front."""
    for r in range(front.size):
        if front[r] == current:
            reach_t[r] = row_t[place[r] + pad] + t[r]


@kernel
def resume_along(
    front: Any, place: Any, m: Any, e: Any, t: Any, current: int, pad: int, row_m: Any, row_e: Any, row_t: Any
) -> None:
    """Write the tangents of the points of a front in which paths end; call before `resume`."""
    for r in range(front.size):
        if front[r] == current:
            at = place[r] + pad
            top = max(row_e[at], e[r])
            old, new = row_m[at] * halved(row_e[at] - top), m[r] * halved(e[r] - top)
            if old + new != 0.0:
                row_t[at] = (old * row_t[at] + new * t[r]) / (old + new)


@kernel
def turns_of(shares: Any, a_t: Any, b_t: Any, total_t: float, out: Any) -> None:
    """Write the changes of shares of a total."""
    for i in range(out.size):
        out[i] = shares[i] * (a_t[i] + b_t[i] - total_t)


@kernel
def balance_turns(turns: Any, shares: Any) -> None:
    """Put together the change of the largest of several shares, which are 1 together, of those of the others."""
    largest, others = np.argmax(shares), 0.0
    for i in range(turns.size):
        others += turns[i] if i != largest else 0.0
    turns[largest] = -others


@kernel
def across_along(a_m: Any, a_e: Any, a_t: Any, jump_m: Any, jump_e: Any, jump_t: Any, out: Any) -> None:
    """Write the tangents of the sums over i of ``a[i] * jump[i, j]``."""
    for j in range(out.size):
        top = -np.inf
        for i in range(a_m.size):
            top = max(top, a_e[i] + jump_e[i, j])
        total, mean = 0.0, 0.0
        for i in range(a_m.size):
            term = a_m[i] * jump_m[i, j] * halved(a_e[i] + jump_e[i, j] - top)
            total += term
            mean += term * (a_t[i] + jump_t[i, j])
        out[j] = mean / total if total != 0.0 else 0.0


@kernel
def add_jump_turns(
    a_m: Any, a_e: Any, a_t: Any, jump_m: Any, jump_e: Any, jump_t: Any, b_m: Any, b_e: Any, b_t: Any, total_m: float,
    total_e: float, total_t: float, shares: Any, turns: Any,
) -> None:  # fmt: skip
    """Add ``a[i] * jump[i, j] * b[j]`` over a total, and its change, to matrices; see `balance_turns`."""
    most, first, second, others = -1.0, 0, 0, 0.0
    for i in range(a_m.size):
        for j in range(b_m.size):
            part = share(a_m[i] * jump_m[i, j] * b_m[j], a_e[i] + jump_e[i, j] + b_e[j], total_m, total_e)
            shares[i, j] += part
            if part > most:
                most, first, second = part, i, j
    for i in range(a_m.size):
        for j in range(b_m.size):
            if i != first or j != second:
                part = share(a_m[i] * jump_m[i, j] * b_m[j], a_e[i] + jump_e[i, j] + b_e[j], total_m, total_e)
                turn = part * (a_t[i] + jump_t[i, j] + b_t[j] - total_t)
                turns[i, j] += turn
                others += turn
    turns[first, second] -= others
