"""erf and erfc to thousands of digits: mpmath adds their series term by term, which takes seconds at 38."""

from __future__ import annotations

import math
from typing import Any

_GUARD = 30  # bits
_COLUMNS = 48  # at most: each costs as many bits as 2*x**2 has


def erf(context: Any, x: Any) -> Any:
    """Return the error function at the precision of an mpmath context."""
    if not context.isfinite(x) or x == 0:
        return context.erf(x)
    if _is_far(context, x):
        return context.sign(x)
    with context.workprec(context.prec + _GUARD):
        result = _series(context, x)
    return +result


def erfc(context: Any, x: Any) -> Any:
    """Return 1 - erf(x), with as many correct digits, at the precision of an mpmath context."""
    if not context.isfinite(x) or x == 0:
        return context.erfc(x)
    if _is_far(context, x):
        return _tail(context, x) if x > 0 else 2 - _tail(context, -x)
    with context.workprec(context.prec + _GUARD + (int(1.4427 * x * x) if x > 0 else 0)):
        result = 1 - _series(context, x)
    return +result


def _is_far(context: Any, x: Any) -> bool:
    """Whether the asymptotic series gives all digits; erf(x) is then 1, but for a digit beyond them."""
    return bool(1.44 * x * x > context.prec + 2 * _GUARD + 2 * max(0, context.mag(x)))


def _tail(context: Any, x: Any) -> Any:
    """Return exp(-x**2)/(sqrt(pi)*x) * (1 - 1/(2*x**2) + 1*3/(2*x**2)**2 - ...), until terms no longer count."""
    with context.workprec(context.prec + _GUARD + 2 * max(0, context.mag(x))):
        argument, total, term, odd = 2 * x * x, context.one, context.one, 1
        while abs(term) > context.eps:
            term = -term * odd / argument
            total, odd = total + term, odd + 2
        result = total * context.exp(-x * x) / (x * context.sqrt(context.pi))
    return +result


def _series(context: Any, x: Any) -> Any:
    """Return 2*x*exp(-x**2)/sqrt(pi) * sum of (2*x**2)**n / (1*3*5*...*(2*n + 1)), all of whose terms are positive.

    Smith (1989), Efficient multiple-precision evaluation of elementary functions: column i adds up the terms with n = i
    modulo the number of columns, without their (2*x**2)**i, so that most steps divide by a small integer.
    """
    argument = 2 * x * x
    columns = max(1, min(_COLUMNS, math.isqrt(context.prec) // 2))
    wide = max(0, context.mag(argument))
    shift = context.prec + _GUARD + columns * wide + max(0, -context.mag(argument))
    step = int(context.ldexp(argument, shift))
    stride = 1 << shift
    for _ in range(columns):
        stride = stride * step >> shift
    sums, term, n = [0] * columns, 1 << shift, 0
    while term:
        for i in range(columns):
            sums[i] += term
            n += 1
            term //= 2 * n + 1
        term = term * stride >> shift
    total = 0
    for column in reversed(sums):
        total = (total * step >> shift) + column
    factor = 2 * x * context.exp(-x * x) / context.sqrt(context.pi)
    return factor * context.ldexp(context.mpf(total), -shift)
