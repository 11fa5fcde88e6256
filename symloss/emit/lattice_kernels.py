"""The generated module of a loss over a recurrence."""

from __future__ import annotations

import ast
import re

from symloss.arguments import Argument, Parameter, is_class_label, label_bounds
from symloss.declare import Loss
from symloss.emit.environment import render
from symloss.emit.kernels import _docstring, _import_lines, repr_text
from symloss.emit.lattice_along import Along
from symloss.emit.lattice_best import Best
from symloss.emit.lattice_leaks import Leaks
from symloss.emit.lattice_pieces import POOL
from symloss.emit.lattice_samples import Samples
from symloss.emit.lattice_sweeps import Sweeps
from symloss.emit.lattice_text import Code
from symloss.emit.text import CodeFunction, call_lines, signature
from symloss.lattices.lattice import arguments_of_lattice
from symloss.lattices.plan import Plan
from symloss.recurrence import Length

_RUNTIME = {
    "lattice": (
        "HELD", "NOWHERE", "across", "add_jump_shares", "begin", "distinct", "exponential", "exponentials", "finish",
        "gap", "halved", "is_level", "level", "logarithm", "multiply", "nothing", "products", "resume", "settled",
        "share", "shares",
    ),
    "front_rows": ("STRANDS", "complete_row", "grouped", "keep_rounded", "spread", "sum_groups", "weigh_row"),
    "plain_fronts": (
        "BOTH", "FAINT", "FAR", "LITTLE", "TINY", "complete_entries", "complete_places", "exponent_of", "power",
        "readers", "sparingly", "weigh_places", "worth_keeping",
    ),
    "gauges": ("LONG", "PERIOD", "change", "ended", "factors", "guarded_factors", "renew"),
    "leaks": ("SLIGHT", "as_floats", "set_aside", "sum_of_rest", "upright"),
    "greatest": ("as_whole", "greater"),
    "lattice_along": (
        "across_along", "add_balanced", "add_jump_turns", "add_turn", "balance_turns", "begin_along", "finish_along",
        "mean_along", "resume_along", "turns_of",
    ),
    "lattice_cut": ("balance_arcs", "balance_points"),
    "lattice_reference": ("add_other_jumps", "balance", "balance_places", "missed_at_end", "missed_before"),
    "lattice_rows": ("add_share", "clear", "log_total", "rounded", "statistics", "widened"),
    "elementary": ("add_exactly", "log1p", "settle"),
    "loops": ("wide_vectors",),
    "pointers": ("extent", "in_order", "start_of", "whole"),
    "pools": ("cleared", "float_rows", "floats", "pools", "wholes", "zeroed"),
    "spans": ("copy_rows", "span"),
    "stretches": ("borrowed", "row_at", "stretch"),
}  # fmt: skip
_PUBLIC = {
    "value": 'Return the loss: a scalar, or one of each sample with reduction="none".',
    "grad": "Return the derivative of the reduced loss in the predictions.",
    "value_and_grad": "Return the loss and its gradient.",
    "grad_and_hess": "Raise: the diagonal of such a Hessian takes as many products as there are entries.",
    "hvp": "Return the Hessian of the reduced loss times v, which is shaped like the gradient.",
    "posterior": "Return the probability that a path passes each point of the recurrence, for each sample.",
    "decode": "",
}
_KEYWORDS = {
    "value": ("weight", "reduction", "out", "threads", "infeasible"),
    "grad": ("weight", "reduction", "out", "threads", "infeasible", "checkpoint"),
    "value_and_grad": ("weight", "reduction", "out", "threads", "infeasible", "checkpoint"),
    "hvp": ("v", "weight", "reduction", "out", "threads"),
    "posterior": ("threads",),
    "decode": ("threads",),
}


def lattice_module(loss: Loss, plan: Plan) -> str:
    """Return the text of the module."""
    sweeps = Sweeps(plan)
    samples, along = Samples(sweeps), Along(plan)
    functions = [
        sweeps.tables(), along.sweeps.rows(), sweeps.ends("start"), sweeps.ends("end"), sweeps.jumps(), *sweeps.steps(),
        *Leaks(sweeps).functions(),
        sweeps.forward(), *samples.plain.functions(),
        *samples.tries(), sweeps.rest(),
        samples.value(), samples.sample_value(), samples.backward.gradient(), samples.backward.finish(),
        samples.value_and_grad(), samples.backward.posterior(), samples.posterior(), *along.steps(),
        along.product(), Best(plan).decode(), *_blocks(loss, plan),
    ]  # fmt: skip
    found = [f for f in functions if f is not None]
    _check_names(loss, found)
    return render(
        "lattice.py.j2",
        docstring=_docstring(loss),
        imports=_imports(found, [_array(a) for a in loss.arguments if not isinstance(a, Parameter)]),
        name=repr_text(loss.name),
        title=repr_text(loss.texts.title),
        reference=repr_text(loss.texts.reference),
        arguments=[_array(a) for a in loss.arguments if not isinstance(a, Parameter)],
        parameters=[_parameter(p) for p in loss.parameters],
        slope=plan.order.slope,
        once="True" if plan.once_a_front else "False",
        tried="(_try_value, _try_value_and_grad)" if plan.leaks else "",
        steps=", ".join([*(repr_text(_extent(plan, i)) for i in range(len(plan.lattice.steps))), ""]),
        functions=found,
        wrappers=[_wrapper(name, says or _path(plan), loss, plan) for name, says in _PUBLIC.items()],
    )


def _check_names(loss: Loss, functions: list[CodeFunction]) -> None:
    """Raise for an argument that is called like something that the kernels compute."""
    names = {a.name for a in loss.arguments}
    for function in functions:
        text = "\n".join([function.signature, *function.lines])
        given = re.findall(r"\w+", function.signature.partition("(")[2])
        stored = {n.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        taken = sorted(names & (stored | {name for name in given if given.count(name) > 1}))
        if taken:
            raise ValueError(f"the kernels use the name {taken[0]!r} themselves; choose another")


def _extent(plan: Plan, position: int) -> str:
    """Return the largest number of values of a step, in terms of axes."""
    extent = plan.lattice.steps[position].extent
    return str(extent.xreplace({a: a.dim for a in extent.free_symbols if isinstance(a, Length)}))


def _array(argument: Argument) -> str:
    axes = ", ".join(repr_text(str(d.name)) for d in argument.dims)
    parts = [repr_text(argument.name), repr_text(argument.role), f"({axes},)" if axes else "()"]
    if isinstance(argument, Length):
        parts += [f"cuts={repr_text(argument.dim.name)}", f"least={argument.least}"]
    elif is_class_label(argument):
        start, stop = label_bounds(argument)
        without = getattr(argument, "without", None)
        parts.append(f"labels={repr_text(str(stop))}")
        assert start == 0
        parts += [f"without={repr_text(without.name)}"] if without is not None else []
    if getattr(argument, "shared", False):
        parts.append("shared=True")
    return f"Ragged({', '.join(parts)})"


def _parameter(p: Parameter) -> str:
    if is_class_label(p):
        return f"Whole({repr_text(p.name)}, {int(p.default)}, {repr_text(str(label_bounds(p)[1]))})"
    low, high = float(p.domain.inf), float(p.domain.sup)
    shown = ["-math.inf" if low == -float("inf") else repr(low), "math.inf" if high == float("inf") else repr(high)]
    flags = ", left_open=True" if getattr(p.domain, "left_open", False) and low > -float("inf") else ""
    return f"Scalar({repr_text(p.name)}, {float(p.default)!r}, Interval({', '.join(shown)}{flags}))"


def _imports(functions: list[CodeFunction], arrays: list[str]) -> str:
    text = "\n".join(line for f in functions for line in f.lines)
    lines = []
    for module, names in sorted(_RUNTIME.items()):
        used = [name for name in names if f"{name}(" in text or (name.isupper() and name in text)]
        lines += _import_lines(f"._runtime.{module}", used) if used else []
    return "\n".join(lines)


def _blocks(loss: Loss, plan: Plan) -> list[CodeFunction]:
    """Return the kernels that go over the samples of a block."""
    problem = [a.name for a in loss.arguments]
    shared = {a.name for a in loss.arguments if getattr(a, "shared", False) or isinstance(a, Parameter)}
    arrays = {a.name for a in loss.arguments if a.dims}
    made = []

    def at(names: list[str], of: int = 0) -> list[str]:
        one = [name if name[of:] in shared else f"{name}[n]" for name in names]
        return [f"borrowed({text})" if name[of:] in arrays else text for name, text in zip(names, one, strict=True)]

    def block(name: str, says: str, more: list[str], given: list[str], added: list[str], result: str = "") -> None:
        """Add a kernel; what is added to is float64 inside, and rounded once."""
        code, wide = Code(), [g for g in added if g.partition("_")[2] not in shared]
        into = [f"wide_{g}" if g in wide else g if g.partition("_")[2] in shared else f"{g}[n]" for g in added]
        direct = f"grad_{plan.front_row.name}" if plan.front_row is not None and "_and_grad" in name else None
        into = [f"{g}[n]" if g == direct else i for g, i in zip(added, into, strict=True)]
        tries = name.startswith("_try")
        code(f"{POOL} = pools()")
        with code.under(f"for n in range({more[0]}.shape[0]):"):
            code(*(f"wide_{g} = widened({g}[n])" for g in wide if g != direct))
            found = ("plain, " if tries else "") + result
            code(*call_lines(f"{found}{name}_of_sample(", [POOL, *at(problem), *given, *into], ")"))
            if tries:
                with code.under("if not plain:"):
                    code("return n")
            code(*(f"rounded(wide_{g}, {g}[n])" for g in wide if g != direct))
        if tries:
            code(f"return {more[0]}.shape[0]")
        made.append(CodeFunction(signature(name, [*problem, *more, *added]), says, tuple(code.lines)))

    grads = [f"grad_{p.name}" for p in loss.predictions]
    along, products = ([f"{kind}_{p.name}" for p in loss.predictions] for kind in ("v", "product"))
    values = "Write the losses of a block of samples"
    both = "Write the losses of a block of samples, and gradients; add those that samples share"
    how_far = ", up to the first that plain floats will not do for; return how many"
    for way, more in [("", "."), *([("_try", f"{how_far}.")] if plan.leaks else [])]:
        block(f"{way}_value", values + more, ["losses"], [], [], "losses[n] = ")
        block(f"{way}_value_and_grad", both + more, ["losses", "factors", "checkpoint"], ["factors[n]", "checkpoint"],
              grads, "losses[n] = ")  # fmt: skip
    block("_hvp", "Write the products of Hessians and directions of a block of samples; add those that samples share.",
          ["factors", *along], [*at(along, 2), "factors[n]"], products)  # fmt: skip
    block("_posterior", "Write the posteriors of a block of samples.", ["visits"], ["visits[n]"], [])
    block("_decode", "Write the best paths of a block of samples.", ["paths"], ["paths[n]"], [])
    return made


def _wrapper(name: str, says: str, loss: Loss, plan: Plan) -> CodeFunction:
    if name == "grad_and_hess":
        return CodeFunction("def grad_and_hess(*arguments, **keywords):", says, ("    _DRIVER.grad_and_hess(INFO)",))
    arrays = [a for a in loss.arguments if not isinstance(a, Parameter)]
    if name in ("posterior", "decode"):  # paths do not depend on what else is in the loss
        known = arguments_of_lattice(plan.lattice)
        arrays = [a for a in arrays if a in known]
    own = [f"{a.name}=None" if isinstance(a, Length) else a.name for a in arrays]
    keywords = [f"{p.name}={int(p.default) if is_class_label(p) else float(p.default)!r}" for p in loss.parameters]
    shared = _KEYWORDS[name]
    defaults = {"reduction": '"mean"', "infeasible": '"inf"', "checkpoint": "False", "v": ""}
    head = [*own, "*", *keywords, *(f"{k}={defaults.get(k, 'None')}".rstrip("=") for k in shared)]
    given = [a.name if a in arrays else "None" for a in loss.arguments if not isinstance(a, Parameter)]
    passed = [f"({', '.join(given)},)", f"({''.join(p.name + ', ' for p in loss.parameters)})"]
    lines = call_lines(f"return _DRIVER.{name}(", [*passed, *(f"{k}={k}" for k in shared)], ")", 1)
    return CodeFunction("\n".join(call_lines(f"def {name}(", head, "):")), says, tuple(lines))


def _path(plan: Plan) -> str:
    """Return what `decode` says about its result."""
    second = plan.second
    if plan.once_a_front:
        return f"Return {second} of the best path for each {plan.first}, -1 in padding and where there is no path."
    return f"Return the points ({plan.first}, {second}) of the best path in their order, then rows of -1."
