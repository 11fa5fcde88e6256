"""Recurrences in specs: a workspace whose equation mentions itself at earlier indices, and its total over all paths.

The numbers of a workspace are logarithms of sums over paths.  `Total` is the sum over all paths that begin at its
boundary and end in its result set; it is a node like any other, so a loss is an expression of it and `compose`
reaches into it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy
from sympy import Basic, Expr, Function, Range, S, Symbol, Tuple, sympify

from symloss.arguments import Argument, Target, check_name
from symloss.errors import SpecError, spec_source
from symloss.functions import select
from symloss.reductions import Dim, Element


class Longer(Dim):
    """The length of an axis that has a few entries more than another: ``Longer(U, 1)``.

    Parameters
    ----------
    dim : Dim
        The other axis.
    extra : int
        How many entries more.
    """

    def __new__(cls, dim: Dim, extra: int, **assumptions: Any) -> Longer:
        self: Longer = Dim.__new__(cls, f"{dim.name}+{extra}", **assumptions)
        self.dim, self.extra = dim, extra
        return self

    def _hashable_content(self) -> tuple[Any, ...]:
        return (*super()._hashable_content(), self.dim, self.extra)

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (self.dim, self.extra), {}


class Length(Target):
    """How many entries along an axis belong to the sample; optional for the caller, who means all of them.

    Parameters
    ----------
    name : str
        Name of the argument.
    dim : Dim
        The axis.  What lies beyond is padding: never read, and without gradient.
    least : int
        Smallest length that makes sense.
    """

    def __new__(cls, name: str, dim: Dim, least: int = 0, **assumptions: Any) -> Length:
        self: Length = Target.__new__(cls, name, domain=Range(least, dim + 1), **assumptions)
        self.dim, self.least = dim, least
        return self

    def _hashable_content(self) -> tuple[Any, ...]:
        return (*super()._hashable_content(), self.dim)

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (self.name, self.dim, self.least), {}


class Step(Symbol):
    """An index of a workspace: 0, 1, ..., extent - 1.

    Parameters
    ----------
    name : str
        Name of the index.
    extent : Expr
        Its number of values: a `Length`, a `Dim`, or an expression of them.
    """

    def __new__(cls, name: str, extent: Any, **assumptions: Any) -> Step:
        assumptions.update(integer=True)
        self = Symbol.__xnew__(cls, name, **assumptions)
        self.extent = sympify(extent)
        return self

    def _hashable_content(self) -> tuple[Any, ...]:
        return (*super()._hashable_content(), self.extent)

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (self.name, self.extent), {}


class Workspace(Symbol):
    """What a recurrence defines: ``alpha[t, s]`` is the logarithm of a sum over paths that end there.

    Parameters
    ----------
    name : str
        Name, in formulas.
    *steps : Step
        Its indices, in the order of the equation.
    """

    def __new__(cls, name: str, *steps: Step, **assumptions: Any) -> Workspace:
        source = spec_source()
        check_name(name, "a workspace", source)
        if not 1 <= len(steps) <= 2 or not all(isinstance(step, Step) for step in steps):
            raise SpecError(f"workspace {name!r}: its indices must be one or two Step objects, got {steps}", source)
        assumptions.update(real=True)
        self = Symbol.__xnew__(cls, name, **assumptions)
        self.steps = tuple(steps)
        return self

    @property
    def dims(self) -> tuple[Any, ...]:
        """The extents of the indices: an index over a `Dim` fits where the extent is that `Dim`."""
        return tuple(step.extent for step in self.steps)

    def _hashable_content(self) -> tuple[Any, ...]:
        return (*super()._hashable_content(), self.steps)

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (self.name, *self.steps), {}

    def __getitem__(self, indices: Any) -> Element:
        indices = indices if isinstance(indices, tuple) else (indices,)
        if len(indices) != len(self.steps):
            shown = ", ".join(map(str, indices))
            raise SpecError(
                f"{self.name}[{shown}]: {self.name} has {len(self.steps)} indices, and {len(indices)} came",
                spec_source(),
            )
        return Element(self, *indices)


class LogAdd(Function):
    """log(exp(a) + exp(b) + ...)."""

    is_real = True

    @classmethod
    def eval(cls, *_args: Any) -> None:
        """Leave the function unevaluated."""


class SumAlong(Expr):
    """The sum of a body over all values of a `Step`; in specs ``Sum(body, step)``."""

    is_real = True
    is_commutative = True

    @property
    def free_symbols(self) -> set[Basic]:
        """Everything but the step."""
        body, step = self.args
        lengths = {s.dim for s in body.free_symbols | step.extent.free_symbols if isinstance(s, Length)}
        return (body.free_symbols | step.extent.free_symbols | lengths) - {step}

    def _eval_subs(self, old: Basic, new: Basic) -> Any:
        return self.xreplace({old: new})


def guard(term: Any, *conditions: Any) -> Expr:
    """Return the term where all conditions hold, and log 0 elsewhere."""
    return sympy.Piecewise((term, sympy.And(*conditions)), (-sympy.oo, True))


class Total(Expr):
    """The logarithm of the sum over all paths of a recurrence.

    Arguments are the workspace, its equation, and tuples (point, value) of boundary and result.
    """

    is_real = True
    is_commutative = True

    @property
    def workspace(self) -> Workspace:
        """What the equation defines."""
        return self.args[0]

    @property
    def equation(self) -> Expr:
        """What an entry of the workspace is."""
        return self.args[1]

    @property
    def boundary(self) -> tuple[tuple[Tuple, Expr], ...]:
        """Points whose values are given, where paths begin."""
        return tuple(tuple(pair) for pair in self.args[2])

    @property
    def result(self) -> tuple[tuple[Tuple, Expr], ...]:
        """Points in which paths end, with what is added there."""
        return tuple(tuple(pair) for pair in self.args[3])

    @property
    def free_symbols(self) -> set[Basic]:
        """Everything but the workspace and its indices."""
        inside = set().union(*(arg.free_symbols for arg in self.args[1:]))
        extents = set().union(*(step.extent.free_symbols for step in self.workspace.steps))
        lengths = {s.dim for s in inside | extents if isinstance(s, Length)}
        bound = {self.workspace, *self.workspace.steps, *points_indices(self)}
        return (inside | extents | lengths) - bound

    def _eval_subs(self, old: Basic, new: Basic) -> Any:
        return self.xreplace({old: new})

    def _sympystr(self, printer: Any) -> str:
        shown = printer._print
        steps = self.workspace.steps
        entry = f"{self.workspace.name}[{', '.join(step.name for step in steps)}]"
        parts = [f"{entry} = {shown(self.equation)}"]
        for head, pairs in (("from", self.boundary), ("to", self.result)):
            ends = [f"[{', '.join(map(shown, point))}]: {shown(value)}" for point, value in pairs]
            parts.append(f"{head} {{{', '.join(ends)}}}")
        return f"Total({'; '.join(parts)})"


def points_indices(total: Total) -> set[Basic]:
    """Return the indices that run freely in points of the boundary and of the result."""
    points = [point for point, _ in (*total.boundary, *total.result)]
    return {
        entry
        for point in points
        for entry in point
        if isinstance(entry, Symbol) and not isinstance(entry, (Argument, Dim))
    }


def total(workspace: Workspace, equation: Any, boundary: Mapping[Any, Any], result: Mapping[Any, Any]) -> Total:
    """Return the logarithm of the sum over all paths of a recurrence.

    Parameters
    ----------
    workspace : Workspace
        What is defined.
    equation : Expr
        ``alpha[t, s]``, in terms of itself at earlier indices: a weight plus `LogAdd` (or ``logsumexp`` over an index)
        of earlier entries, each with a weight of its own and a `guard`.  Entries out of range are log 0.
    boundary : mapping of tuple to Expr
        Points at which paths begin, such as ``{(-1, 0): 0}``, and their values.  A point may run along an index.
    result : mapping of tuple to Expr
        Points in which paths end, and what is added there.

    Raises
    ------
    SpecError
        If points and workspace differ in their number of indices.
    """
    source = spec_source()
    pairs = []
    for what, given in (("boundary", boundary), ("result", result)):
        points = []
        for point, value in given.items():
            point = point if isinstance(point, tuple) else (point,)
            if len(point) != len(workspace.steps):
                raise SpecError(
                    f"{workspace.name}: a point of the {what} has {len(workspace.steps)} indices, got {point}", source
                )
            points.append(Tuple(Tuple(*point), sympify(value)))
        if not points:
            raise SpecError(f"{workspace.name}: its {what} is empty, so there is no path", source)
        pairs.append(Tuple(*points))
    return Total(workspace, sympify(equation), *pairs)


def allowed(term: Expr) -> tuple[Expr, tuple[Basic, ...]]:
    """Split a guarded term into the term and the conditions under which it is not log 0."""
    conditions: list[Basic] = []
    while isinstance(term, select):
        condition, yes, no = term.args
        if no is S.NegativeInfinity:
            conditions.append(condition)
            term = yes
        elif yes is S.NegativeInfinity:
            conditions.append(condition.negated)
            term = no
        else:
            break
    return term, tuple(conditions)
