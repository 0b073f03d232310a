"""Arrays put together from nested lists of blocks."""

from __future__ import annotations

from typing import Any

from rtorch.core.array import Array
from rtorch.errors import ArgumentError, ShapeError, api
from rtorch.numpy.joining import concatenate
from rtorch.numpy.operands import operand
from rtorch.ops.base import reshape_p

__all__ = ["block"]


@api
def block(arrays: Any) -> Array:
    """One array of blocks: innermost lists are joined along the last axis, and so on outwards.

    Args:
        arrays: Nested lists of arrays, all equally deep. Arrays get axes of length 1 in front
            until all have as many as the largest, or as the lists are deep.

    Example:
        >>> import rtorch as rt
        >>> rt.block([[rt.eye(2), rt.zeros((2, 1))], [rt.ones((1, 2)), 5.0]])
        Array([[1., 0., 0.],
               [0., 1., 0.],
               [1., 1., 5.]], dtype=float32)
    """
    depth = _depth(arrays)
    ndim = max(depth, _most_axes(arrays))
    return _joined(arrays, depth, ndim)


def _depth(x: Any) -> int:
    """How deep lists are nested."""
    if isinstance(x, tuple):
        raise ArgumentError("[block] expected lists of arrays; tuples are not allowed")
    if not isinstance(x, list):
        return 0
    if not x:
        raise ShapeError("[block] a list must not be empty")
    depths = {_depth(item) for item in x}
    if len(depths) > 1:
        raise ShapeError(f"[block] lists must be equally deep, got depths {sorted(depths)}")
    return 1 + depths.pop()


def _most_axes(x: Any) -> int:
    return max(map(_most_axes, x)) if isinstance(x, list) else operand(x, "block").ndim


def _joined(x: Any, depth: int, ndim: int) -> Array:
    if not isinstance(x, list):
        array = operand(x, "block")
        shape = (1,) * (ndim - array.ndim) + array.shape
        return array if shape == array.shape else reshape_p(array, shape=shape)
    return concatenate([_joined(item, depth - 1, ndim) for item in x], ndim - depth)
