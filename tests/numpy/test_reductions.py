"""Reductions, statistics and running sums against NumPy."""

import warnings

import numpy as np
import pytest
from reference import ALL, FLOATS, SHAPES, bfloat16, both, check, wide

from rtorch.core.trace import run
from rtorch.errors import ArgumentError, AxisError, DTypeError, ShapeError
from rtorch.numpy import cumulative, ignoring_nan, quantiles, reductions, statistics
from rtorch.numpy.creation import asarray
from rtorch.transforms.batch import BatchTrace, BatchTracer
from rtorch.transforms.jvp import JVPTrace
from rtorch.transforms.stage import stage

REAL = [d for d in ALL if d.kind != "c"]


def axes_for(shape):
    axes = [None, ()]
    if shape:
        axes += [0, -1, tuple(range(len(shape))), [-1]]
    return [*axes, (0, -1)] if len(shape) > 1 else axes


def each(shape):
    return [(axis, keep) for axis in axes_for(shape) for keep in (False, True)]


def as_numpy(axis):
    return tuple(axis) if isinstance(axis, list) else axis


def is_empty(shape, axis):
    """Whether NumPy has an element of the result that nothing goes into."""
    axes = (
        range(len(shape)) if axis is None else axis if isinstance(axis, (tuple, list)) else [axis]
    )
    reduced = {a % len(shape) for a in axes}
    kept = [n for i, n in enumerate(shape) if i not in reduced]
    return 0 in shape and 0 not in kept


@pytest.mark.parametrize("dtype", ALL, ids=str)
@pytest.mark.parametrize("shape", SHAPES)
def test_sums_and_products(shape, dtype):
    x, ref = both(shape, dtype)
    for axis, keep in each(shape):
        to = {"axis": as_numpy(axis), "keepdims": keep}
        wanted = dtype if dtype.kind in "fcV" or dtype == bfloat16 else None
        check(reductions.sum(x, axis, keepdims=keep), np.sum(wide(ref), **to), wanted)
        check(reductions.prod(x, axis, keepdims=keep), np.prod(wide(ref), **to), wanted)
        check(ignoring_nan.nansum(x, axis, keepdims=keep), np.sum(wide(ref), **to), wanted)
        check(reductions.count_nonzero(x, axis, keepdims=keep), np.sum(ref != 0, **to))
        check(reductions.all(x, axis, keepdims=keep), np.all(ref, **to))
        check(reductions.any(x, axis, keepdims=keep), np.any(ref, **to))


@pytest.mark.parametrize("dtype", ["int8", "float16", "float64", "complex64"])
def test_sum_dtype(dtype):
    x, ref = both((2, 3), "int32")
    check(reductions.sum(x, 0, dtype=dtype), np.sum(ref, 0, dtype=dtype))
    check(reductions.prod(x, 0, dtype=dtype), np.prod(ref, 0, dtype=dtype))
    check(cumulative.cumsum(x, 0, dtype=dtype), np.cumsum(ref, 0, dtype=dtype))


@pytest.mark.parametrize("dtype", REAL, ids=str)
@pytest.mark.parametrize("shape", SHAPES)
def test_extremes(shape, dtype):
    x, ref = both(shape, dtype)
    for axis, keep in each(shape):
        for ours, reference in [
            (reductions.max, np.max),
            (reductions.min, np.min),
            (reductions.amax, np.amax),
        ]:
            if is_empty(shape, axis):
                with pytest.raises(ShapeError, match="no elements to choose from"):
                    ours(x, axis, keepdims=keep)
            else:
                check(ours(x, axis, keepdims=keep),
                      reference(wide(ref), as_numpy(axis), keepdims=keep), dtype)  # fmt: skip
    for axis in [None, *range(-len(shape), len(shape))]:
        if is_empty(shape, axis):
            with pytest.raises(ShapeError, match=r"\[argmax\] no elements"):
                reductions.argmax(x, axis)
            continue
        for keep in (False, True):
            check(
                reductions.argmax(x, axis, keepdims=keep), np.argmax(wide(ref), axis, keepdims=keep)
            )
            check(
                reductions.argmin(x, axis, keepdims=keep), np.argmin(wide(ref), axis, keepdims=keep)
            )


def test_ptp():
    x, ref = both((2, 3), "int32")
    check(reductions.ptp(x, 1, keepdims=True), np.ptp(ref, 1, keepdims=True))
    with pytest.raises(DTypeError, match=r"\[ptp\]"):
        reductions.ptp(asarray([True]))


def test_axis_mistakes():
    x = asarray(np.ones((2, 3)))
    with pytest.raises(AxisError, match=r"\[sum\] axis 2 is out of range for an array of 2 axes"):
        reductions.sum(x, 2)
    with pytest.raises(AxisError, match="names an axis twice"):
        reductions.max(x, (0, -2))
    with pytest.raises(ArgumentError, match="expected an integer"):
        statistics.mean(x, 0.5)
    with pytest.raises(ArgumentError, match=r"\[sum\] expected an array or a number"):
        reductions.sum("abc")


@pytest.mark.parametrize("dtype", ALL, ids=str)
@pytest.mark.parametrize("shape", [s for s in SHAPES if 0 not in s])
def test_means_and_spreads(shape, dtype):
    x, ref = both(shape, dtype)
    wanted = dtype if dtype in FLOATS or dtype.kind == "c" else np.float32
    real = np.float32 if dtype.kind == "c" else wanted
    ref = wide(ref)
    for axis, keep in each(shape):
        to = {"axis": as_numpy(axis), "keepdims": keep}
        check(statistics.mean(x, axis, keepdims=keep), np.mean(ref, **to), wanted)
        check(statistics.average(x, axis, keepdims=keep), np.mean(ref, **to), wanted)
        check(ignoring_nan.nanmean(x, axis, keepdims=keep), np.mean(ref, **to), wanted)
        check(statistics.var(x, axis, keepdims=keep), np.var(ref, **to), real)
        check(statistics.std(x, axis, keepdims=keep), np.std(ref, **to), real)
        if np.size(ref) // max(np.size(np.sum(ref, axis=to["axis"])), 1) > 1:
            check(statistics.var(x, axis, ddof=1, keepdims=keep), np.var(ref, **to, ddof=1), real)
            check(
                statistics.std(x, axis, correction=1, keepdims=keep),
                np.std(ref, **to, ddof=1),
                real,
            )


def test_mean_of_halves_does_not_overflow():
    x = np.full(100, 60000.0, np.float16)
    check(statistics.mean(x), np.float16(60000))
    check(statistics.mean(x, dtype="float32"), np.float32(60000))


def test_means_of_nothing_are_nan():
    for function in (statistics.mean, statistics.var, statistics.std, ignoring_nan.nanmean):
        assert np.isnan(float(function(asarray([]))))
    assert np.isnan(float(statistics.var(asarray([1.0]), ddof=1)))


def test_average():
    x, ref = both((2, 3), "float64")
    w, w_ref = asarray([1.0, 2.0, 3.0]), np.asarray([1.0, 2.0, 3.0])
    check(statistics.average(x, 1, w), np.average(ref, 1, w_ref))
    check(statistics.average(x, weights=ref + 9), np.average(ref, weights=ref + 9))
    _, total = statistics.average(x, 1, w, returned=True)
    check(total, np.average(ref, 1, w_ref, returned=True)[1])
    check(statistics.average(x, 0, returned=True)[1], np.average(ref, 0, returned=True)[1])
    with pytest.raises(ShapeError, match=r"\[average\] weights of shape"):
        statistics.average(x, weights=w)
    with pytest.raises(ShapeError, match="3 weights for axis 0 of length 2"):
        statistics.average(x, 0, w)


def test_ignoring_nan():
    ref = np.asarray([[1.0, np.nan, 3.0], [np.nan, np.nan, np.nan]])
    x = asarray(ref)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for axis in (None, 0, 1):
            check(ignoring_nan.nansum(x, axis), np.nansum(ref, axis))
            check(ignoring_nan.nanmax(x, axis), np.nanmax(ref, axis))
            check(ignoring_nan.nanmin(x, axis), np.nanmin(ref, axis))
            check(ignoring_nan.nanmean(x, axis), np.nanmean(ref, axis))
    check(ignoring_nan.nanmax(asarray([1, 3])), np.int64(3))
    assert np.isnan(float(reductions.max(x)))
    assert np.isnan(float(quantiles.median(x)))


@pytest.mark.parametrize("shape", [(1,), (4,), (2, 5), (3, 1, 2)])
def test_quantiles(shape):
    x, ref = both(shape, "float64")
    for axis, keep in each(shape)[2:]:
        to = {"axis": as_numpy(axis), "keepdims": keep}
        if axis == ():
            continue
        check(quantiles.median(x, axis, keepdims=keep), np.median(ref, **to))
        for q in (0, 0.3, 0.5, 1.0, [0.1, 0.9]):
            check(quantiles.quantile(x, q, axis, keepdims=keep), np.quantile(ref, q, **to))
    with pytest.raises(ArgumentError, match="q must be from 0 to 1"):
        quantiles.quantile(x, 1.5)
    with pytest.raises(ShapeError, match="no elements"):
        quantiles.quantile(asarray([]), 0.5)


@pytest.mark.parametrize("dtype", [*FLOATS, np.dtype("complex64"), np.dtype("int32")], ids=str)
def test_logsumexp(dtype):
    x, ref = both((2, 3), dtype)
    wanted = np.float32 if dtype.kind == "i" else dtype
    ref = wide(ref)
    for axis, keep in each((2, 3)):
        reference = np.log(np.sum(np.exp(ref), as_numpy(axis), keepdims=keep))
        check(reductions.logsumexp(x, axis, keepdims=keep), reference, wanted)


def test_logsumexp_at_the_limits():
    inf = np.inf
    x = asarray([[1e4, 1e4], [-inf, -inf], [-inf, 0.0], [inf, 0.0], [np.nan, 0.0]])
    check(reductions.logsumexp(x, 1), np.float32([1e4 + np.log(2), -inf, 0, inf, np.nan]))
    check(reductions.logsumexp(asarray(np.zeros((0, 2))), 0), np.full(2, -inf))


def test_logsumexp_of_minus_infinity_has_slope_zero():
    x = asarray([[-np.inf, -np.inf], [-np.inf, 0.0]])
    ones = asarray(np.ones((2, 2), np.float32))
    check(_tangent(lambda x: reductions.logsumexp(x, 1), x, ones), np.float32([0, 1]))


def test_std_of_equal_elements_has_slope_zero():
    x = asarray([2.0, 2.0])
    check(_tangent(statistics.std, x, asarray([1.0, -1.0])), np.float32(0))


def _tangent(function, x, x_dot):
    from rtorch.core.trace import state
    from rtorch.transforms import jvp as module

    trace = JVPTrace(state.trace, "jvp", function)
    tracer = module.JVPTracer(trace, x, x_dot)
    return run(trace, lambda: function(tracer).tangent)


@pytest.mark.parametrize("dtype", ALL, ids=str)
@pytest.mark.parametrize("shape", SHAPES)
def test_running(shape, dtype):
    x, ref = both(shape, dtype)
    wanted = dtype if dtype in FLOATS or dtype.kind == "c" else None
    for axis in [None, *range(-len(shape), len(shape))]:
        check(cumulative.cumsum(x, axis), np.cumsum(wide(ref), axis), wanted)
        check(cumulative.cumprod(x, axis), np.cumprod(wide(ref), axis), wanted)
        line, at = (ref.ravel(), 0) if axis is None else (ref, axis)
        check(cumulative.cummax(x, axis), np.maximum.accumulate(line, at))
        check(cumulative.cummin(x, axis), np.minimum.accumulate(line, at))
        backwards = np.flip(np.cumsum(np.flip(wide(line), at), at), at)
        check(cumulative.cumsum(x, axis, reverse=True), backwards, wanted)
    for axis in range(len(shape)):
        for include in (False, True):
            check(
                cumulative.cumulative_sum(x, axis=axis, include_initial=include),
                np.cumulative_sum(wide(ref), axis=axis, include_initial=include), wanted,
            )  # fmt: skip
            check(
                cumulative.cumulative_prod(x, axis=axis, include_initial=include),
                np.cumulative_prod(wide(ref), axis=axis, include_initial=include), wanted,
            )  # fmt: skip
        for n in (0, 1, 2, 5):
            check(cumulative.diff(x, n, axis), np.diff(ref, n, axis))


def test_running_mistakes():
    with pytest.raises(AxisError, match=r"\[cumulative_sum\] axis must be given"):
        cumulative.cumulative_sum(np.ones((2, 2)))
    with pytest.raises(ShapeError, match=r"\[diff\]"):
        cumulative.diff(1.0)
    with pytest.raises(ArgumentError, match="n must not be negative"):
        cumulative.diff(np.ones(3), -1)


FUNCTIONS = [
    reductions.sum,
    reductions.prod,
    reductions.max,
    reductions.any,
    reductions.argmax,
    reductions.logsumexp,
    ignoring_nan.nanmax,
    statistics.mean,
    statistics.var,
    statistics.std,
    quantiles.median,
    ignoring_nan.nanmean,
    cumulative.cumsum,
    cumulative.cummax,
    cumulative.diff,
]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_staged_and_batched(function):
    x, ref = both((4, 2, 3))

    def last(x):
        return function(x, axis=-1)

    staged = stage(lambda x: [last(x)], [x.aval])
    check(staged(x)[0], np.asarray(last(x)))
    for dim in range(3):
        from rtorch.core.trace import state

        trace = BatchTrace(state.trace, ref.shape[dim], "vmap", function)
        out = run(trace, lambda: last(BatchTracer(trace, x, dim)))  # noqa: B023 - called at once
        lanes = [np.asarray(last(asarray(r))) for r in np.moveaxis(ref, dim, 0)]
        check(out.value, np.stack(lanes, out.dim))
