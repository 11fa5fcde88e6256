"""The five functions that every generated module offers, over the kernels that it brings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import checks
from .call import Call
from .describe import Array, Scalar
from .execute import Kernel
from .signature import Signature


class Driver:
    """Checks arguments, cuts batches into blocks, runs kernels on them, and reduces.

    Parameters
    ----------
    arguments : tuple of Array
        Predictions, targets, weights.
    parameters : tuple of Scalar
        Numbers that the kernels get after the arrays.
    value, value_and_grad, grad_and_hess, hvp : kernel
        Block kernels; every array has a leading sample axis, weights may be None.  They return whether all targets
        are inside their domains.
    total, total_and_grad : kernel
        The same as the first two, with the sum of the losses in the place of the array of losses.
    total_normalizer : kernel, optional
        Sums what ``weighted_mean`` divides by, times the weights of the samples; None stands for the weights.
    short : int, optional
        Entries of the longest rows that are short.  Then kernels are told how long rows are: after the parameters,
        True and None if they are short, None and True if they are not.
    over_sets : bool
        Whether the arrays are sets of samples that make one loss together.
    """

    def __init__(
        self,
        arguments: tuple[Array, ...],
        parameters: tuple[Scalar, ...],
        value: Kernel,
        value_and_grad: Kernel,
        grad_and_hess: Kernel,
        hvp: Kernel,
        total: Kernel,
        total_and_grad: Kernel,
        *,
        total_normalizer: Kernel | None = None,
        short: int | None = None,
        over_sets: bool = False,
    ) -> None:
        self._signature = Signature(arguments, parameters, over_sets, short)
        self._value = value
        self._value_and_grad = value_and_grad
        self._grad_and_hess = grad_and_hess
        self._hvp = hvp
        self._total = total
        self._total_and_grad = total_and_grad
        self._normalizer = total_normalizer

    def value(
        self,
        arrays: Sequence[Any],
        parameters: Sequence[Any] = (),
        *,
        weight: Any = None,
        reduction: Any = "mean",
        out: Any = None,
        threads: Any = None,
    ) -> Any:
        """Return the loss: a scalar, or one of each sample with ``reduction="none"``."""
        call = Call(self._signature, self._normalizer, arrays, parameters, weight, reduction, threads)
        losses = call.new_losses() if out is None else call.given_losses(out, "out")
        if losses is None:
            return call.reduced(call.run(self._total, summed=True))
        call.run(self._value, rest=[call.loss_operand(losses)])
        return losses

    def grad(
        self,
        arrays: Sequence[Any],
        parameters: Sequence[Any] = (),
        *,
        weight: Any = None,
        reduction: Any = "mean",
        out: Any = None,
        threads: Any = None,
    ) -> Any:
        """Return the gradient of the reduced loss, shaped like the predictions."""
        call = Call(self._signature, self._normalizer, arrays, parameters, weight, reduction, threads)
        grads = call.new_derivatives() if out is None else call.given_derivatives(out, "out", "the gradient in")
        call.run(self._total_and_grad, call.scale, rest=call.operands(grads), summed=True)
        return call.shown(grads)

    def value_and_grad(
        self,
        arrays: Sequence[Any],
        parameters: Sequence[Any] = (),
        *,
        weight: Any = None,
        reduction: Any = "mean",
        out: Any = None,
        threads: Any = None,
    ) -> Any:
        """Return the loss and its gradient, from one pass over the data."""
        call = Call(self._signature, self._normalizer, arrays, parameters, weight, reduction, threads)
        if out is None:
            losses, grads = call.new_losses(), call.new_derivatives()
        else:
            first, second = _pair(out, "(value, gradient)")
            losses = call.given_losses(first, "out[0]")
            grads = call.given_derivatives(second, "out[1]", "the gradient in")
        rest = call.operands(grads)
        if losses is None:
            return call.reduced(call.run(self._total_and_grad, call.scale, rest=rest, summed=True)), call.shown(grads)
        call.run(self._value_and_grad, call.scale, rest=[call.loss_operand(losses), *rest])
        return losses, call.shown(grads)

    def grad_and_hess(
        self,
        arrays: Sequence[Any],
        parameters: Sequence[Any] = (),
        *,
        weight: Any = None,
        reduction: Any = "mean",
        out: Any = None,
        threads: Any = None,
    ) -> Any:
        """Return the gradient of the reduced loss and the diagonal of its Hessian, from one pass over the data."""
        call = Call(self._signature, self._normalizer, arrays, parameters, weight, reduction, threads)
        if out is None:
            grads, hesses = call.new_derivatives(), call.new_derivatives()
        else:
            first, second = _pair(out, "(gradient, Hessian diagonal)")
            grads = call.given_derivatives(first, "out[0]", "the gradient in")
            hesses = call.given_derivatives(second, "out[1]", "the Hessian diagonal in")
        rest = call.operands([*grads, *hesses])
        call.run(self._grad_and_hess, call.scale, rest=rest)
        return call.shown(grads), call.shown(hesses)

    def hvp(
        self,
        arrays: Sequence[Any],
        parameters: Sequence[Any] = (),
        *,
        v: Any,
        weight: Any = None,
        reduction: Any = "mean",
        out: Any = None,
        threads: Any = None,
    ) -> Any:
        """Return the Hessian of the reduced loss times ``v``; ``"none"`` is the same as ``"sum"``."""
        call = Call(self._signature, self._normalizer, arrays, parameters, weight, reduction, threads)
        directions = self._signature.directions(call.batch, v)
        products = call.new_derivatives() if out is None else call.given_derivatives(out, "out", "the product for")
        rest = [*directions, *call.operands(products)]
        call.run(self._hvp, call.scale, rest=rest)
        return call.shown(products)

    def refuse(self, unknown: Mapping[str, Any]) -> None:
        """Raise for keywords that a loss over sample sets does not have.

        Raises
        ------
        ValueError
            For ``weight`` and ``reduction``.
        TypeError
            For any other.
        """
        for name in unknown:
            if name in ("weight", "reduction"):
                raise ValueError(
                    f"{name}: this loss is one number for whole sets of samples; "
                    f"it has no losses of single samples, so it takes no {name}"
                )
            raise TypeError(f"{name}: there is no such keyword argument")


def _pair(out: Any, what: str) -> tuple[Any, Any]:
    """Split ``out`` where the result has two parts."""
    if not isinstance(out, tuple) or len(out) != 2:
        raise TypeError(f"out: expected a tuple {what}, got {checks.type_name(out)}")
    return out
