"""The Hessian times a vector: the pair of recurrences differentiated along it.

The tangent of an entry is that of its logarithm: the mean, over all paths that reach it, of the change of their
weights.  Means neither overflow nor vanish, so they are plain floats beside numbers with exponents.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from symloss.emit.lattice_backward import Backward, complete
from symloss.emit.lattice_cut import balance_arcs, balance_points, fetch_arcs, keep_arcs, make_room
from symloss.emit.lattice_pieces import ENDS, NEVER_THERE, POOL, SHARES, STARTS, TOTAL, call
from symloss.emit.lattice_samples import Samples
from symloss.emit.lattice_sweeps import Sweeps
from symloss.emit.lattice_text import Code, Weights, times
from symloss.emit.text import CodeFunction, signature
from symloss.lattices.adjoint import backward_links, forward_links
from symloss.lattices.lattice import End
from symloss.lattices.plan import Plan
from symloss.lattices.weights import Entry, Linear, Weight


class Along:
    """Writes the functions that go along a direction.

    Parameters
    ----------
    plan : Plan
        What is computed.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan.ahead
        # every path has one entry of the row of a front in it, so that what paths change there is 0 together
        self.balanced = plan.front_row if plan.once_a_front else None
        self.sweeps = Sweeps(self.plan)
        self.sweeps.into = "product"
        self.samples, self.backward = Samples(self.sweeps), Backward(self.sweeps)
        self.names, self.lattice = self.sweeps.names, self.plan.lattice
        self.products = [f"product_{p.name}" for p in self.lattice.loss.predictions]
        self.directions = [f"v_{p.name}" for p in self.lattice.loss.predictions]

    def steps(self) -> list[CodeFunction]:
        """Return the tangents of the steps between fronts."""
        if self.lattice.dense:
            return []
        return [
            self.sweeps.step_along("_advance_along", forward_links(self.plan)),
            self.sweeps.step_along("_retreat_along", backward_links(self.plan)),
        ]

    def product(self) -> CodeFunction:
        """Return the function of one sample that adds the product."""
        code = Code()
        self.samples.prologue(code)
        self._means(code)
        self._points(code, "start")
        self._points(code, "end")
        self._jumps(code)
        self._room(code)
        self._forward(code)
        self._backward(code)
        self._finish(code)
        head = signature("_hvp_of_sample", [POOL, *self.names.problem, *self.directions, "factor", *self.products])
        says = "Add the Hessian of one sample times a direction, times a factor."
        return CodeFunction(head, says, tuple(code.lines))

    # -- before the sweeps -----------------------------------------------------------------------

    def _means(self, code: Code) -> None:
        """Write the change of every log-sum-exp."""
        for p in self.plan.rows:
            for what in ("mean", "at_place", "elsewhere", "passing"):
                code(f"{what}_{p.name} = np.zeros_like(others_{p.name})")
            self.sweeps.every_row(code, p, functools.partial(_mean, name=p.name))

    def _points(self, code: Code, which: str) -> None:
        points = self.lattice.starts if which == "start" else self.lattice.ends
        code(f"{which}_t = np.zeros({which}_front.size)", "r = 0")
        for end in points:

            def write(inner: Code, end: End = end) -> None:
                with inner.under(f"if {which}_front[r] != {NEVER_THERE}:"):
                    weights: Weights = self.sweeps.points
                    weights.branches(inner, end.weight, lambda leaf: [f"{which}_t[r] = {weights.tangent(leaf)}"])

            self.sweeps.every_point(code, end, write)

    def _jumps(self, code: Code) -> None:
        dense = self.lattice.dense
        if dense is None or dense.source is None:
            return
        source, inner = dense.source.name, self.plan.second
        code("jump_t, jump_share = np.zeros(jump_m.shape), np.zeros(jump_m.shape)")
        code("jump_turn = np.zeros(jump_m.shape)")
        code("back_jump_m, back_jump_e = jump_m.T.copy(), jump_e.T.copy()")
        outer = f"for {source} in range(jump_t.shape[0]):"
        with code.under(outer), code.under(f"for {inner} in range(jump_t.shape[1]):"):
            points = self.sweeps.points
            points.branches(code, dense.weight, lambda leaf: [f"jump_t[{source}, {inner}] = {points.tangent(leaf)}"])
        code("back_jump_t = jump_t.T.copy()")

    def _room(self, code: Code) -> None:
        tangents = ["alpha_t", *(["node_t"] if self.plan.has_node else [])]
        tangents += [f"arc_{i}_t" for i in self.names.weighted]
        self.samples.room(code, "fronts")
        code(*(f"{name} = np.zeros(shape)" for name in tangents))
        code("reach_t, total_t = np.zeros(end_front.size), 0.0")
        code(f"places = max(1, {self.names.sizes[1]})")
        code("exponent, lost, scale = np.zeros(places), np.zeros(places), np.zeros(places)")
        with code.under(f"for row in range({self.sweeps.deep}):"):
            self._at_points(code, f"row - {self.sweeps.deep}")

    def _at_points(self, code: Code, front: str) -> None:
        """Write the tangents where paths begin and end."""
        given = [front, str(self.sweeps.pad), "alpha_t[row]"]
        code(*call("begin_along", [*STARTS[:2], "start_t", *given]))
        code(*call("finish_along", [*ENDS[:2], "end_t", *given, "reach_t"]))

    # -- the sweeps ------------------------------------------------------------------------------

    def _forward(self, code: Code) -> None:
        sweeps = self.sweeps
        sweeps.levels(code, "jump_e")
        with code.under("for front in range(fronts):"):
            self._front(code)
            for name, weight in sweeps.kept_weights():
                sweeps.fill(code, name, weight)
                at = f"{name}_t[row, {self.plan.second} + {sweeps.pad}]"
                leaf = functools.partial(_changed, sweeps.weights, at)
                sweeps.every_place(code, functools.partial(_safely, sweeps, name, weight, leaf))
            self._advance(code)
            sweeps.edges(code, ("alpha_m", "alpha_e"), "row")
            given = ["front", str(sweeps.pad), "alpha_m[row]", "alpha_e[row]"]
            code(*call("begin", [*STARTS, *given]))
            code(*call("finish", [*ENDS, *given, *TOTAL], "total_m, total_e = "))
            self._at_points(code, "front")
        with code.under("if total_m == 0.0:"):
            code("return")
        self.backward.end_shares(code)
        with code.under("for r in range(end_front.size):"):
            code("total_t += end_share[r] * reach_t[r]")

    def _front(self, code: Code) -> None:
        if self.sweeps.order.slope == 0:
            code(f"{self.plan.first} = front")
        code(f"row = front + {self.sweeps.deep}")
        self.sweeps.window(code)

    def _advance(self, code: Code) -> None:
        sweeps, out = self.sweeps, self.sweeps.inside("alpha_t", "row")
        if self.lattice.dense:
            lag = sweeps.order.lags[0]
            given = [sweeps.inside(f"alpha_{p}", f"row - {lag}") for p in "met"]
            code(*call("across_along", [*given, "jump_m", "jump_e", "jump_t", out]))
            sweeps.across(code)
        else:
            sweeps.advance(code)
            given = [out]
            for link in forward_links(self.plan):
                given += [sweeps.inside(f"alpha_{p}", f"row - {link.lag}", -link.shift) for p in "met"]
                given += [sweeps.along(link.mask)] if link.mask else []
                given += [sweeps.inside(f"{link.factor}_{p}", "row") for p in "met"] if link.factor else []
            code(*call("_advance_along", given))
        if self.plan.has_node:
            code(f"{sweeps.changed('alpha_t', 'row')} += {sweeps.inside('node_t', 'row')}")

    def _backward(self, code: Code) -> None:
        sweeps, backward = self.sweeps, self.backward
        backward.rings_of(code, "shape[1]")
        ring = f"({backward.ring}, shape[1])"
        code(*(f"{r[:-2]}_t = np.zeros({ring})" for r in backward.rings[::2]))
        code("new_t, start_share = np.zeros(shape[1]), np.zeros(start_front.size)")
        code("start_turn, shares_here = np.zeros(start_front.size), np.zeros(places)", "turns = np.zeros(places)")
        if self.plan.crossed:
            make_room(code, sweeps)
        if self.plan.has_node:
            code("new_m, new_e = np.zeros(shape[1]), np.full(shape[1], NOWHERE)")
        code(f"outer = {times(self.lattice.coefficient, 'factor')}")
        sweeps.levels(code, "back_jump_e")
        with code.under("for front in range(fronts - 1, -1, -1):"):
            self._front(code)
            code(f"here = front % {backward.ring}")
            backward.retreat(code)
            self._retreat(code)
            backward.resume(code)
            backward.shares(code)
            given = [SHARES, sweeps.inside("alpha_t", "row"), sweeps.along("new_t"), "total_t"]
            code(*call("turns_of", [*given, "span(turns, low_place, high_place)"]))
            if self.plan.once_a_front and self.balanced is None:
                code("balance_turns(turns, shares_here)")
            elif self.plan.crossed and self.plan.has_node:
                balance_points(code, sweeps, backward.ring)
            code(f"{sweeps.changed('beta_t', 'here')} = {sweeps.along('new_t')}")
            if self.plan.has_node:
                code(f"{sweeps.changed('beta_t', 'here')} += {sweeps.inside('node_t', 'row')}")
            self._beginnings(code)
            if self.plan.has_node:
                self._scatter(code, "node", self.lattice.node)
            self._arcs(code)
            backward.clear(code)

    def _retreat(self, code: Code) -> None:
        sweeps, ring = self.sweeps, self.backward.ring
        out = sweeps.along("new_t")
        if self.lattice.dense:
            lag = sweeps.order.lags[0]
            given = [sweeps.inside(f"beta_{p}", f"(front + {lag}) % {ring}") for p in "met"]
            code(*call("across_along", [*given, "back_jump_m", "back_jump_e", "back_jump_t", out]))
        else:
            given = [out]
            for i, link in enumerate(backward_links(self.plan)):
                source = f"back_{i}" if self.plan.weighted[i] else "beta"
                row = f"(front + {-link.lag}) % {ring}"
                given += [sweeps.inside(f"{source}_{p}", row, -link.shift) for p in "met"]
                given += [sweeps.along(link.mask, -link.shift)] if link.mask else []
            code(*call("_retreat_along", given))
        m, e = self.backward.new()
        code(*call("resume_along", [*ENDS[:4], "end_t", "front", str(sweeps.pad), m, e, "new_t"]))

    def _beginnings(self, code: Code) -> None:
        pad = self.sweeps.pad
        with code.under("for r in range(start_front.size):"), code.under("if start_front[r] == front:"):
            code("place = start_place[r]")
            code("start_share[r], start_turn[r] = shares_here[place], turns[place]")
            code("shares_here[place], turns[place] = 0.0, 0.0")
            code(f"beta_m[here, place + {pad}], beta_e[here, place + {pad}] = 0.0, NOWHERE")

    def _scatter(self, code: Code, name: str, weight: Weight) -> None:
        """Write what the points, or arcs, of a front add."""
        sweeps = self.sweeps
        if self.balanced is not None:
            row, at = self.balanced.name, self.plan.first
            given = ["turns", "shares_here", self.plan.front_entries, f"place_{row}[{at}]", "outer"]
            code(*call("add_balanced", [*given, f"product_{row}[{at}]"], f"at_place_{row}[{at}] = "))
            code(f"elsewhere_{row}[{at}] = -at_place_{row}[{at}]")
        else:
            sweeps.scatter_front(code, name, weight, "turns", buffered=False)
        if self.plan.rows:
            leaf = functools.partial(_passed, sweeps.weights)

            def write(inner: Code) -> None:
                inner(f"amount = outer * shares_here[{self.plan.second}]")
                sweeps.safely(inner, name, weight, leaf)

            sweeps.every_place(code, write)

    def _arcs(self, code: Code) -> None:
        sweeps, order = self.sweeps, self.sweeps.order
        for i in self.names.weighted:
            back = self.backward.arc(code, i)
            out = sweeps.inside(f"back_{i}_t", "here")
            changed = sweeps.changed(f"back_{i}_t", "here")
            code(f"{changed} = {sweeps.inside('beta_t', 'here')} + {sweeps.inside(f'arc_{i}_t', 'row')}")
            source = [sweeps.inside(f"alpha_{p}", f"row - {order.lags[i]}", -order.shifts[i]) for p in "met"]
            code(*call("shares", [*source[:2], *back, *TOTAL, SHARES]))
            code(*call("turns_of", [SHARES, source[2], out, "total_t", "span(turns, low_place, high_place)"]))
            if self.plan.crossed:
                keep_arcs(code, i)
            else:
                self._scatter(code, f"arc_{i}", self.lattice.arcs[i].weight)
        if self.plan.crossed and self.names.weighted:
            balance_arcs(code)
            for i in self.names.weighted:
                fetch_arcs(code, i)
                self._scatter(code, f"arc_{i}", self.lattice.arcs[i].weight)
        if self.lattice.dense:
            source = [sweeps.inside(f"alpha_{p}", f"row - {order.lags[0]}") for p in "met"]
            beta = [sweeps.inside(f"beta_{p}", "here") for p in "met"]
            given = [*source, "jump_m", "jump_e", "jump_t", *beta, *TOTAL, "total_t", "jump_share", "jump_turn"]
            code(*call("add_jump_turns", given))

    # -- after the sweeps ------------------------------------------------------------------------

    def _finish(self, code: Code) -> None:
        sweeps, rows = self.sweeps, bool(self.plan.rows)
        passed = functools.partial(_passed, sweeps.points)
        for which in ("start", "end"):
            if which == "end":
                code("end_turn = end_share * (reach_t - total_t)", "balance_turns(end_turn, end_share)")
            sweeps.scatter_points(code, which, f"{which}_turn")
            if rows:
                sweeps.scatter_points(code, which, f"{which}_share", passed)
        dense = self.lattice.dense
        if dense is not None and dense.source is not None:
            source, inner = dense.source.name, self.plan.second
            outer = f"for {source} in range(jump_share.shape[0]):"
            with code.under(outer), code.under(f"for {inner} in range(jump_share.shape[1]):"):
                code(f"amount = outer * jump_turn[{source}, {inner}]")
                sweeps.points.branches(code, dense.weight, lambda leaf: sweeps.scattered(leaf, sweeps.points))
                if rows:
                    code(f"amount = outer * jump_share[{source}, {inner}]")
                    sweeps.points.branches(code, dense.weight, passed)
        if rows:
            code("outer = factor")
            sweeps.rest_along(code, passed)
        for p in self.plan.rows:
            sweeps.every_row(code, p, functools.partial(complete, name=p.name, into="product"))
            sweeps.every_row(code, p, functools.partial(_turned, name=p.name))


def _mean(code: Code, at: str, name: str) -> None:
    given = [f"{name}[{at}]", f"v_{name}[{at}]", *(f"{what}_{name}[{at}]" for what in ("largest", "others"))]
    code(*call("mean_along", given, f"mean_{name}[{at}] = "))


def _turned(code: Code, at: str, name: str) -> None:
    given = [f"{name}[{at}]", f"v_{name}[{at}]"]
    given += [f"{what}_{name}[{at}]" for what in ("largest", "place", "others", "mean", "passing")]
    code(*call("add_turn", [*given, f"product_{name}[{at}]"]))


def _changed(weights: Weights, at: str, leaf: Linear) -> list[str]:
    return [f"{at} = {weights.tangent(leaf)}"]


def _safely(sweeps: Sweeps, name: str, weight: Weight, leaf: Callable[[Linear], list[str]], code: Code) -> None:
    sweeps.safely(code, name, weight, leaf)


def _passed(weights: Weights, leaf: Linear) -> list[str]:
    """Return lines that note how much of the loss goes through the log-sum-exp of a row."""
    lines = []
    for coefficient, atom in leaf.terms:
        if not isinstance(atom, Entry):
            lines.append(f"passing_{atom.base.name}[{weights.at(atom)}] -= {times(coefficient, 'amount')}")
    return lines
