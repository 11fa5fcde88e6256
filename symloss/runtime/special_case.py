"""Kernels of their own for certain values of parameters, in a module beside that of the loss."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .driver import Driver


def _left_to(own: Callable[..., Any]) -> Any:
    """Return a method that calls this one of the chosen driver."""

    def method(self: SpecialCase, arrays: Sequence[Any], parameters: Sequence[Any], **options: Any) -> Any:
        driver, parameters = self._chosen(parameters)
        return own(driver, arrays, parameters, **options)

    method.__name__, method.__doc__ = own.__name__, "See `Driver`."
    return method


class SpecialCase:
    """A driver that leaves certain values of the parameters to that of another module.

    Parameters
    ----------
    general : Driver
        For all other values.
    values : tuple of float or None
        One a parameter; None where any will do.
    module : str
        Full name of a generated module, whose driver takes the parameters that may have any value.  It is imported
        when it is first needed.

    Attributes
    ----------
    alone : bool
        Whether the general kernels are to be called for all values, as a check of these wants.
    """

    def __init__(self, general: Driver, values: tuple[float | None, ...], module: str) -> None:
        self._general, self._module = general, module
        self._wanted = [(place, value) for place, value in enumerate(values) if value is not None]
        self._others = [place for place, value in enumerate(values) if value is None]
        self._special: Driver | None = None
        self.alone = False

    def _chosen(self, parameters: Sequence[Any]) -> tuple[Driver, Sequence[Any]]:
        """Return the driver for some values of the parameters, and those that it takes."""
        if self.alone:
            return self._general, parameters
        for place, value in self._wanted:
            given = parameters[place]
            if not isinstance(given, (float, int)) or given != value:
                return self._general, parameters
        if self._special is None:
            self._special = importlib.import_module(self._module)._DRIVER
        return self._special, [parameters[place] for place in self._others]

    value = _left_to(Driver.value)
    grad = _left_to(Driver.grad)
    value_and_grad = _left_to(Driver.value_and_grad)
    grad_and_hess = _left_to(Driver.grad_and_hess)
    hvp = _left_to(Driver.hvp)

    def refuse(self, unknown: Mapping[str, Any]) -> None:
        """See `Driver`."""
        self._general.refuse(unknown)
