"""Losses for C classes, dense or integer targets, with and without class weights."""

from sympy import Idx, Interval, KroneckerDelta, Range, Sum, log

from symloss import Dim, Loss, Prediction, Target, Weight, softmax

C = Dim("C")
c = Idx("c", C)
p = Prediction("p", C, domain=Interval(0, 1))
z = Prediction("z", C)
y = Target("y", C, domain=Interval(0, 1))
label = Target("label", domain=Range(C))
class_weight = Weight("class_weight", C)

cross_entropy = Loss(
    "cross_entropy",
    -Sum(y[c] * log(p[c]), c),
    title="Cross-entropy",
    task="Classification",
    description="The negative log-likelihood of a categorical target, hard or soft, under predicted probabilities.",
    use_case="Distillation, label smoothing and other targets that are distributions, from a model with probabilities.",
    advantages="A strictly proper scoring rule for any number of classes, additive over independent samples.",
    disadvantages="Infinite where a class that occurs is given probability 0; a likelihood only if rows sum to 1.",
    reference="Bishop (2006), Pattern Recognition and Machine Learning, Springer.",
)
cross_entropy_with_logits = cross_entropy.compose(
    "cross_entropy_with_logits",
    {p[c]: softmax(z[c], c)},
    title="Cross-entropy from logits",
    description="Cross-entropy of the softmax of logits, in one formula.",
    use_case="Training with soft targets: distillation, label smoothing, mixup.",
    advantages="Convex, invariant to shifts of the logits, and accurate for confident rows.",
    disadvantages="Needs a dense row of targets; for a single right class the sparse form is faster.",
)
sparse_cross_entropy = cross_entropy.compose(
    "sparse_cross_entropy",
    {y[c]: KroneckerDelta(c, label)},
    title="Sparse cross-entropy",
    description="Cross-entropy of predicted probabilities with one right class, given as an integer.",
    use_case="Classes that exclude one another, from a model that outputs probabilities.",
    advantages="Looks at one entry of a row only, and needs no dense targets.",
    disadvantages="Infinite where the right class is given probability 0; logits keep more digits.",
)
sparse_cross_entropy_with_logits = cross_entropy_with_logits.compose(
    "sparse_cross_entropy_with_logits",
    {y[c]: KroneckerDelta(c, label)},
    title="Sparse cross-entropy from logits",
    description="Cross-entropy of the softmax of logits with one right class, given as an integer.",
    use_case="The standard loss for classes that exclude one another: images, tokens, categories.",
    advantages="A confident right row keeps its loss and its gradient to the last digit, down to the smallest numbers.",
    disadvantages="Pushes the logits of separable data apart for ever; mislabelled samples dominate late in training.",
)

_weighted = Loss(
    "weighted_cross_entropy",
    -Sum(class_weight[c] * y[c] * log(p[c]), c),
    normalizer=Sum(class_weight[c] * y[c], c),
    title="Weighted cross-entropy from logits",
    task="Specialized",
    description="Cross-entropy of the softmax of logits in which every class has a weight.",
    use_case="Imbalanced classes, or classes of unequal importance, with soft targets.",
    advantages="Offsets frequent classes; weighted_mean divides by the weights of the targets, dense or sparse.",
    disadvantages="Weights have to be chosen: they distort the probabilities, and large ones make training noisy.",
    reference="King and Zeng (2001), Logistic regression in rare events data, Political Analysis 9.",
)
weighted_cross_entropy_with_logits = _weighted.compose("weighted_cross_entropy_with_logits", {p[c]: softmax(z[c], c)})
weighted_sparse_cross_entropy_with_logits = weighted_cross_entropy_with_logits.compose(
    "weighted_sparse_cross_entropy_with_logits",
    {y[c]: KroneckerDelta(c, label)},
    title="Weighted sparse cross-entropy from logits",
    description="Weighted cross-entropy of the softmax of logits with one right class, given as an integer.",
    use_case="Imbalanced classes that exclude one another, or classes of unequal importance.",
)
