"""Slices with a traced start along one axis, as `jax.lax` has them."""

from __future__ import annotations

from typing import Any

from rtorch.core.array import Array
from rtorch.errors import ShapeError, api
from rtorch.numpy.access import as_value
from rtorch.numpy.elementwise import where
from rtorch.numpy.indexing import dynamic_slice, dynamic_update_slice
from rtorch.numpy.layout import index_array
from rtorch.numpy.manipulation import expand_dims, squeeze
from rtorch.numpy.operands import ArrayLike, axis_of, integer_of, operand

__all__ = [
    "dynamic_index_in_dim", "dynamic_slice_in_dim", "dynamic_update_index_in_dim",
    "dynamic_update_slice_in_dim",
]  # fmt: skip


def _starts(x: Array, start: Any, axis: int) -> tuple[Any, ...]:
    """The starts on all axes; a negative one counts from the end."""
    first = index_array(start)
    first = where(first < 0, first + x.shape[axis], first)
    return (0,) * axis + (first,) + (0,) * (x.ndim - axis - 1)


@api
def dynamic_slice_in_dim(x: ArrayLike, start_index: Any, slice_size: int, axis: int = 0) -> Array:
    """``x[start:start + size]`` along `axis`, with a start that may be traced.

    Args:
        x: Array.
        start_index: Integer; a negative one counts from the end. One too near the end is moved
            so that the slice lies inside.
        slice_size: The length of the slice.
        axis: The axis.

    Example:
        >>> import rtorch as rt
        >>> rt.dynamic_slice_in_dim(rt.arange(5), 1, 3)
        Array([1, 2, 3], dtype=int64)
    """
    x = operand(x, "dynamic_slice_in_dim")
    place = axis_of(axis, x.ndim, "dynamic_slice_in_dim")
    n = integer_of(slice_size, "dynamic_slice_in_dim", "slice_size")
    sizes = (*x.shape[:place], n, *x.shape[place + 1 :])
    return dynamic_slice(x, _starts(x, start_index, place), sizes)


@api
def dynamic_index_in_dim(x: ArrayLike, index: Any, axis: int = 0, keepdims: bool = True) -> Array:
    """The slice of `x` at `index`, which may be traced, along `axis`.

    Args:
        x: Array.
        index: Integer; a negative one counts from the end.
        axis: The axis.
        keepdims: Whether the axis stays, with length 1.

    Example:
        >>> import rtorch as rt
        >>> rt.dynamic_index_in_dim(rt.arange(5), 3, keepdims=False)
        Array(3, dtype=int64)
    """
    out = dynamic_slice_in_dim(x, index, 1, axis)
    return out if keepdims else squeeze(out, axis)


@api
def dynamic_update_slice_in_dim(
    x: ArrayLike, update: ArrayLike, start_index: Any, axis: int
) -> Array:
    """`x` with `update` written along `axis` from `start_index` on, which may be traced.

    Args:
        x: Array.
        update: Array with as many axes as x, none longer.
        start_index: As in `dynamic_slice_in_dim`.
        axis: The axis.

    Example:
        >>> import rtorch as rt
        >>> rt.dynamic_update_slice_in_dim(rt.zeros(4), rt.ones(2), 1, axis=0)
        Array([0., 1., 1., 0.], dtype=float32)
    """
    x = operand(x, "dynamic_update_slice_in_dim")
    place = axis_of(axis, x.ndim, "dynamic_update_slice_in_dim")
    return dynamic_update_slice(x, update, _starts(x, start_index, place))


@api
def dynamic_update_index_in_dim(x: ArrayLike, update: ArrayLike, index: Any, axis: int) -> Array:
    """`x` with `update` written at `index`, which may be traced, along `axis`.

    Args:
        x: Array.
        update: The shape of x without `axis`, or with length 1 there.
        index: As in `dynamic_index_in_dim`.
        axis: The axis.

    Example:
        >>> import rtorch as rt
        >>> rt.dynamic_update_index_in_dim(rt.zeros((2, 3)), rt.ones(3), 1, axis=0)
        Array([[0., 0., 0.],
               [1., 1., 1.]], dtype=float32)
    """
    name = "dynamic_update_index_in_dim"
    x = operand(x, name)
    place = axis_of(axis, x.ndim, name)
    value = as_value(x, update, name)
    if value.ndim == x.ndim - 1:
        value = expand_dims(value, place)
    if value.ndim != x.ndim or value.shape[place] != 1:
        raise ShapeError(f"[{name}] update of shape {value.shape} does not fit into {x.shape}")
    return dynamic_update_slice(x, value, _starts(x, index, place))
