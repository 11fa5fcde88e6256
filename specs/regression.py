"""Losses for continuous targets."""

from sympy import Abs

from symloss import Loss, Prediction, Target

prediction = Prediction("prediction")
target = Target("target")

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
