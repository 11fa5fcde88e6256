"""What a row of the table of other libraries is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Arrays = Mapping[str, Any]  # arguments by name, with a batch axis; class weights without one
Parameters = Mapping[str, float]
Compute = Callable[[Arrays, Parameters], Any]


@dataclass(frozen=True)
class Foreign:
    """Another library's function for a loss of symloss; what it does not offer is None.

    Attributes
    ----------
    library, version, function : str
        What a user calls.
    loss : str
        The loss of symloss that it is.
    value : callable
        Losses of the samples, in the dtype of the predictions.
    gradient : callable or None
        Derivative of each sample's loss; a tuple where there are several predictions.
    hessian : callable or None
        Hessian diagonal, where the library has one.
    """

    library: str
    version: str
    function: str
    loss: str
    value: Compute
    gradient: Compute | None = None
    hessian: Compute | None = None
