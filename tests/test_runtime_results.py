"""The five functions against brute force, for every reduction, dtype, batch shape and memory layout."""

import itertools
import math

import numpy as np
import pytest
from runtime_stand_ins import sets
from runtime_stand_ins.reference import CASES, expect

REDUCTIONS = ("none", "sum", "mean", "weighted_mean")
BATCHES = [(), (1,), (7,), (3, 2), (2, 1, 3), (0,), (2, 0)]
DTYPES = [np.float32, np.float64]
TOLERANCE = {np.float32: 2e-5, np.float64: 1e-13}


def as_list(result):
    """Return one array or a tuple of them as a list."""
    return list(result) if isinstance(result, tuple) else [result]


def as_given(arrays):
    """Return directions as ``v=`` takes them."""
    return arrays[0] if len(arrays) == 1 else tuple(arrays)


def close(actual, expected, dtype):
    """Compare dtype, kind, shape and values."""
    assert isinstance(actual, np.ndarray)
    assert actual.dtype == dtype
    assert actual.shape == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("batch", BATCHES, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CASES)
def test_results_equal_brute_force(name, dtype, batch, reduction, weighted):
    """Value, gradient, Hessian diagonal and product, separately and together."""
    case = CASES[name]
    rng = np.random.default_rng(3)
    arguments = case.make(rng, batch, dtype)
    directions = [np.asarray(rng.normal(size=a.shape), dtype) for a in arguments[: case.predictions]]
    weight = np.asarray(rng.random(batch)) if weighted else np.ones(batch)
    expected = expect(case, arguments, directions, batch)
    keywords = dict(case.keywords) | {"reduction": reduction, "weight": weight if weighted else None}
    module = case.module

    value = module.value(*arguments, **keywords)
    together, grads = module.value_and_grad(*arguments, **keywords)
    for result in (value, together):
        if reduction == "none":
            close(result, expected.value(weight, reduction), dtype)
        else:
            assert type(result) is dtype
            np.testing.assert_allclose(result, expected.value(weight, reduction), rtol=10 * TOLERANCE[dtype])
    first, hesses = module.grad_and_hess(*arguments, **keywords)
    products = module.hvp(*arguments, v=as_given(directions), **keywords)
    assert isinstance(grads, tuple) == (case.predictions > 1)
    for result in (grads, first, module.grad(*arguments, **keywords)):
        for actual, wanted in zip(as_list(result), expected.reduced(expected.grads, weight, reduction), strict=True):
            close(actual, wanted, dtype)
    for actual, wanted in zip(as_list(hesses), expected.reduced(expected.hesses, weight, reduction), strict=True):
        close(actual, wanted, dtype)
    for actual, wanted in zip(as_list(products), expected.reduced(expected.products, weight, reduction), strict=True):
        close(actual, wanted, dtype)


@pytest.mark.parametrize("batch", [(), (5,), (0, 3)], ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_out_mirrors_the_result_and_is_returned(dtype, batch):
    """``out`` holds the very arrays that come back, with the same bits as without it."""
    case = CASES["several"]
    arguments = case.make(np.random.default_rng(0), batch, dtype)
    likes = arguments[:3]
    fresh = case.module.value_and_grad(*arguments, reduction="none")
    losses, grads = np.empty(batch, dtype), tuple(np.empty(a.shape, dtype) for a in likes)
    hesses = tuple(np.empty(a.shape, dtype) for a in likes)
    result = case.module.value_and_grad(*arguments, reduction="none", out=(losses, grads))
    assert result[0] is losses
    assert all(a is b for a, b in zip(result[1], grads, strict=True))
    np.testing.assert_array_equal(losses, fresh[0])
    for actual, wanted in zip(grads, fresh[1], strict=True):
        np.testing.assert_array_equal(actual, wanted)
    assert case.module.value(*arguments, reduction="none", out=losses) is losses
    assert case.module.value_and_grad(*arguments, out=(None, grads))[1][2] is grads[2]
    assert case.module.grad(*arguments, out=grads)[0] is grads[0]
    assert case.module.hvp(*arguments, v=tuple(likes), out=grads)[1] is grads[1]
    assert case.module.grad_and_hess(*arguments, out=(grads, hesses))[1][0] is hesses[0]


def strided(array):
    """Return the same values with a gap after every entry of the last axis."""
    if array.ndim == 0:
        return array
    wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
    wide[..., ::2] = array
    return wide[..., ::2]


def reversed_axes(array):
    """Return the same values in Fortran order."""
    return np.asfortranarray(array)


def read_only(array):
    """Return a copy that cannot be written to."""
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def swapped(array):
    """Return the same values in the other byte order."""
    return array.astype(array.dtype.newbyteorder())


def unaligned(array):
    """Return the same values at an odd address."""
    raw = np.zeros(array.nbytes + 1, np.uint8)
    view = raw[1:].view(array.dtype).reshape(array.shape)
    view[...] = array
    return view


def negative(array):
    """Return the same values with all strides negative."""
    every = (slice(None, None, -1),) * array.ndim
    return array[every].copy()[every] if array.ndim else array


LAYOUTS = [strided, reversed_axes, read_only, swapped, unaligned, negative]


@pytest.mark.parametrize("change", LAYOUTS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("batch", [(40000,), (3, 17000), (5, 3, 2000)], ids=str)
@pytest.mark.parametrize("name", ["scalar", "labelled"])
def test_memory_layout_does_not_change_a_bit(name, batch, change):
    """Several blocks, with block borders in the middle of every axis."""
    case = CASES[name]
    rng = np.random.default_rng(1)
    arguments = case.make(rng, batch, np.float32)
    weight = rng.random(batch)
    v = rng.normal(size=arguments[0].shape).astype(np.float32)
    changed = [change(a) for a in arguments]
    for reduction in ("none", "weighted_mean"):
        plain = case.module.value_and_grad(*arguments, weight=weight, reduction=reduction)
        other = case.module.value_and_grad(*changed, weight=change(weight), reduction=reduction)
        np.testing.assert_array_equal(plain[0], other[0])
        np.testing.assert_array_equal(plain[1], other[1])
    np.testing.assert_array_equal(case.module.hvp(*arguments, v=v), case.module.hvp(*changed, v=change(v)))


@pytest.mark.parametrize("change", [strided, read_only, swapped, unaligned], ids=lambda f: f.__name__)
@pytest.mark.parametrize("which", ["z", "label", "class_weight", "weight", "v"])
def test_one_argument_of_another_layout(which, change):
    """A single argument that has to be converted, among others that have not."""
    case = CASES["labelled"]
    rng = np.random.default_rng(2)
    arrays = dict(zip(("z", "label", "class_weight"), case.make(rng, (6,), np.float64), strict=True))
    arrays |= {"weight": rng.random(6), "v": rng.normal(size=(6, 5))}
    changed = arrays | {which: change(arrays[which])}
    np.testing.assert_array_equal(case.module.hvp(**changed), case.module.hvp(**arrays))
    for given in (arrays, changed):
        del given["v"]
    for reduction in ("none", "weighted_mean"):
        plain = case.module.value_and_grad(**arrays, reduction=reduction)
        other = case.module.value_and_grad(**changed, reduction=reduction)
        np.testing.assert_array_equal(other[0], plain[0])
        np.testing.assert_array_equal(other[1], plain[1])


@pytest.mark.parametrize("batch", [(6,), (40000,), (3, 17000)], ids=str)
def test_out_of_any_strides(batch):
    """Results are written where they belong, and nothing beside it is touched."""
    case = CASES["scalar"]
    arguments = case.make(np.random.default_rng(1), batch, np.float32)
    losses, grads = case.module.value_and_grad(*arguments, reduction="none")
    for order in ("C", "F"):
        room = np.full((*batch, 2), -7.0, np.float32, order=order)
        space = np.full((*batch, 2), -7.0, np.float32, order=order)
        case.module.value_and_grad(*arguments, reduction="none", out=(space[..., 1], room[..., 0]))
        np.testing.assert_array_equal(room[..., 0], grads)
        np.testing.assert_array_equal(space[..., 1], losses)
        assert (room[..., 1] == -7.0).all()
        assert (space[..., 0] == -7.0).all()


@pytest.mark.parametrize("kind", [bool, np.int8, np.uint64, np.int64, np.float32, np.float64])
@pytest.mark.parametrize("dtype", DTYPES)
def test_targets_and_weights_of_every_dtype(dtype, kind):
    """Whole numbers have the same value in every dtype, so the results agree."""
    rng = np.random.default_rng(5)
    z = rng.normal(size=20000).astype(dtype)
    y, weight = rng.integers(0, 2, 20000), rng.integers(0, 2, 20000)
    plain = CASES["scalar"].module.value_and_grad(z, y.astype(np.float64), weight=weight.astype(np.float64))
    other = CASES["scalar"].module.value_and_grad(z, y.astype(kind), weight=weight.astype(kind))
    np.testing.assert_allclose(other[0], plain[0], rtol=1e-6)
    np.testing.assert_allclose(other[1], plain[1], rtol=1e-6)


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int16, np.uint32, np.uint64, np.int64])
def test_labels_of_every_integer_dtype(kind):
    """Labels mean the same in every integer dtype."""
    case = CASES["labelled"]
    z, label, class_weight = case.make(np.random.default_rng(5), (400,), np.float64)
    np.testing.assert_array_equal(
        case.module.grad(z, label.astype(kind), class_weight), case.module.grad(z, label, class_weight)
    )


@pytest.mark.parametrize(("left", "right"), [*itertools.product([2.0, np.float64(2), np.array(2.0)], repeat=2)])
def test_numbers_are_a_batch_without_axes(left, right):
    """Python numbers and NumPy scalars behave as arrays of shape ()."""
    value, grad = CASES["scalar"].module.value_and_grad(left, 0 * right, reduction="none", weight=1)
    assert value.shape == grad.shape == ()
    assert (value, grad) == (8.0, 12.0)
    assert type(CASES["scalar"].module.value(2, True)) is np.float64
    assert type(CASES["scalar"].module.value(np.float32(2), 0)) is np.float32
    assert CASES["scalar"].module.hvp(np.float32(2), 0, v=1.0) == 12.0


def test_subnormal_weights_and_nan_pass():
    """NaN in weights and targets is no error; NaN comes out."""
    z, y = np.ones(3), np.zeros(3)
    module = CASES["scalar"].module
    assert np.isnan(module.value(z, y, weight=np.array([1.0, np.nan, 1.0])))
    assert np.isnan(module.value(z, np.array([0.0, 1.0, np.nan])))
    losses = module.value(z, y, weight=np.array([5e-324, np.inf, 0.0]), reduction="none")
    np.testing.assert_array_equal(losses, [5e-324, np.inf, 0.0])


def test_float32_results_overflow_without_a_warning():
    """A loss that is too large for float32 is inf, as it would be if it had been computed in float32."""
    z = np.full(3, 1e20, np.float32)
    module = CASES["scalar"].module
    assert module.value(z, np.zeros(3)) == np.inf
    assert (module.value(z, np.zeros(3), reduction="none") == np.inf).all()


@pytest.mark.parametrize("shapes", [((4,), (7,)), ((), (2, 3)), ((3,), (0,))], ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_losses_over_sets(dtype, shapes):
    """Sets of any shape and size make one loss; derivatives have the shapes of the sets."""
    rng = np.random.default_rng(0)
    wide = [np.asarray(rng.normal(size=(*shape, 2)), dtype) for shape in shapes]
    v = tuple(np.asarray(rng.normal(size=shape), dtype) for shape in shapes)
    for a, b in ([w[..., 0] for w in wide], [w[..., 0].copy() for w in wide]):
        x, y = a.astype(float), b.astype(float)
        mean = y.sum() / y.size if y.size else math.nan
        value, grads = sets.value_and_grad(a, b)
        assert type(value) is dtype
        np.testing.assert_allclose(value, (x * x).sum() / x.size - mean**2, rtol=1e-5)
        assert sets.value(a, b) == value or math.isnan(value)
        first, hesses = sets.grad_and_hess(a, b)
        products = sets.hvp(a, b, v=v)
        for actual in (grads, first, sets.grad(a, b)):
            close(actual[0], 2 * x / x.size, dtype)
            close(actual[1], np.full(y.shape, -2 * mean / max(y.size, 1)), dtype)
        close(hesses[0], np.full(x.shape, 2 / x.size), dtype)
        close(products[0], 2 * v[0].astype(float) / x.size, dtype)
        close(products[1], np.full(y.shape, -2 * v[1].sum() / max(y.size, 1) ** 2), dtype)
