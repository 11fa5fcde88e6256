"""The committed certificates: of the kernels that are committed, and within the figures that symloss states."""

from __future__ import annotations

from pathlib import Path

import pytest
from catalogue import catalogue

from symloss.certificate import CERTIFIED, Certificate, Error, fingerprint, functions_text, read
from symloss.project import shelf_of

ROOT = Path(__file__).parents[1]
PATHS = sorted((ROOT / "certificates").glob("*.json"))
CERTIFICATES = {path.stem: read(path) for path in PATHS}

# Largest errors in ULP of results that are normal floats: elementwise losses and cross-entropies, by precision.
BOUNDS = {
    ("elementwise", "float64"): {"value": 2.0, "gradient": 2.0, "hessian": 2.0},
    ("elementwise", "float32"): {"value": 2.0, "gradient": 2.0, "hessian": 3.0},
    ("softmax", "float64"): {"value": 3.0, "gradient": 3.0, "hessian": 3.0},
    ("softmax", "float32"): {"value": 3.0, "gradient": 3.0, "hessian": 3.0},
}
# What has a root where it is the difference of an exponential and a target: one rounding of the former is any number
# of units of the result there, so that the figure is in units of the largest term.
ROOTED = {
    ("poisson_with_log_link", "value"),
    ("poisson_with_log_link", "gradient"),
    ("gamma_with_log_link", "value"),
    ("tweedie_with_log_link", "gradient"),
}
SOFTMAX = tuple(
    f"{weighted}{sparse}cross_entropy_with_logits" for weighted in ("", "weighted_") for sparse in ("", "sparse_")
)
ELEMENTWISE = tuple(name for name, loss in catalogue().items() if not loss.dims and not loss.sets)


def _own(names: tuple[str, ...]) -> list[tuple[str, Error]]:
    return [(name, error) for name in names if name in CERTIFICATES for error in CERTIFICATES[name].own()]


def test_every_elementwise_loss_and_cross_entropy_has_one() -> None:
    assert set(ELEMENTWISE) | set(SOFTMAX) <= set(CERTIFICATES)


@pytest.mark.parametrize("name", CERTIFICATES)
def test_it_is_of_the_committed_kernel(name: str) -> None:
    path = ROOT / "generated" / f"{name}.py"
    kernel = functions_text(name) if name in CERTIFIED else path.read_text(encoding="utf-8")
    found: Certificate | None = shelf_of(ROOT / "generated").find(name, kernel)
    assert found == CERTIFICATES[name]
    assert found.kernel != fingerprint(kernel + " ", "")


@pytest.mark.parametrize(
    ("family", "name", "error"),
    [("elementwise", *row) for row in _own(ELEMENTWISE)] + [("softmax", *row) for row in _own(SOFTMAX)],
    ids=lambda value: f"{value.dtype}-{value.output}-{value.method}" if isinstance(value, Error) else str(value),
)
def test_errors_are_within_the_figures(family: str, name: str, error: Error) -> None:
    ulp = error.ulp_of_terms if (name, error.output) in ROOTED else error.ulp
    assert ulp is not None
    assert ulp <= BOUNDS[family, error.dtype][error.output]
    assert error.subnormal is not None


SOFT = [(n, e) for n in (*ELEMENTWISE, *SOFTMAX) if n in CERTIFICATES for e in CERTIFICATES[n].soft()]


@pytest.mark.parametrize(("name", "error"), SOFT, ids=lambda v: f"{v.dtype}-{v.output}" if isinstance(v, Error) else v)
def test_errors_for_soft_targets_are_within_the_figures(name: str, error: Error) -> None:
    """Results cross zero there: the figure is in units of the largest term."""
    assert error.tried >= 100, name
    assert error.ulp_of_terms is not None
    assert error.ulp_of_terms <= 3.0


@pytest.mark.parametrize("name", CERTIFICATES)
def test_subnormal_results_are_within_two_of_the_smallest(name: str) -> None:
    """Of every loss and function, for soft targets, too."""
    errors = [*CERTIFICATES[name].own(), *CERTIFICATES[name].soft()]
    assert errors
    assert max(error.subnormal or 0.0 for error in errors) <= 2.0


def test_other_libraries_are_compared_with() -> None:
    """They lose every digit somewhere: that is what the table is for."""
    error = CERTIFICATES["binary_cross_entropy_with_logits"].find("PyTorch", "float64", "value")
    assert error is not None
    assert error.ulp is not None
    assert error.ulp > 1e15
