"""A generative adversarial network on the digits."""

from __future__ import annotations

import numpy as np
from symloss.generated import gan_discriminator_with_logits as discriminator_loss
from symloss.generated import gan_generator_with_logits as generator_loss

from .digits import images
from .layers import MLP, Adam, batches
from .results import Array, Result, save_picture
from .samples import compare

NOISE = 24


def train(x: Array, epochs: int = 400, seed: int = 0) -> tuple[MLP, list[float]]:
    """Return the generator and the discriminator's mean loss of every epoch."""
    rng = np.random.default_rng(seed)
    generator, critic = MLP((NOISE, 128, 128, 64), rng, leak=0.2), MLP((64, 128, 128, 1), rng, leak=0.2)
    adam_g = Adam(generator.parameters, rate=5e-4, beta=0.5)
    adam_d = Adam(critic.parameters, rate=5e-4, beta=0.5)
    history = []
    for _ in range(epochs):
        losses = []
        for batch in batches(len(x), 64, rng):
            real = x[batch] + rng.normal(size=(len(batch), 64)) * 0.05  # so that no pixel tells real from generated
            losses.append(_train_discriminator(generator, critic, adam_d, real, rng))
            _train_generator(generator, critic, adam_g, len(batch), rng)
        history.append(float(np.mean(losses)))
    return generator, history


def sample(generator: MLP, count: int, rng: np.random.Generator) -> Array:
    """Return generated images."""
    return 1.0 / (1.0 + np.exp(-generator.forward(rng.normal(size=(count, NOISE)))))


def _train_discriminator(generator: MLP, critic: MLP, adam: Adam, real: Array, rng: np.random.Generator) -> float:
    fake = sample(generator, len(real), rng) + rng.normal(size=real.shape) * 0.05
    z = critic.forward(np.vstack([real, fake]))[:, 0]
    value, gradients = discriminator_loss.value_and_grad(z[: len(real)], z[len(real) :])
    adam.step(critic.backward(np.concatenate(gradients)[:, None])[1])
    return float(value)


def _train_generator(generator: MLP, critic: MLP, adam: Adam, count: int, rng: np.random.Generator) -> None:
    fake = sample(generator, count, rng)
    grad = generator_loss.grad(critic.forward(fake)[:, 0])
    into_image, _ = critic.backward(grad[:, None])
    adam.step(generator.backward(into_image * fake * (1 - fake))[1])


def run() -> list[Result]:
    """Judge samples beside those of a Gaussian mixture; save them."""
    x, _ = images()
    generator, _ = train(x)
    samples = sample(generator, 1000, np.random.default_rng(1))
    save_picture("gan", samples[:72])
    return compare("digits, GAN", samples)
