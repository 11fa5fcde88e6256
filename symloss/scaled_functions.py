"""Products that are floats where a factor of them is none, or has few digits: primitives that `specialize` puts in.

`times_...` multiply an exponential before it overflows; `lifted_...` are functions times a power of two, so that
products with them are subnormal only where the `lowered` result is.  `norm_less` and what is made of it take a sum of
squares with its rest.
`exp_below` is an exponential that is at most 1.
`excess` and `distance_excess` have the right sign, whatever is rounded: what `decisions` compares with 0.
`squared_difference`, `times_square`, `sum_ratio` and `added_once` are rounded once: what `squares` puts into sums, and
makes of them.
`product_difference` and `times_parts` are right to a unit, of sums in two parts: what `quotients` makes of derivatives
of cross-entropies.
"""

from __future__ import annotations

from sympy import Abs, Add, Eq, Expr, S, exp, sqrt

from symloss.functions import Primitive, logistic_density, select, sigmoid

LIFT = 2**64  # in float32 kernels it is 2**30; it cancels


class times_exp(Primitive):  # noqa: N801 - mathematical functions are lower case, as in SymPy
    """k * exp(x), and 0 where k = 0."""

    def definition(self) -> Expr:
        x, k = self.args
        return k * exp(x)


class times_expm1(Primitive):  # noqa: N801
    """k * (exp(x) - 1), and 0 where k = 0."""

    def definition(self) -> Expr:
        x, k = self.args
        return k * (exp(x) - 1)


class times_expm1mx(Primitive):  # noqa: N801
    """k * (exp(x) - 1 - x), and 0 where k = 0."""

    def definition(self) -> Expr:
        x, k = self.args
        return k * (exp(x) - 1 - x)


class lifted(Primitive):  # noqa: N801
    """x times a power of two."""

    def definition(self) -> Expr:
        return LIFT * self.args[0]


class lowered(Primitive):  # noqa: N801
    """x over that power of two."""

    def definition(self) -> Expr:
        return self.args[0] / LIFT


class lifted_sigmoid(Primitive):  # noqa: N801
    """The logistic function times that power of two."""

    def definition(self) -> Expr:
        return LIFT * sigmoid(self.args[0])


class lifted_logistic_density(Primitive):  # noqa: N801
    """The logistic density times that power of two."""

    def definition(self) -> Expr:
        return LIFT * logistic_density(self.args[0])


class exp_below(Primitive):  # noqa: N801
    """exp(x - y) for x <= y, and 1 where the two are equal, infinite ones too."""

    def definition(self) -> Expr:
        x, y = self.args
        return exp(x - y)


class lifted_exp_minus(Primitive):  # noqa: N801
    """exp(x - y) times that power of two, for x <= y."""

    def definition(self) -> Expr:
        x, y = self.args
        return LIFT * exp(x - y)


class lifted_one_plus(Primitive):  # noqa: N801
    """That power of two, and x."""

    def definition(self) -> Expr:
        return LIFT + self.args[0]


class times_log_softmax(Primitive):  # noqa: N801
    """k * weight * (x - log_total), and 0 where k * weight = 0: log_total = log1p(lowered(total)) may be subnormal."""

    def definition(self) -> Expr:
        x, _, log_total, k, weight = self.args
        return k * weight * (x - log_total)


class square_rest(Primitive):  # noqa: N801
    """What rounding takes from x**2: 0 in exact numbers."""

    def definition(self) -> Expr:
        return S.Zero


class norm_less(Primitive):  # noqa: N801
    """scale * sqrt(total + rest) - level, for a power of two and a total of which rounding took the rest."""

    def definition(self) -> Expr:
        scale, total, rest, level = self.args
        return scale * sqrt(total + rest) - level


class norm_less_square(Primitive):  # noqa: N801
    """k * norm_less(scale, total, rest, level)**2, and 0 where k = 0."""

    def definition(self) -> Expr:
        k, scale, total, rest, level = self.args
        return k * (scale * sqrt(total + rest) - level) ** 2


class norm_less_ratio(Primitive):  # noqa: N801
    """k * norm_less(scale, total, rest, level) / sqrt(total + rest), and 0 where k = 0 or the norm is 0."""

    def definition(self) -> Expr:
        k, scale, total, rest, level = self.args
        return select(Eq(total, 0), S.Zero, k * (scale - level / sqrt(total + rest)))


class times_ratio(Primitive):  # noqa: N801
    """k * x / y for a power of two y, and 0 where y = 0: entries that are subnormal keep their digits."""

    def definition(self) -> Expr:
        x, y, k = self.args
        return select(Eq(y, 0), S.Zero, k * x / y)


class excess(Primitive):  # noqa: N801
    """(x - y) - level, with its sign."""

    def definition(self) -> Expr:
        x, y, level = self.args
        return x - y - level


class distance_excess(Primitive):  # noqa: N801
    """abs(x - y) - level, with its sign."""

    def definition(self) -> Expr:
        x, y, level = self.args
        return Abs(x - y) - level


class squared_difference(Primitive):  # noqa: N801
    """(x - y)**2, rounded once."""

    def definition(self) -> Expr:
        x, y = self.args
        return (x - y) ** 2


class times_square(Primitive):  # noqa: N801
    """k * x**2, rounded once, and 0 where k = 0."""

    def definition(self) -> Expr:
        x, k = self.args
        return k * x**2


class sum_ratio(Primitive):  # noqa: N801
    """(total + rest) / y, rounded once, for a total of which rounding took the rest."""

    def definition(self) -> Expr:
        total, rest, y = self.args
        return (total + rest) / y


class added_once(Primitive):  # noqa: N801
    """x + y + rest, rounded once, for sums of which rounding took the rest."""

    def definition(self) -> Expr:
        return Add(*self.args)


class plus_rest(Primitive):  # noqa: N801
    """What rounding takes from total + rest + largest, if total + largest is computed: 0 in exact numbers."""

    def definition(self) -> Expr:
        return S.Zero


class less_rest(Primitive):  # noqa: N801
    """What rounding takes from whole + rest - own, if x is computed: 0 in exact numbers."""

    def definition(self) -> Expr:
        return S.Zero


class inverse_rest(Primitive):  # noqa: N801
    """What rounding takes from 1/(x + rest), if 1/x is computed: 0 in exact numbers."""

    def definition(self) -> Expr:
        return S.Zero


class times_inverse(Primitive):  # noqa: N801
    """a * (k + k_rest), to a unit, for the inverse of a sum of which rounding took the rest."""

    def definition(self) -> Expr:
        a, k, k_rest = self.args
        return a * (k + k_rest)


class times_parts(Primitive):  # noqa: N801
    """a * (b + b_rest) * (k + k_rest), to a unit, for sums of which rounding took the rests."""

    def definition(self) -> Expr:
        a, b, b_rest, k, k_rest = self.args
        return a * (b + b_rest) * (k + k_rest)


class product_difference(Primitive):  # noqa: N801
    """(a*(b + b_rest) - c*(d + d_rest)) * (k + k_rest), to a unit, for sums of which rounding took the rests."""

    def definition(self) -> Expr:
        a, b, b_rest, c, d, d_rest, k, k_rest = self.args
        return (a * (b + b_rest) - c * (d + d_rest)) * (k + k_rest)
