"""Losses for two classes, on probabilities and on logits."""

from sympy import FiniteSet, Interval, log, oo

from symloss import Loss, Parameter, Prediction, Target, sigmoid

p = Prediction("p", domain=Interval(0, 1))
z = Prediction("z")
y = Target("y", domain=Interval(0, 1))
pos_weight = Parameter("pos_weight", 1.0, domain=Interval(0, oo))

binary_cross_entropy = Loss(
    "binary_cross_entropy",
    -(y * log(p) + (1 - y) * log(1 - p)),
    title="Binary cross-entropy",
    task="Classification",
    description="The negative log-likelihood of a Bernoulli target under the predicted probability, hard or soft.",
    use_case="Two classes, or several labels that do not exclude one another, where the model outputs probabilities.",
    advantages="A strictly proper scoring rule: on average it is least for the true probability, and for no other.",
    disadvantages="Infinite for a mistake made with certainty; probabilities near 1 lack the digits that logits keep.",
    reference="Good (1952), Rational decisions, Journal of the Royal Statistical Society B 14.",
)
binary_cross_entropy_with_logits = binary_cross_entropy.compose(
    "binary_cross_entropy_with_logits",
    {p: sigmoid(z)},
    title="Binary cross-entropy from logits",
    description="Binary cross-entropy of the logistic function of a logit, in one formula.",
    use_case="Training binary classifiers and multi-label models, with a model that outputs logits.",
    advantages="Convex, and accurate for every logit: nothing overflows, and small losses keep their digits.",
    disadvantages="Samples far on the wrong side dominate, mislabelled ones too; imbalanced classes may need weights.",
)

_weighted = Loss(
    "weighted_binary_cross_entropy",
    -(pos_weight * y * log(p) + (1 - y) * log(1 - p)),
    title="Weighted binary cross-entropy from logits",
    task="Specialized",
    description="Binary cross-entropy from logits in which the positive class counts pos_weight times.",
    use_case="Two classes of unequal frequency or cost; pos_weight is often negatives over positives.",
    advantages="Balances recall against precision with one number, and stays convex.",
    disadvantages=(
        "The probabilities it trains are those of the weighted problem; "
        "taking the logarithm of pos_weight off the logit brings them back."
    ),
    reference="King and Zeng (2001), Logistic regression in rare events data, Political Analysis 9.",
)
weighted_binary_cross_entropy_with_logits = _weighted.compose(
    "weighted_binary_cross_entropy_with_logits", {p: sigmoid(z)}
)

hit = Target("y", domain=FiniteSet(0, 1))
alpha = Parameter("alpha", 0.25, domain=Interval(0, 1))
gamma = Parameter("gamma", 2.0, domain=Interval(0, oo))
p_true = p * hit + (1 - p) * (1 - hit)
alpha_true = alpha * hit + (1 - alpha) * (1 - hit)

focal = Loss(
    "focal",
    -alpha_true * (1 - p_true) ** gamma * log(p_true),
    title="Focal loss",
    task="Classification",
    description=(
        "Binary cross-entropy, weighted by class (alpha) and by a power (gamma) of the probability given to the wrong "
        "class: a sample counts less the better it is already classified."
    ),
    use_case="Detection and segmentation, where easy background samples outnumber the rest a thousand to one.",
    advantages="Keeps easy samples from drowning the gradient without discarding any of them.",
    disadvantages="Two parameters to tune; not convex in the logit, and for gamma above 0 no proper scoring rule.",
    reference="Lin et al. (2017), Focal loss for dense object detection, ICCV.",
)
focal_with_logits = focal.compose(
    "focal_with_logits",
    {p: sigmoid(z)},
    title="Focal loss from logits",
    description="The focal loss of the logistic function of a logit, in one formula.",
    advantages=(
        "Keeps easy samples from drowning the gradient without discarding any of them; "
        "its derivatives are finite at every logit, for every gamma."
    ),
    kernels_at={gamma: 2},
)
