"""Adversarial losses and the losses of variational autoencoders."""

from symloss.specs.binary import binary_cross_entropy_with_logits
from symloss.specs.binary import y as binary_target
from symloss.specs.binary import z as binary_logit
from sympy import Idx, Interval, Rational, Sum, exp, log, oo, sqrt

from symloss import Dim, Loss, Mean, Parameter, Prediction, Target, sigmoid

d_real = Prediction("d_real", domain=Interval(0, 1))
d_fake = Prediction("d_fake", domain=Interval(0, 1))
z_real, z_fake = Prediction("z_real"), Prediction("z_fake")

gan_generator = Loss(
    "gan_generator",
    -log(d_fake),
    title="Generator loss of a GAN",
    task="Generative models",
    description="How far the discriminator is from taking generated samples for real; the non-saturating form.",
    use_case="Training the generator of a generative adversarial network whose discriminator outputs probabilities.",
    advantages="A strong gradient exactly where the generator is still bad.",
    disadvantages="No measure of quality without its discriminator; training may swing, or collapse to a few modes.",
    reference="Goodfellow et al. (2014), Generative adversarial nets, NeurIPS.",
)
gan_generator_with_logits = gan_generator.compose(
    "gan_generator_with_logits",
    {d_fake: sigmoid(z_fake)},
    title="Generator loss of a GAN from logits",
    use_case="Training the generator of a generative adversarial network whose discriminator outputs logits.",
    advantages="A strong gradient exactly where the generator is still bad: the slope tends to -1 there.",
)
_saturating = Loss(
    "gan_generator_saturating",
    log(1 - d_fake),
    title="Saturating generator loss of a GAN from logits",
    task="Generative models",
    description="The generator's side of the minimax game: the log-probability, from a logit, of being found out.",
    use_case="Studying the minimax game itself; in practice the non-saturating form trains better.",
    advantages="The exact counterpart of the discriminator's loss, to which the theory of the game applies.",
    disadvantages="Its gradient vanishes where the discriminator is sure, which is how training begins.",
    reference="Goodfellow et al. (2014), Generative adversarial nets, NeurIPS.",
)
gan_generator_saturating_with_logits = _saturating.compose(
    "gan_generator_saturating_with_logits", {d_fake: sigmoid(z_fake)}
)
gan_discriminator = Loss(
    "gan_discriminator",
    -(Mean(log(d_real)) + Mean(log(1 - d_fake))),
    title="Discriminator loss of a GAN",
    task="Generative models",
    description="Binary cross-entropy of telling real samples from generated ones, each averaged over its own batch.",
    use_case="Training the discriminator of a generative adversarial network; the two batches may differ in size.",
    advantages="At its optimum the odds of the output are the ratio of the two densities.",
    disadvantages="A discriminator that wins too early teaches the generator little: the two need to be in balance.",
    reference="Goodfellow et al. (2014), Generative adversarial nets, NeurIPS.",
)
gan_discriminator_with_logits = gan_discriminator.compose(
    "gan_discriminator_with_logits",
    {d_real: sigmoid(z_real), d_fake: sigmoid(z_fake)},
    title="Discriminator loss of a GAN from logits",
    use_case="Training a discriminator that outputs logits; the two batches may differ in size.",
    advantages="At its optimum the logit is the log-ratio of the two densities; accurate for every logit.",
)

score_real, score_fake = Prediction("d_real"), Prediction("d_fake")
_WGAN = {"task": "Generative models", "reference": "Arjovsky, Chintala and Bottou (2017), Wasserstein GAN, ICML."}
wasserstein = Loss(
    "wasserstein",
    Mean(score_real) - Mean(score_fake),
    title="Wasserstein estimate",
    description="Mean score of real samples less that of generated ones: what the critic maximises.",
    use_case="Watching the training of a Wasserstein GAN: it estimates the distance of the two distributions.",
    advantages="Tends to fall as samples get better, and has a gradient even where the distributions do not overlap.",
    disadvantages="A distance only while the critic is kept Lipschitz and close to its optimum, and only up to scale.",
    **_WGAN,
)
wgan_critic = Loss(
    "wgan_critic",
    Mean(score_fake) - Mean(score_real),
    title="Critic loss of a Wasserstein GAN",
    description="The negative Wasserstein estimate, to be minimised by the critic.",
    use_case="Training the critic, together with a gradient penalty or another Lipschitz constraint.",
    advantages="Linear in the scores: it does not saturate, so the critic can be trained to optimality.",
    disadvantages="Unbounded below without a constraint on the critic.",
    **_WGAN,
)
wgan_generator = Loss(
    "wgan_generator",
    -score_fake,
    title="Generator loss of a Wasserstein GAN",
    description="The negative score of a generated sample.",
    use_case="Training the generator against a critic that is kept Lipschitz.",
    advantages="A useful gradient at every stage of training.",
    disadvantages="As good as the critic, which is usually trained for several steps for each of the generator's.",
    **_WGAN,
)

D = Dim("D")
d = Idx("d", D)
slope = Prediction("slope", D)
lam = Parameter("lam", 10.0, domain=Interval(0, oo))
wgan_gradient_penalty = Loss(
    "wgan_gradient_penalty",
    lam * (sqrt(Sum(slope[d] ** 2, d)) - 1) ** 2,
    title="Gradient penalty of a Wasserstein GAN",
    task="Generative models",
    description="The squared deviation from 1 of the norm of the critic's gradient in its input, times lam.",
    use_case="Keeping the critic Lipschitz: added to its loss, at points between real and generated samples.",
    advantages="Trains deep critics stably where clipping of weights fails.",
    disadvantages="Needs derivatives of derivatives; the derivative at a zero slope is taken as 0.",
    reference="Gulrajani et al. (2017), Improved training of Wasserstein GANs, NeurIPS.",
)

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

_VAE = {
    "task": "Generative models",
    "reference": "Kingma and Welling (2014), Auto-encoding variational Bayes, ICLR.",
}
vae_reconstruction = Loss(
    "vae_reconstruction",
    reconstruction,
    title="Reconstruction error",
    description="The mean squared difference between a sample and its reconstruction.",
    use_case="Autoencoders for continuous data, and the first part of the loss of a variational one.",
    advantages="Smooth and convex, and its scale does not grow with the number of entries of a sample.",
    disadvantages="Blurs what it cannot predict, since it asks for the mean.",
    **_VAE,
)
gaussian_kl = Loss(
    "gaussian_kl",
    divergence,
    title="KL divergence of a diagonal Gaussian",
    description="The Kullback-Leibler divergence of a Gaussian with independent entries from the standard one.",
    use_case="The second part of the loss of a variational autoencoder, on the output of its encoder.",
    advantages="Exact, where a sampled estimate would be noisy; convex, and zero only for the standard Gaussian.",
    disadvantages="May pull the posterior to the prior before the decoder has learnt to use it: posterior collapse.",
    **_VAE,
)
vae = Loss(
    "vae",
    reconstruction + beta * divergence,
    title="Loss of a variational autoencoder",
    description="Mean squared reconstruction error plus beta times the divergence of the posterior from the prior.",
    use_case="Variational autoencoders for continuous data; beta weighs compression against fidelity.",
    advantages="One smooth loss trains encoder and decoder together; its two parts can be read apart.",
    disadvantages=(
        "Beta has to be tuned: with a large one latent entries go unused. As the error is a mean over D entries, "
        "beta = 1 gives the evidence lower bound for a decoder of variance D/2, not 1."
    ),
    task="Generative models",
    reference="Higgins et al. (2017), beta-VAE: learning basic visual concepts with a constrained framework, ICLR.",
)
vae_bernoulli = Loss(
    "vae_bernoulli",
    Sum(bernoulli, d) + beta * divergence,
    title="Loss of a variational autoencoder with a Bernoulli decoder",
    description="Binary cross-entropy from logits, summed over a sample, plus beta times the divergence.",
    use_case="Variational autoencoders for binary data, or for intensities between 0 and 1.",
    advantages="With beta = 1 and a sampled latent vector it estimates the negative evidence lower bound.",
    disadvantages="For intensities strictly between 0 and 1 it is no normalised likelihood, though it trains well.",
    **_VAE,
)
