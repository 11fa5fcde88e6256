"""Limits of sequences of high-precision numbers, and the points that approach an end of a domain."""

from __future__ import annotations

from collections.abc import Sequence

from symloss.verify.evaluate import MP, Number


def limit(terms: Sequence[Number]) -> Number | None:
    """Return what the terms tend to, infinities included, or None if they do not say.

    The points of consecutive terms are far apart: from one to the next the distance to the end, or its logarithm,
    changes at least by a factor of 2.
    """
    *_, before, last = terms
    if any(MP.isnan(term) for term in terms):
        return None
    if MP.isinf(last):
        return last if before == last or MP.isfinite(before) else None
    if before == last:
        return last
    if before == 0 or last == 0:
        return MP.zero if abs(last) < abs(before) else None
    ratio = last / before
    if abs(ratio - 1) < MP.mpf(10) ** -20:
        return last
    if abs(ratio) < 0.9 and _monotone(terms):
        return MP.zero
    if ratio > 1.2 and _monotone(terms):
        return MP.sign(last) * MP.inf
    return None


def _monotone(terms: Sequence[Number]) -> bool:
    sizes = [abs(term) for term in terms]
    return sizes == sorted(sizes) or sizes == sorted(sizes, reverse=True)


def distances(smallest: float) -> list[Number]:
    """Return distances from a finite end: well below every other number of the sample, and ever smaller.

    Parameters
    ----------
    smallest : float
        The least magnitude of the numbers that are not 0.
    """
    places = 40 + max(0, -int(MP.log10(MP.mpf(smallest))))
    return [MP.mpf(10) ** -(places * factor) for factor in (1, 2, 4)]


def far(largest: float, smallest: float) -> list[Number]:
    """Return how far out an infinite argument is taken: exponentials of it outweigh every other number.

    Parameters
    ----------
    largest, smallest : float
        Largest magnitude of the other numbers of the sample, and the least that is not 0.
    """
    start = 100 + 4 * MP.mpf(largest) - 4 * MP.ln(MP.mpf(smallest))
    return [start * factor for factor in (1, 2, 4)]


# Where powers settle, too; exponentials have vanished in rounding, which is where they tend to.
FURTHER = tuple(MP.mpf(10) ** k for k in (60, 120, 240))
