"""Functions of one sample: what the intermediate representation says, as Python."""

from __future__ import annotations

from dataclasses import dataclass, replace

from symloss import ir
from symloss.arguments import Argument, Parameter, Weight, is_class_label
from symloss.declare import Loss
from symloss.derive import Direction
from symloss.emit.numba_printer import Printer
from symloss.emit.text import CodeFunction, signature
from symloss.emit.twofold_printer import TwofoldPrinter
from symloss.lower import closed_bounds

_NAMES = {
    "value": "sample_value",
    "value_and_grad": "_value_and_grad_of_sample",
    "grad_and_hess": "_grad_and_hess_of_sample",
    "hvp": "_hvp_of_sample",
    "normalizer": "_normalizer_of_sample",
}
_SAYS = {
    "value": "Return the loss of one sample.",
    "value_and_grad": "Return the loss of one sample; compute its gradient.",
    "grad_and_hess": "Compute gradient and Hessian diagonal of one sample.",
    "hvp": "Compute the Hessian of one sample times a vector.",
    "normalizer": "Return what weighted_mean divides by for one sample.",
}


@dataclass(frozen=True)
class Sample:
    """A function of one sample and how to call it.

    Attributes
    ----------
    function : ir.Function
        What it computes.
    name : str
        What it is called.
    arguments : tuple of Argument
        Arrays and parameters, then directions.
    """

    function: ir.Function
    name: str
    arguments: tuple[Argument, ...]

    @property
    def arrays(self) -> tuple[Argument, ...]:
        """The arguments that vary with the sample or are shared by all, without parameters and directions."""
        return tuple(a for a in self.arguments if not isinstance(a, (Parameter, Direction)))

    @property
    def directions(self) -> tuple[Argument, ...]:
        """What a Hessian is multiplied by."""
        return tuple(a for a in self.arguments if isinstance(a, Direction))


def samples(loss: Loss, kernel: ir.Kernel) -> list[Sample]:
    """Return the functions of one sample with their names and arguments."""
    result = []
    for function in kernel.functions:
        if loss.sets:  # which are one sample
            function = replace(function, tiled=None)
        if loss.sets or not all(map(_is_made_of_entries, loss.arguments)):
            function = replace(function, entrywise=None)
        directions = tuple(map(Direction.of, loss.predictions)) if function.kind == "hvp" else ()
        public = function.kind == "value_and_grad" and not function.rows
        name = "sample_value_and_grad" if public else _NAMES[function.kind]
        result.append(Sample(function, name, (*loss.arguments, *directions)))
    return result


def _is_made_of_entries(argument: Argument) -> bool:
    """Whether an argument is the same for all entries of all samples, or has one number for each."""
    return isinstance(argument, Parameter) or (len(argument.dims) == 1 and not isinstance(argument, Weight))


def print_sample(sample: Sample, printer: Printer) -> list[CodeFunction | str]:
    """Return the function as text; with a form in numbers of two parts it is two functions, one for each dtype."""
    kind, brief = sample.function.kind, is_brief(sample, printer)
    if sample.function.refined is None and not brief:
        return [_print_plain(sample, sample.name, printer), *_print_hard(sample, printer)]
    plain, double = f"_plain_{kind}", f"_double_{kind}"
    function = _print_plain(sample, plain, printer)
    single = plain
    lines: list[CodeFunction | str] = [function]
    printer.functions.add("by_dtype")
    if brief:
        printer.functions.add("briefly")
        single = f"_brief_{kind}"
        lines.append(f"{single} = briefly({plain}, {function.decorator})")
    if sample.function.refined is None:
        return [*lines, f"{sample.name} = by_dtype({single}, {plain})"]
    printer.functions |= {"refined", "twofold"}
    finite, quick = _print_finite(sample, plain, printer)
    return [
        *lines,
        _print_refined(sample, printer),
        _print_double(sample, plain, double, printer),
        f"{sample.name} = by_dtype({single}, {double})",
        *finite,
        f"{finite_name(sample)} = by_dtype({single}, {quick})",
        _print_alone(sample),
    ]


def is_brief(sample: Sample, printer: Printer) -> bool:
    """Whether float32 samples, which are computed in float64, have functions that are only as good as they show."""
    return not printer.single and bool(ir.called(sample.function.body) & ir.BRIEF)


def hard_name(sample: Sample) -> str:
    """Return the name of the function for hard labels."""
    return f"_hard_{sample.function.kind}"


def _print_hard(sample: Sample, printer: Printer) -> list[CodeFunction]:
    if sample.function.hard is None:
        return []
    function = _print_plain(replace(sample, function=sample.function.hard), hard_name(sample), printer)
    return [replace(function, docstring=f"Return what `{sample.name}` does where labels are hard.")]


def finite_name(sample: Sample) -> str:
    """Return the name of the function that is right only where all numbers are finite, and faster."""
    return f"_finite_{sample.function.kind}"


def alone_name(sample: Sample) -> str:
    """Return the name of the function that is right everywhere and compiled apart from the loops that call it."""
    return f"_any_{sample.function.kind}"


def _print_finite(sample: Sample, plain: str, printer: Printer) -> tuple[list[CodeFunction], str]:
    """Return the function for finite float64, if it is another than the refined one, and its name."""
    assert sample.function.refined is not None
    wanted, results = sample.function.refined.scalars, sample.function.scalars
    if wanted == results:
        return [], _refined_name(sample)
    names = [a.name for a in sample.arguments]
    args = ", ".join(names)
    left = [result if result not in wanted else "_" for result in results]
    lines = [
        f"    {', '.join(left)} = {plain}({args})",
        f"    {', '.join(wanted)} = {_refined_name(sample)}({args})",
        f"    return {', '.join(results)}",
    ]
    name = f"_double{finite_name(sample)}"
    says = f"Return what `{sample.name}` does where all numbers are finite."
    return [CodeFunction(signature(name, names), says, tuple(lines), "inlined")], name


def _print_alone(sample: Sample) -> CodeFunction:
    """Return the function for what a block seldom holds: infinities and NaN.  In no loop it costs less to compile."""
    names = [a.name for a in sample.arguments]
    body = (f"    return {sample.name}({', '.join(names)})",)
    says = f"Return what `{sample.name}` does, from code of its own."
    return CodeFunction(signature(alone_name(sample), names), says, body, "kernel")


def _print_plain(sample: Sample, name: str, printer: Printer) -> CodeFunction:
    names = [a.name for a in sample.arguments]
    if sample.function.rows:
        names += [printer.local("factor"), *sample.function.rows]
    read = set(ir.used_in(sample.function.body))
    scalars = [a for a in sample.arguments if not a.dims and a.name in read]
    lines = [f"    {line}" for a in scalars for line in _scalar(a, printer)]
    if sample.function.rows or ir.has_loops(sample.function.body):
        lines.insert(0, f"    {printer.call_name('wide_vectors')}()")
    lines += printer.body(sample.function.body, 1)
    # A loop over samples becomes vectors only with the body in it.
    decorator = "polymorphic" if printer.single else "kernel" if sample.function.rows else "inlined"
    return CodeFunction(signature(name, names), _SAYS[sample.function.kind], tuple(lines), decorator)


def _print_double(sample: Sample, plain: str, name: str, printer: Printer) -> CodeFunction:
    """Return the function for float64: it replaces some scalars by refined ones."""
    assert sample.function.refined is not None
    names = [a.name for a in sample.arguments]
    args, results = ", ".join(names), sample.function.scalars
    wanted = sample.function.refined.scalars
    better = {result: printer.local(f"better_{result}") for result in wanted}
    lines = [
        f"    {', '.join(results)} = {plain}({args})",
        f"    {', '.join(better.values())} = {_refined_name(sample)}({args})",
        f"    return {', '.join(f'refined({r}, {better[r]})' if r in better else r for r in results)}",
    ]
    return CodeFunction(signature(name, names), _SAYS[sample.function.kind], tuple(lines), "inlined")


def _refined_name(sample: Sample) -> str:
    return f"_refined_{sample.function.kind}"


def _print_refined(sample: Sample, printer: Printer) -> CodeFunction:
    """Return the function that computes some scalars with numbers in two parts."""
    function = sample.function.refined
    assert function is not None
    pairs = TwofoldPrinter(printer)
    read = set(ir.used_in(function.body))
    alone = function.scalars == sample.function.scalars  # nothing else says that an argument is outside of its domain
    given = {
        a.name: printer.bounded(a.name, *closed_bounds(a)) if alone else a.name
        for a in sample.arguments
        if a.name in read
    }
    lines = [f"    {name} = {pairs.number_of(value)}" for name, value in given.items()]
    lines += pairs.body(function.body, 1)
    says = f"Return {' and '.join(function.scalars)} of one sample, from numbers in two parts."
    names = [a.name for a in sample.arguments]
    return CodeFunction(signature(_refined_name(sample), names), says, tuple(lines), "inlined")


def _scalar(argument: Argument, printer: Printer) -> list[str]:
    """Bind a scalar argument as float64, whatever its dtype, unless it may stay float32."""
    if is_class_label(argument) or isinstance(argument, Parameter):
        return []
    # float() of a float32 stays one in Numba
    given = argument.name if printer.single else f"np.float64({argument.name})"
    value = printer.bounded(given, *closed_bounds(argument))
    return [] if value == argument.name else [f"{argument.name} = {value}"]


def _first_row(sample: Sample) -> str:
    return next(a.name for a in sample.arguments if a.dims and a.role == "prediction")


def public_rows(sample: Sample, printer: Printer) -> CodeFunction | None:
    """Return ``sample_value_and_grad`` of a loss with rows: the unscaled form of the function that kernels call."""
    if sample.function.kind != "value_and_grad" or not sample.function.rows:
        return None
    names = [a.name for a in sample.arguments]
    one = f"{printer.call_name('in_dtype_of')}({_first_row(sample)}, 1.0)" if printer.single else "1.0"
    args = ", ".join([*names, one, *sample.function.rows])
    return CodeFunction(
        signature("sample_value_and_grad", [*names, *sample.function.rows]),
        "Return the loss of one sample and write its gradient.",
        (f"    return {sample.name}({args})",),
    )
