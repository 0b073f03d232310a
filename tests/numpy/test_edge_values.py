"""Values at the edges: infinities, nan in bfloat16, integers rounded and raised to powers."""

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import ArgumentError

inf, nan = np.inf, np.nan


def test_bfloat16_is_sorted_beside_nan():
    x = rt.asarray([3.0, nan, 1.0, -inf, 2.0, 1.0], dtype=rt.bfloat16)
    assert rt.sort(x).tolist()[:5] == [-inf, 1, 1, 2, 3]
    assert rt.argsort(x).tolist() == [3, 2, 5, 4, 0, 1]
    assert rt.top_k(x, 2)[1].tolist() == [1, 0]
    assert rt.unique(x).shape == (5,)
    assert float(rt.nanmedian(x)) == 1


@pytest.mark.parametrize(
    ("elements", "q", "wanted"),
    [
        ([-inf, 1], 0.5, -inf),
        ([inf, inf], 0.5, inf),
        ([1, inf], 0.25, inf),
    ],
)
def test_quantile_between_infinities(elements, q, wanted):
    x = rt.asarray(elements, dtype=rt.float64)
    for value in (rt.quantile(x, q), rt.nanquantile(x, q), rt.jit(rt.quantile)(x, q)):
        np.testing.assert_equal(float(value), wanted)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64, np.uint64])
def test_round_of_integers(dtype):
    x = np.asarray([0, 4, 5, 6, 15, 25, 35, 96, 104], dtype)
    for decimals in (-1, -2, -20, 0, 2):
        wanted = np.round(x.astype(np.float64), decimals).astype(dtype)
        rounded = rt.round(rt.asarray(x), decimals)
        assert rounded.dtype == dtype
        assert rounded.tolist() == wanted.tolist()
    assert rt.round(rt.asarray([-5, -15, -16]), -1).tolist() == [0, -20, -20]


def test_refused_dtypes():
    for function in (rt.floor, rt.ceil, rt.trunc, rt.cbrt):
        with pytest.raises(rt.errors.DTypeError, match="not defined for complex"):
            function(rt.asarray(1j))
    with pytest.raises(rt.errors.DTypeError, match="power"):
        rt.power(rt.asarray([2]), rt.asarray([-1]))


def test_log_expit_at_infinity():
    assert rt.special.log_expit(rt.asarray([-inf, inf])).tolist() == [-inf, 0]


@pytest.mark.parametrize("bins", [[2.0, 1.0], "no rule"])
def test_histogram_refuses_bins(bins):
    with pytest.raises(rt.errors.ArgumentError, match="bins"):
        rt.histogram(rt.ones(3), bins)


@pytest.mark.parametrize("function", [rt.min, rt.max, rt.nanmin, rt.argmin, rt.argmax])
def test_nothing_to_choose_from(function):
    assert function(rt.ones((0, 3)), axis=1).shape == (0,)
    with pytest.raises(rt.errors.ShapeError, match="no elements"):
        function(rt.ones((0, 0)), axis=1)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: rt.diff(rt.ones(3), 1.5), "diff"),
        (lambda: rt.tensordot(rt.ones(3), rt.ones(3), axes="a"), "tensordot"),
        (lambda: rt.var(rt.ones(3), ddof="a"), "var"),
        (lambda: rt.digitize(rt.ones(3), [1.0, 3.0, 2.0]), "digitize"),
    ],
)
def test_wrong_numbers_are_refused_by_name(call, name):
    with pytest.raises(ArgumentError, match=rf"\[{name}\]"):
        call()


def test_one_hot_of_narrow_integers():
    out = rt.one_hot(rt.asarray([-100, 5], rt.int8), 300)
    assert float(out[0].sum()) == 0
    assert float(out[1, 5]) == float(out[1].sum()) == 1


# ---- as in NumPy ---------------------------------------------------------------------------------

BOOLS = [True, False, True], [True, True, False]
SAME = {
    "vander": lambda xp, a: xp.vander(a([5, 200], np.int16), 4),
    "vander of bools": lambda xp, a: xp.vander(a([True, False])),
    "bitwise_count": lambda xp, a: xp.bitwise_count(a([3, -1, -128], np.int8)),
    "bitwise_count of bools": lambda xp, a: xp.bitwise_count(a([True, False])),
    "floor_divide": lambda xp, a: a(BOOLS[0]) // a(BOOLS[1]),
    "remainder": lambda xp, a: a(BOOLS[0]) % a(BOOLS[1]),
    "remainder with a number": lambda xp, a: True % a([True, True]),
    "fmod": lambda xp, a: xp.fmod(a(BOOLS[0]), a(BOOLS[1])),
    "left shift": lambda xp, a: a(BOOLS[0]) << a(BOOLS[1]),
    "right shift": lambda xp, a: a(BOOLS[0]) >> a(BOOLS[1]),
    "fmax": lambda xp, a: xp.fmax(a([1 + 2j, 2, complex(nan, 1)]), a([1 + 1j, 3j, 1])),
    "fmin": lambda xp, a: xp.fmin(a([1 + 2j, 2, 1]), a([1 + 1j, 3j, complex(1, nan)])),
    "median of nothing": lambda xp, a: xp.median(a([])),
    "median of nothing along an axis": lambda xp, a: xp.median(a(np.ones((2, 0))), axis=1),
    "nanmedian of nothing": lambda xp, a: xp.nanmedian(a([])),
    "nanquantile of nothing": lambda xp, a: xp.nanquantile(a([]), 0.5),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", SAME)
def test_as_in_numpy(name):
    wanted = SAME[name](np, np.asarray)
    for function in (lambda: SAME[name](rt, _array), rt.jit(lambda: SAME[name](rt, _array))):
        found = function()
        assert found.dtype == wanted.dtype
        np.testing.assert_array_equal(np.asarray(found), wanted)


def _array(elements, dtype=None):
    return rt.asarray(np.asarray(elements, dtype))


@pytest.mark.parametrize(
    ("call", "theirs", "message"),
    [
        (lambda xp, a: xp.signbit(a([1j])), TypeError, "signbit"),
        (lambda xp, a: xp.bincount(a([1]), minlength=-1), ValueError, "bincount"),
        (lambda xp, a: xp.cov(a([[1.0, 2.0]]), ddof=1.5), ValueError, "cov"),
        (lambda xp, a: xp.geomspace(0, 1), ValueError, "geomspace"),
        (lambda xp, a: xp.geomspace(1, a([0.0, 1.0])), ValueError, "geomspace"),
        (
            lambda xp, a: xp.average(a([1.0, 2.0]), weights=a([1.0, -1.0])),
            ZeroDivisionError,
            "average",
        ),
        (
            lambda xp, a: xp.linalg.matrix_rank(a(np.ones((2, 3))), hermitian=True),
            ValueError,
            "matrix_rank",
        ),
        (
            lambda xp, a: xp.linalg.svd(a(np.ones((2, 3))), hermitian=True),
            ValueError,
            "svd",
        ),
        (lambda xp, a: xp.mean(a(3.0), axis=0), IndexError, "mean"),
        (lambda xp, a: xp.quantile(a([]), 0.5), IndexError, "quantile"),
    ],
)
def test_refused_as_in_numpy(call, theirs, message):
    with pytest.raises(theirs):
        call(np, np.asarray)
    kind = theirs if message != "quantile" else ValueError
    with pytest.raises(kind, match=rf"\[{message}\]") as caught:
        call(rt, _array)
    assert isinstance(caught.value, rt.errors.RtorchError)


def test_tensorinv_needs_axes():
    with pytest.raises(rt.errors.ShapeError, match=r"\[tensorinv\]"):
        rt.linalg.tensorinv(rt.asarray(2.0))


@pytest.mark.parametrize("axis", [0, -1])
@pytest.mark.parametrize("function", [rt.sum, rt.max, rt.all, rt.argmax, rt.nansum, rt.mean])
def test_no_axis_of_an_array_without_axes(function, axis):
    with pytest.raises(rt.errors.AxisError):
        function(rt.asarray(3.0), axis=axis)


def test_average_of_weights_that_sum_to_zero_unknown():
    def average(w):
        return rt.average(rt.asarray([1.0, 2.0]), weights=w)

    weights = rt.asarray([[0.0, 0.0], [1.0, 3.0]])
    for function in (rt.vmap(average), rt.jit(rt.vmap(average))):
        np.testing.assert_array_equal(np.asarray(function(weights)), [nan, 1.75])
    np.testing.assert_equal(float(rt.jit(average)(weights[0])), nan)
    with pytest.raises(rt.errors.ZeroWeightsError, match="sum to zero"):
        rt.grad(average)(weights[0])


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("function", [rt.linalg.eigh, rt.linalg.eigvalsh])
@pytest.mark.parametrize("dtype", [rt.float32, rt.complex128])
def test_eigenvalues_of_what_is_not_finite(function, dtype):
    for bad in (nan, inf):
        x = rt.asarray([[bad, 1.0], [1.0, 2.0]], dtype=dtype)
        for call in (function, rt.jit(function)):
            with pytest.raises(rt.errors.LinAlgError, match="the matrix has nan or inf"):
                call(x)
        with pytest.raises(rt.errors.LinAlgError, match=r"matrix \(1,\) of the batch has nan"):
            function(rt.stack([rt.eye(2, dtype=dtype), x]))
    unread = rt.asarray([[1.0, nan], [0.0, 2.0]], dtype=dtype)
    for out in (function(unread, "L"), function(unread.T, "U")):
        values = out if isinstance(out, rt.Array) else out.eigenvalues
        assert values.tolist() == [1, 2]
    large = rt.asarray([[1e30, 0.0], [0.0, 1e30]], dtype=dtype)  # its squares overflow
    assert rt.all(rt.isfinite(rt.linalg.eigvalsh(large)))


def test_static_nan():
    function = rt.jit(lambda x, y: x + (y if isinstance(y, float) else y[0]), static_argnums=1)
    for value in (nan, float("nan"), (float("nan"),), (float("nan"),)):
        for _ in range(2):
            assert np.isnan(float(function(rt.ones(()), value)))
    assert function.cache_info().misses == 2
    named = rt.jit(lambda x, *, fill: x + fill, static_argnames="fill")
    for _ in range(3):
        named(rt.ones(()), fill=float("nan"))
    assert named.cache_info().misses == 1
    assert float(named(rt.ones(()), fill=1.0)) == 2
