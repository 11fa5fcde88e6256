"""The certifier finds what is planted, and measures what is there."""

from __future__ import annotations

import importlib
import math
import types
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from catalogue import catalogue
from conftest import SPECS
from symloss.generated import binary_cross_entropy_with_logits as bce

from symloss.certificate import (
    SOFT,
    Certificate,
    Error,
    Shelf,
    fingerprint,
    markdown,
    markdown_of_soft_targets,
    read,
    shown,
)
from symloss.errors import SpecError
from symloss.loader import load
from symloss.verify.certify import certifiable, certify, own_results
from symloss.verify.exhaustive import exhaust, is_exhaustible
from symloss.verify.hunt import Hunt, Tally, constants_compared
from symloss.verify.kernels import Kernels
from symloss.verify.point import Sample

LOSS = catalogue()["binary_cross_entropy_with_logits"]
_KERNELS = Kernels(LOSS, bce, "float64")
Results = list[Any]  # value, gradient, Hessian of one sample


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else math.exp(x)


def _coefficient(z: float, y: float, r: Results) -> Results:
    """Plant a polynomial one of whose coefficients has a wrong digit, near 0 only."""
    return [r[0] * (1 + 1e-9 * z * z) if abs(z) < 0.01 else r[0], r[1], r[2]]


def _branch(z: float, y: float, r: Results) -> Results:
    """Plant the softplus of the textbook, without the branch for large logits."""
    x = z if y == 0 else -z
    return [math.log1p(math.exp(x)) if x < 709 else math.inf, r[1], r[2]]


def _sign(z: float, y: float, r: Results) -> Results:
    """Plant a gradient whose sign is wrong for one label and negative logits."""
    return [r[0], -r[1] if y == 1 and z < 0 else r[1], r[2]]


def _three_ulps(z: float, y: float, r: Results) -> Results:
    """Plant a Hessian that is three units in the last place off, in one binade."""
    return [r[0], r[1], r[2] + 3 * math.ulp(r[2]) if 4 <= z < 8 else r[2]]


def _product(z: float, y: float, r: Results) -> Results:
    """Plant the Hessian s*(1 - s), which is 0 for confident samples."""
    return [r[0], r[1], _sigmoid(z) * (1 - _sigmoid(z))]


def _nan(z: float, y: float, r: Results) -> Results:
    """Plant NaN where the exponential overflows."""
    return [r[0], math.nan if 709.78 < z < 709.79 else r[1], r[2]]


def _flushed(z: float, y: float, r: Results) -> Results:
    """Plant zeros in the place of subnormal results."""
    return [0.0 if r[0] < 2.0**-1022 else r[0], r[1], r[2]]


PLANTED: dict[str, tuple[Callable[[float, float, Results], Results], str, float]] = {
    "wrong coefficient": (_coefficient, "value", 2.0),
    "dropped branch": (_branch, "value", 1e200),
    "sign": (_sign, "gradient", 1e15),
    "three units": (_three_ulps, "hessian", 2.5),
    "textbook Hessian": (_product, "hessian", 1e15),
    "NaN": (_nan, "gradient", 1e200),
}


def _tally(plant: Callable[[float, float, Results], Results] | None, count: int = 400) -> Tally:
    own = own_results(_KERNELS)

    def evaluate(samples: Sequence[Sample]) -> list[Results]:
        found = []
        for sample, (value, grad, hess) in zip(samples, own(samples), strict=True):
            results = [value, grad[0], hess[0]]
            if plant is not None:
                results = plant(float(sample.arrays["z"]), float(sample.arrays["y"]), results)
            found.append([results[0], (results[1],), (results[2],)])
        return found

    return Hunt(LOSS, evaluate, "float64").run(count)


def test_without_a_plant_nothing_is_found() -> None:
    tally = _tally(None)
    assert tally.tried > 800
    assert all(0.4 < worst.ulp <= 2 for worst in tally.worst.values())
    assert all(worst.subnormal <= 4 for worst in tally.worst.values())


@pytest.mark.parametrize("name", PLANTED)
def test_planted_errors_are_found(name: str) -> None:
    plant, output, least = PLANTED[name]
    worst = _tally(plant).worst[output]
    assert worst.ulp > least
    assert worst.sample is not None


def test_flushed_subnormals_are_found() -> None:
    assert _tally(_flushed).worst["value"].subnormal > 1e6


def test_one_wrong_float32_of_all_is_found() -> None:
    """At a number that nobody would suspect; only a part of the line is walked here, all of it in `make certify`."""
    lonely = np.float32(3.1415927)

    def grad_and_hess(z: Any, y: Any, **options: Any) -> Any:
        grad, hess = bce.grad_and_hess(z, y, **options)
        if z.dtype == np.float32:
            grad[z == lonely] = np.nan
        return grad, hess

    module = types.SimpleNamespace(value=bce.value, grad_and_hess=grad_and_hess)
    part = int(lonely.view(np.uint32)) >> 22
    chunks = range(part << 4, part + 1 << 4)
    found = exhaust(LOSS, module, lambda items, _says, _total: items, chunks)  # type: ignore[arg-type]
    tried, worst = found["gradient"]
    assert tried == 2 * 2**22
    assert worst.ulp == math.inf
    assert worst.sample is not None
    assert float(worst.sample.arrays["z"]) == lonely
    assert 0 < found["value"][1].ulp <= 2.0


@pytest.mark.parametrize("name", [n for n, loss in catalogue().items() if is_exhaustible(loss)])
def test_what_is_tried_exhaustively_is_in_the_domain(name: str) -> None:
    """A part of the line of floats from each side of 0; other parts are like it."""
    loss = catalogue()[name]
    module = importlib.import_module(f"symloss.generated.{name}")
    chunks = [*range(252 << 4, 253 << 4), *range(764 << 4, 765 << 4)]
    found = exhaust(loss, module, lambda items, _says, _total: items, chunks)  # type: ignore[arg-type]
    assert all(tried > 0 for tried, _ in found.values())
    assert all(worst.ulp <= 3.0 for _, worst in found.values())


def test_which_losses_can_be_tried_exhaustively() -> None:
    losses = catalogue()
    assert is_exhaustible(losses["focal_with_logits"])
    assert is_exhaustible(losses["gan_generator"])
    assert is_exhaustible(losses["tweedie_with_log_link"])
    assert not is_exhaustible(losses["gamma_with_log_link"])  # 0 is an end of the domain, and outside of it
    assert not is_exhaustible(losses["squared_error"])
    assert not is_exhaustible(losses["sparse_cross_entropy"])


def test_branches_of_a_source_are_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "source.py"
    file.write_text("y = 1.0 if x < 33.25 else 2.0 if -18.5 < x <= 7 else 5.0\n")
    assert constants_compared(file) == {33.25}


def _error(**changes: Any) -> Error:
    values: dict[str, Any] = {
        "by": "symloss", "function": "value", "dtype": "float64", "output": "value", "method": "search", "tried": 10,
        "ulp": 1.234, "at": "z=1.0", "ulp_of_terms": 1.0, "at_of_terms": "z=2.0", "subnormal": 0.5,
    }  # fmt: skip
    return Error(**{**values, **changes})


def test_certificates_can_be_read_again(tmp_path: Path) -> None:
    certificate = Certificate("mine", "abc", (_error(), _error(by="JAX", ulp=None)), (("JAX", "1.0"),))
    path = tmp_path / "mine.json"
    path.write_text(certificate.text())
    assert read(path) == certificate
    path.write_text('{"loss": "mine"}')
    with pytest.raises(ValueError, match=r"mine\.json: this is no certificate"):
        read(path)


def test_other_libraries_are_kept_beside_new_errors_of_our_own() -> None:
    old = Certificate("mine", "old", (_error(ulp=9.0), _error(by="JAX", ulp=7.0)), (("JAX", "1.0"),))
    new = Certificate("mine", "new", (_error(ulp=1.0),)).beside(old)
    assert (new.kernel, new.versions) == ("new", old.versions)
    assert [(e.by, e.ulp) for e in new.errors] == [("symloss", 1.0), ("JAX", 7.0)]


def test_soft_targets_are_kept_apart() -> None:
    soft = _error(method=SOFT, ulp=3.0)
    certificate = Certificate("mine", "", (_error(ulp=1.0), soft))
    assert [e.ulp for e in certificate.own()] == [1.0]
    assert certificate.soft() == (soft,)
    assert certificate.find("symloss", soft.dtype, soft.output) == certificate.errors[0]
    both = Certificate("mine", "", (soft, replace(soft, dtype="float32", ulp=4.0)))
    assert markdown_of_soft_targets([both]).splitlines()[2] == "| `mine` | value | 4.00 (1.00) | 3.00 (1.00) |"


def test_a_certificate_is_of_one_kernel_only(tmp_path: Path) -> None:
    certificate = Certificate("mine", fingerprint("kernel", "exp"), (_error(),))
    (tmp_path / "mine.json").write_text(certificate.text())
    assert Shelf(tmp_path, lambda _: "exp").find("mine", "kernel") == certificate
    assert Shelf(tmp_path, lambda _: "exp").find("other", "kernel") is None
    for arithmetic, kernel in (("other exp", "kernel"), ("exp", "other kernel")):
        shelf = Shelf(tmp_path, lambda _, said=arithmetic: said)
        assert shelf.find("mine", kernel) is None
        assert shelf.stale == [tmp_path / "mine.json"]


@pytest.mark.parametrize(
    ("ulp", "text"), [(None, "wrong"), (0.0, "0"), (0.501, "0.51"), (1.0, "1.00"), (123.4, "124"), (9.07e15, "9.1e15")]
)
def test_errors_are_rounded_up(ulp: float | None, text: str) -> None:
    assert shown(ulp) == text


def test_the_table_has_a_row_an_output() -> None:
    rows = markdown([Certificate("mine", "", (_error(), _error(by="PyTorch", ulp=1e9, ulp_of_terms=0.5)))]).splitlines()
    assert rows[2].startswith("| `mine` | value |  | 1.24 |  | 1.0e9 (0.50) |")
    assert len(rows) == 3


def test_a_small_certificate_of_a_row() -> None:
    certificate = certify(catalogue()["sparse_cross_entropy"], "symloss.generated", (), count=20, exhaustive=False)
    assert {e.dtype for e in certificate.errors} == {"float32", "float64"}
    assert all(e.ulp is not None and e.ulp <= 2 for e in certificate.errors)


def test_losses_over_recurrences_are_left_out() -> None:
    """And asking for one by name says what to do instead."""
    aligned = load([SPECS])
    assert certifiable([LOSS, *aligned], []) == [LOSS]
    with pytest.raises(SpecError, match=r"sequence.py.*`symloss verify ctc`"):
        certifiable(aligned, ["ctc"])
