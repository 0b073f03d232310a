# ruff: noqa: E501 - tables read better in long lines
"""x[index] and x.at[index] against NumPy: eager, compiled, differentiated."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import rtorch as rt
from rtorch.errors import (
    ArgumentError,
    ConcretizationError,
    DTypeError,
    OutOfBoundsError,
    RtorchError,
    ShapeError,
)

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


@st.composite
def indices_anywhere(draw):
    """A shape and an index of arrays (and slices) whose numbers may lie outside."""
    shape = tuple(draw(st.lists(st.integers(1, 3), min_size=1, max_size=3)))
    block = draw(st.sampled_from([(), (3,), (2, 2), (1,)]))
    count = draw(st.integers(1, len(shape)))
    size = int(np.prod(block))
    parts = []
    for n in shape[:count]:
        if parts and draw(st.integers(0, 3)) == 0:
            parts.append(
                draw(st.sampled_from([slice(None), slice(None, None, -1), slice(1, None)]))
            )
        else:
            values = draw(st.lists(st.integers(-3 * n, 3 * n), min_size=size, max_size=size))
            parts.append(np.asarray(values, np.int64).reshape(block))
    return shape, tuple(parts)


def moved_inside(i, n, mode):
    """Index array `i` for NumPy, and which of it counts."""
    inside = (i >= -n) & (i < n)
    if mode == "wrap":
        return i % n, np.ones_like(inside)
    i = np.where(i < -n, 0, np.minimum(i, n - 1))
    return i, inside if mode in ("fill", "drop") else np.ones_like(inside)


def prepared(shape, index, mode):
    """The index with everything inside, and for each element of x[index] whether it counts."""
    moved, valid = list(index), np.ones(shape, bool)[
        tuple(np.zeros_like(p) if isinstance(p, np.ndarray) else p for p in index)]  # fmt: skip
    for axis, part in enumerate(index):
        if isinstance(part, np.ndarray):
            moved[axis], inside = moved_inside(part, shape[axis], mode)
            # Reading [False, True] where `inside` says which, in the layout of x[index].
            lines = np.zeros((*shape[:axis], 2, *shape[axis + 1 :]), bool)
            lines[(slice(None),) * axis + (1,)] = True
            spread = tuple(inside.astype(int) if a == axis else np.zeros_like(p)
                           if isinstance(p, np.ndarray) else p for a, p in enumerate(index))  # fmt: skip
            valid = valid & lines[spread]
    return tuple(moved), valid


def split(index):
    """The arrays of an index, and the function that puts others in their places."""
    arrays = [p for p in index if isinstance(p, np.ndarray)]

    def join(new):
        places = iter(new)
        return tuple(next(places) if isinstance(p, np.ndarray) else p for p in index)

    return arrays, join


@SETTINGS
@given(indices_anywhere(), st.sampled_from(["clip", "wrap", "fill", "drop"]))
def test_modes_of_reading(case, mode):
    shape, index = case
    x = np.arange(1.0, 1 + np.prod(shape)).reshape(shape)
    moved, valid = prepared(shape, index, mode)
    want = np.where(valid, x[moved], -1.0)
    arrays, join = split(index)
    read = lambda x, *i: x.at[join(i)].get(mode=mode, fill_value=-1.0)  # noqa: E731
    raw = [rt.asarray(a) for a in arrays]
    for way in (read, rt.jit(read), lambda *a: rt.vmap(read)(*[z[None] for z in a])[0]):
        np.testing.assert_array_equal(way(rt.asarray(x), *raw), want)
    slope = np.zeros(shape)
    np.add.at(slope, moved, np.where(valid, np.cos(x[moved]), 0))
    for transform in (rt.grad, lambda f: rt.jit(rt.grad(f))):
        got = transform(lambda x, *i: rt.sum(rt.sin(read(x, *i))))(rt.asarray(x), *raw)
        np.testing.assert_allclose(got, slope)


@SETTINGS
@given(
    indices_anywhere(),
    st.sampled_from(["clip", "wrap", "fill", "drop"]),
    st.sampled_from(sorted(UFUNCS)),
    st.integers(0, 2**32),
)
def test_modes_of_writing(case, mode, how, seed):
    shape, index = case
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    moved, valid = prepared(shape, index, mode)
    value = rng.standard_normal(x[moved].shape)
    want = x.copy()
    numbers = np.arange(x.size).reshape(shape)[moved]
    for place in np.ndindex(value.shape):  # one by one, in order
        if valid[place]:
            at = np.unravel_index(numbers[place], shape)
            want[at] = value[place] if how == "set" else UFUNCS[how](want[at], value[place])
    arrays, join = split(index)
    write = lambda x, v, *i: getattr(x.at[join(i)], how)(v, mode=mode)  # noqa: E731
    args = [rt.asarray(x), rt.asarray(value), *[rt.asarray(a) for a in arrays]]
    for way in (write, rt.jit(write), lambda *a: rt.vmap(write)(*[z[None] for z in a])[0]):
        np.testing.assert_allclose(way(*args), want)


@SETTINGS
@given(indices_anywhere())
def test_outside_raises_for_traced_indices_too(case):
    shape, index = case
    x = rt.asarray(np.arange(1.0, 1 + np.prod(shape)).reshape(shape))
    arrays, join = split(index)
    outside = any(((p < -n) | (p >= n)).any() for p, n in zip(index, shape, strict=False)
                  if isinstance(p, np.ndarray))  # fmt: skip
    for use in (
        lambda x, *i: x[join(i)],
        lambda x, *i: x.at[join(i)].add(1.0),
        lambda x, *i: x.at[join(i)].get(mode=None),
    ):
        raw = [rt.asarray(a) for a in arrays]
        for way in (use, rt.jit(use)):
            if outside:
                with pytest.raises(IndexError):
                    way(x, *raw)
            else:
                way(x, *raw)


def test_promises_and_hints():
    x, i = rt.arange(4.0), rt.asarray([0, -1])
    hints = {"mode": "promise_in_bounds", "indices_are_sorted": True, "unique_indices": True}
    assert x.at[i].get(**hints).tolist() == [0, 3]
    assert rt.jit(lambda x, i: x.at[i].add(1.0, **hints))(x, i).tolist() == [1, 1, 2, 4]
    assert rt.take(x, i, **hints).tolist() == [0, 3]
    with pytest.raises(TypeError):
        x.at[i].set(1.0, sorted=True)


@pytest.mark.parametrize("how", sorted(UFUNCS))
def test_traced_masks(how):
    """Under jit a mask of x's shape, or of its first axes, selects where a value goes."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3, 4))
    masks = {"all": x > 0, "rows": x[:, 0] > 0, "none": np.asarray(True)}
    values = {
        "none": [2.0],
        "all": [2.0, [2.0]],
        "rows": [2.0, rng.standard_normal(4), rng.standard_normal((1, 4))],
    }
    for kind, mask in masks.items():
        for value in values[kind]:
            update = lambda x, m, v: getattr(x.at[m], how)(v)  # noqa: E731
            args = [rt.asarray(a) for a in (x, mask, np.asarray(value))]
            want = update(*args)
            rt.testing.assert_close(rt.jit(update)(*args), want)
            lanes = rt.vmap(update)(*[rt.stack([a, a]) for a in args])
            rt.testing.assert_close(lanes, rt.stack([want, want]))
            slopes = rt.grad(lambda x, v, m=args[1]: rt.sum(rt.sin(update(x, m, v))), (0, 1))  # noqa: B023
            rt.testing.assert_close(rt.jit(slopes)(args[0], args[2]), slopes(args[0], args[2]))


@pytest.mark.parametrize(
    "call",
    [lambda x: x[x > 0], lambda x: x.at[x > 0].set(rt.ones(2)), lambda x: rt.nonzero(x), lambda x: rt.argwhere(x),
     lambda x: rt.where(x > 0), lambda x: rt.extract(x > 0, x), lambda x: rt.compress(x > 0, x)],
)  # fmt: skip
@pytest.mark.parametrize("transform", [rt.jit, rt.vmap])
def test_what_depends_on_values_says_what_to_do(call, transform):
    with pytest.raises(ConcretizationError, match=r"rt\.where"):
        transform(call)(rt.ones((2, 3)) if transform is rt.vmap else rt.ones(3))


def test_masks_name_the_other_ways():
    with pytest.raises(ConcretizationError, match=r"rt\.nonzero\(.*size="):
        rt.jit(lambda x: x[x > 0])(rt.ones(3))


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
    "index", [lambda t: t, lambda t: (..., t), lambda t: (0, t), lambda t: (t, [1])]
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


@pytest.mark.parametrize("index", [
    (None, np.array([0, 1]), ..., np.array([1, 0])),
    (slice(None), np.array([0, 1]), ..., [1, 0]),
    (0, ..., np.array([1, 0])),
    (..., 0, np.array([1, 0])),
    (0, 1, ...),
])  # fmt: skip
def test_an_ellipsis_that_covers_no_axis_stands_between_arrays(index):
    ndim = 3 if index[0] == slice(None) else 2
    data = np.arange(2**ndim).reshape((2,) * ndim)
    expected = data[index]
    x = rt.asarray(data)
    for got in (x[index], rt.jit(lambda x: x[index])(x)):
        assert np.array_equal(np.asarray(got), expected)
        assert got.shape == expected.shape
    written = data.copy()
    written[index] = -np.arange(expected.size).reshape(expected.shape)
    out = x.at[index].set(-rt.arange(expected.size).reshape(expected.shape))
    assert np.array_equal(np.asarray(out), written)
