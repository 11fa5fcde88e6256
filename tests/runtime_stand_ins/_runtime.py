"""Stands for the folder of this name that lies next to generated modules."""

from symloss.runtime import (  # noqa: F401
    REALS,
    Array,
    Driver,
    Finite,
    Interval,
    Labels,
    Scalar,
    add_terms,
    describe,
    kernel,
    weighted,
)
