"""Verifies generated kernels against the declared losses, and shows the tally as a table."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Sequence
from types import ModuleType
from typing import Any

from symloss.declare import Loss
from symloss.verify.compare import OUTPUTS, Judged, Row, compare_results, judge_sample
from symloss.verify.judge import Judge
from symloss.verify.kernels import Kernels, batches
from symloss.verify.sampling import samples as draw
from symloss.verify.sequences import is_over_a_recurrence, verify_sequences
from symloss.verify.structure import check_structure

DTYPES = ("float32", "float64")
Progress = Callable[[Sequence[Loss]], Iterable[Loss]]


def verify(
    losses: Sequence[Loss],
    package: str = "symloss.generated",
    progress: Progress | None = None,
    samples: int | None = None,
) -> list[Row]:
    """Compare generated kernels with the declared losses.

    Parameters
    ----------
    losses : sequence of Loss
        What to verify.
    package : str
        Where the modules are imported from, each under the name of its loss.
    progress : callable, optional
        Wraps the losses, such as `tqdm.tqdm`.
    samples : int, optional
        Number of random samples, in addition to the extreme ones that are always there.

    Returns
    -------
    list of Row
        For every loss and precision: value, gradient, hessian, hvp, structure.
    """
    rows: list[Row] = []
    for loss in losses if progress is None else progress(losses):
        rows += verify_loss(loss, importlib.import_module(f"{package}.{loss.name}"), samples)
    return rows


def verify_loss(loss: Loss, module: ModuleType, samples: int | None = None) -> list[Row]:
    """Compare one module with its declaration."""
    if is_over_a_recurrence(loss):
        return verify_sequences(loss, module, DTYPES)
    judge = Judge(loss)
    known: dict[int, Judged] = {}  # both precisions share what has been judged
    drawn = draw(loss, samples)
    rows: list[Row] = []
    for dtype in DTYPES:
        tally = {output: Row(loss.name, output, dtype) for output in (*OUTPUTS, "structure")}
        kernels = Kernels(loss, module, dtype)
        fitting = [s for s in drawn if dtype == "float64" or s.single]
        for batch in batches(loss, fitting):
            for sample in batch:
                if id(sample) not in known:
                    known[id(sample)] = judge_sample(judge, sample)
            _compare_batch(tally, kernels, [known[id(sample)] for sample in batch])
        check_structure(tally["structure"], judge, kernels, fitting)
        rows += tally.values()
    return rows


def _compare_batch(tally: dict[str, Row], kernels: Kernels, batch: Sequence[Judged]) -> None:
    samples = [judged.sample for judged in batch]
    try:
        results = kernels.results(samples)
    except Exception as error:  # whatever a kernel raises for valid arguments is a finding
        tally["value"].require(False, f"a batch of {len(samples)}: {samples[0]}, ...", repr(error), "a result")
        return
    for judged, result in zip(batch, results, strict=True):
        compare_results(tally, judged, result)


def table(rows: Sequence[Row]) -> str:
    """Return the tally as text, the failures below it."""
    width = max([len("loss"), *(len(row.loss) for row in rows)])
    head = f"{'loss':<{width}}  {'output':<9}  {'dtype':<7}  {'checks':>6}  {'ULP':>9}  {'of bound':>8}  result"
    lines = [head, "-" * len(head), *(_line(row, width) for row in rows)]
    failures = [str(failure) for row in rows for failure in row.failures]
    if failures:
        lines += ["", "Wrong results:", *failures]
    passed = sum(row.passed for row in rows)
    lines += ["", f"{passed} of {len(rows)} rows pass, {sum(row.checks for row in rows)} checks."]
    return "\n".join(lines)


def _line(row: Row, width: int) -> str:
    numbers: tuple[Any, Any] = (f"{row.worst_ulp:9.3g}", f"{row.worst_share:8.3f}")
    if row.output == "structure":
        numbers = (f"{'':9}", f"{'':8}") if row.worst_share == 0 else numbers
    result = "pass" if row.passed else f"FAIL ({row.failed})" if row.failed else "nothing checked"
    return (
        f"{row.loss:<{width}}  {row.output:<9}  {row.dtype:<7}  {row.checks:>6}  {numbers[0]}  {numbers[1]}  {result}"
    )
