"""The functions that kernels call, each certified alone: value only, in float64, over all of its domain."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numba
import numpy as np
import sympy
from sympy import Expr, Interval, oo, sympify

import symloss.functions as functions
from symloss.arguments import Prediction
from symloss.certificate import Certificate, arithmetic_of, fingerprint
from symloss.declare import Loss
from symloss.verify.certify import errors_of
from symloss.verify.hunt import Evaluate, Hunt, constants_compared
from symloss.verify.point import Sample

_POSITIVE, _NEGATIVE = Interval.open(0, oo), Interval.open(-oo, 0)
DOMAINS: dict[str, Any] = {
    "exp": None, "log": _POSITIVE, "log1p": Interval.open(-1, oo), "expm1": None, "sqrt": _POSITIVE, "sigmoid": None,
    "softplus": None, "tanh": None, "log1mexp": _NEGATIVE, "log_cosh": None, "sech": None, "sinh": None, "cosh": None,
    "log1p_ratio": Interval.open(-1, oo), "sqrt1pm1": Interval.open(-1, oo), "expm1mx": None,
}  # fmt: skip
Progress = Callable[[Iterable[Any], str, int], Iterable[Any]]


def certify_functions(
    package: str, count: int = 2000, progress: Progress = lambda items, _says, _total: items
) -> Certificate:
    """Measure the error of every elementary function of one argument in a generated package.

    Parameters
    ----------
    package : str
        Where ``_runtime`` is.
    count : int
        Number of inputs that are drawn.
    progress : callable
        Wraps the iteration over functions.
    """
    module = importlib.import_module(f"{package}._runtime.elementary")
    file = Path(inspect.getfile(module))
    errors = []
    for name in progress(list(DOMAINS), "certify functions", len(DOMAINS)):
        tally = Hunt(_loss(name), _calls(getattr(module, name), "float64"), "float64", constants_compared(file)).run(
            count
        )
        errors += [e for e in errors_of(tally, "symloss", name) if e.output == "value"]
    return Certificate("elementary", fingerprint("", arithmetic_of(file.parent)), tuple(errors))


def _loss(name: str) -> Loss:
    domain = DOMAINS[name]
    x = Prediction("x") if domain is None else Prediction("x", domain=domain)
    return Loss(f"function_{name}", _definition(name)(sympify(x)))


def _definition(name: str) -> Callable[[Any], Expr]:
    own: Any = getattr(functions, name, None)
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
