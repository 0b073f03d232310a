"""Repeating, shifting and padding the elements of an array."""

# Primitives return Any: an Array, or a tuple of them.

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from rtorch.core import backend, dtypes
from rtorch.core.array import Array, wrap
from rtorch.errors import ArgumentError, ShapeError, api
from rtorch.numpy.joining import piece
from rtorch.numpy.manipulation import ravel
from rtorch.numpy.operands import (
    ArrayLike,
    Axis,
    Shape,
    axis_of,
    convert,
    integer_of,
    operand,
)
from rtorch.ops.base import broadcast_p, move_dim, reshape_p, sub_p
from rtorch.ops.creation import iota
from rtorch.ops.elementwise import remainder_p
from rtorch.ops.indexing import gather_p
from rtorch.ops.shape import concat_p, pad_p

__all__ = ["pad", "repeat", "roll", "tile"]


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
def repeat(x: ArrayLike, repeats: int | Sequence[int] | Array, axis: int | None = None) -> Array:
    """Every element (or slice) of `x` repeated in place along `axis`.

    Args:
        x: An array.
        repeats: How often; one number, or one for every index of `axis`, known before the call.
        axis: An axis; None flattens `x`.

    Example:
        >>> import rtorch as rt
        >>> rt.repeat(rt.arange(3), (1, 0, 2))
        Array([0, 2, 2], dtype=int64)
    """
    x = operand(x, "repeat")
    if axis is None:
        x, axis = ravel(x), 0
    place = axis_of(axis, x.ndim, "repeat")
    counts = _counts(repeats, x.shape[place])
    if isinstance(counts, int):
        return _repeat_equally(x, counts, place)
    return _take(x, np.repeat(np.arange(x.shape[place]), counts), place)


def _counts(repeats: Any, n: int) -> int | list[int]:
    counts = repeats.tolist() if hasattr(repeats, "tolist") else repeats
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


# ---- padding -------------------------------------------------------------------------------------

_MODES = ("constant", "edge", "reflect", "symmetric", "wrap")


@api
def pad(x: ArrayLike, pad_width: Any, mode: str = "constant", *, constant_values: Any = 0) -> Array:
    """`x` with elements added at both ends of its axes.

    Args:
        x: An array.
        pad_width: How many: one number, ``(before, after)``, one such pair for every axis, or a
            dict from axes to numbers or pairs.
        mode: ``"constant"`` adds `constant_values`; ``"edge"`` repeats the outermost element;
            ``"reflect"`` mirrors at it; ``"symmetric"`` mirrors with it repeated; ``"wrap"``
            goes on at the other end.
        constant_values: A number, ``(before, after)``, or one such pair for every axis.

    Raises:
        ShapeError: if the widths do not fit the axes, or there is nothing to repeat.

    Example:
        >>> import rtorch as rt
        >>> rt.pad(rt.arange(3), 1, mode="edge")
        Array([0, 0, 1, 2, 2], dtype=int64)
    """
    x = operand(x, "pad")
    widths = _pairs(_by_axis(pad_width, x.ndim), x.ndim, "pad_width")
    if any(integer_of(w, "pad", "pad_width") < 0 for pair in widths for w in pair):
        raise ArgumentError(f"[pad] pad_width must not be negative, got {pad_width}")
    if mode == "constant":
        return _pad_constant(x, widths, _pairs(constant_values, x.ndim, "constant_values"))
    if mode not in _MODES:
        raise ArgumentError(f"[pad] mode: expected one of {_MODES}, got {mode!r}")
    for axis, pair in enumerate(widths):
        if pair == (0, 0):
            continue
        if x.shape[axis] == 0:
            raise ShapeError(f"[pad] mode {mode!r} has nothing to repeat along axis {axis}")
        # NumPy's own rule for which element goes where, asked of the indices.
        index = np.pad(np.arange(x.shape[axis]), pair, mode=mode)  # type: ignore[call-overload]
        x = _take(x, index, axis)
    return x


def _by_axis(widths: Any, ndim: int) -> Any:
    if not isinstance(widths, dict):
        return widths
    out: list[Any] = [(0, 0)] * ndim
    for axis, width in widths.items():
        pair = width if isinstance(width, (tuple, list)) else (width, width)
        out[axis_of(axis, ndim, "pad", "pad_width")] = pair
    return out


def _pairs(values: Any, ndim: int, argument: str) -> list[tuple[Any, Any]]:
    """``(before, after)`` for every axis, from one number, one pair, or a pair per axis."""
    values = values.tolist() if hasattr(values, "tolist") else values
    try:
        table = np.broadcast_to(np.asarray(values, object), (ndim, 2))
    except ValueError:
        raise ShapeError(
            f"[pad] {argument} {values!r}: expected one number, one pair, or a pair for each of "
            f"{ndim} axes"
        ) from None
    return [(before, after) for before, after in table.tolist()]


def _pad_constant(x: Array, widths: list[tuple[int, int]], values: list[tuple[Any, Any]]) -> Array:
    if len({v for pair in values for v in pair}) <= 1:
        low, high = (tuple([pair[side] for pair in widths]) for side in (0, 1))
        return _pad_with(x, values[0][0] if values else 0, low, high)
    none = (0,) * x.ndim
    for axis, (width, value) in enumerate(zip(widths, values)):
        low, high = ((*none[:axis], w, *none[axis + 1 :]) for w in width)
        x = _pad_with(_pad_with(x, value[0], low, none), value[1], none, high)
    return x


def _pad_with(x: Array, value: Any, low: Shape, high: Shape) -> Array:
    return pad_p(x, value=value, low=low, high=high, interior=(0,) * x.ndim)
