"""The total of a recurrence, evaluated as declared: entry by entry, in arbitrary precision.

An entry is asked for by its indices and computed from the entries that its equation mentions; what this takes for an
order of computation is whatever the recursion comes to.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sympy import Basic

from symloss.recurrence import LogAdd, Step, SumAlong, Total, Workspace
from symloss.reductions import Element, Index

Compile = Callable[[Basic], Callable[[Any], Any]]
Run = Callable[[Any], Any]


class Paths:
    """Compiles totals to functions of an environment.

    Parameters
    ----------
    mp : mpmath context
        Whose numbers are computed with.
    compile_ : callable
        Compiles other expressions.
    """

    def __init__(self, mp: Any, compile_: Compile) -> None:
        self._mp, self._compile = mp, compile_

    def log_add(self, terms: Sequence[Any]) -> Any:
        """Return the logarithm of the sum of exponentials; log 0 of nothing."""
        mp = self._mp
        if any(mp.isnan(term) for term in terms):
            return mp.nan
        top = max(terms, default=-mp.inf)
        if mp.isinf(top):
            return top
        return top + mp.ln(sum(mp.exp(term - top) for term in terms if not mp.isinf(term)))

    def entry(self, element: Element) -> Run:
        """Compile an entry of a workspace."""
        workspace, places = element.base, [self._compile(i) for i in element.indices]
        return lambda env: env.workspaces[workspace](tuple(int(place(env)) for place in places))

    def sum_of_paths(self, expr: LogAdd) -> Run:
        """Compile a sum of what arcs bring; an arc from where there is no path is not looked at any further."""
        arcs = [
            ([self.entry(e) for e in arg.atoms(Element) if isinstance(e.base, Workspace)], self._compile(arg))
            for arg in expr.args
        ]
        nothing = -self._mp.inf

        def run(env: Any) -> Any:
            return self.log_add(
                [arc(env) for sources, arc in arcs if all(source(env) != nothing for source in sources)]
            )

        return run

    def along(self, expr: SumAlong) -> Run:
        """Compile a sum along a step."""
        body, step = expr.args
        run, extent = self._compile(body), self._compile(step.extent)

        def total(env: Any) -> Any:
            found = [self._at(env, {step: i}, run) for i in range(int(extent(env)))]
            return sum(found, self._mp.zero)

        return total

    def total(self, expr: Total) -> Run:
        """Compile a total over all paths."""
        workspace, equation = expr.workspace, self._compile(expr.equation)
        extents = [self._compile(step.extent) for step in workspace.steps]
        boundary, result = ([self._line(pair) for pair in pairs] for pairs in (expr.boundary, expr.result))

        def run(env: Any) -> Any:
            sizes = [int(extent(env)) for extent in extents]
            known = dict(itertools.chain.from_iterable(line(env) for line in boundary))

            def entry(point: tuple[int, ...]) -> Any:
                if point not in known:
                    inside = all(0 <= i < size for i, size in zip(point, sizes, strict=True))
                    known[point] = (
                        self._at(env, dict(zip(workspace.steps, point, strict=True)), equation)
                        if inside
                        else -self._mp.inf
                    )
                return known[point]

            env.workspaces[workspace] = entry
            ends = itertools.chain.from_iterable(line(env) for line in result)
            return self.log_add([entry(point) + value for point, value in ends])

        return run

    def _line(self, pair: Any) -> Callable[[Any], Iterator[tuple[tuple[int, ...], Any]]]:
        """Compile a point of the boundary or of the result, or a line of points."""
        point, value = pair
        free = [i for i in point if isinstance(i, Index)]
        places, run = [self._compile(i) for i in point], self._compile(value)

        def points(env: Any) -> Iterator[tuple[tuple[int, ...], Any]]:
            for numbers in itertools.product(*(range(env.dims[i.dim]) for i in free)):
                where = self._at(env, dict(zip(free, numbers, strict=True)), lambda e: tuple(int(p(e)) for p in places))
                if min(where) >= 0 or not free:
                    yield where, self._at(env, dict(zip(free, numbers, strict=True)), run)

        return points

    def _at(self, env: Any, indices: dict[Any, int], run: Run) -> Any:
        """Evaluate where indices have values."""
        before = {i: env.indices[i] for i in indices if i in env.indices}
        env.indices.update(indices)
        try:
            return run(env)
        finally:
            for i in indices:
                env.indices.pop(i, None)
            env.indices.update(before)


def mentions_a_path(expr: Basic) -> bool:
    """Whether an expression depends on where along a recurrence it is evaluated."""
    return expr.has(Workspace) or any(isinstance(s, Step) for s in expr.free_symbols)
