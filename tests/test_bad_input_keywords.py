"""Keywords that are wrong: ``out``, ``reduction``, parameters, ``v``, ``threads``."""

import re

import numpy as np
import pytest
from runtime_stand_ins import labelled, scalar, sets, several

FUNCTIONS = ("value", "grad", "value_and_grad", "grad_and_hess", "hvp")
Z, Y = np.linspace(-1.0, 1.0, 4), np.array([0.0, 0.5, 1.0, 0.25])
ROWS = np.arange(12.0).reshape(4, 3)


def call(function, **keywords):
    """Call one of the five functions of the scalar stand-in."""
    if function == "hvp":
        keywords.setdefault("v", Z)
    return getattr(scalar, function)(Z, Y, **keywords)


def place(function, array):
    """Put an array where the result of the function has its last one."""
    if function == "value_and_grad":
        return None, array
    return (np.empty(4), array) if function == "grad_and_hess" else array


def raises(kind, *parts):
    """Expect an error whose message has all the parts, in this order."""
    return pytest.raises(kind, match=".*".join(map(re.escape, parts)))


WITH_ARRAYS = FUNCTIONS[1:]


@pytest.mark.parametrize("function", WITH_ARRAYS)
def test_out_of_another_shape_or_dtype(function):
    """Results are not converted or broadcast into ``out``."""
    for shape in [(5,), (4, 1), (1, 4), ()]:
        with raises(ValueError, "out", "expected shape (4,) for", f"z, got {shape}"):
            call(function, out=place(function, np.empty(shape)))
    for dtype in (np.float32, int, complex, object, ">f8"):
        with raises(TypeError, "out", "expected dtype float64 for", f"z, got {np.dtype(dtype)}"):
            call(function, out=place(function, np.empty(4, dtype)))


@pytest.mark.parametrize("function", WITH_ARRAYS)
def test_out_that_cannot_be_written_to(function):
    """It stays as it is."""
    array = np.full(4, 7.0)
    array.flags.writeable = False
    for wrong in (array, np.broadcast_to(np.ones(1), 4)):
        with raises(ValueError, "out", "expected an array that can be written to for", "got a read-only one"):
            call(function, out=place(function, wrong))
    assert (array == 7.0).all()
    folded = np.lib.stride_tricks.as_strided(np.empty(1), (4,), (0,))
    with raises(ValueError, "out", "expected an array whose entries lie apart"):
        call(function, out=place(function, folded))


@pytest.mark.parametrize("function", WITH_ARRAYS)
def test_out_that_overlaps_an_input(function):
    """Any input, in whole or in part; neighbours that share no entry are fine."""
    room = np.zeros(16)
    for name, like in (("z", Z), ("y", Y), ("weight", np.ones(4)), *((("v", Z),) if function == "hvp" else ())):
        for mine, theirs in ((slice(4), slice(4)), (slice(4), slice(3, 7)), (slice(0, 8, 2), slice(4, 8))):
            room[theirs] = like
            given = {"z": Z, "y": Y, name: room[theirs], "out": place(function, room[mine])}
            if function == "hvp":
                given.setdefault("v", Z)
            with raises(ValueError, "out", "expected memory of its own, got an array that overlaps", name):
                getattr(scalar, function)(given.pop("z"), given.pop("y"), **given)
    pairs = np.stack([Z, Z], axis=1)
    keywords = {"v": Z} if function == "hvp" else {}
    getattr(scalar, function)(pairs[:, 0], Y, out=place(function, pairs[:, 1]), **keywords)
    np.testing.assert_array_equal(pairs[:, 0], Z)


@pytest.mark.parametrize("function", WITH_ARRAYS)
@pytest.mark.parametrize("shape", [(4,), (2, 2)])
@pytest.mark.parametrize("step", [1, 2])
def test_out_of_a_subclass(tmp_path, function, shape, step):
    """A file in memory, in order or not, is written to like any array, and returned."""
    room = np.memmap(tmp_path / "out", float, "w+", shape=(*shape[:-1], step * shape[-1]))[..., ::step]
    given = (Z.reshape(shape), Y.reshape(shape))
    keywords = {"v": Z.reshape(shape)} if function == "hvp" else {}
    expected = getattr(scalar, function)(*given, **keywords)
    out = (np.empty(shape), room) if function == "grad_and_hess" else place(function, room)
    found = getattr(scalar, function)(*given, out=out, **keywords)
    last, right = (found[1], expected[1]) if isinstance(found, tuple) else (found, expected)
    assert last is room
    np.testing.assert_array_equal(room, right)
    if function == "value_and_grad":
        losses = np.memmap(tmp_path / "losses", float, "w+", shape=shape)
        scalar.value_and_grad(*given, reduction="none", out=(losses, np.empty(shape)))
        np.testing.assert_array_equal(losses, scalar.value(*given, reduction="none"))


def test_outs_that_overlap_each_other():
    """Two results need two places."""
    room = np.empty(8)
    with raises(ValueError, "out[1]: expected memory of its own, got an array that overlaps out[0]"):
        scalar.grad_and_hess(Z, Y, out=(room[:4], room[3:7]))
    with raises(ValueError, "out[1]: expected memory of its own, got an array that overlaps out[0]"):
        scalar.value_and_grad(Z, Y, reduction="none", out=(room[:4], room[:4]))
    with raises(ValueError, "out[1]: expected memory of its own, got an array that overlaps out[0]"):
        sets.grad(Z, Y, out=(room[:4], room[2:6]))
    with raises(ValueError, "out: expected memory of its own, got an array that overlaps class_weight"):
        weights = np.ones((4, 3))
        labelled.grad(ROWS, np.zeros(4, int), weights[0], out=weights)


@pytest.mark.parametrize("wrong", [[1.0], "here", 1.0, np.float64(1)], ids=repr)
def test_out_that_is_no_array(wrong):
    """A list would be filled with nothing."""
    for function in WITH_ARRAYS:
        with raises(TypeError, "out", "expected an array for", "got"):
            call(function, out=place(function, wrong))
    with raises(TypeError, "out: expected an array for the losses, got"):
        scalar.value(Z, Y, reduction="none", out=wrong)


def test_out_that_does_not_mirror_the_result():
    """The message says what the result looks like."""
    empty = np.empty(4)
    for reduction in ("sum", "mean", "weighted_mean"):
        with raises(ValueError, f"out: expected None, as the value is a scalar with reduction='{reduction}'; got"):
            scalar.value(Z, Y, reduction=reduction, out=empty)
        with raises(ValueError, "out[0]: expected None, as the value is a scalar"):
            scalar.value_and_grad(Z, Y, reduction=reduction, out=(empty, np.empty(4)))
    with raises(TypeError, "out: expected a tuple (value, gradient), got numpy.ndarray"):
        scalar.value_and_grad(Z, Y, out=empty)
    with raises(TypeError, "out: expected a tuple (value, gradient), got list"):
        scalar.value_and_grad(Z, Y, out=[None, empty])
    with raises(TypeError, "out: expected a tuple (gradient, Hessian diagonal), got tuple"):
        scalar.grad_and_hess(Z, Y, out=(empty,))
    with raises(TypeError, "out[0]: expected an array for the losses, got NoneType"):
        scalar.value_and_grad(Z, Y, reduction="none", out=(None, empty))
    with raises(TypeError, "out[1]: expected an array for the gradient in z, got NoneType"):
        scalar.value_and_grad(Z, Y, out=(None, None))
    with raises(TypeError, "out: expected a tuple of 2 arrays, the gradient in a, b; got numpy.ndarray"):
        sets.grad(Z, Z, out=empty)
    with raises(ValueError, "out[1][1]: expected shape (4,) for the Hessian diagonal in b, got (3,)"):
        sets.grad_and_hess(Z, Y, out=((empty, empty.copy()), (empty.copy(), np.empty(3))))


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("wrong", ["average", "Mean", "", None, 1, ["mean"], np.ones(3)], ids=repr)
def test_unknown_reduction(function, wrong):
    """The message lists those that there are."""
    choices = "reduction: expected one of 'none', 'sum', 'mean', 'weighted_mean', got"
    with raises(ValueError, choices, repr(wrong)):
        call(function, reduction=wrong)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_parameters_outside_their_domain(function):
    """NaN, infinities, and what the domain excludes."""
    for wrong in (-1.0, -1, float("nan"), float("inf"), np.float32(-0.5)):
        with raises(ValueError, "curvature: expected a finite number in [0, inf), got", str(wrong)):
            call(function, curvature=wrong)
    for wrong in ("1", None, True, 1j, [1.0], np.ones(1), np.array(1.0)):
        with raises(TypeError, "curvature: expected a number, got"):
            call(function, curvature=wrong)
    with raises(ValueError, "curvature: the integer 1000", "is too large for a float"):
        call(function, curvature=10**400)
    for right in (0, 2, np.float32(2), np.int8(2), 1e300):
        call(function, curvature=right)


def test_direction():
    """``v`` is shaped like the gradient and has its dtype."""
    with raises(ValueError, "v: expected shape (4,), that of z, got (4, 1)"):
        scalar.hvp(Z, Y, v=np.ones((4, 1)))
    with raises(TypeError, "v: expected dtype float64, that of z, got float32"):
        scalar.hvp(Z, Y, v=np.ones(4, np.float32))
    with raises(TypeError, "v: expected an array of float32 or float64, got dtype int64"):
        scalar.hvp(Z, Y, v=np.ones(4, int))
    with raises(TypeError, "v: expected a NumPy array or a number, got list"):
        scalar.hvp(Z, Y, v=[1.0] * 4)
    x, mu = np.ones((4, 3)), np.ones((4, 2))
    for wrong in (x, [x, mu, Z], (x, mu), None):
        with raises(TypeError, "v: expected a tuple of 3 arrays, for x, mu, s; got"):
            several.hvp(x, mu, Z, x, np.ones(4), v=wrong)
    with raises(ValueError, "v for mu: expected shape (4, 2), that of mu, got (4, 3)"):
        several.hvp(x, mu, Z, x, np.ones(4), v=(x, x, Z))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_threads(function):
    """A positive integer or None, whatever the size of the batch."""
    for wrong in (0, -1, np.int64(0)):
        with raises(ValueError, "threads: expected a positive integer or None, got", str(wrong)):
            call(function, threads=wrong)
    for wrong in (1.5, "2", True, np.array([1, 2])):
        with raises(TypeError, "threads"):
            call(function, threads=wrong)
    call(function, threads=np.int64(3))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_keywords_that_losses_over_sets_do_not_have(function):
    """The message says why."""
    keywords = {"v": (Z, Y)} if function == "hvp" else {}
    for name in ("weight", "reduction"):
        with raises(ValueError, f"{name}: this loss is one number for whole sets of samples", f"takes no {name}"):
            getattr(sets, function)(Z, Y, **keywords, **{name: None})
    with raises(TypeError, "size: there is no such keyword argument"):
        getattr(sets, function)(Z, Y, **keywords, size=3)
