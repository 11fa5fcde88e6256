"""A variational autoencoder on the digits, with a Bernoulli decoder."""

from __future__ import annotations

import numpy as np
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from symloss.generated import vae_bernoulli as loss

from .digits import images
from .layers import MLP, Adam, batches
from .results import Array, Result, save_picture

LATENT = 8
BETA = 0.5


def train(x: Array, epochs: int = 150, seed: int = 0) -> tuple[MLP, MLP, list[float]]:
    """Return encoder, decoder and the mean loss of every epoch."""
    rng = np.random.default_rng(seed)
    encoder, decoder = MLP((64, 128, 2 * LATENT), rng), MLP((LATENT, 128, 64), rng)
    adam = Adam([*encoder.parameters, *decoder.parameters], rate=2e-3)
    history = []
    for _ in range(epochs):
        losses = []
        for batch in batches(len(x), 64, rng):
            value, gradients = step(encoder, decoder, x[batch], rng.normal(size=(len(batch), LATENT)))
            adam.step(gradients)
            losses.append(value)
        history.append(float(np.mean(losses)))
    return encoder, decoder, history


def step(encoder: MLP, decoder: MLP, x: Array, noise: Array) -> tuple[float, list[Array]]:
    """Return the mean loss and its gradient in the parameters of encoder and decoder."""
    mu, logvar = np.split(encoder.forward(x), 2, axis=1)
    mu, logvar = np.ascontiguousarray(mu), np.ascontiguousarray(logvar)
    spread = np.exp(0.5 * logvar)
    logit = decoder.forward(mu + spread * noise)
    value, (grad_logit, grad_mu, grad_logvar) = loss.value_and_grad(logit, mu, logvar, x, beta=BETA)
    grad_z, decoder_gradients = decoder.backward(grad_logit)
    into = np.hstack([grad_mu + grad_z, grad_logvar + 0.5 * grad_z * noise * spread])
    return float(value), [*encoder.backward(into)[1], *decoder_gradients]


def decode(decoder: MLP, z: Array) -> Array:
    """Return images for latent values."""
    return 1.0 / (1.0 + np.exp(-decoder.forward(z)))


def run() -> list[Result]:
    """Compare reconstructions with those of principal components; save samples."""
    x, _ = images()
    x_train, x_test = train_test_split(x, random_state=0)
    encoder, decoder, _ = train(x_train)
    mu = encoder.forward(x_test)[:, :LATENT]
    ours = float(np.mean((decode(decoder, mu) - x_test) ** 2))
    pca = PCA(LATENT).fit(x_train)
    theirs = float(np.mean((pca.inverse_transform(pca.transform(x_test)) - x_test) ** 2))
    save_picture("vae", decode(decoder, np.random.default_rng(1).normal(size=(72, LATENT))))
    by = f"PCA, {LATENT} components"
    return [Result("digits, VAE", "reconstruction error", ours, theirs, by, 0.0, False)]
