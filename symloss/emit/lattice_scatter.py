"""What the shares of a total add to a gradient, and the terms of a loss beside its recurrence."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from symloss.emit.lattice_pieces import NEVER_THERE, Pieces
from symloss.emit.lattice_text import Code, Weights, times
from symloss.emit.text import CodeFunction, signature
from symloss.lattices.lattice import End, Sum
from symloss.lattices.plan import along_a_row
from symloss.lattices.weights import Entry, Linear, Weight, is_constant

Leaf = Callable[[Linear], Iterable[str]]


class Scatter(Pieces):
    """Writes the loops that add to a gradient, or to a product."""

    into = "grad"  # what the arrays that are added to are called

    def rest(self) -> CodeFunction | None:
        """Return the function that sums the other terms of the loss."""
        if not self.lattice.rest or self.plan.reference is not None:
            return None
        code = Code()
        code("total, lost = 0.0, 0.0")
        for term in self.lattice.rest:

            def leaf(found: Linear, term: Sum = term) -> list[str]:
                product = times(term.coefficient, f"({self.points.value(found)})")
                return [f"total, lost = add_exactly(total, lost, {product})"]

            self._along(code, term, leaf)
        code("return settle(total, lost)")
        says = "Return the terms of the loss beside its recurrence."
        return CodeFunction(signature("_rest", self.names.known), says, tuple(code.lines))

    def _along(self, code: Code, term: Sum, leaf: Callable[[Linear], Iterable[str]]) -> None:
        weight, step = term.weight, term.step
        if step is None:
            self.points.branches(code, weight, leaf)
            return
        with code.under(f"for {step.name} in range({self.indices(step.extent)}):"):
            self.points.branches(code, weight, leaf)

    def rest_gradient(self, code: Code) -> None:
        """Write the derivatives of the other terms; a path's own are in the shares."""
        if self.plan.reference is not None:
            return
        for term in self.lattice.rest:

            def leaf(found: Linear, term: Sum = term) -> list[str]:
                amount = f"amount = {times(term.coefficient, 'outer')}"
                return [amount, *self.scattered(found, self.points)]

            self._along(code, term, leaf)

    def rest_along(self, code: Code, leaf: Leaf) -> None:
        """Write what is done with the derivatives in the other terms."""
        for term in self.lattice.rest:

            def write(found: Linear, term: Sum = term) -> list[str]:
                return [f"amount = {times(term.coefficient, 'outer')}", *leaf(found)]

            self._along(code, term, write)

    def scattered(self, leaf: Linear, weights: Weights, buffer: str | None = None) -> list[str]:
        """Return lines that add ``amount`` to the gradient in all entries that a form is made of."""
        if (pair := leaf.log_softmax) is not None:
            entry, row = pair
            name, at = row.base.name, weights.at(row)
            into = f"{buffer}[k]" if buffer else f"{self.into}_{name}[{at}, k]"
            return [
                f"k = {weights.indices(entry.indices[-1])}",
                f"if k == place_{name}[{at}]:",
                f"    at_place_{name}[{at}] += amount",
                "else:",
                f"    elsewhere_{name}[{at}] += amount",
                f"    {into} += amount",
            ]
        lines = []
        for coefficient, atom in leaf.terms:
            amount = times(coefficient, "amount")
            if isinstance(atom, Entry):
                into = (
                    f"{buffer}[{weights.indices(atom.indices[-1])}]"
                    if buffer
                    else weights.entry(atom, f"{self.into}_{atom.base.name}")
                )
                lines.append(f"{into} += {amount}")
            else:
                lines.append(f"elsewhere_{atom.base.name}[{weights.at(atom)}] -= {amount}")
        return lines

    def scatter_front(self, code: Code, name: str, weight: Weight, shares: str, buffered: bool = True) -> None:
        """Write the loop that adds the shares of a front to the gradient."""
        if is_constant(weight):
            return
        second = self.lattice.steps[1] if len(self.lattice.steps) == 2 else None
        buffered = buffered and second is not None and self.order.slope == 0
        base = along_a_row(weight, second) if buffered else None
        place = self.plan.second
        buffer = "row_sums" if base is not None else None

        def write(inner: Code) -> None:
            inner(f"amount = outer * {shares}[{place}]")
            self.safely(inner, name, weight, lambda leaf: self.scattered(leaf, self.weights, buffer))

        self.every_place(code, write)
        if base is not None:
            self.every_place(code, lambda c: self.safely(c, name, weight, self._moved))

    def _moved(self, leaf: Linear) -> list[str]:
        """Return lines that move sums of a row to the gradient."""
        lines = []
        for _, atom in leaf.terms:
            if isinstance(atom, Entry):
                lead = ", ".join(map(self.weights.indices, atom.indices[:-1]))
                lines += [
                    f"k = {self.weights.indices(atom.indices[-1])}",
                    f"grad_{atom.base.name}[{lead}, k] += row_sums[k]",
                    "row_sums[k] = 0.0",
                ]
        return lines

    def scatter_points(self, code: Code, which: str, shares: str, leaf: Leaf | None = None) -> None:
        """Write the loops that add the shares of beginnings, or ends, to the gradient."""
        points = self.lattice.starts if which == "start" else self.lattice.ends
        if all(is_constant(end.weight) for end in points):
            return
        leaf = leaf or (lambda found: self.scattered(found, self.points))
        code("r = 0")
        for end in points:

            def write(inner: Code, end: End = end) -> None:
                if not is_constant(end.weight):
                    with inner.under(f"if {which}_front[r] != {NEVER_THERE}:"):
                        inner(f"amount = outer * {shares}[r]")
                        self.points.branches(inner, end.weight, leaf)

            self.every_point(code, end, write)

    def widest_row(self) -> str | None:
        """Return the number of entries of the rows that are summed on one front."""
        if len(self.lattice.steps) < 2 or self.order.slope:
            return None
        base = along_a_row(self.lattice.node, self.lattice.steps[1]) if not is_constant(self.lattice.node) else None
        return None if base is None else f"{base.name}.shape[{len(base.dims) - 1}]"
