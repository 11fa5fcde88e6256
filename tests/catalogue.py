"""The losses of `symloss.specs`, for tests that run over all of them."""

from __future__ import annotations

import importlib

from symloss.declare import Loss

MODULES = ("regression", "likelihood", "binary", "margin", "multiclass", "generative")


def catalogue() -> dict[str, Loss]:
    """Return the public losses by name, in order of declaration; cases with kernels of their own follow."""
    losses: dict[str, Loss] = {}
    for name in MODULES:
        module = importlib.import_module(f"symloss.specs.{name}")
        for bound, value in vars(module).items():
            own = isinstance(value, Loss) and value.source is not None and value.source.module == module.__name__
            if own and not bound.startswith("_"):
                losses |= {loss.name: loss for loss in (value, *value.cases())}
    return losses
