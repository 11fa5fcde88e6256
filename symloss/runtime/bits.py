"""What Python has no word for: the bits of a float, a product and a sum with one rounding, the type of a number.

Each is a plain function with a compiled form of a few instructions, in float32 or float64, free of branches and
calls, so that LLVM can widen a loop around it.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from .inside import overload
from .late import Fraction

_SHORT, _LONG = 4, 8  # numbers of coefficients from which on a polynomial is evaluated in two parts, in many
_FLOATS = {types.float32: (types.int32, 23), types.float64: (types.int64, 52)}  # integers of that width, mantissa bits


def by_dtype(single: Callable[..., Any], double: Callable[..., Any]) -> Any:
    """Return a function that is one or the other, by the dtype of its first argument, when it is compiled.

    Parameters
    ----------
    single, double : numba dispatcher
        For float32 numbers and arrays, and for everything else.
    """

    def choose(x: Any, *rest: Any) -> Any:
        return (single if getattr(x, "dtype", None) == np.float32 else double)(x, *rest)

    @overload(choose, jit_options={"forceinline": True})
    def choose_compiled(x: Any, *rest: Any) -> Any:
        chosen = single if getattr(x, "dtype", x) == types.float32 else double

        def implementation(x: Any, *rest: Any) -> Any:
            return chosen(x, *rest)

        return implementation

    return choose


def fused(a: float, b: float, c: float) -> float:
    """Return a*b + c with one rounding, slowly: what the compiled form does in one instruction."""
    if not math.isfinite(a * b + c):
        return a * b + c
    return type(a)(Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c)))


@intrinsic
def _fma(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fma(*args)

    common = types.float32 if {a, b, c} == {types.float32} else types.float64
    return common(common, common, common), build


@overload(fused)
def _fused_compiled(a: Any, b: Any, c: Any) -> Any:
    def implementation(a: Any, b: Any, c: Any) -> Any:
        return _fma(a, b, c)

    return implementation


def polynomial(x: float, coefficients: tuple[float, ...]) -> float:
    """Return the polynomial with these coefficients, highest power first, with fused products."""
    return _evaluated(x, coefficients[::-1], operator.mul, fused)


def _evaluated(x: Any, terms: Sequence[Any], times: Callable[..., Any], fused: Callable[..., Any]) -> Any:
    """Evaluate a polynomial from its coefficients, lowest power first, and the operations to do it with.

    A vector waits for most of the time until the last result is there, so products that do not need each other are
    done side by side: pairs of terms, pairs of pairs, and so on (Estrin); of a short polynomial the even and the odd
    part, which takes fewer powers of x.
    """
    if len(terms) < _SHORT:
        return _horner(x, terms, fused)
    if len(terms) < _LONG:
        square = times(x, x)
        return fused(_horner(square, terms[1::2], fused), x, _horner(square, terms[::2], fused))
    while len(terms) > 1:
        odd = len(terms) % 2
        pairs = [fused(high, x, low) for low, high in zip(terms[::2], terms[1::2], strict=False)]
        terms, x = [*pairs, *terms[len(terms) - odd :]], times(x, x)
    return terms[0]


def _horner(x: Any, terms: Sequence[Any], fused: Callable[..., Any]) -> Any:
    total = terms[-1]
    for term in terms[-2::-1]:
        total = fused(total, x, term)
    return total


@intrinsic
def _polynomial(typingctx: Any, x: Any, coefficients: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        point, row = args
        terms = [
            context.cast(builder, builder.extract_value(row, i), coefficients.dtype, x)
            for i in reversed(range(coefficients.count))
        ]
        return _evaluated(point, terms, builder.fmul, builder.fma)

    return x(x, coefficients), build


@overload(polynomial)
def _polynomial_compiled(x: Any, coefficients: Any) -> Any:
    def implementation(x: Any, coefficients: Any) -> Any:
        return _polynomial(x, coefficients)

    return implementation


def raised(x: float) -> float:
    """Return the float whose exponent field holds the lowest bits of x.

    With x = 1.5*2**m + bias + k, where m is the number of bits of the mantissa, that is 2**k.
    """
    whole, shift = (np.int32, 23) if isinstance(x, np.float32) else (np.int64, 52)
    kind = np.float32 if isinstance(x, np.float32) else np.float64
    bits = int(kind(x).view(whole)) << shift
    width = shift + (9 if kind is np.float32 else 12)
    bits &= (1 << width) - 1
    return kind(whole(bits - (1 << width) if bits >> (width - 1) else bits).view(kind))


@intrinsic
def _raised(typingctx: Any, x: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        whole, shift = _FLOATS[x]
        integer = context.get_value_type(whole)
        bits = builder.shl(builder.bitcast(args[0], integer), integer(shift))
        return builder.bitcast(bits, context.get_value_type(x))

    return x(x), build


@overload(raised)
def _raised_compiled(x: Any) -> Any:
    def implementation(x: Any) -> Any:
        return _raised(x)

    return implementation


def split(x: float) -> tuple[float, float]:
    """Return m and k with x = m * 2**k and 3/4 <= m < 3/2, for a normal positive x; garbage for others."""
    kind = type(x) if isinstance(x, np.float32) else float
    if not 0.0 < x < math.inf:
        return kind(1.0), kind(0.0)
    m, k = math.frexp(x)
    return (kind(m), kind(k)) if m >= 0.75 else (kind(2.0 * m), kind(k - 1))


@intrinsic
def _split(typingctx: Any, x: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        whole, shift = _FLOATS[x]
        integer, real = context.get_value_type(whole), context.get_value_type(x)
        kind = np.float32 if whole == types.int32 else np.float64
        view = np.int32 if whole == types.int32 else np.int64
        middle = integer(int(kind(0.75).view(view)))
        rounder = kind(1.5 * 2.0**shift)
        bits = builder.bitcast(args[0], integer)
        power = builder.ashr(builder.sub(bits, middle), integer(shift))
        mantissa = builder.bitcast(builder.sub(bits, builder.shl(power, integer(shift))), real)
        # The integer becomes a float by way of the mantissa of a large one: AVX2 has no other way for 64 bits.
        large = builder.bitcast(builder.add(power, integer(int(rounder.view(view)))), real)
        number = builder.fsub(large, context.get_constant(x, float(rounder)))
        return context.make_tuple(builder, signature.return_type, (mantissa, number))

    return types.UniTuple(x, 2)(x), build


@overload(split)
def _split_compiled(x: Any) -> Any:
    def implementation(x: Any) -> Any:
        return _split(x)

    return implementation
