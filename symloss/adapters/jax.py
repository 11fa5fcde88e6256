"""Generated losses as JAX functions: host callbacks with gradients, for traced and compiled code.

A callback computes value and gradient in one pass; the gradient times what comes from above is the backward pass, and
the backward pass of that is a callback for the Hessian times a vector.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from functools import cache, partial
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from symloss.adapters._arguments import Arguments, arguments_of
from symloss.adapters._lazy import library
from symloss.adapters._scores import Array, module_of

jax: Any = library("jax")
jnp: Any = importlib.import_module("jax.numpy")
_NUMBERED = {"sum", "mean"}  # which a single sample does not change


class _Chosen(NamedTuple):
    """A loss, what it is called with beside arrays, and whether the last array is the weight."""

    loss: str
    parameters: tuple[float, ...]
    reduction: str
    weighted: bool

    @property
    def arguments(self) -> Arguments:
        return arguments_of(self.loss)

    def inner(self) -> tuple[int, ...]:
        """Return how many axes of each array are not of the batch; of those that samples share, all."""
        return (*self.arguments.inner, *([0] if self.weighted else []))


def from_loss(loss: ModuleType | str) -> Callable[..., Any]:
    """Return a loss as a function of JAX arrays.

    Parameters
    ----------
    loss : module or str
        A generated module, or its name: ``"squared_error"`` is that of `symloss.generated`.

    Returns
    -------
    callable
        ``function(prediction, ..., target, ..., weight=None, reduction="mean", **params)``: arrays in the order of the
        generated module, with its shapes and dtypes; ``params`` are numbers, which cannot be traced.  It returns an
        array without axes, or with those of the batch for ``reduction="none"``.  It works under `jax.jit`, `jax.grad`,
        twice too, and `jax.vmap`; forward mode (`jax.jvp`) is not available.

    Raises
    ------
    TypeError, ValueError
        If it is no generated module.  The function raises them for what the generated module does not take, and if it
        is differentiated in a target or weight: those derivatives are not derived.  What depends on the values of
        arrays, a label out of range for example, is raised by the callback, as a `jax.errors.JaxRuntimeError`.
    """
    arguments = arguments_of(loss)

    def function(*arrays: Any, weight: Any = None, reduction: str = "mean", **params: Any) -> Any:
        arguments.check_count(arrays)
        arguments.check_reduction(weight, reduction)
        parameters = tuple(arguments.values({name: _number(name, given) for name, given in params.items()}))
        given = [jnp.asarray(array) for array in ([*arrays] if weight is None else [*arrays, weight])]
        for name, array in zip(arguments.arrays[: arguments.predictions], given, strict=False):
            if array.dtype not in (np.float32, np.float64):
                raise TypeError(f"{name}: expected float32 or float64, got {array.dtype}")
        return _differentiable(_Chosen(arguments.module, parameters, reduction, weight is not None))(*given)

    function.__name__ = function.__qualname__ = arguments.name
    function.__doc__ = module_of(loss).__doc__
    function.__signature__ = arguments.signature()  # type: ignore[attr-defined]
    return function


def _number(name: str, given: Any) -> float:
    if isinstance(given, jax.core.Tracer):
        raise TypeError(
            f"{name}: expected a number, got a traced array; parameters of a loss are constants of the trace"
        )
    return float(given)


@cache
def _differentiable(chosen: _Chosen) -> Callable[..., Any]:
    """Return the function of the arrays, with its derivatives."""
    count = chosen.arguments.predictions
    names = (*chosen.arguments.arrays, "weight")

    @jax.custom_vjp
    def value(*arrays: Any) -> Any:
        return _call_back(chosen, "value", arrays)

    def forward(*arrays: Any) -> tuple[Any, Any]:
        for name, array in list(zip(names, arrays, strict=False))[count:]:
            if array.perturbed and jnp.issubdtype(array.value.dtype, jnp.floating):
                raise TypeError(f"{name}: only predictions have derived gradients; use jax.lax.stop_gradient({name})")
        known = tuple(array.value for array in arrays)
        loss, gradient = _call_back(chosen, "value_and_grad", jax.lax.stop_gradient(known))
        return attached(known, gradient, loss), (known, gradient)

    def backward(saved: Any, cotangent: Any) -> Any:
        known, gradient = saved
        if isinstance(cotangent, jax.custom_derivatives.SymbolicZero):
            return (None,) * len(known)
        return (*pull_back(known, gradient, cotangent), *[None] * (len(known) - count))

    @jax.custom_vjp
    def attached(known: Any, gradient: Any, loss: Any) -> Any:
        """Return the loss, whose derivatives are those of this function: a callback has none."""
        return loss

    def forward_attached(known: Any, gradient: Any, loss: Any) -> tuple[Any, Any]:
        return attached(known, gradient, loss), (known, gradient)

    def backward_attached(saved: Any, cotangent: Any) -> Any:
        known, gradient = saved
        return (*pull_back(known, gradient, cotangent), *[None] * (len(known) - count)), None, None

    @jax.custom_vjp
    def pull_back(known: Any, gradient: Any, cotangent: Any) -> Any:
        return tuple(
            part * _spread(cotangent, axes, chosen) for part, axes in zip(gradient, chosen.inner(), strict=False)
        )

    def forward_again(known: Any, gradient: Any, cotangent: Any) -> tuple[Any, Any]:
        return pull_back(known, gradient, cotangent), (known, gradient, cotangent)

    def backward_again(saved: Any, directions: Any) -> Any:
        known, gradient, cotangent = saved
        scaled = [v * _spread(cotangent, axes, chosen) for v, axes in zip(directions, chosen.inner(), strict=False)]
        products = _call_back(chosen, "hvp", known, scaled)
        terms = zip(gradient, directions, strict=True)
        in_cotangent = sum(jnp.sum(g * v, axis=tuple(range(cotangent.ndim, g.ndim))) for g, v in terms)
        return (*products, *[None] * (len(known) - count)), None, in_cotangent

    value.defvjp(forward, backward, symbolic_zeros=True)
    attached.defvjp(forward_attached, backward_attached)
    pull_back.defvjp(forward_again, backward_again)
    return value


def _spread(cotangent: Any, axes: int, chosen: _Chosen) -> Any:
    """Return what comes from above in the axes of a prediction."""
    return cotangent.reshape(cotangent.shape + (1,) * axes) if chosen.reduction == "none" else cotangent


def _call_back(chosen: _Chosen, function: str, arrays: Sequence[Any], directions: Sequence[Any] = ()) -> Any:
    """Call a function of the generated module from traced code."""
    count = chosen.arguments.predictions
    first = arrays[0]
    batch = chosen.arguments.batch(first.shape) if chosen.reduction == "none" else ()
    loss = jax.ShapeDtypeStruct(batch, first.dtype)
    derivative = tuple(jax.ShapeDtypeStruct(array.shape, first.dtype) for array in arrays[:count])
    shapes = {"value": loss, "value_and_grad": (loss, derivative), "hvp": derivative}[function]
    given = (*arrays, *directions)
    on_host = partial(_on_host, chosen, function, tuple(array.ndim for array in given))
    return jax.pure_callback(on_host, shapes, *given, vmap_method="expand_dims")


def _on_host(chosen: _Chosen, function: str, axes: tuple[int, ...], *given: Any) -> Any:
    """Call the module on arrays of NumPy."""
    package = chosen.loss.rpartition(".")[0]
    mode: Any = importlib.import_module(f"{package}._runtime.floating_point")
    with mode.subnormals():  # which XLA's threads flush to zero
        return _mapped(chosen, function, axes, [np.asarray(array) for array in given])


def _mapped(chosen: _Chosen, function: str, axes: tuple[int, ...], arrays: list[Array]) -> Any:
    """Call the module, once for each place along the axes that `jax.vmap` put before those declared."""
    extra = [array.shape[: array.ndim - own] for array, own in zip(arrays, axes, strict=True)]
    mapped = np.broadcast_shapes(*extra)
    if not mapped:
        return _plain(chosen, function, arrays)
    spread = [
        np.broadcast_to(array, mapped + array.shape[array.ndim - own :])
        for array, own in zip(arrays, axes, strict=True)
    ]
    together = _together(chosen, arrays, axes)
    if together is not None:
        return _plain(together, function, _unshared(chosen, arrays, spread))
    results = [_plain(chosen, function, [array[place] for array in spread]) for place in np.ndindex(mapped)]
    return jax.tree.map(lambda *parts: np.stack(parts).reshape(mapped + np.shape(parts[0])), *results)


def _together(chosen: _Chosen, arrays: Sequence[Array], axes: Sequence[int]) -> _Chosen | None:
    """Return what computes all places in one call: where there is no sum over a batch, or it is one of one sample."""
    arguments = chosen.arguments
    shared = [a.shape[: a.ndim - own] for a, own, s in zip(arrays, axes, arguments.shared, strict=False) if s]
    if arguments.over_sets or any(size != 1 for extra in shared for size in extra):
        return None
    batch = arguments.batch(arrays[0].shape[arrays[0].ndim - axes[0] :])
    if chosen.reduction == "none" or (not batch and chosen.reduction in _NUMBERED):
        return chosen._replace(reduction="none")
    return None


def _unshared(chosen: _Chosen, arrays: Sequence[Array], spread: Sequence[Array]) -> list[Array]:
    """Return the arrays with the axes of `jax.vmap`, except those that all samples share."""
    shared = [*chosen.arguments.shared, *[False] * (len(arrays) - len(chosen.arguments.shared))]
    inner = chosen.inner()
    return [
        array.reshape(array.shape[array.ndim - inner[number] :]) if shared[number] else wide
        for number, (array, wide) in enumerate(zip(arrays, spread, strict=True))
    ]


def _plain(chosen: _Chosen, function: str, given: Sequence[Array]) -> Any:
    """Call the generated module; derivatives are tuples."""
    arguments = chosen.arguments
    number = len(arguments.arrays)
    arrays, rest = given[:number], given[number:]
    weight, directions = (rest[0], rest[1:]) if chosen.weighted else (None, rest)
    keywords = arguments.keywords(chosen.parameters, weight, chosen.reduction)
    if directions:
        keywords["v"] = tuple(directions) if len(directions) > 1 else directions[0]
    result = getattr(module_of(chosen.loss), function)(*arrays, **keywords)
    if function == "value_and_grad":
        return np.asarray(result[0]), _as_tuple(result[1])
    return np.asarray(result) if function == "value" else _as_tuple(result)


def _as_tuple(derivative: Any) -> tuple[Array, ...]:
    return derivative if isinstance(derivative, tuple) else (derivative,)
