"""Every generated module, and the stand-ins, by `INFO`: layouts, threads, reductions, ``out`` and bad input."""

import importlib
import math
import pkgutil
import re

import numpy as np
import pytest
import symloss.generated

STAND_INS = [f"runtime_stand_ins.{name}" for name in ("scalar", "labelled", "several", "sets")]
NAMES = STAND_INS + sorted(
    f"symloss.generated.{m.name}"
    for m in pkgutil.iter_modules(symloss.generated.__path__)
    if not m.ispkg and not m.name.startswith("_")
)
SIZES = {"C": 7, "D": 5, "L": 4, "T": 15, "K": 6, "U": 4, "n": 8, "m": 6}
DTYPES = [np.float32, np.float64]
FUNCTIONS = ("value", "grad", "value_and_grad", "grad_and_hess", "hvp")

pytestmark = pytest.mark.filterwarnings("error")


def module_of(name):
    """Import a module."""
    return importlib.import_module(name)


def kind_of(argument):
    """Return the kind of a domain; generated modules have a runtime, and classes, of their own."""
    return type(argument["domain"]).__name__


def size_of(extent):
    """Return the size of an axis, or an end of a range: ``C``, ``T+1`` or a number."""
    name, _, more = str(extent).partition("+")
    return SIZES.get(name, int(name) if name.isdigit() else 3) + int(more or 0)


def labels(argument, shape, rng):
    """Return labels; lengths in the upper half, so that every path has room, and symbols without the one ruled out."""
    start, stop = size_of(argument["domain"].start), size_of(argument["domain"].stop)
    start = max(start, stop // 2 if argument.get("optional") else 0, 1 if argument.get("without") else 0)
    return np.asarray(rng.integers(start, stop, shape))


def draw(argument, batch, dtype, rng):
    """Return random values of an argument, inside its domain."""
    shape = tuple(n for part in argument["shape"] for n in (batch if part == "..." else (size_of(part),)))
    domain = argument["domain"]
    if kind_of(argument) == "Labels":
        return labels(argument, shape, rng)
    if kind_of(argument) == "Finite":
        return np.asarray(rng.choice(list(domain), shape), dtype)
    low, high = max(domain.low, -3.0), min(domain.high, 3.0)
    return np.asarray(low + (high - low) * (0.05 + 0.9 * rng.random(shape)), dtype)


def arguments_of(module, batch, dtype, seed=0):
    """Return all array arguments by name."""
    rng = np.random.default_rng(seed)
    return {a["name"]: draw(a, batch, dtype, rng) for a in module.INFO["arguments"]}


def predictions_of(module):
    """Return the names of the predictions."""
    return [a["name"] for a in module.INFO["arguments"] if a["role"] == "prediction"]


def direction(module, given):
    """Return a direction for ``hvp``: the predictions themselves."""
    arrays = [given[name] for name in predictions_of(module)]
    return arrays[0] if len(arrays) == 1 else tuple(arrays)


def functions_of(module):
    """Return which of the five functions a module has: recurrences have no diagonal of the Hessian."""
    return [function for function in FUNCTIONS if function in module.INFO.get("functions", FUNCTIONS)]


def is_recurrence(module):
    """Whether a loss is a sum over paths."""
    return "posterior" in module.INFO.get("functions", ())


def slack(module, entries, rtol):
    """Return the absolute tolerance: gradients of recurrences are softmax less posterior, good to their largest."""
    return rtol * abs(entries).max() if is_recurrence(module) else 0


def call(module, function, given, **keywords):
    """Call one of the five functions; return everything that came back as one flat list."""
    if function == "hvp":
        keywords.setdefault("v", direction(module, given))
    return flat(getattr(module, function)(**given, **keywords))


def flat(result):
    """Return nested tuples as a list."""
    return [item for part in result for item in flat(part)] if isinstance(result, tuple) else [result]


def equal(left, right):
    """Whether two lists of results agree to the bit, NaN included."""
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(left, right, strict=True))


def strided(array):
    """Return the same values with gaps."""
    wide = np.zeros((*array.shape, 2), array.dtype)
    wide[..., 0] = array
    return wide[..., 0]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_layouts_threads_and_functions_agree_to_the_bit(name, dtype):
    """Also several blocks, in the middle of a row of the batch."""
    module = module_of(name)
    functions = functions_of(module)
    for batch in ((11,), (3, 200 if is_recurrence(module) else 23000)):
        given = arguments_of(module, batch, dtype)
        plain = {function: call(module, function, given, threads=1) for function in functions}
        count = len(predictions_of(module))
        assert equal(plain["value_and_grad"], plain["value"] + plain["grad"])
        if "grad_and_hess" in functions:
            assert equal(plain["grad_and_hess"][:count], plain["grad"])
        for change in (strided, np.asfortranarray):
            changed = {key: change(array) for key, array in given.items()}
            for function in functions[2:]:
                keywords = {"v": direction(module, changed)} if function == "hvp" else {}
                assert equal(call(module, function, changed, **keywords), plain[function])
        for function in functions:
            assert equal(call(module, function, given, threads=3), plain[function])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_reductions_agree_with_the_losses_of_the_samples(name, dtype):
    """Sum, mean and weighted mean are those of ``none``."""
    module = module_of(name)
    if not module.INFO["reductions"]:
        pytest.skip("one number for whole sets")
    given = arguments_of(module, (4, 9), dtype)
    weight = np.random.default_rng(1).random((4, 9))
    rtol = 50 * np.finfo(dtype).eps
    single, *grads = call(module, "value_and_grad", given, reduction="none")
    weighted, *weighted_grads = call(module, "value_and_grad", given, reduction="none", weight=weight)
    np.testing.assert_allclose(weighted, single * weight, rtol=rtol)
    for plain, scaled in zip(grads, weighted_grads, strict=True):
        if plain.shape[: weight.ndim] != weight.shape:
            continue  # shared by all samples, so there is no gradient of each
        factor = weight.reshape(weight.shape + (1,) * (plain.ndim - weight.ndim))
        np.testing.assert_allclose(scaled, plain * factor, rtol=rtol, atol=slack(module, plain, rtol))
    for keywords, losses, derivatives in (({}, single, grads), ({"weight": weight}, weighted, weighted_grads)):
        total = math.fsum(losses.ravel())
        assert math.isclose(module.value(**given, **keywords, reduction="sum"), total, rel_tol=rtol, abs_tol=rtol)
        assert math.isclose(module.value(**given, **keywords), total / 36, rel_tol=rtol, abs_tol=rtol)
        mean = call(module, "grad", given, **keywords)
        share = call(module, "grad", given, **keywords, reduction="weighted_mean")
        for whole, part, other in zip(derivatives, mean, share, strict=True):
            atol = slack(module, whole, rtol)
            np.testing.assert_allclose(part, whole / 36, rtol=rtol, atol=atol)
            scale = module.value(**given, **keywords, reduction="weighted_mean").astype(float) / total
            np.testing.assert_allclose(other, whole * scale, rtol=10 * rtol, atol=atol)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_shapes_dtypes_and_out(name, dtype):
    """Results look as promised, for a batch without axes and for an empty one too."""
    module = module_of(name)
    for batch in ((), (3,), (2, 3), (0,), (2, 0)):
        given = arguments_of(module, batch, dtype)
        likes = [given[p] for p in predictions_of(module)]
        value, *grads = call(module, "value_and_grad", given)
        assert type(value) is dtype
        if 0 in batch:
            assert math.isnan(value)
        for function in functions_of(module)[1:]:
            results = call(module, function, given)[function == "value_and_grad" :][: len(likes)]
            assert [(r.shape, r.dtype) for r in results] == [(a.shape, a.dtype) for a in likes]
        out = tuple(np.full(a.shape, -7.0, dtype) for a in likes)
        given_out = out[0] if len(out) == 1 else out
        assert equal(flat(module.grad(**given, out=given_out)), grads)
        assert equal(out, grads)


@pytest.mark.parametrize("name", NAMES)
def test_bad_arrays(name):
    """One wrong argument at a time."""
    module = module_of(name)
    given = arguments_of(module, (4,), np.float64)
    for argument in module.INFO["arguments"]:
        key, array = argument["name"], given[argument["name"]]
        wrong = [(TypeError, array.astype(object)), (TypeError, array.tolist()), (TypeError, array.astype(complex))]
        if not module.INFO["over_sets"] and sum(a["role"] != "weight" for a in module.INFO["arguments"]) > 1:
            wrong += [(ValueError, array[..., np.newaxis]), (ValueError, array[:-1])]  # differs from the others
        if kind_of(argument) == "Labels":
            wrong += [(ValueError, array - 100), (ValueError, array + 100), (TypeError, array.astype(float))]
        elif argument["role"] != "prediction" and argument["domain"].outside(np.array([-5.0])).any():
            wrong += [(ValueError, array * 0 - 5.0)]
        if len(argument["shape"]) > 1:
            wrong += [(ValueError, array[..., :0])]
        for function in functions_of(module):
            keywords = {"v": direction(module, given)} if function == "hvp" else {}
            for kind, bad in wrong:
                # A shape can only be wrong in comparison, so the message may name the argument that differs first.
                with pytest.raises(kind, match=re.escape(key) if kind is TypeError else ": expected"):
                    getattr(module, function)(**(given | {key: bad}), **keywords)


@pytest.mark.parametrize("name", NAMES)
def test_bad_keywords(name):
    """Parameters, weights, reductions, directions and ``out``."""
    module = module_of(name)
    given = arguments_of(module, (4,), np.float64)
    likes = [given[p] for p in predictions_of(module)]
    for parameter in module.INFO["parameters"]:
        not_a_number = TypeError if kind_of(parameter) == "Labels" else ValueError
        for kind, bad in ((not_a_number, math.nan), (not_a_number, math.inf), (TypeError, "1"), (TypeError, None)):
            with pytest.raises(kind, match=parameter["name"]):
                module.value(**given, **{parameter["name"]: bad})
        if kind_of(parameter) == "Labels":
            with pytest.raises(ValueError, match=rf"{parameter['name']}: expected a label in .*, got -1"):
                module.grad(**given, **{parameter["name"]: -1})
        elif parameter["domain"].outside(np.array(-1.0)):
            with pytest.raises(ValueError, match=rf"{parameter['name']}: expected a finite number in .*, got -1.0"):
                module.grad(**given, **{parameter["name"]: -1.0})
    for keywords in ({"weight": np.array([1.0, -1.0, 1.0, 1.0])}, {"reduction": "average"}):
        with pytest.raises(ValueError, match=next(iter(keywords))):
            module.value_and_grad(**given, **keywords)
    with pytest.raises((TypeError, ValueError), match="v"):
        module.hvp(**given, v=[1.0])
    overlapping = likes[0] if len(likes) == 1 else tuple(likes)
    with pytest.raises(ValueError, match="overlaps"):
        module.grad(**given, out=overlapping)
