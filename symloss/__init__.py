"""Loss functions declared as mathematics, compiled to fast and stable NumPy kernels and to LaTeX.

Names are imported when they are first used: `symloss.generated` needs NumPy and Numba, and never SymPy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symloss.arguments import Parameter, Prediction, Target, Weight
    from symloss.convert import Mean, log_softmax, logsumexp, softmax
    from symloss.declare import Loss
    from symloss.errors import SpecError
    from symloss.functions import (
        divide_no_nan,
        expm1,
        log1mexp,
        log1p,
        log_cosh,
        log_sigmoid,
        logaddexp,
        sigmoid,
        softplus,
        xlog1py,
        xlogy,
    )
    from symloss.recurrence import Length, LogAdd, Longer, Step, SumAlong, Workspace, guard, total
    from symloss.reductions import Dim

__version__ = "0.1.0"

_HOMES = {
    "arguments": ("Parameter", "Prediction", "Target", "Weight"),
    "convert": ("Mean", "log_softmax", "logsumexp", "softmax"),
    "declare": ("Loss",),
    "errors": ("SpecError",),
    "functions": (
        "divide_no_nan", "expm1", "log1mexp", "log1p", "log_cosh", "log_sigmoid", "logaddexp", "sigmoid", "softplus",
        "xlog1py", "xlogy",
    ),
    "recurrence": ("Length", "LogAdd", "Longer", "Step", "SumAlong", "Workspace", "guard", "total"),
    "reductions": ("Dim",),
}  # fmt: skip
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [  # noqa: RUF022 - in the order of the table above
    "Parameter", "Prediction", "Target", "Weight", "Mean", "log_softmax", "logsumexp", "softmax", "Loss", "SpecError",
    "divide_no_nan", "expm1", "log1mexp", "log1p", "log_cosh", "log_sigmoid", "logaddexp", "sigmoid", "softplus",
    "xlog1py", "xlogy", "Dim", "Length", "LogAdd", "Longer", "Step", "SumAlong", "Workspace", "guard", "total",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'symloss' has no attribute {name!r}")
    return getattr(importlib.import_module(f"symloss.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
