"""Losses for continuous targets."""

from sympy import Abs

from symloss import Loss, Prediction, Target

prediction = Prediction("prediction")
target = Target("target")

squared_error = Loss("squared_error", (prediction - target) ** 2)
absolute_error = Loss("absolute_error", Abs(prediction - target))
