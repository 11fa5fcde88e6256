"""Functions of one sample: room for the sweeps, and what they return."""

from __future__ import annotations

import sympy

from symloss.emit.lattice_backward import Backward
from symloss.emit.lattice_leaks import MASS, ROOMS, begin_losses
from symloss.emit.lattice_pieces import ENDS, POOL, STARTS, TOTAL, call
from symloss.emit.lattice_plain import SEGMENT, Plain
from symloss.emit.lattice_sweeps import Sweeps
from symloss.emit.lattice_text import Code, times
from symloss.emit.text import CodeFunction, signature


class Samples:
    """Writes the functions of one sample.

    Parameters
    ----------
    sweeps : Sweeps
        Of the loss.
    """

    def __init__(self, sweeps: Sweeps) -> None:
        self.sweeps, self.names, self.plan = sweeps, sweeps.names, sweeps.plan
        self.lattice = sweeps.lattice
        self.backward, self.plain = Backward(sweeps), Plain(sweeps)

    def prologue(self, code: Code, gradient: bool = False) -> None:
        """Write what comes before careful sweeps."""
        self._begin(code, gradient)
        names, second = self.names, self.names.sizes[1]
        if names.front:
            given = [f"{self.plan.front_entries}[:{second}]", f"{names.front}.shape[1]"]
            code(*call("grouped", given, f"{', '.join(names.groups)} = "))

    def _begin(self, code: Code, gradient: bool) -> None:
        """Write sizes, tables, statistics of rows, and where paths begin and end."""
        names, sweeps = self.names, self.sweeps
        steps = self.lattice.steps
        code(f"n_{self.plan.first} = {sweeps.indices(steps[0].extent)}")
        code(f"n_{self.plan.second} = {sweeps.indices(steps[1].extent) if len(steps) == 2 else '1'}")
        first, second = names.sizes[:2]
        slope = sweeps.order.slope
        more = "" if slope == 0 else f" + {slope if slope > 1 else ''}{' * ' if slope > 1 else ''}({second} - 1)"
        code(f"fronts = {first}{more} if {first} > 0 and {second} > 0 else 0")
        code(f"{POOL} = cleared({POOL})")
        for index in self.plan.tables.values():
            code(f"{index} = wholes({POOL}, max(1, {second}))")
        for mask in names.masks:
            code(f"{mask} = zeroed(floats({POOL}, {second} + {2 * sweeps.pad}))")
        if names.filled:
            code(*call("_tables", [*names.problem, *names.sizes, *names.filled]))
        if names.front:
            code(f"place_{names.front} = zeroed(wholes({POOL}, {names.front}.shape[0]))")
            code(f"others_{names.front} = zeroed(floats({POOL}, {names.front}.shape[0]))")
        for p in self.plan.rows:
            shape = ", ".join(f"{p.name}.shape[{axis}]" for axis in range(len(p.dims) - 1))
            shape = f"({shape},)" if len(p.dims) == 2 else f"({shape})"
            for what in ("largest", "others", "inverse"):
                code(f"{what}_{p.name} = np.zeros({shape})")
            code(f"place_{p.name} = np.zeros({shape}, np.int64)")
        if self.plan.rows:
            code(*call("_rows", [*names.problem, *sweeps.row_statistics()]))
        code(*call("_starts", [POOL, *names.fixed], f"{', '.join(STARTS)} = "))
        code(*call("_ends", [POOL, *names.fixed, *STARTS[:2]], f"{', '.join(ENDS)} = "))
        if names.jumps:
            size = f"({second}, {second})"
            code(f"jump_m, jump_e = np.zeros({size}), np.full({size}, NOWHERE)")
            code(*call("_jumps", [*names.fixed, *names.jumps]))
        if gradient and names.front:
            code(f"clear(grad_{names.front}[fronts:])  # what no front reads; the sweep writes the rows that they read")
        if gradient:
            self.plain.sparingly(code)

    def room(self, code: Code, length: str) -> None:
        """Write the allocation of so many fronts, and begin."""
        names, deep, pad = self.names, self.sweeps.deep, self.sweeps.pad
        code(f"shape = ({length} + {deep}, {names.sizes[1]} + {2 * pad})")
        for m, e in zip(names.fronts[::2], names.fronts[1::2], strict=True):
            code(f"{m}, {e} = np.empty(shape), np.empty(shape)")
        if names.front:
            code("weight_m = np.empty((shape[0], entries.size))", "weight_e = np.empty_like(weight_m)")
            code(f"terms_{names.front} = np.empty({names.front}.shape[1])")
        code("total_m, total_e = 0.0, NOWHERE")
        if self.plan.leaks:
            begin_losses(code, self.sweeps)
        if self.plan.reference is not None:
            code(
                "missed = np.zeros(2)  # minus the logarithm of the part of the total that is the path's, in two parts"
            )
        with code.under(f"for row in range({deep}):"):
            code("nothing(alpha_m[row], alpha_e[row])")
            given = [f"row - {deep}", str(pad), "alpha_m[row]", "alpha_e[row]"]
            code(*call("begin", [*STARTS, *given]))
            code(*call("finish", [*ENDS, *given, *TOTAL], "total_m, total_e = "))

    def segments(self, code: Code, saving: bool) -> None:
        """Write the forward sweep, a few fronts at a time."""
        deep, front = self.sweeps.deep, self.names.front
        if front and not saving:
            code(f"nowhere = {front}[:0]")
        with code.under("for begin_at in range(0, fronts, kept):"):
            code("end_at = min(begin_at + kept, fronts)")
            with code.under("if begin_at > 0:"):
                code(*(f"copy_rows({a}, kept, {a}, 0, {deep})" for a in ("alpha_m", "alpha_e")))
            if saving:
                code("part = begin_at // kept")
                code(*(f"copy_rows(alpha_{a}, 0, saved_{a}, {_rows(deep, 'part')}, {deep})" for a in "me"))
            code(
                *call(
                    "_forward", self._forward_arguments(f"grad_{front}" if saving else "nowhere"), "total_m, total_e = "
                )
            )

    def _forward_arguments(self, exps: str) -> list[str]:
        names = self.names
        given = self.sweeps.forward_arguments()
        return [*given[:-1], exps] if names.front else given

    def loss(self, code: Code) -> None:
        """Write the loss."""
        names = self.names
        if self.plan.reference is not None:
            chosen = self.sweeps.chosen(self.lattice.steps[0].extent - 1)
            with code.under("if total_m != 0.0:"):
                code(*call("missed_at_end", ["end_place", "reach_m", "reach_e", chosen], "more = "))
                code("loss = settle(*add_exactly(missed[0], missed[1], more))")
            with code.under("else:"):
                code("loss = np.inf  # there is no path")
            return
        code(f"loss = 0.0 + {times(self.lattice.coefficient, 'logarithm(total_m, total_e)')}  # never -0.0")
        if self.lattice.rest:
            code(*call("_rest", names.known, "loss += "))
        if self.plan.leaks:
            mass = f"row_at({ROOMS}, {MASS})"
            with code.under("if lost[0] <= 0.5 and fronts > 0:"):
                code(f"row = fronts - 1 - begin_at + {self.sweeps.deep}")
                code(*call("as_floats", ["alpha_m[row]", "alpha_e[row]", mass]))
                last = [f"n_{self.plan.second}", "end_front", "end_place", "fronts - 1", mass]
                code(*call("_unfinished", last, "lost[0] += "))
                with code.under("if lost[0] <= 0.5:"):
                    code("loss = -log1p(-lost[0])")
        with code.under("if total_m == 0.0:"):
            code("loss = np.inf  # there is no path")

    def tries(self) -> list[CodeFunction]:
        """Return the functions of one sample that return whether plain floats will do, and then its loss."""
        if not self.plan.leaks:
            return []
        made = []
        for gradient, more in ((False, ""), (True, "; add its gradient, times a factor")):
            code = Code()
            self._begin(code, gradient)
            self.plain.attempt(code, gradient)
            says = f"Return whether plain floats will do for one sample, and then its loss{more}."
            made.append(CodeFunction(signature(*self._tried(gradient)), says, tuple(code.lines)))
        return made

    def _tried(self, gradient: bool) -> tuple[str, list[str]]:
        """Return the name of one of them, and what it is given."""
        given = [POOL, *self.names.problem]
        if gradient:
            return "_try_value_and_grad_of_sample", [*given, "factor", "checkpoint", *self.names.grads]
        return "_try_value_of_sample", given

    def _try(self, code: Code, gradient: bool) -> None:
        """Write the call of one of them."""
        if not self.plan.leaks:
            return
        code(*call(*self._tried(gradient), "plain, loss = "))
        with code.under("if plain:"):
            code("return loss")

    def value(self) -> CodeFunction:
        """Return the function of one sample that returns its loss."""
        code = Code()
        self._try(code, False)
        self.prologue(code)
        code(f"kept = {max(SEGMENT, 2 * self.sweeps.deep)}")
        self.room(code, "kept")
        self.segments(code, False)
        self.loss(code)
        code("return loss")
        head = signature("_value_of_sample", [POOL, *self.names.problem])
        return CodeFunction(head, "Return the loss of one sample.", tuple(code.lines))

    def sample_value(self) -> CodeFunction:
        """Return the function of one sample that kernels of others may call."""
        code = Code()
        given = [f"in_order({a.name})" if a.dims else a.name for a in self.lattice.loss.arguments]
        code(f"{POOL} = pools()", *call("_value_of_sample", [POOL, *given], "return "))
        head = signature("sample_value", self.names.problem)
        return CodeFunction(head, "Return the loss of one sample.", tuple(code.lines))

    def value_and_grad(self) -> CodeFunction:
        """Return the function of one sample that returns its loss and adds to the gradient."""
        names, code = self.names, Code()
        deep = self.sweeps.deep
        self._try(code, True)
        self.prologue(code, True)
        code(f"kept = max(1, fronts, {deep})")
        # A step between all states costs more than what it takes to keep its result.
        many = "" if self.lattice.dense else f" or fronts * {self.names.sizes[1]} > HELD"
        with code.under(f"if checkpoint{many}:"):
            code(f"kept = max({2 * deep}, int(np.sqrt(fronts)) + 1)")
        self.room(code, "kept")
        code("count = (fronts + kept - 1) // kept")
        code(f"saved_m = np.empty(({_rows(deep, 'count')}, shape[1]))", "saved_e = np.empty_like(saved_m)")
        self.segments(code, True)
        self.loss(code)
        with code.under("if total_m == 0.0:"):
            if names.front:
                code(f"grad_{names.front}[:] = 0.0")
            code("return loss")
        self.backward.end_shares(code)
        if self.plan.reference is not None:
            last = self.sweeps.chosen(self.lattice.steps[0].extent - 1)
            code(f"balance_places(end_place, end_share, {last})")
        code("start_share = np.zeros(start_front.size)")
        for p in self.plan.rows:
            for what in ("at_place", "elsewhere"):
                code(f"{what}_{p.name} = np.zeros_like(others_{p.name})")
        if names.jumps:
            code("back_jump_m, back_jump_e = jump_m.T.copy(), jump_e.T.copy()")
            code("jump_share = np.zeros(jump_m.shape)")
        self.backward.rings_of(code, "shape[1]")
        code(f"outer, inner = factor, {times(self.lattice.coefficient, 'factor')}")
        with code.under("for part in range(count - 1, -1, -1):"):
            code("begin_at, end_at = part * kept, min(part * kept + kept, fronts)")
            with code.under("if count > 1:"):
                code(*(f"copy_rows(saved_{a}, {_rows(deep, 'part')}, alpha_{a}, 0, {deep})" for a in "me"))
                if self.plan.leaks:
                    code("lost[0] = 1.0")
                code(*call("_forward", self._forward_arguments(f"grad_{names.front}")))
            given = self.backward.arguments(["inner", *self.backward.outputs[1:]])
            code(*call("_backward", given))
        if self.plan.reference is not None:
            code(f"balance_places(start_place, start_share, {self.sweeps.chosen(sympy.S.Zero)})")
        self.finish(code)
        code("return loss")
        head = signature("_value_and_grad_of_sample", [POOL, *names.problem, "factor", "checkpoint", *names.grads])
        return CodeFunction(head, "Return the loss of one sample; add its gradient, times a factor.", tuple(code.lines))

    def finish(self, code: Code) -> None:
        """Write the call that completes the gradient."""
        names = self.names
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
        code(*call("_finish", given))

    def posterior(self) -> CodeFunction:
        """Return the function of one sample that writes how much of the total passes each point."""
        names, code = self.names, Code()
        self.prologue(code)
        code(f"kept = max(1, fronts, {self.sweeps.deep})")
        self.room(code, "kept")
        self.segments(code, False)
        with code.under("if total_m == 0.0:"):
            code("return")
        if names.jumps:
            code("back_jump_m, back_jump_e = jump_m.T.copy(), jump_e.T.copy()")
        self.backward.rings_of(code, "shape[1]")
        code("begin_at, end_at = 0, fronts")
        code(*call("_visits", self.backward.arguments(["visits"])))
        head = signature("_posterior_of_sample", [POOL, *names.problem, "visits"])
        return CodeFunction(
            head, "Write the probability that a path passes each point, for one sample.", tuple(code.lines)
        )


def _rows(deep: int, count: str) -> str:
    return count if deep == 1 else f"{deep} * {count}"
