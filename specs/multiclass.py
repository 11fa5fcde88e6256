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

cross_entropy = Loss("cross_entropy", -Sum(y[c] * log(p[c]), c))
cross_entropy_with_logits = cross_entropy.compose("cross_entropy_with_logits", {p[c]: softmax(z[c], c)})
sparse_cross_entropy = cross_entropy.compose("sparse_cross_entropy", {y[c]: KroneckerDelta(c, label)})
sparse_cross_entropy_with_logits = cross_entropy_with_logits.compose(
    "sparse_cross_entropy_with_logits", {y[c]: KroneckerDelta(c, label)}
)

_weighted = Loss(
    "weighted_cross_entropy",
    -Sum(class_weight[c] * y[c] * log(p[c]), c),
    normalizer=Sum(class_weight[c] * y[c], c),
)
weighted_cross_entropy_with_logits = _weighted.compose("weighted_cross_entropy_with_logits", {p[c]: softmax(z[c], c)})
weighted_sparse_cross_entropy_with_logits = weighted_cross_entropy_with_logits.compose(
    "weighted_sparse_cross_entropy_with_logits", {y[c]: KroneckerDelta(c, label)}
)
