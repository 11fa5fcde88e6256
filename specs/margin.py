"""Margin losses of a score for two classes: 0 where the right side is reached with a margin."""

from sympy import FiniteSet, Max

from symloss import Loss, Prediction, Target

score = Prediction("score")
y = Target("y", domain=FiniteSet(0, 1))
shortfall = Max(1 - (2 * y - 1) * score, 0)  # what is missing to a margin of 1

hinge = Loss(
    "hinge",
    shortfall,
    title="Hinge loss",
    task="Classification",
    description="What the score lacks to a margin of 1 on the side of its class; targets are 0 and 1.",
    use_case="Support vector machines, and decisions for which no probability is asked.",
    advantages="Samples beyond the margin do not matter; convex, and robust against samples far on the right side.",
    disadvantages="No probabilities, a kink at the margin, and a Hessian of 0: boosting needs another curvature.",
    reference="Cortes and Vapnik (1995), Support-vector networks, Machine Learning 20.",
)
squared_hinge = Loss(
    "squared_hinge",
    shortfall**2,
    title="Squared hinge loss",
    task="Classification",
    description="The square of what the score lacks to a margin of 1 on the side of its class; targets are 0 and 1.",
    use_case="Linear support vector machines that are trained with Newton steps.",
    advantages="Once continuously differentiable; samples beyond the margin do not matter.",
    disadvantages="No probabilities; a sample far on the wrong side counts with its square.",
    reference="Chang, Hsieh and Lin (2008), Coordinate descent method for large-scale L2-loss linear SVM, JMLR 9.",
)
