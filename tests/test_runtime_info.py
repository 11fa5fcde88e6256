"""`INFO` and the domains that it shows."""

import copy
import math
import pickle

import numpy as np
import pytest
from runtime_stand_ins import labelled, scalar, sets, several

from symloss.runtime import REALS, Finite, Interval, Labels

REDUCTIONS = ("none", "sum", "mean", "weighted_mean")


def test_info_of_a_loss_with_labels():
    """Everything that the interface promises, for an argument of every role."""
    real = ("bool", "integer", "float32", "float64")
    assert {
        "name": "labelled",
        "title": "Labelled",
        "reference": "",
        "arguments": (
            {
                "name": "z",
                "role": "prediction",
                "shape": ("...", "C"),
                "dtype": ("float32", "float64"),
                "domain": REALS,
                "optional": False,
            },
            {
                "name": "label",
                "role": "target",
                "shape": ("...",),
                "dtype": ("integer",),
                "domain": Labels(0, "C"),
                "optional": False,
            },
            {
                "name": "class_weight",
                "role": "weight",
                "shape": ("C",),
                "dtype": real,
                "domain": Interval(0.0, math.inf),
                "optional": False,
            },
        ),
        "parameters": (),
        "options": (),
        "reductions": REDUCTIONS,
        "over_sets": False,
    } == labelled.INFO


def test_info_of_parameters_and_sets():
    """Losses over sets have no reductions."""
    assert scalar.INFO["parameters"] == ({"name": "curvature", "default": 1.0, "domain": Interval(0.0, math.inf)},)
    assert sets.INFO["reductions"] == ()
    assert sets.INFO["over_sets"]
    assert [a["shape"] for a in sets.INFO["arguments"]] == [("...",), ("...",)]
    assert [a["name"] for a in several.INFO["arguments"]] == ["x", "mu", "s", "t", "on"]


@pytest.mark.parametrize(
    ("domain", "text", "inside", "outside"),
    [
        (REALS, "(-inf, inf)", [-1e308, 0.0, math.inf], []),
        (Interval(0.0, 1.0), "[0, 1]", [0.0, 0.5, 1.0], [-5e-324, 1 + 2**-52, math.inf]),
        (Interval(0.0, 1.0, True, True), "(0, 1)", [5e-324, 1 - 2**-53], [0.0, 1.0, -0.0]),
        (Interval(0.0, math.inf), "[0, inf)", [-0.0, 1e308], [-1e-300, -math.inf]),
        (Finite(0.0, 1.0), "{0, 1}", [0.0, 1.0, -0.0], [0.5, -1.0, 2.0, math.inf]),
    ],
)
def test_domains(domain, text, inside, outside):
    """NaN is never outside: it passes through to the result."""
    assert str(domain) == text
    assert not domain.outside(np.array([*inside, math.nan])).any()
    assert domain.outside(np.array(outside)).all()
    assert pickle.loads(pickle.dumps(domain)) == copy.deepcopy(domain) == domain
    assert eval(repr(domain), {"Interval": Interval, "Finite": Finite, "inf": math.inf}) == domain


def test_labels_as_text():
    """With an axis or with numbers as the end."""
    assert str(Labels(0, "C")) == "{0, ..., C-1}"
    assert str(Labels(-1, 3)) == "{-1, ..., 2}"
