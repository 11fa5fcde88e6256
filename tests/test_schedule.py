"""Scheduling changes no bit: the naive kernels and the scheduled ones, run as plain Python, agree exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from catalogue import catalogue
from sympy import FiniteSet, Interval, S

from symloss import ir, runtime
from symloss.arguments import Argument, Parameter, is_class_label
from symloss.declare import Loss
from symloss.derive import Direction, derive
from symloss.emit.numba_printer import Printer
from symloss.lower import lower
from symloss.rewrite import canonicalize, stabilize
from symloss.runtime import elementary
from symloss.schedule import schedule
from symloss.schedule.converge import converge
from symloss.schedule.resolve import resolve
from symloss.schedule.share import share
from symloss.schedule.unify import unify
from symloss.specialize import specialize

_LENGTH = 4


def _entry(argument: Argument, generator: np.random.Generator) -> Any:
    shape = tuple(_LENGTH for _ in argument.dims)
    domain = argument.domain
    if is_class_label(argument):
        return int(generator.integers(0, _LENGTH))
    if isinstance(argument, Parameter):
        return float(argument.default) + 0.5
    if isinstance(domain, FiniteSet):
        return np.float64(generator.choice([float(m) for m in domain], size=shape))
    if isinstance(domain, Interval) and domain != S.Reals:
        return generator.choice([0.0, 1.0, 0.25, 0.7], size=shape)[()]
    return np.float64(generator.normal(size=shape) * generator.choice([1.0, 30.0]))


def _run(function: ir.Function, arguments: list[Argument], values: list[Any]) -> list[Any]:
    """Print the function, define it in Python, and return its results."""
    printer = Printer(a.name for a in arguments)
    body = "\n".join(printer.body(function.body, 1)).replace(ir.TEMPORARY, "v_")
    names = ", ".join([*(a.name for a in arguments), "factor", *function.rows])
    found = {f: getattr(elementary, f, None) or getattr(runtime, f) for f in printer.functions}
    scope: dict[str, Any] = {"np": np, **{f: getattr(one, "py_func", one) for f, one in found.items()}}
    for name in ("one_of", "math"):
        scope.setdefault(name, getattr(elementary, name))
    exec(f"def run({names}):\n{body}", scope)
    rows = [np.full(_LENGTH, np.nan) for _ in function.rows]
    with np.errstate(all="ignore"):
        returned = scope["run"](*values, 1.0, *rows)
    return [returned, *rows]


def _texts(kernel: ir.Kernel) -> list[ir.Function]:
    return list(kernel.functions)


@pytest.mark.parametrize("loss", catalogue().values(), ids=lambda loss: loss.name)
def test_the_same_bits(loss: Loss) -> None:
    naive = lower(specialize(stabilize(derive(canonicalize(loss)))))
    scheduled = schedule(naive)
    generator = np.random.default_rng(11)
    for before, after in zip(_texts(naive), _texts(scheduled), strict=True):
        directions = [Direction.of(p) for p in loss.predictions] if before.kind == "hvp" else []
        arguments = [*loss.arguments, *directions]
        for _ in range(12):
            values = [_entry(a, generator) for a in arguments]
            for one, other in zip(_run(before, arguments, values), _run(after, arguments, values), strict=True):
                np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("loss", catalogue().values(), ids=lambda loss: loss.name)
def test_no_loop_repeats_what_does_not_depend_on_it(loss: Loss) -> None:
    kernel = schedule(lower(specialize(stabilize(derive(canonicalize(loss))))))
    for function in kernel.functions:
        for statement in _loops(function.body):
            varying = {statement.index}
            for inner in statement.body:
                if not varying.isdisjoint(ir.used(inner)):
                    varying |= ir.own_names(inner)
                elif isinstance(inner, (ir.Assign, ir.Reduce)):
                    raise AssertionError(f"{inner} in the loop over {statement.index}")


@pytest.mark.parametrize(("name", "passes"), [("gaussian_kl", 1), ("vae_reconstruction", 1), ("cross_entropy", 1)])
def test_a_gradient_that_waits_for_no_sum_takes_no_pass_of_its_own(name: str, passes: int) -> None:
    kernel = schedule(lower(specialize(stabilize(derive(canonicalize(catalogue()[name]))))))
    (function,) = [f for f in kernel.functions if f.kind == "value_and_grad"]
    assert len(_loops(function.body)) == passes
    assert function.tiled is None  # whose passes would wait for nothing


def test_a_gradient_that_waits_for_a_sum_keeps_its_pass_and_its_tiles() -> None:
    kernel = schedule(lower(specialize(stabilize(derive(canonicalize(catalogue()["cross_entropy_with_logits"]))))))
    (function,) = [f for f in kernel.functions if f.kind == "value_and_grad"]
    assert any(isinstance(s, ir.Loop) for s in _loops(function.body))
    assert function.tiled is not None


def test_what_was_computed_before_a_decision_is_not_computed_again() -> None:
    """Not either where both ways of the decision compute it: its terms were added twice to the sum before."""
    entry = ir.Load("z", (ir.Name("k"),))
    total = ir.Reduce("k", ir.Extent("z", 0), (), (), (ir.Accumulator("sum", ("%0", "%1"), entry),))
    again = ir.If(
        ir.Compare("==", ir.Name("label"), ir.Number(1)),
        (total, ir.Assign("%2", ir.Name("%0"))),
        (total, ir.Assign("%2", ir.Name("%1"))),
    )
    decided = ir.If(again.condition, (ir.Assign("%2", ir.Name("%0")),), (ir.Assign("%2", ir.Name("%1")),))
    assert share((total, again)) == (total, decided)
    assert share((again,)) == (total, decided)


@pytest.mark.parametrize("loss", catalogue().values(), ids=lambda loss: loss.name)
def test_no_pass_adds_up_a_sum_twice(loss: Loss) -> None:
    kernel = schedule(lower(specialize(stabilize(derive(canonicalize(loss))))))
    for function in kernel.functions:
        for statement in _loops(function.body):
            names = [a.names for a in statement.accumulators] if isinstance(statement, ir.Reduce) else []
            assert len(names) == len(set(names))


def _loops(body: tuple[Any, ...]) -> list[Any]:
    found = []
    for statement in body:
        if isinstance(statement, (ir.Loop, ir.Reduce)):
            found.append(statement)
            found += _loops(statement.body)
        elif isinstance(statement, ir.If):
            found += _loops(statement.yes) + _loops(statement.no)
    return found


def test_formulas_of_one_shape_in_both_ways_of_a_decision_become_one() -> None:
    """One exponential, one product and one sum are left of two each; what differs is chosen before."""

    def way(argument: str, factor: str, start: int) -> tuple[ir.Statement, ...]:
        names = [f"{ir.TEMPORARY}{start + i}" for i in range(3)]
        calls = [
            ir.Call("exp", (ir.Name(argument),)),
            ir.Call("multiply", (ir.Name(factor), ir.Name(names[0]))),
            ir.Call("add", (ir.Name(names[1]), ir.Name(argument))),
        ]
        assigned = [ir.Assign(name, call) for name, call in zip(names, calls, strict=True)]
        return (*assigned, ir.Assign("loss", ir.Name(names[2])))

    decision = ir.If(ir.Compare("==", ir.Name("y"), ir.Number(1.0)), way("a", "c", 0), way("b", "d", 3))
    body = converge((decision,))
    calls = [s.value.function for s in body if isinstance(s, ir.Assign) and isinstance(s.value, ir.Call)]
    assert sorted(calls) == ["add", "exp", "multiply"]
    chosen = [s.value for s in body if isinstance(s, ir.Assign) and isinstance(s.value, ir.Choose)]
    assert [(c.yes, c.no) for c in chosen] == [(ir.Name("a"), ir.Name("b")), (ir.Name("c"), ir.Name("d"))]
    (left,) = [s for s in body if isinstance(s, ir.If)]
    assert left.yes == left.no


def test_formulas_that_would_cost_more_together_stay_apart() -> None:
    """Two sums that have nothing in common: two choices and a sum are no less than two sums and a choice."""
    ways = [
        (
            ir.Assign(f"%{i}", ir.Call("add", (ir.Name(f"a{i}"), ir.Name(f"b{i}")))),
            ir.Assign("loss", ir.Call("exp", (ir.Name(f"%{i}"),))),
        )
        for i in (0, 1)
    ]
    body = converge((ir.If(ir.Compare("==", ir.Name("y"), ir.Number(1.0)), *ways),))
    sums = [s for s in body if isinstance(s, ir.Assign) and isinstance(s.value, ir.Call)]
    assert len(sums) == 2


def test_what_an_earlier_decision_has_made_is_not_asked_again() -> None:
    positive, small = ir.Compare(">", ir.Name("x"), ir.Number(0.0)), ir.Compare("<", ir.Name("x"), ir.Number(2.0))
    one, two, three = (ir.Assign("loss", ir.Number(float(n))) for n in (1, 2, 3))
    again = ir.If(positive, (one,), (two,))
    body = resolve((ir.If(positive, (ir.If(small, (again,), (three,)),), (again,)),))
    assert body == (ir.If(positive, (ir.If(small, (one,), (three,)),), (two,)),)


def test_cases_of_one_function_take_its_name_where_there_are_several() -> None:
    x, y = ir.Name("x"), ir.Name("y")
    log, log1p = ir.Assign("%0", ir.Call("log", (x,))), ir.Assign("%1", ir.Call("log1p", (y,)))
    assert unify((log,)) == (log,)
    joined = [ir.Call("log_sum", (x, ir.Number(0.0))), ir.Call("log_sum", (ir.Number(1.0), y))]
    assert [s.value for s in unify((log, log1p)) if isinstance(s, ir.Assign)] == joined


@pytest.mark.parametrize("shared", [False, True])
def test_a_sign_goes_into_a_number_that_is_divided_for_nothing_else(shared: bool) -> None:
    x, quotient = ir.Name("x"), ir.Assign("%0", ir.Call("divide", (ir.Number(1.0), ir.Name("x"))))
    negated = ir.Assign("%1", ir.Call("negate", (ir.Name("%0"),)))
    rest = (ir.Assign("%2", ir.Call("divide", (ir.Name("%0"), x))),) if shared else ()
    (_, found, *_) = unify((quotient, negated, *rest))
    signed = ir.Assign("%1", ir.Call("divide", (ir.Number(-1.0), x)))
    assert found == (negated if shared else signed)


def test_a_division_is_shared_by_the_ways_of_a_decision() -> None:
    ways = [
        (
            ir.Assign(f"%{i}", ir.Call("divide", (ir.Number(number), ir.Name(divisor)))),
            ir.Assign("g", ir.Name(f"%{i}")),
        )
        for i, (number, divisor) in enumerate([(-1.0, "a"), (1.0, "b")])
    ]
    body = converge((ir.If(ir.Compare("==", ir.Name("y"), ir.Number(1.0)), *ways),))
    calls = [s.value.function for s in body if isinstance(s, ir.Assign) and isinstance(s.value, ir.Call)]
    assert calls == ["divide"]
