"""Plots as numbers in the text: a loss and its gradient along one entry of the first prediction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sympy import Basic, FiniteSet, Interval, S

from symloss.arguments import Argument, Parameter, Prediction, is_class_label
from symloss.declare import Loss
from symloss.derive import Output
from symloss.emit.latex_printer import symbol
from symloss.emit.numbers import evaluate
from symloss.reductions import Dim

_POINTS = 41
_SIZE = 3  # of every axis
_OTHERS = (0.5, -0.25, 0.75)  # what the other entries are
_INSIDE = (0.25, 0.35, 0.4)  # the same in bounded domains
_HIGHEST = 60.0  # what a curve may reach


@dataclass(frozen=True)
class Curve:
    """One line of a plot: its name and its points as text for pgfplots."""

    name: str
    points: str


@dataclass(frozen=True)
class Plot:
    """What a template needs to draw."""

    variable: str
    caption: str
    curves: tuple[Curve, ...]


def plot(loss: Loss, derived: tuple[Output, ...]) -> Plot:
    """Return value and gradient, at 41 places of the first prediction, for every value of a target with few."""
    prediction = loss.predictions[0]
    value = derived[0]
    gradient = next(o for o in derived if o.kind == "gradient" and o.wrt == prediction)
    curves = []
    for label, setting in _settings(loss):
        for output, name in ((value, "loss"), (gradient, "gradient")):
            points = list(_points(loss, output, prediction, setting))
            if points:
                curves.append(Curve(f"{name}{label}", " ".join(f"({x:.5g},{y:.5g})" for x, y in points)))
    entry = symbol(prediction.name) + ("_{0}" if prediction.dims else "")
    return Plot(f"${entry}$", _caption(loss, prediction), tuple(curves))


def _settings(loss: Loss) -> Iterator[tuple[str, dict[Basic, Any]]]:
    """Yield what the targets are in each pair of curves."""
    for target in loss.arguments:
        if isinstance(target.domain, FiniteSet) and not target.dims and target.role == "target":
            for member in sorted(target.domain):
                yield f", ${symbol(target.name)} = {member}$", {target: float(member)}
            return
    yield "", {}


def _points(
    loss: Loss, output: Output, prediction: Prediction, setting: dict[Basic, Any]
) -> Iterator[tuple[float, float]]:
    sizes: dict[Dim, int] = dict.fromkeys((d for a in loss.arguments for d in a.dims), _SIZE)
    fixed = {a: _fixed(a) for a in loss.arguments} | setting | dict.fromkeys(output.index, 0)
    low, high = _range(prediction)
    for i in range(_POINTS):
        x = low + (high - low) * i / (_POINTS - 1)
        row = fixed[prediction]
        values = {**fixed, prediction: _with_first(row, x)}
        y = float(evaluate(output.expr, values, sizes))
        if abs(y) <= _HIGHEST:
            yield x, y


def _with_first(entries: Any, x: float) -> Any:
    """Return entries of any number of axes with the very first replaced."""
    return [_with_first(entries[0], x), *entries[1:]] if isinstance(entries, list) else x


def _range(prediction: Argument) -> tuple[float, float]:
    domain = prediction.domain
    if not isinstance(domain, Interval) or domain == S.Reals:
        return -4.0, 4.0
    low = float(domain.start) if domain.start.is_finite else -4.0
    high = float(domain.end) if domain.end.is_finite else max(low, 0.0) + 4.0
    margin = (high - low) / 50
    return low + margin, high - margin


def _fixed(argument: Argument) -> Any:
    """Return what an argument is that is not varied."""
    if isinstance(argument, Parameter):
        return float(argument.default)
    if is_class_label(argument) and not argument.dims:
        return 0
    row = _row(argument)
    for _ in argument.dims[1:]:
        row = [row] * _SIZE
    return row if argument.dims else row[0]


def _row(argument: Argument) -> Any:
    """Return what an argument is along one axis."""
    if isinstance(argument.domain, FiniteSet):
        return [float(max(argument.domain))] * _SIZE
    bounded = isinstance(argument.domain, Interval) and argument.domain != S.Reals
    numbers = list(_INSIDE if bounded else _OTHERS)
    if argument.role == "target" and not bounded:
        numbers = [0.0] * _SIZE
    return numbers


def _caption(loss: Loss, prediction: Prediction) -> str:
    names = [a for a in loss.arguments if a != prediction and not isinstance(a.domain, FiniteSet)]
    shown = []
    if prediction.dims:
        rest = ", ".join(f"{x:g}" for x in _row(prediction)[1:])
        shown.append(rf"the other entries of ${symbol(prediction.name)}$ are ${rest}$")
    for a in names:
        value = _row(a) if a.dims else _fixed(a)
        text = "(" + ", ".join(f"{x:g}" for x in value) + ")" if isinstance(value, list) else f"{value:g}"
        shown.append(rf"${symbol(a.name)} = {text}$")
    return "; " + "; ".join(shown) if shown else ""
