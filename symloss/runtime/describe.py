"""What a generated module says about its arguments, and `INFO`, the same for people and programs.

Named tuples, because they are made six times faster than dataclasses, at every import.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

BATCH = "..."  # stands for the batch axes in the shapes of INFO
REDUCTIONS = ("none", "sum", "mean", "weighted_mean")


class Interval(NamedTuple):
    """Numbers from ``low`` to ``high``; infinite ends mean no end."""

    low: float
    high: float
    left_open: bool = False
    right_open: bool = False

    def outside(self, values: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Return where the values lie outside; NaN does not."""
        below = values <= self.low if self.left_open else values < self.low
        above = values >= self.high if self.right_open else values > self.high
        return np.asarray(below | above)

    def __str__(self) -> str:
        left = "(" if self.left_open or math.isinf(self.low) else "["
        right = ")" if self.right_open or math.isinf(self.high) else "]"
        return f"{left}{self.low:g}, {self.high:g}{right}"


class Finite(tuple[float, ...]):
    """One of a few numbers."""

    __slots__ = ()

    def __new__(cls, *members: float) -> Finite:
        """Make it of its members."""
        return super().__new__(cls, members)

    def __getnewargs__(self) -> tuple[float, ...]:
        return tuple(self)

    def outside(self, values: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Return where the values are none of the members; NaN is not outside."""
        return np.asarray(~np.isin(values, list(self)) & (values == values))

    def __str__(self) -> str:
        return "{" + ", ".join(f"{member:g}" for member in self) + "}"

    def __repr__(self) -> str:
        return f"Finite({', '.join(map(repr, self))})"


class Labels(NamedTuple):
    """Integers from ``start`` up to, not including, ``stop``; either may name an axis."""

    start: int | str
    stop: int | str

    def __str__(self) -> str:
        last = self.stop - 1 if isinstance(self.stop, int) else f"{self.stop}-1"
        return f"{{{self.start}, ..., {last}}}"


REALS = Interval(-math.inf, math.inf)
Domain = Interval | Finite | Labels


class Array(NamedTuple):
    """An array argument: what it is called, what it is for, its axes after those of the batch, where it lies.

    Parameters
    ----------
    name : str
        Name of the argument.
    role : {"prediction", "target", "weight"}
        Arrays with the role ``weight`` are shared by all samples and have no batch axes.
    axes : tuple of str
        Names of the inner axes.  In a loss over sample sets they name the set, or are empty where the
        argument is a set of its own.
    domain : Interval, Finite or Labels
        Where the values lie.
    """

    name: str
    role: str
    axes: tuple[str, ...] = ()
    domain: Domain = REALS


class Scalar(NamedTuple):
    """A parameter: a number that is given by keyword."""

    name: str
    default: float
    domain: Interval | Finite = REALS


_DTYPES = {"prediction": ("float32", "float64")}
_REAL_DTYPES = ("bool", "integer", "float32", "float64")


def describe(
    name: str,
    title: str,
    reference: str,
    arguments: tuple[Array, ...],
    parameters: tuple[Scalar, ...] = (),
    *,
    over_sets: bool = False,
) -> dict[str, Any]:
    """Return `INFO`.

    Returns
    -------
    dict
        ``name``, ``title``, ``reference``; ``arguments``: dicts with name, role, shape (``"..."`` stands for the
        batch axes), dtype (the kinds accepted), domain (an `Interval`, `Finite` or `Labels`), optional;
        ``parameters``: dicts with name, default, domain; ``options``; ``reductions``; ``over_sets``.
    """
    return {
        "name": name,
        "title": title,
        "reference": reference,
        "arguments": tuple(_describe_array(argument, over_sets) for argument in arguments),
        "parameters": tuple({"name": p.name, "default": p.default, "domain": p.domain} for p in parameters),
        "options": (),
        "reductions": () if over_sets else REDUCTIONS,
        "over_sets": over_sets,
    }


def _describe_array(argument: Array, over_sets: bool) -> dict[str, Any]:
    if over_sets:
        shape: tuple[str, ...] = (BATCH,)
    else:
        shape = argument.axes if argument.role == "weight" else (BATCH, *argument.axes)
    labels = isinstance(argument.domain, Labels)
    return {
        "name": argument.name,
        "role": argument.role,
        "shape": shape,
        "dtype": ("integer",) if labels else _DTYPES.get(argument.role, _REAL_DTYPES),
        "domain": argument.domain,
        "optional": False,
    }
