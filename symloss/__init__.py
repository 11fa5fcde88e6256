"""Loss functions declared as mathematics, compiled to fast and stable NumPy kernels and to LaTeX."""

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
    sigmoid,
    softplus,
    xlog1py,
    xlogy,
)
from symloss.reductions import Dim

__version__ = "0.1.0"

__all__ = [
    "Dim",
    "Loss",
    "Mean",
    "Parameter",
    "Prediction",
    "SpecError",
    "Target",
    "Weight",
    "divide_no_nan",
    "expm1",
    "log1mexp",
    "log1p",
    "log_cosh",
    "log_sigmoid",
    "log_softmax",
    "logsumexp",
    "sigmoid",
    "softmax",
    "softplus",
    "xlog1py",
    "xlogy",
]
