"""All texts of one loss over a recurrence."""

from __future__ import annotations

from symloss.emit.artifacts import Artifacts
from symloss.emit.lattice_kernels import lattice_module
from symloss.lattices.plan import Plan


def emit_lattice(plan: Plan) -> Artifacts:
    """Return the module of a loss."""
    loss = plan.lattice.loss
    return Artifacts(loss.name, ((f"{loss.name}.py", lattice_module(loss, plan)),))
