"""Certifies generated kernels: the worst input of every output, by search and, where it can be done, exhaustively."""

from __future__ import annotations

import importlib
import inspect
import math
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from symloss.arguments import Target
from symloss.certificate import SOFT, Certificate, Error, fingerprint_of
from symloss.declare import Loss
from symloss.errors import SpecError
from symloss.peers.table import Foreign
from symloss.progress import Progress, no_progress
from symloss.verify.exhaustive import exhaust, is_exhaustible
from symloss.verify.hunt import OUTPUTS, Evaluate, Hunt, Tally, Worst, constants_compared, has_soft_values
from symloss.verify.kernels import Kernels
from symloss.verify.oracle import HUGE
from symloss.verify.point import Sample
from symloss.verify.sequences import is_over_a_recurrence

DTYPES = ("float64", "float32")
_FEWER = 2  # one input with soft targets for so many with hard ones
_LONGEST = 200  # characters of an input that are shown


def certifiable(losses: Sequence[Loss], named: Sequence[str]) -> list[Loss]:
    """Return the losses that `certify` knows.

    Raises
    ------
    SpecError
        If one that was asked for by name is over a recurrence.
    """
    for loss in losses:
        if loss.name in named and is_over_a_recurrence(loss):
            raise SpecError(
                f"{loss.name}: the search for the worst input knows no losses over recurrences; "
                f"`symloss verify {loss.name}` compares it with the declared recurrence",
                loss.source,
            )
    return [loss for loss in losses if not is_over_a_recurrence(loss)]


def certify(
    loss: Loss,
    package: str,
    foreign: Sequence[Foreign] = (),
    count: int = 2000,
    exhaustive: bool = True,
    progress: Progress = no_progress,
) -> Certificate:
    """Measure the errors of one loss.

    Parameters
    ----------
    loss : Loss
        The declaration.
    package : str
        Where its module is imported from.
    foreign : sequence of Foreign
        Libraries to compare with.
    count : int
        Number of inputs that are drawn for each setting of parameters, before the search goes uphill.
    exhaustive : bool
        Whether to try all float32 where the loss has one continuous argument.
    progress : callable
        Wraps the long iterations: called with what is iterated over, what is done, and how many there are.
    """
    module = importlib.import_module(f"{package}.{loss.name}")
    file = Path(inspect.getfile(module))
    errors: list[Error] = []
    for dtype in DTYPES:
        kernels = Kernels(loss, module, dtype)
        tally = _search(loss, own_results(kernels), dtype, module, count)
        errors += errors_of(tally, "symloss", "value, grad, ...")
        if any(map(has_soft_values, loss.of_role(Target))):
            tally = _search(loss, own_results(kernels), dtype, module, count // _FEWER, hard=False)
            errors += errors_of(tally, "symloss", "value, grad, ...", SOFT)
    if exhaustive and is_exhaustible(loss):
        errors += [
            error_of("symloss", "value, grad, ...", "float32", output, "exhaustive", tried, worst)
            for output, (tried, worst) in exhaust(loss, module, progress).items()
        ]
    for other in foreign:
        for dtype in DTYPES:
            tally = _search(loss, foreign_results(loss, other, dtype), dtype, module, count)
            offered = {o for o, f in zip(OUTPUTS, (other.value, other.gradient, other.hessian), strict=True) if f}
            errors += [e for e in errors_of(tally, other.library, other.function) if e.output in offered]
    kernel = fingerprint_of(file.read_text(encoding="utf-8"), file.parent / "_runtime")
    versions = sorted({(other.library, other.version) for other in foreign})
    return Certificate(loss.name, kernel, tuple(errors), tuple(versions))


def _search(loss: Loss, evaluate: Evaluate, dtype: str, module: ModuleType, count: int, hard: bool = True) -> Tally:
    file = Path(inspect.getfile(module))
    marks = constants_compared(file, file.parent / "_runtime" / "elementary.py")
    return Hunt(loss, evaluate, dtype, marks, hard).run(count)


def own_results(kernels: Kernels) -> Evaluate:
    """Return what evaluates samples by generated kernels."""

    def evaluate(samples: Sequence[Sample]) -> list[tuple[Any, ...]]:
        if kernels.loss.sets:
            return [_of_set(kernels, sample) for sample in samples]
        given, parameters = kernels.batch(samples), samples[0].parameters
        value, grad = kernels.call("value_and_grad", given, reduction="none", **parameters)
        hess = kernels.call("grad_and_hess", given, reduction="none", **parameters)[1]
        grads, hesses = (kernels.rows(part, len(samples)) for part in (grad, hess))
        return list(zip(value.tolist(), grads, hesses, strict=True))

    return evaluate


def _of_set(kernels: Kernels, sample: Sample) -> tuple[Any, ...]:
    given = kernels.single(sample)
    value, grad = kernels.call("value_and_grad", given, **sample.parameters)
    hess = kernels.call("grad_and_hess", given, **sample.parameters)[1]
    return (float(value), *(kernels.rows(kernels.lead(part), 1)[0] for part in (grad, hess)))


def foreign_results(loss: Loss, other: Foreign, dtype: str) -> Evaluate:
    """Return what evaluates samples by another library."""
    kernels = Kernels(loss, ModuleType("none"), dtype)  # for the shapes and dtypes of arguments

    def evaluate(samples: Sequence[Sample]) -> list[tuple[Any, ...]]:
        names = [a.name for a in kernels.arguments]
        count = 1 << (len(samples) - 1).bit_length()  # libraries that compile do so for every size
        padded = [*samples, *[samples[0]] * (count - len(samples))]
        arrays = dict(zip(names, kernels.batch(padded), strict=True))
        parameters = dict(samples[0].parameters)
        with np.errstate(all="ignore"):
            value, gradient, hessian = (
                f and f(arrays, parameters) for f in (other.value, other.gradient, other.hessian)
            )
        nothing: list[Any] = [None] * count
        values = nothing if value is None else np.asarray(value).tolist()
        grads, hesses = (nothing if part is None else kernels.rows(part, count) for part in (gradient, hessian))
        return list(zip(values, grads, hesses, strict=True))[: len(samples)]

    return evaluate


def errors_of(tally: Tally, by: str, function: str, method: str = "search") -> list[Error]:
    """Return what a search found, an error an output."""
    return [
        error_of(by, function, tally.dtype, output, method, tally.tried, worst) for output, worst in tally.worst.items()
    ]


def error_of(by: str, function: str, dtype: str, output: str, method: str, tried: int, worst: Worst) -> Error:
    """Return what was found of one output, with its numbers rounded up."""
    return Error(
        by,
        function,
        dtype,
        output,
        method,
        tried,
        _rounded(worst.ulp),
        _text(worst.sample),
        _rounded(worst.of_terms),
        _text(worst.sample_of_terms),
        _rounded(worst.subnormal),
    )


def _rounded(error: float) -> float | None:
    """Return four digits, rounded up; None for an error without measure."""
    if not error < HUGE:
        return None
    if error == 0:
        return 0.0
    error = max(error, 1e-6)  # as good as 0, but not exact
    unit = 10.0 ** (math.floor(math.log10(error)) - 3)
    return float(f"{math.ceil(error / unit) * unit:.4g}")


def _text(sample: Sample | None) -> str:
    text = "" if sample is None else str(sample)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
