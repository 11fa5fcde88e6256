"""What a generated loss takes, for libraries that pass arrays of their own kind by position."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

from symloss.adapters._scores import module_of


@dataclass(frozen=True)
class Arguments:
    """The arguments of a generated loss.

    Attributes
    ----------
    module : str
        The name under which the generated module is imported.
    name : str
        The name of the loss.
    arrays : tuple of str
        Names of its arrays, predictions first.
    predictions : int
        How many of them are predictions.
    inner : tuple of int
        Numbers of axes that the arrays have behind those of the batch; all of them where the samples share an array.
    shared : tuple of bool
        Which arrays all samples share, class weights for example: they have no batch axes.
    parameters : tuple of str
        Names of the parameters.
    defaults : tuple of float
        Their defaults.
    over_sets : bool
        Whether the arrays are sets of samples that make one loss together, which has neither weights nor reductions.
    """

    module: str
    name: str
    arrays: tuple[str, ...]
    predictions: int
    inner: tuple[int, ...]
    shared: tuple[bool, ...]
    parameters: tuple[str, ...]
    defaults: tuple[float, ...]
    over_sets: bool

    def batch(self, shape: Sequence[Any]) -> tuple[Any, ...]:
        """Return the batch axes, given the shape of the first prediction."""
        return () if self.over_sets else tuple(shape[: len(shape) - self.inner[0]])

    def values(self, given: Mapping[str, Any]) -> list[float]:
        """Return the values of all parameters.

        Raises
        ------
        TypeError
            For a keyword that is none.
        """
        for name in given:
            if name not in self.parameters:
                known = ", ".join(self.parameters) or "no parameters"
                raise TypeError(f"{self.name}: there is no keyword {name!r}; it has {known}")
        return [float(given.get(name, default)) for name, default in zip(self.parameters, self.defaults, strict=True)]

    def keywords(self, parameters: Sequence[float], weight: Any, reduction: str) -> dict[str, Any]:
        """Return the keywords with which a function of the module is called."""
        chosen: dict[str, Any] = dict(zip(self.parameters, parameters, strict=True))
        return chosen if self.over_sets else {**chosen, "weight": weight, "reduction": reduction}

    def check_count(self, given: Sequence[Any]) -> None:
        """Raise if there are more or fewer arrays than declared.

        Raises
        ------
        TypeError
            Then.
        """
        if len(given) != len(self.arrays):
            raise TypeError(
                f"{self.name}: expected {len(self.arrays)} arrays, {', '.join(self.arrays)}; got {len(given)}"
            )

    def check_reduction(self, weight: Any, reduction: str) -> None:
        """Raise for a reduction that there is not, and for weights and reductions of a loss over sets of samples.

        Raises
        ------
        ValueError
            Then.
        """
        reductions = info_of(self.module)["reductions"]
        if self.over_sets:
            if weight is not None or reduction != "mean":
                raise ValueError(
                    f"{self.name}: it is one number for whole sets of samples; it takes no weight and no reduction"
                )
        elif reduction not in reductions:
            raise ValueError(f"reduction: expected one of {', '.join(map(repr, reductions))}, got {reduction!r}")

    def signature(self) -> inspect.Signature:
        """Return the signature of a function of these arguments."""
        kinds = inspect.Parameter
        names = [kinds(name, kinds.POSITIONAL_ONLY) for name in self.arrays]
        if not self.over_sets:
            names += [kinds("weight", kinds.KEYWORD_ONLY, default=None)]
            names += [kinds("reduction", kinds.KEYWORD_ONLY, default="mean")]
        pairs = zip(self.parameters, self.defaults, strict=True)
        return inspect.Signature(names + [kinds(n, kinds.KEYWORD_ONLY, default=value) for n, value in pairs])


def info_of(module: str) -> dict[str, Any]:
    """Return what an imported generated module says about itself."""
    return sys.modules[module].INFO


def arguments_of(loss: ModuleType | str) -> Arguments:
    """Return the arguments of a generated module that is given itself or by its name.

    Raises
    ------
    TypeError, ValueError
        If it is none, or cannot be imported by its name.
    """
    module = module_of(loss)
    if sys.modules.get(module.__name__) is not module:
        raise ValueError(f"loss: {module.__name__} has to be importable by its name, as libraries call it by that")
    return _arguments(module.__name__)


@cache
def _arguments(module: str) -> Arguments:
    info = info_of(module)
    arrays = info["arguments"]
    shared = tuple(array["role"] == "weight" for array in arrays)
    return Arguments(
        module,
        info["name"],
        tuple(array["name"] for array in arrays),
        sum(array["role"] == "prediction" for array in arrays),
        tuple(len(array["shape"]) - (not s) for array, s in zip(arrays, shared, strict=True)),
        shared,
        tuple(parameter["name"] for parameter in info["parameters"]),
        tuple(parameter["default"] for parameter in info["parameters"]),
        info["over_sets"],
    )
