"""Totals that are nearly 1: what is missing, as a sum of what is lost on every front.

Where the weights with which a point is left are a part of one softmax, and paths begin with weight 1, a total is 1 less
what leaves for other entries of the softmax: all of it positive, so nothing cancels.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from symloss.emit.lattice_pieces import POOL, Pieces, call
from symloss.emit.lattice_text import Code
from symloss.emit.text import CodeFunction, signature
from symloss.lattices.adjoint import Link, backward_links

MASS, OTHERS, LARGEST, REST = range(4)  # rows of `ROOMS`
ROOMS = "rooms"


class Leaks:
    """Writes the functions that add up what is lost; none where the rule of `Plan.leaks` does not hold.

    Parameters
    ----------
    pieces : Pieces
        Of the loss.
    """

    def __init__(self, pieces: Pieces) -> None:
        self.order, self.names, self.plan = pieces.order, pieces.names, pieces.plan
        self.places, self.pad = f"n_{self.plan.second}", pieces.pad

    @property
    def around(self) -> list[str]:
        """What says which places come after one, and what they read."""
        return [self.places, self.plan.front_entries, *self.names.masks]

    def functions(self) -> list[CodeFunction]:
        """Return the functions."""
        if not self.plan.leaks:
            return []
        return [self._successors(), self._doubled(), self._leak(), self._rest_of(), self._lost(), self._unfinished()]

    def _reached(self) -> list[tuple[str, list[str]]]:
        """Return every successor of a place, and when it is one."""
        found = []
        for shift, mask in zip(self.order.shifts, self.plan.masks, strict=True):
            at = f"place + {shift}" if shift else "place"
            inside = [f"{at} < {self.places}"] if shift > 0 else [f"{at} >= 0"] if shift < 0 else []
            found.append((at, inside + ([f"{mask}[{at} + {self.pad}] > 0.0"] if mask else [])))
        return found

    def _successors(self) -> CodeFunction:
        code = Code()
        code("count = 0")
        for at, inside in self._reached():
            with code.under(f"if {' and '.join(inside) or 'True'}:"):
                code(f"successors[count] = {self.plan.front_entries}[{at}]", "count += 1")
        code("return count")
        says = "List the entries that the successors of a place read; return how many there are."
        return CodeFunction(signature("_successors", ["place", *self.around, "successors"]), says, tuple(code.lines))

    def _doubled(self) -> CodeFunction:
        code, entries = Code(), self.plan.front_entries
        with code.under(f"for place in range({self.places}):"):
            for (at, inside), (other, within) in itertools.combinations(self._reached(), 2):
                there = dict.fromkeys([*inside, *within, f"{entries}[{at}] == {entries}[{other}]"])
                with code.under(f"if {' and '.join(there)}:"):
                    code("return True")
        code("return False")
        says = "Return whether two successors of a place read one entry: their weights are no parts of one softmax."
        return CodeFunction(signature("_doubled", self.around), says, tuple(code.lines))

    def _leak(self) -> CodeFunction:
        code, links = Code(), backward_links(self.plan)
        code("wide_vectors()", "distinct()")
        with code.under("for place in range(rest.size):"):
            for name, part in (("kept", "others"), ("taken", "largest")):
                terms = [f"{part}_{i}[place]" + _masked(link) for i, link in enumerate(links)]
                code(f"{name} = {' + '.join(terms)}")
            code("left = below + top * (1.0 - taken)", "rest[place] = left - kept if kept <= 0.5 * left else -1.0")
        says = "Write what part of each place reaches no other, or -1 where a difference loses digits."
        given = ["rest", "below", "top"]
        for i, link in enumerate(links):
            given += [f"others_{i}", f"largest_{i}", *([link.mask] if link.mask else [])]
        return CodeFunction(signature("_leak", given), says, tuple(code.lines))

    def _rest_of(self) -> CodeFunction:
        code, count = Code(), len(self.order.shifts)
        code(f"successors, kept = np.empty({count}, np.int64), np.empty({count})")
        code(*call("_successors", ["place", *self.around, "successors"], "count = "))
        code(f"return sum_of_rest(terms_{self.names.front}, successors[:count], kept)")
        says = "Return the sum of the terms that the successors of a place do not read."
        head = signature("_rest_of", ["place", *self.around, f"terms_{self.names.front}"])
        return CodeFunction(head, says, tuple(code.lines))

    def _inside(self, row: int, shift: int = 0) -> str:
        at = self.pad + shift
        return f"stretch({ROOMS}, {row}, {at}, {self.places} + {at})"

    def _lost(self) -> CodeFunction:
        code, terms = Code(), f"terms_{self.names.front}"
        code("inverse = 1.0 / (1.0 + others)")
        given = [self._inside(REST), "others * inverse", "inverse"]
        for link in backward_links(self.plan):
            given += [self._inside(OTHERS, -link.shift), self._inside(LARGEST, -link.shift), *self._mask(link)]
        code(*call("_leak", given))
        code("total = 0.0")
        with code.under(f"for place in range({self.places}):"):
            code(f"mass, rest = {ROOMS}[{MASS}, place + {self.pad}], {ROOMS}[{REST}, place + {self.pad}]")
            with code.under("if mass > SLIGHT * known:"):
                with code.under("if not rest >= 0.0:"):
                    code(*call("_rest_of", ["place", *self.around, terms], "rest = inverse * "))
                code("total += mass * rest")
        code("return total")
        head = signature("_lost", [*self.around, terms, "others", "known", ROOMS])
        says = "Return how much of what was on a front does not reach the next; the rooms hold it, and the weights."
        return CodeFunction(head, says, tuple(code.lines))

    def _mask(self, link: Link) -> list[str]:
        at = self.pad - link.shift
        return [f"{link.mask}[{at} : {self.places} + {at}]"] if link.mask else []

    def _unfinished(self) -> CodeFunction:
        code = Code()
        code("total = 0.0")
        with code.under(f"for place in range({self.places}):"):
            code("ends = False")
            with code.under("for r in range(end_front.size):"):
                code("ends |= end_front[r] == last and end_place[r] == place")
            with code.under("if not ends:"):
                code(f"total += mass[place + {self.pad}]")
        code("return total")
        head = signature("_unfinished", [self.places, "end_front", "end_place", "last", "mass"])
        return CodeFunction(head, "Return how much is on the last front where no path ends.", tuple(code.lines))


def inner(pieces: Pieces, row: int) -> str:
    """Return a row of the rooms, without padding."""
    return f"stretch({ROOMS}, {row}, {pieces.pad}, n_{pieces.plan.second} + {pieces.pad})"


def begin_losses(code: Code, pieces: Pieces) -> None:
    """Write the allocation of what the functions keep."""
    plan, names = pieces.plan, pieces.names
    places = f"n_{plan.second}"
    code(*call("_doubled", [places, plan.front_entries, *names.masks], "doubled = "))
    code(f"lost = zeroed(floats({POOL}, 1))  # of the paths, as long as it is not more than half")
    with code.under("if doubled:"):
        code("lost[0] = 1.0")
    code(f"{ROOMS} = zeroed(float_rows({POOL}, 4, {places} + {2 * pieces.pad}))")


def add_losses(code: Code, pieces: Pieces, mass: Sequence[str], weight: str) -> None:
    """Write what adds the losses between two fronts.

    Parameters
    ----------
    code : Code
        Where to.
    pieces : Pieces
        Of the loss.
    mass : sequence of str
        The lines that write what is on the first front to the room for it.
    weight : str
        The weights of the places of the second.
    """
    plan, names = pieces.plan, pieces.names
    places, p, at = f"n_{plan.second}", names.front, plan.first
    inside = [inner(pieces, row) for row in (OTHERS, LARGEST)]
    with code.under("if lost[0] <= 0.5:"):
        code(*mass)
        code(*call("set_aside", [weight, plan.front_entries, f"place_{p}[{at}]", *inside]))
        given = [places, plan.front_entries, *names.masks, f"terms_{p}", f"others_{p}[{at}]", "lost[0]", ROOMS]
        code(*call("_lost", given, "lost[0] += "))


def _masked(link: Link) -> str:
    return f" * {link.mask}[place]" if link.mask else ""
