"""The intermediate representation: what a kernel does, in a handful of frozen dataclasses.

Expressions are trees over `Name` and `Load`; statements assign each name once on every path.  Nothing here knows
mathematics, Numba or LaTeX.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

TEMPORARY = "%"  # begins the names of values that `schedule` may move, share and rename

# Functions that take many instructions, and none that LLVM could not widen.
COSTLY = frozenset((
    "exp", "log", "log1p", "expm1", "sigmoid", "logistic_density", "sigmoid_mix", "softplus_mix", "softplus", "tanh",
    "log1mexp", "log_cosh", "sech", "xlogy", "xlog1py", "logaddexp", "log1p_ratio", "power", "gaussian", "erf", "erfc",
    "log_erfc", "log_half_erfc", "erfc_hazard", "erfc_curvature", "erfc_excess", "erfcx", "loggamma", "digamma",
    "trigamma", "tetragamma", "asinh", "atan", "times_exp", "times_expm1", "lifted_sigmoid", "lifted_logistic_density",
    "expm1mx", "times_expm1mx", "log_sum",
))  # fmt: skip

# Exponentials relative to the largest entry of a row, or to another number.
RELATIVE = frozenset(("exp_minus", "exp_below", "lifted_exp_minus"))

# Functions of which there is a shorter form, for float64 numbers that become float32 in the end.
BRIEF = frozenset((
    "exp", "expm1", "expm1mx", "log", "log1p", "sigmoid", "logistic_density", "softplus", "sigmoid_mix", "softplus_mix",
    "logaddexp", "exp_minus", "exp_below", "log1mexp", "xlogy", "xlog1py", "times_exp", "times_expm1", "times_expm1mx",
    "lifted", "lowered", "lifted_sigmoid", "lifted_logistic_density", "lifted_exp_minus", "lifted_one_plus",
    "times_log_softmax", "squared_difference", "sum_ratio", "times_square",
))  # fmt: skip


# Variables of the text around statements, which no index may be called.
AROUND = frozenset((
    "candidate", "entry", "factor", "factor_room", "factors", "finite", "inside", "long", "losses", "lost", "losts",
    "part", "scale", "short", "size", "start", "step", "stop", "term", "terms", "total", "totals", "weight",
))  # fmt: skip


@dataclass(frozen=True)
class Number:
    """A constant; ``value`` is a float, or an int."""

    value: float


@dataclass(frozen=True)
class Name:
    """A scalar variable."""

    name: str


@dataclass(frozen=True)
class Extent:
    """The length of an axis of an array."""

    array: str
    axis: int


@dataclass(frozen=True)
class Load:
    """An entry of an array as a float64; outside of ``low .. high``, where given, it is NaN."""

    array: str
    indices: tuple[Expr, ...]
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Call:
    """A function, or an operator, of numbers."""

    function: str
    args: tuple[Expr, ...]


@dataclass(frozen=True)
class Compare:
    """A comparison; ``unordered`` holds where either side is NaN."""

    operator: str
    left: Expr
    right: Expr


@dataclass(frozen=True)
class Choose:
    """One of two values that both cost nothing."""

    condition: Compare
    yes: Expr
    no: Expr


Expr = Number | Name | Extent | Load | Call | Compare | Choose


@dataclass(frozen=True)
class Assign:
    """Give a value a name."""

    name: str
    value: Expr


@dataclass(frozen=True)
class Store:
    """Write a component of a result, times the factor that all components share."""

    array: str
    indices: tuple[Expr, ...]
    value: Expr


@dataclass(frozen=True)
class If:
    """Two ways to compute the same names."""

    condition: Compare
    yes: tuple[Statement, ...]
    no: tuple[Statement, ...]


@dataclass(frozen=True)
class Loop:
    """Do something for every value of an index."""

    index: str
    extent: Extent
    body: tuple[Statement, ...]


@dataclass(frozen=True)
class Accumulator:
    """What a reduction makes of a term.

    ``sum`` gives a total, and the rest that it lacks if that has a name, too; ``max`` the largest term and its place.
    """

    kind: str
    names: tuple[str, ...]
    term: Expr


@dataclass(frozen=True)
class Reduce:
    """Accumulate terms over every value of an index but those to skip.

    ``kept`` names an array and a value of the body that is written there, at the index, for a later loop to read.
    """

    index: str
    extent: Extent
    skip: tuple[Expr, ...]
    body: tuple[Statement, ...]
    accumulators: tuple[Accumulator, ...]
    kept: tuple[str, Expr] | None = None


@dataclass(frozen=True)
class Lanes:
    """Do something for every sample of a tile."""

    body: tuple[Statement, ...]


@dataclass(frozen=True)
class Return:
    """The scalar results."""

    values: tuple[Expr, ...]


Statement = Assign | Store | If | Loop | Reduce | Lanes | Return


@dataclass(frozen=True)
class Function:
    """A function of one sample.

    Attributes
    ----------
    kind : {"value", "value_and_grad", "grad_and_hess", "hvp", "normalizer"}
        What it computes.
    scalars : tuple of str
        Names of the scalar results, in order.
    rows : tuple of str
        Arrays that are written.
    body : tuple of Statement
        What it does.
    refined : Function or None
        Computes some of the scalars again, with numbers in two parts.
    tiled : Function or None
        Computes the same for several samples side by side.
    entrywise : Function or None
        Computes the same for the entries of several samples, one after the other.
    hard : Function or None
        Computes the same, to the last bit, where labels are hard.
    """

    kind: str
    scalars: tuple[str, ...]
    rows: tuple[str, ...]
    body: tuple[Statement, ...]
    refined: Function | None = None
    tiled: Function | None = None
    entrywise: Function | None = None
    hard: Function | None = None


@dataclass(frozen=True)
class Kernel:
    """All functions of one loss.

    Attributes
    ----------
    functions : tuple of Function
        One a kind.
    single : bool
        Whether float32 arguments are computed with in float32; else they become float64 first.
    """

    functions: tuple[Function, ...]
    single: bool = False

    def each(self, change: Callable[[tuple[Statement, ...]], tuple[Statement, ...]]) -> Kernel:
        """Return the kernel with the body of every function changed."""
        return replace(self, functions=tuple(replace(f, body=change(f.body)) for f in self.functions))


def rebuild(node: Any, change: Callable[[Any], Any]) -> Any:
    """Return a node with every direct part changed: parts are nodes, and tuples of nodes."""

    def part(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(part, value))
        return change(value) if hasattr(value, "__dataclass_fields__") else value

    return type(node)(*(part(getattr(node, f.name)) for f in fields(node)))


def substituted(node: Any, values: Mapping[str, Expr]) -> Any:
    """Return a node with expressions in the place of names."""
    if isinstance(node, Name):
        return values.get(node.name, node)
    return rebuild(node, lambda part: substituted(part, values))


def parts(node: Any) -> Iterator[Any]:
    """Yield the direct parts of a node."""
    for f in fields(node):
        value = getattr(node, f.name)
        for item in value if isinstance(value, tuple) else (value,):
            if hasattr(item, "__dataclass_fields__"):
                yield item


def walk(node: Any) -> Iterator[Any]:
    """Yield a node, or each of several, and everything inside, from the outside in."""
    if not isinstance(node, tuple):
        yield node
    for part in node if isinstance(node, tuple) else parts(node):
        yield from walk(part)


def used(node: Any) -> Iterator[str]:
    """Yield every name that is read anywhere inside, repeatedly where it is."""
    return (part.name for part in walk(node) if isinstance(part, Name))


def loads(node: Any) -> Iterator[Load]:
    """Yield every entry of an array that is read inside."""
    return (part for part in walk(node) if isinstance(part, Load))


def called(node: Any) -> set[str]:
    """Return the functions that are called inside of a node, or of several."""
    return {part.function for part in walk(node) if isinstance(part, Call)}


def has_loops(body: tuple[Statement, ...]) -> bool:
    """Whether anything is done for several entries."""
    return any(isinstance(s, (Loop, Reduce)) or (isinstance(s, If) and has_loops((*s.yes, *s.no))) for s in body)


def defined(statement: Statement) -> tuple[str, ...]:
    """Return the names that later statements may use."""
    if isinstance(statement, Assign):
        return (statement.name,)
    if isinstance(statement, Reduce):
        return tuple(name for accumulator in statement.accumulators for name in accumulator.names)
    if isinstance(statement, If):
        no = {name for inner in statement.no for name in defined(inner)}
        return tuple(name for inner in statement.yes for name in defined(inner) if name in no)
    return ()


def decided(statement: If) -> set[str]:
    """Return the names that the two branches give different values: the results of the decision."""
    yes = {name: inner for inner in statement.yes for name in defined(inner)}
    no = {name: inner for inner in statement.no for name in defined(inner)}
    return {name for name in yes.keys() & no.keys() if yes[name] != no[name]}


def own_names(statement: Statement) -> set[str]:
    """Return every name that is assigned inside, also those that only the statement itself can see."""
    names = set(defined(statement))
    for part in parts(statement):
        if isinstance(part, (Assign, If, Loop, Reduce)):
            names |= own_names(part)
    if isinstance(statement, (Loop, Reduce)):
        names.add(statement.index)
    return names


def used_in(body: tuple[Statement, ...]) -> Iterator[str]:
    """Yield every name, and every array, that the statements read."""
    for part in walk(body):
        if isinstance(part, Name):
            yield part.name
        if isinstance(part, Load):
            yield part.array
