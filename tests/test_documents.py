"""Every formula of every page, read out of its LaTeX and evaluated, is what the kernel returns."""

from __future__ import annotations

import importlib
import re
import shutil
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from catalogue import catalogue
from latex_reader import Formula, formulas

from symloss.emit.pdf import TexError, compile_book

DOCS = Path(__file__).parents[1] / "generated" / "docs"
SIZE = 3
TOLERANCE = 1e-10


def _arguments(info: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Return one sample: numbers, rows, labels; of a loss over sets, sets of several sizes."""
    values: dict[str, Any] = {}
    for position, a in enumerate(info["arguments"]):
        shape = (SIZE + position,) if info["over_sets"] else tuple(SIZE for axis in a["shape"] if axis != "...")
        domain = a["domain"]
        kind = type(domain).__name__
        if kind == "Labels":
            values[a["name"]] = int(rng.integers(0, SIZE))
        elif kind == "Finite":
            values[a["name"]] = float(rng.choice(list(domain)))
        elif np.isfinite(domain.low):
            high = domain.high if np.isfinite(domain.high) else domain.low + 2.0
            values[a["name"]] = rng.uniform(domain.low + 0.05, high - 0.05, shape)
        else:
            values[a["name"]] = rng.normal(size=shape) * 2.0
    return values


def _plain(value: Any) -> Any:
    """Return nested lists of exact numbers."""
    if isinstance(value, np.ndarray) and value.ndim:
        return [_plain(v) for v in value]
    return value if isinstance(value, int) else mpmath.mpf(float(value))


class Kernels:
    """What the generated module returns for one sample."""

    def __init__(self, name: str, values: dict[str, Any], directions: dict[str, Any]) -> None:
        module = importlib.import_module(f"symloss.generated.{name}")
        self.info = module.INFO
        arrays = [self._batched(a, values[a["name"]]) for a in self.info["arguments"]]
        options: dict[str, Any] = {} if self.info["over_sets"] else {"reduction": "none"}
        self.predictions = [a["name"] for a in self.info["arguments"] if a["role"] == "prediction"]
        v = tuple(self._batched(a, directions[a["name"]]) for a in self.info["arguments"] if a["role"] == "prediction")
        self.loss = float(np.asarray(module.value(*arrays, **options)).reshape(-1)[0])
        grad, hess = module.grad_and_hess(*arrays, **options)
        product = module.hvp(*arrays, v=v if len(v) > 1 else v[0], **options)
        self.gradient, self.hessian, self.hvp = map(self._by_prediction, (grad, hess, product))

    def _batched(self, argument: dict[str, Any], value: Any) -> Any:
        whole = self.info["over_sets"] or argument["role"] == "weight"
        return np.asarray(value) if whole else np.asarray(value)[None]

    def _by_prediction(self, result: Any) -> dict[str, Any]:
        results = result if isinstance(result, tuple) else (result,)
        own = [r if self.info["over_sets"] else r[0] for r in results]
        return dict(zip(self.predictions, own, strict=True))


_LEFT = {
    r"\\frac\{\\partial \\ell\}\{\\partial (.*)\}": "gradient",
    r"\\frac\{\\partial\^2 \\ell\}\{\\partial \{(.*)\}\^2\}": "hessian",
    r"\\left\(H v\\right\)_\{(.*)\}": "hvp",
}


def _kind(formula: Formula) -> tuple[str, str]:
    """Return what a formula is about, and the prediction."""
    for pattern, kind in _LEFT.items():
        found = re.fullmatch(pattern, formula.left)
        if found:
            name = re.sub(r"_\{k\}$", "", found[1])
            return kind, name.replace("\\mathit", "").replace("\\", "").replace("{", "").replace("}", "")
    return {r"\ell": "loss", "n": "normalizer"}[formula.left], ""


def _with_curvatures() -> list[str]:
    """Return all losses, and the modules that have other curvatures in place of their Hessian diagonals."""
    table = importlib.import_module("symloss.generated._boosting").CURVATURES
    return list(dict.fromkeys([*catalogue(), *(name for kinds in table.values() for name in kinds.values())]))


@pytest.mark.parametrize("name", _with_curvatures())
def test_formulas_are_what_kernels_return(name: str) -> None:
    found = formulas((DOCS / f"{name}.tex").read_text())
    rng = np.random.default_rng(5)
    seen = set()
    for _ in range(4):
        info = importlib.import_module(f"symloss.generated.{name}").INFO
        values = _arguments(info, rng)
        directions = {a["name"]: rng.normal(size=np.shape(values[a["name"]])) for a in info["arguments"]}
        kernels = Kernels(name, values, directions)
        known = {n: _plain(v) for n, v in values.items()}
        known |= {f"v_{n}": _plain(directions[n]) for n in kernels.predictions}
        known |= {p["name"]: mpmath.mpf(p["default"]) for p in info["parameters"]}
        sizes = {axis: SIZE for a in info["arguments"] for axis in a["shape"] if axis != "..."}
        sizes |= {f"N_{n}": np.size(values[n]) for n in values}
        for formula in found:
            kind, prediction = _kind(formula)
            seen.add((kind, prediction))
            _compare(formula, kind, prediction, kernels, known, sizes)
    predictions = kernels.predictions
    assert seen >= {("loss", "")} | {(kind, p) for kind in ("gradient", "hessian", "hvp") for p in predictions}


def _compare(
    formula: Formula, kind: str, prediction: str, kernels: Kernels, known: dict[str, Any], sizes: dict[str, int]
) -> None:
    if kind == "normalizer":
        return
    if kind == "loss":
        expected = {(): kernels.loss}
    else:
        array = np.asarray(getattr(kernels, kind)[prediction])
        expected = {place: float(array[place]) for place in np.ndindex(array.shape)}
    for place, number in expected.items():
        k = {"k": place[0]} if place else {}
        value = formula.value({**known, **k}, sizes)
        assert abs(value - number) <= TOLERANCE * max(1, abs(number)), (formula.left, place, value, number)


def test_an_error_in_a_formula_is_found() -> None:
    """The test above can fail: with one sign changed, it does."""
    page = (DOCS / "binary_cross_entropy_with_logits.tex").read_text()
    wrong = page.replace(r"\zeta\left(-z\right)", r"\zeta\left(z\right)")
    assert wrong != page
    values = {"z": mpmath.mpf(0.7), "y": mpmath.mpf(0.25), "v_z": mpmath.mpf(1)}
    right, changed = ([f.value(values, {}) for f in formulas(text)] for text in (page, wrong))
    assert any(abs(a - b) > 0.1 for a, b in zip(right, changed, strict=True))


def test_the_book_compiles(tmp_path: Path) -> None:
    if shutil.which("latexmk") is None or shutil.which("pdflatex") is None:
        pytest.skip("there is no TeX; on Debian: apt-get install texlive-latex-recommended texlive-pictures latexmk")
    folder = tmp_path / "docs"
    shutil.copytree(DOCS, folder)
    assert compile_book(folder).stat().st_size > 50_000
    (folder / "book.tex").write_text(r"\documentclass{book}\begin{document}\undefined\end{document}")
    with pytest.raises(TexError, match="Undefined control sequence"):
        compile_book(folder)
