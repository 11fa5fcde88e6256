"""Modules with the interface of generated ones, in plain NumPy, for the judge to judge."""
