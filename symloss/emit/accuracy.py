"""The certified error on the page about a loss."""

from __future__ import annotations

from dataclasses import dataclass

from symloss.certificate import DTYPES, LIBRARIES, OUTPUTS, SOFT, Certificate, Error, shown
from symloss.emit.text import escape

_INPUTS = 50  # characters of an input that are shown


@dataclass(frozen=True)
class Accuracy:
    """A table of errors: head and rows in LaTeX, what they were measured by, and where the worst ones are."""

    method: str
    columns: str
    head: str
    rows: tuple[str, ...]
    worst: tuple[str, ...]


def accuracy(certificate: Certificate) -> Accuracy:
    """Return what the page says about the error."""
    libraries = [name for name in LIBRARIES if any(e.by == name for e in certificate.errors)]
    versions = dict(certificate.versions)
    heads = [escape(f"{name} {versions.get(name, '')}".strip()) for name in libraries]
    soft = {(e.dtype, e.output): e for e in certificate.soft()}
    if soft:
        heads.insert(1, "soft targets")
    rows = []
    for output in OUTPUTS:
        for dtype in DTYPES:
            found = [certificate.find(name, dtype, output) for name in libraries]
            if soft:
                found.insert(1, soft.get((dtype, output)))
            if any(found):
                rows.append(rf"{output} & {dtype} & {' & '.join(map(_cell, found))} \\")
    return Accuracy(
        _method(certificate),
        "r" * len(heads),
        rf"output & precision & {' & '.join(heads)} \\",
        tuple(rows),
        tuple(_worst(e) for e in (*certificate.own(), *certificate.soft()) if e.at),
    )


def _method(certificate: Certificate) -> str:
    own = certificate.own()
    tried = max((e.tried for e in own if e.method == "search"), default=0)
    all_of_them = max((e.tried for e in own if e.method == "exhaustive"), default=0)
    said = (
        "The largest error in units in the last place (ULP) of the exact result, against ball arithmetic that proves "
        f"it, at the worst of {_whole(tried)} inputs of an adversarial search"
    )
    if all_of_them:
        said += f"; in float32, where marked, at the worst of all {_whole(all_of_them)} inputs (*)"
    if certificate.soft():
        said += f"; for soft targets, at the worst of {_whole(max(e.tried for e in certificate.soft()))} others"
    return (
        f"{said}. In parentheses, where a result has a root: in ULP of its largest term. Other libraries are shown at "
        "their own worst inputs, found by the same search; \\emph{wrong} is NaN or infinity in place of a number."
    )


def _whole(number: int) -> str:
    return f"{number:,}".replace(",", r"\,")


def _cell(error: Error | None) -> str:
    if error is None:
        return "--"
    text = _number(error.ulp)
    if error.rooted:
        text += f" ({_number(error.ulp_of_terms)})"
    return text + ("*" if error.method == "exhaustive" else "")


def _number(ulp: float | None) -> str:
    text = shown(ulp)
    if "e" not in text or ulp is None:
        return rf"\emph{{{text}}}" if ulp is None else text
    mantissa, power = text.split("e")
    return rf"${mantissa}\cdot 10^{{{power}}}$"


def _worst(error: Error) -> str:
    at = error.at if len(error.at) <= _INPUTS else f"{error.at[:_INPUTS]}..."
    every = {"exhaustive": ", of all float32", SOFT: ", soft target"}.get(error.method, "")
    return rf"{error.output} in {error.dtype}{every}: {shown(error.ulp)} ULP at \texttt{{{escape(at)}}}."
