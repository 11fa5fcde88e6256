"""Errors in units in the last place, and the bound for ill-conditioned results."""

import math
from pathlib import Path

import numpy as np
import pytest
from symloss.specs import binary, generative, regression

import symloss.verify
from symloss.verify.bounds import sensitivities, value_sensitivity
from symloss.verify.evaluate import MP
from symloss.verify.judge import Judge
from symloss.verify.point import Sample
from symloss.verify.sampling import moderate, parameter_settings, samples
from symloss.verify.ulp import error_in_ulps, spacing

INF = math.inf
LARGEST = float(np.finfo("float64").max)
CASES = [
    (1.0, 1.0, 0), (1 + 2.0**-52, 1.0, 1), (1 - 2.0**-53, 1.0, 0.5), (5e-324, 0.0, 1), (-1e-323, 0.0, 2),
    (0.0, 1e-310, 1e-310 / 5e-324), (INF, INF, 0), (-INF, INF, INF), (1.0, INF, INF), (INF, 1e308, INF),
    (math.nan, 1.0, INF), (1.0, math.nan, INF), (math.nan, math.nan, 0), (INF, LARGEST, 1), (0.0, 1.0, 2.0**52),
    (INF, -1e400, INF),
]  # fmt: skip


@pytest.mark.parametrize(("got", "exact", "ulps"), CASES)
def test_errors(got, exact, ulps):
    """Of float64."""
    exact = -(MP.mpf(10) ** 400) if exact == -1e400 and math.isinf(exact) and got > 0 and ulps == INF else MP.mpf(exact)
    assert error_in_ulps(got, exact, "float64") == pytest.approx(ulps, rel=0.02)


def test_numbers_beyond_the_largest_float_round_to_infinity():
    """And those of the other sign do not."""
    beyond = MP.mpf(10) ** 434
    assert error_in_ulps(INF, beyond, "float64") == 0
    assert error_in_ulps(-INF, beyond, "float64") == INF
    assert error_in_ulps(LARGEST, beyond, "float64") == INF
    assert error_in_ulps(INF, MP.mpf(1e39), "float32") == 0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_spacing_is_that_of_numpy(dtype):
    """At powers of two, between them, and among subnormals."""
    info = np.finfo(dtype)
    for number in (1.0, 1.5, 0.1, 3e10, float(info.tiny), float(info.tiny) / 8, float(info.max) / 2):
        assert spacing(MP.mpf(number), dtype) == float(np.spacing(np.asarray(number, dtype)))


def test_sensitivities_are_sums_of_moves():
    """Of x -> (x - y)^2 and its derivatives."""
    sample = Sample("test", {"prediction": np.array(3.0), "target": np.array(1.0)}, {}, {"prediction": np.array(2.0)})
    judge = Judge(regression.squared_error)
    assert float(value_sensitivity(judge, sample)) == pytest.approx(4 + 12 + 4)
    assert [float(s) for s in sensitivities(judge, sample, 0)] == pytest.approx([4 + 6 + 2, 2, 4 + 4])


def test_samples_are_the_same_on_every_run_and_inside_of_target_domains():
    """Extreme predictions, valid targets, all labels."""
    for loss in (binary.focal, generative.vae, generative.gan_discriminator):
        first, second = samples(loss, 3), samples(loss, 3)
        assert [str(s) for s in first] == [str(s) for s in second]
        assert len(samples(loss, 13)) == len(first) + 10
        assert any(s.single for s in first)
    drawn = samples(binary.focal)
    assert {float(s.arrays["y"]) for s in drawn} == {0.0, 1.0}
    assert {0.0, 1.0, 5e-324, 1 - 2.0**-53} <= {float(s.arrays["p"]) for s in drawn}
    assert {0.0, 0.5, 2.0} <= {s.parameters["gamma"] for s in drawn}
    assert all(
        s.arrays["x_hat"].shape == (4,) for s in moderate(generative.vae, 2, dict.fromkeys(generative.vae.dims, 4))
    )


def test_parameters_take_the_ends_of_their_domains():
    """One at a time."""
    settings = list(parameter_settings(binary.focal))
    assert settings[0] == {"alpha": 0.25, "gamma": 2.0}
    assert {"alpha": 0.25, "gamma": 0.0} in settings
    assert {"alpha": 1.0, "gamma": 2.0} in settings
    assert all(np.isfinite(list(s.values())).all() for s in settings)


def test_the_judge_shares_no_code_with_the_judged():
    """It imports the declaration, what it writes, whom it compares with, and itself."""
    functions = {"functions", "special_functions"}
    declaration = functions | {"errors", "reductions", "arguments", "convert", "declare", "recurrence"}
    allowed = declaration | {"verify", "certificate", "peers", "progress"}
    for path in Path(symloss.verify.__file__).parent.glob("*.py"):
        for line in path.read_text().splitlines():
            if line.lstrip().startswith(("from symloss", "import symloss")):
                words = line.replace(",", " ").split()
                modules = words[3:] if words[1] == "symloss" else [words[1].split(".")[1]]
                assert set(modules) <= allowed, f"{path.name}: {line}"
