"""Losses for continuous targets."""

from sympy import Abs, Interval, Max, Piecewise, cosh, log, oo, sqrt

from symloss import Loss, Parameter, Prediction, Target

prediction = Prediction("prediction")
target = Target("target")
residual = prediction - target
delta = Parameter("delta", 1.0, domain=Interval.open(0, oo))
quantile = Parameter("quantile", 0.5, domain=Interval(0, 1))
expectile = Parameter("expectile", 0.5, domain=Interval(0, 1))

squared_error = Loss(
    "squared_error",
    (prediction - target) ** 2,
    title="Squared error",
    task="Regression",
    description="The squared distance to the target: the mean squared error with reduction mean, the L2 loss with sum.",
    use_case="Regression with noise of constant variance and no gross outliers; the conditional mean is estimated.",
    advantages="Smooth and strongly convex, with a constant Hessian; least squares often has a closed solution.",
    disadvantages="A single outlier counts with the square of its residual, and may decide the fit.",
    reference="Hastie, Tibshirani and Friedman (2009), The Elements of Statistical Learning, Springer.",
)
absolute_error = Loss(
    "absolute_error",
    Abs(prediction - target),
    title="Absolute error",
    task="Regression",
    description="The distance to the target: the mean absolute error with reduction mean, the L1 loss with sum.",
    use_case="Regression with heavy-tailed noise or outliers; the conditional median is estimated.",
    advantages="An outlier pulls no harder than any other sample.",
    disadvantages=(
        "The gradient does not shrink near the optimum, so small errors are hard to settle; "
        "the Hessian is 0, so Newton steps and boosting need another curvature."
    ),
    reference="Koenker and Bassett (1978), Regression quantiles, Econometrica 46.",
)
half_squared_error = Loss(
    "half_squared_error",
    residual**2 / 2,
    title="Half squared error",
    task="Regression",
    description="Half the squared distance to the target, the negative log-likelihood of a normal with variance 1.",
    use_case="Regression where the gradient should be the residual and the Hessian 1, as in gradient boosting.",
    advantages="Newton steps of boosting are means of residuals: no factor 2 comes in between.",
    disadvantages="A single outlier counts with the square of its residual; the value is half of what is called MSE.",
    reference="Friedman (2001), Greedy function approximation: a gradient boosting machine, Annals of Statistics 29.",
)
huber = Loss(
    "huber",
    Piecewise((residual**2 / 2, Abs(residual) <= delta), (delta * (Abs(residual) - delta / 2), True)),
    title="Huber loss",
    task="Regression",
    description="Half the squared residual up to delta, and the tangent line beyond.",
    use_case="Regression with a few outliers; delta is about the residual from which on a sample is one.",
    advantages="As efficient as least squares for clean data, while an outlier pulls with at most delta.",
    disadvantages="The Hessian is 0 beyond delta, so that Newton steps and boosting need another curvature there.",
    reference="Huber (1964), Robust estimation of a location parameter, Annals of Mathematical Statistics 35.",
)
pseudo_huber = Loss(
    "pseudo_huber",
    delta**2 * (sqrt(1 + (residual / delta) ** 2) - 1),
    title="Pseudo-Huber loss",
    task="Regression",
    description="A smooth relative of the Huber loss: half the squared residual near 0, delta times its size far away.",
    use_case="Regression with outliers where a Hessian that is positive everywhere is wanted.",
    advantages="Infinitely often differentiable and strictly convex; the influence of a sample is below delta.",
    disadvantages="The Hessian falls with the cube of large residuals; delta has to be chosen.",
    reference="Charbonnier et al. (1997), Deterministic edge-preserving regularization, IEEE TIP 6.",
)
log_cosh_error = Loss(
    "log_cosh_error",
    log(cosh(residual)),
    title="Log-cosh error",
    task="Regression",
    description="The logarithm of the hyperbolic cosine of the residual: half its square near 0, its size far away.",
    use_case="Regression with outliers, in units in which a residual of about 1 is where outliers begin.",
    advantages="Infinitely often differentiable, strictly convex, and no parameter to choose.",
    disadvantages="Not invariant to the unit of the target; the Hessian of large residuals falls exponentially.",
    reference="Green (1990), Bayesian reconstructions from emission tomography data, IEEE TMI 9.",
)
quantile_error = Loss(
    "quantile_error",
    Max(quantile * (target - prediction), (quantile - 1) * (target - prediction)),
    title="Quantile error",
    task="Regression",
    description="The pinball loss: a residual below the target costs quantile, one above it 1 - quantile, a unit.",
    use_case="Conditional quantiles, prediction intervals, and costs that differ for too much and too little.",
    advantages="The best constant is the quantile of the targets, whatever their distribution.",
    disadvantages="The Hessian is 0, so boosting needs another curvature; quantiles fitted one by one may cross.",
    reference="Koenker and Bassett (1978), Regression quantiles, Econometrica 46.",
)
expectile_error = Loss(
    "expectile_error",
    Piecewise(
        (expectile * residual**2, target > prediction),
        ((1 - expectile) * residual**2, target < prediction),
        (residual**2 / 2, True),  # 0; the second derivative is the mean of those on either side
    ),
    title="Expectile error",
    task="Regression",
    description="The squared residual, weighted expectile below the target and 1 - expectile above it.",
    use_case="Asymmetric least squares: risk measures, and tails where quantiles are too rough.",
    advantages="Once continuously differentiable with a Hessian above 0, so Newton steps work.",
    disadvantages="As open to outliers as least squares, and an expectile is harder to explain than a quantile.",
    reference="Newey and Powell (1987), Asymmetric least squares estimation and testing, Econometrica 55.",
)
