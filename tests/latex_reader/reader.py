"""From the text of a page to numbers: finds the displayed equations, parses them with Lark, evaluates with mpmath."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mpmath
from lark import Lark, Token, Tree

mp = mpmath.MPContext()
mp.dps = 40

_RELATIONS = {
    "=": lambda a, b: a == b,
    r"\ne": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    r"\le": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    r"\ge": lambda a, b: a >= b,
}
_FUNCTIONS = {
    "sigma": lambda x: 1 / (1 + mp.exp(-x)),
    "zeta": lambda x: mp.log(1 + mp.exp(x)),
    "log": mp.log,
    "log1p": lambda x: mp.log(1 + x),
    "log1pratio": lambda x: mp.log(1 + x) / x if x else mp.mpf(1),
    "logaddexp": lambda x, y: mp.log(mp.exp(x) + mp.exp(y)),
    "logadd": lambda *terms: mp.log(mp.fsum(map(mp.exp, terms))),
    "mod": lambda x, y: x - y * mp.floor(x / y),
    "expm1": lambda x: mp.exp(x) - 1,
    "expm1mx": lambda x: mp.exp(x) - 1 - x,
    "logcosh": lambda x: mp.log(mp.cosh(x)),
    "cosh": mp.cosh,
    "tanh": mp.tanh,
    "sech": mp.sech,
    "sgn": mp.sign,
    "gaussian": lambda x: mp.exp(-(x**2)),
    "erf": mp.erf,
    "erfc": mp.erfc,
    "logerfc": lambda x: mp.log(mp.erfc(x)),
    "loghalferfc": lambda x: mp.log(mp.erfc(x) / 2),
    "erfchazard": lambda x: 2 * mp.exp(-(x**2)) / (mp.sqrt(mp.pi) * mp.erfc(x)),
    "erfccurvature": lambda x: _FUNCTIONS["erfchazard"](x) * _FUNCTIONS["erfcexcess"](x),
    "erfcexcess": lambda x: _FUNCTIONS["erfchazard"](x) - 2 * x,
    "loggamma": mp.loggamma,
    "digamma": mp.digamma,
    "trigamma": lambda x: mp.psi(1, x),
    "tetragamma": lambda x: mp.psi(2, x),
    "dividenonan": lambda x, y: x / y if y else mp.mpf(0),
    "ratio": lambda x, y: x / y if y else mp.mpf(0),
    "maximum": max,
    "minimal": lambda x, y: mp.mpf(0) if x * y <= 0 else min(x, y, key=abs),
    "hypot": lambda x, y: mp.sqrt(x * x + y * y),
    "offset": lambda x, y: x + y,
}


@functools.cache
def _parser() -> Lark:
    return Lark(Path(__file__).with_name("grammar.lark").read_text(), parser="lalr")


@dataclass(frozen=True)
class Formula:
    """One displayed equation.

    Attributes
    ----------
    left : str
        The LaTeX before the equality sign.
    right : Tree
        What it equals.
    parts : tuple of (str, Tree)
        The abbreviations that are explained below it.
    """

    left: str
    right: Tree[Token]
    parts: tuple[tuple[str, Tree[Token]], ...]

    def value(self, arguments: Mapping[str, Any], sizes: Mapping[str, int]) -> Any:
        """Return the value, given numbers, nested lists, and integers for indices and labels."""
        known = dict(arguments)
        evaluation = _Evaluation(known, sizes)
        for name, tree in self.parts:  # only evaluated in cases that need them
            known[name] = functools.partial(evaluation.of, tree)
        return evaluation.of(self.right)


def formulas(page: str) -> list[Formula]:
    """Return every displayed equation of a page, in order."""
    return [_formula(body) for body in re.findall(r"\\begin\{align\*\}\n(.*?)\n\\end\{align\*\}", page, re.DOTALL)]


def _formula(body: str) -> Formula:
    equations: list[list[str]] = []
    for row in body.split(" \\\\\n"):
        if row.startswith(r"&\quad"):
            equations[-1][1] += " " + row.removeprefix(r"&\quad")
        else:
            equations.append(row.split(" &= ", 1))
    parsed = [(left.removeprefix(r"\text{where } "), _parser().parse(right)) for left, right in equations]
    (left, right), *parts = parsed
    return Formula(left, right, tuple((name.replace("{", "").replace("}", ""), tree) for name, tree in parts))


class Recurrence:
    """A workspace that formulas of a page define: at single points, and everywhere else by its equation.

    Parameters
    ----------
    name : str
        LaTeX of the workspace.
    found : sequence of Formula
        All formulas of the page.
    known, sizes : mapping
        As for `Formula.value`; the workspaces themselves are among them.
    extents : sequence of int
        How many values each index has.
    """

    def __init__(
        self,
        name: str,
        found: Sequence[Formula],
        known: Mapping[str, Any],
        sizes: Mapping[str, int],
        extents: Sequence[int],
    ) -> None:
        self._known, self._sizes, self._extents = known, sizes, extents
        own = [f for f in found if f.left.startswith(f"{{{name}}}_{{")]
        places = [
            [_strip(p) for p in _parser().parse(f.left).children[0].children[0].children[0].children[1].children]
            for f in own
        ]
        letters = [all(p.data == "letter" for p in point) for point in places]
        steps = [p for p, plain in zip(places, letters, strict=True) if plain and _name(p[-1]) != "k"]
        self._steps = [_name(p) for p in steps[0]]
        self._equation = own[places.index(steps[0])]
        self._points = [(p, f) for p, f in zip(places, own, strict=True) if f is not self._equation]
        self._memo: dict[tuple[int, ...], Any] = {}

    def __getitem__(self, first: int) -> Any:
        """Return a row, or the entry where there is one index."""
        return _Row(self, first) if len(self._extents) > 1 else self.at((first,))

    def at(self, point: tuple[int, ...]) -> Any:
        """Return an entry."""
        if point not in self._memo:
            self._memo[point] = self._value(point)
        return self._memo[point]

    def _value(self, point: tuple[int, ...]) -> Any:
        free = {**self._known, "k": point[-1]}
        for places, formula in self._points:
            if tuple(int(_Evaluation(free, self._sizes).of(p)) for p in places) == point:
                return formula.value(free, self._sizes)
        if not all(0 <= i < n for i, n in zip(point, self._extents, strict=True)):
            return -mp.inf
        return self._equation.value({**self._known, **dict(zip(self._steps, point, strict=True))}, self._sizes)


@dataclass(frozen=True)
class _Row:
    recurrence: Recurrence
    first: int

    def __getitem__(self, second: int) -> Any:
        return self.recurrence.at((self.first, second))


def _strip(tree: Any) -> Any:
    """Return a formula without the sum and the product of one part around it."""
    while tree.data in ("sum", "plus", "term") and len(tree.children) == 1:
        (tree,) = tree.children
    return tree


class _Evaluation:
    def __init__(self, known: Mapping[str, Any], sizes: Mapping[str, int]) -> None:
        self._known, self._sizes = known, sizes

    def of(self, tree: Any) -> Any:
        return getattr(self, f"_{tree.data}")(*tree.children)

    def _sum(self, *terms: Any) -> Any:
        return mp.fsum(map(self.of, terms))

    def _plus(self, term: Any) -> Any:
        return self.of(term)

    def _minus(self, term: Any) -> Any:
        return -self.of(term)

    def _term(self, *factors: Any) -> Any:
        return mp.fprod(map(self.of, factors))

    def _number(self, token: Token) -> Any:
        return mp.mpf(str(token))

    def _infinity(self, _: Token) -> Any:
        return mp.inf

    def _undefined(self, _: Token) -> Any:
        return mp.nan

    def _fraction(self, above: Any, below: Any) -> Any:
        return self.of(above) / self.of(below)

    def _root(self, inside: Any) -> Any:
        return mp.sqrt(self.of(inside))

    def _exponential(self, exponent: Any) -> Any:
        return mp.exp(self.of(exponent))

    def _absolute(self, inside: Any) -> Any:
        return abs(self.of(inside))

    def _power(self, base: Any, exponent: Any) -> Any:
        return mp.power(self.of(base), self.of(exponent))

    def _cases(self, *cases: Any) -> Any:
        for case in cases:
            if case.data == "otherwise":
                return self.of(case.children[0])
            value, left, relation, right = case.children
            if _RELATIONS[str(relation.children[0])](self.of(left), self.of(right)):
                return self.of(value)
        return mp.nan

    def _entry(self, array: Any, places: Any) -> Any:
        entry = self._name_of(array)
        for place in places.children:
            entry = entry[int(self.of(place))]
        return entry

    def _name_of(self, tree: Any) -> Any:
        while tree.data in ("sum", "term", "plus"):
            (tree,) = tree.children
        return self._known[_name(tree)]

    def _letter(self, token: Token) -> Any:
        return self._value(_name(Tree("letter", [token])))

    def _word(self, token: Token) -> Any:
        return self._value(_name(Tree("word", [token])))

    def _subscripted(self, token: Token) -> Any:
        return self._value(_name(Tree("subscripted", [token])))

    def _direction(self, *parts: Any) -> Any:
        return self._value(_name(Tree("direction", list(parts))))

    def _value(self, name: str) -> Any:
        value = self._known[name] if name in self._known else mp.mpf(self._sizes[name])
        return value() if callable(value) else value

    def _call(self, function: Token, arguments: Any) -> Any:
        name = str(function).removeprefix("\\").removeprefix("operatorname{").removesuffix("}")
        if name == "mean":
            return self._mean(arguments.children[0])
        return _FUNCTIONS[name](*map(self.of, arguments.children))

    def _mean(self, body: Any) -> Any:
        """Average over the batch of the names inside, which stand for single samples there."""
        names = {_name(t) for t in body.iter_subtrees() if t.data in ("letter", "word")}
        sets = [n for n in names if isinstance(self._known.get(n), Sequence)]
        count = len(self._known[sets[0]])
        each = [{**self._known, **{n: self._known[n][i] for n in sets}} for i in range(count)]
        return mp.fsum(_Evaluation(known, self._sizes).of(body) for known in each) / count

    def _reduction(self, head: Token, index: Any, size: Any, *rest: Any) -> Any:
        place = rest[-1].children[0] if rest and rest[-1] is not None and rest[-1].data == "place" else None
        *left_out, body = [r for r in rest if r is not None and r.data != "place"]
        skipped = {int(self.of(value)) for _, value in zip(left_out[::2], left_out[1::2], strict=True)}
        bound = _name(index)
        terms = {}
        size = _name(size)
        for i in range(self._sizes[size] if size in self._sizes else int(self._known[size])):
            if i not in skipped:
                terms[i] = _Evaluation({**self._known, bound: i}, self._sizes).of(body)
        name = str(head).removeprefix("\\").removeprefix("operatorname{").removesuffix("}")
        return _ROWS[name](terms, None if place is None else int(self.of(place)))


def _softmax(terms: dict[int, Any], place: Any) -> Any:
    return mp.exp(terms[place]) / mp.fsum(map(mp.exp, terms.values()))


def _norm(terms: dict[int, Any]) -> Any:
    return mp.sqrt(mp.fsum(t * t for t in terms.values()))


_ROWS = {
    "sum": lambda terms, _: mp.fsum(terms.values()),
    "max": lambda terms, _: max(terms.values()),
    "lse": lambda terms, _: mp.log(mp.fsum(map(mp.exp, terms.values()))) if terms else -mp.inf,
    "softmax": _softmax,
    "logsoftmax": lambda terms, place: mp.log(_softmax(terms, place)),
    "others": lambda terms, place: 1 - _softmax(terms, place),
    "norm": lambda terms, _: _norm(terms),
    "unit": lambda terms, place: terms[place] / _norm(terms) if _norm(terms) else mp.mpf(0),
}


def _name(tree: Any) -> str:
    """Return the plain name of an argument or index, without what sets it in italics or below."""
    if tree.data == "direction":
        return "v_" + _name(tree.children[1])
    text = str(tree.children[0])
    text = text.removeprefix("\\mathit{").removesuffix("}") if tree.data == "word" else text
    return text.replace("\\", "").replace("{", "").replace("}", "")
