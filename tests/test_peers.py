"""The table of other libraries: every row is the loss of that name, on moderate inputs."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest
from catalogue import catalogue

from symloss.peers import Foreign, foreign
from symloss.verify.kernels import Kernels, as_tuple
from symloss.verify.sampling import moderate

ROWS = foreign()
_TOLERANCE = {"float32": 2e-5, "float64": 1e-12}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.library}-{row.loss}")
@pytest.mark.filterwarnings("ignore")  # what other libraries warn of is theirs
def test_it_is_the_same_loss(row: Foreign, dtype: str) -> None:
    loss = catalogue()[row.loss]
    kernels = Kernels(loss, importlib.import_module(f"symloss.generated.{row.loss}"), dtype)
    samples = moderate(loss, 20)
    given, parameters = kernels.batch(samples), samples[0].parameters
    arrays = dict(zip([a.name for a in kernels.arguments], given, strict=True))
    value, grad = kernels.call("value_and_grad", given, reduction="none", **parameters)
    hess = kernels.call("grad_and_hess", given, reduction="none", **parameters)[1]
    pairs: list[tuple[Any, Any]] = [(value, row.value(arrays, parameters))]
    pairs += [(grad, row.gradient(arrays, parameters))] if row.gradient else []
    pairs += [(hess, row.hessian(arrays, parameters))] if row.hessian else []
    for ours, theirs in pairs:
        for a, b in zip(as_tuple(ours), as_tuple(theirs), strict=True):
            assert b.dtype == dtype
            np.testing.assert_allclose(b, a, rtol=_TOLERANCE[dtype], atol=_TOLERANCE[dtype])


def test_importing_imports_none_of_them() -> None:
    import subprocess
    import sys

    code = "import sys, symloss.peers; print(sorted({'torch', 'jax', 'sklearn', 'optax'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
