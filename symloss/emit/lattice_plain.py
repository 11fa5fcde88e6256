"""The sweeps in plain floats with one scale a front, where a total is one of `Plan.leaks`: tried first, given up early.

Every path has one point on every front, and its weights are parts of one softmax a front, so a front needs one scale.
`runtime/plain_fronts.py` says when what a scale loses is known to do no harm; otherwise the careful sweeps follow.
"""

from __future__ import annotations

from symloss.emit.lattice_pieces import ENDS, STARTS, call
from symloss.emit.lattice_sweeps import Sweeps
from symloss.emit.lattice_text import Code
from symloss.emit.text import CodeFunction, signature
from symloss.lattices.adjoint import Link, backward_links, forward_links

_GROUPS = ["entries", "reader", "others", "most"]
_FRONTS = ["alpha", "node", "scales"]


class Plain:
    """Writes the functions of one loss in plain floats; none where the rule does not hold.

    Parameters
    ----------
    sweeps : Sweeps
        Of the loss.
    """

    def __init__(self, sweeps: Sweeps) -> None:
        self.sweeps, self.names, self.plan, self.pad = sweeps, sweeps.names, sweeps.plan, sweeps.pad
        self.row = self.names.front
        self.known = [*self.names.problem, *self.names.sizes, *self.names.filled]
        self.statistics = [f"place_{self.row}", f"others_{self.row}"]

    def functions(self) -> list[CodeFunction]:
        """Return the functions."""
        if not self.plan.leaks:
            return []
        return [self._step(), self._back(), self._forward(), self._backward(), self._both()]

    def attempt(self, code: Code) -> None:
        """Write the call that returns the loss, where plain floats will do."""
        if not self.plan.leaks:
            return
        with code.under("if fronts > 0 and not checkpoint:"):
            given = [*self.known, *self.statistics, *STARTS, *ENDS[:2], "factor", f"grad_{self.row}"]
            code(*call("_plainly", given, "plain, loss = "))
            with code.under("if plain:"):
                code("return loss")

    # -- one front -------------------------------------------------------------------------------

    def _sum(self, code: Code, links: tuple[Link, ...]) -> None:
        terms = [
            f"from_{i}[place]" + (f" * {link.mask}[place]" if link.mask else "") for i, link in enumerate(links)
        ]
        code(f"total = {terms[0]}", *(f"total += {term}" for term in terms[1:]))

    def _kept(self, code: Code, out: str) -> None:
        code("kept = total if total >= TINY else 0.0")
        code(f"{out}[place] = kept", "top, lost = greater(top, ordered(kept)), lost | (kept != total)")

    def _step(self) -> CodeFunction:
        code, links = Code(), forward_links(self.plan)
        code("wide_vectors()", "distinct()", "top, lost, fine = ordered(0.0), False, True")
        with code.under("for place in range(out.size):"):
            self._sum(code, links)
            code("total *= node[place] * scale")
            self._kept(code, "out")
            code("fine &= node[place] >= FAINT")
        code("return top if fine else 0, lost")
        given = ["out", "node", "scale", *_linked(links)]
        says = "Add up what reaches a front; return the largest, ordered, 0 if it cannot be, and whether one was lost."
        return CodeFunction(signature("_plain_step", given), says, tuple(code.lines))

    def _back(self) -> CodeFunction:
        code, links = Code(), backward_links(self.plan)
        code("wide_vectors()", "distinct()", "top, lost = ordered(0.0), False")
        with code.under("for place in range(out.size):"):
            self._sum(code, links)
            code("total = total * scale + ends[place]", "here[place] = alpha[place] * total * factor")
            code("total *= node[place]")
            self._kept(code, "out")
        code("return top, lost")
        given = ["out", "here", "alpha", "node", "ends", "scale", "factor", *_linked(links)]
        says = "Go one front back, and write how much of the total passes each point; return as `_plain_step` does."
        return CodeFunction(signature("_plain_back", given), says, tuple(code.lines))

    def _inside(self, array: str, shift: int = 0) -> str:
        at = self.pad + shift
        end = f"{self.names.sizes[1]} + {at}" if at else self.names.sizes[1]
        return f"{array}{at}:{end}]" if array.endswith(", ") else f"{array}[{at}:{end}]"

    def _links(self, links: tuple[Link, ...], row: str, mirrored: bool) -> list[str]:
        given = []
        for link in links:
            given.append(self._inside(row, -link.shift))
            given += [self._inside(link.mask, -link.shift if mirrored else 0)] if link.mask else []
        return given

    # -- all fronts ------------------------------------------------------------------------------

    def _forward(self) -> CodeFunction:
        code, names, at = Code(), self.names, self.plan.first
        code("room, shift, first, reach = np.empty(alpha.shape[1]), 0, fronts, -np.inf")
        with code.under("for front in range(fronts):"):
            code(f"{at}, row = front, front + 1")
            given = [f"{self.row}[{at}]", "entries", "others", f"terms_{self.row}", self._inside("node[row, ")]
            code(
                *call(
                    "weigh_places",
                    [*given, f"exps[{at}]"],
                    f"place_{self.row}[{at}], others_{self.row}[{at}], inverse = ",
                )
            )
            with code.under("if inverse == 0.0:"):
                code("return 0.0, NOWHERE, 0, 0.0")
            with code.under("if lost[0] <= 0.5:"):
                code("room[:] = scales[front]")
                given = [names.sizes[1], self.plan.front_entries, *names.masks, f"terms_{self.row}", "inverse"]
                code(*call("_lost", [*given, "alpha[front]", "room"], "lost[0] += "))
            given = [self._inside("alpha[row, "), self._inside("node[row, "), "power(-shift)"]
            given += self._links(forward_links(self.plan), "alpha[front, ", False)
            code(*call("_plain_step", given, "top, some = "))
            with code.under("if top <= 0:"):
                code("return 0.0, NOWHERE, 0, 0.0")
            code("scales[row] = scales[front] + shift", "shift = exponent_of(top)")
            with code.under("if some and front < first:"):
                code("first, reach = front, scales[row]")
        code("total = 0.0")
        with code.under("for r in range(end_front.size):"):
            code(f"total += alpha[fronts, end_place[r] + {self.pad}] if end_front[r] == fronts - 1 else 0.0")
        code("total_m, total_e = settled(total, scales[fronts])", "return total_m, total_e, first, reach")
        given = [*self.known, *_GROUPS[:3], *self.statistics, *ENDS[:2], *_FRONTS, "lost", f"terms_{self.row}", "exps"]
        says = "Go over all fronts; return the total, 0 if plain floats will not do, the first front with losses, its scale."
        return CodeFunction(signature("_plain_forward", given), says, tuple(code.lines))

    def _backward(self) -> CodeFunction:
        code, names, at = Code(), self.names, self.plan.first
        places = names.sizes[1]
        code(f"beta, ends = np.zeros((2, alpha.shape[1])), np.zeros({places})")
        code("here, sums = np.zeros(most.size), np.zeros(entries.size)")
        with code.under("for r in range(end_front.size):"), code.under("if end_front[r] == fronts - 1:"):
            code("ends[end_place[r]] = 1.0")
        code("shift, scale = 0, 0.0")
        with code.under("for front in range(fronts - 1, -1, -1):"):
            code(f"{at}, row = front, front + 1", "scale += shift", "far = scales[row] + scale - total_e")
            with code.under("if far > FAR:"):
                code("return False")
            given = [self._inside("beta[front % 2, "), f"here[:{places}]", self._inside("alpha[row, ")]
            given += [self._inside("node[row, "), "ends", "power(-shift)", "power(far) / total_m"]
            given += self._links(backward_links(self.plan), "beta[row % 2, ", True)
            code(*call("_plain_back", given, "top, some = "))
            with code.under("if top <= 0 or (some and front >= first and reach + scale - total_e > BOTH):"):
                code("return False")
            code("shift, ends[:] = exponent_of(top), 0.0", "sum_readers(here, most, others, sums)")
            given = ["sums", "entries", "reader", self._inside("node[row, ")]
            given += [f"place_{self.row}[{at}]", f"others_{self.row}[{at}]", "factor", f"grad_{self.row}[{at}]"]
            with code.under("if not complete_places("):
                code(f"{', '.join(given)}")
            code("):", "    return False")
        code("return True")
        given = [*self.known, *_GROUPS, *self.statistics, *ENDS[:2], *_FRONTS, "total_m", "total_e", "first", "reach"]
        says = "Go over all fronts, last to first, and write the gradient; return whether plain floats would do."
        return CodeFunction(
            signature("_plain_backward", [*given, "factor", f"grad_{self.row}"]), says, tuple(code.lines)
        )

    def _both(self) -> CodeFunction:
        code, names, pad = Code(), self.names, self.pad
        places = names.sizes[1]
        code(*call("readers", [f"{self.plan.front_entries}[:{places}]"], f"{', '.join(_GROUPS)} = "))
        code(f"alpha, node = np.empty((2, fronts + 1, {places} + {2 * pad}))", "scales = np.zeros(fronts + 1)")
        code("alpha[0] = 0.0")
        if pad:
            code(f"alpha[:, :{pad}], alpha[:, {places} + {pad} :] = 0.0, 0.0")
        with code.under("for r in range(start_front.size):"):
            code(f"alpha[0, start_place[r] + {pad}] = 1.0")
        code(f"lost, terms_{self.row} = np.zeros(1), np.empty({self.row}.shape[1])")
        given = [*self.known, *_GROUPS[:3], *self.statistics, *ENDS[:2], *_FRONTS, "lost", f"terms_{self.row}"]
        code(*call("_plain_forward", [*given, f"grad_{self.row}"], "total_m, total_e, first, reach = "))
        with code.under("if total_m == 0.0:"):
            code("return False, 0.0")
        code(f"successors = np.empty({len(self.sweeps.order.shifts)}, np.int64)")
        with code.under(f"for place in range({places}):"):
            given = ["place", places, self.plan.front_entries, *names.masks, "successors"]
            code(*call("_successors", given, "count = "))
            code("reach = np.inf if twice(successors[:count]) else reach")
        given = [*self.known, *_GROUPS, *self.statistics, *ENDS[:2], *_FRONTS, "total_m", "total_e", "first", "reach"]
        with code.under("if not _plain_backward("):
            code(", ".join([*given, "-factor", f"grad_{self.row}"]))
        code("):", "    return False, 0.0", "loss = 0.0 - logarithm(total_m, total_e)")
        with code.under("if lost[0] <= 0.5:"):
            last = [places, "end_front", "end_place", "fronts - 1", "alpha[fronts]", "np.full(alpha.shape[1], scales[fronts])"]
            code(*call("_unfinished", last, "lost[0] += "))
            code("loss = -log1p(-lost[0]) if lost[0] <= 0.5 else loss")
        code("return True, loss")
        given = [*self.known, *self.statistics, *STARTS, *ENDS[:2], "factor", f"grad_{self.row}"]
        says = "Return whether plain floats would do, and the loss; then its gradient, times a factor, is written."
        return CodeFunction(signature("_plainly", given), says, tuple(code.lines))


def _linked(links: tuple[Link, ...]) -> list[str]:
    return [name for i, link in enumerate(links) for name in (f"from_{i}", *([link.mask] if link.mask else []))]
