"""Names that the functions of one recurrence share, and pieces that all of them are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from symloss.arguments import Prediction
from symloss.emit.lattice_text import Code, Indices, Weights
from symloss.emit.text import call_lines
from symloss.lattices.lattice import End
from symloss.lattices.plan import Plan
from symloss.lattices.weights import NEVER, Linear, Weight

STARTS = ("start_front", "start_place", "start_m", "start_e")
ENDS = ("end_front", "end_place", "end_m", "end_e", "reach_m", "reach_e")
TOTAL = ("total_m", "total_e")
POOL = "pool"  # where small arrays come from
STATISTICS = ("largest", "place", "others", "inverse")
SHARES = "span(shares_here, low_place, high_place)"
NEVER_THERE = "-1000000"  # a front that does not exist

_LETTERS = ("i", "j", "h", "g")


def borrow(code: Code, arrays: Iterable[str]) -> None:
    """Write that a function does not count who owns its arrays: its caller does as long as it runs."""
    code(*(f"{array} = borrowed({array})" for array in arrays))


class Names:
    """The arguments that the functions of one loss pass to one another."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        lattice = plan.lattice
        self.problem = [a.name for a in lattice.loss.arguments]
        self.sizes = [f"n_{plan.first}", f"n_{plan.second}", "fronts"]
        self.masks = [mask for mask in plan.masks if mask]
        self.front = None if plan.front_row is None else plan.front_row.name
        self.filled = [*plan.tables.values(), *self.masks]
        self.groups = ["entries", "entry_of"] if self.front else []
        self.tables = [*self.filled, *self.groups]
        self.rows = [f"{what}_{p.name}" for p in plan.rows for what in STATISTICS]
        self.rows += [f"place_{self.front}", f"others_{self.front}"] if self.front else []
        self.fixed = [*self.problem, *self.sizes, *self.filled]
        self.fixed += [f"{what}_{p.name}" for p in plan.fixed_rows for what in STATISTICS]
        self.known = [*self.problem, *self.sizes, *self.tables, *self.rows]
        self.fronts = ["alpha_m", "alpha_e"]
        self.fronts += ["node_m", "node_e"] if plan.has_node else []
        self.fronts += [f"arc_{i}_{part}" for i in self.weighted for part in "me"]
        self.weights = ["weight_m", "weight_e"] if self.front else []
        self.jumps = ["jump_m", "jump_e"] if lattice.dense else []
        self.room = [f"terms_{self.front}"] if self.front else []
        self.sums = [f"{what}_{p.name}" for p in plan.rows for what in ("at_place", "elsewhere")]
        self.grads = [f"grad_{p.name}" for p in lattice.loss.predictions]

    @property
    def weighted(self) -> list[int]:
        """The arcs with weights on every front."""
        return [i for i, has in enumerate(self.plan.weighted) if has]


def call(name: str, arguments: Iterable[str], before: str = "") -> list[str]:
    """Return a call as lines."""
    return call_lines(f"{before}{name}(", list(arguments), ")")


class Pieces:
    """Writes what the functions of one loss have in common.

    Parameters
    ----------
    plan : Plan
        What is computed.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan, self.names = plan, Names(plan)
        self.lattice, self.order = plan.lattice, plan.order
        self.indices = Indices(plan.lattice.loss, plan.tables, plan.second)
        self.weights = Weights(self.indices)
        self.points = Weights(Indices(plan.lattice.loss, {}, plan.second))
        self.pad, self.deep = plan.pad, plan.order.deepest

    def chosen(self, at: object = None) -> str:
        """Return the place of the path that the loss subtracts, on a front."""
        first, place = self.lattice.steps[0], self.plan.reference
        assert place is not None
        return self.points.indices(place if at is None else place.xreplace({first: at}))

    def window(self, code: Code, front: str = "front") -> None:
        """Write which places of a front exist."""
        first, second = self.names.sizes[:2]
        slope = self.order.slope
        if slope == 0:
            code(f"low_place, high_place = 0, {second}")
        elif slope == 1:
            code(f"low_place, high_place = max(0, {front} - {first} + 1), min({second}, {front} + 1)")
        else:
            code(f"low_place = max(0, -(({first} - 1 - {front}) // {slope}))")
            code(f"high_place = min({second}, {front} // {slope} + 1)")

    def _ends(self, shift: int = 0) -> tuple[str, str]:
        at = self.pad + shift
        return (f"low_place + {at}", f"high_place + {at}") if at else ("low_place", "high_place")

    def inside(self, array: str, row: str, shift: int = 0) -> str:
        """Return the places of a front in an array with padding, as an argument."""
        return f"stretch({', '.join([array, row, *self._ends(shift)])})"

    def changed(self, array: str, row: str) -> str:
        """Return the same, as what something is assigned to."""
        return f"{array}[{row}, {':'.join(self._ends())}]"

    def along(self, array: str, shift: int = 0) -> str:
        """Return the same of a single row with padding."""
        return f"span({', '.join([array, *self._ends(shift)])})"

    def edges(self, code: Code, arrays: tuple[str, str], row: str) -> None:
        """Clear what is read beside a front."""
        if not self.pad:
            return
        for ends in (f"low_place, low_place + {self.pad}", f"high_place + {self.pad}, high_place + {2 * self.pad}"):
            code(f"nothing(stretch({arrays[0]}, {row}, {ends}), stretch({arrays[1]}, {row}, {ends}))")

    def position(self, code: Code) -> None:
        """Write what the first step is at a place of a front."""
        if self.order.slope == 0:
            return
        factor = "" if self.order.slope == 1 else f"{self.order.slope} * "
        code(f"{self.plan.first} = front - {factor}{self.plan.second}")

    def every_row(self, code: Code, prediction: Prediction, write: Callable[[Code, str], None], depth: int = 0) -> None:
        """Write a loop over the rows of a prediction that are no padding."""
        dims = prediction.dims[:-1]
        if depth == len(dims):
            write(code, ", ".join(_LETTERS[:depth]))
            return
        with code.under(f"for {_LETTERS[depth]} in range({self.indices.valid(dims[depth])}):"):
            self.every_row(code, prediction, write, depth + 1)

    def every_place(self, code: Code, write: Callable[[Code], None]) -> None:
        """Write a loop over the places of a front."""
        with code.under(f"for {self.plan.second} in range(low_place, high_place):"):
            self.position(code)
            write(code)

    def exponents(self, leaf: Linear, place: str) -> list[str]:
        """Return lines that prepare the exponential of a form."""
        parts = [f"{name}[{place}]" for name in ("exponent", "lost", "scale")]
        if leaf == NEVER:
            return [f"{', '.join(parts)} = 0.0, 0.0, 0.0"]
        if (pair := leaf.log_softmax) is not None:
            entry, row = pair
            at, name = self.weights.at(row), row.base.name
            return [
                f"{parts[0]}, {parts[1]} = gap(np.float64({self.weights.entry(entry)}), largest_{name}[{at}])",
                f"{parts[2]} = inverse_{name}[{at}]",
            ]
        return [f"{', '.join(parts)} = {self.weights.value(leaf)}, 0.0, 1.0"]

    def safely(self, code: Code, name: str, weight: Weight, leaf: Callable[[Linear], Iterable[str]]) -> None:
        """Write what is done with a weight, only where the arc comes from a point that exists."""
        if not name.startswith("arc_"):
            self.weights.branches(code, weight, leaf)
            return
        arc = self.lattice.arcs[int(name[4:])]
        tests = []
        for size, index, offset in zip(self.names.sizes, (self.plan.first, self.plan.second), arc.offset, strict=False):
            tests += [f"{index} >= {offset}"] if offset > 0 else []
            tests += [f"{index} < {size} - {-offset}"] if offset < 0 else []
        if not tests:
            self.weights.branches(code, weight, leaf)
            return
        with code.under(f"if {' and '.join(tests)}:"):
            self.weights.branches(code, weight, leaf)
        absent = list(leaf(NEVER))
        if absent:
            with code.under("else:"):
                code(*absent)

    def every_point(self, code: Code, end: End, write: Callable[[Code], None]) -> None:
        """Write what is done at every point of a boundary, or of a result set, numbered r."""
        free = list(end.free)

        def nest(depth: int) -> None:
            if depth == len(free):
                write(code)
                code("r += 1")
                return
            with code.under(f"for {free[depth].name} in range({self.indices.size(free[depth].dim)}):"):
                nest(depth + 1)

        nest(0)
