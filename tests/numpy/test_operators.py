"""Operators: NumPy's values, the promotion table, on either side of arrays and scalars."""

import operator
import warnings

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import rtorch as rt
from rtorch.errors import ArgumentError, ShapeError

ARITHMETIC = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.floordiv,
    operator.mod,
    operator.pow,
]
COMPARISONS = [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]
BITS = [operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift]
shapes = st.lists(st.sampled_from([1, 2, 3]), max_size=3).map(tuple)


def outcome(function):
    """The value, or the kind of error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return function()
    except ValueError:
        return ValueError


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(ARITHMETIC + COMPARISONS),
    shapes,
    shapes,
    st.integers(0, 99),
    st.sampled_from("fid"),
)
def test_binary_operators_broadcast_as_numpy_does(op, a, b, seed, kind):
    rng = np.random.default_rng(seed)
    x = rng.integers(1, 5, a).astype({"f": np.float32, "d": np.float64, "i": np.int64}[kind])
    y = rng.integers(1, 5, b).astype(x.dtype)
    want = outcome(lambda: op(x, y))
    rx, ry = rt.asarray(x), rt.asarray(y)
    for f in (lambda: op(rx, ry), lambda: op(x, ry), lambda: op(rx, y), lambda: rt.jit(op)(rx, ry)):
        got = outcome(f)
        if want is ValueError:
            assert got is ValueError
            continue
        assert isinstance(got, rt.Array)
        np.testing.assert_allclose(np.asarray(got), want, rtol=1e-6)
    if want is not ValueError:
        assert op(rx, ry).dtype is op(ry, rx).dtype


@pytest.mark.parametrize("op", ARITHMETIC + COMPARISONS)
@pytest.mark.parametrize("scalar", [2, 2.0, np.float32(2), np.float64(2), np.int64(2)])
def test_scalars_on_both_sides(op, scalar):
    x = rt.asarray([1.0, 2.0, 3.0])
    data = np.asarray(x)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(np.asarray(op(x, scalar)), op(data, scalar), rtol=1e-6)
        np.testing.assert_allclose(np.asarray(op(scalar, x)), op(scalar, data), rtol=1e-6)
    assert isinstance(op(scalar, x), rt.Array)
    strong = isinstance(scalar, np.float64) and type(scalar) is not float
    if op in ARITHMETIC and not strong:
        assert op(x, scalar).dtype is op(scalar, x).dtype is rt.float32


@pytest.mark.parametrize("op", BITS)
def test_bits(op):
    x, y = rt.asarray([1, 2, 3]), rt.asarray([3, 1, 2])
    np.testing.assert_array_equal(np.asarray(op(x, y)), op(np.asarray(x), np.asarray(y)))
    np.testing.assert_array_equal(np.asarray(op(5, x)), op(5, np.asarray(x)))


def test_unary_operators_and_divmod():
    x = rt.asarray([-1.5, 2.5])
    assert (-x).tolist() == [1.5, -2.5]
    assert (+x).tolist() == x.tolist()
    assert abs(x).tolist() == [1.5, 2.5]
    assert (~rt.asarray([1, 2])).tolist() == [-2, -3]
    assert (~rt.asarray([True])).tolist() == [False]
    assert [v.tolist() for v in divmod(x, 2)] == [[-1, 1], [0.5, 0.5]]


@settings(max_examples=100, deadline=None)
@given(*[st.sampled_from(sorted(map(str, rt.core.dtypes.ALL)))] * 3)
def test_promotion_is_a_join(a, b, c):
    p = rt.promote_types
    assert p(a, b) == p(b, a)
    assert p(a, a) == np.dtype(rt.core.dtypes.canonical(a))
    if not ("uint64" in (a, b, c) and {a, b, c} & {"int8", "int16", "int32", "int64"}):
        assert p(p(a, b), c) == p(a, p(b, c))  # these two make the default float, which is no node
    x, y = rt.ones(1, dtype=a), rt.ones(1, dtype=b)
    assert rt.multiply(x, y).dtype == p(a, b)


def test_numpy_functions_work_on_arrays():
    x = rt.asarray([0.0, 1.0])
    for y in (
        np.sin(x),
        np.add(x, np.ones(2)),
        np.concatenate([x, x]),
        np.where(x > 0, x, 1.0),
        np.sum(x),
    ):
        assert isinstance(y, rt.Array)
    assert float(rt.grad(lambda x: np.sum(np.sin(x)))(x)[0]) == 1.0
    for bad in (
        lambda: np.shares_memory(x, x),
        lambda: np.add.reduce(x),
        lambda: np.add(x, x, out=np.ones(2)),
    ):
        with pytest.raises(ArgumentError):
            bad()


@pytest.mark.parametrize("other", ["a", None, {}])
def test_what_is_no_number_is_refused_by_python(other):
    with pytest.raises(TypeError):
        rt.ones(2) + other
    assert (rt.ones(2) == other) is False
    with pytest.raises(ShapeError):
        rt.ones(2) + rt.ones(3)
