"""Changes of the shares of what all paths pass, which are 0 together."""

from __future__ import annotations

from symloss.emit.lattice_pieces import TOTAL, call
from symloss.emit.lattice_sweeps import Sweeps
from symloss.emit.lattice_text import Code

_PLACES = "low_place:high_place"


def make_room(code: Code, sweeps: Sweeps) -> None:
    """Write where shares, and their changes, of all arcs to a front are kept, or of the arcs over one."""
    if sweeps.plan.has_node:
        room = f"({len(_over(sweeps))}, places + 1)"
        code(f"over_share, over_turn = np.zeros({room}), np.zeros({room})")
    else:
        room = f"({len(sweeps.order.lags)}, places)"
        code(f"arc_share, arc_turn = np.zeros({room}), np.zeros({room})")


def balance_points(code: Code, sweeps: Sweeps, ring: int) -> None:
    """Write how the change of the largest share of a front is put together."""
    pad = sweeps.pad
    target = f"(front + 1) % {ring}, low_place + {pad} : high_place + {pad + 1}"
    for row, i in enumerate(_over(sweeps)):
        first = pad - sweeps.order.shifts[i]
        source = f"row - 1, low_place + {first} : high_place + {first + 1}"
        share, turn = (f"over_{what}[{row}, : high_place + 1 - low_place]" for what in ("share", "turn"))
        given = [f"alpha_m[{source}]", f"alpha_e[{source}]", f"beta_m[{target}]", f"beta_e[{target}]"]
        code(*call("shares", [*given, *TOTAL, share]))
        code(*call("turns_of", [share, f"alpha_t[{source}]", f"beta_t[{target}]", "total_t", turn]))
    over = [f"over_{what}[:, : high_place + 1 - low_place]" for what in ("turn", "share")]
    code(*call("balance_points", [f"turns[{_PLACES}]", f"shares_here[{_PLACES}]", *over]))


def keep_arcs(code: Code, i: int) -> None:
    """Write that shares of one kind of arcs are kept until there are all."""
    code(f"arc_share[{i}, {_PLACES}], arc_turn[{i}, {_PLACES}] = shares_here[{_PLACES}], turns[{_PLACES}]")


def balance_arcs(code: Code) -> None:
    """Write how the change of the largest share of all arcs is put together."""
    code(f"balance_arcs(arc_turn[:, {_PLACES}], arc_share[:, {_PLACES}])")


def fetch_arcs(code: Code, i: int) -> None:
    """Write that the shares of one kind of arcs are those of here."""
    code(f"shares_here[{_PLACES}], turns[{_PLACES}] = arc_share[{i}, {_PLACES}], arc_turn[{i}, {_PLACES}]")


def _over(sweeps: Sweeps) -> list[int]:
    """Return the arcs that go over a front."""
    return [i for i, lag in enumerate(sweeps.order.lags) if lag == 2]
