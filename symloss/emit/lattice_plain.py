"""The sweeps in plain floats with one scale a front, where a total is one of `Plan.leaks`: tried first, given up early.

They are functions of their own: the careful sweeps take long to compile, and most never need them.

Every path has one point on every front, and its weights are parts of one softmax a front, so a front needs one scale.
`runtime/plain_fronts.py` says when what a scale loses is known to do no harm; otherwise careful sweeps follow.
"""

from __future__ import annotations

from symloss.emit.lattice_leaks import MASS, ROOMS, add_losses, begin_losses
from symloss.emit.lattice_pieces import ENDS, POOL, STARTS, borrow, call
from symloss.emit.lattice_sweeps import Sweeps
from symloss.emit.lattice_text import Code
from symloss.emit.text import CodeFunction, signature
from symloss.lattices.adjoint import Link, backward_links, forward_links

_GROUPS = ["entries", "reader", "others", "most", "where"]
_FOUND = "first, reach, total_m, total_e, height"
SEGMENT = 64  # fronts that are kept at a time where nothing but the total is wanted
_FRONTS = ["alpha", "node", "scales", "gauges", "steps", "period"]


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
        self._row_sizes = [f"{self.row}.shape[1]", self.names.sizes[1], "others.shape[1]"]
        self.statistics = [f"place_{self.row}", f"others_{self.row}"]

    def functions(self) -> list[CodeFunction]:
        """Return the functions."""
        if not self.plan.leaks:
            return []
        sweeps = [self._forward(), self._total(), self._backward()]
        return [self._step(), self._back(), self._factors(), *sweeps, self._value(), self._both()]

    def sparingly(self, code: Code) -> None:
        """Write whether few fronts are to be kept."""
        if self.plan.leaks:
            sizes = ["checkpoint", "fronts", self.names.sizes[1], f"{self.row}.shape[1]"]
            code(*call("sparingly", sizes, "checkpoint = "))

    def attempt(self, code: Code, gradient: bool) -> None:
        """Write the call that returns that plain floats will do, where they will, and the loss."""
        given = [POOL, *self.known, *self.statistics, *STARTS, *ENDS[:2]]
        with code.under("if fronts > 0:"):
            if gradient:
                code("kept = int(np.sqrt(fronts)) + 1 if checkpoint else fronts  # so many fronts are in memory")
            with code.under("for steep in (fronts > LONG, fronts <= LONG):"):
                more = ["factor", "kept", "steep", f"grad_{self.row}"] if gradient else ["steep"]
                code(*call("_plainly" if gradient else "_plain_value", [*given, *more], "plain, loss = "))
                with code.under("if plain:"):
                    code("return True, loss")
        code("return False, np.nan")

    # -- one front -------------------------------------------------------------------------------

    def _sum(self, code: Code, links: tuple[Link, ...]) -> None:
        terms = [
            f"from_{i}[place]" + (f" * step_{i}[place]" if _has_factor(link) else "") for i, link in enumerate(links)
        ]
        code(f"total = {terms[0]}", *(f"total += {term}" for term in terms[1:]))

    def _kept(self, code: Code, out: str) -> None:
        code("kept = total if total >= TINY else 0.0")
        code(f"{out}[place] = kept", "top = greater(top, as_whole(kept))", "gone |= as_whole(total) ^ as_whole(kept)")

    def _step(self) -> CodeFunction:
        code, links = Code(), forward_links(self.plan)
        code("wide_vectors()", "distinct()", "top, gone, faint = as_whole(0.0), 0, 0")
        with code.under("for place in range(out.size):"):
            self._sum(code, links)
            code("total *= node[place] * scale")
            self._kept(code, "out")
            code("faint |= as_whole(node[place]) - as_whole(FAINT)  # negative from then on")
        code("return top if faint >= 0 else 0, gone != 0")
        head = _with_extents(code, "_plain_step", ["out", "node", *_linked(links)], ["scale"])
        says = "Add up what reaches a front; return the largest, ordered, 0 if it cannot be, and whether one was lost."
        return CodeFunction(head, says, tuple(code.lines))

    def _back(self) -> CodeFunction:
        code, links = Code(), backward_links(self.plan)
        code("wide_vectors()", "distinct()", "top, gone = as_whole(0.0), 0")
        with code.under("for place in range(out.size):"):
            self._sum(code, links)
            code("total = total * scale + ends[place]", "here[place] = alpha[place] * total * factor")
            code("total *= node[place]")
            self._kept(code, "out")
        code("return top, gone != 0")
        arrays = ["out", "here", "alpha", "node", "ends", *_linked(links)]
        head = _with_extents(code, "_plain_back", arrays, ["scale", "factor"])
        says = "Go one front back, and write how much of the total passes each point; return as `_plain_step` does."
        return CodeFunction(head, says, tuple(code.lines))

    def _span(self, shift: int = 0) -> list[str]:
        at = self.pad + shift
        return [str(at), f"{self.names.sizes[1]} + {at}" if at else self.names.sizes[1]]

    def _inside(self, array: str, row: str, shift: int = 0) -> str:
        return f"stretch({', '.join([array, row, *self._span(shift)])})"

    def _from(self, array: str, row: str, shift: int = 0) -> str:
        return f"start_of({array}, {row}, {self.pad + shift})"

    def _links(self, links: tuple[Link, ...], array: str, row: str) -> list[str]:
        given = []
        for i, link in enumerate(links):
            given.append(self._from(array, row, -link.shift))
            # The factors belong to the place that a step leads to, from which the adjoint comes.
            given += [self._from("steps", str(i), -link.shift if link.lag < 0 else 0)] if _has_factor(link) else []
        return given

    def _factors(self) -> CodeFunction:
        code = Code()
        for i, link in enumerate(forward_links(self.plan)):
            given = [self._inside("gauges", "block"), self._inside("gauges", "block", -link.shift)]
            out = self._inside("steps", str(i))
            if link.mask:
                code(*call("guarded_factors", [*given, f"{link.mask}[{':'.join(self._span())}]", out]))
            elif link.shift:
                code(*call("factors", [*given, out]))
        head = signature("_plain_factors", [self.names.sizes[1], *self.names.masks, "gauges", "block", "steps"])
        return CodeFunction(head, "Write the factors of all steps between places.", tuple(code.lines))

    def _take(self, code: Code, block: str) -> None:
        """Write what finds the factors of steps between places with other gauges."""
        code(f"block = {block}")
        code(*call("_plain_factors", [self.names.sizes[1], *self.names.masks, "gauges", "block", "steps"]))

    def _gauge(self, code: Code, row: str, block: str, chosen: str) -> None:
        """Write the choice of gauges for a front."""
        shifts = self.sweeps.order.shifts
        ways = [str(max(shifts) > 0), str(min(shifts) < 0)]
        given = [self._inside("alpha", row), *ways, *(self._inside("gauges", at) for at in (block, chosen)), "TINY"]
        code(*call("renew", given, "top, more = "))

    # -- all fronts ------------------------------------------------------------------------------

    def _given(self, *more: str) -> list[str]:
        given = [*self.known, *_GROUPS, *self.statistics, *ENDS[:2], *_FRONTS]
        return [*given, "exps", "begin_at", "end_at", *more, f"grad_{self.row}"]

    def _forward(self) -> CodeFunction:
        code, names, at = Code(), self.names, self.plan.first
        borrow(code, ["entries", "others", "exps", *names.masks])
        self._take(code, "0")
        code("until = period - begin_at % period  # the next gauges")
        code(f"all_kept, rounded = exps.shape[0] > 1, exps.shape[0] == 1 and grad_{self.row}.shape[0] > 0")
        with code.under("for front in range(begin_at, end_at):"):
            code(f"{at}, row = front, front - begin_at + 1")
            given = [*self._row_sizes, f"start_of({self.row}, {at}, 0)", *self._reading()]
            given += ["start_of(exps, kept_at, 0)", self._from("node", "row")]
            code("kept_at = row if all_kept else 0")
            code(*call("weigh_places", given, f"place_{self.row}[{at}], others_{self.row}[{at}], inverse = "))
            with code.under("if rounded:"):
                code(f"keep_rounded(row_at(exps, 0), row_at(grad_{self.row}, {at}))")
            with code.under("if inverse == 0.0:"):
                code("return False, first, reach")
            code(f"terms_{self.row} = row_at(exps, kept_at)")
            upright = self._upright("row_at(alpha, row - 1)", "scales[front]", "block")
            add_losses(code, self.sweeps, upright, self._inside("node", "row"))
            given = [names.sizes[1], self._from("alpha", "row"), self._from("node", "row")]
            given += self._links(forward_links(self.plan), "alpha", "row - 1")
            given += ["power(scales[front] - scales[front + 1])"]
            code(*call("_plain_step", given, "top, some = "))
            with code.under("if top <= 0 or (some and period <= fronts):"):
                code("return False, first, reach")
            code("until -= 1")
            with code.under("if until == 0:"):
                self._gauge(code, "row", "block", "block + 1")
                with code.under("if more:"):
                    code("return False, first, reach")
                self._take(code, "block + 1")
                code("until = period")
            code("scales[front + 2] = scales[front + 1] + exponent_of(top)")
            with code.under("if some and front < first:"):
                code("first, reach = front, scales[front + 1]")
        code("return True, first, reach")
        says = "Go over some fronts; return whether plain floats will do, the first front with losses, and its scale."
        head = signature("_plain_forward", self._given("lost", ROOMS, "first", "reach"))
        return CodeFunction(head, says, tuple(code.lines))

    def _backward(self) -> CodeFunction:
        code, names, at = Code(), self.names, self.plan.first
        places = names.sizes[1]
        borrow(code, [*_GROUPS, "exps", "sums", *names.masks])
        code(f"ends, here, all_kept = stretch(beta, 2, 0, {places}), stretch(beta, 3, 0, {places}), exps.shape[0] > 1")
        self._take(code, "end_at // period - begin_at // period")
        code("since = end_at % period  # the last gauges")
        with code.under("for front in range(end_at - 1, begin_at - 1, -1):"):
            code(f"{at}, row = front, front - begin_at + 1")
            with code.under("for r in range(end_front.size):"), code.under("if end_front[r] >= front:"):
                code("ends[end_place[r]] = end_scale[r] if end_front[r] == front else 0.0")
            code("back[1] += back[0]", "far = scales[front + 1] + back[1] - total_e")
            with code.under("if far > FAR:"):
                code("return False")
            given = [places, self._from("beta", "front % 2"), "start_of(beta, 3, 0)", self._from("alpha", "row")]
            given += [self._from("node", "row"), "start_of(beta, 2, 0)"]
            given += self._links(backward_links(self.plan), "beta", "1 - front % 2")
            given += ["power(-back[0])", "power(far) / total_m"]
            code(*call("_plain_back", given, "top, some = "))
            with code.under("if top <= 0 or (some and front >= first and reach + back[1] - total_e > BOTH):"):
                code("return False")
            with code.under("if since == 0:"):
                given = [self._inside("beta", "front % 2"), self._inside("gauges", "block - 1")]
                code(*call("change", [*given, self._inside("gauges", "block"), "TINY"], "top, _ = "))
                self._take(code, "block - 1")
                code("since = period")
            code("since -= 1")
            code("back[0] = exponent_of(top)")
            self._complete(code)
            with code.under("if not fine:"):
                code("return False")
        code("return True")
        says = "Go over some fronts, last to first, and write the gradient; return whether plain floats would do."
        given = self._given("first", "reach", "end_scale", "total_m", "total_e", "beta", "back", "sums", "factor")
        head = signature("_plain_backward", given)
        return CodeFunction(head, says, tuple(code.lines))

    def _reading(self) -> list[str]:
        """Return what functions of one front take to know which places read what."""
        return ["entries[0]", "start_of(others, 0, 0)", "start_of(others, 2, 0)"]

    def _complete(self, code: Code) -> None:
        """Write the gradient of a row, by a way for few entries and one for many."""
        at, sizes = self.plan.first, self._row_sizes
        place = [f"place_{self.row}[{at}]", f"others_{self.row}[{at}]", "factor"]
        with code.under("if all_kept:"):
            given = [*sizes, "start_of(beta, 3, 0)", *self._reading(), "whole(most)", "start_of(exps, row, 0)"]
            given += ["whole(sums)", *place, f"start_of(grad_{self.row}, {at}, 0)"]
            code(*call("complete_entries", given, "fine = "))
        with code.under("else:"):
            given = ["here", *_GROUPS, self._inside("node", "row"), "sums", *place, f"row_at(grad_{self.row}, {at})"]
            code(*call("complete_places", given, "fine = "))

    def _room(self, code: Code) -> None:
        """Write the allocation of fronts, and the one on which paths begin."""
        places, pad = self.names.sizes[1], self.pad
        given = [f"{self.plan.front_entries}[:{places}]", f"{self.row}.shape[1]"]
        code(*call("readers", [POOL, *given], f"{', '.join(_GROUPS)} = "))
        code(
            f"width = {places} + {2 * pad}",
            "alpha = np.empty((kept + 1, width))",
            f"node, scales = np.empty_like(alpha), zeroed(floats({POOL}, fronts + 2))",
        )
        code("alpha[0] = 0.0")
        if pad:
            code(f"alpha[:, :{pad}], alpha[:, {places} + {pad} :] = 0.0, 0.0")
        with code.under("for r in range(start_front.size):"):
            code(f"alpha[0, start_place[r] + {pad}] = 1.0")
        code("count = (fronts + kept - 1) // kept", f"saved = float_rows({POOL}, count, width)")
        code("period = PERIOD if steep else fronts + 1")
        code(f"gauges = zeroed(float_rows({POOL}, kept // period + 2, width))")
        code(f"saved_gauges = zeroed(float_rows({POOL}, count, width))")
        code(f"steps = zeroed(float_rows({POOL}, {len(self.sweeps.order.shifts)}, width))")
        with code.under("if steep:"):
            self._gauge(code, "0", "1", "0")
        begin_losses(code, self.sweeps)
        code(f"end_scale = zeroed(floats({POOL}, end_front.size))")

    def _total_given(self) -> list[str]:
        given = [*self.known, *_GROUPS, *self.statistics, *ENDS[:2], *_FRONTS, "exps", "kept"]
        return [*given, "saved", "saved_gauges", "lost", ROOMS, "end_scale", f"grad_{self.row}"]

    def _total(self) -> CodeFunction:
        """Return the sweep to the loss."""
        code, places = Code(), self.names.sizes[1]
        code("first, reach = fronts, -np.inf")
        with code.under("for begin_at in range(0, fronts, kept):"):
            code("end_at = min(begin_at + kept, fronts)")
            with code.under("if begin_at > 0:"):
                code("copy_rows(alpha, kept, alpha, 0, 1)")
                code("copy_rows(gauges, begin_at // period - (begin_at - kept) // period, gauges, 0, 1)")
            code("part = begin_at // kept", "copy_rows(alpha, 0, saved, part, 1)")
            code("copy_rows(gauges, 0, saved_gauges, part, 1)")
            code(*call("_plain_forward", self._given("lost", ROOMS, "first", "reach"), "fine, first, reach = "))
            with code.under("if not fine:"):
                code(f"return False, 0.0, {_FOUND}")
        code("total, last, final = 0.0, alpha[fronts - begin_at], fronts // period - begin_at // period")
        code(*call("ended", [*ENDS[:2], "fronts - 1", "gauges[final]", str(self.pad), "end_scale"], "height = "))
        with code.under("for r in range(end_front.size):"):
            code(f"total += last[end_place[r] + {self.pad}] * end_scale[r] if end_front[r] == fronts - 1 else 0.0")
        with code.under("if total == 0.0:"):
            code(f"return False, 0.0, {_FOUND}")
        code("total_m, total_e = settled(total, scales[fronts] + height)", "loss = 0.0 - logarithm(total_m, total_e)")
        with code.under("if lost[0] <= 0.5:"):
            code(*self._upright("last", "scales[fronts]", "final"))
            given = [places, "end_front", "end_place", "fronts - 1", f"row_at({ROOMS}, {MASS})"]
            code(*call("_unfinished", given, "lost[0] += "))
            code("loss = -log1p(-lost[0]) if lost[0] <= 0.5 else loss")
        code(f"return True, loss, {_FOUND}")
        says = "Go to the loss; return whether plain floats will do, the loss, what has been lost, and the total."
        code.lines[0:0] = ["    total_m, total_e, height = 0.0, NOWHERE, NOWHERE"]
        return CodeFunction(signature("_plain_total", self._total_given()), says, tuple(code.lines))

    def _value(self) -> CodeFunction:
        code = Code()
        code(f"kept, grad_{self.row} = {SEGMENT}, np.empty_like({self.row}[:0])  # not wanted")
        self._room(code)
        code(f"exps = float_rows({POOL}, 1, {self.row}.shape[1])")
        code(*call("_plain_total", self._total_given(), f"fine, loss, {_FOUND} = "))
        code("enough = first == fronts or (not doubled and reach - total_e <= LITTLE)", "return fine and enough, loss")
        given = [POOL, *self.known, *self.statistics, *STARTS, *ENDS[:2], "steep"]
        says = "Return whether plain floats will do, and the loss."
        return CodeFunction(signature("_plain_value", given), says, tuple(code.lines))

    def _both(self) -> CodeFunction:
        code, entries = Code(), f"{self.row}.shape[1]"
        self._room(code)
        with code.under(f"if worth_keeping(kept, {self.names.sizes[1]}, {entries}):"):
            code(f"exps, sums = float_rows({POOL}, kept + 1, {entries}), floats({POOL}, {entries})")
        with code.under("else:"):
            code(f"exps, sums = float_rows({POOL}, 1, {entries}), floats({POOL}, entries.size)")
        code(*call("_plain_total", self._total_given(), f"fine, loss, {_FOUND} = "))
        with code.under("if not fine:"):
            code("return False, loss")
        code("reach = np.inf if doubled else reach")
        code(f"beta, back = zeroed(float_rows({POOL}, 4, width)), zeroed(floats({POOL}, 2))")
        code("back[1], lost[0] = height, 1.0  # by now it is known what is lost")
        with code.under("for part in range(count - 1, -1, -1):"):
            code("begin_at, end_at = part * kept, min(part * kept + kept, fronts)")
            with code.under("if count > 1:"):
                code("copy_rows(saved, part, alpha, 0, 1)", "copy_rows(saved_gauges, part, gauges, 0, 1)")
                code(*call("_plain_forward", self._given("lost", ROOMS, "first", "reach")))
            given = self._given("first", "reach", "end_scale", "total_m", "total_e", "beta", "back", "sums", "-factor")
            code(*call("_plain_backward", given, "fine = "))
            with code.under("if not fine:"):
                code("return False, loss")
        code("return True, loss")
        given = [POOL, *self.known, *self.statistics, *STARTS, *ENDS[:2]]
        given += ["factor", "kept", "steep", f"grad_{self.row}"]
        says = "Return whether plain floats would do, and the loss; then its gradient, times a factor, is written."
        return CodeFunction(signature("_plainly", given), says, tuple(code.lines))

    def _upright(self, front: str, scale: str, block: str) -> list[str]:
        return call("upright", [front, scale, f"row_at(gauges, {block})", f"row_at({ROOMS}, {MASS})"])


def _has_factor(link: Link) -> bool:
    return bool(link.mask or link.shift)


def _with_extents(code: Code, name: str, arrays: list[str], more: list[str]) -> str:
    """Write what makes arrays of pointers ahead of a function's code; return its ``def`` lines."""
    head = Code()
    head(*(f"{array} = extent({array}, size)" for array in arrays))
    code.lines[0:0] = head.lines
    return signature(name, ["size", *arrays, *more])


def _linked(links: tuple[Link, ...]) -> list[str]:
    return [
        name for i, link in enumerate(links) for name in (f"from_{i}", *([f"step_{i}"] if _has_factor(link) else []))
    ]
