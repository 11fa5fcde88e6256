"""How many digits the tails of a bell curve take: 1 - erf(40) is 10**-697, and its logarithm is an ordinary number."""

from __future__ import annotations

import functools
from collections.abc import Callable

import sympy
from sympy import Add, Expr, Function, Poly, Symbol

from symloss.reductions import Element, Reduction
from symloss.special_functions import (
    erf,
    erfc,
    erfc_curvature,
    erfc_excess,
    erfc_hazard,
    erfcx,
    gaussian,
    log_erfc,
    log_half_erfc,
)
from symloss.verify.evaluate import MP, Number

_SIZE = Symbol("size", positive=True)
_SQUARED = (
    sympy.erf, sympy.erfc, erf, erfc, gaussian, log_erfc, log_half_erfc,
    erfc_hazard, erfc_curvature, erfc_excess, erfcx,
)  # fmt: skip
_DIGITS = 0.53  # of exp(-1), and some more


def digits(expr: Expr, largest: Number) -> Number:
    """Return how many digits lie between 1 and the smallest tail, for arguments up to some size."""
    return max((_DIGITS * exponent(largest) for exponent in _exponents(expr)), default=MP.zero)


def has_tails(expr: Expr) -> bool:
    """Whether something falls as exp(-x**2) does."""
    return bool(_exponents(expr))


@functools.lru_cache(maxsize=256)
def _exponents(expr: Expr) -> tuple[Callable[[Number], Number], ...]:
    """Return bounds of all exponents that are not linear, as functions of the size of arguments."""
    found = []
    for node in sorted(expr.atoms(*_SQUARED, sympy.exp), key=str):
        bound = _bound(node.args[0])
        if bound is not None and isinstance(node, _SQUARED):
            found.append(bound**2)
        elif bound is not None and Poly(bound, _SIZE).degree() > 1:
            found.append(bound)
    return tuple(sympy.lambdify(_SIZE, bound, "mpmath") for bound in found)


def _bound(argument: Expr) -> Expr | None:
    """Return a bound of a polynomial, or None of anything else."""
    if argument.atoms(Function, Reduction):
        return None
    opened = argument.xreplace(dict.fromkeys(argument.atoms(Element), _SIZE))
    opened = opened.xreplace(dict.fromkeys(opened.free_symbols, _SIZE)).expand()
    if not opened.is_polynomial(_SIZE):
        return None
    return Add(*(abs(term.as_coeff_Mul()[0]) * abs(term.as_coeff_Mul()[1]) for term in _terms(argument)))


def _terms(argument: Expr) -> list[Expr]:
    """Return the terms with the size in the place of every argument, before any cancel."""
    terms = Add.make_args(argument.expand())
    elements = [term.xreplace(dict.fromkeys(term.atoms(Element), _SIZE)) for term in terms]
    return [term.xreplace(dict.fromkeys(term.free_symbols, _SIZE)) for term in elements]
