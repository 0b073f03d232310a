"""Indexing as functions."""

from __future__ import annotations

from typing import Any

from rtorch.core.array import Array
from rtorch.errors import (
    ShapeError,
    api,
)
from rtorch.numpy import operands as op
from rtorch.numpy.access import as_value
from rtorch.numpy.at import Place
from rtorch.numpy.layout import index_array
from rtorch.ops import indexing as ix
from rtorch.ops.base import reshape_p
from rtorch.ops.creation import iota_p

__all__ = [
    "dynamic_slice",
    "dynamic_update_slice",
    "take",
    "take_along_axis",
]


@api
def take(
    x: Any,
    indices: Any,
    /,
    axis: int | None = None,
    *,
    mode: str | None = None,
    fill_value: Any = None,
    unique_indices: bool = False,
    indices_are_sorted: bool = False,
) -> Array:
    """The elements of x at `indices` along `axis` (of the flattened x for None).

    Args:
        x: Array.
        indices: Integer array of any shape; negative ones count from the end.
        axis: The axis to take along.
        mode: What an index out of bounds does: "raise" (the default), "clip", "wrap" or "fill".
        fill_value: What "fill" gives; by default nan, or 0 for integers.
        unique_indices: Promise that no index occurs twice.
        indices_are_sorted: Promise that the indices are in ascending order.

    Example:
        >>> import rtorch as rt
        >>> rt.take(rt.asarray([10, 20, 30]), rt.asarray([2, 0])).tolist()
        [30, 10]
    """
    x = op.operand(x, "take")
    if axis is None:
        x, axis = reshape_p(x, shape=(x.size,)), 0
    axis = op.axis_of(axis, x.ndim, "take")
    index = (slice(None),) * axis + (index_array(indices),)
    return Place(x, index).get(mode=mode, fill_value=fill_value)


@api
def take_along_axis(
    x: Any,
    indices: Any,
    /,
    axis: int | None = -1,
    mode: str | None = None,
    fill_value: Any = None,
) -> Array:
    """``out[.., i, ..] = x[.., indices[.., i, ..], ..]`` along `axis`.

    Args:
        x: Array.
        indices: Integer array with as many axes as x; the other axes broadcast.
        axis: The axis that `indices` indexes; None flattens x.
        mode: What an index out of bounds does, as in `take`.
        fill_value: What "fill" gives.

    Example:
        >>> import rtorch as rt
        >>> x = rt.asarray([[3, 1, 2]])
        >>> rt.take_along_axis(x, rt.argsort(x), axis=-1).tolist()
        [[1, 2, 3]]
    """
    x, index = op.operand(x, "take_along_axis"), index_array(indices)
    if axis is None:
        x, axis = reshape_p(x, shape=(x.size,)), 0
    if x.ndim != index.ndim:
        raise ShapeError(
            f"[take_along_axis] x has {x.ndim} axes and indices have {index.ndim}; they must agree"
        )
    axis = op.axis_of(axis, x.ndim, "take_along_axis")
    others = op.broadcast_shapes(
        "take_along_axis",
        *[(*s[:axis], 1, *s[axis + 1 :]) for s in (x.shape, index.shape)],
    )
    x = op.broadcast(x, (*others[:axis], x.shape[axis], *others[axis + 1 :]))
    index = op.broadcast(index, (*others[:axis], index.shape[axis], *others[axis + 1 :]))
    grid = [
        index if a == axis else iota_p(shape=index.shape, dtype=index.dtype, axis=a,
                                       device=index.device)
        for a in range(index.ndim)
    ]  # fmt: skip
    return Place(x, tuple(grid)).get(mode=mode, fill_value=fill_value)


@api
def dynamic_slice(x: Any, starts: Any, sizes: Any) -> Array:
    """A block of `sizes` elements from `starts` on, which may be traced.

    A start too near the end (or negative) is moved so that the block lies inside.

    Args:
        x: Array.
        starts: One integer or integer array without axes for every axis of x.
        sizes: The result's shape.

    Example:
        >>> import rtorch as rt
        >>> rt.dynamic_slice(rt.arange(5), (1,), (3,)).tolist()
        [1, 2, 3]
    """
    x = op.operand(x, "dynamic_slice")
    sizes = op.shape_of(sizes, "dynamic_slice")
    if len(sizes) != x.ndim or any(m > n for m, n in zip(sizes, x.shape)):
        raise ShapeError(f"[dynamic_slice] sizes {sizes} do not fit into the shape {x.shape}")
    return ix.dynamic_slice_p(x, *_starts(x, starts, "dynamic_slice"), sizes=sizes)


@api
def dynamic_update_slice(x: Any, update: Any, starts: Any) -> Array:
    """x with the block `update` written from `starts` on, which may be traced.

    A start too near the end (or negative) is moved so that the block lies inside.

    Args:
        x: Array.
        update: Array with as many axes as x, none longer.
        starts: One integer or integer array without axes for every axis of x.

    Example:
        >>> import rtorch as rt
        >>> rt.dynamic_update_slice(rt.zeros(4), rt.ones(2), (1,)).tolist()
        [0.0, 1.0, 1.0, 0.0]
    """
    x = op.operand(x, "dynamic_update_slice")
    value = as_value(x, update, "dynamic_update_slice")
    if value.ndim != x.ndim or any(m > n for m, n in zip(value.shape, x.shape)):
        raise ShapeError(
            f"[dynamic_update_slice] update {value.shape} does not fit into the shape {x.shape}"
        )
    return ix.dynamic_update_slice_p(x, value, *_starts(x, starts, "dynamic_update_slice"))


def _starts(x: Array, starts: Any, name: str) -> list[Array]:
    starts = list(starts) if isinstance(starts, (tuple, list)) else list(op.operand(starts, name))
    if len(starts) != x.ndim:
        raise ShapeError(f"[{name}] expected {x.ndim} starts, one per axis, got {len(starts)}")
    return [index_array(s) for s in starts]
