"""Generated losses as PyTorch functions: custom operators with gradients, for eager and for compiled code.

Four operators, the same for all losses, whose name is their first argument: the value; value and gradient; the saved
gradient times what comes from above, which is the backward pass; and the Hessian times a vector, which is the
backward pass of that.  Kernels read CPU tensors in place.

To call an operator costs ten times what a kernel takes for a hundred samples, so code that is not compiled goes around
the first two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from symloss.adapters._arguments import Arguments, arguments_of
from symloss.adapters._lazy import library
from symloss.adapters._scores import Array, module_of

torch: Any = library("torch")
Tensor = Any  # torch.Tensor
_PLAIN = (torch.Tensor, torch.nn.Parameter)  # what has memory; tensors of other classes are left to operators
Given = tuple[str, list[Tensor], list[Tensor], Tensor | None, str, list[float]]  # what all operators begin with

_GIVEN = "str loss, Tensor[] predictions, Tensor[] others, Tensor? weight, str reduction, float[] parameters"


def _operator(name: str, rest: str, returns: str) -> Any:
    """Return the decorator that makes an operator of a function."""
    schema = f"({_GIVEN}{rest}) -> {returns}"
    return torch.library.custom_op(f"symloss::{name}", mutates_args=(), device_types="cpu", schema=schema)


def from_loss(loss: ModuleType | str) -> Callable[..., Any]:
    """Return a loss as a function of tensors.

    Parameters
    ----------
    loss : module or str
        A generated module, or its name: ``"squared_error"`` is that of `symloss.generated`.

    Returns
    -------
    callable
        ``function(prediction, ..., target, ..., weight=None, reduction="mean", **params)``: arrays in the order of the
        generated module, CPU tensors with its shapes and dtypes, strided ones too; ``params`` are numbers.  It returns
        a tensor without axes, or with those of the batch for ``reduction="none"``.  It can be differentiated twice in
        the predictions, and used inside `torch.compile`; the transforms of `torch.func` do not take custom operators.
        Kernels use `torch.get_num_threads` threads.

    Raises
    ------
    TypeError, ValueError
        If it is no generated module.  The function raises them for what the generated module does not take, for
        tensors of another device, and if a target or weight requires a gradient: those are not derived.
    """
    arguments = arguments_of(loss)
    count = arguments.predictions

    def function(*tensors: Tensor, weight: Tensor | None = None, reduction: str = "mean", **params: Any) -> Tensor:
        parameters = arguments.values(params)
        arguments.check_count(tensors)
        arguments.check_reduction(weight, reduction)
        _check_tensors(arguments, tensors, weight)
        given = (arguments.module, list(tensors[:count]), list(tensors[count:]), weight, reduction, parameters)
        differentiated = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors[:count])
        if torch.compiler.is_compiling() or any(type(tensor) not in _PLAIN for tensor in tensors):
            return _value_and_grad(*given)[0] if differentiated else _value(*given)
        if differentiated:
            return _Eager.apply(*_rearranged(given))
        return torch.from_numpy(np.asarray(_call("value", given)))

    function.__name__ = function.__qualname__ = arguments.name
    function.__doc__ = module_of(loss).__doc__
    function.__signature__ = arguments.signature()  # type: ignore[attr-defined]
    return function


def _check_tensors(arguments: Arguments, tensors: Sequence[Tensor], weight: Tensor | None) -> None:
    names, given = arguments.arrays, list(tensors)
    if weight is not None:
        names, given = (*names, "weight"), [*given, weight]
    for number, (name, tensor) in enumerate(zip(names, given, strict=True)):
        if not isinstance(tensor, torch.Tensor):
            raise TypeError(f"{name}: expected a tensor, got {type(tensor).__name__}")
        if tensor.device.type != "cpu":
            raise ValueError(f"{name}: expected a tensor of the CPU, got one of {tensor.device}; use {name}.cpu()")
        if number < arguments.predictions:
            if tensor.dtype not in (torch.float32, torch.float64):
                raise TypeError(f"{name}: expected float32 or float64, got {tensor.dtype}; use {name}.float()")
        elif tensor.requires_grad and torch.is_grad_enabled():
            raise ValueError(f"{name}: only predictions have derived gradients; use {name}.detach()")


def _array(tensor: Tensor) -> Array:
    """Return the memory of a tensor."""
    return tensor.numpy(force=True)


def _call(function: str, given: Given, **more: Any) -> Any:
    """Call a function of the generated module."""
    loss, predictions, others, weight, reduction, parameters = given
    chosen = None if weight is None else _array(weight)
    keywords = arguments_of(loss).keywords(parameters, chosen, reduction)
    arrays = map(_array, [*predictions, *others])
    return getattr(module_of(loss), function)(*arrays, **keywords, threads=torch.get_num_threads(), **more)


def _tensors(arrays: Any) -> list[Tensor]:
    """Return a derivative, of one prediction or several, as tensors."""
    return [torch.from_numpy(array) for array in (arrays if isinstance(arrays, tuple) else (arrays,))]


def _empty_value(loss: str, first: Tensor, reduction: str) -> Tensor:
    return first.new_empty(arguments_of(loss).batch(first.shape) if reduction == "none" else ())


def _empty(predictions: Sequence[Tensor]) -> list[Tensor]:
    return [prediction.new_empty(prediction.shape) for prediction in predictions]


def _remember(context: Any, given: Given, *more: Tensor) -> None:
    """Save the arguments of an operator, and tensors behind them."""
    loss, predictions, others, weight, reduction, parameters = given
    context.set_materialize_grads(False)
    context.save_for_backward(*predictions, *others, *([] if weight is None else [weight]), *more)
    context.given = loss, len(predictions), len(others), weight is not None, reduction, parameters


def _remembered(context: Any) -> tuple[Given, list[Tensor]]:
    loss, predictions, others, has_weight, reduction, parameters = context.given
    saved = list(context.saved_tensors)
    cut = predictions + others
    given = (
        loss,
        saved[:predictions],
        saved[predictions:cut],
        saved[cut] if has_weight else None,
        reduction,
        parameters,
    )
    return given, saved[cut + has_weight :]


def _derivatives(given: Given, in_predictions: Sequence[Tensor | None] | None, *more: Any) -> tuple[Any, ...]:
    """Return what a backward pass returns: derivatives in the predictions, then in what the operator takes besides."""
    _, predictions, others, _, _, parameters = given
    return (
        None,
        list(in_predictions) if in_predictions is not None else [None] * len(predictions),
        [None] * len(others),
        None,
        None,
        None if parameters else [],  # an empty list counts as one of tensors
        *more,
    )


@_operator("value", "", "Tensor")
def _value(*given: Any) -> Tensor:
    return torch.from_numpy(np.asarray(_call("value", given)))


@_value.register_fake
def _(loss: str, predictions: list[Tensor], others: Any, weight: Any, reduction: str, parameters: Any) -> Tensor:
    return _empty_value(loss, predictions[0], reduction)


@_operator("value_and_grad", "", "(Tensor, Tensor[])")
def _value_and_grad(*given: Any) -> tuple[Tensor, list[Tensor]]:
    value, gradient = _call("value_and_grad", given)
    return torch.from_numpy(np.asarray(value)), _tensors(gradient)


@_value_and_grad.register_fake
def _(
    loss: str, predictions: list[Tensor], others: Any, weight: Any, reduction: str, parameters: Any
) -> tuple[Tensor, list[Tensor]]:
    return _empty_value(loss, predictions[0], reduction), _empty(predictions)


def _save_gradient(ctx: Any, inputs: Any, output: tuple[Tensor, list[Tensor]]) -> None:
    ctx.mark_non_differentiable(*output[1])  # its derivative is that of the operator below
    _remember(ctx, inputs, *output[1])


def _apply_gradient(ctx: Any, cotangent: Tensor | None, _: Any) -> tuple[Any, ...]:
    given, gradient = _remembered(ctx)
    return _derivatives(given, None if cotangent is None else _pull_back(*given, gradient, cotangent))


_value_and_grad.register_autograd(_apply_gradient, setup_context=_save_gradient)


def _rearranged(given: Given) -> tuple[Any, ...]:
    """Return the arguments with the predictions at the end, one by one, where autograd looks for them."""
    loss, predictions, others, weight, reduction, parameters = given
    return loss, others, weight, reduction, parameters, *predictions


class _Eager(torch.autograd.Function):
    """The same as the operator above, without an operator."""

    @staticmethod
    def forward(  # type: ignore[no-untyped-def]
        ctx, loss, others, weight, reduction, parameters, *predictions
    ) -> Tensor:
        given = (loss, list(predictions), others, weight, reduction, parameters)
        value, gradient = _call("value_and_grad", given)
        _remember(ctx, given, *_tensors(gradient))
        return torch.from_numpy(np.asarray(value))

    @staticmethod
    def backward(ctx, cotangent):  # type: ignore[no-untyped-def]
        given, gradient = _remembered(ctx)
        nothing = (None,) * (len(_rearranged(given)) - len(gradient))
        if cotangent is None:
            return *nothing, *[None] * len(gradient)
        if torch.is_grad_enabled():  # there is to be a second derivative
            return *nothing, *_pull_back(*given, gradient, cotangent)
        factors = _spread(given[0], cotangent, given[4])
        return *nothing, *[part * factor for part, factor in zip(gradient, factors, strict=True)]


def _spread(loss: str, cotangent: Tensor, reduction: str) -> list[Tensor]:
    """Return what comes from above in the axes of each prediction."""
    arguments = arguments_of(loss)
    inner = arguments.inner[: arguments.predictions] if reduction == "none" else [0] * arguments.predictions
    return [cotangent.reshape(cotangent.shape + (1,) * axes) for axes in inner]


@_operator("pull_back", ", Tensor[] gradient, Tensor cotangent", "Tensor[]")
def _pull_back(*given: Any) -> list[Tensor]:
    """Return the gradient of the reduced loss, or those of the samples, times what comes from above."""
    *given, gradient, cotangent = given  # type: ignore[assignment]
    factors = _spread(given[0], cotangent, given[4])
    return [part * factor for part, factor in zip(gradient, factors, strict=True)]


@_pull_back.register_fake
def _(
    loss: str,
    predictions: list[Tensor],
    others: Any,
    weight: Any,
    reduction: str,
    parameters: Any,
    gradient: Any,
    cotangent: Any,
) -> list[Tensor]:
    return _empty(predictions)


def _save_pull_back(ctx: Any, inputs: Any, output: list[Tensor]) -> None:
    *given, gradient, cotangent = inputs
    _remember(ctx, tuple(given), *gradient, cotangent)


def _differentiate_pull_back(ctx: Any, directions: list[Tensor | None]) -> tuple[Any, ...]:
    given, (*gradient, cotangent) = _remembered(ctx)
    nothing = [None] * len(gradient)
    if all(direction is None for direction in directions):
        return _derivatives(given, None, nothing, None)
    loss, predictions, *_, reduction, _ = given
    known = [
        torch.zeros_like(p) if direction is None else direction
        for p, direction in zip(predictions, directions, strict=True)
    ]
    factors = _spread(loss, cotangent, reduction)
    products = _hvp(*given, [d * factor for d, factor in zip(known, factors, strict=True)])
    return _derivatives(given, products, nothing, _contracted(gradient, known, cotangent.dim()))


def _contracted(gradient: list[Tensor], directions: list[Tensor], axes: int) -> Tensor:
    """Return the sum of their products over all but the first axes."""
    products = [part * direction for part, direction in zip(gradient, directions, strict=True)]
    return sum(product.flatten(axes).sum(axes) if product.dim() > axes else product for product in products)


_pull_back.register_autograd(_differentiate_pull_back, setup_context=_save_pull_back)


@_operator("hvp", ", Tensor[] direction", "Tensor[]")
def _hvp(*given: Any) -> list[Tensor]:
    *given, direction = given  # type: ignore[assignment]
    arrays = tuple(map(_array, direction))
    return _tensors(_call("hvp", given, v=arrays if len(arrays) > 1 else arrays[0]))


@_hvp.register_fake
def _(
    loss: str, predictions: list[Tensor], others: Any, weight: Any, reduction: str, parameters: Any, direction: Any
) -> list[Tensor]:
    return _empty(predictions)


def _save_direction(ctx: Any, inputs: Any, output: list[Tensor]) -> None:
    *given, _ = inputs
    ctx.third = any(prediction.requires_grad for prediction in given[1])
    _remember(ctx, tuple(given))


def _differentiate_hvp(ctx: Any, cotangents: list[Tensor | None]) -> tuple[Any, ...]:
    """Return the derivative in the direction, in which it is linear, and symmetric."""
    given, _ = _remembered(ctx)
    if ctx.third:
        raise NotImplementedError(f"{given[0]}: third derivatives are not derived")
    if all(cotangent is None for cotangent in cotangents):
        return _derivatives(given, None, [None] * len(given[1]))
    known = [
        torch.zeros_like(p) if cotangent is None else cotangent
        for p, cotangent in zip(given[1], cotangents, strict=True)
    ]
    return _derivatives(given, None, _hvp(*given, known))


_hvp.register_autograd(_differentiate_hvp, setup_context=_save_direction)
