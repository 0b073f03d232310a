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
