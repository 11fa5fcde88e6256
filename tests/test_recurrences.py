"""Losses over recurrences against sums over all paths, in exact arithmetic where the paths are few."""

from __future__ import annotations

import importlib
import itertools
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import mpmath
import numpy as np
import pytest

from symloss.errors import SpecError
from symloss.loader import load
from symloss.project import generate
from symloss.runtime import ragged
from symloss.verify.report import table
from symloss.verify.sequences import OUTPUTS, samples, verify_sequences

WILDCARD = '''
"""Alignments in which a label may stand for anything."""

from sympy import Eq, Idx, Ne, Piecewise, Range

from symloss import Dim, Length, LogAdd, Loss, Parameter, Prediction, Step, Target, Workspace
from symloss import guard, log_softmax, total

T, L, K = Dim("T"), Dim("L"), Dim("K")
i, k = Idx("i", T), Idx("k", K)
logp, z = Prediction("logp", T, K), Prediction("z", T, K)
blank, wildcard = Parameter("blank", 0, domain=Range(K)), Parameter("wildcard", 1, domain=Range(K))
label = Target("label", L, domain=Range(K), without=blank)
frames, labels = Length("input_length", T), Length("label_length", L)
t, s = Step("t", frames), Step("s", 2 * labels + 1)
alpha = Workspace("alpha", t, s)
symbol = lambda s: Piecewise((blank, Eq(s % 2, 0)), (label[(s - 1) / 2], True))
weight = Piecewise((0, Eq(symbol(s), wildcard)), (logp[t, symbol(s)], True))
paths = total(
    alpha,
    weight + LogAdd(alpha[t - 1, s], alpha[t - 1, s - 1], guard(alpha[t - 1, s - 2], Ne(symbol(s), symbol(s - 2)))),
    boundary={(-1, 0): 0},
    result={(frames - 1, 2 * labels): 0, (frames - 1, 2 * labels - 1): 0},
)
with_wildcard = Loss("with_wildcard", -paths).compose("with_wildcard", {logp[i, k]: log_softmax(z[i, k], k)})
'''


@pytest.fixture(scope="module")
def losses(sequences: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("wildcard")
    (folder / "wildcard.py").write_text(WILDCARD)
    generate([folder / "wildcard.py"], folder / "of_wildcard")
    sys.path.insert(0, str(folder))
    yield lambda name: importlib.import_module(f"of_wildcard.{name}") if name == "with_wildcard" else sequences(name)
    sys.path.remove(str(folder))


def _alignments(label: tuple[int, ...], frames: int, classes: int) -> list[tuple[int, ...]]:
    """Return every sequence of symbols that reads as the label: no repeats, then no blanks (0)."""
    return [
        path
        for path in itertools.product(range(classes), repeat=frames)
        if tuple(s for s, _ in itertools.groupby(path) if s) == label
    ]


def _brute(logp: Any, label: tuple[int, ...]) -> tuple[Any, Any]:
    """Return value and gradient in 50 digits."""
    with mpmath.workdps(50):
        frames, classes = logp.shape
        p = [[mpmath.exp(mpmath.mpf(float(x))) for x in row] for row in logp]
        total, passing = mpmath.mpf(0), [[mpmath.mpf(0)] * classes for _ in range(frames)]
        for path in _alignments(label, frames, classes):
            weight = mpmath.fprod(p[t][s] for t, s in enumerate(path))
            total += weight
            for t, s in enumerate(path):
                passing[t][s] += weight
        if total == 0:
            return mpmath.inf, [[mpmath.mpf(0)] * classes for _ in range(frames)]
        return -mpmath.log(total), [[-x / total for x in row] for row in passing]


def _ulps(got: float, exact: Any, term: float = 0.0) -> float:
    """Return the error in units in the last place of the exact number, or of a term of it that is larger."""
    if exact == 0 or mpmath.isinf(exact):
        return 0.0 if got == exact else float("inf")
    return float(abs(mpmath.mpf(float(got)) - exact) / mpmath.mpf(float(np.spacing(max(abs(float(exact)), term)))))


def test_alignments_against_all_paths(losses: Any) -> None:
    ctc, rng, worst = losses("ctc"), np.random.default_rng(0), 0.0
    cases = 0
    for frames, classes in itertools.product((0, 1, 2, 3, 5, 6), (2, 3, 4)):
        for size in range(4):
            for label in itertools.product(range(1, classes), repeat=size):
                if rng.random() < 0.5 and frames > 3:
                    continue
                z = rng.normal(size=(frames, classes)) * 2 - 1
                value, grad = ctc.value_and_grad(z, np.array(label, np.int64), reduction="none")
                exact, slopes = _brute(z, label)
                term = float(abs(z).max()) if z.size else 0.0  # free weights do not sum to 1: the loss has roots
                worst = max(
                    worst,
                    _ulps(value, exact, term),
                    *(_ulps(grad[t, s], slopes[t][s]) for t in range(frames) for s in range(classes)),
                    0.0,
                )
                cases += 1
    assert cases > 150
    assert worst <= 16, worst


def test_from_logits_is_softmax_less_posterior(losses: Any) -> None:
    free, composed = losses("ctc"), losses("ctc_with_logits")
    rng = np.random.default_rng(1)
    z, label = rng.normal(size=(5, 9, 6)) * 3, rng.integers(1, 6, (5, 4))
    p = np.exp(z - np.log(np.exp(z).sum(-1, keepdims=True)))
    lengths = np.array([9, 8, 9, 6, 3]), np.array([4, 3, 0, 2, 4])
    value, grad = composed.value_and_grad(z, label, *lengths, reduction="none")
    expected, minus = free.value_and_grad(np.log(p), label, *lengths, reduction="none")
    assert np.isinf(value[4])
    assert not grad[4].any()
    np.testing.assert_allclose(value, expected, rtol=1e-13)
    inside = (np.arange(9) < lengths[0][:, None])[:, :, None] & np.isfinite(value)[:, None, None]
    np.testing.assert_allclose(grad, np.where(inside, p + minus, 0), atol=1e-14)


def test_conventions(losses: Any) -> None:
    ctc = losses("ctc_with_logits")
    z = np.zeros((1, 3, 3))
    paths = {(1, 2): 5, (1, 1): 1, (): 1, (1,): 6}
    for label, count in paths.items():
        value = ctc.value(z, np.array([label], np.int64).reshape(1, -1))
        np.testing.assert_allclose(value, -np.log(count / 27), rtol=1e-15)
    repeated = np.array([[1, 1]])
    assert ctc.value(z[:, :2], repeated) == np.inf
    assert ctc.value(z[:, :2], repeated, infeasible="zero") == 0
    assert not ctc.grad(z[:, :2], repeated).any()
    with pytest.raises(ValueError, match="position"):
        ctc.value(z[:, :2], repeated, infeasible="raise")
    assert ctc.value(z[:, :0], repeated[:, :0]) == 0
    assert ctc.value(z[:, :0], repeated) == np.inf
    with pytest.raises(ValueError, match=r"label: expected labels in 0..2 other than blank=0"):
        ctc.value(z, np.array([[1, 0]]))
    with pytest.raises(ValueError, match=r"label_length: expected lengths in 0..2, got 3"):
        ctc.value(z, repeated, None, np.array([3]))
    with pytest.raises(ValueError, match="blank: expected a label"):
        ctc.value(z, repeated, blank=3)
    assert ctc.value(z, np.array([[0, 1]]), blank=2) > 0


def test_padding_is_never_read(losses: Any) -> None:
    ctc, rng = losses("ctc_with_logits"), np.random.default_rng(2)
    z, label = rng.normal(size=(2, 6, 4)), np.array([[1, 2, 3], [3, 1, -9]])
    z[1, 4:] = np.nan
    value, grad = ctc.value_and_grad(z, label, np.array([6, 4]), np.array([3, 2]), reduction="none")
    alone, slope = ctc.value_and_grad(z[1, :4], label[1, :2])
    assert value[1] == alone
    assert (grad[1, :4] == slope).all()
    assert not grad[1, 4:].any()


def test_checkpoints_and_threads_change_no_bit(losses: Any) -> None:
    rng = np.random.default_rng(3)
    for name, given in (
        ("ctc_with_logits", (rng.normal(size=(7, 40, 5)), rng.integers(1, 5, (7, 9)))),
        ("soft_dtw", (rng.random((7, 30, 21)),)),
    ):
        module = losses(name)
        value, grad = module.value_and_grad(*given)
        for keywords in ({"checkpoint": True}, {"threads": 1}, {"threads": 3}):
            other = module.value_and_grad(*given, **keywords)
            assert value == other[0]
            assert (grad == other[1]).all()


def test_careful_sweeps_run_from_the_first_sample_on_that_needs_them(
    losses: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They take long to compile, and most batches need none."""
    ctc, rng = losses("ctc_with_logits"), np.random.default_rng(9)
    runs: list[tuple[str, int]] = []
    module = importlib.import_module(type(ctc._DRIVER).__module__)
    specialised = module.specialised

    def counted(kernel: Any, arguments: Any) -> Any:
        run = specialised(kernel, arguments)
        return lambda *given: (runs.append((kernel.py_func.__name__, len(given[0]))), run(*given))[1]

    monkeypatch.setattr(module, "specialised", counted)
    monkeypatch.setattr(module, "_shrinking_cuts", lambda count, workers: [slice(0, count)])
    z, label = rng.normal(size=(6, 30, 8)), rng.integers(1, 8, (6, 5))
    ctc.value_and_grad(z, label)
    ctc.value(z, label)
    assert runs == [("_try_value_and_grad", 6), ("_try_value", 6)]
    runs.clear()
    z[2] *= 700.0  # what remains of the total is in no plain float
    value, grad = ctc.value_and_grad(z, label, reduction="none")
    np.testing.assert_array_equal(ctc.value(z, label, reduction="none"), value)
    assert runs == [(f"{way}_{name}", n) for name in ("value_and_grad", "value") for way, n in (("_try", 6), ("", 4))]
    for n in range(6):
        alone, slope = ctc.value_and_grad(z[n], label[n])
        assert alone == value[n]
        np.testing.assert_array_equal(slope, grad[n])


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_blocks_of_samples(workers: int) -> None:
    """Every sample is in one block, the last one small."""
    for count in (0, 1, 2, 7, 100, 1001):
        cuts = ragged._shrinking_cuts(count, workers)
        assert [i for cut in cuts for i in range(count)[cut]] == list(range(count))
        assert len(cuts) <= 20 * workers
        assert not cuts or cuts[-1].stop - cuts[-1].start <= max(1, count // (16 * workers))


_LENGTHS = (np.array([6, 4, 1, 2, 5]), np.array([3, 2, 1, 3, 0]))  # the fourth alignment has no path
_RAGGED = {  # shapes of predictions, the range and shape of labels, lengths
    "ctc": (((5, 6, 4),), (1, 4, (5, 3)), _LENGTHS),
    "ctc_with_logits": (((5, 6, 4),), (1, 4, (5, 3)), _LENGTHS),
    "rnnt_with_logits": (((5, 6, 4, 3),), (1, 3, (5, 3)), _LENGTHS),
    "linear_chain_crf": (((5, 6, 3), (3, 3), (3,), (3,)), (0, 3, (5, 6)), _LENGTHS[:1]),
    "soft_dtw": (((5, 6, 4),), None, (_LENGTHS[0], _LENGTHS[1] + 1)),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", _RAGGED)
def test_results_do_not_depend_on_what_was_in_their_place(losses: Any, name: str, dtype: type) -> None:
    """In padding neither, without a path neither, and in arrays that are not contiguous."""
    shapes, labels, lengths = _RAGGED[name]
    module, rng = losses(name), np.random.default_rng(6)
    predictions = [rng.normal(size=shape).astype(dtype) for shape in shapes]
    given = (*predictions, *(() if labels is None else (rng.integers(*labels),)), *lengths)
    v = tuple(rng.normal(size=shape).astype(dtype) for shape in shapes)
    for function, keywords in (("grad", {}), ("hvp", {"v": v if len(v) > 1 else v[0]})):
        call = getattr(module, function)
        expected = call(*given, **keywords)
        expected = expected if len(v) > 1 else (expected,)
        for threads, stride in ((1, 1), (1, 2), (2, 1)):
            outs = tuple(np.full((*a.shape[:-1], stride * a.shape[-1]), np.nan, dtype)[..., ::stride] for a in v)
            call(*given, out=outs if len(v) > 1 else outs[0], threads=threads, **keywords)
            for out, right in zip(outs, expected, strict=True):
                np.testing.assert_array_equal(out, right)
        assert not expected[0][-1, 5:].any()  # padding of the last sample


@pytest.mark.parametrize("name", _RAGGED)
def test_a_sample_may_lie_in_memory_as_it_likes(losses: Any, name: str) -> None:
    shapes, labels, lengths = _RAGGED[name]
    module, rng = losses(name), np.random.default_rng(8)
    given = (*(rng.normal(size=s) for s in shapes), *(() if labels is None else (rng.integers(*labels),)), *lengths)
    own = [a if kind.shared else a[0] for a, kind in zip(given, module._ARGUMENTS, strict=True)]
    parameters = [int(p.default) for p in module._PARAMETERS]
    expected = module.value(*given, reduction="none")[0]
    ways = (np.ascontiguousarray, np.asfortranarray, lambda a: np.repeat(a, 2, axis=-1)[..., ::2])
    for way in ways:
        laid = [way(a) if np.ndim(a) else int(a) for a in own]
        assert module.sample_value(*laid, *parameters) == expected


def test_results_are_not_written_over_what_is_read_after_them(losses: Any) -> None:
    """Directions and weights are, whatever was left out before them."""
    (shape,), _, lengths = _RAGGED["soft_dtw"]
    module, room = losses("soft_dtw"), np.ones(shape)
    costs, weight = np.random.default_rng(7).normal(size=shape), room.reshape(-1)[: shape[0]]
    for given in ((costs, *lengths), (costs,)):
        with pytest.raises(ValueError, match="out: expected memory of its own, got an array that overlaps v"):
            module.hvp(*given, v=room, out=room)
        with pytest.raises(ValueError, match="out: expected memory of its own, got an array that overlaps weight"):
            module.grad(*given, weight=weight, out=room)
    assert (room == 1.0).all()


def _slopes(module: ModuleType, given: tuple[Any, ...], **keywords: Any) -> None:
    """Compare a gradient with central differences along a random direction."""
    rng = np.random.default_rng(4)
    count = sum(a["role"] == "prediction" for a in module.INFO["arguments"])
    grads = module.grad(*given, **keywords)
    for position in range(count):
        v, h = rng.normal(size=given[position].shape), 1e-6
        moved = [tuple(g + sign * h * v if i == position else g for i, g in enumerate(given)) for sign in (1, -1)]
        slope = (module.value(*moved[0], **keywords) - module.value(*moved[1], **keywords)) / (2 * h)
        grad = grads[position] if count > 1 else grads
        np.testing.assert_allclose((grad * v).sum(), slope, rtol=1e-6)


def test_chain_against_all_paths(losses: Any) -> None:
    crf, rng = losses("linear_chain_crf"), np.random.default_rng(5)
    emission, transition, start, end = (rng.normal(size=s) for s in ((2, 5, 3), (3, 3), 3, 3))
    tag, lengths = rng.integers(0, 3, (2, 5)), np.array([5, 3])

    def score(n: int, y: Any) -> float:
        moves = sum(transition[a, b] for a, b in itertools.pairwise(y))
        return float(start[y[0]] + sum(emission[n, t, s] for t, s in enumerate(y)) + moves + end[y[-1]])

    expected = [
        np.logaddexp.reduce([score(n, y) for y in itertools.product(range(3), repeat=int(size))])
        - score(n, tag[n, :size])
        for n, size in enumerate(lengths)
    ]
    given = (emission, transition, start, end, tag, lengths)
    np.testing.assert_allclose(crf.value(*given, reduction="none"), expected, rtol=1e-13)
    _slopes(crf, given)


def test_transducer_and_warping(losses: Any) -> None:
    rng = np.random.default_rng(6)
    _slopes(
        losses("rnnt_with_logits"),
        (rng.normal(size=(2, 4, 4, 3)), rng.integers(1, 3, (2, 3)), np.array([4, 2]), np.array([3, 1])),
    )
    distance = rng.random((1, 4, 5))
    _slopes(losses("soft_dtw"), (distance,), gamma=0.3)

    def walks(i: int, j: int) -> list[float]:
        if (i, j) == (0, 0):
            return [distance[0, 0, 0]]
        before = [(a, b) for a, b in ((i - 1, j), (i, j - 1), (i - 1, j - 1)) if a >= 0 and b >= 0]
        return [distance[0, i, j] + w for a, b in before for w in walks(a, b)]

    expected = -0.3 * np.logaddexp.reduce(-np.array(walks(3, 4)) / 0.3)
    np.testing.assert_allclose(losses("soft_dtw").value(distance, gamma=0.3), expected, rtol=1e-13)


def test_new_recurrence_generates_and_trains(losses: Any) -> None:
    assert len([line for line in WILDCARD.splitlines() if line.strip()]) < 30
    module = losses("with_wildcard")
    rng = np.random.default_rng(7)
    z, label = rng.normal(size=(1, 5, 4)), np.array([[2, 1, 3]])
    p = np.exp(z[0] - np.log(np.exp(z[0]).sum(-1, keepdims=True)))
    states = [0, 2, 0, 1, 0, 3, 0]
    total = 0.0
    for path in itertools.product(range(7), repeat=5):
        steps = itertools.pairwise((0, *path))
        legal = all(b - a in (0, 1) or (b - a == 2 and b % 2 and states[a] != states[b]) for a, b in steps)
        if legal and path[-1] >= 5:
            total += np.prod([1.0 if states[s] == 1 else p[t, states[s]] for t, s in enumerate(path)])
    np.testing.assert_allclose(module.value(z, label), -np.log(total), rtol=1e-13)
    _slopes(module, (z, label))
    before = module.value(z, label)
    for _ in range(100):
        z = z - module.grad(z, label)
    assert module.value(z, label) < 0.2 * before


def test_new_recurrence_is_verified(losses: Any, tmp_path: Path) -> None:
    """What `symloss verify` does, in one precision; labels that are the wildcard are among the samples."""
    (tmp_path / "wildcard.py").write_text(WILDCARD)
    (loss,) = load([tmp_path])
    assert any(1 in sample.arrays["label"] for sample in samples(loss))
    rows = verify_sequences(loss, losses("with_wildcard"), ("float64",))
    assert [row.output for row in rows] == list(OUTPUTS)
    assert all(row.passed for row in rows), table(rows)
    other = {"value": lambda *given, **keywords: losses("with_wildcard").value(*given, **{**keywords, "wildcard": 2})}
    wrong = SimpleNamespace(**{**vars(losses("with_wildcard")), **other})
    assert not all(row.passed for row in verify_sequences(loss, wrong, ("float64",)))  # type: ignore[arg-type]


def test_long_sequences_keep_their_digits(losses: Any) -> None:
    """The total is the same from either end, where scaled sums have lost it."""
    ctc, rng = losses("ctc_with_logits"), np.random.default_rng(8)
    z, label = rng.normal(size=(1, 1000, 30)) * 10, rng.integers(1, 30, (1, 200))
    there, back = ctc.value(z, label), ctc.value(z[:, ::-1], label[:, ::-1])
    np.testing.assert_allclose(there, back, rtol=1e-13)
    grad = ctc.grad(z, label)
    assert np.isfinite(grad).all()
    assert abs(grad.sum(-1)).max() < 1e-11


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("alpha[t - 1, s - 1]", "alpha[t, s + 1]", "no order"),
        ("alpha[t - 1, s - 1]", "alpha[t - 1, s - 1] + logp[t - 1, 0]", "need a boundary in range"),
        ("alpha[t - 1, s - 1]", "alpha[t - 1, s - 1] * 2", "one earlier entry"),
        ("weight +", "weight**2 +", "is no entry of a prediction"),
        ('Prediction("z"', 'Prediction("scale"', "use the name 'scale'"),
        ('Loss("with_wildcard", -paths)', 'Loss("with_wildcard", paths**2)', "coefficient times"),
    ],
)
def test_what_is_no_recurrence_is_an_error_of_the_spec(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in WILDCARD
    (tmp_path / "bad.py").write_text(WILDCARD.replace(old, new))
    with pytest.raises(SpecError, match=said):
        generate([tmp_path], tmp_path / "out")
