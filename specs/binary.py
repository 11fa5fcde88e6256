"""Losses for two classes, on probabilities and on logits."""

from sympy import FiniteSet, Interval, log, oo

from symloss import Loss, Parameter, Prediction, Target, sigmoid

p = Prediction("p", domain=Interval(0, 1))
z = Prediction("z")
y = Target("y", domain=Interval(0, 1))
pos_weight = Parameter("pos_weight", 1.0, domain=Interval(0, oo))

binary_cross_entropy = Loss("binary_cross_entropy", -(y * log(p) + (1 - y) * log(1 - p)))
binary_cross_entropy_with_logits = binary_cross_entropy.compose("binary_cross_entropy_with_logits", {p: sigmoid(z)})

_weighted = Loss("weighted_binary_cross_entropy", -(pos_weight * y * log(p) + (1 - y) * log(1 - p)))
weighted_binary_cross_entropy_with_logits = _weighted.compose(
    "weighted_binary_cross_entropy_with_logits", {p: sigmoid(z)}
)

hit = Target("y", domain=FiniteSet(0, 1))
alpha = Parameter("alpha", 0.25, domain=Interval(0, 1))
gamma = Parameter("gamma", 2.0, domain=Interval(0, oo))
p_true = p * hit + (1 - p) * (1 - hit)
alpha_true = alpha * hit + (1 - alpha) * (1 - hit)

focal = Loss("focal", -alpha_true * (1 - p_true) ** gamma * log(p_true))
focal_with_logits = focal.compose("focal_with_logits", {p: sigmoid(z)})
