"""The primitive functions: exact definition, derivative and LaTeX of each.

Every primitive is an opaque SymPy function of real arguments: SymPy neither evaluates nor rewrites it, so a
stable form stays as it is.  `definition` states it in elementary terms (the judge evaluates that), `fdiff` is
closed over the primitives (so a derivative is as stable as the function it came from).
"""

from __future__ import annotations

from typing import Any, ClassVar

import sympy
from sympy import Expr, Function, Integer, S, exp, log


class Primitive(Function):
    """A real function that SymPy must leave alone."""

    is_real = True
    latex_name: ClassVar[str | None] = None  # printed as \operatorname{...}; None: the printer has a form of its own

    def definition(self) -> Expr:
        """Return the same value in elementary functions; may overflow or cancel in floats."""
        raise NotImplementedError(type(self).__name__)

    @classmethod
    def eval(cls, *_args: Any) -> None:
        """Leave the function unevaluated."""
        return

    def _eval_evalf(self, prec: int) -> Expr:
        result = self.definition()._eval_evalf(prec)
        return self if result is None else result


class sigmoid(Primitive):  # noqa: N801 - mathematical functions are lower case, as in SymPy
    """Logistic function 1 / (1 + exp(-x))."""

    def definition(self) -> Expr:
        return 1 / (1 + exp(-self.args[0]))

    def fdiff(self, argindex: int = 1) -> Expr:
        (x,) = self.args
        return sigmoid(x) * sigmoid(-x)


class softplus(Primitive):  # noqa: N801
    """log(1 + exp(x))."""

    def definition(self) -> Expr:
        return log(1 + exp(self.args[0]))

    def fdiff(self, argindex: int = 1) -> Expr:
        return sigmoid(self.args[0])


class logistic_density(Primitive):  # noqa: N801
    """sigmoid(x) * sigmoid(-x)."""

    def definition(self) -> Expr:
        (x,) = self.args
        return 1 / ((1 + exp(x)) * (1 + exp(-x)))

    def fdiff(self, argindex: int = 1) -> Expr:
        (x,) = self.args
        return -logistic_density(x) * tanh(x / 2)


class softplus_mix(Primitive):  # noqa: N801
    """a*softplus(x) + b*softplus(-x), where a = 0 or b = 0 win over an infinite x."""

    def definition(self) -> Expr:
        x, a, b = self.args
        return a * log(1 + exp(x)) + b * log(1 + exp(-x))

    def fdiff(self, argindex: int = 1) -> Expr:
        x, a, b = self.args
        return (sigmoid_mix(x, a, -b), softplus(x), softplus(-x))[argindex - 1]


class sigmoid_mix(Primitive):  # noqa: N801
    """a*sigmoid(x) + b*sigmoid(-x)."""

    def definition(self) -> Expr:
        x, a, b = self.args
        return a / (1 + exp(-x)) + b / (1 + exp(x))

    def fdiff(self, argindex: int = 1) -> Expr:
        x, a, b = self.args
        return ((a - b) * logistic_density(x), sigmoid(x), sigmoid(-x))[argindex - 1]


class logaddexp(Primitive):  # noqa: N801
    """log(exp(x) + exp(y))."""

    def definition(self) -> Expr:
        x, y = self.args
        return log(exp(x) + exp(y))

    def fdiff(self, argindex: int = 1) -> Expr:
        x, y = self.args
        return sigmoid(x - y) if argindex == 1 else sigmoid(y - x)


class log1p(Primitive):  # noqa: N801
    """log(1 + x)."""

    def definition(self) -> Expr:
        return log(1 + self.args[0])

    def fdiff(self, argindex: int = 1) -> Expr:
        return 1 / (1 + self.args[0])


class log1p_ratio(Primitive):  # noqa: N801
    """log(1 + x) / x, and 1 where x = 0."""

    def definition(self) -> Expr:
        (x,) = self.args
        return select(sympy.Eq(x, 0), S.One, log(1 + x) / x)


class expm1(Primitive):  # noqa: N801
    """exp(x) - 1."""

    def definition(self) -> Expr:
        return exp(self.args[0]) - 1

    def fdiff(self, argindex: int = 1) -> Expr:
        return exp(self.args[0])


class expm1mx(Primitive):  # noqa: N801
    """exp(x) - 1 - x."""

    def definition(self) -> Expr:
        return exp(self.args[0]) - 1 - self.args[0]

    def fdiff(self, argindex: int = 1) -> Expr:
        return expm1(self.args[0])


class bd0(Primitive):  # noqa: N801
    """x*log(x/y) + y - x, and y where x = 0: the deviance of Poisson (C. Loader 2000, who named it)."""

    def definition(self) -> Expr:
        x, y = self.args
        return select(sympy.Eq(x, 0), y, x * log(x / y) + y - x)

    def fdiff(self, argindex: int = 1) -> Expr:
        x, y = self.args
        return log(x / y) if argindex == 1 else (y - x) / y


class sqrt1pm1(Primitive):  # noqa: N801
    """sqrt(1 + x) - 1."""

    def definition(self) -> Expr:
        return sympy.sqrt(1 + self.args[0]) - 1

    def fdiff(self, argindex: int = 1) -> Expr:
        return 1 / (2 * sympy.sqrt(1 + self.args[0]))


class log1mexp(Primitive):  # noqa: N801
    """log(1 - exp(x)) for x < 0."""

    def definition(self) -> Expr:
        return log(1 - exp(self.args[0]))

    def fdiff(self, argindex: int = 1) -> Expr:
        (x,) = self.args
        return exp(x) / expm1(x)  # 1/expm1(-x) would overflow where this is subnormal


class log_cosh(Primitive):  # noqa: N801
    """log(cosh(x))."""

    def definition(self) -> Expr:
        return log(sympy.cosh(self.args[0]))

    def fdiff(self, argindex: int = 1) -> Expr:
        return tanh(self.args[0])


class tanh(Primitive):  # noqa: N801
    """Hyperbolic tangent; unlike SymPy's, its derivative is sech(x)**2 and not 1 - tanh(x)**2, which cancels."""

    def definition(self) -> Expr:
        return sympy.tanh(self.args[0])

    def fdiff(self, argindex: int = 1) -> Expr:
        return sech(self.args[0]) ** 2


class sech(Primitive):  # noqa: N801
    """Hyperbolic secant 1 / cosh(x)."""

    def definition(self) -> Expr:
        return 1 / sympy.cosh(self.args[0])

    def fdiff(self, argindex: int = 1) -> Expr:
        (x,) = self.args
        return -sech(x) * tanh(x)


class xlogy(Primitive):  # noqa: N801
    """x * log(y), and 0 where x = 0, whatever y is."""

    def definition(self) -> Expr:
        x, y = self.args
        return select(sympy.Eq(x, 0), S.Zero, x * log(y))

    def fdiff(self, argindex: int = 1) -> Expr:
        x, y = self.args
        return log(y) if argindex == 1 else divide_no_nan(x, y)


class xlog1py(Primitive):  # noqa: N801
    """x * log(1 + y), and 0 where x = 0, whatever y is."""

    def definition(self) -> Expr:
        x, y = self.args
        return select(sympy.Eq(x, 0), S.Zero, x * log(1 + y))

    def fdiff(self, argindex: int = 1) -> Expr:
        x, y = self.args
        return log1p(y) if argindex == 1 else divide_no_nan(x, 1 + y)


class divide_no_nan(Primitive):  # noqa: N801
    """x / y, and 0 where y = 0."""

    def definition(self) -> Expr:
        x, y = self.args
        return select(sympy.Eq(y, 0), S.Zero, x / y)

    def fdiff(self, argindex: int = 1) -> Expr:
        x, y = self.args
        return divide_no_nan(S.One, y) if argindex == 1 else -divide_no_nan(divide_no_nan(x, y), y)


class multiply_no_nan(Primitive):  # noqa: N801
    """x * y, and 0 where x = 0, also for an infinite y."""

    def definition(self) -> Expr:
        x, y = self.args
        return select(sympy.Eq(x, 0), S.Zero, x * y)

    def fdiff(self, argindex: int = 1) -> Expr:
        x, y = self.args
        return y if argindex == 1 else x


class absolute(Primitive):  # noqa: N801
    """Absolute value; the subgradient at 0 is 0."""

    def definition(self) -> Expr:
        return sympy.Abs(self.args[0])

    def fdiff(self, argindex: int = 1) -> Expr:
        return sgn(self.args[0])


class sgn(Primitive):  # noqa: N801
    """Sign of x: -1, 0 or 1; its derivative is 0, also at the jump."""

    def definition(self) -> Expr:
        return sympy.sign(self.args[0])

    def fdiff(self, argindex: int = 1) -> Expr:
        return S.Zero


class maximum(Primitive):  # noqa: N801
    """The larger of two numbers; `derive` picks the subgradient of least norm at a tie."""

    def definition(self) -> Expr:
        return sympy.Max(*self.args)


class minimal(Primitive):  # noqa: N801
    """The number of least magnitude between x and y: the minimal-norm subgradient of a kink with those slopes."""

    def definition(self) -> Expr:
        x, y = self.args
        nearer = select(sympy.Lt(sympy.Abs(x), sympy.Abs(y)), x, y)
        return select(sympy.Le(x * y, 0), S.Zero, nearer)

    def fdiff(self, argindex: int = 1) -> Expr:
        return S.Zero


class binade(Primitive):  # noqa: N801
    """The largest power of two that abs(x) reaches, by which division is exact; 0 and oo for themselves."""

    def definition(self) -> Expr:
        (x,) = self.args
        power = 2 ** sympy.floor(sympy.log(sympy.Abs(x), 2))
        return select(sympy.Eq(x, 0), S.Zero, power)

    def fdiff(self, argindex: int = 1) -> Expr:
        return S.Zero


class minus(Primitive):  # noqa: N801
    """x - y, and 0 where the two are equal, infinite ones too."""

    def definition(self) -> Expr:
        x, y = self.args
        return x - y


class offset(Primitive):  # noqa: N801
    """x + y, and -oo where x = -oo: the log-sum-exp of nothing is below everything."""

    def definition(self) -> Expr:
        x, y = self.args
        return x + y


class exp_minus(Primitive):  # noqa: N801
    """exp(x - y), and 1 where the two are equal, infinite ones too."""

    def definition(self) -> Expr:
        x, y = self.args
        return exp(x - y)


class ratio(Primitive):  # noqa: N801
    """x / y; 0 where y = 0, and 1 or -1 where the two are equal in magnitude, infinite ones too."""

    def definition(self) -> Expr:
        x, y = self.args
        return select(sympy.Eq(y, 0), S.Zero, x / y)


class hypot(Primitive):  # noqa: N801
    """sqrt(x**2 + y**2), where the squares may overflow."""

    def definition(self) -> Expr:
        x, y = self.args
        return sympy.sqrt(x**2 + y**2)

    def fdiff(self, argindex: int = 1) -> Expr:
        return ratio(self.args[argindex - 1], self)


class defined_with(Primitive):  # noqa: N801
    """x, and NaN where y is NaN: a result that does not depend on a prediction outside of its domain."""

    def definition(self) -> Expr:
        return self.args[0]


class select(Primitive):  # noqa: N801
    """The second argument where the condition holds, else the third.  Never simplified, unlike a Piecewise."""

    @classmethod
    def eval(cls, condition: Any, yes: Any, no: Any) -> Expr | None:
        """Decide where the condition is known."""
        if condition is S.true:
            return sympy.sympify(yes)
        if condition is S.false or yes == no:
            return sympy.sympify(no)
        return None

    def definition(self) -> Expr:
        condition, yes, no = self.args
        return sympy.Piecewise((yes, condition), (no, True))

    def _eval_evalf(self, prec: int) -> Expr:
        return self


def in_elementary_terms(expr: Expr) -> Expr:
    """Return the expression without primitives: in the functions of SymPy alone."""
    while expr.atoms(Primitive):
        expr = expr.replace(lambda part: isinstance(part, Primitive), lambda part: part.definition())
    return expr


def log_sigmoid(x: Any) -> Expr:
    """Return log(sigmoid(x)) as -softplus(-x)."""
    return -softplus(-sympy.sympify(x))


def indicator(condition: Any) -> Expr:
    """Return 1 where the condition holds, else 0."""
    return select(condition, Integer(1), Integer(0))


SCALAR_PRIMITIVES: tuple[type[Primitive], ...] = (
    sigmoid, softplus, logistic_density, softplus_mix, sigmoid_mix, logaddexp, log1p, log1p_ratio, expm1, expm1mx, bd0,
    sqrt1pm1, log1mexp, log_cosh, tanh, sech, xlogy, xlog1py, divide_no_nan, multiply_no_nan, absolute, sgn, maximum,
    minimal, binade, minus, offset, exp_minus, ratio, hypot, defined_with, select,
)  # fmt: skip
