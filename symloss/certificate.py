"""Certificates: how far the kernels of a loss are from the exact numbers, as measured, and what they were measured on.

A certificate is a file ``certificates/NAME.json`` beside the generated folder.  It carries the fingerprint of the
kernel that it certifies; of any other kernel it says nothing.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from symloss.reach import Arithmetic

SOFT = "soft"


@dataclass(frozen=True)
class Error:
    """The largest error of one output in one precision.

    Attributes
    ----------
    by : str
        "symloss", or the library whose error it is.
    function : str
        What was called.
    dtype, output : str
        The precision; "value", "gradient" or "hessian".
    method : str
        "search", "exhaustive", or "soft": a search over targets between the ends of their domain, too.
    tried : int
        Number of inputs.
    ulp : float or None
        Largest error of a result that is a normal float, in units in the last place; None where the library
        overflows, or returns NaN, for a finite number.
    at : str
        Where.
    ulp_of_terms : float or None
        The same in units in the last place of the largest term that the result is the sum of.
    at_of_terms : str
        Where.
    subnormal : float or None
        Largest error of a subnormal result, in the smallest subnormal.
    """

    by: str
    function: str
    dtype: str
    output: str
    method: str
    tried: int
    ulp: float | None
    at: str
    ulp_of_terms: float | None
    at_of_terms: str
    subnormal: float | None

    @property
    def rooted(self) -> bool:
        """Whether the result has a root, near which only the error in units of the largest term is small."""
        return self.ulp is not None and self.ulp_of_terms is not None and self.ulp > 4 >= self.ulp_of_terms


@dataclass(frozen=True)
class Certificate:
    """What was measured of one loss.

    Attributes
    ----------
    loss : str
        Its name.
    kernel : str
        Fingerprint of the kernel.
    errors : tuple of Error
        symloss's own, then those of other libraries at their worst inputs.
    versions : tuple of (str, str)
        Of the other libraries.
    """

    loss: str
    kernel: str
    errors: tuple[Error, ...]
    versions: tuple[tuple[str, str], ...] = ()

    def own(self) -> tuple[Error, ...]:
        """Return the errors of symloss; targets are at the ends of their domain, if it has any."""
        return tuple(e for e in self.errors if e.by == "symloss" and e.method != SOFT)

    def soft(self) -> tuple[Error, ...]:
        """Return the errors of symloss for targets anywhere in their domain."""
        return tuple(e for e in self.errors if e.by == "symloss" and e.method == SOFT)

    def find(self, by: str, dtype: str, output: str) -> Error | None:
        """Return one error; the exhaustive one, if there are two."""
        found = [e for e in self.errors if (e.by, e.dtype, e.output) == (by, dtype, output) and e.method != SOFT]
        return min(found, key=lambda e: e.method != "exhaustive", default=None)

    def beside(self, earlier: Certificate) -> Certificate:
        """Return the certificate with what an earlier one says of other libraries, which no kernel of ours changes."""
        others = tuple(e for e in earlier.errors if e.by != "symloss")
        return replace(self, errors=(*self.errors, *others), versions=earlier.versions)

    def text(self) -> str:
        """Return the certificate as a file."""
        return json.dumps(asdict(self), indent=1) + "\n"


def read(path: Path) -> Certificate:
    """Read a certificate.

    Raises
    ------
    ValueError
        If the file is none.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        errors = tuple(Error(**error) for error in found["errors"])
        versions = tuple((library, version) for library, version in found["versions"])
        return Certificate(found["loss"], found["kernel"], errors, versions)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: this is no certificate ({error}); remove it and run `symloss certify`") from None


def fingerprint(kernel: str, arithmetic: str) -> str:
    """Return what identifies a kernel: its text, and that of the functions that it calls."""
    return hashlib.sha256(f"{kernel}\0{arithmetic}".encode()).hexdigest()


def fingerprint_of(kernel: str, runtime: Path) -> str:
    """Return the fingerprint of a kernel that computes with the functions of this runtime folder."""
    return fingerprint(kernel, Arithmetic(runtime).of(kernel))


class Shelf:
    """The certificates of a generated folder.

    Parameters
    ----------
    folder : Path
        Where the files are; there may be none.
    arithmetic : callable
        Returns the text of the functions that a kernel calls (`reach.Arithmetic.of`).
    """

    def __init__(self, folder: Path, arithmetic: Callable[[str], str]) -> None:
        self._folder, self._arithmetic = folder, arithmetic
        self.stale: list[Path] = []

    def find(self, name: str, kernel: str) -> Certificate | None:
        """Return the certificate of this very kernel; one of another is noted as stale."""
        path = self._folder / f"{name}.json"
        if not path.exists():
            return None
        certificate = read(path)
        if certificate.kernel == fingerprint(kernel, self._arithmetic(kernel)):
            return certificate
        self.stale.append(path)
        return None


def shown(ulp: float | None) -> str:
    """Return an error in words: rounded up, never down."""
    if ulp is None:
        return "wrong"
    if ulp == 0:
        return "0"
    if ulp >= 1000:
        power = math.floor(math.log10(ulp))
        mantissa = math.ceil(ulp / 10.0**power * 10) / 10
        return f"{mantissa:.1f}e{power}"
    return f"{math.ceil(ulp * 100) / 100:.2f}" if ulp < 100 else f"{math.ceil(ulp)}"


# The functions that kernels call, of one argument: what has a certificate together.
CERTIFIED: dict[str, tuple[str, ...]] = {
    "elementary": (
        "exp", "log", "log1p", "expm1", "sqrt", "sigmoid", "softplus", "tanh", "log1mexp", "log_cosh", "sech", "sinh",
        "cosh", "log1p_ratio", "sqrt1pm1", "expm1mx",
    ),
    "error_function": (
        "gaussian", "erf", "erfc", "log_erfc", "log_half_erfc", "erfc_hazard", "erfc_curvature", "erfc_excess",
    ),
    "scaled_tail": ("erfcx",),
    "inverse": ("asinh", "atan"),
    "gamma_function": ("loggamma", "digamma", "trigamma", "tetragamma"),
}  # fmt: skip
LIBRARIES = ("symloss", "PyTorch", "JAX", "scikit-learn")
OUTPUTS = ("value", "gradient", "hessian")
DTYPES = ("float32", "float64")


def functions_text(family: str) -> str:
    """Return a kernel that calls all functions of a family."""
    return f"from ._runtime.elementary import {', '.join(CERTIFIED[family])}\n"


def markdown(certificates: Iterable[Certificate]) -> str:
    """Return a table: a row a loss and output, a column a library and precision."""
    heads = [f"{library} {dtype}" for library in LIBRARIES for dtype in DTYPES]
    lines = ["| loss | output | " + " | ".join(heads) + " |", "|---|---|" + "---:|" * len(heads)]
    for certificate in certificates:
        for output in OUTPUTS:
            cells = [_cell(certificate, library, dtype, output) for library in LIBRARIES for dtype in DTYPES]
            if any(cells):
                lines.append(f"| `{certificate.loss}` | {output} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def markdown_of_functions(certificates: Iterable[Certificate]) -> str:
    """Return a table of the functions that kernels call: a row each, a column a precision."""
    errors = [error for certificate in certificates for error in certificate.errors]
    lines = ["| function | float32 | float64 |", "|---|---:|---:|"]
    for name in dict.fromkeys(error.function for error in errors):
        cells = []
        for dtype in DTYPES:
            found = [e for e in errors if e.function == name and e.dtype == dtype]
            best = max(found, key=lambda e: e.method == "exhaustive", default=None)
            mark = "\\*" if best is not None and best.method == "exhaustive" else ""
            cells.append("" if best is None else f"{shown(best.ulp)}{mark}")
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def markdown_of_soft_targets(certificates: Iterable[Certificate]) -> str:
    """Return a table of symloss's errors for soft targets: a row a loss and output, a column a precision."""
    lines = ["| loss | output | float32 | float64 |", "|---|---|---:|---:|"]
    for certificate in certificates:
        for output in OUTPUTS:
            found = {e.dtype: e for e in certificate.soft() if e.output == output}
            if found:
                cells = [f"{shown(e.ulp)} ({shown(e.ulp_of_terms)})" for e in (found[dtype] for dtype in DTYPES)]
                lines.append(f"| `{certificate.loss}` | {output} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(certificate: Certificate, library: str, dtype: str, output: str) -> str:
    error = certificate.find(library, dtype, output)
    if error is None:
        return ""
    mark = "\\*" if error.method == "exhaustive" else ""
    terms = f" ({shown(error.ulp_of_terms)})" if error.rooted else ""
    return f"{shown(error.ulp)}{terms}{mark}"
