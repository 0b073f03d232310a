"""Grids of coordinates and arrays joined by brackets, against NumPy."""

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import ArgumentError, ShapeError

KEYS = [
    np.s_[0:5],
    np.s_[2:9:3],
    np.s_[0:1:5j],
    np.s_[0:2, 0:3],
    np.s_[0:2, 0:1:0.25],
    np.s_[:3, 1:2:3j, 5:2:-1],
    np.s_[0.5:3],
]


@pytest.mark.parametrize("key", KEYS, ids=str)
@pytest.mark.parametrize("name", ["mgrid", "ogrid"])
def test_grids(name, key):
    ours, theirs = getattr(rt, name)[key], getattr(np, name)[key]
    rt.testing.assert_close(ours, theirs, check_dtype=False, rtol=1e-6)
    kinds = {leaf.dtype.kind for leaf in rt.tree.leaves(ours)}
    assert kinds == {leaf.dtype.kind for leaf in rt.tree.leaves(theirs)}


def test_grid_mistakes():
    for bad in (3, np.s_[0:2, 1], slice(None)):
        with pytest.raises(ArgumentError):
            rt.mgrid[bad]


X, V = np.arange(6.0).reshape(2, 3), np.arange(3.0)
JOINS = [
    (X, X),
    (V, 7, V),
    (np.s_[0:3], 1, 2),
    (V,),
    (np.s_[0:1:3j], V),
    ("0,2", V, X),
    ("1", X, X),
    ("-1", X, X),
    ("0,2,0", V, V),
    ("1,2,0", V, V),
    ("0,3", X, X),
    ("0,3,0", X, X),
    ("0,3,1", V, V),
    ("1,3,-1", X, X),
    ("0,2", np.s_[0:3], V),
    ("1,2,0", np.s_[0:3], V),
]


@pytest.mark.parametrize("key", JOINS, ids=str)
@pytest.mark.parametrize("name", ["r_", "c_"])
def test_joining(name, key):
    try:
        want = getattr(np, name)[key]
    except (ValueError, np.exceptions.AxisError):
        with pytest.raises(ShapeError):
            getattr(rt, name)[key]
        return
    got = getattr(rt, name)[key]
    rt.testing.assert_close(got, want, check_dtype=False, rtol=1e-6)


def test_joining_is_differentiated_and_traced():
    f = lambda x: rt.sum(rt.sin(rt.r_[0:2, x, rt.c_[x, x].ravel(), 3.0]))  # noqa: E731
    rt.testing.check_grads(f, (rt.asarray(V),))
    rt.testing.assert_close(rt.jit(rt.grad(f))(rt.asarray(V)), rt.grad(f)(rt.asarray(V)))
    with pytest.raises(ArgumentError, match="axis,ndmin"):
        rt.r_["c", V]
    with pytest.raises(ShapeError):
        rt.r_[X, V]


def test_indices_to_keep():
    x = rt.arange(10)
    assert x[rt.s_[2:5]].tolist() == [2, 3, 4]
    assert rt.index_exp[1, ...] == (1, ...)
    assert (repr(rt.s_), repr(rt.mgrid), repr(rt.c_)) == ("rt.s_", "rt.mgrid", "rt.c_")


def test_ix():
    x = np.arange(24).reshape(2, 3, 4)
    a, b, c = [1], [True, False, True], np.asarray([3, 0])
    np.testing.assert_array_equal(rt.asarray(x)[rt.ix_(a, b, c)], x[np.ix_(a, b, c)])
    assert rt.ix_([])[0].shape == (0,)
