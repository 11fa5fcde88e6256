"""What paths change where all of them pass: 0 together, so that the change of the largest share is that of the others.

A share that is nearly 1 changes by what the others change, of which a difference of means has lost the digits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .jit import kernel


@kernel
def balance_arcs(turns: Any, shares: Any) -> None:
    """Put together the change of the largest share of all arcs to a front; arrays are kinds of arcs by places."""
    kinds, places = shares.shape
    if kinds * places == 0:
        return
    kind, place, others = 0, 0, 0.0
    for i in range(kinds):
        for j in range(places):
            if shares[i, j] > shares[kind, place]:
                kind, place = i, j
    for i in range(kinds):
        for j in range(places):
            others += turns[i, j] if i != kind or j != place else 0.0
    turns[kind, place] = -others


@kernel
def balance_points(turns: Any, shares: Any, over_turns: Any, over_shares: Any) -> None:
    """Do the same for the points of a front; arcs that go over it, kinds by places, have shares of the whole, too."""
    if shares.size == 0:
        return
    place, others = np.argmax(shares), 0.0
    for i in range(over_shares.shape[0]):
        for j in range(over_shares.shape[1]):
            if over_shares[i, j] > shares[place]:
                return  # what is small is right as it is
            others += over_turns[i, j]
    for j in range(shares.size):
        others += turns[j] if j != place else 0.0
    turns[place] = -others
