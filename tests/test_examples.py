"""The networks of the examples: their back-propagation against differences, and that training lowers losses."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
digits_wgan = pytest.importorskip("examples.digits_wgan")

from examples import breast_cancer, diabetes, digits_gan, digits_mlp, digits_vae  # noqa: E402
from examples.digits import images  # noqa: E402
from examples.layers import MLP  # noqa: E402
from examples.sequences import Lines, edits, halves  # noqa: E402

_STEP = 1e-6


def _check(loss: Callable[[], float], parameters: list[Any], gradients: list[Any]) -> None:
    """Compare gradients with central differences at a few entries of each parameter."""
    rng = np.random.default_rng(0)
    assert [p.shape for p in parameters] == [g.shape for g in gradients]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        for _ in range(4):
            place = tuple(rng.integers(0, n) for n in parameter.shape)
            kept = parameter[place]
            values = []
            for sign in (1, -1):
                parameter[place] = kept + sign * _STEP
                values.append(loss())
            parameter[place] = kept
            assert gradient[place] == pytest.approx((values[0] - values[1]) / (2 * _STEP), rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("leak", [None, 0.2])
def test_back_propagation(leak: float | None) -> None:
    rng = np.random.default_rng(1)
    network, x, out = MLP((5, 7, 6, 3), rng, leak), rng.normal(size=(4, 5)), rng.normal(size=(4, 3))
    network.forward(x)
    into, gradients = network.backward(out)
    _check(lambda: float((network.forward(x) * out).sum()), network.parameters, gradients)
    _check(lambda: float((network.forward(x) * out).sum()), [x], [into])


def test_derivatives_of_an_input_gradient() -> None:
    rng = np.random.default_rng(2)
    critic, x, out = digits_wgan.Critic((5, 7, 6, 1), rng), rng.normal(size=(4, 5)), rng.normal(size=(4, 5))
    slope = critic.slope(x)
    _check(lambda: float(critic.forward(x).sum()), [x], [slope])
    critic.slope(x)
    _check(lambda: float((critic.slope(x) * out).sum()), critic.parameters, critic.backward_slope(out))


def test_gradient_of_the_autoencoder() -> None:
    rng = np.random.default_rng(3)
    encoder, decoder = MLP((64, 9, 2 * digits_vae.LATENT), rng), MLP((digits_vae.LATENT, 9, 64), rng)
    x, noise = images()[0][:6], rng.normal(size=(6, digits_vae.LATENT))
    _, gradients = digits_vae.step(encoder, decoder, x, noise)
    parameters = [*encoder.parameters, *decoder.parameters]
    _check(lambda: digits_vae.step(encoder, decoder, x, noise)[0], parameters, gradients)


def test_training_lowers_losses() -> None:
    x, y = images()
    for history in (
        digits_mlp.train(x[:500], y[:500], epochs=6)[1],
        digits_vae.train(x[:300], epochs=6)[2],
        digits_wgan.train(x[:300], epochs=6)[1],
    ):
        assert history[-1] < history[0]
    generator, history = digits_gan.train(x[:300], epochs=3)
    assert np.isfinite(history).all()
    assert digits_gan.sample(generator, 5, np.random.default_rng(0)).shape == (5, 64)


def test_linear_models_are_those_of_scikit_learn() -> None:
    assert all(result.good for result in breast_cancer.run())
    assert diabetes.run()[0].good


def test_losses_that_boosters_lack_are_better_than_their_own() -> None:
    pytest.importorskip("xgboost")
    pytest.importorskip("lightgbm")
    pytest.importorskip("catboost")
    from examples import boosting

    results = boosting.run()
    assert len(results) == 6
    assert all(result.good for result in results), results


def test_lines_of_digits() -> None:
    assert edits(list(b"kitten"), list(b"sitting")) == 3
    assert edits([], [1, 2]) == 2
    rng = np.random.default_rng(0)
    known, unknown = halves(rng)
    assert len(known[0]) + len(unknown[0]) == len(images()[0])
    lines = Lines(20, known, rng)
    assert ((lines.sizes >= 3) & (lines.sizes <= 8)).all()
    assert (lines.columns <= lines.pixels.shape[1]).all()
    windows = lines.windows(reach=2)
    assert (windows[:, 2:, :8] == lines.pixels[:, :-2]).all()  # the first of five columns is two to the left
    for line, columns in enumerate(lines.columns):
        assert not lines.pixels[line, columns:].any()
