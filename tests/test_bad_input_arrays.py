"""Arrays that are wrong: an error that names the argument, what came and what was expected, before any kernel runs."""

import re

import numpy as np
import pytest
from runtime_stand_ins import labelled, scalar, sets, several

FUNCTIONS = ("value", "grad", "value_and_grad", "grad_and_hess", "hvp")
Z, Y = np.linspace(-1.0, 1.0, 4), np.array([0.0, 0.5, 1.0, 0.25])
ROWS = np.arange(12.0).reshape(4, 3)
LABEL, CLASS_WEIGHT = np.array([0, 2, 1, 0]), np.array([1.0, 0.5, 2.0])


def call_scalar(function, z=Z, y=Y, **keywords):
    """Call one of the five functions of the scalar stand-in."""
    if function == "hvp":
        keywords.setdefault("v", Z)
    return getattr(scalar, function)(z, y, **keywords)


def call_labelled(function, z=ROWS, label=LABEL, class_weight=CLASS_WEIGHT, **keywords):
    """Call one of the five functions of the stand-in with rows and labels."""
    if function == "hvp":
        keywords.setdefault("v", ROWS)
    return getattr(labelled, function)(z, label, class_weight, **keywords)


def raises(kind, *parts):
    """Expect an error whose message has all the parts, in this order."""
    return pytest.raises(kind, match=".*".join(map(re.escape, parts)))


def test_the_arguments_used_here_are_right():
    """Without a mistake nothing raises."""
    for function in FUNCTIONS:
        call_scalar(function, weight=np.ones(4))
        call_labelled(function, weight=np.ones(4))


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("shape", [(5,), (4, 1), (1, 4), (1,), ()], ids=str)
def test_shapes_that_differ_or_would_broadcast(function, shape):
    """Every argument has exactly the shape of the batch; nothing is broadcast."""
    wrong = np.full(shape, 0.5)
    with raises(ValueError, "y: expected shape (4,) (the batch shape (4,) of z), got", str(shape)):
        call_scalar(function, y=wrong)
    with raises(ValueError, "weight: expected shape (4,) (the batch shape (4,) of z), got", str(shape)):
        call_scalar(function, weight=wrong)
    with raises(ValueError, "label: expected shape (4,) (the batch shape (4,) of z), got", str(shape)):
        call_labelled(function, label=np.zeros(shape, int))


def test_a_number_is_not_broadcast_either():
    """A number is a batch of shape (), not of any shape."""
    for keywords in ({"y": 0.5}, {"weight": 1.0}):
        with raises(ValueError, "expected shape (4,)", "got ()"):
            call_scalar("value", **keywords)


@pytest.mark.parametrize("shape", [(4,), (2,), (1,), (), (3, 1), (4, 3)], ids=str)
def test_class_weights_have_the_class_axis_alone(shape):
    """A weight that all samples share has no batch axes."""
    with raises(ValueError, "class_weight: expected shape (3,) (the axes C = 3), got", str(shape)):
        call_labelled("value", class_weight=np.ones(shape))


def test_inner_axes_must_agree():
    """An axis has one length, whoever has it."""
    x, mu, s, t = np.ones((4, 3)), np.ones((4, 2)), np.ones(4), np.ones((4, 5))
    with raises(ValueError, "t: expected shape (4, 3) (the batch shape (4,) of x and the axes D = 3), got (4, 5)"):
        several.value(x, mu, s, t, s)
    with raises(ValueError, "mu: expected shape (4, L) (the batch shape (4,) of x and the axes L), got (2, 4)"):
        several.value(x, mu.T, s, x, s)
    with raises(ValueError, "z: expected shape (..., C), got ()"):
        labelled.value(np.float64(1), 0, CLASS_WEIGHT)


@pytest.mark.parametrize("batch", [(4,), (0,), ()], ids=str)
def test_empty_class_axis(batch):
    """A row without entries is an error even where there is no row."""
    with raises(ValueError, "z: expected at least one entry along the axis C, got shape"):
        labelled.value(np.ones((*batch, 0)), np.zeros(batch, int), np.ones(0))


BAD_DTYPES = [
    "float16",
    "longdouble",
    "complex64",
    "complex128",
    "object",
    "U3",
    "S3",
    "datetime64[s]",
    "timedelta64[s]",
]


@pytest.mark.parametrize("dtype", [*BAD_DTYPES, [("a", float)]], ids=str)
def test_dtypes_that_nothing_may_have(dtype):
    """Each argument says what it may be."""
    wrong = np.zeros(4, dtype)
    with raises(TypeError, "z: expected an array of float32 or float64, got dtype", str(wrong.dtype)):
        call_scalar("value", z=wrong)
    with raises(TypeError, "y: expected an array of bool, integers, float32 or float64, got dtype", str(wrong.dtype)):
        call_scalar("value", y=wrong)
    with raises(TypeError, "weight: expected an array of bool, integers, float32 or float64, got dtype"):
        call_scalar("value", weight=wrong)
    with raises(TypeError, "label: expected an array of integers, got dtype", str(wrong.dtype)):
        call_labelled("value", label=wrong)
    with raises(TypeError, "class_weight: expected an array of bool, integers, float32 or float64, got dtype"):
        call_labelled("value", class_weight=np.zeros(3, dtype))


@pytest.mark.parametrize("dtype", [bool, np.int64, np.uint8])
def test_predictions_are_floats(dtype):
    """Whole numbers as predictions are a mistake, not a precision."""
    with raises(TypeError, "z: expected an array of float32 or float64, got dtype", np.dtype(dtype).name):
        call_scalar("value", z=np.ones(4, dtype))
    with raises(TypeError, "z: expected an array of float32 or float64, got dtype"):
        scalar.value(dtype(1), 0.0)


@pytest.mark.parametrize("dtype", [bool, np.float32, np.float64])
def test_labels_are_integers(dtype):
    """Float labels are an error even where they are whole."""
    with raises(TypeError, "label: expected an array of integers, got dtype", np.dtype(dtype).name):
        call_labelled("value", label=LABEL.astype(dtype))


def test_predictions_agree_in_their_dtype():
    """The result has the dtype of the predictions, so there is one."""
    x, mu, s = np.ones((4, 3)), np.ones((4, 2), np.float32), np.ones(4)
    with raises(TypeError, "mu: expected dtype float64, that of x, got float32"):
        several.value(x, mu, s, x, s)
    with raises(TypeError, "b: expected dtype float64, that of a, got float32"):
        sets.value(Z, Z.astype(np.float32))


@pytest.mark.parametrize(
    "wrong", [[0.5] * 4, (0.5,) * 4, None, "0.5", 1j, {}, memoryview(Z)], ids=lambda wrong: type(wrong).__name__
)
def test_lists_and_other_objects(wrong):
    """Nothing is turned into an array silently."""
    for name in ("z", "y"):
        with raises(TypeError, f"{name}: expected a NumPy array or a number, got {type(wrong).__name__}"):
            call_scalar("value", **{name: wrong})
    if wrong is not None:
        with raises(TypeError, f"weight: expected a NumPy array or a number, got {type(wrong).__name__}"):
            call_scalar("value", weight=wrong)
    with raises(TypeError, f"label: expected a NumPy array or a number, got {type(wrong).__name__}"):
        call_labelled("value", label=wrong)


def test_masked_arrays_and_subclasses():
    """The mask would be ignored; other subclasses are taken as the arrays that they are."""
    with raises(TypeError, "z: expected a plain array, got a masked one"):
        call_scalar("value", z=np.ma.array(Z, mask=Z > 0))
    with raises(TypeError, "out: expected an array", "got numpy.ma.MaskedArray"):
        call_scalar("grad", out=np.ma.array(Z.copy()))
    assert scalar.value(Z.view(np.recarray), Y) == scalar.value(Z, Y)
    with pytest.warns(PendingDeprecationWarning, match="matrix"):
        matrix = np.asmatrix(Z)
    with raises(ValueError, "y: expected shape (1, 4)"):
        scalar.value(matrix, Y)


def test_numbers_too_large_for_a_float():
    """An error of ours, not an OverflowError from within."""
    with raises(ValueError, "z: the integer 1000", "is too large for a float"):
        scalar.value(10**400, 0.0)
    with raises(TypeError, "y: expected an array of bool, integers, float32 or float64, got dtype object"):
        scalar.value(1.0, 10**400)


@pytest.mark.parametrize("kind", [np.int8, np.int64, np.uint64, np.dtype(">i4")])
@pytest.mark.parametrize("batch", [(4,), (2, 2), (3000,)], ids=str)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_labels_outside_their_range(function, batch, kind):
    """Nothing checks the index in a kernel, so one bad label must be found before."""
    z = np.ones((*batch, 3))
    label = np.zeros(batch, kind)
    position = tuple(n - 1 for n in batch)
    for bad in (3, 100, -1, -128):
        if bad < 0 and np.dtype(kind).kind == "u":
            continue
        label[position] = bad
        keywords = {"v": z} if function == "hvp" else {}
        with raises(ValueError, f"label: expected labels in 0..2, got {bad} at position", str(position)):
            getattr(labelled, function)(z, label, CLASS_WEIGHT, **keywords)
    label[position] = 2
    assert np.isfinite(labelled.value(z, label, CLASS_WEIGHT))


def test_a_bad_label_without_axes():
    """There is no position to name."""
    with raises(ValueError, "label: expected labels in 0..2, got -1"):
        labelled.value(ROWS[0], -1, CLASS_WEIGHT)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_negative_weights(function, dtype):
    """Per sample and per class; a NaN beside them hides nothing."""
    weight = np.array([1, 2, -3, 4]).astype(dtype)
    with raises(ValueError, "weight: expected weights in [0, inf), got -3", "at position (2,)"):
        call_scalar(function, weight=weight)
    with raises(ValueError, "class_weight: expected weights in [0, inf), got -3", "at position (2,)"):
        call_labelled(function, class_weight=weight[:3])
    if np.dtype(dtype).kind == "f":
        weight[0] = np.nan
        with raises(ValueError, "weight: expected weights in [0, inf), got -3"):
            call_scalar(function, weight=weight)


@pytest.mark.parametrize("batch", [(4,), (40000,), (3, 17000), ()], ids=str)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_targets_outside_their_domain(function, batch):
    """Found by the kernel, named by a second look."""
    z, y = np.ones(batch), np.full(batch, 0.5)
    position = tuple(n - 1 for n in batch)
    keywords = {"v": z} if function == "hvp" else {}
    for bad in (1.5, -0.25, np.inf):
        y[position] = bad
        with raises(ValueError, f"y: expected values in [0, 1], got {bad}", str(position) if batch else ""):
            getattr(scalar, function)(z, y, **keywords)
    rows = [np.ones((*batch, 2)), np.ones((*batch, 3)), z, np.ones((*batch, 2))]
    keywords = {"v": tuple(rows[:3])} if function == "hvp" else {}
    with raises(ValueError, "on: expected values in {0, 1}, got 0.5"):
        getattr(several, function)(*rows, np.full(batch, 0.5), **keywords)
    getattr(several, function)(*rows, np.full(batch, np.nan), **keywords)
