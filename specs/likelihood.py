"""Losses for targets that are counts, amounts or waiting times: negative log-likelihoods with a logarithmic link."""

from sympy import Interval, exp, log, oo

from symloss import Loss, Parameter, Prediction, Target

mean = Prediction("mean", domain=Interval.Lopen(0, oo))
log_mean = Prediction("log_mean")
count = Target("target", domain=Interval(0, oo))
amount = Target("target", domain=Interval.open(0, oo))
power = Parameter("power", 1.5, domain=Interval.open(1, 2))

_poisson = Loss(
    "poisson",
    mean - count * log(mean),
    title="Poisson loss, log link",
    task="Regression",
    description="The negative log-likelihood of a Poisson count up to a constant; the model gives the log of the mean.",
    use_case="Counts and rates: claims, visits, events in a unit of time; exposure is added to the log of the mean.",
    advantages="Convex in the log of the mean, effects multiply, and the mean of the fit is that of the data.",
    disadvantages="Assumes a variance as large as the mean; the exponential makes large predictions steep.",
    reference="McCullagh and Nelder (1989), Generalized Linear Models, Chapman and Hall.",
)
poisson_with_log_link = _poisson.compose("poisson_with_log_link", {mean: exp(log_mean)})

_gamma = Loss(
    "gamma",
    log(mean) + amount / mean,
    title="Gamma loss, log link",
    task="Regression",
    description="Half the gamma deviance, up to a constant; the model gives the log of the mean.",
    use_case="Positive amounts whose spread grows with their mean: costs of claims, incomes, waiting times.",
    advantages="Convex in the log of the mean; a relative error counts the same for small and large amounts.",
    disadvantages="Targets must be above 0, and those near 0 are fitted at the cost of all others.",
    reference="McCullagh and Nelder (1989), Generalized Linear Models, Chapman and Hall.",
)
gamma_with_log_link = _gamma.compose("gamma_with_log_link", {mean: exp(log_mean)})

_tweedie = Loss(
    "tweedie",
    mean ** (2 - power) / (2 - power) - count * mean ** (1 - power) / (1 - power),
    title="Tweedie loss, log link",
    task="Regression",
    description=(
        "Half the deviance of a compound Poisson-gamma distribution, up to a constant; "
        "the model gives the log of the mean."
    ),
    use_case="Amounts of which many are exactly 0 and the others positive: the claims of a policy, rain of a day.",
    advantages="Zeros and amounts are fitted by one model; power moves it from Poisson (1) to gamma (2).",
    disadvantages="The power has to be chosen, and the loss of two powers cannot be compared.",
    reference="Jorgensen (1987), Exponential dispersion models, Journal of the Royal Statistical Society B 49.",
)
tweedie_with_log_link = _tweedie.compose("tweedie_with_log_link", {mean: exp(log_mean)})
