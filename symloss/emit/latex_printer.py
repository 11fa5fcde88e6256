"""Prints expressions as LaTeX, in a subset that is regular enough to be read back.

Sums run over ``c < C``, counted from 0 as in the code; what a reduction leaves out stands beside it.  The notation is
explained in the book (`NOTATION`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import sympy
from sympy import Add, Expr, Mul, Pow, Rational, S, Symbol

from symloss import functions as f
from symloss import reductions as r
from symloss import special_functions as special
from symloss.convert import Mean
from symloss.recurrence import LogAdd, Longer, SumAlong

_GREEK = frozenset((
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "kappa", "lambda", "mu", "nu", "xi", "rho",
    "sigma", "tau", "phi", "chi", "psi", "omega",
))  # fmt: skip
_LOOSE, _SUM, _PRODUCT, _POWER = 0, 1, 2, 3
_BREAK = 60  # characters on paper up to which a formula stays on one line

# Names of functions of numbers; those of SymPy that LaTeX has a command for follow.
FUNCTIONS: dict[type, str] = {
    f.sigmoid: r"\sigma",
    f.softplus: r"\zeta",
    **{
        primitive: rf"\operatorname{{{primitive.__name__.replace('_', '')}}}"
        for primitive in (*f.SCALAR_PRIMITIVES, *special.SPECIAL_PRIMITIVES)
        if primitive not in (f.sigmoid, f.softplus, f.select, f.tanh, f.absolute)
    },
    f.tanh: r"\tanh",
    **{getattr(sympy, name): rf"\{name}" for name in ("log", "sin", "cos", "sinh", "cosh")},
    **{getattr(sympy, name): rf"\operatorname{{{name}}}" for name in ("asinh", "atan")},
    Mean: r"\operatorname{mean}",
    LogAdd: r"\operatorname{logadd}",
    sympy.Mod: r"\operatorname{mod}",
}
ROWS: dict[type, str] = {
    r.SumOver: r"\sum",
    r.MaxOver: r"\max",
    r.LogSumExp: r"\operatorname{lse}",
    r.Softmax: r"\operatorname{softmax}",
    r.LogSoftmax: r"\operatorname{logsoftmax}",
    r.SoftmaxComplement: r"\operatorname{others}",
    r.Norm: r"\operatorname{norm}",
    r.Unit: r"\operatorname{unit}",
}
NOTATION: tuple[tuple[str, str], ...] = (
    (r"\sigma(x)", r"$1/(1+e^{-x})$, the logistic function"),
    (r"\zeta(x)", r"$\log(1+e^{x})$, softplus"),
    (r"\operatorname{log1p}(x)", r"$\log(1+x)$"),
    (r"\operatorname{expm1}(x)", r"$e^{x}-1$"),
    (r"\operatorname{expm1mx}(x)", r"$e^{x}-1-x$"),
    (r"\operatorname{sgn}(x)", r"$-1$, $0$ or $1$; $0$ at $0$"),
    (r"\operatorname{dividenonan}(x, y)", r"$x/y$, and $0$ where $y=0$"),
    (r"\operatorname{gaussian}(x)", r"$e^{-x^{2}}$"),
    (r"\operatorname{logerfc}(x)", r"$\log\operatorname{erfc}(x)$"),
    (r"\operatorname{loghalferfc}(x)", r"$\log(\operatorname{erfc}(x)/2)$"),
    (r"\operatorname{erfchazard}(x)", r"$2e^{-x^{2}}/(\sqrt{\pi}\operatorname{erfc}(x))$"),
    (r"\operatorname{erfcexcess}(x)", r"$\operatorname{erfchazard}(x)-2x$"),
    (r"\operatorname{erfccurvature}(x)", r"$\operatorname{erfchazard}(x)\operatorname{erfcexcess}(x)$"),
    (r"\operatorname{loggamma}(x)", r"$\log\Gamma(x)$; its derivatives are digamma, trigamma, tetragamma"),
    (r"\operatorname{logadd}(x, y, \dots)", r"$\log(e^{x}+e^{y}+\dots)$"),
    (r"\operatorname{mod}(x, y)", r"the rest of $x/y$"),
    (r"\sum_{c<C,\,c\ne a} x_{c}", r"the sum over $c = 0, \dots, C-1$ but $a$"),
    (r"\operatorname{lse}_{c<C}\left(z_{c}\right)", r"$\log\sum_{c} e^{z_{c}}$, log-sum-exp"),
    (r"\operatorname{softmax}_{c<C}\left(z_{c}\right)_{k}", r"$e^{z_{k}}/\sum_{c} e^{z_{c}}$"),
    (r"\operatorname{others}_{c<C}\left(z_{c}\right)_{k}", r"one minus softmax: the share of all the others"),
    (r"\operatorname{unit}_{d<D}\left(x_{d}\right)_{k}", r"$x_{k}$ over the norm of $x$; $0$ for the zero vector"),
    (r"\operatorname{norm}_{d<D}\left(x_{d}\right)", r"$\sqrt{\sum_{d} x_{d}^{2}}$"),
)


def symbol(name: str) -> str:
    """Return the name of an argument in mathematics."""
    if re.fullmatch(r"[a-z]_[0-9]+", name):
        return f"{name[0]}_{{{name[2:]}}}"
    if name.startswith("v_"):
        return rf"v_{{{symbol(name[2:])}}}"
    if name in _GREEK:
        return rf"\{name}"
    return name if len(name) == 1 else rf"\mathit{{{name.replace('_', chr(92) + '_')}}}"


def latex(expr: Any) -> str:
    """Return an expression as LaTeX on one line."""
    return _text(expr, _LOOSE)


def latex_lines(expr: Any) -> list[str]:
    """Return an expression as lines to be put under one another: terms of a sum, cases of a choice."""
    whole = latex(expr)
    if printed_length(whole) <= _BREAK or not isinstance(expr, Add):
        return [whole]
    terms = _terms(expr)
    return [f"{sign} {text}".strip() for sign, text in terms]


def printed_length(text: str) -> int:
    """Estimate how many characters a formula takes on paper."""
    text = re.sub(r"\\(left|right|mathit|operatorname|text|,|frac|begin|end)", "", text)
    return len(re.sub(r"[{}_^\s]", "", re.sub(r"\\[a-z]+", "x", text)))


def _text(expr: Any, tightness: int) -> str:
    for kinds, own, method in _METHODS:
        if isinstance(expr, kinds):
            text = method(expr)
            loose = own(expr) if callable(own) else own
            return rf"\left({text}\right)" if loose < tightness else text
    raise NotImplementedError(f"{type(expr).__name__} has no form in LaTeX")


def _terms(expr: Add) -> list[tuple[str, str]]:
    terms = []
    for position, term in enumerate(sorted(expr.args, key=lambda t: t.could_extract_minus_sign())):
        negative = term.could_extract_minus_sign()
        text = _text(-term if negative else term, _PRODUCT)
        terms.append(("-" if negative else "+" if position else "", text))
    return terms


def _add(expr: Add) -> str:
    return " ".join(part for term in _terms(expr) for part in term if part)


def _mul(expr: Mul) -> str:
    if expr.could_extract_minus_sign():
        return f"-{_text(-expr, _PRODUCT)}"
    numerator, denominator = sympy.fraction(expr)
    if denominator != 1:
        return rf"\frac{{{latex(numerator)}}}{{{latex(denominator)}}}"
    factors = sorted(expr.args, key=_factor_order)
    return r" \, ".join(_text(factor, _POWER if isinstance(factor, (r.SumOver,)) else _PRODUCT) for factor in factors)


def _factor_order(factor: Expr) -> int:
    if factor.is_number:
        return 0
    return 1 if isinstance(factor, (Symbol, r.Element)) else 3 if isinstance(factor, r.SumOver) else 2


def _pow(expr: Pow) -> str:
    base, exponent = expr.args
    if exponent.is_Rational and exponent < 0:
        return rf"\frac{{1}}{{{latex(base**-exponent)}}}"
    if exponent == Rational(1, 2):
        return rf"\sqrt{{{latex(base)}}}"
    atom = isinstance(base, (Symbol, r.Element)) or (base.is_Integer and base >= 0)
    shown = latex(base) if atom else rf"\left({latex(base)}\right)"
    return rf"{{{shown}}}^{{{latex(exponent)}}}"


def _number(expr: Any) -> str:
    if expr.is_Rational and expr.q != 1:
        sign = "-" if expr < 0 else ""
        return rf"{sign}\frac{{{abs(expr.p)}}}{{{expr.q}}}"
    return str(expr)


def _element(expr: r.Element) -> str:
    return rf"{{{symbol(expr.base.name)}}}_{{{', '.join(map(latex, expr.indices))}}}"


def _index(expr: r.Index) -> str:
    if isinstance(expr, r.BoundIndex):
        letter = _letter(expr.dim)
        return letter if expr.height == 1 else f"{letter}_{{{expr.height}}}"
    return "k"


def _letter(dim: r.Dim) -> str:
    return dim.name.lower() if len(dim.name) == 1 else "i"


def _dim(expr: r.Dim) -> str:
    return f"{symbol(expr.dim.name)} + {expr.extra}" if isinstance(expr, Longer) else symbol(expr.name)


def _sum_along(expr: SumAlong) -> str:
    body, step = expr.args
    return rf"\sum_{{{step.name}<{latex(step.extent)}}}\left({latex(body)}\right)"


def _reduction(expr: r.Reduction) -> str:
    bound = f"{latex(expr.index)}<{latex(expr.index.dim)}"
    left_out = "".join(rf",\,{latex(expr.index)}\ne {latex(place)}" for place in expr.excluded)
    head = rf"{ROWS[type(expr)]}_{{{bound}{left_out}}}"
    place = rf"_{{{latex(expr.at)}}}" if expr.located else ""
    return rf"{head}\left({latex(expr.body)}\right){place}"


def _function(expr: Any) -> str:
    return rf"{FUNCTIONS[type(expr)]}\left({', '.join(map(latex, expr.args))}\right)"


def _select(expr: f.select) -> str:
    lines = []
    rest: Any = expr
    while isinstance(rest, f.select):
        condition, yes, rest = rest.args
        lines.append(rf"{latex(yes)} & \text{{if }} {relation(condition)}")
    if rest is not S.NaN:
        lines.append(rf"{latex(rest)} & \text{{otherwise}}")
    return r"\begin{cases} " + r" \\ ".join(lines) + r" \end{cases}"


_SIGNS = {"==": "=", "!=": r"\ne", "<": "<", "<=": r"\le", ">": ">", ">=": r"\ge"}


def relation(condition: Any) -> str:
    """Return a comparison, numbers on the right."""
    left, right = condition.args
    sign = condition.rel_op
    if sign in ("==", "!=") and left.is_number:
        left, right = right, left
    return f"{latex(left)} {_SIGNS[sign]} {latex(right)}"


def _mul_tightness(expr: Any) -> int:
    return _SUM if expr.could_extract_minus_sign() else _PRODUCT


def _number_tightness(expr: Any) -> int:
    return _SUM if expr < 0 else _POWER


_METHODS: tuple[tuple[Any, Any, Callable[[Any], str]], ...] = (
    (f.select, _POWER, _select),
    (f.absolute, _POWER, lambda e: rf"\left|{latex(e.args[0])}\right|"),
    (sympy.exp, _POWER, lambda e: rf"e^{{{latex(e.args[0])}}}"),
    (r.SumOver, _PRODUCT, _reduction),
    (SumAlong, _PRODUCT, _sum_along),
    (r.Reduction, _POWER, _reduction),
    (r.Element, _POWER, _element),
    (r.Dim, _POWER, _dim),
    (r.Index, _POWER, _index),
    (Symbol, _POWER, lambda e: symbol(e.name)),
    (S.NaN.__class__, _POWER, lambda e: r"\text{undefined}"),
    (S.Infinity.__class__, _POWER, lambda e: r"\infty"),
    (S.NegativeInfinity.__class__, _SUM, lambda e: r"-\infty"),
    (sympy.NumberSymbol, _POWER, sympy.latex),
    (sympy.Number, _number_tightness, _number),
    (Add, _SUM, _add),
    (Mul, _mul_tightness, _mul),
    (Pow, _POWER, _pow),
    (tuple(FUNCTIONS), _POWER, _function),
)
