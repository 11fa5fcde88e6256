"""Matching of rule patterns: sums and products up to order, with a rest, and with a common factor.

SymPy's own `Wild` is not used: it binds ``w`` in ``log(1 + w)`` to ``x - 1`` for every logarithm, and finds neither a
pair of terms in a longer sum nor a factor that SymPy has multiplied out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sympy import Add, Basic, Expr, Function, Mul, Pow, Symbol

Bindings = dict[Symbol, Expr]


class Slot(Symbol):
    """A pattern variable: stands for any expression, the same one wherever it occurs."""

    def __new__(cls, name: str, **assumptions: Any) -> Slot:
        return Symbol.__xnew__(cls, name, **assumptions)


def match(pattern: Basic, expr: Basic, bound: Bindings) -> Iterator[Bindings]:
    """Yield every way to bind the slots so that the pattern equals the whole expression."""
    if isinstance(pattern, Slot):
        if pattern not in bound:
            yield {**bound, pattern: expr}
        elif bound[pattern] == expr:
            yield bound
    elif not pattern.atoms(Slot):
        if pattern == expr:
            yield bound
    elif isinstance(pattern, Add):
        for found, rest in match_terms(pattern, expr, bound):
            if rest == 0:
                yield found
    elif isinstance(pattern, Mul):
        yield from _match_product(pattern, expr, bound)
    elif type(pattern) is type(expr) and len(pattern.args) == len(expr.args):
        yield from _match_arguments(pattern.args, expr.args, bound)


def _match_arguments(patterns: tuple[Basic, ...], args: tuple[Basic, ...], bound: Bindings) -> Iterator[Bindings]:
    if not patterns:
        yield bound
        return
    for found in match(patterns[0], args[0], bound):
        yield from _match_arguments(patterns[1:], args[1:], found)


def match_terms(pattern: Add, expr: Basic, bound: Bindings) -> Iterator[tuple[Bindings, Expr]]:
    """Yield bindings with which the pattern is a part of a sum, and the other terms of the sum."""
    terms = list(Add.make_args(expr))
    if len(terms) >= len(pattern.args):
        for found, left in _match_some(_specific_first(pattern.args), terms, bound):
            yield found, Add(*left)


def match_factors(pattern: Mul, expr: Basic, bound: Bindings) -> Iterator[tuple[Bindings, Expr]]:
    """Yield bindings with which the pattern is a part of a product, and the other factors of the product."""
    factors = list(Mul.make_args(expr))
    for found, left in _match_some(_specific_first(pattern.args), factors, bound):
        yield found, Mul(*left)


def _match_some(patterns: list[Basic], parts: list[Expr], bound: Bindings) -> Iterator[tuple[Bindings, list[Expr]]]:
    if not patterns:
        yield bound, parts
        return
    for i, part in enumerate(parts):
        for found in match(patterns[0], part, bound):
            yield from _match_some(patterns[1:], parts[:i] + parts[i + 1 :], found)


def _match_product(pattern: Mul, expr: Basic, bound: Bindings) -> Iterator[Bindings]:
    """Match a whole product.  Bound parts are divided out; one unbound slot takes what the others leave."""
    bare = [p for p in pattern.args if isinstance(p, Slot)]
    known = [p for p in pattern.args if p not in bare and not _unbound(p, bound)]
    other = [p for p in pattern.args if p not in bare and p not in known]
    rest = expr / Mul(*(p.xreplace(bound) for p in known))
    for found, left in _match_some(_specific_first(tuple(other)), list(Mul.make_args(rest)), bound):
        remaining = Mul(*left) / Mul(*(found[slot] for slot in bare if slot in found))
        free = [slot for slot in bare if slot not in found]
        if not free and remaining == 1:
            yield found
        elif len(free) == 1:
            yield {**found, free[0]: remaining}


def _unbound(pattern: Basic, bound: Bindings) -> bool:
    return any(slot not in bound for slot in pattern.atoms(Slot))


def _specific_first(patterns: tuple[Basic, ...]) -> list[Basic]:
    """Order patterns so that those with a function are tried before bare slots, which match anything."""

    def looseness(pattern: Basic) -> tuple[int, int, str]:
        functions = len(pattern.atoms(Function, Pow))
        return (0 if functions else 1 if not isinstance(pattern, Slot) else 2, -functions, str(pattern))

    return sorted(patterns, key=looseness)


def fill(pattern: Expr, bound: Bindings) -> Expr:
    """Return the pattern with its slots replaced."""
    return pattern.xreplace(bound) if bound else pattern
