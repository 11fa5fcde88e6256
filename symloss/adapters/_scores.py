"""A generated loss as linear models and boosters use it: of one score a sample, or of a row of them, and one target."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
_HOME = "symloss.generated"  # where a name without dots is looked for


def module_of(loss: ModuleType | str) -> ModuleType:
    """Return a generated module that is given itself or by its name.

    Raises
    ------
    TypeError, ValueError
        If it is no generated module, or has no such name.
    """
    module: Any = loss
    if isinstance(loss, str):
        name = loss if "." in loss else f"{_HOME}.{loss}"
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if not name.startswith(str(error.name)):
                raise
            raise ValueError(f"loss: there is no generated module {name}") from None
    if not isinstance(module, ModuleType) or not hasattr(module, "INFO"):
        raise TypeError(f"loss: expected a generated module or its name, got {loss!r}")
    return module


def name_of(loss: Any) -> Any:
    """Return the name under which a module is imported again; anything else as it is.

    Names can be copied, pickled and printed, which modules cannot.
    """
    if isinstance(loss, ModuleType) and sys.modules.get(loss.__name__) is loss:
        return loss.__name__
    return loss


@dataclass(frozen=True)
class Scores:
    """A generated module with its keywords filled in.

    Attributes
    ----------
    module : module
        The generated module.
    target : dict
        What its `INFO` says about the target.
    rows : bool
        Whether a sample has a row of scores, and not one score.
    shared : tuple of ndarray
        Arrays that all samples share, class weights for example.
    parameters : dict
        Parameters of the loss.
    """

    module: Any
    target: dict[str, Any]
    rows: bool
    shared: tuple[Array, ...]
    parameters: dict[str, Any]

    @property
    def labels(self) -> bool:
        """Whether the target is an integer, the number of a class."""
        return bool(self.target["dtype"] == ("integer",))

    @property
    def dense(self) -> bool:
        """Whether the target is a row, as the scores are."""
        return len(self.target["shape"]) > 1

    @property
    def for_boosting(self) -> Any:
        """The generated module ``_boosting`` beside that of the loss, or None where there is none yet."""
        package = self.module.__name__.rpartition(".")[0]
        try:
            return importlib.import_module(f"{package}._boosting")
        except ModuleNotFoundError:
            return None

    def call(self, function: str, raw: Array, target: Array, **keywords: Any) -> Any:
        """Call a function of the module."""
        return getattr(self.module, function)(raw, target, *self.shared, **keywords, **self.parameters)


def scores(loss: ModuleType | str, given: Mapping[str, Any] | None = None) -> Scores:
    """Return a loss of raw scores.

    Parameters
    ----------
    loss : module or str
        A generated module; ``"squared_error"`` stands for that of `symloss.generated`.
    given : mapping, optional
        The parameters of the loss and the arrays that all samples share, by name.

    Raises
    ------
    TypeError, ValueError
        If it is not a loss of one unbounded prediction and one target, or if a keyword is unknown or missing.
    """
    module: Any = module_of(loss)
    info = module.INFO
    roles: dict[str, list[dict[str, Any]]] = {"prediction": [], "target": [], "weight": []}
    for argument in info["arguments"]:
        roles[argument["role"]].append(argument)
    _check_arguments(info, roles)
    left = dict(given or {})
    shared = []
    for argument in roles["weight"]:
        if argument["name"] not in left:
            raise ValueError(f"{info['name']}: the array {argument['name']} is missing")
        shared.append(np.asarray(left.pop(argument["name"]), dtype=np.float64))
    known = [parameter["name"] for parameter in info["parameters"]]
    unknown = [name for name in left if name not in known]
    if unknown:
        raise TypeError(f"{info['name']}: there is no parameter {unknown[0]!r}; it has {known or 'none'}")
    return Scores(module, roles["target"][0], len(roles["prediction"][0]["shape"]) > 1, tuple(shared), left)


def _check_arguments(info: dict[str, Any], roles: dict[str, list[dict[str, Any]]]) -> None:
    name = info["name"]
    if info["over_sets"] or len(roles["prediction"]) != 1 or len(roles["target"]) != 1:
        names = ", ".join(argument["name"] for argument in info["arguments"])
        raise ValueError(f"{name}: expected a loss of one prediction and one target, got one of {names}")
    (prediction,) = roles["prediction"]
    domain = prediction["domain"]
    if len(prediction["shape"]) > 2:
        raise ValueError(f"{name}: expected a score or a row of scores, got {prediction['name']} of two axes or more")
    if np.any(domain.outside(np.array([-1e6, 1e6]))):
        raise ValueError(
            f"{name}: {prediction['name']} lies in {domain}, and a raw score does not; "
            "take the form of the loss with logits, or compose one"
        )


def as_labels(targets: Array) -> npt.NDArray[np.int64]:
    """Return class labels, which boosters keep as floats, as integers.

    Raises
    ------
    ValueError
        If they are no whole numbers.
    """
    labels = targets.astype(np.int64)
    if not np.array_equal(labels, targets):
        raise ValueError("targets: expected class labels, whole numbers; got others")
    return labels
