"""Totals that are nearly 1: what is missing, as a sum of what is lost on every front.

Where the weights with which a point is left are a part of one softmax, and paths begin with weight 1, a total is 1 less
what leaves for other entries of the softmax: all of it positive, so nothing cancels.
"""

from __future__ import annotations

from symloss.emit.lattice_pieces import call
from symloss.emit.lattice_sweeps import Sweeps
from symloss.emit.lattice_text import Code
from symloss.emit.text import CodeFunction, signature


class Leaks:
    """Writes the functions that add up what is lost; none where the rule of `Plan.leaks` does not hold.

    Parameters
    ----------
    sweeps : Sweeps
        Of the loss.
    """

    def __init__(self, sweeps: Sweeps) -> None:
        self.sweeps, self.names, self.plan = sweeps, sweeps.names, sweeps.plan

    def functions(self) -> list[CodeFunction]:
        """Return the functions."""
        return [self._successors(), self._lost(), self._unfinished()] if self.plan.leaks else []

    def _successors(self) -> CodeFunction:
        code, places = Code(), f"n_{self.plan.second}"
        code("count = 0")
        for shift, mask in zip(self.sweeps.order.shifts, self.plan.masks, strict=True):
            at = f"place + {shift}" if shift else "place"
            inside = [f"{at} < {places}"] if shift > 0 else [f"{at} >= 0"] if shift < 0 else []
            inside += [f"{mask}[{at} + {self.sweeps.pad}] > 0.0"] if mask else []
            with code.under(f"if {' and '.join(inside) or 'True'}:"):
                code(f"successors[count] = {self.plan.front_entries}[{at}]", "count += 1")
        code("return count")
        given = ["place", places, self.plan.front_entries, *self.names.masks, "successors"]
        says = "List the entries that the successors of a place read; return how many there are."
        return CodeFunction(signature("_successors", given), says, tuple(code.lines))

    def _lost(self) -> CodeFunction:
        code, names = Code(), self.names
        p, places = names.front, f"n_{self.plan.second}"
        code(f"successors, total = np.empty({len(self.sweeps.order.shifts)}, np.int64), 0.0")
        with code.under(f"for place in range({places}):"):
            code(f"mass = share(row_m[place + {self.sweeps.pad}], row_e[place + {self.sweeps.pad}], 1.0, 0.0)")
            with code.under("if mass > 2.0**-60 * total:"):
                given = ["place", places, self.plan.front_entries, *names.masks, "successors"]
                code(*call("_successors", given, "count = "))
                code(f"rest = sum_of_rest(terms_{p}, successors[:count])")
                with code.under("if rest < 0.0:"):
                    code("return 1.0  # two successors read one entry: no part of a softmax")
                code("total += mass * rest * inverse")
        code("return total")
        head = signature(
            "_lost", [places, self.plan.front_entries, *names.masks, f"terms_{p}", "inverse", "row_m", "row_e"]
        )
        return CodeFunction(head, "Return how much of what was on a front does not reach the next.", tuple(code.lines))

    def _unfinished(self) -> CodeFunction:
        code, pad = Code(), self.sweeps.pad
        code("total = 0.0")
        with code.under(f"for place in range(n_{self.plan.second}):"):
            code("ends = False")
            with code.under("for r in range(end_front.size):"):
                code("ends |= end_front[r] == last and end_place[r] == place")
            with code.under("if not ends:"):
                code(f"total += share(row_m[place + {pad}], row_e[place + {pad}], 1.0, 0.0)")
        code("return total")
        given = [f"n_{self.plan.second}", "end_front", "end_place", "last", "row_m", "row_e"]
        head = signature("_unfinished", given)
        return CodeFunction(head, "Return how much is on the last front where no path ends.", tuple(code.lines))
