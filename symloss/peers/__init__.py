"""Losses of other libraries, as their users call them: for their numerical error, and for their speed.

Importing this package imports none of the libraries; one that is not installed has no rows.
"""

from __future__ import annotations

import importlib
import importlib.metadata

from symloss.peers.table import Foreign

_LIBRARIES = (
    ("torch", "symloss.peers.torch_losses"),
    ("jax", "symloss.peers.jax_losses"),
    ("scikit-learn", "symloss.peers.sklearn_losses"),
)


def foreign(loss: str | None = None) -> list[Foreign]:
    """Return the functions of installed libraries.

    Parameters
    ----------
    loss : str, optional
        Name of a loss; all, if none is given.
    """
    rows: list[Foreign] = []
    for distribution, module in _LIBRARIES:
        try:
            importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            continue
        rows += importlib.import_module(module).ROWS
    return [row for row in rows if loss is None or row.loss == loss]


__all__ = ["Foreign", "foreign"]
