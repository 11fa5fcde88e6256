"""The book: a chapter that helps to choose, the notation, and a chapter a task."""

from __future__ import annotations

from collections.abc import Sequence

from symloss.arguments import Parameter
from symloss.declare import Loss
from symloss.emit.environment import render
from symloss.emit.latex_printer import NOTATION
from symloss.emit.text import escape

_TASKS = ("Regression", "Classification", "Generative models", "Specialized")  # chapters that come first, in order
_UNSORTED = "Other losses"


def book(losses: Sequence[Loss]) -> str:
    """Return the LaTeX of the book, which includes the pages of the losses."""
    tasks: dict[str, list[Loss]] = {}
    for loss in losses:
        tasks.setdefault(loss.texts.task or _UNSORTED, []).append(loss)
    order = [*_TASKS, *(task for task in tasks if task not in (*_TASKS, _UNSORTED)), _UNSORTED]
    chapters = sorted(tasks.items(), key=lambda item: order.index(item[0]))
    return render(
        "book.tex.j2",
        notation=[rf"${sign}$ & {meaning} \\" for sign, meaning in NOTATION],
        choices=[(escape(task), [_choice(loss) for loss in members]) for task, members in chapters],
        chapters=[(escape(task), [loss.name for loss in members]) for task, members in chapters],
    )


def _choice(loss: Loss) -> str:
    """Return a loss as a row of the table that helps to choose: data, use, trade-off."""
    data = ", ".join(a.name for a in loss.arguments if not isinstance(a, Parameter))
    name = rf"\hyperref[loss:{loss.name}]{{{escape(loss.texts.title)}}}"
    return (
        rf"{name} & \texttt{{{escape(data)}}} & {escape(loss.texts.use_case)} & {escape(loss.texts.disadvantages)} \\"
    )
