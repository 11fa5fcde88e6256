"""The order of the stages, and nothing of their content."""

from __future__ import annotations

from collections.abc import Callable

from symloss.declare import Loss
from symloss.derive import Output, derive
from symloss.emit.artifacts import Artifacts, emit
from symloss.emit.listing import list_kernel, list_loss, list_outputs
from symloss.lower import lower
from symloss.rewrite import canonicalize, stabilize
from symloss.schedule import schedule
from symloss.specialize import specialize


def compile_loss(loss: Loss) -> Artifacts:
    """Return kernel and document of a loss."""
    body = canonicalize(loss)  # Loss     -> Loss      textbook forms become primitives
    outputs = derive(body)  # Loss     -> [Output]  value, gradient, Hessian diagonal, hvp
    stable = stabilize(outputs)  # [Output] -> [Output]  same values, no cancellation or overflow
    exact = specialize(stable)  # [Output] -> [Output]  same values, in sums and maxima, exact at the ends
    kernel = lower(exact)  # [Output] -> Kernel    naive loop nest
    planned = schedule(kernel)  # Kernel   -> Kernel    shared, hoisted, fused
    return emit(planned, loss, outputs, stable)  # Kernel   -> Artifacts paths and text


STAGES: dict[str, Callable[[Loss], str]] = {
    "declared": lambda loss: list_loss(loss),
    "canonical": lambda loss: list_loss(canonicalize(loss)),
    "derived": lambda loss: list_outputs(derive(canonicalize(loss))),
    "stable": lambda loss: list_outputs(stabilize(derive(canonicalize(loss)))),
    "exact": lambda loss: list_outputs(_exact(loss)),
    "lowered": lambda loss: list_kernel(lower(_exact(loss)), loss),
    "scheduled": lambda loss: list_kernel(schedule(lower(_exact(loss))), loss),
    "kernel": lambda loss: compile_loss(loss).text(f"{loss.name}.py"),
    "latex": lambda loss: compile_loss(loss).text(f"docs/{loss.name}.tex"),
}


def _exact(loss: Loss) -> tuple[Output, ...]:
    return specialize(stabilize(derive(canonicalize(loss))))
