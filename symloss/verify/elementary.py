"""The functions that kernels call, each certified alone: value only, in float64, over all of its domain."""

from __future__ import annotations

import importlib
import inspect
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numba
import numpy as np
import sympy
from sympy import Expr, Interval, oo, sympify

from symloss import functions, special_functions
from symloss.arguments import Prediction
from symloss.certificate import CERTIFIED, DTYPES, Certificate, Error, fingerprint_of, functions_text
from symloss.declare import Loss
from symloss.progress import Progress, no_progress
from symloss.verify.certify import error_of, errors_of
from symloss.verify.exhaustive import CHUNKS, exhaust
from symloss.verify.hunt import Evaluate, Hunt, constants_compared
from symloss.verify.point import Sample

_POSITIVE, _NEGATIVE = Interval.open(0, oo), Interval.open(-oo, 0)
DOMAINS = {
    "log": _POSITIVE, "log1p": Interval.open(-1, oo), "sqrt": _POSITIVE, "log1mexp": _NEGATIVE,
    "log1p_ratio": Interval.open(-1, oo), "sqrt1pm1": Interval.open(-1, oo), "loggamma": _POSITIVE,
    "digamma": _POSITIVE, "trigamma": _POSITIVE, "tetragamma": _POSITIVE,
}  # fmt: skip

# Where functions change from one form to another, beside the constants that `elementary.py` compares with.
_BRANCHES = {
    "elementary": (),
    "error_function": (0.5, 3.0, 26.543, 27.226, 39.0, 1e9),
    "scaled_tail": (0.5, 26.628, 26.7, 1e9),
    "inverse": (2.0**-30, 2.0**30, 0.41421356237309503, 2.414213562373095),
    "gamma_function": (*map(float, range(1, 9)), 1.4616321449683622),
}


def certify_functions(
    package: str,
    count: int = 2000,
    exhaustive: bool = False,
    progress: Progress = no_progress,
    family: str = "elementary",
) -> Certificate:
    """Measure the error of every function of a family in a generated package.

    Parameters
    ----------
    package : str
        Where ``_runtime`` is.
    count : int
        Number of inputs that are drawn.
    exhaustive : bool
        Whether to try all float32 as well.
    progress : callable
        Wraps the iteration over functions.
    family : str
        A key of `certificate.CERTIFIED`.
    """
    module = importlib.import_module(f"{package}._runtime.elementary")
    file, names = Path(inspect.getfile(module)), CERTIFIED[family]
    errors = []
    for name in progress(names, "certify functions", len(names)):
        for dtype in DTYPES:
            marks = (*constants_compared(file), *_BRANCHES[family])
            tally = Hunt(_loss(name), _calls(getattr(module, name), dtype), dtype, marks).run(count)
            errors += [e for e in errors_of(tally, "symloss", name) if e.output == "value"]
    if exhaustive:
        errors += exhaust_functions(package, progress, family)
    return Certificate(family, fingerprint_of(functions_text(family), file.parent), tuple(errors))


def exhaust_functions(
    package: str, progress: Progress = no_progress, family: str = "elementary", chunks: Sequence[int] = CHUNKS
) -> list[Error]:
    """Measure the float32 error of every function of a family at all float32, against its float64 form.

    That one's own error is below 2**-27 units of float32.

    Parameters
    ----------
    package : str
        Where ``_runtime`` is.
    progress : callable
        Wraps the iteration over functions.
    family : str
        A key of `certificate.CERTIFIED`.
    chunks : sequence of int
        Which parts of the line of floats; see `exhaust`.
    """
    module = importlib.import_module(f"{package}._runtime.elementary")
    widen = importlib.import_module(f"{package}._runtime.loops").wide_vectors
    found = []
    for name in progress(CERTIFIED[family], "all float32: functions", len(CERTIFIED[family])):
        errors = exhaust(_loss(name), _as_kernels(getattr(module, name), widen), chunks=chunks, outputs=("value",))
        tried, worst = errors["value"]
        found.append(error_of("symloss", name, "float32", "value", "exhaustive", tried, worst))
    return found


def _as_kernels(function: Any, wide_vectors: Any) -> Any:
    """Return what has a function's values where generated modules have losses."""

    @numba.njit(error_model="numpy", nogil=True)
    def compute(x: Any, out: Any) -> None:
        wide_vectors()
        for i in range(x.size):
            out[i] = function(x[i])

    def value(x: Any, out: Any, **_options: Any) -> None:
        compute(x, out)

    return types.SimpleNamespace(value=value)


def _loss(name: str) -> Loss:
    domain = DOMAINS.get(name)
    x = Prediction("x") if domain is None else Prediction("x", domain=domain)
    return Loss(f"function_{name}", _definition(name)(sympify(x)))


def _definition(name: str) -> Callable[[Any], Expr]:
    own: Any = getattr(functions, name, None) or getattr(special_functions, name, None)
    if inspect.isclass(own) and issubclass(own, functions.Primitive):
        return lambda x: own(x).definition()
    function: Any = getattr(sympy, name)
    return function


def _calls(function: Any, dtype: str) -> Evaluate:
    @numba.njit(error_model="numpy")
    def compute(x: Any, out: Any) -> None:
        for i in range(x.size):
            out[i] = function(x[i])

    def evaluate(samples: Sequence[Sample]) -> list[tuple[float, None, None]]:
        x = np.array([float(sample.arrays["x"]) for sample in samples], dtype)
        out = np.empty_like(x)
        compute(x, out)
        return [(v, None, None) for v in out.tolist()]

    return evaluate
