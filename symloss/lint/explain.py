"""The search for the rows of the tables that explain what an objective returns."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import attrgetter

import numpy as np

from symloss.adapters._scores import Array, Scores
from symloss.lint.hypotheses import FACTORS, FORMS, PROPERTIES, VIEWS, Factor, Form, View
from symloss.lint.problem import Facts, facts, trusted

_RELATIVE, _ABSOLUTE = 1e-5, 1e-6  # a gradient of single precision, with clipped probabilities, is right
_FEWEST = 6  # numbers on which a row has to fit
_MOSTLY = 0.7  # of the numbers are right, where an objective is wrong somewhere only
Row = View | Form | Factor


@dataclass(frozen=True)
class Explanation:
    """What was recognised in one derivative.

    Attributes
    ----------
    rows : tuple
        Rows of the tables; none where it is right.
    """

    rows: tuple[Row, ...]


def explain(which: str, found: Array, loss: Scores, at: Facts) -> Explanation | None:
    """Return the fewest mistakes that make the derived ``"grad"`` or ``"hess"`` what was found, or None."""
    known = np.isfinite(found)
    if _agrees(found, getattr(at, which), known):
        return Explanation(())
    for rows in _combinations(loss.rows):
        candidate = _candidate(which, rows, loss, at)
        if candidate is not None and _agrees(found, candidate, known):
            return Explanation(rows)
    return None


def property_of(found: Array, at: Facts) -> int | None:
    """Return the number of the property that a Hessian column has."""
    if not np.isfinite(found).all():
        return None
    return next((n for n, row in enumerate(PROPERTIES) if row.holds(found, at)), None)


def differences(found: Array, derived: Array) -> Array:
    """Return where two derivatives differ, and the derived one can be trusted."""
    with np.errstate(all="ignore"):
        close = np.abs(found - derived) <= _ABSOLUTE + _RELATIVE * np.abs(derived)
    return trusted(derived) & ~close


def is_mostly_right(found: Array, derived: Array) -> bool:
    """Whether only a part of the inputs makes a derivative wrong."""
    return float(np.mean(~differences(found, derived))) >= _MOSTLY


def _agrees(found: Array, candidate: Array, known: Array) -> bool:
    compared = known & trusted(candidate)
    if np.count_nonzero(compared) < _FEWEST:
        return False
    return not differences(found[compared], candidate[compared]).any()


def _combinations(of_rows: bool) -> Iterator[tuple[Row, ...]]:
    """Yield one row, then two, of different tables, except that a sign goes with any other factor."""
    views = [row for row in VIEWS if row.of_rows == of_rows]
    forms = [row for row in FORMS if row.of_rows in (None, of_rows)]
    customary = [row for row in forms if row.of_rows and row.note]  # before the factors that they look like
    singles: list[Row] = [*customary, *FACTORS, *views, *forms]
    yield from ((row,) for row in singles)
    sign, *others = FACTORS
    yield from ((sign, row) for row in others)
    strict = [row for row in forms if not row.note]
    yield from itertools.product(views, FACTORS)
    yield from itertools.product(strict, FACTORS)


def _candidate(which: str, rows: tuple[Row, ...], loss: Scores, at: Facts) -> Array | None:
    """Return what a derivative would be with these mistakes."""
    with np.errstate(all="ignore"):
        form: Callable[[Facts], Array] | None = attrgetter(which)
        factor = 1.0
        for row in rows:
            if isinstance(row, View):
                at = facts(loss, np.ascontiguousarray(row.scores(at.scores)), at.targets)
            elif isinstance(row, Form):
                form = getattr(row, which)
            else:
                factor *= row.of_samples(len(at.targets))
        return None if form is None else factor * form(at)
