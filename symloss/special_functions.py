"""Primitives around the error function and the gamma function: exact definition and derivative of each.

As all primitives they are opaque to SymPy, which writes erfc(-x) as 2 - erfc(x): that cancels for x < 0.  Derivatives
stay in the family: log(erfc(x))' = -h with the hazard h, and h' = h*s with its excess s over 2*x; neither cancels.
"""

from __future__ import annotations

import sympy
from sympy import Expr, exp, log, pi, sqrt

from symloss.functions import Primitive


class gaussian(Primitive):  # noqa: N801 - mathematical functions are lower case, as in SymPy
    """exp(-x**2): a rounded square would cost up to 350 units in the last place."""

    def definition(self) -> Expr:
        return exp(-(self.args[0] ** 2))

    def fdiff(self, argindex: int = 1) -> Expr:
        (x,) = self.args
        return -2 * x * gaussian(x)


class erf(Primitive):  # noqa: N801
    """Error function."""

    def definition(self) -> Expr:
        return sympy.erf(self.args[0])

    def fdiff(self, argindex: int = 1) -> Expr:
        return 2 / sqrt(pi) * gaussian(self.args[0])


class erfc(Primitive):  # noqa: N801
    """1 - erf(x)."""

    def definition(self) -> Expr:
        return sympy.erfc(self.args[0])

    def fdiff(self, argindex: int = 1) -> Expr:
        return -2 / sqrt(pi) * gaussian(self.args[0])


class log_erfc(Primitive):  # noqa: N801
    """log(erfc(x)), also where erfc(x) is below all floats."""

    def definition(self) -> Expr:
        return log(sympy.erfc(self.args[0]))

    def fdiff(self, argindex: int = 1) -> Expr:
        return -erfc_hazard(self.args[0])


class log_half_erfc(Primitive):  # noqa: N801
    """log(erfc(x) / 2): log of the normal distribution function at -sqrt(2)*x; log_erfc(x) - log(2) would cancel."""

    def definition(self) -> Expr:
        return log(sympy.erfc(self.args[0]) / 2)

    def fdiff(self, argindex: int = 1) -> Expr:
        return -erfc_hazard(self.args[0])


class erfc_hazard(Primitive):  # noqa: N801
    """2*exp(-x**2) / (sqrt(pi)*erfc(x)): what -log(erfc(x)) grows by."""

    def definition(self) -> Expr:
        (x,) = self.args
        return 2 * exp(-(x**2)) / (sqrt(pi) * sympy.erfc(x))

    def fdiff(self, argindex: int = 1) -> Expr:
        return erfc_curvature(self.args[0])


class erfc_curvature(Primitive):  # noqa: N801
    """erfc_hazard(x) * erfc_excess(x), between 0 and 2, where one factor is infinite and the other 0, too."""

    def definition(self) -> Expr:
        (x,) = self.args
        return erfc_hazard(x).definition() * erfc_excess(x).definition()

    def fdiff(self, argindex: int = 1) -> Expr:
        (x,) = self.args
        return erfc_curvature(x) * erfc_excess(x) + erfc_hazard(x) * (erfc_curvature(x) - 2)


class erfc_excess(Primitive):  # noqa: N801
    """erfc_hazard(x) - 2*x, which is positive and for large x near 1/x."""

    def definition(self) -> Expr:
        (x,) = self.args
        return 2 * exp(-(x**2)) / (sqrt(pi) * sympy.erfc(x)) - 2 * x

    def fdiff(self, argindex: int = 1) -> Expr:
        (x,) = self.args
        return erfc_curvature(x) - 2


class erfcx(Primitive):  # noqa: N801
    """exp(x**2) * erfc(x), which falls as 1/x where its factors overflow and vanish."""

    def definition(self) -> Expr:
        (x,) = self.args
        return exp(x**2) * sympy.erfc(x)

    def fdiff(self, argindex: int = 1) -> Expr:
        (x,) = self.args
        return -erfcx(x) * erfc_excess(x)


class loggamma(Primitive):  # noqa: N801
    """Logarithm of the gamma function, for x > 0."""

    def definition(self) -> Expr:
        return sympy.loggamma(self.args[0])

    def fdiff(self, argindex: int = 1) -> Expr:
        return digamma(self.args[0])


class digamma(Primitive):  # noqa: N801
    """Derivative of loggamma."""

    def definition(self) -> Expr:
        return sympy.polygamma(0, self.args[0])

    def fdiff(self, argindex: int = 1) -> Expr:
        return trigamma(self.args[0])


class trigamma(Primitive):  # noqa: N801
    """Derivative of digamma."""

    def definition(self) -> Expr:
        return sympy.polygamma(1, self.args[0])

    def fdiff(self, argindex: int = 1) -> Expr:
        return tetragamma(self.args[0])


class tetragamma(Primitive):  # noqa: N801
    """Derivative of trigamma."""

    def definition(self) -> Expr:
        return sympy.polygamma(2, self.args[0])


SPECIAL_PRIMITIVES: tuple[type[Primitive], ...] = (
    gaussian, erf, erfc, log_erfc, log_half_erfc, erfc_hazard, erfc_curvature, erfc_excess, erfcx, loggamma, digamma,
    trigamma, tetragamma,
)  # fmt: skip
