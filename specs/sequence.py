"""Losses over recurrences: alignments of labels, tags of a sequence, distances of series."""

from sympy import Eq, Idx, Interval, Ne, Piecewise, Range, oo

from symloss import Dim, Loss, Parameter, Prediction, Target, log_softmax, logsumexp
from symloss.recurrence import Length, LogAdd, Longer, Step, SumAlong, Workspace, guard, total

T, L, K, U, n, m = map(Dim, ("T", "L", "K", "U", "n", "m"))
t, u, j, k = Idx("t", T), Idx("u", Longer(U, 1)), Idx("j", K), Idx("k", K)
blank = Parameter("blank", 0, domain=Range(K))


def _ctc() -> Loss:
    logp, label = Prediction("logp", T, K), Target("label", L, domain=Range(K), without=blank)
    frames, labels = Length("input_length", T), Length("label_length", L)
    t, s = Step("t", frames), Step("s", 2 * labels + 1)
    alpha = Workspace("alpha", t, s)

    def symbol(s):  # blanks before, between and after the labels
        return Piecewise((blank, Eq(s % 2, 0)), (label[(s - 1) / 2], True))

    skip = guard(alpha[t - 1, s - 2], Ne(symbol(s), symbol(s - 2)))
    paths = total(
        alpha,
        logp[t, symbol(s)] + LogAdd(alpha[t - 1, s], alpha[t - 1, s - 1], skip),
        boundary={(-1, 0): 0},
        result={(frames - 1, 2 * labels): 0, (frames - 1, 2 * labels - 1): 0},
    )
    return Loss("ctc", -paths, title="Connectionist temporal classification")


def _rnnt() -> Loss:
    logp, label = Prediction("logp", T, Longer(U, 1), K), Target("label", U, domain=Range(K), without=blank)
    frames, labels = Length("input_length", T, 1), Length("label_length", U)
    t, u = Step("t", frames), Step("u", labels + 1)
    alpha = Workspace("alpha", t, u)
    paths = total(
        alpha,
        LogAdd(alpha[t - 1, u] + logp[t - 1, u, blank], alpha[t, u - 1] + logp[t, u - 1, label[u - 1]]),
        boundary={(0, 0): 0},
        result={(frames - 1, labels): logp[frames - 1, labels, blank]},
    )
    return Loss("rnnt", -paths, title="RNN transducer")


def _crf() -> Loss:
    emission, transition = Prediction("emission", T, K), Prediction("transition", K, K, shared=True)
    start, end = Prediction("start", K, shared=True), Prediction("end", K, shared=True)
    tag, length = Target("tag", T, domain=Range(K)), Length("length", T, 1)
    t, y = Step("t", length), Step("y", K)
    alpha = Workspace("alpha", t, y)
    paths = total(
        alpha,
        emission[t, y] + logsumexp(alpha[t - 1, k] + transition[k, y], k),
        boundary={(0, j): start[j] + emission[0, j]},
        result={(length - 1, j): end[j]},
    )
    moves = SumAlong(Piecewise((transition[tag[t - 1], tag[t]], t > 0), (0, True)), t)
    score = start[tag[0]] + SumAlong(emission[t, tag[t]], t) + moves + end[tag[length - 1]]
    return Loss("linear_chain_crf", paths - score, title="Linear-chain conditional random field")


def _soft_dtw() -> Loss:
    distance, gamma = Prediction("distance", n, m), Parameter("gamma", 1.0, domain=Interval.open(0, oo))
    i, j = Step("i", Length("x_length", n, 1)), Step("j", Length("y_length", m, 1))
    r = Workspace("r", i, j)
    paths = total(
        r,
        -distance[i, j] / gamma + LogAdd(r[i - 1, j], r[i, j - 1], r[i - 1, j - 1]),
        boundary={(-1, -1): 0},
        result={(i.extent - 1, j.extent - 1): 0},
    )
    return Loss("soft_dtw", -gamma * paths, title="Soft dynamic time warping")


_logp2, _z2 = Prediction("logp", T, K), Prediction("z", T, K)
_logp3, _z3 = Prediction("logp", T, Longer(U, 1), K), Prediction("z", T, Longer(U, 1), K)
ctc = _ctc()
ctc_with_logits = ctc.compose("ctc_with_logits", {_logp2[t, k]: log_softmax(_z2[t, k], k)})
rnnt_with_logits = _rnnt().compose("rnnt_with_logits", {_logp3[t, u, k]: log_softmax(_z3[t, u, k], k)})
linear_chain_crf = _crf()
soft_dtw = _soft_dtw()
