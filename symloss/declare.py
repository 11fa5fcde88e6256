"""A loss: its expression for one sample, its texts, and its composition with links, labels and weights."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

from sympy import Expr, S

from symloss.arguments import Argument, Parameter, Prediction, check_name
from symloss.convert import arguments_of, convert, expand_means, substitute
from symloss.errors import Source, SpecError, spec_source
from symloss.reductions import Dim

Role = TypeVar("Role", bound=Argument)


@dataclass(frozen=True)
class Texts:
    """What the documents say about a loss in words."""

    title: str = ""
    task: str = ""
    description: str = ""
    use_case: str = ""
    advantages: str = ""
    disadvantages: str = ""
    reference: str = ""


TEXTS = tuple(f.name for f in fields(Texts))


@dataclass(frozen=True, eq=False)
class Loss:
    """The loss of one sample.

    Parameters
    ----------
    name : str
        Name of the generated module.
    expr : sympy.Expr
        The loss of one sample, in any mathematically right form: making it stable is symloss's work.
    title, task, description, use_case, advantages, disadvantages, reference : str, optional
        Texts for the documents.  ``task`` is the chapter.
    normalizer : sympy.Expr, optional
        What ``weighted_mean`` divides by, next to the sample weight; default 1.  Free of predictions.
    kernels_at : mapping, optional
        Whole numbers for parameters, ``{gamma: 2}``, with which there is less to compute, or to round: the loss gets
        kernels of their own for them, see `cases`.

    Attributes
    ----------
    declared : sympy.Expr
        The expression as declared, over the nodes of `reductions.py`, with `Mean`.
    expr : sympy.Expr
        The same with every `Mean` written as a sum over a hidden axis.
    arguments : tuple of Argument
        Predictions, targets, weights, parameters, each in the order of declaration.
    sets : tuple of Dim
        The hidden axes.  Where there are any, the whole batch is one sample.
    source : Source or None
        Where it was declared.
    outer : Loss or None
        The loss that it was composed of.
    link : dict
        What `compose` put in place of arguments of that, converted; only of arguments without axes.

    Raises
    ------
    SpecError
        With file and line, for anything in the declaration that is wrong.
    """

    name: str
    expr: Expr
    title: str | None = None
    task: str | None = None
    description: str | None = None
    use_case: str | None = None
    advantages: str | None = None
    disadvantages: str | None = None
    reference: str | None = None
    normalizer: Any = None
    kernels_at: Mapping[Parameter, int] = field(default_factory=dict)
    declared: Expr = field(init=False)
    arguments: tuple[Argument, ...] = field(init=False)
    sets: tuple[Dim, ...] = field(init=False)
    source: Source | None = field(init=False, default=None)
    outer: Loss | None = field(init=False, default=None)
    link: dict[Argument, Expr] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        source = spec_source()
        check_name(self.name, "a loss", source)
        declared = convert(self.expr, source)
        normalizer = convert(S.One if self.normalizer is None else self.normalizer, source)
        expr, sets = expand_means(declared, source)
        if sets and normalizer != 1:
            raise SpecError(f"{self.name}: a loss over sample sets has no normalizer", source)
        settled = {
            "declared": declared,
            "expr": expr,
            "normalizer": normalizer,
            "sets": sets,
            "arguments": arguments_of(self.name, expr, normalizer, source),
            "source": source,
            "kernels_at": dict(self.kernels_at),
        }
        for key, value in settled.items():
            object.__setattr__(self, key, value)
        self._check_case()

    def _check_case(self) -> None:
        for parameter, value in self.kernels_at.items():
            if parameter not in self.parameters or not isinstance(value, int) or value not in parameter.domain:
                raise SpecError(
                    f"{self.name}: kernels_at: expected parameters of the loss, with whole numbers of their domains, "
                    f"as in {{gamma: 2}}; got {{{parameter}: {value!r}}}",
                    self.source,
                )

    def compose(self, name: str, substitution: Mapping[Any, Any], **texts: Any) -> Loss:
        """Return the loss with arguments replaced: ``{p: sigmoid(z)}``, ``{p[c]: softmax(z[c], c)}``.

        Parameters
        ----------
        name : str
            Name of the new loss.
        substitution : mapping
            For each argument, or entry of an array argument, what stands in its place; all at once.
        **texts
            Replace title, description, ... (also ``normalizer``, ``kernels_at``); what is not given is inherited.

        Raises
        ------
        SpecError
            If a key does not occur in the loss.
        """
        source = spec_source()
        for key in substitution:
            base = getattr(key, "base", key)
            if base not in self.declared.free_symbols | self.normalizer.free_symbols:
                raise SpecError(f"{name}: {self.name} has no argument {key} to replace", source)
        given = {key: getattr(self, key) for key in TEXTS} | texts
        given.setdefault("normalizer", substitute(self.normalizer, substitution, source))
        given.setdefault("kernels_at", {p: value for p, value in self.kernels_at.items() if p not in substitution})
        composed = Loss(name, substitute(self.declared, substitution, source), **given)
        link = {key: convert(value, source) for key, value in substitution.items() if isinstance(key, Argument)}
        for key, value in (("outer", self), ("link", link)):
            object.__setattr__(composed, key, value)
        return composed

    def cases(self) -> tuple[Loss, ...]:
        """Return the loss with the numbers of `kernels_at` in the place of parameters, if there are any."""
        if not self.kernels_at:
            return ()
        numbers = ", ".join(f"{p.name} = {value}" for p, value in self.kernels_at.items())
        case = self.compose(self.name + self.case_suffix, self.kernels_at, title=f"{self.texts.title}, {numbers}")
        object.__setattr__(case, "source", self.source)
        return (case,)

    @property
    def case_suffix(self) -> str:
        """What the name of a case has after that of the loss."""
        return "".join(f"_{p.name}_{value}" for p, value in self.kernels_at.items())

    def with_expr(self, expr: Expr, normalizer: Expr) -> Loss:
        """Return the same loss, written in another way."""
        other = copy.copy(self)
        object.__setattr__(other, "expr", expr)
        object.__setattr__(other, "normalizer", normalizer)
        return other

    @property
    def texts(self) -> Texts:
        """The texts; the title defaults to the name."""
        texts = Texts(**{key: getattr(self, key) or "" for key in TEXTS})
        return texts if texts.title else replace(texts, title=self.name.replace("_", " ").capitalize())

    def of_role(self, role: type[Role]) -> tuple[Role, ...]:
        """Return the arguments of one role."""
        return tuple(a for a in self.arguments if isinstance(a, role))

    @property
    def predictions(self) -> tuple[Prediction, ...]:
        """The arguments that the loss is differentiated in."""
        return self.of_role(Prediction)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The numbers that shape the loss."""
        return self.of_role(Parameter)

    @property
    def dims(self) -> tuple[Dim, ...]:
        """The inner axes of the arguments, in order of first use."""
        return tuple(dict.fromkeys(dim for argument in self.arguments for dim in argument.dims))
