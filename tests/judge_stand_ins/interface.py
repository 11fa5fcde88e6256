"""Everything that a generated module offers, of four NumPy functions of one prediction and one target."""

import numpy as np


class Elementwise:
    """Loss of scalars ``(prediction, target)``, computed in float64.

    Parameters
    ----------
    loss, slope, curvature : callable
        Of two float64 arrays.
    """

    def __init__(self, loss, slope, curvature):
        self.loss, self.slope, self.curvature = loss, slope, curvature

    def value(self, x, y, *, weight=None, reduction="mean", out=None, threads=None):
        """Return the loss."""
        w = self.weights(x, weight)
        with np.errstate(all="ignore"):
            losses = w * self.loss(*self.doubles(x, y))
            if reduction == "none":
                return np.asarray(losses, x.dtype)[()] if np.ndim(x) == 0 else np.asarray(losses, x.dtype)
            return x.dtype.type(losses.sum() * self.scale(x, w, reduction))

    def grad(self, x, y, **keywords):
        """Return the gradient."""
        return self.scaled(self.slope, x, y, **keywords)

    def value_and_grad(self, x, y, **keywords):
        """Return both."""
        return self.value(x, y, **keywords), self.grad(x, y, **keywords)

    def grad_and_hess(self, x, y, **keywords):
        """Return gradient and Hessian diagonal."""
        return self.grad(x, y, **keywords), self.scaled(self.curvature, x, y, **keywords)

    def hvp(self, x, y, *, v, **keywords):
        """Return the Hessian times ``v``."""
        return self.scaled(lambda a, b: self.curvature(a, b) * np.asarray(v, np.float64), x, y, **keywords)

    def sample_value(self, x, y):
        """Return the loss of one sample."""
        with np.errstate(all="ignore"):
            return self.loss(*self.doubles(x, y))

    def sample_value_and_grad(self, x, y):
        """Return loss and slope of one sample."""
        with np.errstate(all="ignore"):
            return self.loss(*self.doubles(x, y)), self.slope(*self.doubles(x, y))

    def scaled(self, derivative, x, y, *, weight=None, reduction="mean", out=None, threads=None):
        """Return a derivative of the reduced loss."""
        w = self.weights(x, weight)
        with np.errstate(all="ignore"):
            return np.asarray(w * self.scale(x, w, reduction) * derivative(*self.doubles(x, y)), x.dtype)

    @staticmethod
    def doubles(*arrays):
        """Return the arrays in float64."""
        return [np.asarray(a, np.float64) for a in arrays]

    @staticmethod
    def weights(x, weight):
        """Return a weight for every sample."""
        return np.ones(np.shape(x)) if weight is None else np.asarray(weight, np.float64)

    @staticmethod
    def scale(x, w, reduction):
        """Return what the weighted losses are multiplied by."""
        divisor = {"mean": np.size(x), "weighted_mean": np.sum(w)}.get(reduction, 1.0)
        return 1.0 / divisor if divisor else np.nan
