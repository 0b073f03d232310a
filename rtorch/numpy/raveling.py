"""Indices of the flattened array from indices of the axes, and back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.errors import (
    ArgumentError,
    ConcretizationError,
    OutOfBoundsError,
    ShapeError,
    api,
)
from rtorch.numpy.elementwise import clip, where
from rtorch.numpy.layout import index_array
from rtorch.numpy.manipulation import broadcast_arrays
from rtorch.numpy.operands import ArrayLike, convert, shape_of
from rtorch.numpy.searching import unraveled
from rtorch.numpy.ufuncs import remainder

__all__ = ["ravel_multi_index", "unravel_index"]


def _range_of(index: Array) -> tuple[int, int] | None:
    """The smallest and the largest of known indices; None if they are not known."""
    try:
        data = index._concrete("unravel_index")
    except ConcretizationError:
        return None
    return (int(data.min()), int(data.max())) if data.size else (0, 0)


@api
def unravel_index(
    indices: ArrayLike, shape: int | Sequence[int], order: str = "C"
) -> tuple[Array, ...]:
    """The index on every axis of elements that are numbered in row-major order.

    Args:
        indices: Integer array; negative ones count from the end. Those outside raise where they
            are known, and become the nearest inside where they are traced.
        shape: The shape that they number the elements of.
        order: ``"C"`` for row-major, ``"F"`` for column-major numbers.

    Returns:
        One array for every axis, of the shape of `indices`.

    Example:
        >>> import rtorch as rt
        >>> [int(i) for i in rt.unravel_index(5, (2, 3))]
        [1, 2]
    """
    target = shape_of(shape, "unravel_index")
    index, n = index_array(indices), math.prod(target)
    limits = _range_of(index)
    if limits and index.size and not -n <= limits[0] <= limits[1] < n:
        raise OutOfBoundsError(
            f"[unravel_index] an index in {limits} is out of bounds for the {n} elements of "
            f"shape {target}"
        )
    index = clip(where(index < 0, index + n, index), 0, max(n - 1, 0))
    if _is_row_major("unravel_index", order):
        return tuple(unraveled(index, target))
    return tuple(unraveled(index, target[::-1])[::-1])


def _is_row_major(name: str, order: str) -> bool:
    if order not in ("C", "F"):
        raise ArgumentError(f"[{name}] order: expected 'C' or 'F', got {order!r}")
    return order == "C"


@api
def ravel_multi_index(
    multi_index: Sequence[ArrayLike],
    dims: int | Sequence[int],
    mode: str | Sequence[str] = "raise",
    order: str = "C",
    *,
    dtype: Any = None,
) -> Array:
    """The numbers in row-major order of elements that are given by an index on every axis.

    Args:
        multi_index: One integer array for every axis; they broadcast.
        dims: The shape.
        mode: What an index outside does: ``"raise"`` (not under `jit` and `vmap`), ``"clip"`` or
            ``"wrap"``; or one of these for every axis.
        order: ``"C"`` for row-major, ``"F"`` for column-major numbers.
        dtype: By default int64.

    Example:
        >>> import rtorch as rt
        >>> rt.ravel_multi_index(([0, 1], [2, 0]), (2, 3))
        Array([2, 3], dtype=int64)
    """
    name = "ravel_multi_index"
    shape = shape_of(dims, name)
    if len(multi_index) != len(shape):
        raise ShapeError(f"[{name}] {len(multi_index)} index arrays for the {len(shape)} dims")
    modes = [mode] * len(shape) if isinstance(mode, str) else list(mode)
    arrays = broadcast_arrays(*[index_array(i) for i in multi_index])
    inside = [_inside(i, n, m, axis) for axis, (i, n, m) in enumerate(zip(arrays, shape, modes))]
    if not inside:
        raise ShapeError(f"[{name}] expected one or more index arrays, got none")
    pairs = list(zip(inside, shape))
    (out, _), *rest = pairs if _is_row_major(name, order) else pairs[::-1]
    for index, n in rest:
        out = out * n + index
    return out if dtype is None else convert(out, dtypes.canonical(dtype))


def _inside(index: Array, n: int, mode: str, axis: int) -> Array:
    if mode == "clip":
        return clip(index, 0, n - 1)
    if mode == "wrap":
        return remainder(index, n)
    if mode != "raise":
        raise ArgumentError(
            f"[ravel_multi_index] mode: expected 'raise', 'clip' or 'wrap', got {mode!r}"
        )
    limits = _range_of(index)
    if limits is None:
        raise ConcretizationError(
            "[ravel_multi_index] mode 'raise' needs indices that are known, and under jit and "
            "vmap they are not; use mode='clip' or 'wrap'"
        )
    if index.size and not 0 <= limits[0] <= limits[1] < n:
        raise OutOfBoundsError(
            f"[ravel_multi_index] an index in {limits} is out of bounds for axis {axis} of length "
            f"{n}; mode='clip' or 'wrap' asks for another rule"
        )
    return index
