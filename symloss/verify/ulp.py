"""How far a float is from the exact number, in units in the last place."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from symloss.verify.evaluate import MP, Number

ALLOWED = 8.0  # units in the last place, or units of the mixed forward-backward bound


def spacing(exact: Number, dtype: Any) -> Number:
    """Return the distance of neighbouring floats at a number; never less than the smallest subnormal."""
    info = np.finfo(dtype)
    if exact == 0 or not MP.isfinite(exact):
        return MP.mpf(float(info.smallest_subnormal))
    exponent = MP.frexp(abs(exact))[1] - 1  # abs(exact) is in [2**exponent, 2**(exponent + 1))
    exponent = min(max(exponent, int(info.minexp)), int(info.maxexp) - 1)
    return MP.ldexp(MP.one, exponent - int(info.nmant))


def error_in_ulps(got: float, exact: Number, dtype: Any) -> float:
    """Return ``abs(got - exact)`` in units in the last place of the exact number.

    NaN, infinities and their signs have to agree.  Beyond the largest float the nearest float is infinite.
    """
    if MP.isnan(exact) or math.isnan(got):
        return 0.0 if MP.isnan(exact) and math.isnan(got) else math.inf
    unit, largest = spacing(exact, dtype), MP.mpf(float(np.finfo(dtype).max))
    if MP.isinf(exact) or abs(exact) >= largest + spacing(largest, dtype) / 2:
        if math.isinf(got):
            return 0.0 if (got > 0) == (exact > 0) else math.inf
        near = MP.isfinite(exact) and abs(exact - got) <= ALLOWED * unit
        return float(abs(exact - got) / unit) if near else math.inf
    if math.isinf(got):
        beyond = MP.sign(got) * (largest + spacing(largest, dtype))
        near = abs(beyond - exact) <= ALLOWED * unit
        return float(abs(beyond - exact) / unit) if near else math.inf
    return min(float(abs(MP.mpf(got) - exact) / unit), 1e308)
