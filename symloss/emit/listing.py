"""Every stage of the compiler as plain text, for people."""

from __future__ import annotations

from collections.abc import Iterable

from symloss import ir
from symloss.declare import Loss
from symloss.derive import Output
from symloss.emit.numba_printer import Printer


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


def list_kernel(kernel: ir.Kernel, loss: Loss) -> str:
    """Return the functions of a kernel as indented text."""
    printer = Printer(a.name for a in loss.arguments)
    parts = []
    for function in kernel.functions:
        parts.append(f"{function.kind} -> {', '.join([*function.scalars, *function.rows])}")
        parts += printer.body(function.body, 1)
    return "\n".join(parts)
