"""The arguments of a loss: symbols with a role, inner axes and a domain."""

from __future__ import annotations

import itertools
import keyword
from collections.abc import Iterator
from typing import Any, ClassVar

import sympy
from sympy import FiniteSet, Integer, Interval, Range, Rational, S, Symbol
from sympy.core.cache import clear_cache

from symloss.errors import Source, SpecError, spec_source
from symloss.reductions import Dim, Element

# Names that the generated interface uses itself.
RESERVED = frozenset(
    [
        "weight",
        "reduction",
        "out",
        "threads",
        "v",
        "value",
        "grad",
        "value_and_grad",
        "grad_and_hess",
        "hvp",
        "sample_value",
        "sample_value_and_grad",
        "INFO",
        "np",
        "numpy",
        "numba",
        "math",
    ]
)
_creation = itertools.count()


def check_name(name: str, what: str, source: Source | None) -> str:
    """Return the name if generated code can use it; raise `SpecError` otherwise."""
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
        raise SpecError(f"{what} is called {name!r}; a name must be a Python identifier without a leading _", source)
    if name in RESERVED:
        raise SpecError(f"{what} is called {name!r}, which the generated interface uses itself; choose another", source)
    return name


class Argument(Symbol):
    """An argument of a loss.  Without dims it is a SymPy symbol, with dims ``z[c]`` is its entry.

    Parameters
    ----------
    name : str
        Name in the generated functions.
    *dims : Dim
        Inner axes of one sample; batch axes are never declared.
    domain : sympy.Set
        Where the values lie: ``Reals``, an ``Interval``, a ``FiniteSet`` of numbers or, for integer classes,
        ``Range(C)``.

    Raises
    ------
    SpecError
        If the name cannot be used or the domain is none of these.
    """

    role: ClassVar[str] = "argument"
    dims: tuple[Dim, ...]
    domain: sympy.Set
    source: Source | None
    order: int  # of creation, which is the order of declaration

    def __new__(cls, name: str, *dims: Dim, domain: Any = S.Reals, **assumptions: Any) -> Argument:
        source = spec_source()
        check_name(name, f"a {cls.role}", source)
        what = f"{cls.role} {name!r}"
        for dim in dims:
            if not isinstance(dim, Dim):
                raise SpecError(f"{what}: its axes must be Dim objects, got {dim!r}", source)
        if not isinstance(domain, (Interval, FiniteSet, Range)) and domain != S.Reals:
            raise SpecError(
                f"{what}: the domain must be Reals, an Interval, a FiniteSet or a Range, got {domain!r}", source
            )
        assumptions.update(real=True)
        if isinstance(domain, Range):
            assumptions.update(integer=True)
        self = Symbol.__xnew__(cls, name, **assumptions)
        self.dims, self.domain, self.source, self.order = tuple(dims), domain, source, next(_creation)
        # SymPy's cache would answer with an equal argument of an earlier spec, whose order is another.
        clear_cache()
        return self

    def _hashable_content(self) -> tuple[Any, ...]:
        return (*super()._hashable_content(), self.dims, self.domain)

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (self.name, *self.dims), {"domain": self.domain}

    def __getitem__(self, indices: Any) -> Element:
        indices = indices if isinstance(indices, tuple) else (indices,)
        if len(indices) != len(self.dims):
            shown = ", ".join(map(str, indices))
            raise SpecError(
                f"{self.name}[{shown}]: {self.name} was declared with {len(self.dims)} axes, "
                f"and {len(indices)} indices came",
                spec_source(),
            )
        return Element(self, *indices)

    def __iter__(self) -> Iterator[Any]:
        raise TypeError(f"{self.name} is a symbolic {self.role}; it cannot be iterated over")

    def with_dims(self, *dims: Dim) -> Argument:
        """Return the same argument along other axes."""
        args, options = self.__getnewargs_ex__()
        other = type(self)(*args[: len(args) - len(self.dims)], *dims, **options)
        other.source, other.order = self.source, self.order
        return other


class Prediction(Argument):
    """What the model computes; losses are differentiated in it.

    Parameters
    ----------
    shared : bool
        Whether all samples share it, as they do the transitions of a chain: it has no batch axes, and its gradient is
        summed over the batch.  Only losses over a recurrence have those.
    """

    role = "prediction"
    shared: bool

    def __new__(
        cls, name: str, *dims: Dim, domain: Any = S.Reals, shared: bool = False, **assumptions: Any
    ) -> Prediction:
        self: Prediction = Argument.__new__(cls, name, *dims, domain=domain, **assumptions)
        self.shared = shared
        return self

    def _hashable_content(self) -> tuple[Any, ...]:
        return (*super()._hashable_content(), self.shared)

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (self.name, *self.dims), {"domain": self.domain, "shared": self.shared}


class Target(Argument):
    """What is known about the sample.

    Parameters
    ----------
    without : Parameter, optional
        A label of the domain that must not occur.
    """

    role = "target"
    without: Parameter | None

    def __new__(cls, name: str, *dims: Dim, domain: Any = S.Reals, without: Any = None, **assumptions: Any) -> Target:
        self: Target = Argument.__new__(cls, name, *dims, domain=domain, **assumptions)
        self.without = without
        return self

    def _hashable_content(self) -> tuple[Any, ...]:
        return (*super()._hashable_content(), self.without)

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (self.name, *self.dims), {"domain": self.domain, "without": self.without}


class Weight(Argument):
    """Weights that all samples share, such as one a class; not negative."""

    role = "weight"

    def __new__(cls, name: str, *dims: Dim, domain: Any = None, **assumptions: Any) -> Weight:
        domain = Interval(0, sympy.oo) if domain is None else domain
        return Argument.__new__(cls, name, *dims, domain=domain, **assumptions)


class Parameter(Argument):
    """A number that shapes the loss, a keyword of the generated functions.

    Parameters
    ----------
    name : str
        Name of the keyword.
    default : float
        Value when the caller gives none.
    domain : sympy.Set
        Values outside of it raise ``ValueError`` in the generated functions.  A ``Range(K)`` makes it a whole number,
        such as a label that means something of its own; only losses over a recurrence have those.
    """

    role = "parameter"
    default: Rational

    def __new__(cls, name: str, default: Any, domain: Any = S.Reals, **assumptions: Any) -> Parameter:
        self: Parameter = Argument.__new__(cls, name, domain=domain, **assumptions)
        self.default = Rational(str(default))
        if not isinstance(domain, Range) and self.default not in domain:
            raise SpecError(f"parameter {name!r}: its default {default} is not in its domain {domain}", self.source)
        return self

    def _hashable_content(self) -> tuple[Any, ...]:
        return (*super()._hashable_content(), self.default)

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (self.name, self.default), {"domain": self.domain}


def is_class_label(argument: Argument) -> bool:
    """Whether the argument holds integer classes (or positions) that arrays are indexed with."""
    return isinstance(argument.domain, Range)


def label_bounds(argument: Argument) -> tuple[Integer, Any]:
    """Return the first label and one past the last; either may contain a `Dim`."""
    return argument.domain.start, argument.domain.stop
