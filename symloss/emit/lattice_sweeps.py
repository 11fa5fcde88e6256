"""Functions that go over the fronts of a lattice: forwards to the total, backwards along the derived adjoint."""

from __future__ import annotations

import functools

from symloss.emit.lattice_leaks import MASS, REST, ROOMS, add_losses, inner
from symloss.emit.lattice_pieces import ENDS, NEVER_THERE, POOL, STARTS, TOTAL, borrow, call
from symloss.emit.lattice_scatter import Scatter
from symloss.emit.lattice_text import Code
from symloss.emit.text import CodeFunction, signature
from symloss.lattices.adjoint import Link, backward_links, forward_links
from symloss.lattices.lattice import End
from symloss.lattices.weights import NEVER, Linear, Weight


class Sweeps(Scatter):
    """Writes the functions of one loss that lead to its total."""

    # -- before the sweeps -----------------------------------------------------------------------

    def tables(self) -> CodeFunction | None:
        """Return the function that fills in what is the same on every front."""
        if not self.names.filled:
            return None
        code, second = Code(), self.plan.second
        points = self.points
        with code.under(f"for {second} in range({self.names.sizes[1]}):"):
            for index, name in self.plan.tables.items():
                code(f"{name}[{second}] = {points.indices(index)}")
        for mask, arc, shift in zip(self.plan.masks, self.lattice.arcs, self.order.shifts, strict=True):
            if mask is None:
                continue
            code(f"{mask}[:] = 0.0")
            low, high = (f"{shift}", self.names.sizes[1]) if shift >= 0 else ("0", f"{self.names.sizes[1]} + {shift}")
            with code.under(f"for {second} in range({low}, {high}):"):  # whatever comes from out of range stays 0
                at = f"{mask}[{second} + {self.pad}]"
                points.branches(code, arc.weight, functools.partial(_marked, at))
        head = signature("_tables", [*self.names.problem, *self.names.sizes, *self.names.filled])
        return CodeFunction(head, "Fill in what is the same on every front.", tuple(code.lines))

    def rows(self) -> CodeFunction | None:
        """Return the function that reduces the rows of predictions."""
        if not self.plan.rows:
            return None
        code = Code()
        for p in self.plan.rows:
            self.every_row(code, p, functools.partial(_reduced, name=p.name))
        head = signature("_rows", [*self.names.problem, *self.row_statistics()])
        return CodeFunction(head, "Reduce the rows of the predictions, without padding.", tuple(code.lines))

    def row_statistics(self) -> list[str]:
        """Return the names of what is known about the rows that are reduced ahead."""
        return [
            name for name in self.names.rows if self.names.front is None or not name.endswith(f"_{self.names.front}")
        ]

    def ends(self, which: str) -> CodeFunction:
        """Return the function that lists the points in which paths begin, or end, with their weights."""
        starts = which == "start"
        points = self.lattice.starts if starts else self.lattice.ends
        code = Code()
        counts = [" * ".join(self.indices.size(i.dim) for i in end.free) or "1" for end in points]
        code(f"count = {' + '.join(counts)}")
        code(f"{which}_front, {which}_place = wholes({POOL}, count), wholes({POOL}, count)")
        code(f"{which}_m, {which}_e = floats({POOL}, count), floats({POOL}, count)")
        code("r = 0")
        for end in points:
            self.every_point(code, end, functools.partial(self._point, end=end, which=which))
        if starts:
            code("return start_front, start_place, start_m, start_e")
        else:
            code(f"reach_m, reach_e = floats({POOL}, count), floats({POOL}, count)", "nothing(reach_m, reach_e)")
            code("return end_front, end_place, end_m, end_e, reach_m, reach_e")
        given = [POOL, *self.names.fixed, *(() if starts else STARTS[:2])]
        says = "List where paths begin." if starts else "List where paths end."
        return CodeFunction(signature(f"_{which}s", given), says, tuple(code.lines))

    def _point(self, code: Code, end: End, which: str) -> None:
        texts = list(map(self.points.indices, end.point))
        first, second = texts[0], texts[1] if len(texts) == 2 else "0"
        slope = self.order.slope
        front = first if slope == 0 else f"{first} + {second}" if slope == 1 else f"{first} + {slope} * ({second})"
        code(f"{which}_front[r], {which}_place[r] = {front}, {second}")
        if which == "end":
            one, other = self.names.sizes[:2]
            code(f"exists = 0 <= {first} < {one} and 0 <= {second} < {other}")
            with code.under("for q in range(start_front.size):"):
                code("exists |= start_front[q] == end_front[r] and start_place[q] == end_place[r]")
            with code.under("if not exists:"):
                code(f"end_front[r] = {NEVER_THERE}", "end_m[r], end_e[r] = 0.0, NOWHERE")
            with code.under("else:"):
                self._point_weight(code, end.weight, which)
            return
        virtual = any(i.is_Integer and i < 0 for i in end.point)
        if virtual:
            self._point_weight(code, end.weight, which)
            return
        one, other = self.names.sizes[:2]
        with code.under(f"if 0 <= {first} < {one} and 0 <= {second} < {other}:"):
            self._point_weight(code, end.weight, which)
        with code.under("else:"):
            code(f"start_front[r] = {NEVER_THERE}", "start_m[r], start_e[r] = 0.0, NOWHERE")

    def _point_weight(self, code: Code, weight: Weight, which: str) -> None:
        self.points.branches(
            code,
            weight,
            lambda leaf: [f"{which}_m[r], {which}_e[r] = exponential({self.points.value(leaf)}, 0.0, 1.0)"],
        )

    def jumps(self) -> CodeFunction | None:
        """Return the function that computes the weights between all states."""
        dense = self.lattice.dense
        if dense is None or dense.source is None:
            return None
        code = Code()
        at = f"{dense.source.name}, {self.plan.second}"
        outer, inner = f"for {dense.source.name} in range(jump_m.shape[0]):", self.plan.second
        with code.under(outer), code.under(f"for {inner} in range(jump_m.shape[1]):"):
            self.points.branches(
                code,
                dense.weight,
                lambda leaf: [f"jump_m[{at}], jump_e[{at}] = exponential({self.points.value(leaf)}, 0.0, 1.0)"],
            )
        code("level(jump_m, jump_e)")
        head = signature("_jumps", [*self.names.fixed, *self.names.jumps])
        return CodeFunction(head, "Compute the weights between all states.", tuple(code.lines))

    # -- the step from front to front ------------------------------------------------------------

    def step(self, name: str, links: tuple[Link, ...], with_node: bool) -> CodeFunction:
        """Return the function that adds what reaches the points of a front."""
        code = Code()
        code("wide_vectors()", "distinct()")
        with code.under("for place in range(out_m.size):"):
            terms = self._terms(code, links)
            code(f"total = {terms[0]}", *(f"total += {term}" for term in terms[1:]))
            total, top = ("total * node_m[place]", "top + node_e[place]") if with_node else ("total", "top")
            code(f"out_m[place], out_e[place] = settled({total}, {top})")
        says = "Add up what reaches the points of a front."
        given = ["out_m", "out_e", *(["node_m", "node_e"] if with_node else []), *_linked(links, "me")]
        return CodeFunction(signature(name, given), says, tuple(code.lines))

    def step_along(self, name: str, links: tuple[Link, ...]) -> CodeFunction:
        """Return the function that writes the tangents of what reaches the points of a front."""
        code = Code()
        code("wide_vectors()", "distinct()")
        with code.under("for place in range(out_t.size):"):
            terms = self._terms(code, links)
            code(*(f"term_{i} = {term}" for i, term in enumerate(terms)))
            code(f"total = {' + '.join(f'term_{i}' for i in range(len(links)))}")
            moved = [
                f"from_{i}_t[place]" + (f" + {k.factor}_t[place]" if k.factor else "") for i, k in enumerate(links)
            ]
            mean = " + ".join(f"term_{i} * ({change})" for i, change in enumerate(moved))
            code(f"mean = {mean}", "out_t[place] = mean / total if total != 0.0 else 0.0")
        says = "Write the mean change of what reaches the points of a front."
        return CodeFunction(signature(name, ["out_t", *_linked(links, "met")]), says, tuple(code.lines))

    def _terms(self, code: Code, links: tuple[Link, ...]) -> list[str]:
        """Write the largest exponent of what is added, and return the terms with that exponent."""
        terms = []
        for i, link in enumerate(links):
            exponent = f"from_{i}_e[place]"
            exponent = f"{exponent} if {link.mask}[place] > 0.0 else NOWHERE" if link.mask else exponent
            exponent = f"{exponent} + {link.factor}_e[place]" if link.factor else exponent
            code(f"e_{i} = {exponent}")
        code("top = e_0", *(f"top = e_{i} if e_{i} > top else top" for i in range(1, len(links))))
        for i, link in enumerate(links):
            factor = f" * {link.factor}_m[place]" if link.factor else ""
            factor += f" * {link.mask}[place]" if link.mask else ""
            terms.append(f"from_{i}_m[place]{factor} * halved(e_{i} - top)")
        return terms

    def steps(self) -> list[CodeFunction]:
        """Return both steps."""
        if self.lattice.dense:
            return []
        return [
            self.step("_advance", forward_links(self.plan), self.plan.has_node),
            self.step("_retreat", backward_links(self.plan), False),
        ]

    def forward(self) -> CodeFunction:
        """Return the sweep to the total."""
        names, code = self.names, Code()
        borrow(code, [*names.fronts, *names.jumps, *names.masks])
        if any(name != "node" or names.front is None for name, _ in self.kept_weights()):
            code(f"room = max(1, {names.sizes[1]})")
            code("exponent, lost, scale = np.zeros(room), np.zeros(room), np.zeros(room)")
        self.levels(code, "jump_e")
        with code.under("for front in range(begin_at, end_at):"):
            if self.order.slope == 0:
                code(f"{self.plan.first} = front")
            code(f"row = front - begin_at + {self.deep}")
            self.window(code)
            for name, weight in self.kept_weights():
                if name == "node" and names.front is not None:
                    self._weigh_row(code)
                else:
                    self.fill(code, name, weight)
            self._miss(code)
            if self.lattice.dense:
                self.across(code)
            else:
                self.advance(code)
            self.edges(code, ("alpha_m", "alpha_e"), "row")
            code(*call("begin", [*STARTS, "front", str(self.pad), "alpha_m[row]", "alpha_e[row]"]))
            code(
                *call(
                    "finish",
                    [*ENDS, "front", str(self.pad), "alpha_m[row]", "alpha_e[row]", *TOTAL],
                    "total_m, total_e = ",
                )
            )
        code("return total_m, total_e")
        given = self.forward_arguments()
        says = "Go over some fronts, first to last; return the total of the paths that have ended."
        return CodeFunction(signature("_forward", given), says, tuple(code.lines))

    def forward_arguments(self) -> list[str]:
        """Return what the forward sweep is given."""
        names = self.names
        given = [*names.known, *names.jumps, *STARTS, *ENDS, *TOTAL, "begin_at", "end_at", *names.fronts]
        given += ["lost", ROOMS] if self.plan.leaks else ["missed"] if self.plan.reference is not None else []
        return [*given, *names.weights, *names.room, *(["exps"] if names.front else [])]

    def _miss(self, code: Code) -> None:
        """Write what a path misses that the loss subtracts: the part of what comes to it that is not its own."""
        if self.plan.reference is None:
            return
        first = self.lattice.steps[0]
        given = [*(self.inside(p, "row - 1") for p in ("alpha_m", "alpha_e")), *self.names.jumps]
        with code.under(f"if {self.plan.first} > 0:"):
            code(*call("missed_before", [*given, self.chosen(first - 1), self.chosen()], "more = "))
            code("missed[0], missed[1] = add_exactly(missed[0], missed[1], more)")

    def _weigh_row(self, code: Code) -> None:
        """Reduce the row of a front, and write the weights of its places."""
        p, at = self.names.front, self.plan.first
        given = [f"{p}[{at}]", "entries", f"terms_{p}", "weight_m[row]", "weight_e[row]", f"exps[{at} : {at} + 1]"]
        code(*call("weigh_row", given, f"place_{p}[{at}], others_{p}[{at}] = "))
        node = [self.inside(part, "row") for part in ("node_m", "node_e")]
        code(*call("spread", ["weight_m[row]", "weight_e[row]", "entry_of", *node]))
        if self.plan.leaks:
            mass = call("as_floats", ["alpha_m[row - 1]", "alpha_e[row - 1]", f"row_at({ROOMS}, {MASS})"])
            weight = inner(self, REST)  # as long as it is free
            add_losses(code, self, [*mass, *call("as_floats", [*node, weight])], weight)

    def kept_weights(self) -> list[tuple[str, Weight]]:
        """Return the weights that fronts keep, with their names."""
        kept = [("node", self.lattice.node)] if self.plan.has_node else []
        return kept + [(f"arc_{i}", self.lattice.arcs[i].weight) for i in self.names.weighted]

    def fill(self, code: Code, name: str, weight: Weight) -> None:
        """Write the weights of a front, as exponentials."""
        second = self.plan.second
        self.every_place(code, lambda c: self.safely(c, name, weight, lambda leaf: self.exponents(leaf, second)))
        given = [f"span({part}, low_place, high_place)" for part in ("exponent", "lost", "scale")]
        code(*call("exponentials", [*given, self.inside(f"{name}_m", "row"), self.inside(f"{name}_e", "row")]))

    def advance(self, code: Code) -> None:
        """Write the step of a recurrence along arcs."""
        given = [self.inside(part, "row") for part in self.names.fronts[: 4 if self.plan.has_node else 2]]
        for link in forward_links(self.plan):
            given += [self.inside(part, f"row - {link.lag}", -link.shift) for part in ("alpha_m", "alpha_e")]
            given += [self.along(link.mask)] if link.mask else []
            given += [self.inside(f"{link.factor}_{p}", "row") for p in "me"] if link.factor else []
        code(*call("_advance", given))

    def levels(self, code: Code, exponents: str) -> None:
        """Write whether the weights between all states are plain floats, which `across` wants to know."""
        if self.lattice.dense:
            code(f"flat = is_level({exponents})")

    def across(self, code: Code) -> None:
        """Write the step of a recurrence from all states to all states."""
        parts = [self.inside(p, f"row - {self.order.lags[0]}") for p in ("alpha_m", "alpha_e")]
        out = [self.inside(p, "row") for p in ("alpha_m", "alpha_e")]
        code(*call("across", [*parts, *self.names.jumps, "flat", *out]))
        if self.plan.has_node:
            node = [self.inside(p, "row") for p in ("node_m", "node_e")]
            code(*call("multiply", [*out, *node]))


def _marked(at: str, leaf: Linear) -> list[str]:
    return [] if leaf == NEVER else [f"{at} = 1.0"]


def _linked(links: tuple[Link, ...], parts: str) -> list[str]:
    """Return what a step is given about the entries that it adds."""
    given = []
    for i, link in enumerate(links):
        given += [f"from_{i}_{p}" for p in parts]
        given += [link.mask] if link.mask else []
        given += [f"{link.factor}_{p}" for p in parts] if link.factor else []
    return given


def _reduced(code: Code, at: str, name: str) -> None:
    code(f"largest_{name}[{at}], place_{name}[{at}], others = statistics({name}[{at}])")
    code(f"others_{name}[{at}], inverse_{name}[{at}] = others, 1.0 / (1.0 + others)")
