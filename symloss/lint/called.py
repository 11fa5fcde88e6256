"""Calls of somebody's objective, in the ways in which boosters call theirs."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from symloss.adapters._scores import Array

Objective = Callable[..., Any]
_LIKE_SCORES = re.compile(r"pred|score|raw|margin|logit|hat|approx", re.IGNORECASE)
_LIKE_TARGETS = re.compile(r"true|label|target|^y$|actual", re.IGNORECASE)


class ObjectiveError(Exception):
    """An objective that cannot be compared: it raises, or does not return a gradient and a Hessian."""


class Data:
    """Stands in for ``xgboost.DMatrix`` and ``lightgbm.Dataset``: targets and weights."""

    def __init__(self, targets: Array, weight: Array | None) -> None:
        self._targets, self._weight = targets, weight
        self.asked: set[str] = set()

    def get_label(self) -> Array:
        """Return the targets."""
        self.asked.add("label")
        return self._targets.copy()

    def get_weight(self) -> Array:
        """Return the weights; an empty array where there are none."""
        self.asked.add("weight")
        return np.empty(0) if self._weight is None else self._weight.copy()

    def num_row(self) -> int:
        """Return the number of samples."""
        self.asked.add("rows")
        return len(self._targets)

    num_data = num_row
    label, weight = property(get_label), property(get_weight)

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("a data set is no array")


@dataclass(frozen=True)
class Style:
    """How an objective is called.

    Attributes
    ----------
    said : str
        The call, as people write it.
    native : bool
        Whether it takes scores and a data set, as ``xgb.train`` and ``lgb.train`` give them.
    swapped : bool
        Whether its two arrays come in the other order.
    takes_weights : bool
        Whether it is given weights, or asks the data set for them.
    """

    said: str
    native: bool
    swapped: bool = False
    takes_weights: bool = False


NATIVE = Style("f(scores, data)", native=True)
ARRAYS = Style("f(targets, scores)", native=False)
SWAPPED = Style("f(scores, targets)", native=False, swapped=True)


def call(objective: Objective, style: Style, scores: Array, targets: Array, weight: Array | None = None) -> Any:
    """Return gradient and Hessian column as arrays in the shape of the scores.

    Raises
    ------
    ObjectiveError
        If it raises, or returns anything else.
    """
    data = Data(targets.astype(scores.dtype) if targets.ndim == 1 else targets, weight)
    try:
        with np.errstate(all="ignore"):
            result = objective(*_given(style, scores, data, weight))
    except Exception as error:
        raise ObjectiveError(f"{style.said} raised {type(error).__name__}: {error}") from error
    return _checked(result, scores)


def style_of(objective: Objective, scores: Array, targets: Array) -> Style:
    """Return how an objective wants to be called: found by calling it.

    Raises
    ------
    ObjectiveError
        If it cannot be called in any way.
    """
    data = Data(targets.astype(scores.dtype) if targets.ndim == 1 else targets, None)
    try:
        with np.errstate(all="ignore"):
            objective(scores.copy(), data)
        if data.asked:
            return Style(NATIVE.said, native=True, takes_weights="weight" in data.asked)
    except Exception as error:
        if "label" in data.asked:
            raise ObjectiveError(f"{NATIVE.said} raised {type(error).__name__}: {error}") from error
    weighs = _takes_weights(objective)
    style = Style("f(targets, scores, weights)", native=False, takes_weights=True) if weighs else ARRAYS
    call(objective, style, scores, targets)
    return style


def looks_swapped(objective: Objective) -> bool:
    """Whether the names of its two arrays say scores first."""
    first, second, *_ = [*(parameter.name for parameter in positional(objective)), "", ""]
    return bool(_LIKE_SCORES.search(first) and _LIKE_TARGETS.search(second) and not _LIKE_SCORES.search(second))


def _takes_weights(objective: Objective) -> bool:
    """Whether the third argument is for weights: it has no default, or is called so."""
    third = positional(objective)[2:3]
    return any(each.default is inspect.Parameter.empty or "weight" in each.name for each in third)


def positional(objective: Objective) -> list[inspect.Parameter]:
    """Return what an objective takes by position; nothing where that cannot be known, as of compiled functions."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    try:
        parameters = inspect.signature(objective).parameters.values()
    except (TypeError, ValueError):
        return []
    return [parameter for parameter in parameters if parameter.kind in kinds]


def _given(style: Style, scores: Array, data: Data, weight: Array | None) -> list[Any]:
    if style.native:
        return [scores.copy(), data]
    pair: list[Any] = [data.get_label(), scores.copy()]
    if style.swapped:
        pair.reverse()
    return [*pair, None if weight is None else weight.copy()] if style.takes_weights else pair


def _checked(result: Any, scores: Array) -> tuple[Array, Array]:
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise ObjectiveError(f"expected a pair, gradient and Hessian; got {type(result).__name__}")
    pair = []
    for what, given in zip(("gradient", "Hessian"), result, strict=True):
        try:
            array = np.asarray(given, dtype=np.float64)
        except (TypeError, ValueError):
            raise ObjectiveError(f"expected numbers for the {what}, got {type(given).__name__}") from None
        if array.size != scores.size:
            raise ObjectiveError(f"expected the {what} in the shape {scores.shape} of the scores, got {array.shape}")
        pair.append(array.reshape(scores.shape))
    return pair[0], pair[1]
