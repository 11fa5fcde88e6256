"""Every loss of the catalogue, as generated, passes the judge."""

import pytest
from catalogue import catalogue

from symloss.verify.report import table, verify

LOSSES = catalogue()


@pytest.mark.parametrize("name", LOSSES)
def test_every_row_passes(name):
    """Value, gradient, Hessian, product and structure, in both precisions."""
    rows = verify([LOSSES[name]])
    assert len(rows) == 10
    assert all(row.passed for row in rows), table(rows)


def test_there_are_losses():
    """The parametrisation above is not empty."""
    assert len(LOSSES) >= 26
