# ruff: noqa: E501 - tables read better in long lines
"""vmap: where batch axes are, come from and go; sizes 0 and 1; chunks."""

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import ArgumentError, BatchAxisError, ConcretizationError


@pytest.mark.parametrize("size", [0, 1, 3])
@pytest.mark.parametrize("chunk_size", [None, 1, 2, 7])
@pytest.mark.parametrize(("in_axis", "out_axis"), [(0, 0), (1, -1), (-1, 1), (2, 0), (-3, 2)])
def test_axes_and_chunks(size, chunk_size, in_axis, out_axis, rng):
    shape = [2, 4]
    shape.insert(in_axis % 3, size)
    x, w = rng.standard_normal(shape), rng.standard_normal((4,))
    f = lambda x, w: rt.sin(x) * w  # noqa: E731
    got = rt.vmap(f, (in_axis, None), out_axis, chunk_size=chunk_size)(x, w)
    lanes = [np.sin(lane) * w for lane in np.moveaxis(x, in_axis, 0)]
    want = np.moveaxis(np.stack(lanes) if lanes else np.zeros((0, 2, 4)), 0, out_axis)
    np.testing.assert_allclose(np.asarray(got), want)


def test_trees_of_axes():
    f = lambda d, n: {"sum": d["a"] + d["b"] * n, "n": n}  # noqa: E731
    d = {"a": rt.arange(3.0), "b": rt.asarray(2.0)}
    got = rt.vmap(f, in_axes=({"a": 0, "b": None}, None), out_axes={"sum": 0, "n": None})(d, 5.0)
    assert got["sum"].tolist() == [10, 11, 12]
    assert float(got["n"]) == 5.0


def test_keywords_are_batched_along_axis_0_whatever_in_axes_says():
    f = rt.vmap(lambda x, y: x + y, in_axes=1)
    assert f(rt.ones((2, 5)), y=rt.arange(5.0)).shape == (5, 2)
    assert rt.vmap(lambda x, y: x + y, chunk_size=2)(rt.ones(5), y=rt.arange(5.0)).tolist() == [
        1, 2, 3, 4, 5]  # fmt: skip


def test_nested_and_with_other_transforms(rng):
    x, y = rng.standard_normal(3), rng.standard_normal(4)
    outer = rt.vmap(rt.vmap(lambda a, b: a * b, (None, 0)), (0, None))
    np.testing.assert_allclose(np.asarray(outer(x, y)), np.outer(x, y))
    for f in (rt.vmap(rt.grad(lambda a: a**3)), rt.vmap(rt.jit(rt.grad(lambda a: a**3))),
              rt.jit(rt.vmap(rt.grad(lambda a: a**3)))):  # fmt: skip
        np.testing.assert_allclose(np.asarray(f(x)), 3 * x**2)


def test_indexing_by_batched_indices(rng):
    x, i = rng.standard_normal((3, 5, 2)), rng.integers(-5, 5, (3, 4))
    got = rt.vmap(lambda x, i: x[i])(x, i)
    np.testing.assert_allclose(np.asarray(got), np.stack([a[b] for a, b in zip(x, i)]))
    got = rt.vmap(lambda x, i: x[i], (None, 0))(rt.asarray(x[0]), i)
    np.testing.assert_allclose(np.asarray(got), np.stack([x[0][b] for b in i]))
    got = rt.vmap(lambda x, i: x.at[i].add(1.0))(x, i)
    want = x.copy()
    for a, b in zip(want, i):
        np.add.at(a, b, 1.0)
    np.testing.assert_allclose(np.asarray(got), want)
    got = rt.vmap(lambda x, i: rt.dynamic_slice(x, (i, 0), (2, 2)))(x, rt.asarray([0, 1, 9]))
    np.testing.assert_allclose(np.asarray(got), np.stack([x[0][0:2], x[1][1:3], x[2][3:5]]))


def test_axis_size():
    assert rt.vmap(lambda: rt.ones(2), axis_size=3)().shape == (3, 2)
    for bad in (-1, "a", 1.5, True):
        with pytest.raises(ArgumentError, match="axis_size"):
            rt.vmap(lambda: 1.0, axis_size=bad)
    for bad in (0, -1, "a"):
        with pytest.raises(ArgumentError, match="chunk_size"):
            rt.vmap(lambda x: x, chunk_size=bad)


@pytest.mark.parametrize(
    ("options", "args"),
    [
        ({}, (1.0,)), ({}, ()), ({}, (rt.ones(2), rt.ones(3))), ({"in_axes": (0,)}, (rt.ones(2),) * 2),
        ({"in_axes": "a"}, (rt.ones(2),)), ({"in_axes": 0.0}, (rt.ones(2),)), ({"in_axes": 2}, (rt.ones(2),)),
        ({"in_axes": {"a": 0}}, (rt.ones(2),)), ({"in_axes": True}, (rt.ones(2),)),
        ({"out_axes": 2}, (rt.ones(2),)), ({"out_axes": "a"}, (rt.ones(2),)),
        ({"out_axes": None}, (rt.ones(2),)), ({"out_axes": (0, 1)}, (rt.ones(2),)),
        ({"axis_size": 4}, (rt.ones(2),)),
    ],
)  # fmt: skip
def test_axes_that_do_not_fit(options, args):
    with pytest.raises(BatchAxisError):
        rt.vmap(lambda *xs: xs[0] if xs else 1.0, **options)(*args)


@pytest.mark.parametrize("ask", [bool, int, float, np.asarray, lambda x: x.item()])
def test_a_lane_has_no_value(ask):
    with pytest.raises(ConcretizationError):
        rt.vmap(ask)(rt.arange(3))
