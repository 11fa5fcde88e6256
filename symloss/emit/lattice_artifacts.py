"""All texts of one loss over a recurrence."""

from __future__ import annotations

from symloss.emit.artifacts import Artifacts
from symloss.emit.lattice_kernels import lattice_module
from symloss.emit.recurrence_document import recurrence_page
from symloss.lattices.plan import Plan


def emit_lattice(plan: Plan) -> Artifacts:
    """Return module and document of a loss."""
    loss = plan.lattice.loss
    files = (f"{loss.name}.py", lattice_module(loss, plan)), (f"docs/{loss.name}.tex", recurrence_page(plan.lattice))
    return Artifacts(loss.name, files)
