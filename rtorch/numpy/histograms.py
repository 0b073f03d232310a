"""Counting values: bins, histograms in one and several dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rtorch.core import backend, dtypes
from rtorch.core.array import Array
from rtorch.core.trace import Tracer
from rtorch.errors import ArgumentError, ConcretizationError, DTypeError, ShapeError, api
from rtorch.numpy.creation import asarray, full, zeros
from rtorch.numpy.cumulative import diff
from rtorch.numpy.elementwise import where
from rtorch.numpy.joining import stack
from rtorch.numpy.manipulation import ravel, reshape
from rtorch.numpy.operands import (
    ArrayLike,
    convert,
    floating,
    integer_of,
    items_of,
    operand,
    promote,
)
from rtorch.numpy.ranges import linspace
from rtorch.numpy.reductions import max, min, sum
from rtorch.numpy.sorting import searchsorted
from rtorch.numpy.ufuncs import equal, greater_equal, less

__all__ = [
    "bincount",
    "digitize",
    "histogram",
    "histogram2d",
    "histogram_bin_edges",
    "histogramdd",
]


@api
def bincount(
    x: ArrayLike,
    weights: ArrayLike | None = None,
    minlength: int = 0,
    *,
    length: int | None = None,
) -> Array:
    """How often each number from 0 on occurs, or the sums of weights.

    Args:
        x: A vector of integers >= 0.
        weights: What each element counts; by default 1.
        minlength: The least length of the result.
        length: The length of the result; larger numbers are not counted. Needed under `jit` and
            `vmap`, where the largest one is not known.

    Returns:
        A vector of int64, or of the dtype of `weights`.

    Example:
        >>> import rtorch as rt
        >>> rt.bincount(rt.asarray([1, 3, 1])).tolist()
        [0, 2, 0, 1]
    """
    line = operand(x, "bincount")
    if line.ndim != 1:
        raise ShapeError(f"[bincount] expected a vector, got shape {line.shape}")
    if line.dtype not in dtypes.INTEGERS and line.dtype is not dtypes.bool_:
        raise DTypeError(f"[bincount] expected integers, got {line.dtype}")
    line = convert(line, dtypes.int64)
    if length is None:
        length = _length(line, _not_negative(minlength, "minlength"))
    else:
        length = _not_negative(length, "length")
    return _count(line, weights, length, "bincount")


def _not_negative(n: Any, argument: str) -> int:
    length = integer_of(n, "bincount", argument)
    if length < 0:
        raise ArgumentError(f"[bincount] {argument}: expected an integer >= 0, got {length}")
    return length


def _length(line: Array, least: int) -> int:
    try:
        known = line._concrete("bincount")
    except ConcretizationError:
        raise ConcretizationError(
            "[bincount] the length of the result depends on values that are not known here; say "
            "it with length=..."
        ) from None
    if line.size and int(known.min()) < 0:
        raise ArgumentError(f"[bincount] expected integers >= 0, got {int(known.min())}")
    return np.maximum(least, int(known.max()) + 1 if line.size else 0).item()


def _count(places: Array, weights: Any, n: int, name: str) -> Array:
    """The sum of weights at each place from 0 to ``n - 1``; other places are not counted."""
    if weights is None:
        values = full(places.shape, 1, dtype=dtypes.int64)
    else:
        values = operand(weights, name)
        if values.shape != places.shape:
            raise ShapeError(f"[{name}] weights of shape {values.shape} for {places.shape} values")
    inside = where(less(places, 0), n, places)
    return zeros((n,), dtype=values.dtype).at[inside].add(values, mode="fill")


@api
def digitize(x: ArrayLike, bins: ArrayLike, right: bool = False) -> Array:
    """The number of the bin that each element of `x` is in: 0 is before the first edge.

    Args:
        x: An array.
        bins: The edges of the bins, a vector in ascending or descending order.
        right: Whether an edge belongs to the bin before it, instead of to the one after it.

    Example:
        >>> import rtorch as rt
        >>> rt.digitize(rt.asarray([0.5, 1.0, 9.0]), [0.0, 1.0, 2.0]).tolist()
        [1, 2, 3]
    """
    values, edges = promote("digitize", x, bins)
    if edges.ndim != 1:
        raise ShapeError(f"[digitize] bins: expected a vector, got shape {edges.shape}")
    n = edges.shape[0]
    if n == 0:
        return full(values.shape, 0, dtype=dtypes.int64)
    if not isinstance(edges, Tracer):
        known = backend.to_numpy(edges._data)
        if (known[1:] < known[:-1]).any() and (known[1:] > known[:-1]).any():
            raise ArgumentError("[digitize] bins: expected numbers that only rise or only fall")
    side = "left" if right else "right"
    up, down = (searchsorted(line, values, side=side) for line in (edges, edges[::-1]))
    return where(greater_equal(edges[-1], edges[0]), up, n - down)


# ---- histograms ----------------------------------------------------------------------------------


@api
def histogram_bin_edges(
    x: ArrayLike,
    bins: Any = 10,
    range: Sequence[Any] | None = None,
    weights: ArrayLike | None = None,
) -> Array:
    """The edges of the bins of `histogram`.

    Args:
        x: An array.
        bins: How many bins of equal width, or their edges, or the name of one of NumPy's rules
            for the number (``"auto"``, ``"sturges"``, ...), for which `x` must be known.
        range: The first and the last edge; by default the least and the largest element.
        weights: Exists for NumPy's sake.

    Example:
        >>> import rtorch as rt
        >>> rt.histogram_bin_edges(rt.asarray([0.0, 4.0]), bins=4).tolist()
        [0.0, 1.0, 2.0, 3.0, 4.0]
    """
    return _edges("histogram_bin_edges", floating(x, "histogram_bin_edges"), bins, range)


def _edges(name: str, x: Array, bins: Any, range: Any) -> Array:
    if isinstance(bins, str):
        known = asarray(x)._concrete(name)
        try:
            found = np.histogram_bin_edges(np.asarray(known, np.float64), bins, range)
        except ValueError as error:
            raise ArgumentError(f"[{name}] bins={bins!r}, range={range!r}: {error}") from None
        return convert(operand(found), x.dtype)
    if isinstance(bins, (list, tuple, np.ndarray)) or (isinstance(bins, Array) and bins.ndim):
        known = isinstance(bins, (list, tuple))  # numbers without a dtype of their own
        edges = asarray(bins, dtype=x.dtype) if known else floating(bins, name)
        if edges.ndim != 1:
            raise ShapeError(f"[{name}] bins: expected a vector of edges, got shape {edges.shape}")
        if not isinstance(edges, Tracer) and (np.diff(edges.tolist()) < 0).any():
            raise ArgumentError(f"[{name}] bins: edges must be in ascending order")
        return edges
    n = integer_of(bins, name, "bins")
    if n < 1:
        raise ArgumentError(f"[{name}] bins: expected at least one, got {n}")
    low, high = _range(name, x, range)
    same = equal(low, high)
    low, high = where(same, low - 0.5, low), where(same, high + 0.5, high)
    return linspace(low, high, n + 1)


def _pair(name: str, range: Any) -> list[Any]:
    ends = items_of(range, name, "range")
    if len(ends) != 2:
        raise ArgumentError(f"[{name}] range: expected the first and the last edge, got {range!r}")
    return ends


def _range(name: str, x: Array, range: Any) -> tuple[Array, Array]:
    if range is not None:
        low, high = (convert(operand(end, name), x.dtype) for end in _pair(name, range))
    elif x.size == 0:
        low, high = (full((), end, dtype=x.dtype) for end in (0.0, 1.0))
    else:
        low, high = min(x), max(x)
    if not isinstance(low, Tracer) and not isinstance(high, Tracer) and float(low) > float(high):
        raise ArgumentError(f"[{name}] range: the first edge {low} is above the last one {high}")
    return low, high


def _bin_of(x: Array, edges: Array) -> Array:
    """The bins that elements are in; -1 or the number of bins outside. The last edge is inside."""
    values, line = promote("histogram", x, edges)
    place = searchsorted(line, values, side="right") - 1
    n = line.shape[0] - 1
    return where(equal(values, line[-1]), n - 1, where(place >= n, n, place))


@api
def histogram(
    x: ArrayLike,
    bins: Any = 10,
    range: Sequence[Any] | None = None,
    density: bool | None = None,
    weights: ArrayLike | None = None,
) -> tuple[Array, Array]:
    """How many elements of `x` are in each bin, and the edges of the bins.

    Args:
        x: An array.
        bins: As of `histogram_bin_edges`.
        range: The first and the last edge; by default the least and the largest element.
        density: Return the density instead, whose integral is 1.
        weights: What each element counts; by default 1. The counts are differentiable by it.

    Returns:
        The counts, as int64 or in the dtype of `weights`, and the edges, one more.

    Example:
        >>> import rtorch as rt
        >>> counts, edges = rt.histogram(rt.asarray([0.0, 1.0, 4.0]), bins=2)
        >>> counts.tolist(), edges.tolist()
        ([2, 1], [0.0, 2.0, 4.0])
    """
    line = ravel(floating(x, "histogram"))
    edges = _edges("histogram", line, bins, range)
    w = None if weights is None else ravel(operand(weights, "histogram"))
    counts = _count(_bin_of(line, edges), w, edges.shape[0] - 1, "histogram")
    if density:
        counts = counts / diff(edges) / sum(counts)
    return counts, edges


@api
def histogram2d(
    x: ArrayLike,
    y: ArrayLike,
    bins: Any = 10,
    range: Any = None,
    density: bool | None = None,
    weights: ArrayLike | None = None,
) -> tuple[Array, Array, Array]:
    """The histogram of points in the plane; the arguments are those of `histogramdd`.

    Returns:
        The counts, the edges along x and those along y.

    Example:
        >>> import rtorch as rt
        >>> counts, x_edges, y_edges = rt.histogram2d([0.0, 0.0, 1.0], [0.0, 1.0, 1.0], bins=2)
        >>> counts.tolist()
        [[1.0, 1.0], [0.0, 1.0]]
    """
    if isinstance(bins, (np.ndarray, Array)) or (
        isinstance(bins, (list, tuple)) and len(bins) not in (1, 2)
    ):
        bins = [bins, bins]  # the edges along both
    counts, edges = histogramdd([x, y], bins, range, density, weights)
    return counts, edges[0], edges[1]


@api
def histogramdd(
    sample: ArrayLike,
    bins: Any = 10,
    range: Any = None,
    density: bool | None = None,
    weights: ArrayLike | None = None,
) -> tuple[Array, list[Array]]:
    """How many points are in each box of a grid.

    Args:
        sample: Points: a matrix with a row for each, or a list of vectors, one for each dimension.
        bins: How many bins, or for every dimension their number or edges.
        range: For every dimension the first and last edge, or None.
        density: Return the density instead, whose integral is 1.
        weights: What each point counts; by default 1.

    Returns:
        The counts, as floats with an axis for every dimension, and a list of edges.

    Example:
        >>> import rtorch as rt
        >>> counts, edges = rt.histogramdd(rt.asarray([[0.0, 0.0], [1.0, 1.0]]), bins=2)
        >>> counts.tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    points = floating(stack(promote("histogramdd", *sample), 1)
                      if isinstance(sample, (list, tuple)) else sample, "histogramdd")  # fmt: skip
    if points.ndim != 2:
        raise ShapeError(f"[histogramdd] expected a matrix of points, got shape {points.shape}")
    d = points.shape[1]
    each_bins = list(bins) if isinstance(bins, (list, tuple)) else [bins] * d
    each_bins = each_bins * d if len(each_bins) == 1 else each_bins
    each_range = [None] * d if range is None else items_of(range, "histogramdd", "range")
    if len(each_bins) != d or len(each_range) != d:
        raise ArgumentError(
            f"[histogramdd] bins and range: expected one for each of {d} dimensions"
        )
    columns = [points[:, i] for i in np.arange(d).tolist()]
    edges = [_edges("histogramdd", c, b, r) for c, b, r in zip(columns, each_bins, each_range)]
    shape = tuple([e.shape[0] - 1 for e in edges])
    flat = _flat_place([_bin_of(c, e) for c, e in zip(columns, edges)], shape)
    w = full(flat.shape, 1, dtype=points.dtype) if weights is None else floating(weights, "")
    counts = reshape(_count(flat, w, int(np.prod(shape)), "histogramdd"), shape)
    if density:
        counts = counts / sum(counts)
        for i, e in enumerate(edges):
            counts = counts / reshape(diff(e), (-1,) + (1,) * (d - i - 1))
    return counts, edges


def _flat_place(places: list[Array], shape: tuple[int, ...]) -> Array:
    """The place in the flattened grid; -1 for a point outside of it."""
    flat, inside = places[0] * 0, equal(places[0], places[0])
    for place, n in zip(places, shape):
        flat = flat * n + place
        inside = inside & (place >= 0) & (place < n)
    return where(inside, flat, -1)
