"""Block kernels: the loop over samples around a function of one sample, with weights and the check of targets."""

from __future__ import annotations

import math

from sympy import FiniteSet, Interval, S

from symloss import ir
from symloss.arguments import Argument, Target, Weight
from symloss.emit.numba_printer import Printer, number
from symloss.emit.samples import Sample, alone_name, finite_name, hard_name
from symloss.emit.text import CodeFunction, call_lines, signature

_SAYS = {
    "value": "Write the weighted losses of a block of samples.",
    "value_and_grad": "Write the weighted losses and scaled gradients of a block of samples.",
    "grad_and_hess": "Write the scaled gradients and Hessian diagonals of a block of samples.",
    "hvp": "Write the scaled products of a block of samples.",
    "normalizer": "Write the weighted normalizers of a block of samples.",
}


_TOTALS = {"value": "_total", "value_and_grad": "_total_and_grad", "normalizer": "_total_normalizer"}
_SAYS_OF_TOTALS = {
    "value": "Return the sum of the weighted losses of a block of samples.",
    "value_and_grad": "Return the sum of the weighted losses of a block of samples; write their scaled gradients.",
    "normalizer": "Return the sum of the weighted normalizers of a block of samples.",
}


def print_block(sample: Sample, parameters: tuple[str, ...], printer: Printer, told: bool) -> CodeFunction:
    """Return the kernel that calls the function of one sample for each sample of a block.

    ``told``: whether kernels of the module are told how long rows are.
    """
    kind = sample.function.kind
    block = Block(sample, parameters, printer, told)
    names = block.inputs + [v.name for v in sample.directions] + block.outputs
    return CodeFunction(signature(f"_{kind}", names), _SAYS[kind], tuple(block.lines()))


def print_total(sample: Sample, parameters: tuple[str, ...], printer: Printer, told: bool) -> CodeFunction | None:
    """Return the kernel that sums what the block kernel writes first, a chunk at a time; None where that is no loss."""
    kind = sample.function.kind
    if kind not in _TOTALS:
        return None
    block = Block(sample, parameters, printer, told)
    head = signature(_TOTALS[kind], block.inputs + block.outputs[1:])
    return CodeFunction(head, _SAYS_OF_TOTALS[kind], tuple(block.total_lines(f"_{kind}")))


class Block:
    """The names and pieces of the block kernels of one function."""

    def __init__(self, sample: Sample, parameters: tuple[str, ...], printer: Printer, told: bool = False) -> None:
        self._sample, self._parameters, self._printer = sample, parameters, printer
        self.weight, self.scale = printer.local("weight"), printer.local("scale")
        self._factor, self._inside, self._i = printer.local("factor"), printer.local("inside"), printer.local("i")
        self._finite = printer.local("finite")
        function = sample.function
        self.has_factor = function.kind not in ("value", "normalizer")
        self._results = {"loss": "losses", "normalizer": "normalizers"}
        first = [self.output(name) for name in function.scalars if name in self._results]
        order = [name for name in _order(sample) if name not in self._results]
        self.outputs = first + order
        self._arrays = [a.name for a in sample.arrays]
        # True or None: what is not wanted is not compiled.
        self._lengths = [printer.local("short"), printer.local("long")] if told else []
        self.inputs = [*self._arrays, *parameters, *self._lengths, self.weight] + (
            [self.scale] if self.has_factor else []
        )

    def output(self, name: str) -> str:
        """Return what the array of a scalar result is called."""
        return self._results.get(name, name)

    def lines(self) -> list[str]:
        """Return the body of the kernel."""
        count = f"{self.outputs[0]}.shape[0]"
        refined = self._sample.function.refined is not None
        lines = [f"    {self._printer.call_name('wide_vectors')}()"]
        if self._is_costly() and not ir.has_loops(self._sample.function.body):
            lines.append(f"    {self._printer.call_name('four_at_a_time')}()")
        lines.append(f"    {self._inside}, {self._finite} = True, True" if refined else f"    {self._inside} = True")
        short = self._short()
        lines += [*self.scale_lines(), *short]
        loop = [f"    for {self._i} in range({count}):"]
        loop += [f"        {self._inside} &= {check}" for a in self._sample.arrays if (check := self.check(a))]
        if self._sample.function.rows:
            factor = self._weighted(self.scale)
            if self._printer.single and self._sample.function.rows:  # whatever the dtype of weights
                factor = f"{self._printer.call_name('in_dtype_of')}({self._arrays[0]}, {factor})"
            loop.append(f"        {self._factor} = {factor}")
        loop += self._call_finite(count) if refined else self._call(self._sample.name)
        if short:
            loop = [f"    if {self._lengths[1]} is not None:", *("    " + line for line in loop)]
        return [*lines, *self._hard(count), *loop, f"    return {self._inside}"]

    def _hard(self, count: str) -> list[str]:
        """Return the loop over samples whose labels are all hard, if there is a shorter form for these."""
        if self._sample.function.hard is None:
            return []
        (target,) = (a for a in self._sample.arrays if isinstance(a, Target))
        low, high = closed_interval(target.domain)
        call = self._call(hard_name(self._sample))
        return [
            f"    if {self._printer.call_name('all_hard')}({target.name}, {number(low)}, {number(high)}):",
            f"        for {self._i} in range({count}):",
            *("    " + line for line in call),
            f"        return {self._inside}",
        ]

    def _call_finite(self, count: str) -> list[str]:
        """Return what is right for finite numbers, and a second loop for blocks that hold others."""
        scalars = self._sample.function.scalars
        first, *others = [
            self._entry(a) for a in (*self._sample.arrays, *self._sample.directions) if not isinstance(a, Weight)
        ]
        results = [f"{name}_{self._i}" for name in scalars]
        test = self._printer.call_name("finite_with")
        return [
            *self._call(finite_name(self._sample), apart=True),
            *(f"        {self._finite} &= {test}({first}, {value})" for value in [*others, *results]),
            f"    if not {self._finite}:",
            f"        for {self._i} in range({count}):",
            *("    " + line for line in self._call(alone_name(self._sample))),
        ]

    def _short(self) -> list[str]:
        """Leave short rows to another kernel."""
        function = self._sample.function
        if function.tiled is None and function.entrywise is None:
            return []
        name = entries_name(self._sample) if function.tiled is None else tiles_name(self._sample)
        args = [name for name in self.inputs if name not in self._lengths]
        args += [*(v.name for v in self._sample.directions), *self.outputs]
        return [f"    if {self._lengths[0]} is not None:", *call_lines(f"return {name}(", args, ")", 2)]

    def scale_lines(self) -> list[str]:
        """Return the line that gives the scale the dtype that is computed with."""
        if not (self._printer.single and self.has_factor):
            return []
        in_dtype = self._printer.call_name("in_dtype_of")
        return [f"    {self.scale} = {in_dtype}({self._arrays[0]}, {self.scale})"]

    def checks_of_part(self, part: str = "", depth: int = 1) -> list[str]:
        """Return the lines that test the targets of some samples, or of all."""
        tab, lines = "    " * depth, list[str]()
        for a in self._sample.arrays:
            test = self.check(a)
            if test is None:
                continue
            if a.dims and isinstance(a.domain, Interval):
                low, high = map(number, closed_interval(a.domain))
                all_inside = self._printer.call_name("all_inside")
                lines.append(
                    f"{tab}{self._inside} &= {all_inside}({a.name}{f'[{part}]' if part else ''}, {low}, {high})"
                )
            else:
                samples = f"{part}.start, {part}.stop" if part else f"{a.name}.shape[0]"
                lines.append(f"{tab}for {self._i} in range({samples}):")
                lines.append(f"{tab}    {self._inside} &= {test}")
        return lines

    def total_lines(self, kernel: str) -> list[str]:
        """Return the body of the kernel that sums what ``kernel`` writes first."""
        local, call_name = self._printer.local, self._printer.call_name
        total, lost, terms, part = local("total"), local("lost"), local("terms"), local("part")
        start, chunk = local("start"), call_name("SHORT_CHUNK" if self._streams() else "CHUNK")
        room = f"{chunk}, {self._arrays[0]}.dtype" if self._printer.single else chunk
        first, varying = self._arrays[0], {a.name for a in self._sample.arrays if not isinstance(a, Weight)}
        cut = {name: f"{name}[{part}]" for name in [*varying, *self.outputs[1:]]}
        cut[self.weight] = f"{call_name('cut')}({self.weight}, {part})"
        args = [cut.get(name, name) for name in self.inputs]
        args += [f"{terms}[: {part}.stop - {part}.start]", *(cut[name] for name in self.outputs[1:])]
        return [
            f"    {call_name('wide_vectors')}()",
            f"    {self._inside}, {total}, {lost}, {terms} = True, 0.0, 0.0, np.empty({room})",
            f"    for {start} in range(0, {first}.shape[0], {chunk}):",
            f"        {part} = slice({start}, min({start} + {chunk}, {first}.shape[0]))",
            *call_lines(f"{self._inside} &= {kernel}(", args, ")", 2),
            f"        {total}, {lost} = {call_name('add_terms')}("
            f"{total}, {lost}, {terms}[: {part}.stop - {part}.start], {first})",
            f"    return {self._inside}, {call_name('settle')}({total}, {lost})",
        ]

    def _streams(self) -> bool:
        """Whether several arrays go by while next to nothing is computed."""
        function = self._sample.function
        return function.kind != "normalizer" and function.refined is None and not self._is_costly()

    def _is_costly(self) -> bool:
        return bool(ir.called(self._sample.function.body) & ir.COSTLY)

    def _call(self, called: str, apart: bool = False) -> list[str]:
        """Return the lines that call a function of one sample; ``apart``: and name even a single result."""
        function = self._sample.function
        args = [self._entry(a) for a in self._sample.arrays] + list(self._parameters)
        args += [self._entry(v) for v in self._sample.directions]
        if function.rows:
            args += [self._factor, *(self._row(name) for name in function.rows)]
        weighed = f"{self._printer.call_name('weighed')}({self.weight}, {self._i}" if function.scalars else ""
        if len(function.scalars) == 1 and not apart:
            (name,) = function.scalars
            target = f"{self.output(name)}[{self._i}]"
            return call_lines(f"{target} = {weighed}, {self._by(name)}, {called}(", args, "))", 2)
        if not function.scalars:
            return call_lines(f"{called}(", args, ")", 2)
        local = [f"{name}_{self._i}" for name in function.scalars]
        lines = call_lines(f"{', '.join(local)} = {called}(", args, ")", 2)
        for name, value in zip(function.scalars, local, strict=True):
            lines.append(f"        {self.output(name)}[{self._i}] = {weighed}, {self._by(name)}, {value})")
        return lines

    def _by(self, name: str) -> str:
        return "1.0" if name in self._results else self.scale

    def _weighted(self, factor: str, place: str = "") -> str:
        return f"{self._printer.call_name('weighted')}({self.weight}, {place or self._i}, {factor})"

    def _entry(self, argument: Argument) -> str:
        if isinstance(argument, Weight):
            return argument.name if argument.dims else f"{argument.name}[()]"
        return self._row(argument.name) if argument.dims else f"{argument.name}[{self._i}]"

    def _row(self, name: str) -> str:
        """Return a sample of an array; of one with a single inner axis, without a count of its owners."""
        if any(len(a.dims) > 1 for a in self._sample.arrays):
            return f"{name}[{self._i}]"
        return f"{self._printer.call_name('row_at')}({name}, {self._i})"

    def check(self, argument: Argument) -> str | None:
        """Return the test that the targets of one sample are inside their domain."""
        domain = argument.domain
        if not isinstance(argument, Target) or domain == S.Reals:
            return None
        entry = self._entry(argument)
        if isinstance(domain, Interval):
            low, high = closed_interval(domain)
            test = self._printer.call_name("row_in_interval" if argument.dims else "in_interval")
            return f"{test}({entry}, {number(low)}, {number(high)})"
        if isinstance(domain, FiniteSet):
            test = self._printer.call_name("row_of" if argument.dims else "one_of")
            return f"{test}({entry}, {finite_members(domain)})"
        return None


def tiles_name(sample: Sample) -> str:
    """Return the name of the kernel that works on tiles of samples."""
    return f"_{sample.function.kind}_by_tiles"


def entries_name(sample: Sample) -> str:
    """Return the name of the kernel that works on the entries of several short rows."""
    return f"_{sample.function.kind}_by_entries"


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
