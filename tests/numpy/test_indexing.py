# ruff: noqa: E501 - tables read better in long lines
"""x[index] and x.at[index] against NumPy: eager, compiled, differentiated."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import rtorch as rt
from rtorch.errors import ArgumentError, DTypeError, OutOfBoundsError, RtorchError, ShapeError

SETTINGS = settings(max_examples=150, deadline=None)


@st.composite
def arrays_and_indices(draw):
    """A shape and an index that NumPy takes, but perhaps for index arrays that do not broadcast."""
    shape = tuple(draw(st.lists(st.integers(1, 4), max_size=3)))
    parts, axis, dots = [], 0, False
    block = draw(st.sampled_from([(), (2,), (3,), (2, 1), (0,), (2, 3)]))
    while axis < len(shape) and draw(st.integers(0, 5)):
        n = shape[axis]
        kind = draw(
            st.sampled_from(["int", "slice", "slice", "new", "dots", "array", "mask", "mask2"])
        )
        end = st.one_of(st.none(), st.integers(-n - 2, n + 2))
        if kind == "new":
            parts.append(None)
        elif kind == "dots" and not dots:
            parts.append(...)
            dots = True
            break
        elif kind == "int":
            parts.append(draw(st.integers(-n, n - 1)))
        elif kind == "array":
            size = int(np.prod(block))
            values = draw(st.lists(st.integers(-n, n - 1), min_size=size, max_size=size))
            parts.append(np.asarray(values, np.int64).reshape(block))
        elif kind == "mask":
            parts.append(np.asarray(draw(st.lists(st.booleans(), min_size=n, max_size=n))))
        elif kind == "mask2" and axis + 1 < len(shape):
            size = n * shape[axis + 1]
            bits = draw(st.lists(st.booleans(), min_size=size, max_size=size))
            parts.append(np.asarray(bits).reshape(n, shape[axis + 1]))
            axis += 1
        else:
            parts.append(
                slice(draw(end), draw(end), draw(st.sampled_from([None, 1, 2, -1, -2, 3])))
            )
        axis += kind != "new"
    index = tuple(parts)
    return shape, index[0] if len(index) == 1 and draw(st.booleans()) else index


def as_rtorch(index):
    if isinstance(index, tuple):
        return tuple(map(as_rtorch, index))
    return rt.asarray(index) if isinstance(index, np.ndarray) else index


@SETTINGS
@given(arrays_and_indices(), st.booleans())
def test_reading(case, own):
    shape, index = case
    x = np.arange(float(np.prod(shape))).reshape(shape) / 7
    used = as_rtorch(index) if own else index
    rx = rt.asarray(x)
    ways = [
        lambda: rx[used],
        lambda: rt.jit(lambda x: x[used])(rx),
        lambda: rt.vmap(lambda x: x[used])(rx[None])[0],
    ]
    try:
        want = x[index]
    except IndexError:
        for way in ways:
            with pytest.raises(RtorchError):
                way()
        return
    for way in ways:
        got = way()
        assert got.shape == np.shape(want)
        np.testing.assert_array_equal(np.asarray(got), want)
    slope = np.zeros(shape)
    np.add.at(slope, index, np.cos(want))
    for transform in (rt.grad, lambda f: rt.jit(rt.grad(f))):
        got = transform(lambda x: rt.sum(rt.sin(x[used])))(rx)
        np.testing.assert_allclose(np.asarray(got), slope)


UFUNCS = {"add": np.add, "multiply": np.multiply, "min": np.minimum, "max": np.maximum, "set": None}


@SETTINGS
@given(
    arrays_and_indices(), st.sampled_from(sorted(UFUNCS)), st.integers(0, 2**32), st.integers(0, 3)
)
def test_writing(case, how, seed, dropped):
    shape, index = case
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    try:
        region = x[index].shape
    except IndexError:
        return
    value = rng.standard_normal(region[min(dropped, len(region)) :])
    want, full = x.copy(), np.broadcast_to(value, region).copy()
    if how == "set":
        want[index] = full
    else:
        UFUNCS[how].at(want, index, full)
    used = as_rtorch(index)
    update = lambda x, v: getattr(x.at[used], how)(v)  # noqa: E731
    rx, rv = rt.asarray(x), rt.asarray(value)
    for got in (update(rx, rv), rt.jit(update)(rx, rv)):
        np.testing.assert_allclose(np.asarray(got), want)
    np.testing.assert_array_equal(np.asarray(rx), x)
    # The derivative along a direction, against differences; values are distinct almost surely.
    u, v, h = rng.standard_normal(x.shape), rng.standard_normal(value.shape), 1e-6
    dot = rt.jvp(update, (rx, rv), (rt.asarray(u), rt.asarray(v)))[1]
    plus, minus = (
        np.asarray(update(rt.asarray(x + s * u), rt.asarray(value + s * v))) for s in (h, -h)
    )
    np.testing.assert_allclose(np.asarray(dot), (plus - minus) / (2 * h), atol=1e-5)
    ct = rng.standard_normal(x.shape)
    back = rt.vjp(update, rx, rv)[1](ct)
    pulled = float(rt.sum(back[0] * u) + rt.sum(back[1] * v))
    assert pulled == pytest.approx(float(np.sum(np.asarray(dot) * ct)), abs=1e-9)


@pytest.mark.parametrize("transform", [lambda f: f, rt.jit])
def test_modes(transform):
    x, i = rt.asarray([1.0, 2.0, 3.0]), rt.asarray([-7, -1, 0, 5])
    get = lambda mode: transform(lambda x, i: x.at[i].get(mode=mode, fill_value=9.0))(x, i).tolist()  # noqa: E731
    assert get("clip") == [1, 3, 1, 3]
    assert get("wrap") == [3, 3, 1, 3]
    assert get("fill") == [9, 3, 1, 9]
    add = lambda mode: transform(lambda x, i: x.at[i].add(10.0, mode=mode))(x, i).tolist()  # noqa: E731
    assert add("clip") == [21, 2, 23]
    assert add("wrap") == [11, 2, 33]
    assert add("fill") == [11, 2, 13]
    for bad in (lambda x, i: x[i], lambda x, i: x.at[i].set(1.0)):
        with pytest.raises(OutOfBoundsError):
            transform(bad)(x, i)


def test_values_may_have_leading_axes_of_length_1():
    for f in (
        lambda x: x.at[:].set(rt.ones((1, 3))),
        rt.jit(lambda x: x.at[:].set(rt.ones((1, 3)))),
    ):
        assert f(rt.zeros(3)).tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("index", "error"),
    [
        (5, OutOfBoundsError), ((0, 0, 0), OutOfBoundsError), (2**70, OutOfBoundsError),
        ((..., ...), ArgumentError),
        (1.5, ArgumentError), ("a", ArgumentError), ({}, ArgumentError), (slice("a", None), ArgumentError),
        (slice(0.5, None), ArgumentError), (slice(None, None, 0), ArgumentError), ([[1], [0, 1]], ShapeError),
        (([0, 1], [0, 1, 2]), ShapeError), (rt.asarray([True]), ShapeError), (rt.ones(2), DTypeError),
    ],
)  # fmt: skip
def test_wrong_indices(index, error):
    x = rt.ones((2, 3))
    for use in (
        lambda: x[index],
        lambda: x.at[index].set(1.0),
        lambda: rt.jit(lambda x: x[index])(x),
    ):
        with pytest.raises(error):
            use()


@pytest.mark.parametrize("truth", [True, False])
@pytest.mark.parametrize(
    "index", [lambda t: t, lambda t: (..., t), lambda t: (0, t), lambda t: (t, [1, 0])]
)
@pytest.mark.parametrize("kind", [bool, np.bool_, rt.asarray])
def test_bare_truth_as_an_index(truth, index, kind):
    data = np.arange(6.0).reshape(2, 3)
    x = rt.asarray(data)
    want = data[index(truth)]
    got = x[index(kind(truth))]
    assert got.shape == want.shape
    np.testing.assert_array_equal(np.asarray(got), want)
    other = data.copy()
    other[index(truth)] = 7
    np.testing.assert_array_equal(np.asarray(x.at[index(kind(truth))].set(7)), other)


def test_wrong_values():
    x = rt.arange(3)
    for value, error in [(1.5, DTypeError), (1j, DTypeError), ("a", ArgumentError), (None, ArgumentError),
                         (rt.ones(7, dtype=rt.int64), ShapeError), (2**70, DTypeError)]:  # fmt: skip
        with pytest.raises(error):
            x.at[0].set(value)
    with pytest.raises(DTypeError):
        rt.ones(2, dtype=rt.int8).at[0].set(300)
    with pytest.raises(ArgumentError, match="mode"):
        x.at[0].set(1, mode="q")
