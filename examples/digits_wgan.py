"""A Wasserstein GAN with gradient penalty on the digits."""

from __future__ import annotations

import numpy as np
from symloss.generated import wgan_critic, wgan_generator, wgan_gradient_penalty

from .digits import images
from .layers import MLP, Adam, batches
from .results import Array, Result, save_picture
from .samples import compare

NOISE = 24
CRITIC_STEPS = 3


class Critic(MLP):
    """Two hidden layers of tanh, with the derivatives of its own input gradient."""

    def slope(self, x: Array) -> Array:
        """Return the gradient of the score in the input; what `backward_slope` needs is kept."""
        self.forward(x)
        _, h1, h2 = self._inputs
        w1, w2, w3 = self.weights
        self._d1, self._d2 = 1 - h1 * h1, 1 - h2 * h2  # derivatives of tanh
        self._g2 = w3[:, 0] * self._d2
        self._u1 = self._g2 @ w2.T
        self._g1 = self._u1 * self._d1
        return self._g1 @ w1.T

    def backward_slope(self, grad: Array) -> list[Array]:
        """Return the gradient in the parameters, given that in the slope."""
        x, h1, h2 = self._inputs
        w1, w2, w3 = self.weights
        into_g1 = grad @ w1
        into_u1 = into_g1 * self._d1
        into_g2 = into_u1 @ w2
        into_a2 = into_g2 * w3[:, 0] * (-2 * h2 * self._d2)
        into_a1 = into_g1 * self._u1 * (-2 * h1 * self._d1) + (into_a2 @ w2.T) * self._d1
        weights = [
            grad.T @ self._g1 + x.T @ into_a1,
            into_u1.T @ self._g2 + h1.T @ into_a2,
            (into_g2 * self._d2).sum(0)[:, None],
        ]
        return [*weights, into_a1.sum(0), into_a2.sum(0), np.zeros(1)]


def train(x: Array, epochs: int = 250, seed: int = 0) -> tuple[MLP, list[float]]:
    """Return the generator and the critic's mean loss of every epoch."""
    rng = np.random.default_rng(seed)
    generator, critic = MLP((NOISE, 128, 128, 64), rng, leak=0.2), Critic((64, 128, 128, 1), rng)
    adam_g = Adam(generator.parameters, rate=1e-3, beta=0.5)
    adam_c = Adam(critic.parameters, rate=1e-3, beta=0.5)
    history = []
    for _ in range(epochs):
        losses = []
        for step, batch in enumerate(batches(len(x), 64, rng)):
            losses.append(_train_critic(generator, critic, adam_c, x[batch], rng))
            if step % CRITIC_STEPS == 0:
                _train_generator(generator, critic, adam_g, len(batch), rng)
        history.append(float(np.mean(losses)))
    return generator, history


def sample(generator: MLP, count: int, rng: np.random.Generator) -> Array:
    """Return generated images."""
    return 1.0 / (1.0 + np.exp(-generator.forward(rng.normal(size=(count, NOISE)))))


def _train_critic(generator: MLP, critic: Critic, adam: Adam, real: Array, rng: np.random.Generator) -> float:
    fake = sample(generator, len(real), rng)
    scores = critic.forward(np.vstack([real, fake]))[:, 0]
    value, gradients = wgan_critic.value_and_grad(scores[: len(real)], scores[len(real) :])
    _, first = critic.backward(np.concatenate(gradients)[:, None])
    between = real + rng.uniform(size=(len(real), 1)) * (fake - real)
    penalty, grad = wgan_gradient_penalty.value_and_grad(critic.slope(between), lam=1.0)
    second = critic.backward_slope(grad)
    adam.step([a + b for a, b in zip(first, second, strict=True)])
    return float(value + penalty)


def _train_generator(generator: MLP, critic: Critic, adam: Adam, count: int, rng: np.random.Generator) -> None:
    fake = sample(generator, count, rng)
    grad = wgan_generator.grad(critic.forward(fake)[:, 0])
    into_image, _ = critic.backward(grad[:, None])
    adam.step(generator.backward(into_image * fake * (1 - fake))[1])


def run() -> list[Result]:
    """Judge samples beside those of a Gaussian mixture; save them."""
    x, _ = images()
    generator, _ = train(x)
    samples = sample(generator, 1000, np.random.default_rng(1))
    save_picture("wgan", samples[:72])
    return compare("digits, WGAN-GP", samples)
