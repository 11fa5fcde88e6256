"""What Python has no word for: the bits of a float, a product and a sum with one rounding, the type of a number.

Each is a plain function with a compiled form of one instruction.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic, overload


def is_float64(x: Any) -> bool:
    """Whether a number is no float32, whose results need no more than plain floats."""
    return not isinstance(x, np.float32)


@overload(is_float64)
def _is_float64_compiled(x: Any) -> Any:
    answer = x != types.float32

    def implementation(x: Any) -> Any:
        return answer

    return implementation


def fused(a: float, b: float, c: float) -> float:
    """Return a*b + c with one rounding, slowly: what the compiled form does in one instruction."""
    return float(Fraction(a) * Fraction(b) + Fraction(c)) if math.isfinite(a * b + c) else a * b + c


@intrinsic
def _fma(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fma(*args)

    return types.float64(types.float64, types.float64, types.float64), build


@overload(fused)
def _fused_compiled(a: Any, b: Any, c: Any) -> Any:
    def implementation(a: Any, b: Any, c: Any) -> Any:
        return _fma(a, b, c)

    return implementation


def power_of_two(power: int) -> float:
    """Return 2**power, for a normal result."""
    return math.ldexp(1.0, power)


@intrinsic
def _from_bits(typingctx: Any, bits: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], context.get_value_type(types.float64))

    return types.float64(types.int64), build


def exponent(x: float) -> int:
    """Return the largest whole k with 2**k <= x, for a normal positive x."""
    return math.frexp(x)[1] - 1


@intrinsic
def _bits_of(typingctx: Any, x: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], context.get_value_type(types.int64))

    return types.int64(types.float64), build


@overload(exponent)
def _exponent_compiled(x: Any) -> Any:
    def implementation(x: Any) -> Any:
        return (_bits_of(x) >> 52) - 1023

    return implementation


@overload(power_of_two)
def _power_of_two_compiled(power: Any) -> Any:
    def implementation(power: Any) -> Any:
        return _from_bits((np.int64(power) + 1023) << 52)

    return implementation
