"""The order of the stages, and nothing of their content."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sympy import Interval

from symloss.arguments import Parameter, Target, Weight
from symloss.certificate import Shelf
from symloss.curvature import CURVATURES, curvature, has_curvatures, in_place_of_hessian, named
from symloss.declare import Loss
from symloss.derive import Output, derive
from symloss.emit.artifacts import Artifacts, emit
from symloss.emit.lattice_artifacts import emit_lattice
from symloss.emit.listing import list_kernel, list_loss, list_outputs, list_recurrence
from symloss.errors import SpecError
from symloss.hard_labels import hard_target, harden, simplify, with_hard_forms
from symloss.ir import Kernel
from symloss.lattices.lattice import has_recurrence, lattice_of
from symloss.lattices.plan import plan
from symloss.lower import lower
from symloss.refine import narrow, refine
from symloss.rewrite import canonicalize, stabilize
from symloss.schedule import schedule
from symloss.specialize import specialize


def compile_loss(loss: Loss, shelf: Shelf | None = None) -> Artifacts:
    """Return kernel and document of a loss; its certificate, if any, is on the shelf."""
    if has_recurrence(loss):
        return compile_recurrence(loss)
    body = canonicalize(loss)  # Loss     -> Loss      textbook forms become primitives
    outputs = derive(body)  # Loss     -> [Output]  value, gradient, Hessian diagonal, hvp
    return compile_outputs(loss, outputs, shelf)


def compile_outputs(loss: Loss, outputs: tuple[Output, ...], shelf: Shelf | None = None) -> Artifacts:
    """Return kernel and document of what was derived from a loss."""
    stable = stabilize(outputs)  # [Output] -> [Output]  same values, no cancellation or overflow
    exact = specialize(stable)  # [Output] -> [Output]  same values, in sums and maxima, exact at the ends
    kernel = narrow(lower(exact), labels(loss), wide(loss))  # [Output] -> Kernel    naive loop nest
    planned = schedule(kernel)  # Kernel   -> Kernel    shared, hoisted, fused
    refined = refine(planned, labels(loss))  # Kernel   -> Kernel    in two parts where roundings add up
    full = _with_hard_forms(refined, loss, stable)  # Kernel   -> Kernel    shorter where labels are hard
    return emit(full, loss, outputs, stable, shelf)  # Kernel   -> Artifacts paths and text


def _with_hard_forms(kernel: Kernel, loss: Loss, stable: tuple[Output, ...]) -> Kernel:
    target = hard_target(loss)
    if target is None or not kernel.single:  # the bits of float32 that is computed in float64 would be others
        return kernel
    naive = simplify(lower(specialize(harden(stable, target))), target)
    return with_hard_forms(kernel, schedule(replace(naive, single=True)))


def compile_curvatures(loss: Loss) -> dict[str, Artifacts | None]:
    """Return kernels with other curvatures in place of the Hessian diagonal, by kind; None where it is that itself."""
    if not has_curvatures(loss):
        return {}
    outputs = derive(canonicalize(loss))
    exact = next(o.expr for o in outputs if o.kind == "hessian")
    found: dict[str, Artifacts | None] = {}
    for kind in CURVATURES:
        expr = curvature(kind, loss, outputs)
        if expr is not None:
            own = in_place_of_hessian(outputs, expr)
            found[kind] = None if expr == exact else compile_outputs(named(loss, kind), own)
    return found


def compile_recurrence(loss: Loss) -> Artifacts:
    """Return the kernel of a loss over a recurrence."""
    lattice = lattice_of(loss)  # Loss    -> Lattice   arcs, weights, where paths begin and end
    planned = plan(lattice)  # Lattice -> Plan      fronts, their order, what is kept along them
    return emit_lattice(planned)  # Plan    -> Artifacts the sweeps, and the derived adjoint


def labels(loss: Loss) -> tuple[str, ...]:
    """Return the names of the targets that a sample may fully have, or not: those whose domain has two ends."""
    return tuple(t.name for t in loss.of_role(Target) if t.domain.inf.is_finite and t.domain.sup.is_finite)


def wide(loss: Loss) -> tuple[str, ...]:
    """Return the names of what stays float64: parameters, class weights, predictions with an open end.

    The number next to an open end, which is the first that is allowed, is no float32.
    """
    always = [a.name for role in (Parameter, Weight) for a in loss.of_role(role)]
    return (*always, *(p.name for p in loss.predictions if _has_open_end(p.domain)))


def _has_open_end(domain: Any) -> bool:
    if not isinstance(domain, Interval):
        return False
    return bool((domain.left_open and domain.start.is_finite) or (domain.right_open and domain.end.is_finite))


STAGES: dict[str, Callable[[Loss], str]] = {
    "declared": lambda loss: list_loss(loss),
    "canonical": lambda loss: list_loss(canonicalize(loss)),
    "derived": lambda loss: list_recurrence(lattice_of(loss)) if has_recurrence(loss) else list_outputs(_derived(loss)),
    "stable": lambda loss: list_outputs(stabilize(derive(canonicalize(loss)))),
    "exact": lambda loss: list_outputs(_exact(loss)),
    "lowered": lambda loss: list_kernel(lower(_exact(loss)), loss),
    "scheduled": lambda loss: list_kernel(schedule(lower(_exact(loss))), loss),
    "kernel": lambda loss: compile_loss(loss).text(f"{loss.name}.py"),
    "latex": lambda loss: compile_loss(loss).text(f"docs/{loss.name}.tex"),
}


RECURRENCE_STAGES = ("declared", "derived", "kernel", "latex")


def text_of_stage(loss: Loss, name: str) -> str:
    """Return a loss as one stage leaves it.

    Raises
    ------
    SpecError
        For a stage that a loss over a recurrence does not go through.
    """
    if has_recurrence(loss) and name not in RECURRENCE_STAGES:
        stages = ", ".join(RECURRENCE_STAGES)
        raise SpecError(f"{loss.name}: a loss over a recurrence has the stages {stages}, not {name}", loss.source)
    return STAGES[name](loss)


def _derived(loss: Loss) -> tuple[Output, ...]:
    return derive(canonicalize(loss))


def _exact(loss: Loss) -> tuple[Output, ...]:
    return specialize(stabilize(derive(canonicalize(loss))))
