"""What is said about an objective: findings, each a mistake or a note, with a correction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np

from symloss.adapters._scores import Array, Scores, scores
from symloss.lint.called import SWAPPED as SCORES_FIRST
from symloss.lint.called import Objective, ObjectiveError, Style, call, looks_swapped, style_of
from symloss.lint.explain import differences, explain, is_mostly_right, property_of
from symloss.lint.hypotheses import PROPERTIES, Factor, Form, Property
from symloss.lint.problem import Facts, extreme, facts, moderate, trusted
from symloss.lint.source import Source, in_parentheses, merged, source_of

_DERIVATIVES = (("gradient", "grad"), ("Hessian", "hess"))
_EXACT = "return {exact}"


@dataclass(frozen=True)
class Finding:
    """Something to say about an objective.

    Attributes
    ----------
    about : tuple of str
        ``"gradient"``, ``"Hessian"``, ``"arguments"`` or ``"weights"``.
    names : tuple of str
        What it is, as the tables call it.
    said : str
        What it is, in words.
    mend : tuple of str
        Corrected lines.
    note : bool
        Whether it is no mistake, only not what is derived.
    """

    about: tuple[str, ...]
    names: tuple[str, ...]
    said: str
    mend: tuple[str, ...]
    note: bool = False


@dataclass(frozen=True)
class Report:
    """What was found.

    Attributes
    ----------
    style : Style
        How the objective was called.
    source : Source
        Its text.
    findings : tuple of Finding
        None where all is as derived.
    """

    style: Style
    source: Source
    findings: tuple[Finding, ...]

    @property
    def mistakes(self) -> int:
        """The number of findings that are no notes."""
        return sum(not finding.note for finding in self.findings)


def lint(
    objective: Objective, loss: ModuleType | str, parameters: dict[str, Any] | None = None, classes: int = 3
) -> Report:
    """Compare an objective with the derived derivatives of a loss.

    Parameters
    ----------
    objective : callable
        ``f(targets, scores)``, with weights behind if it takes them, or ``f(scores, data)``; returns gradient and
        Hessian diagonal of each sample.
    loss : module or str
        A generated module of one prediction, a raw score or a row of them, and one target.
    parameters : dict, optional
        Parameters of the loss, and the arrays that all samples share.
    classes : int
        Number of classes, for a loss of rows.

    Raises
    ------
    ObjectiveError
        If the objective cannot be called, or does not return two arrays.
    TypeError, ValueError
        If the loss is none of that kind.
    """
    chosen = scores(loss, parameters)
    at = facts(chosen, *moderate(chosen, classes))
    style, swapped = _style(objective, chosen, at)
    source = source_of(objective, style, chosen.module.INFO["name"])
    findings = [_swapped(source)] if swapped else []
    found = call(objective, style, at.scores, at.targets)
    said = [
        _about(what, which, column, chosen, at, source)
        for (what, which), column in zip(_DERIVATIVES, found, strict=True)
    ]
    findings += _together([finding for finding in said if finding is not None])
    right = [what for (what, _), finding in zip(_DERIVATIVES, said, strict=True) if finding is None]
    if not any(finding.about[0] in ("gradient", "Hessian") and not finding.note for finding in findings):
        findings += _at_extremes(objective, style, chosen, classes, found, at, source, right)
    if style.takes_weights:
        findings += _of_weights(objective, style, at, found, source)
    return Report(style, source, tuple(findings))


def _style(objective: Objective, loss: Scores, at: Facts) -> tuple[Style, bool]:
    """Return how the objective has to be called, and whether its arguments come in the wrong order."""
    try:
        style = style_of(objective, at.scores, at.targets)
    except ObjectiveError:
        if _gradient_at(objective, SCORES_FIRST, loss, at) != "right":
            raise
        return SCORES_FIRST, True
    if style.native:
        return style, False
    other = replace(style, said=SCORES_FIRST.said, swapped=True)
    straight, turned = (_gradient_at(objective, each, loss, at) for each in (style, other))
    if turned == "right" and (straight == "unknown" or (straight == "explained" and looks_swapped(objective))):
        return other, True
    return style, False


def _gradient_at(objective: Objective, style: Style, loss: Scores, at: Facts) -> str:
    try:
        grad, _ = call(objective, style, at.scores, at.targets)
    except ObjectiveError:
        return "unknown"
    explanation = explain("grad", grad, loss, at)
    if explanation is None:
        return "unknown"
    return "explained" if explanation.rows else "right"


def _swapped(source: Source) -> Finding:
    words = source.words
    said = "they come in the wrong order: estimators call f(targets, scores)"
    mend = f"def {words['name']}({words['targets']}, {words['scores']}):"
    return Finding(("arguments",), ("arguments swapped",), said, (mend,))


def _about(what: str, which: str, found: Array, loss: Scores, at: Facts, source: Source) -> Finding | None:
    """Return what is wrong with one derivative, NaN aside."""
    explanation = explain(which, found, loss, at)
    if explanation is not None and not explanation.rows:
        return None
    flat = which == "hess" and not at.hess.any()  # a constant says more there than what happens to be constant, too
    number = property_of(found, at) if which == "hess" and (flat or explanation is None) else None
    if number is not None:
        row: Property = PROPERTIES[number]
        mend = (row.mend.format(**source.words),) if row.mend else ()
        return Finding((what,), (row.name,), row.said, mend, row.note)
    if explanation is not None:
        names = tuple(row.name for row in explanation.rows)
        said = "; ".join(row.said for row in explanation.rows)
        note = which == "hess" and all(isinstance(row, Form) and row.note for row in explanation.rows)
        return Finding((what,), names, said, _mended(which, explanation.rows, source), note)
    derived = getattr(at, which)
    wrong = differences(found, derived) & np.isfinite(found)
    if not wrong.any():
        return None  # but for NaN, of which more is said below
    name = "wrong for some inputs" if is_mostly_right(found, derived) else "not recognised"
    said = {
        "wrong for some inputs": "it is right for most inputs, and wrong for others",
        "not recognised": "it is not the derivative, and no known mistake explains it",
    }[name]
    return Finding((what,), (name,), f"{said}: {_example(found, derived, at, wrong)}", (_exact(source),))


def _mended(which: str, rows: Sequence[Any], source: Source) -> tuple[str, ...]:
    """Return corrected lines: one for each row, but factors together in the ``return``."""
    lines = []
    for row in rows:
        if not isinstance(row, Factor):
            text = row.mend_hess if which == "hess" and isinstance(row, Form) else row.mend
            lines.append(text.format(**source.words))
    factors = [row for row in rows if isinstance(row, Factor)]
    if factors:
        parts = {key: source.words[key] for key in ("grad", "hess")}
        for row in factors:
            parts[which] = row.mend.format(it=in_parentheses(parts[which]), scores=source.words["scores"])
        lines.append(f"return {parts['grad']}, {parts['hess']}")
    return tuple(lines)


def _exact(source: Source) -> str:
    return _EXACT.format(**source.words)


def _together(findings: list[Finding]) -> list[Finding]:
    """Return one finding where gradient and Hessian have the same."""
    if len(findings) == 2 and findings[0].names == findings[1].names and findings[0].said == findings[1].said:
        first, second = findings
        mend = first.mend if first.mend == second.mend else (merged(first.mend[-1], second.mend[-1]),)
        return [replace(first, about=(*first.about, *second.about), mend=mend)]
    return findings


def _example(found: Array, derived: Array, at: Facts, wrong: Array) -> str:
    """Describe the sample at which two derivatives differ most."""
    with np.errstate(all="ignore"):
        distance = np.where(wrong, np.abs(found - derived) / (1.0 + np.abs(derived)), -1.0)
    return _described(found, derived, at.scores, at.targets, int(np.argmax(distance)))


def _described(found: Array, derived: Array, raw: Array, targets: Array, flat: int) -> str:
    place = tuple(int(i) for i in np.unravel_index(flat, derived.shape))
    score = np.array2string(raw[place[0]], precision=4, separator=", ")
    target = np.array2string(np.asarray(targets[place[0]]), precision=4, separator=", ")
    return f"at score {score}, target {target} it is {found[place]:.6g}, the derived one {derived[place]:.6g}"


def _at_extremes(
    objective: Objective,
    style: Style,
    loss: Scores,
    classes: int,
    found: tuple[Array, Array],
    at: Facts,
    source: Source,
    right: list[str],
) -> list[Finding]:
    """Return where derivatives are not finite, or, if they are right elsewhere, not right any more."""
    findings: dict[str, Finding] = {}
    tried = [(found, at)]
    for dtype in (np.float64, np.float32):
        raw, targets = extreme(loss, classes)
        raw = raw.astype(dtype)
        try:
            tried.append((call(objective, style, raw, targets), facts(loss, raw, targets)))
        except ObjectiveError as error:
            return [Finding(("gradient",), ("raises",), f"for large scores {error}", (_exact(source),))]
    for columns, here in tried:
        for (what, which), column in zip(_DERIVATIVES, columns, strict=True):
            derived = getattr(here, which)
            lost = trusted(derived) & ~np.isfinite(column)
            if lost.any() and what not in findings:
                seen = _described(column, derived, here.scores, here.targets, int(np.argmax(lost)))
                dtype_name = here.scores.dtype.name
                said = f"it is not finite: {seen} (in {dtype_name})"
                findings[what] = Finding((what,), ("NaN",), said, (_exact(source),))
    for columns, here in tried[1:]:
        for (what, which), column in zip(_DERIVATIVES, columns, strict=True):
            wrong = differences(column, getattr(here, which)) & np.isfinite(column)
            if what in right and what not in findings and wrong.any() and here.scores.dtype == np.float64:
                seen = _example(column, getattr(here, which), here, wrong)
                said = f"it is right for moderate scores, and clipped or rounded away for large ones: {seen}"
                findings[what] = Finding((what,), ("wrong for large scores",), said, (_exact(source),), note=True)
    return list(findings.values())


def _of_weights(
    objective: Objective, style: Style, at: Facts, found: tuple[Array, Array], source: Source
) -> list[Finding]:
    """Return what is wrong with weights: derivatives have to be multiplied with them."""
    weight = 0.5 + (np.arange(len(at.targets)) % 5) / 2.0
    weighted = call(objective, style, at.scores, at.targets, weight)
    factor = weight.reshape(weight.shape + (1,) * (at.scores.ndim - 1))
    findings = []
    for (what, _), column, plain in zip(_DERIVATIVES, weighted, found, strict=True):
        known = np.isfinite(plain)
        if not differences(column[known], (factor * plain)[known]).any():
            continue
        ignored = not differences(column[known], plain[known]).any()
        name = "weights ignored" if ignored else "weights misused"
        said = "it does not depend on the weights" if ignored else "with weights it is not the weights times it without"
        words = {**source.words, "exact": source.words["exact"][:-1] + ", weight=weights)"}
        findings.append(Finding((what,), (name,), said, (_EXACT.format(**words),)))
    return _together(findings)
