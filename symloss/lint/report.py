"""A report on an objective as text."""

from __future__ import annotations

from symloss.lint.judge import Finding, Report


def text_of(report: Report, objective: str, loss: str) -> str:
    """Return a report as lines of text.

    Parameters
    ----------
    report : Report
        What was found.
    objective : str
        What it is called.
    loss : str
        Where its generated module is imported from; a name alone is one of `symloss.generated`.
    """
    package, _, loss = loss.rpartition(".")
    lines = [f"{objective} against {loss}, called as {report.style.said}"]
    for finding in report.findings:
        lines += _lines(finding, report)
    said = {about for finding in report.findings for about in finding.about}
    fine = [what for what in ("gradient", "Hessian") if what not in said]
    if fine:
        lines.append(f"ok: {' and '.join(fine)}")
    if any(f"{loss}.grad_and_hess" in line for finding in report.findings for line in finding.mend):
        lines.append(f"where {loss} is the generated module: from {package or 'symloss.generated'} import {loss}")
    return "\n".join(lines)


def _lines(finding: Finding, report: Report) -> list[str]:
    kind = "note" if finding.note else "mistake"
    lines = [f"{kind}: {' and '.join(finding.about)}: {finding.said}"]
    returned = any(line.startswith("return") for line in finding.mend)
    if returned and report.source.place:
        lines.append(f"    {report.source.place}: {report.source.line}")
    return lines + [f"    right: {line}" for line in finding.mend]
