"""Compares what kernels return with what they have to return, and keeps the tally."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symloss.verify.bounds import sensitivities, value_sensitivity
from symloss.verify.evaluate import MP, Number
from symloss.verify.judge import Expected, Judge, Verdict
from symloss.verify.kernels import Results
from symloss.verify.point import Sample
from symloss.verify.ulp import ALLOWED, error_in_ulps

OUTPUTS = ("value", "gradient", "hessian", "hvp")
_KEPT = 20  # failures that are kept in words


@dataclass(frozen=True)
class Failure:
    """One result that is wrong."""

    loss: str
    output: str
    dtype: str
    given: str
    got: str
    expected: str

    def __str__(self) -> str:
        return f"{self.loss} {self.output} {self.dtype}: {self.given}: got {self.got}, expected {self.expected}"


@dataclass
class Row:
    """The tally of one output of one loss, in one precision.

    Attributes
    ----------
    loss, output, dtype : str
        What was checked; the output is one of `OUTPUTS`, or "structure".
    checks : int
        Number of results compared.
    worst_ulp : float
        Largest error of an accepted result in units in the last place.
    worst_share : float
        Largest error in units of what is allowed: 8 ULP, or 8 times the mixed forward-backward bound.
    failed : int
        Number of wrong results.
    failures : list of Failure
        The first of them.
    """

    loss: str
    output: str
    dtype: str
    checks: int = 0
    worst_ulp: float = 0.0
    worst_share: float = 0.0
    failed: int = 0
    failures: list[Failure] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether there was something to compare, and nothing wrong."""
        return self.checks > 0 and self.failed == 0

    def fail(self, given: str, got: object, expected: object) -> None:
        """Count a wrong result."""
        self.failed += 1
        if len(self.failures) < _KEPT:
            self.failures.append(Failure(self.loss, self.output, self.dtype, given, str(got), str(expected)))

    def require(self, holds: bool, given: str, got: object = "no", expected: object = "yes") -> None:
        """Count a check that holds or not."""
        self.checks += 1
        if not holds:
            self.fail(given, got, expected)

    def compare(self, got: float, expected: Expected, given: str, bound: Callable[[], Number | None]) -> None:
        """Count a number.

        Parameters
        ----------
        got : float
            What the kernel returned.
        expected : Expected
            What it has to be.
        given : str
            For the message.
        bound : callable
            Returns ``abs(f) + sum(abs(x * df/dx))``, or None if there is none; called only when 8 ULP are exceeded.
        """
        exact = expected.number
        if exact is None:
            return
        self.checks += 1
        if expected.or_nan and math.isnan(got):
            return
        ulps = error_in_ulps(got, exact, self.dtype)
        share = ulps / ALLOWED
        if share > 1 and math.isfinite(ulps):
            share = min(share, _share_of_bound(got, exact, self.dtype, bound()))
        if share > 1:
            self.fail(given, repr(got), f"{MP.nstr(exact, 17)} ({ulps:.3g} ULP off)")
            return
        self.worst_ulp, self.worst_share = max(self.worst_ulp, ulps), max(self.worst_share, share)


def _share_of_bound(got: float, exact: Number, dtype: str, bound: Number | None) -> float:
    if bound is None or not MP.isfinite(bound) or bound == 0:
        return math.inf
    info = np.finfo(dtype)
    relative = MP.mpf(float(info.eps))
    if exact != 0:  # subnormals have fewer digits
        relative = max(relative, float(info.smallest_subnormal) / abs(exact))
    allowed = ALLOWED * relative * bound
    return float(abs(MP.mpf(got) - exact) / allowed)


class Bounds:
    """The mixed bounds of one sample, computed when first asked for, entries in the order of the results."""

    def __init__(self, judge: Judge, verdict: Verdict) -> None:
        self._judge, self._verdict = judge, verdict
        self._known: dict[int, tuple[Number, ...]] = {}

    def of(self, position: int) -> Callable[[], Number | None]:
        """Return what computes the bound of one result."""
        return lambda: self._bound(position)

    def _bound(self, position: int) -> Number | None:
        results = self._verdict.results
        n = len(results.gradient)
        sample = self._verdict.nearby
        if sample is None or (position > 0 and results.kinks[(position - 1) % n]):
            return None  # there are no derivatives of derivatives
        if position == 0:
            return value_sensitivity(self._judge, sample)
        output, entry = divmod(position - 1, n)
        if entry not in self._known:
            self._known[entry] = sensitivities(self._judge, sample, entry)
        return self._known[entry][output]


@dataclass
class Judged:
    """A sample, and what has to come out."""

    sample: Sample
    verdict: Verdict
    bounds: Bounds


def judge_sample(judge: Judge, sample: Sample) -> Judged:
    """Judge one sample."""
    verdict = judge.verdict(sample)
    return Judged(sample, verdict, Bounds(judge, verdict))


def compare_results(rows: dict[str, Row], judged: Judged, results: Results) -> None:
    """Compare everything that was returned for one sample."""
    expected = judged.verdict.results
    names = [f"[{i}]" if len(expected.gradient) > 1 else "" for i in range(len(expected.gradient))]
    given = f"{judged.sample} ({judged.sample.kind})"
    rows["value"].compare(results.value, expected.value, given, judged.bounds.of(0))
    position = 1
    parts: tuple[tuple[str, Any, Any], ...] = (
        ("gradient", results.gradient, expected.gradient),
        ("hessian", results.hessian, expected.hessian),
        ("hvp", results.product, expected.product),
    )
    directions = {name: v.tolist() for name, v in judged.sample.directions.items()}
    for output, got, wanted in parts:
        along = f", v={directions}" if output == "hvp" else ""
        for name, a, b in zip(names, got, wanted, strict=True):
            rows[output].compare(a, b, f"entry {name} of {given}{along}", judged.bounds.of(position))
            position += 1
