"""Sums and extremes of segments, and numbers as unit vectors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.errors import ConcretizationError, DTypeError, ShapeError, api
from rtorch.numpy.at import Place
from rtorch.numpy.creation import float_dtype
from rtorch.numpy.elementwise import where
from rtorch.numpy.layout import index_array
from rtorch.numpy.operands import (
    ArrayLike,
    axis_of,
    broadcast,
    convert,
    integer_of,
    operand,
    shape_of,
)
from rtorch.numpy.ufuncs import equal
from rtorch.ops.base import move_dim, reshape_p
from rtorch.ops.creation import full_p, iota

__all__ = ["one_hot", "segment_max", "segment_min", "segment_prod", "segment_sum"]


@api
def segment_sum(
    data: ArrayLike,
    segment_ids: ArrayLike,
    num_segments: int | None = None,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    *,
    mode: str | None = None,
) -> Array:
    """The sums of the rows of `data` that belong to each segment.

    Args:
        data: Shape ``(n, ...)``.
        segment_ids: Shape ``(n,)``: the segment of each row. Rows with an id outside of 0 to
            ``num_segments - 1`` are left out.
        num_segments: How many segments there are; by default one more than the largest id, which
            must be known then.
        indices_are_sorted: Promise that the ids are in ascending order.
        unique_indices: Promise that no id occurs twice.
        mode: What an id outside does, as in ``x.at[...]``; by default it is left out.

    Returns:
        Shape ``(num_segments, ...)``; 0 for empty segments.

    Example:
        >>> import rtorch as rt
        >>> rt.segment_sum(rt.asarray([1.0, 2.0, 5.0]), rt.asarray([0, 0, 2]), 3)
        Array([3., 0., 5.], dtype=float32)
    """
    return _segments("segment_sum", "add", data, segment_ids, num_segments, mode)


@api
def segment_prod(
    data: ArrayLike,
    segment_ids: ArrayLike,
    num_segments: int | None = None,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    *,
    mode: str | None = None,
) -> Array:
    """The products of the rows of each segment, 1 for empty ones; see `segment_sum`.

    Example:
        >>> import rtorch as rt
        >>> rt.segment_prod(rt.asarray([4.0, 2.0, 5.0]), rt.asarray([0, 0, 1]))
        Array([8., 5.], dtype=float32)
    """
    return _segments("segment_prod", "multiply", data, segment_ids, num_segments, mode)


@api
def segment_max(
    data: ArrayLike,
    segment_ids: ArrayLike,
    num_segments: int | None = None,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    *,
    mode: str | None = None,
) -> Array:
    """The largest of the rows of each segment; the least number of all for empty ones.

    The arguments are those of `segment_sum`.

    Example:
        >>> import rtorch as rt
        >>> rt.segment_max(rt.asarray([1.0, 2.0, 5.0]), rt.asarray([0, 0, 1]))
        Array([2., 5.], dtype=float32)
    """
    return _segments("segment_max", "max", data, segment_ids, num_segments, mode)


@api
def segment_min(
    data: ArrayLike,
    segment_ids: ArrayLike,
    num_segments: int | None = None,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    *,
    mode: str | None = None,
) -> Array:
    """The smallest of the rows of each segment; the greatest number of all for empty ones.

    The arguments are those of `segment_sum`.

    Example:
        >>> import rtorch as rt
        >>> rt.segment_min(rt.asarray([1.0, 2.0, 5.0]), rt.asarray([0, 0, 1]))
        Array([1., 5.], dtype=float32)
    """
    return _segments("segment_min", "min", data, segment_ids, num_segments, mode)


def _segments(name: str, how: str, data: Any, ids: Any, count: Any, mode: str | None) -> Array:
    x, index = operand(data, name), index_array(ids)
    if index.ndim != 1 or x.shape[:1] != index.shape:
        raise ShapeError(
            f"[{name}] segment_ids: expected one id for each of the rows of data, of shape "
            f"{x.shape}; got shape {index.shape}"
        )
    n = _count(name, index, count)
    start = full_p(shape=(n, *x.shape[1:]), value=_start(name, how, x.dtype), dtype=x.dtype,
                   device=x.device)  # fmt: skip
    if mode is None:  # negative ids do not count from the end
        index, mode = where(index < 0, n, index), "fill"
    out: Array = getattr(Place(start, index), how)(x, mode=mode)
    return out


def _count(name: str, index: Array, count: Any) -> int:
    if count is not None:
        return integer_of(count, name, "num_segments")
    try:
        data = index._concrete(name)
    except ConcretizationError:
        raise ConcretizationError(
            f"[{name}] under jit and vmap the number of segments must be given: num_segments="
        ) from None
    return max(int(data.max()) + 1, 0) if data.size else 0


def _start(name: str, how: str, dtype: Any) -> Any:
    """What the combination leaves as it is."""
    if how in ("add", "multiply"):
        return int(how == "multiply")
    if dtype not in dtypes.REAL:
        raise DTypeError(f"[{name}] expected real numbers, got {dtype}")
    if dtype in dtypes.INTEGERS:
        limits = np.iinfo(dtype)
        return int(limits.min if how == "max" else limits.max)
    return -math.inf if how == "max" else math.inf


@api
def one_hot(x: ArrayLike, num_classes: int, *, dtype: Any = None, axis: int = -1) -> Array:
    """Integers as unit vectors: 1 at the place that the integer names, 0 elsewhere.

    Args:
        x: Integer array; one outside of 0 to ``num_classes - 1`` becomes a vector of zeros.
        num_classes: The length of the vectors.
        dtype: By default `default_dtype()`.
        axis: Where the new axis is in the result.

    Example:
        >>> import rtorch as rt
        >>> rt.one_hot(rt.asarray([0, 2]), 3)
        Array([[1., 0., 0.],
               [0., 0., 1.]], dtype=float32)
    """
    x = operand(x, "one_hot")
    if x.dtype not in dtypes.INTEGERS:
        raise DTypeError(f"[one_hot] expected integers, got {x.dtype}")
    (n,) = shape_of(num_classes, "one_hot")
    place = axis_of(axis, x.ndim + 1, "one_hot")
    classes = iota(n, dtypes.int64, x.device)  # more of them than a narrow dtype may hold
    column = convert(reshape_p(x, shape=(*x.shape, 1)), dtypes.int64)
    column = broadcast(column, (*x.shape, n))
    out = convert(equal(column, classes), float_dtype(dtype))
    return move_dim(out, x.ndim, place)
