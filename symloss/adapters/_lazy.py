"""Import of optional libraries when they are first needed."""

from __future__ import annotations

import importlib
from types import ModuleType


def library(name: str, extra: str | None = None) -> ModuleType:
    """Return a library that an adapter is for.

    Parameters
    ----------
    name : str
        The module to import, ``"xgboost"`` or ``"dask.array"``.
    extra : str, optional
        The extra of symloss that installs it; default: its top-level name.

    Raises
    ------
    ModuleNotFoundError
        If it is not installed; the message names the extra.
    """
    top = name.partition(".")[0]
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != top:
            raise  # the library is there, and lacks something itself
        raise ModuleNotFoundError(
            f"{top} is not installed; pip install 'symloss[{extra or top}]'", name=error.name
        ) from None
