"""Reads formulas out of LaTeX and evaluates them; shares nothing with what printed them."""

from .reader import Formula, Recurrence, formulas

__all__ = ["Formula", "Recurrence", "formulas"]
