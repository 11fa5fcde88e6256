"""Compares one library's losses with symloss's, in a process of its own: some of them do not survive others."""

from __future__ import annotations

import importlib
import sys
import warnings
from typing import Any

import numpy as np
from catalogue import catalogue

from symloss.peers import Foreign, foreign
from symloss.verify.kernels import Kernels, as_tuple
from symloss.verify.sampling import moderate

_TOLERANCE = {"float32": 2e-5, "float64": 1e-12}


def compare(row: Foreign, dtype: str) -> None:
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
            np.testing.assert_allclose(b, a, rtol=_TOLERANCE[dtype], atol=_TOLERANCE[dtype], err_msg=row.loss)


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # what other libraries warn of is theirs
    rows = [row for row in foreign() if row.library == sys.argv[1]]
    for row in rows:
        for dtype in _TOLERANCE:
            compare(row, dtype)
    sys.stdout.write(f"{len(rows)} losses agree\n")
