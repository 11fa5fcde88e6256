"""From indexed expressions to loops: every output its own loop nest, every reduction where it is used.

Nothing is shared or moved here (`schedule` does that), and nothing changes the value of an expression: sums and
products are associated once, in the order that SymPy gives their terms, so that all kernels agree to the last bit.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable
from typing import Any

import sympy
from sympy import Add, Expr, Interval, Mul, Pow, Rational, S, Symbol

from symloss import ir
from symloss.arguments import Argument, Prediction, Target
from symloss.derive import Direction, Output
from symloss.functions import Primitive, absolute, select
from symloss.nans import passes_nan
from symloss.reductions import ArgmaxOver, Dim, Element, Index, MaxOver, RestOver, SumOver

RESULTS = {"value": "loss", "gradient": "grad", "hessian": "hess", "hvp": "product", "normalizer": "normalizer"}
_FUNCTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("value", ("value",)),
    ("value_and_grad", ("value", "gradient")),
    ("grad_and_hess", ("gradient", "hessian")),
    ("hvp", ("hvp",)),
    ("normalizer", ("normalizer",)),
)
_LONGEST_POWER = 4  # written as a product


def lower(outputs: Iterable[Output]) -> ir.Kernel:
    """Return the functions that compute the outputs, naively."""
    outputs = tuple(outputs)
    functions = []
    for kind, wanted in _FUNCTIONS:
        chosen = [output for name in wanted for output in outputs if output.kind == name]
        if chosen:
            functions.append(_Lowering(outputs).function(kind, chosen))
    return ir.Kernel(tuple(functions))


def result_name(output: Output) -> str:
    """Return what generated code calls the output."""
    return RESULTS[output.kind] + (f"_{output.wrt.name}" if output.wrt is not None else "")


class _Block:
    """Statements of one scope, and the values that have a name in it or around it."""

    def __init__(self, outer: _Block | None = None) -> None:
        self.statements: list[ir.Statement] = []
        self._names: dict[Any, ir.Expr] = {}
        self._outer = outer

    def find(self, key: Any) -> ir.Expr | None:
        found = self._names.get(key)
        return self._outer.find(key) if found is None and self._outer is not None else found

    def bind(self, key: Any, value: ir.Expr) -> ir.Expr:
        self._names[key] = value
        return value


class _Lowering:
    """Lowers the outputs of one function."""

    def __init__(self, outputs: Iterable[Output]) -> None:
        self._arrays = _arrays(outputs)
        self._temporaries: dict[Any, str] = {}  # the same value has the same name in every scope

    def function(self, kind: str, outputs: list[Output]) -> ir.Function:
        block = _Block()
        self._in_parts = {SumOver(*rest.args) for output in outputs for rest in output.expr.atoms(RestOver)}
        self._outputs([(output, output.expr) for output in outputs], block)
        scalars = tuple(result_name(output) for output in outputs if not output.index)
        rows = tuple(result_name(output) for output in outputs if output.index)
        returned = ir.Return(tuple(map(ir.Name, scalars)))
        return ir.Function(kind, scalars, rows, (*block.statements, returned))

    # -- outputs ---------------------------------------------------------------------------------

    def _outputs(self, pairs: list[tuple[Output, Expr]], block: _Block, opened: tuple[Index, ...] = ()) -> None:
        """Compute outputs side by side: one decision for all that depend on it, one loop for all of one shape."""
        while pairs:
            decided = [(o, e) for o, e in pairs if self._decision(o, e, opened) is not None]
            if decided:
                condition = self._decision(*decided[0], opened)
                group = [(o, e) for o, e in decided if self._decision(o, e, opened) == condition]
                self._decide(condition, group, block, opened)
            else:
                index = pairs[0][0].index
                group = [(o, e) for o, e in pairs if o.index == index]
                self._loop_or_finish(group, block, opened)
            pairs = [pair for pair in pairs if pair not in group]

    def _decision(self, output: Output, expr: Expr, opened: tuple[Index, ...]) -> Any:
        """Return the condition that the whole output depends on, if it is known in this scope."""
        if not isinstance(expr, select):
            return None
        waiting = set(output.index) - set(opened)
        return None if expr.args[0].free_symbols & waiting else expr.args[0]

    def _decide(
        self, condition: Any, group: list[tuple[Output, Expr]], block: _Block, opened: tuple[Index, ...]
    ) -> None:
        compare = self._compare(condition, block)
        yes, no = _Block(block), _Block(block)
        self._outputs([(o, e.args[1]) for o, e in group], yes, opened)
        rest = [(o, e.args[2]) for o, e in group]
        if all(passes_nan(condition, e) for _, e in rest):
            self._outputs(rest, no, opened)
        else:
            undefined, ordered = _Block(no), _Block(no)
            self._outputs([(o, S.NaN) for o, _ in rest], undefined, opened)
            self._outputs(rest, ordered, opened)
            unordered = ir.Compare("unordered", compare.left, compare.right)
            no.statements.append(ir.If(unordered, tuple(undefined.statements), tuple(ordered.statements)))
        block.statements.append(ir.If(compare, tuple(yes.statements), tuple(no.statements)))

    def _loop_or_finish(self, group: list[tuple[Output, Expr]], block: _Block, opened: tuple[Index, ...]) -> None:
        index = group[0][0].index
        if opened == index:
            for output, expr in group:
                value = self.lower(expr, block)
                name = result_name(output)
                place = tuple(ir.Name(_index_name(i)) for i in index)
                if output.kind == "value" and isinstance(expr, Mul) and expr.could_extract_minus_sign():
                    value = ir.Call("subtract", (ir.Number(0.0), self.lower(-expr, block)))  # a loss of 0 is not -0
                block.statements.append(ir.Store(name, place, value) if index else ir.Assign(name, value))
            return
        new, inner = index[len(opened)], _Block(block)
        self._outputs(group, inner, (*opened, new))
        block.statements.append(ir.Loop(_index_name(new), self._extent(new.dim), tuple(inner.statements)))

    # -- expressions -----------------------------------------------------------------------------

    def lower(self, expr: Expr, block: _Block) -> ir.Expr:
        """Return the value as a name or a number; append what it takes to the block."""
        found = block.find(expr)
        if found is not None:
            return found
        for kinds, method in _METHODS:
            if isinstance(expr, kinds):
                return method(self, expr, block)
        raise NotImplementedError(f"{type(expr).__name__} cannot be lowered: {expr}")

    def _assign(self, key: Any, value: ir.Expr, block: _Block) -> ir.Expr:
        found = block.find(key)
        if found is not None:
            return found
        name = self._temporary(key)
        block.statements.append(ir.Assign(name, value))
        return block.bind(key, ir.Name(name))

    def _temporary(self, key: Any) -> str:
        return self._temporaries.setdefault(key, f"{ir.TEMPORARY}{len(self._temporaries)}")

    def _call(self, function: str, args: Iterable[ir.Expr], block: _Block) -> ir.Expr:
        call = ir.Call(function, tuple(args))
        return self._assign(call, call, block)

    def _number(self, expr: Expr, block: _Block) -> ir.Expr:
        if isinstance(expr, Rational) and expr.q != 1 and _is_inexact(expr):
            return self._call("divide", (ir.Number(float(expr.p)), ir.Number(float(expr.q))), block)
        return ir.Number(float(expr))

    def _symbol(self, expr: Symbol, block: _Block) -> ir.Expr:
        if isinstance(expr, Dim):
            return self._assign(expr, self._extent(expr), block)
        if isinstance(expr, Index):
            return ir.Name(_index_name(expr))
        return ir.Name(expr.name)

    def _element(self, expr: Element, block: _Block) -> ir.Expr:
        indices = tuple(self.lower(i, block) for i in expr.indices)
        return self._assign(expr, ir.Load(expr.base.name, indices, *closed_bounds(expr.base)), block)

    def _sum_of_terms(self, expr: Add, block: _Block) -> ir.Expr:
        content, primitive = expr.primitive()
        if content != 1 and not _doubles(content, primitive):
            return self._product_of(Mul(content, primitive, evaluate=False), block)
        total: ir.Expr | None = None
        for term in sorted(expr.args, key=_exactness):
            negative = term.could_extract_minus_sign()
            if total is None:
                total = self.lower(term, block)
            else:
                operand = self.lower(-term if negative else term, block)
                total = self._call("subtract" if negative else "add", (total, operand), block)
        return block.bind(expr, total)  # type: ignore[arg-type]

    def _product_of(self, expr: Mul, block: _Block) -> ir.Expr:
        coefficient, factors = expr.as_coeff_mul()
        number, divisors = abs(coefficient), [1 / f for f in factors if _is_denominator(f)]
        directions = [f for f in factors if _is_direction(f)]  # last: v*y may vanish where (y/p)*v does not
        others = [f for f in factors if not _is_denominator(f) and f not in directions]
        if number.is_Rational and _is_inexact(number):
            number, divisors = S(number.p), [*divisors, S(number.q)]
        if len(others) == len(divisors) == 1 and isinstance(divisors[0], Dim):
            content, primitive = (number * others[0]).primitive()
            if content.is_Integer and not content & (content - 1):  # a power of two: as exact, without overflow
                number, others, divisors = S.One, [primitive], [divisors[0] / content]
        others = [part for f in others for part in (_opened_square(f) if number < 1 else [f])]
        values = [self.lower(f, block) for f in others]
        if number != 1 or (not values and (divisors or not directions)):
            values.insert(0, ir.Number(float(number)))
        values = [self._divided(self._product(values, block), divisors, block)] if values else []
        product = self._product([*values, *(self.lower(f, block) for f in directions)], block)
        return block.bind(expr, self._call("negate", (product,), block) if coefficient < 0 else product)

    def _product(self, values: list[ir.Expr], block: _Block) -> ir.Expr:
        return functools.reduce(lambda a, b: self._call("multiply", (a, b), block), values)

    def _divided(self, value: ir.Expr, divisors: list[Expr], block: _Block) -> ir.Expr:
        """Divide by one after the other, twice rather than by a square, which may underflow; then rounded once."""
        for divisor in divisors:
            repeats = _repeats(divisor)
            base = self.lower(divisor.base if repeats > 1 else divisor, block)
            if repeats == 2 and len(divisors) > 1:
                value, repeats = self._call("divide_twice", (value, base), block), 0
            for _ in range(repeats):
                value = self._call("divide", (value, base), block)
        return value

    def _power(self, expr: Pow, block: _Block) -> ir.Expr:
        base, exponent = expr.args
        if _is_denominator(expr):
            return self._product_of(Mul(S.One, expr, evaluate=False), block)
        if exponent.is_Integer and exponent <= _LONGEST_POWER:
            return block.bind(expr, self._product([self.lower(base, block)] * int(exponent), block))
        if exponent.is_Rational and exponent.q == 2:
            root = self._call("sqrt", (self.lower(base, block),), block)
            whole = (exponent.p - 1) // 2
            return root if whole == 0 else self._call("multiply", (self.lower(base**whole, block), root), block)
        return self._call("power", (self.lower(base, block), self.lower(exponent, block)), block)

    def _function(self, expr: sympy.Function, block: _Block) -> ir.Expr:
        args = [self.lower(arg, block) for arg in expr.args]
        if isinstance(expr, absolute) and _is_not_negative(expr.args[0]):
            return block.bind(expr, args[0])
        return block.bind(expr, self._call(type(expr).__name__, args, block))

    def _select(self, expr: select, block: _Block) -> ir.Expr:
        condition, yes, no = expr.args
        compare = self._compare(condition, block)
        name = self._temporary(expr)
        branches = []
        for value in (yes, no):
            inner = _Block(block)
            result = self.lower(value, inner)
            if value is no and not passes_nan(condition, no):
                result = self._unless_nan(compare, result, inner, (expr, "ordered"))
            branches.append((*inner.statements, ir.Assign(name, result)))
        block.statements.append(ir.If(compare, *branches))
        return block.bind(expr, ir.Name(name))

    def _unless_nan(self, compare: ir.Compare, value: ir.Expr, block: _Block, key: Any) -> ir.Expr:
        unordered = ir.Compare("unordered", compare.left, compare.right)
        return self._assign(key, ir.Choose(unordered, ir.Number(float("nan")), value), block)

    def _compare(self, condition: Any, block: _Block) -> ir.Compare:
        left, right = condition.args
        if condition.rel_op in ("==", "!="):
            left, right = sorted((left, right), key=lambda side: (side.is_number, str(side)))
        return ir.Compare(condition.rel_op, self.lower(left, block), self.lower(right, block))

    # -- reductions ------------------------------------------------------------------------------

    def _sum(self, expr: SumOver, block: _Block) -> ir.Expr:
        return self._reduce(expr, "sum", ("total", "rest") if expr in self._in_parts else ("total",), block)[0]

    def _rest(self, expr: RestOver, block: _Block) -> ir.Expr:
        return self._reduce(SumOver(*expr.args), "sum", ("total", "rest"), block)[1]

    def _max(self, expr: MaxOver, block: _Block) -> ir.Expr:
        return self._reduce(expr, "max", ("largest", "place"), block)[0]

    def _argmax(self, expr: ArgmaxOver, block: _Block) -> ir.Expr:
        return self._reduce(MaxOver(*expr.args), "max", ("largest", "place"), block)[1]

    def _reduce(self, expr: Any, kind: str, parts: tuple[str, ...], block: _Block) -> tuple[ir.Expr, ...]:
        names = tuple(self._temporary((expr, part)) for part in parts)
        if block.find(expr) is None:
            skip = tuple(self.lower(place, block) for place in expr.excluded)
            inner = _Block(block)
            term = self.lower(expr.body, inner)
            accumulator = ir.Accumulator(kind, names, term)
            header = (_index_name(expr.index), self._extent(expr.index.dim), skip)
            block.statements.append(ir.Reduce(*header, tuple(inner.statements), (accumulator,)))
            block.bind(expr, ir.Name(names[0]))
        return tuple(map(ir.Name, names))

    def _extent(self, dim: Dim) -> ir.Extent:
        return self._arrays[dim]


_METHODS: tuple[tuple[Any, Callable[[Any, Any, _Block], ir.Expr]], ...] = (
    ((sympy.Number, sympy.NumberSymbol), _Lowering._number),
    (Symbol, _Lowering._symbol),
    (Element, _Lowering._element),
    (Add, _Lowering._sum_of_terms),
    (Mul, _Lowering._product_of),
    (Pow, _Lowering._power),
    (select, _Lowering._select),
    (SumOver, _Lowering._sum),
    (RestOver, _Lowering._rest),
    (MaxOver, _Lowering._max),
    (ArgmaxOver, _Lowering._argmax),
    ((Primitive, sympy.Function), _Lowering._function),
)


def _arrays(outputs: Iterable[Output]) -> dict[Dim, ir.Extent]:
    """Return an array and an axis that has the length of each dim."""
    symbols = {s for o in outputs for s in o.expr.free_symbols if isinstance(s, Argument)}
    symbols |= {o.wrt for o in outputs if o.wrt is not None}
    extents: dict[Dim, ir.Extent] = {}
    for argument in sorted(symbols, key=lambda a: (not isinstance(a, Prediction), a.order, a.name)):
        if argument.role != "direction":
            for axis, dim in enumerate(argument.dims):
                extents.setdefault(dim, ir.Extent(argument.name, axis))
    return extents


def closed_bounds(argument: Argument) -> tuple[float | None, float | None]:
    """Return the least and greatest float64 of a bounded prediction's domain, or None."""
    domain = argument.domain
    if not isinstance(argument, Prediction) or not isinstance(domain, Interval) or domain == S.Reals:
        return None, None
    low, high = float(domain.start), float(domain.end)
    return (
        math.nextafter(low, math.inf) if domain.left_open and math.isfinite(low) else low,
        math.nextafter(high, -math.inf) if domain.right_open and math.isfinite(high) else high,
    )


def _is_not_negative(expr: Expr) -> bool:
    """Whether it is an input whose domain says so; results at others are not defined, or NaN."""
    return isinstance(expr, Element) and isinstance(expr.base, (Prediction, Target)) and bool(expr.base.domain.inf >= 0)


def _index_name(index: Index) -> str:
    return index.name.lower()


def _is_inexact(number: Rational) -> bool:
    return bool(number.q & (number.q - 1))  # not a power of two


def _is_denominator(factor: Expr) -> bool:
    return isinstance(factor, Pow) and factor.exp.is_Rational and bool(factor.exp < 0)


def _opened_square(factor: Expr) -> list[Expr]:
    """Return both halves of a square, which may overflow where the square times a number below 1 does not."""
    base, power = factor.as_base_exp()
    return [base, base] if power == 2 and isinstance(factor, Pow) else [factor]


def _is_direction(factor: Expr) -> bool:
    return isinstance(getattr(factor, "base", factor), Direction)


def _doubles(content: Expr, terms: Expr) -> bool:
    """Whether a shared factor like 1/2 leaves terms of more than once themselves, which may overflow."""
    sizes = [abs(term.as_coeff_Mul()[0]) for term in Add.make_args(terms)]
    return bool(content < 1) and not _is_inexact(content) and max(sizes) > 1


def _repeats(divisor: Expr) -> int:
    """Return how often to divide by the base of a small whole power."""
    power = divisor.exp if isinstance(divisor, Pow) else S.One
    return int(power) if power.is_Integer and 1 < power <= _LONGEST_POWER else 1


def _exactness(term: Expr) -> tuple[bool, bool]:
    """Order terms of a sum: inputs first, whose differences are often exact."""
    inexact = not isinstance(term.as_coeff_Mul()[1], (Symbol, Element, MaxOver, sympy.Number))
    return inexact, term.could_extract_minus_sign()
