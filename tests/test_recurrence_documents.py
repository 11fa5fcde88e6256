"""The formulas of pages about recurrences, read out of their LaTeX and evaluated, are what kernels return."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest
from click.testing import CliRunner
from conftest import SPECS
from latex_reader import Recurrence, formulas

from symloss.cli import main
from symloss.loader import load
from symloss.pipeline import compile_loss

LOSSES = {loss.name: loss for loss in load([SPECS])}
_RNG = np.random.default_rng(9)
# What is in padding, which formulas may mention where it does not count, is there: lengths are below the sizes.
CASES: dict[str, tuple[dict[str, Any], tuple[str, str], tuple[int, int], dict[str, int]]] = {
    "ctc_with_logits": (
        {"z": _RNG.normal(size=(6, 4)), "label": np.array([2, 1, 1, 3, 0]), "input_length": 5, "label_length": 2},
        (r"\alpha", r"\beta"), (5, 5), {"T": 6, "K": 4, "L": 5},
    ),
    "linear_chain_crf": (
        {"emission": _RNG.normal(size=(5, 3)), "transition": _RNG.normal(size=(3, 3)), "start": _RNG.normal(size=3),
         "end": _RNG.normal(size=3), "tag": np.array([0, 2, 1, 1, 0]), "length": 4},
        (r"\alpha", r"\beta"), (4, 3), {"T": 5, "K": 3},
    ),
    "rnnt_with_logits": (
        {"z": _RNG.normal(size=(4, 4, 3)), "label": np.array([2, 1, 2]), "input_length": 3, "label_length": 2},
        (r"\alpha", r"\beta"), (3, 3), {"T": 4, "K": 3, "U": 3},
    ),
    "soft_dtw": (
        {"distance": _RNG.random((4, 5)), "x_length": 3, "y_length": 4}, ("r", r"\beta"), (3, 4), {"n": 4, "m": 5},
    ),
}  # fmt: skip


def _plain(value: Any) -> Any:
    if np.ndim(value):
        return [_plain(v) for v in value]
    return int(value) if isinstance(value, (int, np.integer)) else mpmath.mpf(float(value))


def _read(name: str, page: str) -> tuple[Any, Any]:
    """Return the loss and the probabilities of points as a page says."""
    arguments, workspaces, extents, sizes = CASES[name]
    found = formulas(page)
    known: dict[str, Any] = {n: _plain(v) for n, v in arguments.items()}
    known |= {
        p.name: _plain(int(p.default) if p.name == "blank" else float(p.default)) for p in LOSSES[name].parameters
    }
    for workspace in workspaces:
        known[workspace.removeprefix("\\")] = Recurrence(workspace, found, known, sizes, extents)
    single = {f.left: f for f in found}
    known["Z"] = single["Z"].value(known, sizes)
    (share,) = (f for f in found if f.left.startswith("{P}"))
    steps = share.left.removeprefix("{P}_{").removesuffix("}").split(", ")
    shares = np.array(
        [
            [float(share.value({**known, **dict(zip(steps, p, strict=True))}, sizes)) for p in row]
            for row in _grid(extents)
        ]
    )
    return float(single[r"\ell"].value(known, sizes)), shares


def _grid(extents: tuple[int, int]) -> list[list[tuple[int, int]]]:
    return [[(i, j) for j in range(extents[1])] for i in range(extents[0])]


@pytest.mark.parametrize("name", CASES)
def test_formulas_are_what_kernels_return(sequences: Any, name: str) -> None:
    page = compile_loss(LOSSES[name]).text(f"docs/{name}.tex")
    loss, shares = _read(name, page)
    arguments, _, extents, _ = CASES[name]
    given = [np.asarray(v) for v in arguments.values()]
    module = sequences(name)
    assert abs(loss - float(module.value(*given))) < 1e-13 * max(1, abs(loss))
    kept = [g for n, g in zip(arguments, given, strict=True) if n != "tag"]
    np.testing.assert_allclose(module.posterior(*kept)[: extents[0], : extents[1]], shares, atol=1e-13)


def test_an_error_in_the_adjoint_is_found() -> None:
    page = compile_loss(LOSSES["soft_dtw"]).text("docs/soft_dtw.tex")
    right = _read("soft_dtw", page)
    wrong = page.replace(r"{\beta}_{1 + i, 1 + j}", r"{\beta}_{1 + i, j}")
    assert wrong != page
    assert abs(_read("soft_dtw", wrong)[1] - right[1]).max() > 1e-3


def test_stages_are_shown() -> None:
    def run(stage: str) -> Any:
        return CliRunner().invoke(main, ["show", "soft_dtw", "--specs", str(SPECS), "--stage", stage])

    shown = run("derived")
    assert shown.exit_code == 0, shown.output
    assert "r[i, j] = LogAdd(" in shown.output
    assert "beta[i + 1, j + 1] - distance[i + 1, j + 1]/gamma" in shown.output
    refused = run("stable")
    assert refused.exit_code == 1
    assert (
        "soft_dtw: a loss over a recurrence has the stages declared, derived, kernel, latex, not stable"
        in refused.output
    )
