"""Reductions of kernels against reductions of exact losses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from symloss.verify.compare import Judged, Row, judge_sample
from symloss.verify.evaluate import MP, Number
from symloss.verify.judge import Expected, Judge
from symloss.verify.kernels import Kernels, as_tuple
from symloss.verify.sampling import moderate

REDUCTIONS = ("none", "sum", "mean", "weighted_mean")
_WEIGHTS = (0.5, 0.0, 1.25, 3.0, 0.1)
_WIDER = 2  # a weight and a divisor are two more arguments, so the bound of a reduced number is wider


def check_reductions(row: Row, judge: Judge, kernels: Kernels) -> None:
    """Check value, gradient, Hessian and product of every reduction, weighted and not."""
    samples = moderate(kernels.loss, len(_WEIGHTS))
    judged = [judge_sample(judge, sample) for sample in samples]
    normalizers = [judge.normalizer(sample) for sample in samples]
    given, v, keywords = kernels.batch(samples), kernels.directions(samples), dict(samples[0].parameters)
    for reduction in REDUCTIONS:
        for weights in (None, _WEIGHTS):
            more = keywords if weights is None else keywords | {"weight": np.array(weights)}
            value, grad = kernels.call("value_and_grad", given, reduction=reduction, **more)
            hess = kernels.call("grad_and_hess", given, reduction=reduction, **more)[1]
            product = kernels.call("hvp", given, v=v, reduction=reduction, **more)
            scale = _scale(reduction, weights or (1.0,) * len(samples), normalizers)
            factors = [MP.mpf(w) for w in weights or (1.0,) * len(samples)]
            label = f"reduction={reduction}, weight={weights}"
            _check_value(row, judged, factors, scale, value, label)
            parts = [kernels.rows(part, len(samples)) for part in (grad, hess, product)]
            for i, one in enumerate(judged):
                got = [number for part in parts for number in part[i]]
                _check_derivatives(row, one, factors[i] * scale, got, f"{label}, sample {i}: {one.sample}")
    _check_no_weight(row, kernels, given, v, keywords)


def _scale(reduction: str, weights: Sequence[float], normalizers: Sequence[Number]) -> Number:
    if reduction == "mean":
        return MP.one / len(weights)
    if reduction == "weighted_mean":
        total = sum((w * n for w, n in zip(weights, normalizers, strict=True)), MP.zero)
        return MP.nan if total == 0 else 1 / total
    return MP.one


def _check_value(
    row: Row, judged: Sequence[Judged], factors: Sequence[Number], scale: Number, value: Any, label: str
) -> None:
    terms = [w * one.verdict.results.value.number for w, one in zip(factors, judged, strict=True)]
    if label.startswith("reduction=none"):
        for i, (term, got) in enumerate(zip(terms, value.tolist(), strict=True)):
            row.compare(got, Expected(term), f"value, {label}, sample {i}", _bound(judged[i], 0, factors[i]))
        return

    def bound() -> Number:
        parts = [one.bounds.of(0)() or MP.zero for one in judged]
        return _WIDER * abs(scale) * sum((w * part for w, part in zip(factors, parts, strict=True)), MP.zero)

    row.compare(float(value), Expected(scale * sum(terms, MP.zero)), f"value, {label}", bound)


def _check_derivatives(row: Row, one: Judged, factor: Number, got: Sequence[float], label: str) -> None:
    names = len(one.verdict.results.gradient)
    for position, (number, wanted) in enumerate(zip(got, one.verdict.results.flat()[1:], strict=True), 1):
        output = ("gradient", "hessian", "hvp")[(position - 1) // names]
        expected = Expected(factor * wanted.number)
        row.compare(number, expected, f"{output} {(position - 1) % names}, {label}", _bound(one, position, factor))


def _bound(one: Judged, position: int, factor: Number) -> Any:
    def bound() -> Number | None:
        known = one.bounds.of(position)()
        return None if known is None else _WIDER * abs(factor) * known

    return bound


def _check_no_weight(row: Row, kernels: Kernels, given: Sequence[Any], v: Any, keywords: dict[str, Any]) -> None:
    """Check that a weighted mean without any weight is NaN, and its derivatives too."""
    none = np.zeros(len(_WEIGHTS))
    options = {"reduction": "weighted_mean", "weight": none, **keywords}
    value, grad = kernels.call("value_and_grad", given, **options)
    grad_again, hess = kernels.call("grad_and_hess", given, **options)
    product = kernels.call("hvp", given, v=v, **options)
    row.require(math.isnan(value), "weighted_mean with all weights 0", value, "nan")
    for part in (*as_tuple(grad), *as_tuple(grad_again), *as_tuple(hess), *as_tuple(product)):
        row.require(bool(np.isnan(part).all()), "derivatives of weighted_mean with all weights 0", part, "nan")
