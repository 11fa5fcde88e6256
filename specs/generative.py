"""Adversarial losses and the losses of variational autoencoders."""

from symloss.specs.binary import binary_cross_entropy_with_logits
from symloss.specs.binary import y as binary_target
from symloss.specs.binary import z as binary_logit
from sympy import Idx, Interval, Rational, Sum, exp, log, oo, sqrt

from symloss import Dim, Loss, Mean, Parameter, Prediction, Target, sigmoid

d_real = Prediction("d_real", domain=Interval(0, 1))
d_fake = Prediction("d_fake", domain=Interval(0, 1))
z_real, z_fake = Prediction("z_real"), Prediction("z_fake")

gan_generator = Loss("gan_generator", -log(d_fake))
gan_generator_with_logits = gan_generator.compose("gan_generator_with_logits", {d_fake: sigmoid(z_fake)})
_saturating = Loss("gan_generator_saturating", log(1 - d_fake))
gan_generator_saturating_with_logits = _saturating.compose(
    "gan_generator_saturating_with_logits", {d_fake: sigmoid(z_fake)}
)
gan_discriminator = Loss("gan_discriminator", -(Mean(log(d_real)) + Mean(log(1 - d_fake))))
gan_discriminator_with_logits = gan_discriminator.compose(
    "gan_discriminator_with_logits", {d_real: sigmoid(z_real), d_fake: sigmoid(z_fake)}
)

score_real, score_fake = Prediction("d_real"), Prediction("d_fake")
wasserstein = Loss("wasserstein", Mean(score_real) - Mean(score_fake))
wgan_critic = Loss("wgan_critic", Mean(score_fake) - Mean(score_real))
wgan_generator = Loss("wgan_generator", -score_fake)

D = Dim("D")
d = Idx("d", D)
slope = Prediction("slope", D)
lam = Parameter("lam", 10.0, domain=Interval(0, oo))
wgan_gradient_penalty = Loss("wgan_gradient_penalty", lam * (sqrt(Sum(slope[d] ** 2, d)) - 1) ** 2)

L = Dim("L")
k = Idx("l", L)
x_hat, x_logit = Prediction("x_hat", D), Prediction("x_logit", D)
mu, logvar = Prediction("mu", L), Prediction("logvar", L)
x = Target("x", D)
pixel = Target("x", D, domain=Interval(0, 1))
beta = Parameter("beta", 1.0, domain=Interval(0, oo))

reconstruction = Sum((x_hat[d] - x[d]) ** 2, d) / D
divergence = -Rational(1, 2) * Sum(1 + logvar[k] - mu[k] ** 2 - exp(logvar[k]), k)
bernoulli = binary_cross_entropy_with_logits.expr.subs({binary_logit: x_logit[d], binary_target: pixel[d]})

vae_reconstruction = Loss("vae_reconstruction", reconstruction)
gaussian_kl = Loss("gaussian_kl", divergence)
vae = Loss("vae", reconstruction + beta * divergence)
vae_bernoulli = Loss("vae_bernoulli", Sum(bernoulli, d) + beta * divergence)
