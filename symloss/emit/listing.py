"""Every stage of the compiler as plain text, for people."""

from __future__ import annotations

from collections.abc import Iterable

from symloss import ir
from symloss.declare import Loss
from symloss.derive import Output
from symloss.emit.numba_printer import Printer
from symloss.lattices.adjoint import adjoint_equation
from symloss.lattices.lattice import Lattice


def list_loss(loss: Loss) -> str:
    """Return expression, normalizer and arguments of a loss."""
    lines = [f"{loss.name} = {loss.expr}"]
    if loss.normalizer != 1:
        lines.append(f"normalizer = {loss.normalizer}")
    for a in loss.arguments:
        lines.append(f"{a.role} {a.name}{list(a.dims) if a.dims else ''} in {a.domain}")
    return "\n".join(lines)


def list_outputs(outputs: Iterable[Output]) -> str:
    """Return one line an output."""
    return "\n".join(f"{_heading(output)} = {output.expr}" for output in outputs)


def _heading(output: Output) -> str:
    if output.wrt is None:
        return output.kind
    place = f"[{', '.join(map(str, output.index))}]" if output.index else ""
    return f"{output.kind} in {output.wrt.name}{place}"


def list_recurrence(lattice: Lattice) -> str:
    """Return the recurrence of a loss, and the one derived for its gradient."""
    total, (beta, equation) = lattice.total, adjoint_equation(lattice)
    alpha, at = total.workspace.name, f"[{', '.join(step.name for step in lattice.steps)}]"
    lines = [f"{alpha}{at} = {total.equation}"]
    lines += [f"{alpha}[{', '.join(map(str, point))}] = {value}" for point, value in total.boundary]
    ends = " + ".join(f"exp({alpha}[{', '.join(map(str, p))}] + {value})" for p, value in total.result)
    lines += [f"total = log({ends})", f"{beta.name}{at} = {equation}"]
    lines += [f"{beta.name}[{', '.join(map(str, point))}] = {value}" for point, value in total.result]
    lines.append(f"d total / d (weight of {at}) = exp({alpha}{at} + {beta.name}{at} - total)")
    return "\n".join(lines)


def list_kernel(kernel: ir.Kernel, loss: Loss) -> str:
    """Return the functions of a kernel as indented text."""
    printer = Printer(a.name for a in loss.arguments)
    parts = []
    for function in kernel.functions:
        parts.append(f"{function.kind} -> {', '.join([*function.scalars, *function.rows])}")
        parts += printer.body(function.body, 1)
    return "\n".join(parts)
