"""The best path: the same recurrence with the larger of two in the place of their sum, and the way back."""

from __future__ import annotations

import functools

from symloss.emit.lattice_pieces import ENDS, POOL, STARTS
from symloss.emit.lattice_samples import Samples
from symloss.emit.lattice_sweeps import Sweeps
from symloss.emit.lattice_text import Code
from symloss.emit.text import CodeFunction, signature
from symloss.lattices.plan import Plan
from symloss.lattices.weights import NEVER, Linear, Weight


class Best:
    """Writes the function that finds the best path.

    Parameters
    ----------
    plan : Plan
        What is computed.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan.ahead
        self.sweeps = Sweeps(self.plan)
        self.samples, self.names = Samples(self.sweeps), self.sweeps.names
        self.lattice = self.plan.lattice

    def decode(self) -> CodeFunction:
        """Return the function of one sample that writes its best path."""
        code, sweeps = Code(), self.sweeps
        deep, second = sweeps.deep, self.plan.second
        self.samples.prologue(code)
        code(f"shape = (fronts + {deep}, {self.names.sizes[1]} + {2 * sweeps.pad})")
        code("score, choice = np.full(shape, -np.inf), np.zeros(shape, np.int64)")
        code("best, last_front, last_place = -np.inf, 0, 0")
        with code.under(f"for row in range({deep}):"):
            self._points(code, f"row - {deep}")
        with code.under("for front in range(fronts):"):
            if sweeps.order.slope == 0:
                code(f"{self.plan.first} = front")
            code(f"row = front + {deep}")
            sweeps.window(code)
            sweeps.every_place(code, self._place)
            self._points(code, "front")
        with code.under("if best == -np.inf:"):
            code("return")
        self._way_back(code)
        head = signature("_decode_of_sample", [POOL, *self.names.problem, "path"])
        return CodeFunction(head, f"Write the places ({second}) of the best path, or its points.", tuple(code.lines))

    def _points(self, code: Code, front: str) -> None:
        """Write where paths begin and end."""
        at = f"score[row, {{}}_place[r] + {self.sweeps.pad}]"
        start, end = at.format("start"), at.format("end")
        with code.under(f"for r in range({STARTS[0]}.size):"), code.under(f"if start_front[r] == {front}:"):
            code(f"{start} = logarithm(start_m[r], start_e[r])", f"{start.replace('score', 'choice')} = -1")
        with code.under(f"for r in range({ENDS[0]}.size):"), code.under(f"if end_front[r] == {front}:"):
            code(f"candidate = {end} + logarithm(end_m[r], end_e[r])")
            with code.under("if candidate > best:"):
                code(f"best, last_front, last_place = candidate, {front}, end_place[r]")

    def _place(self, code: Code) -> None:
        sweeps, dense = self.sweeps, self.lattice.dense
        at = f"[row, {self.plan.second} + {sweeps.pad}]"
        code("found, taken = -np.inf, 0")
        if dense is not None and dense.source is not None:
            with code.under(f"for {dense.source.name} in range({self.names.sizes[1]}):"):
                self._candidate(code, 0, sweeps.pad, dense.source.name, dense.source.name)
        else:
            for i in range(len(self.lattice.arcs)):
                self._candidate(code, i, sweeps.pad - sweeps.order.shifts[i], self.plan.second, str(i))
        code("weight = 0.0")
        if self.plan.has_node:
            self._weight(code, "node", self.lattice.node)
        code(f"score{at}, choice{at} = found + weight, taken")

    def _candidate(self, code: Code, i: int, pad: int, place: str, label: str) -> None:
        """Write the comparison with what comes along an arc; the first of equals is taken."""
        lag, mask, weight = self.sweeps.order.lags[i], self.plan.masks[i], self.lattice.arcs[i].weight
        come = f"score[row - {lag}, {place} + {pad}]" if pad else f"score[row - {lag}, {place}]"
        if mask:
            code(f"candidate = {come} if {mask}[{self.plan.second} + {self.sweeps.pad}] > 0.0 else -np.inf")
        elif self.plan.weighted[i] or self.lattice.dense:
            code("weight = 0.0")
            self._weight(code, f"arc_{i}", weight)
            code(f"candidate = {come} + weight")
        else:
            code(f"candidate = {come}")
        with code.under("if candidate > found:"):
            code(f"found, taken = candidate, {label}")

    def _weight(self, code: Code, name: str, weight: Weight) -> None:
        leaf = functools.partial(self._value)
        if name == "node" or self.lattice.dense:
            self.sweeps.weights.branches(code, weight, leaf)
        else:
            self.sweeps.safely(code, name, weight, leaf)

    def _value(self, leaf: Linear) -> list[str]:
        return ["weight = -np.inf" if leaf == NEVER else f"weight = {self.sweeps.weights.value(leaf)}"]

    def _along_the_arc(self, code: Code) -> None:
        order = self.sweeps.order
        for i, (lag, shift) in enumerate(zip(order.lags, order.shifts, strict=True)):
            with code.under(f"{'if' if i == 0 else 'elif'} taken == {i}:"):
                code(f"front, place = front - {lag}, place - {shift}" if shift else f"front = front - {lag}")

    def _way_back(self, code: Code) -> None:
        sweeps, order = self.sweeps, self.sweeps.order
        code(
            "front, place, n_points = last_front, last_place, 0",
            f"points = np.empty((fronts + {sweeps.deep}, 2), np.int64)",
        )
        with code.under("while True:"):
            with code.under("if front >= 0:"):
                slope = "" if order.slope == 0 else f" - {order.slope} * place" if order.slope > 1 else " - place"
                code(f"points[n_points, 0], points[n_points, 1] = front{slope}, place", "n_points += 1")
            code(f"taken = choice[front + {sweeps.deep}, place + {sweeps.pad}]")
            with code.under("if taken < 0:"):
                code("break")
            if self.lattice.dense:
                code(f"front, place = front - {order.lags[0]}, taken")
            else:
                self._along_the_arc(code)
        with code.under("for i in range(n_points):"):
            if self.plan.once_a_front:
                code("path[i] = points[n_points - 1 - i, 1]")
            else:
                code("path[i] = points[n_points - 1 - i]")
