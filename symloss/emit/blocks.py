"""Block kernels: the loop over samples around a function of one sample, with weights and the check of targets."""

from __future__ import annotations

import math

from sympy import FiniteSet, Interval, S

from symloss.arguments import Argument, Target, Weight
from symloss.emit.numba_printer import Printer, number
from symloss.emit.samples import Sample
from symloss.emit.text import CodeFunction, call_lines, signature

_SAYS = {
    "value": "Write the weighted losses of a block of samples.",
    "value_and_grad": "Write the weighted losses and scaled gradients of a block of samples.",
    "grad_and_hess": "Write the scaled gradients and Hessian diagonals of a block of samples.",
    "hvp": "Write the scaled products of a block of samples.",
    "normalizer": "Write the weighted normalizers of a block of samples.",
}


def print_block(sample: Sample, parameters: tuple[str, ...], printer: Printer) -> CodeFunction:
    """Return the kernel that calls the function of one sample for each sample of a block."""
    kind = sample.function.kind
    block = _Block(sample, parameters, printer)
    names = [a.name for a in sample.arrays] + list(parameters) + [block.weight]
    names += [block.scale] if block.has_factor else []
    names += [v.name for v in sample.directions] + block.outputs
    return CodeFunction(signature(f"_{kind}", names), _SAYS[kind], tuple(block.lines()))


class _Block:
    def __init__(self, sample: Sample, parameters: tuple[str, ...], printer: Printer) -> None:
        self._sample, self._parameters, self._printer = sample, parameters, printer
        self.weight, self.scale = printer.local("weight"), printer.local("scale")
        self._factor, self._inside, self._i = printer.local("factor"), printer.local("inside"), printer.local("i")
        function = sample.function
        self.has_factor = function.kind not in ("value", "normalizer")
        self._results = {"loss": "losses", "normalizer": "normalizers"}
        first = [self._output(name) for name in function.scalars if name in self._results]
        order = [name for name in _order(sample) if name not in self._results]
        self.outputs = first + order

    def _output(self, name: str) -> str:
        return self._results.get(name, name)

    def lines(self) -> list[str]:
        count = f"{self.outputs[0]}.shape[0]"
        lines = [f"    {self._inside} = True", f"    for {self._i} in range({count}):"]
        lines += [f"        {self._inside} &= {check}" for a in self._sample.arrays if (check := self._check(a))]
        if self.has_factor:
            lines.append(f"        {self._factor} = {self.weight}[{self._i}] * {self.scale}")
        lines += self._call()
        return [*lines, f"    return {self._inside}"]

    def _call(self) -> list[str]:
        function = self._sample.function
        args = [self._entry(a) for a in self._sample.arrays] + list(self._parameters)
        args += [self._entry(v) for v in self._sample.directions]
        if function.rows:
            args += [self._factor, *(f"{row}[{self._i}]" for row in function.rows)]
        scaled = self._printer.call_name("scaled") if function.scalars else ""
        if len(function.scalars) == 1:
            (name,) = function.scalars
            target = f"{self._output(name)}[{self._i}]"
            return call_lines(f"{target} = {scaled}({self._by(name)}, {self._sample.name}(", args, "))", 2)
        if not function.scalars:
            return call_lines(f"{self._sample.name}(", args, ")", 2)
        local = [f"{name}_{self._i}" for name in function.scalars]
        lines = call_lines(f"{', '.join(local)} = {self._sample.name}(", args, ")", 2)
        for name, value in zip(function.scalars, local, strict=True):
            lines.append(f"        {self._output(name)}[{self._i}] = {scaled}({self._by(name)}, {value})")
        return lines

    def _by(self, name: str) -> str:
        return f"{self.weight}[{self._i}]" if name in self._results else self._factor

    def _entry(self, argument: Argument) -> str:
        if isinstance(argument, Weight):
            return argument.name if argument.dims else f"{argument.name}[()]"
        return f"{argument.name}[{self._i}]"

    def _check(self, argument: Argument) -> str | None:
        """Return the test that the targets of one sample are inside their domain."""
        domain = argument.domain
        entry = f"{argument.name}[{self._i}]"
        if not isinstance(argument, Target) or domain == S.Reals:
            return None
        if isinstance(domain, Interval):
            low, high = closed_interval(domain)
            test = self._printer.call_name("row_in_interval" if argument.dims else "in_interval")
            return f"{test}({entry}, {number(low)}, {number(high)})"
        if isinstance(domain, FiniteSet):
            test = self._printer.call_name("row_of" if argument.dims else "one_of")
            return f"{test}({entry}, {finite_members(domain)})"
        return None


def _order(sample: Sample) -> list[str]:
    """Return results in the order of kinds, then of predictions, rows and scalars mixed."""
    function = sample.function
    names = [*function.scalars, *function.rows]
    predictions = [a.name for a in sample.arguments if a.role == "prediction"]
    kinds = ("grad", "hess", "product")
    return [f"{kind}_{p}" for kind in kinds for p in predictions if f"{kind}_{p}" in names]


def closed_interval(domain: Interval) -> tuple[float, float]:
    """Return the least and the greatest float64 of an interval."""
    low, high = float(domain.start), float(domain.end)
    low = math.nextafter(low, math.inf) if domain.left_open and math.isfinite(low) else low
    return low, math.nextafter(high, -math.inf) if domain.right_open and math.isfinite(high) else high


def finite_members(domain: FiniteSet) -> str:
    """Return the members of a finite set as a Python tuple."""
    members = ", ".join(repr(float(member)) for member in sorted(domain))
    return f"({members},)" if len(domain) == 1 else f"({members})"
