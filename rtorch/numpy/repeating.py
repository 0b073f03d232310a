"""Repeating and shifting the elements of an array."""

# Primitives return Any: an Array, or a tuple of them.

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from rtorch.core import backend, dtypes
from rtorch.core.array import Array, wrap
from rtorch.errors import ArgumentError, ConcretizationError, ShapeError, api
from rtorch.numpy.joining import piece
from rtorch.numpy.manipulation import ravel
from rtorch.numpy.operands import (
    ArrayLike,
    Axis,
    axis_of,
    convert,
    integer_of,
    operand,
    shape_of,
)
from rtorch.ops.base import broadcast_p, move_dim, reshape_p, sub_p
from rtorch.ops.creation import full_p, iota
from rtorch.ops.elementwise import remainder_p
from rtorch.ops.indexing import gather_p
from rtorch.ops.shape import concat_p

__all__ = ["repeat", "resize", "roll", "tile"]


def _take(x: Array, index: Any, axis: int) -> Array:
    """`x` at the places `index`, all inside, along `axis`."""
    if not isinstance(index, Array):
        index = wrap(backend.transfer(np.asarray(index, dtypes.int64), x.device))
    return move_dim(gather_p(x, index, axes=(axis,), mode="clip", fill=0), 0, axis)


# ---- repeating and shifting ----------------------------------------------------------------------


@api
def tile(x: ArrayLike, reps: int | Sequence[int]) -> Array:
    """`x` laid side by side with itself, ``reps[i]`` times along axis ``i``.

    Of `reps` and the shape of `x` the shorter one is filled up with ones in front.

    Example:
        >>> import rtorch as rt
        >>> rt.tile(rt.arange(2), 3)
        Array([0, 1, 0, 1, 0, 1], dtype=int64)
    """
    x = operand(x, "tile")
    listed = reps if isinstance(reps, (list, tuple)) else (reps,)
    counts = tuple([integer_of(r, "tile", "repeats") for r in listed])
    if any(r < 0 for r in counts):
        raise ArgumentError(f"[tile] reps must not be negative, got {counts}")
    ndim = max(len(counts), x.ndim)
    counts = (1,) * (ndim - len(counts)) + counts
    shape = (1,) * (ndim - x.ndim) + x.shape
    pairs = tuple([n for pair in zip(counts, shape) for n in pair])
    first = ndim - x.ndim
    copies = broadcast_p(x, shape=pairs, axes=tuple(range(2 * first + 1, 2 * ndim, 2)))
    return reshape_p(copies, shape=tuple([r * n for r, n in zip(counts, shape)]))


@api
def resize(x: ArrayLike, new_shape: int | Sequence[int]) -> Array:
    """The elements of `x` in `new_shape`: from the first again if they are too few, or cut off.

    Args:
        x: An array; one without elements gives zeros.
        new_shape: A shape.

    Example:
        >>> import rtorch as rt
        >>> rt.resize(rt.arange(3), (2, 2))
        Array([[0, 1],
               [2, 0]], dtype=int64)
    """
    x, shape = operand(x, "resize"), shape_of(new_shape, "resize")
    size = math.prod(shape)
    if not x.size:
        return full_p(shape=shape, value=0, dtype=x.dtype, device=x.device)
    copies = tile(ravel(x), -(-size // x.size))
    return reshape_p(piece(copies, 0, 0, size), shape=shape)


@api
def repeat(
    x: ArrayLike,
    repeats: int | Sequence[int] | Array,
    axis: int | None = None,
    *,
    total_repeat_length: int | None = None,
) -> Array:
    """Every element (or slice) of `x` repeated in place along `axis`.

    Args:
        x: An array.
        repeats: How often; one number, or one for every index of `axis`.
        axis: An axis; None flattens `x`.
        total_repeat_length: The length of the result, needed where `repeats` are traced. If they
            make up less, the last slice is repeated; if more, the rest is cut off.

    Example:
        >>> import rtorch as rt
        >>> rt.repeat(rt.arange(3), (1, 0, 2))
        Array([0, 2, 2], dtype=int64)
    """
    x = operand(x, "repeat")
    if axis is None:
        x, axis = ravel(x), 0
    place = axis_of(axis, x.ndim, "repeat")
    if total_repeat_length is not None:
        total = integer_of(total_repeat_length, "repeat", "total_repeat_length")
        return _take(x, _sources(repeats, x.shape[place], total), place)
    counts = _counts(repeats, x.shape[place])
    if isinstance(counts, int):
        return _repeat_equally(x, counts, place)
    return _take(x, np.repeat(np.arange(x.shape[place]), counts), place)


def _sources(repeats: Any, n: int, total: int) -> Array:
    """For each of `total` places the element that stands there, by its number of repeats."""
    from rtorch.numpy.cumulative import cumsum
    from rtorch.numpy.manipulation import broadcast_to
    from rtorch.numpy.sorting import searchsorted

    counts = broadcast_to(convert(operand(repeats, "repeat"), dtypes.int64), (n,))
    return searchsorted(cumsum(counts), iota(total, dtypes.int64), side="right")


def _counts(repeats: Any, n: int) -> int | list[int]:
    try:
        counts = repeats.tolist() if hasattr(repeats, "tolist") else repeats
    except ConcretizationError:
        raise ConcretizationError(
            "[repeat] under jit and vmap the length of the result is not known: give it with "
            "total_repeat_length="
        ) from None
    try:
        counts = [operator.index(r) for r in counts] if isinstance(counts, (list, tuple)) else (
            operator.index(counts)
        )  # fmt: skip
    except TypeError:
        raise ArgumentError(f"[repeat] repeats: expected integers, got {repeats!r}") from None
    if isinstance(counts, list) and len(counts) == 1:
        counts = counts[0]
    if isinstance(counts, list) and len(counts) != n:
        raise ShapeError(f"[repeat] {len(counts)} repeats for an axis of length {n}")
    if min(counts, default=0) < 0 if isinstance(counts, list) else counts < 0:
        raise ArgumentError(f"[repeat] repeats must not be negative, got {repeats!r}")
    return counts  # type: ignore[no-any-return,unused-ignore]


def _repeat_equally(x: Array, count: int, axis: int) -> Array:
    shape = x.shape
    before, after = shape[: axis + 1], shape[axis + 1 :]
    axes = tuple([i + (i > axis) for i in range(len(shape))])
    copies = broadcast_p(x, shape=(*before, count, *after), axes=axes)
    return reshape_p(copies, shape=(*before[:-1], before[-1] * count, *after))


@api
def roll(x: ArrayLike, shift: Any, axis: Axis = None) -> Array:
    """`x` moved by `shift` places along `axis`; what leaves at one end comes in at the other.

    Args:
        x: An array.
        shift: How far; one number, or one for each of `axis`. A traced integer is fine.
        axis: An axis or several; None rolls the flattened array.

    Example:
        >>> import rtorch as rt
        >>> rt.roll(rt.arange(4), 1)
        Array([3, 0, 1, 2], dtype=int64)
    """
    x = operand(x, "roll")
    if axis is None:
        return reshape_p(roll(ravel(x), shift, 0), shape=x.shape)
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    shifts = shift if isinstance(shift, (tuple, list)) else (shift,) * len(axes)
    if len(axes) == 1 and len(shifts) > 1:
        axes = (*axes,) * len(shifts)
    if len(shifts) != len(axes):
        raise ShapeError(f"[roll] {len(shifts)} shifts for {len(axes)} axes")
    for by, a in zip(shifts, axes):
        x = _roll(x, by, axis_of(a, x.ndim, "roll"))
    return x


def _roll(x: Array, shift: Any, axis: int) -> Array:
    n = x.shape[axis]
    if n == 0:
        return x
    if isinstance(shift, Array):
        by = broadcast_p(convert(shift, dtypes.int64), shape=(n,), axes=())
        index = remainder_p(sub_p(iota(n, dtypes.int64, x.device), by), n)
        return _take(x, index, axis)
    cut = -integer_of(shift, "roll", "shift") % n
    if cut == 0:
        return x
    return concat_p(piece(x, axis, cut, n), piece(x, axis, 0, cut), axis=axis)
