"""Writes what two ways of a decision compute in one form, so that they can share it, without changing a bit.

Functions that are cases of one function are called by its name, and ``-(1/x)`` is ``(-1)/x``, a quotient as
``1/y`` is.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from symloss.ir import Assign, Call, Name, Number, Statement, called, rebuild, used, walk

# The function that each is a case of, to the last bit, and its arguments; None for their own.
CASES: dict[str, tuple[str, tuple[Number | None, ...]]] = {
    "log": ("log_sum", (None, Number(0.0))),
    "log1p": ("log_sum", (Number(1.0), None)),
}


def unify(body: tuple[Statement, ...]) -> tuple[Statement, ...]:
    """Return the statements with the general function where several of its cases are called, and signs in numbers."""
    found = sorted(called(body) & CASES.keys())
    general = [CASES[name][0] for name in found]
    several = {name for name in found if general.count(CASES[name][0]) > 1}
    return _signed(tuple(_unified(statement, several) for statement in body))


def _unified(node: Any, several: set[str]) -> Any:
    node = rebuild(node, lambda part: _unified(part, several))
    if not isinstance(node, Call) or node.function not in several:
        return node
    function, arguments = CASES[node.function]
    return Call(function, tuple(node.args[0] if given is None else given for given in arguments))


def _signed(body: tuple[Statement, ...]) -> tuple[Statement, ...]:
    """Return the statements with ``(-k)/x`` where ``k/x`` is needed for nothing but ``-(k/x)``, k a number."""
    uses = Counter(name for statement in body for name in used(statement))
    assigned = (part for part in walk(body) if isinstance(part, Assign))
    inverses = {a.name: a.value for a in assigned if uses[a.name] == 1 and _is_inverse(a.value)}
    return tuple(_with_signs(statement, inverses) for statement in body)


def _is_inverse(value: Any) -> bool:
    return isinstance(value, Call) and value.function == "divide" and isinstance(value.args[0], Number)


def _with_signs(node: Any, inverses: dict[str, Any]) -> Any:
    if isinstance(node, Call) and node.function == "negate":
        (of,) = node.args
        if isinstance(of, Name) and of.name in inverses:
            number, divisor = inverses[of.name].args
            return replace(node, function="divide", args=(Number(-number.value), divisor))
    return rebuild(node, lambda part: _with_signs(part, inverses))
