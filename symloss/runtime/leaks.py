"""What the paths of a recurrence lose on the way from one front to the next, as plain floats.

Of a place there goes on what the softmax of the next row gives to the entries that its successors read.  The rest is
the difference of two sums of weights, the largest weight of the row left out of both where a successor reads it: good
to the last digits unless the successors have most of what is left, too; then the rest is added up, entry by entry.
"""

from __future__ import annotations

from typing import Any

from .gauges import shifted
from .jit import kernel
from .lattice import distinct, halved
from .loops import wide_vectors
from .vector_sums import sum_of

SLIGHT = 2.0**-80  # what is on a place is passed over if it is so small a part of what has been lost


@kernel
def as_floats(m: Any, e: Any, out: Any) -> None:
    """Write numbers as plain floats, 0 where they are too small."""
    wide_vectors()
    distinct()
    for i in range(out.size):
        out[i] = m[i] * halved(e[i])


@kernel
def upright(front: Any, scale: float, gauge: Any, out: Any) -> None:
    """Write the numbers of a front with a scale, and gauges for the places, as plain floats."""
    wide_vectors()
    distinct()
    for place in range(out.size):
        out[place] = front[place] * shifted(scale + gauge[place])


@kernel
def set_aside(weight: Any, entry: Any, largest: int, others: Any, is_largest: Any) -> None:
    """Write the weights of the places that do not read the largest entry of a row, and 1 for those that do."""
    wide_vectors()
    distinct()
    for place in range(others.size):
        found = entry[place] == largest
        others[place] = 0.0 if found else weight[place]
        is_largest[place] = 1.0 if found else 0.0


@kernel
def sum_of_rest(terms: Any, entries: Any, kept: Any) -> float:
    """Return the sum of all terms but those of some entries, which ``kept`` has room for."""
    for i in range(entries.size):
        kept[i], terms[entries[i]] = terms[entries[i]], 0.0
    total = sum_of(terms)
    for i in range(entries.size):
        terms[entries[i]] = kept[i]
    return total
