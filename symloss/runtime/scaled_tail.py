"""exp(x**2)*erfc(x), finite where its factors overflow and vanish: from the error function's own parts, no branches."""

from __future__ import annotations

import math

import numpy as np

from .bits import by_dtype
from .double_word import Twofold
from .error_function import _lifted_bell, _lifted_erfc, _short, _short_erfc, _short_scaled, _tail
from .jit import inlined
from .parts import quotient, short_exp

_NEAR = 0.5  # from here on erfc(x) is exp(-x**2) times a polynomial's quotient
_NEGATIVE = -26.7  # below, the result is infinite
_OVER_ROOT_PI = 1.0 / math.sqrt(math.pi)
_FAR = 1e9  # from here on it is 1/(sqrt(pi)*x)


@inlined
def erfcx_parts(x: Twofold) -> Twofold:
    """Return exp(x**2) * erfc(x)."""
    far = _tail((abs(x[0]), x[1] if x[0] > 0.0 else -x[1]))
    inside = _NEGATIVE if x[0] < _NEGATIVE else x[0]
    erfc, _ = _lifted_erfc((inside, x[1]))  # which is not lifted here
    bell, drop = _lifted_bell((abs(inside), x[1] if x[0] > 0.0 else -x[1]))
    near = quotient(erfc, bell)
    large = x[0] >= _NEAR
    return far[0] if large else near[0] / drop, far[1] if large else near[1] / drop


@inlined
def _erfcx_double(x: float) -> float:
    high, low = erfcx_parts((x, 0.0))
    result = _OVER_ROOT_PI / x if x > _FAR else high + low
    return math.inf if x < _NEGATIVE else result


@inlined
def _erfcx_single(x: float) -> np.float32:
    wide = _short(x)
    inside = -10.0 if wide < -10.0 else wide  # below, the result is infinite
    near = _short_erfc(inside) / short_exp(-inside * inside)
    result = np.float32(_short_scaled(wide) / (1.0 + 2.0 * wide) if wide >= _NEAR else near)
    return np.float32(0.0) if x == math.inf else result


erfcx = by_dtype(_erfcx_single, _erfcx_double)  # exp(x**2) * erfc(x)
