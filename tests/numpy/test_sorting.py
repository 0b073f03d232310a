"""Sorting against NumPy."""

import numpy as np
import pytest
from reference import ALL, SHAPES, both, check, sample, wide

from rtorch.core.trace import run, state
from rtorch.errors import ArgumentError, AxisError, DTypeError, ShapeError
from rtorch.numpy import sorting
from rtorch.numpy.creation import asarray
from rtorch.transforms.batch import BatchTrace, BatchTracer
from rtorch.transforms.stage import stage


@pytest.mark.parametrize("dtype", ALL, ids=str)
@pytest.mark.parametrize("shape", SHAPES)
def test_sort_and_argsort(shape, dtype):
    x, ref = both(shape, dtype)
    for axis in [None, *range(-len(shape), len(shape))]:
        line, at = (ref.ravel(), 0) if axis is None else (ref, axis)
        check(sorting.sort(x, axis), np.sort(line, at))
        check(sorting.argsort(x, axis), np.argsort(wide(line), at, kind="stable"))
        check(sorting.sort(x, axis, descending=True), np.flip(np.sort(line, at), at))
        if dtype.kind in "if":
            check(sorting.argsort(x, axis, descending=True),
                  np.argsort(-wide(line).astype(float), at, kind="stable"))  # fmt: skip


def test_nan_comes_last():
    ref = np.asarray([np.nan, 1.0, -np.inf, np.nan, np.inf])
    check(sorting.sort(ref), np.sort(ref))
    check(sorting.argsort(ref), np.argsort(ref, kind="stable"))


def test_sort_mistakes():
    with pytest.raises(AxisError, match=r"\[sort\] axis -1 is out of range"):
        sorting.sort(1.0)
    with pytest.raises(AxisError, match=r"\[argsort\] axis 2"):
        sorting.argsort(np.ones((2, 2)), 2)


@pytest.mark.parametrize("dtype", [d for d in ALL if d.kind != "c"], ids=str)
def test_top_k(dtype):
    for shape, axis in [((5,), -1), ((3, 4), 1), ((3, 4), 0), ((2, 3, 2), 1)]:
        x, ref = both(shape, dtype)
        for k in range(shape[axis] + 1):
            values, places = sorting.top_k(x, k, axis=axis)
            order = np.argsort(-wide(ref).astype(float), axis, kind="stable")
            order = np.take(order, range(k), axis)
            check(places, order)
            check(values, np.take_along_axis(ref, order, axis))


def test_top_k_mistakes():
    with pytest.raises(ShapeError, match="k=4 of an axis of length 3"):
        sorting.top_k(np.ones(3), 4)
    with pytest.raises(ArgumentError, match="k: expected an integer"):
        sorting.top_k(np.ones(3), 1.5)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 7, 8, 9, 31])
def test_searchsorted(n, side):
    for dtype in ["float32", "int32", "float16", "uint8"]:
        line, values = np.sort(sample((n,), dtype)), sample((4, 5), dtype, 1)
        check(sorting.searchsorted(line, values, side=side), np.searchsorted(line, values, side))
    check(sorting.searchsorted(line, asarray(2), side=side), np.searchsorted(line, 2, side))


@pytest.mark.parametrize("side", ["left", "right"])
def test_searchsorted_with_nan(side):
    line = np.asarray([-np.inf, 0.0, 1.0, np.inf, np.nan, np.nan])
    values = np.asarray([np.nan, -np.inf, np.inf, 0.5, 5.0])
    check(sorting.searchsorted(line, values, side=side), np.searchsorted(line, values, side))


def test_searchsorted_mistakes():
    with pytest.raises(ShapeError, match="expected a sorted vector"):
        sorting.searchsorted(np.ones((2, 2)), 1.0)
    with pytest.raises(ArgumentError, match="'left' or 'right'"):
        sorting.searchsorted(np.ones(2), 1.0, side="up")
    with pytest.raises(DTypeError, match="no order"):
        sorting.searchsorted(np.ones(2, complex), 1.0)


def test_staged_and_batched():
    x, _ = both((4, 5))
    line = np.sort(sample((6,), seed=1))

    def function(x):
        return [
            sorting.sort(x),
            sorting.argsort(x, descending=True),
            *sorting.top_k(x, 2),
            sorting.searchsorted(line, x),
        ]

    eager = function(x)
    check(stage(function, [x.aval])(x), [np.asarray(e) for e in eager])
    trace = BatchTrace(state.trace, 4, "vmap", function)
    outs = run(trace, lambda: function(BatchTracer(trace, x, 0)))
    check([o.value for o in outs], [np.asarray(e) for e in eager])
