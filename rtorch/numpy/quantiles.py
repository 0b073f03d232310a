"""Order statistics: median, quantiles and percentiles, with and without nan.

A quantile is a place in the sorted line, in general between two elements. Where that is, each
method has its own formula.

References:
    Hyndman & Fan, Sample quantiles in statistical packages, The American Statistician 50 (1996).
"""

# Primitives return Any: an Array, or a tuple of them.

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.core.trace import Tracer
from rtorch.errors import ArgumentError, DTypeError, ShapeError, api
from rtorch.numpy import elementwise, ufuncs
from rtorch.numpy.cumulative import cumsum
from rtorch.numpy.elementwise import isnan, logical_not, where
from rtorch.numpy.indexing import take, take_along_axis
from rtorch.numpy.operands import ArrayLike, Axis, broadcast, convert, floating, operand
from rtorch.numpy.reductions import count_nonzero, plan_of
from rtorch.numpy.statistics import spread_weights
from rtorch.numpy.ufuncs import divide, equal, less, less_equal
from rtorch.ops.base import (
    add_p,
    broadcast_p,
    mul_no_nan_p,
    permute_dims_p,
    reshape_p,
    sub_p,
)
from rtorch.ops.comparison import and_p, is_finite_p, is_nan_p, select_p
from rtorch.ops.creation import full_p
from rtorch.ops.shape import slice_p
from rtorch.ops.sorting import argsort_p, sort_p

__all__ = ["median", "nanmedian", "nanpercentile", "nanquantile", "percentile", "quantile"]

# The constants alpha and beta of the methods that interpolate.
_CONTINUOUS = {
    "interpolated_inverted_cdf": (0.0, 1.0),
    "hazen": (0.5, 0.5),
    "weibull": (0.0, 0.0),
    "median_unbiased": (1 / 3, 1 / 3),
    "normal_unbiased": (3 / 8, 3 / 8),
}
_METHODS = (
    "averaged_inverted_cdf", "closest_observation", *_CONTINUOUS, "higher", "inverted_cdf",
    "linear", "lower", "midpoint", "nearest",
)  # fmt: skip


@api
def median(x: ArrayLike, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """The middle of the sorted elements along `axis`, or the mean of the two middle ones.

    It is nan where there are no elements.

    Example:
        >>> import rtorch as rt
        >>> rt.median(rt.asarray([5.0, 1.0, 3.0]))
        Array(3., dtype=float32)
    """
    return _quantile("median", x, 0.5, axis, keepdims=keepdims)


@api
def quantile(
    x: ArrayLike,
    q: ArrayLike,
    axis: Axis = None,
    *,
    method: str = "linear",
    keepdims: bool = False,
    weights: ArrayLike | None = None,
) -> Array:
    """The value that a share `q` of the elements along `axis` is below.

    Args:
        x: An array, not complex; if it holds nan along `axis`, the result is nan.
        q: Shares from 0 to 1: a number or an array.
        axis: An axis, several, or None for all.
        method: How places between elements are resolved: one of NumPy's thirteen methods.
            ``"linear"`` interpolates between neighbours, ``"lower"``, ``"higher"``,
            ``"nearest"`` and ``"inverted_cdf"`` choose one, ``"midpoint"`` takes their mean.
        keepdims: Keep the axes, with length 1.
        weights: How much each element counts: as `x` in shape, or a vector along `axis`. Only
            for ``method="inverted_cdf"``.

    Returns:
        The shape of `q`, then that of the reduction.

    Example:
        >>> import rtorch as rt
        >>> rt.quantile(rt.asarray([1.0, 2.0, 3.0, 4.0, 5.0]), 0.25)
        Array(2., dtype=float32)

    References:
        Hyndman & Fan, Sample quantiles in statistical packages (1996).
    """
    return _quantile("quantile", x, q, axis, method, keepdims, weights)


@api
def percentile(
    x: ArrayLike,
    q: ArrayLike,
    axis: Axis = None,
    *,
    method: str = "linear",
    keepdims: bool = False,
    weights: ArrayLike | None = None,
) -> Array:
    """As `quantile`, with `q` in percent.

    Example:
        >>> import rtorch as rt
        >>> rt.percentile(rt.asarray([1.0, 2.0, 3.0, 4.0, 5.0]), 25)
        Array(2., dtype=float32)
    """
    return _quantile("percentile", x, q, axis, method, keepdims, weights, whole=100)


@api
def nanmedian(x: ArrayLike, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """As `median`, ignoring nan; nan where there is nothing else.

    Example:
        >>> import rtorch as rt
        >>> rt.nanmedian(rt.asarray([5.0, rt.nan, 3.0]))
        Array(4., dtype=float32)
    """
    return _quantile("nanmedian", x, 0.5, axis, keepdims=keepdims, skip_nan=True)


@api
def nanquantile(
    x: ArrayLike,
    q: ArrayLike,
    axis: Axis = None,
    *,
    method: str = "linear",
    keepdims: bool = False,
    weights: ArrayLike | None = None,
) -> Array:
    """As `quantile`, ignoring nan; nan where there is nothing else.

    Example:
        >>> import rtorch as rt
        >>> rt.nanquantile(rt.asarray([1.0, rt.nan, 3.0]), 0.5)
        Array(2., dtype=float32)
    """
    return _quantile("nanquantile", x, q, axis, method, keepdims, weights, skip_nan=True)


@api
def nanpercentile(
    x: ArrayLike,
    q: ArrayLike,
    axis: Axis = None,
    *,
    method: str = "linear",
    keepdims: bool = False,
    weights: ArrayLike | None = None,
) -> Array:
    """As `percentile`, ignoring nan; nan where there is nothing else.

    Example:
        >>> import rtorch as rt
        >>> rt.nanpercentile(rt.asarray([1.0, rt.nan, 3.0]), 50)
        Array(2., dtype=float32)
    """
    return _quantile(
        "nanpercentile", x, q, axis, method, keepdims, weights, skip_nan=True, whole=100
    )


# ---- how -----------------------------------------------------------------------------------------


def _quantile(
    name: str, x: Any, q: Any, axis: Axis, method: str = "linear", keepdims: bool = False,
    weights: Any = None, *, skip_nan: bool = False, whole: float = 1,
) -> Array:  # fmt: skip
    if method not in _METHODS:
        raise ArgumentError(f"[{name}] method: expected one of {', '.join(_METHODS)}")
    x, shares = floating(x, name), _shares(name, q, whole)
    if x.dtype in dtypes.COMPLEXES:
        raise DTypeError(f"[{name}] complex numbers have no order")
    shape, kept = x.shape, plan_of(name, x.shape, axis).kept
    line = _lines(name, x, axis)
    if line.shape[-1] == 0:
        if name in ("quantile", "percentile"):
            raise ShapeError(f"[{name}] no elements to choose from: shape {shape}")
        line = full_p(shape=(*line.shape[:-1], 1), value=math.nan, dtype=x.dtype, device=x.device)
    flat = shares.reshape((-1,))  # of NumPy or rtorch
    if weights is None:
        out = _unweighted(sort_p(line, axis=line.ndim - 1), flat, method, skip_nan)
    elif method == "inverted_cdf":
        w = spread_weights(name, x, operand(weights, name), axis)
        out = _weighted(line, _lines(name, w, axis), flat, skip_nan)
    else:
        raise ArgumentError(f"[{name}] weights go with method='inverted_cdf' only, not {method!r}")
    last = out.ndim - 1
    out = permute_dims_p(out, axes=(last, *range(last)))
    return reshape_p(out, shape=(*shares.shape, *(kept if keepdims else line.shape[:-1])))


def _shares(name: str, q: Any, whole: float) -> Any:
    """Shares from 0 to 1: float64 in NumPy if they are known (not rounded to float32)."""
    if isinstance(q, Tracer):
        return divide(floating(q, name), whole)
    q = operand(q, name)._data if not isinstance(q, (int, float, list, tuple)) else q
    try:
        shares = np.asarray(q.get() if hasattr(q, "get") else q, np.float64) / whole
    except (TypeError, ValueError):
        return divide(floating(q, name), whole)  # a list that holds traced numbers
    if not np.all((shares >= 0) & (shares <= 1)):
        raise ArgumentError(f"[{name}] q must be from 0 to {whole}, got {q}")
    return shares


def _lines(name: str, x: Array, axis: Axis) -> Array:
    """`x` with `axis` moved to the end and made one axis."""
    axes, rest, _, count = plan_of(name, x.shape, axis)
    line = permute_dims_p(x, axes=(*rest, *axes))
    return reshape_p(line, shape=(*[x.shape[i] for i in rest], count))


def _unweighted(line: Array, q: Any, method: str, skip_nan: bool) -> Array:
    """The quantiles `q` of sorted lines, along the last axis."""
    n: Any = line.shape[-1]
    if skip_nan:  # nan is sorted to the end
        n = count_nonzero(logical_not(isnan(line)), -1, keepdims=True)
        q = operand(q)
    known = not isinstance(q, Array)
    if not known:
        q, n = convert(q, line.dtype), n if not isinstance(n, Array) else convert(n, line.dtype)
    low, high, part = _known(n, tuple(q.tolist()), method) if known else _place(
        n, q, method, _Traced)  # fmt: skip
    below = _at(line, low) if known else _along(line, low)
    if known and not part.any():
        out = below
    else:
        above = _at(line, high) if known else _along(line, high)
        part = broadcast(operand(part.astype(line.dtype)) if known else part, below.shape)
        # Beside an infinity there is no gap: the sum of both is the value, or one of them.
        finite = and_p(is_finite_p(below), is_finite_p(above))
        gap = sub_p(select_p(finite, above, 0), select_p(finite, below, 0))
        out = add_p(below, mul_no_nan_p(part, select_p(finite, gap, above)))
    return out if skip_nan else _nan_if_any(line, out)


def _at(line: Array, places: Any) -> Array:
    """The elements at known places."""
    if len(places) > 1:
        return take(line, places, axis=-1)
    shape, i = line.shape[:-1], int(places[0])
    out: Array = slice_p(
        line, starts=(*(0,) * len(shape), i), limits=(*shape, i + 1), strides=(1,) * line.ndim
    )
    return out


def _along(line: Array, place: Array) -> Array:
    shape = (*line.shape[:-1], place.shape[-1])
    return take_along_axis(line, broadcast(convert(place, dtypes.int64), shape), -1)


def _nan_if_any(line: Array, out: Array) -> Array:
    last = is_nan_p(_at(line, [line.shape[-1] - 1]))
    return select_p(broadcast(last, out.shape), math.nan, out)


@functools.lru_cache(256)
def _known(n: int, q: tuple[float, ...], method: str) -> tuple[Any, Any, Any]:
    return _place(n, np.asarray(q), method, np)


class _Traced:
    """What `_place` asks of NumPy."""

    floor, ceil, rint, where, clip = (
        staticmethod(f)
        for f in (ufuncs.floor, ufuncs.ceil, ufuncs.rint, elementwise.where, elementwise.clip)
    )


def _place(n: Any, q: Any, method: str, xp: Any) -> tuple[Any, Any, Any]:
    """Between which places among `n` the shares `q` are, and how far from the first.

    They are of NumPy or traced, as `xp` is.
    """
    at, part = _virtual(n, q, method, xp)
    low = xp.floor(at)
    last = n - 1 if not isinstance(n, Array) else xp.clip(n - 1, 0)  # of no numbers: the first, nan
    below, above = (xp.clip(i, 0, last) for i in (low, low + 1))
    above = xp.where(part == 0, below, above)  # not looked at: it may be infinite
    if xp is np:
        return below.astype(np.int64), above.astype(np.int64), part
    return below, above, part


def _virtual(n: Any, q: Any, method: str, xp: Any) -> tuple[Any, Any]:
    """The place of the share `q`, and which part of the next element goes into the result."""
    if method in _CONTINUOUS:
        alpha, beta = _CONTINUOUS[method]
        at = n * q + (alpha + q * (1 - alpha - beta)) - 1
        return at, at - xp.floor(at)
    linear, cdf = (n - 1) * q, n * q - 1
    exact = xp.floor(cdf) == cdf
    if method == "linear":
        return linear, linear - xp.floor(linear)
    # Zero times a place gives the parts below its shape and dtype.
    if method == "midpoint":
        return linear, xp.where(xp.floor(linear) == linear, 0.0, 0.5) + 0 * linear
    if method == "averaged_inverted_cdf":
        return cdf, xp.where(exact, 0.5, 1.0) + 0 * cdf
    chosen = {
        "lower": lambda: xp.floor(linear),
        "higher": lambda: xp.ceil(linear),
        "nearest": lambda: xp.rint(linear),
        "inverted_cdf": lambda: xp.ceil(cdf),
        # Halves go to the even one, counted from 1.
        "closest_observation": lambda: xp.rint(cdf + 1) - 1,
    }[method]()
    return chosen, 0 * chosen


def _weighted(line: Array, weights: Array, q: Any, skip_nan: bool) -> Array:
    """The first element that has the share `q` of all weight up to it."""
    last = line.ndim - 1
    order = argsort_p(line, axis=last)
    line, weights = take_along_axis(line, order, -1), take_along_axis(weights, order, -1)
    if skip_nan:
        weights = where(isnan(line), 0, weights)
    weights = convert(weights, line.dtype)
    sums = cumsum(weights, -1)
    total = _at(sums, [line.shape[-1] - 1])
    shares = broadcast_p(divide(sums, total), shape=(*line.shape, q.shape[0]),
                         axes=tuple(range(line.ndim)))  # fmt: skip
    q = convert(operand(q), line.dtype)
    ahead = where(equal(q, 0), less_equal(shares, 0), less(shares, q))
    place = elementwise.clip(count_nonzero(ahead, last), 0, line.shape[-1] - 1)
    out = take_along_axis(line, place, -1)
    return out if skip_nan else _nan_if_any(line, out)
