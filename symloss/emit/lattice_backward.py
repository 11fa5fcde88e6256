"""The backward sweep: the derived adjoint, and what it adds to a gradient or says about points."""

from __future__ import annotations

import functools

from symloss.emit.lattice_pieces import ENDS, SHARES, STARTS, TOTAL, borrow, call
from symloss.emit.lattice_sweeps import Sweeps
from symloss.emit.lattice_text import Code
from symloss.emit.text import CodeFunction, signature
from symloss.lattices.adjoint import backward_links


class Backward:
    """Writes the functions that go from last to first.

    Parameters
    ----------
    sweeps : Sweeps
        Of the loss.
    """

    def __init__(self, sweeps: Sweeps) -> None:
        self.sweeps, self.names, self.plan = sweeps, sweeps.names, sweeps.plan
        self.lattice = sweeps.lattice
        self.ring = sweeps.deep + 1

    @property
    def rings(self) -> list[str]:
        """The last few fronts of what the adjoint reads."""
        return ["beta_m", "beta_e", *(f"back_{i}_{part}" for i in self.names.weighted for part in "me")]

    def gradient(self) -> CodeFunction:
        """Return the sweep that adds to the gradient."""
        says = "Go over some fronts, last to first; add to the gradient."
        return self._sweep("_backward", says, self.outputs, True)

    @property
    def outputs(self) -> list[str]:
        """What the sweep that adds to the gradient is given beside the fronts."""
        names = self.names
        return ["outer", *names.sums, *names.grads, "start_share", *(["jump_share"] if names.jumps else [])]

    def arguments(self, outputs: list[str]) -> list[str]:
        """Return what a backward sweep is given."""
        names = self.names
        given = [*names.known, *names.jumps, *(["back_jump_m", "back_jump_e"] if names.jumps else [])]
        given += [*STARTS, *ENDS, *TOTAL, "begin_at", "end_at", *names.fronts, *names.weights, *self.rings]
        return [*given, *outputs]

    def posterior(self) -> CodeFunction:
        """Return the sweep that writes the probabilities of points."""
        return self._sweep(
            "_visits", "Go over some fronts, last to first; write how much of the total passes.", ["visits"], False
        )

    def _sweep(self, name: str, says: str, outputs: list[str], gradient: bool) -> CodeFunction:
        sweeps, names, code = self.sweeps, self.names, Code()
        borrow(code, [*names.fronts, *self.rings, *names.jumps, *names.masks])
        code(f"shares_here = np.zeros(max(1, {names.sizes[1]}))")
        width = sweeps.widest_row()
        if gradient and names.front:
            code("entry_sums, strands = np.zeros(entries.size), np.zeros((STRANDS, entries.size))")
        elif gradient and width is not None:
            code(f"row_sums = np.zeros({width})")
        if self.plan.has_node:
            code("new_m, new_e = np.zeros(alpha_m.shape[1]), np.full(alpha_m.shape[1], NOWHERE)")
        sweeps.levels(code, "back_jump_e")
        if gradient and self.lattice.dense and self.plan.reference is not None:
            code(f"jump_room = np.empty((3, max(1, {names.sizes[1]})))")
        with code.under("for front in range(end_at - 1, begin_at - 1, -1):"):
            if sweeps.order.slope == 0:
                code(f"{self.plan.first} = front")
            code(f"row, here = front - begin_at + {sweeps.deep}, front % {self.ring}")
            sweeps.window(code)
            self.retreat(code)
            self.resume(code)
            self.shares(code)
            self._beginnings(code, gradient)
            if gradient and self.plan.reference is not None:
                code(f"balance(shares_here, {sweeps.chosen()})")
            if gradient:
                if names.front:
                    self._complete_row(code)
                elif self.plan.has_node:
                    sweeps.scatter_front(code, "node", self.lattice.node, "shares_here")
            else:
                sweeps.every_place(code, lambda c: c(f"visits[{self._where()}] = shares_here[{self.plan.second}]"))
            self._arcs(code, gradient)
            self.clear(code)
        return CodeFunction(signature(name, self.arguments(outputs)), says, tuple(code.lines))

    def _complete_row(self, code: Code) -> None:
        """Write the gradient of the row of a front."""
        p, at = self.names.front, self.plan.first
        code("sum_groups(shares_here, entry_of, strands, entry_sums)")
        given = ["entry_sums", "entries", "weight_m[row]", "weight_e[row]", f"place_{p}[{at}]", f"others_{p}[{at}]"]
        code(*call("complete_row", [*given, "outer", f"grad_{p}[{at}]"]))

    def _where(self) -> str:
        return f"{self.plan.first}, {self.plan.second}" if len(self.lattice.steps) == 2 else self.plan.first

    def new(self) -> tuple[str, str]:
        """Return where the entries of the adjoint go: the ring holds them times the weight of their point."""
        return ("new_m", "new_e") if self.plan.has_node else ("beta_m[here]", "beta_e[here]")

    def retreat(self, code: Code) -> None:
        """Write the step back."""
        sweeps, (m, e) = self.sweeps, self.new()
        if self.lattice.dense:
            lag = sweeps.order.lags[0]
            given = [sweeps.inside(p, f"(front + {lag}) % {self.ring}") for p in ("beta_m", "beta_e")]
            code(*call("across", [*given, "back_jump_m", "back_jump_e", "flat", sweeps.along(m), sweeps.along(e)]))
        else:
            given = [sweeps.along(m), sweeps.along(e)]
            for i, link in enumerate(backward_links(self.plan)):
                source = f"back_{i}" if self.plan.weighted[i] else "beta"
                row = f"(front + {-link.lag}) % {self.ring}"
                given += [sweeps.inside(f"{source}_{p}", row, -link.shift) for p in "me"]
                given += [sweeps.along(link.mask, -link.shift)] if link.mask else []
            code(*call("_retreat", given))

    def resume(self, code: Code) -> None:
        """Write that the sweep begins in the points in which paths end."""
        sweeps, (m, e) = self.sweeps, self.new()
        code(*call("resume", [*ENDS[:4], "front", str(sweeps.pad), m, e]))

    def shares(self, code: Code) -> None:
        """Write how much of the total passes each point."""
        sweeps, (m, e) = self.sweeps, self.new()
        alpha = [sweeps.inside(p, "row") for p in ("alpha_m", "alpha_e")]
        beta = [sweeps.along(m), sweeps.along(e)]
        code(*call("shares", [*alpha, *beta, *TOTAL, SHARES]))
        if self.plan.has_node:
            node = [sweeps.inside(p, "row") for p in ("node_m", "node_e")]
            out = [sweeps.inside(p, "here") for p in ("beta_m", "beta_e")]
            code(*call("products", [*beta, *node, *out]))

    def _beginnings(self, code: Code, gradient: bool) -> None:
        """Where a path begins, the boundary stands in the place of the equation."""
        pad = self.sweeps.pad
        with code.under("for r in range(start_front.size):"), code.under("if start_front[r] == front:"):
            code("place = start_place[r]")
            if gradient:
                code("start_share[r], shares_here[place] = shares_here[place], 0.0")
            code(f"beta_m[here, place + {pad}], beta_e[here, place + {pad}] = 0.0, NOWHERE")

    def _arcs(self, code: Code, gradient: bool) -> None:
        sweeps, order = self.sweeps, self.sweeps.order
        for i in self.names.weighted:
            back = self.arc(code, i)
            if gradient:
                source = [sweeps.inside(p, f"row - {order.lags[i]}", -order.shifts[i]) for p in ("alpha_m", "alpha_e")]
                code(*call("shares", [*source, *back, *TOTAL, SHARES]))
                sweeps.scatter_front(code, f"arc_{i}", self.lattice.arcs[i].weight, "shares_here")
        if self.lattice.dense and gradient:
            source = [sweeps.inside(p, f"row - {order.lags[0]}") for p in ("alpha_m", "alpha_e")]
            beta = [sweeps.inside(p, "here") for p in ("beta_m", "beta_e")]
            given = [*source, *self.names.jumps, *beta, *TOTAL]
            if self.plan.reference is None:
                code(*call("add_jump_shares", [*given, "jump_share"]))
                return
            first = self.lattice.steps[0]
            with code.under(f"if {self.plan.first} > 0:"):
                pair = [sweeps.chosen(first - 1), sweeps.chosen()]
                given = [*source, *self.names.jumps, "flat", *beta, *TOTAL]
                code(*call("add_other_jumps", [*given, *pair, "jump_room", "jump_share"]))

    def arc(self, code: Code, i: int) -> list[str]:
        """Write what goes back along an arc, and return its name."""
        sweeps = self.sweeps
        beta = [sweeps.inside(p, "here") for p in ("beta_m", "beta_e")]
        arc = [sweeps.inside(f"arc_{i}_{p}", "row") for p in "me"]
        back = [sweeps.inside(f"back_{i}_{p}", "here") for p in "me"]
        code(*call("products", [*beta, *arc, *back]))
        return back

    def rings_of(self, code: Code, width: str) -> None:
        """Write the allocation of the last few fronts of the adjoint."""
        for m, e in zip(self.rings[::2], self.rings[1::2], strict=True):
            ring = f"({self.ring}, {width})"
            code(f"{m}, {e} = np.zeros({ring}), np.full({ring}, NOWHERE)")

    def clear(self, code: Code) -> None:
        """Write zeros beside a front."""
        for ring in {r[:-2]: r for r in self.rings}:
            self.sweeps.edges(code, (f"{ring}_m", f"{ring}_e"), "here")

    def finish(self) -> CodeFunction:
        """Return the function that adds what belongs to no front, and completes rows."""
        sweeps, names, code = self.sweeps, self.names, Code()
        if self.plan.rows:
            code("wide_vectors()  # for the rows that are completed, whose loop becomes part of this function")
        sweeps.rest_gradient(code)
        code("outer = inner  # from here on: times the coefficient of the recurrence")
        sweeps.scatter_points(code, "start", "start_share")
        sweeps.scatter_points(code, "end", "end_share")
        dense = self.lattice.dense
        if dense is not None and dense.source is not None:
            outer, inner = f"for {dense.source.name} in range(jump_share.shape[0]):", self.plan.second
            with code.under(outer), code.under(f"for {inner} in range(jump_share.shape[1]):"):
                code(f"amount = outer * jump_share[{dense.source.name}, {inner}]")
                sweeps.points.branches(code, dense.weight, lambda leaf: sweeps.scattered(leaf, sweeps.points))
        for p in self.plan.rows:
            sweeps.every_row(code, p, functools.partial(complete, name=p.name, into="grad"))
        given = [
            *names.known,
            *STARTS[:2],
            *ENDS[:2],
            "inner",
            "outer",
            *names.sums,
            *names.grads,
            "start_share",
            "end_share",
        ]
        given += ["jump_share"] if names.jumps else []
        says = "Add the derivatives in what lies beside the fronts."
        return CodeFunction(signature("_finish", given), says, tuple(code.lines or ["    return"]))

    def end_shares(self, code: Code) -> None:
        """Write the share of the total that ends in each point."""
        code("end_share = np.zeros(end_front.size)")
        with code.under("for r in range(end_front.size):"):
            code("end_share[r] = share(reach_m[r], reach_e[r], total_m, total_e)")


def complete(code: Code, at: str, name: str, into: str) -> None:
    """Write the call that adds what the log-sum-exp of a row contributes to its derivatives."""
    given = [f"{name}[{at}]", *(f"{w}_{name}[{at}]" for w in ("largest", "place", "others", "at_place", "elsewhere"))]
    code(*call("add_share", [*given, f"{into}_{name}[{at}]"]))
