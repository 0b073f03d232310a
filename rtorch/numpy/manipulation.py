"""Other shapes, orders of axes, and dtypes for the same elements."""

# Primitives return Any: an Array, or a tuple of them.

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Sequence
from typing import Any

from rtorch.core.array import Array
from rtorch.errors import ArgumentError, AxisError, ShapeError, api, describe
from rtorch.numpy import operands
from rtorch.numpy.operands import (
    ArrayLike,
    Axis,
    Shape,
    axes_of,
    axis_of,
    integer_of,
    items_of,
    operand,
    shape_of,
)
from rtorch.ops.base import permute_dims_p, reshape_p
from rtorch.ops.shape import flip_p

__all__ = [
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "broadcast_arrays",
    "broadcast_shapes",
    "broadcast_to",
    "expand_dims",
    "flip",
    "fliplr",
    "flipud",
    "matrix_transpose",
    "moveaxis",
    "permute_dims",
    "ravel",
    "reshape",
    "rollaxis",
    "rot90",
    "squeeze",
    "swapaxes",
    "transpose",
]

# ---- shape ---------------------------------------------------------------------------------------


@api
def reshape(
    x: ArrayLike,
    shape: int | Sequence[int],
    *more: int,
    order: str = "C",
    copy: bool | None = None,
) -> Array:
    """The elements of `x`, in row-major order, with another shape.

    Args:
        x: An array.
        shape: The lengths of the axes, as a tuple or one by one; one of them may be -1 and is
            then what the others leave.
        *more: The lengths after the first, if they come one by one.
        order: ``"C"`` takes and places them in row-major order, ``"F"`` in column-major order;
            ``"A"`` is ``"C"``.
        copy: Exists for the standard's sake; an immutable array needs no copy.

    Raises:
        ShapeError: if the number of elements would change.

    Example:
        >>> import rtorch as rt
        >>> rt.reshape(rt.arange(6), (2, -1))
        Array([[0, 1, 2],
               [3, 4, 5]], dtype=int64)
    """
    if not isinstance(x, Array):
        x = operand(x, "reshape")
    try:
        target = _target(x.shape, (shape, *more) if more else shape)
    except TypeError:  # a list, or lengths that are arrays: nothing that a cache can look up
        target = _target(x.shape, _lengths((shape, *more) if more else shape))
    if order != "C" and _is_column_major("reshape", order):
        return transpose(reshape_p(transpose(x), shape=target[::-1]))
    return reshape_p(x, shape=target)


def _is_column_major(name: str, order: str) -> bool:
    if order not in ("C", "F", "A", "K"):
        raise ArgumentError(f"[{name}] order: expected 'C', 'F', 'A' or 'K', got {order!r}")
    return order == "F"


@functools.lru_cache(4096)
def _target(old: Shape, new: Any) -> Shape:
    """`new` as a tuple of lengths >= 0 with as many elements as `old` has."""
    lengths = _lengths(new)
    size = math.prod(old)
    gaps = lengths.count(-1)
    if gaps > 1 or any(n < -1 for n in lengths):
        raise ShapeError(f"[reshape] {new}: lengths must be >= 0, and at most one of them -1")
    if gaps:
        rest = -math.prod(lengths)
        if rest == 0 or size % rest:
            raise ShapeError(f"[reshape] {_count(old)} cannot fill {lengths}: no length fits -1")
        lengths = tuple([size // rest if n == -1 else n for n in lengths])
    if math.prod(lengths) != size:
        raise ShapeError(
            f"[reshape] {_count(old)} cannot fill {lengths}, which has {math.prod(lengths)}"
        )
    return lengths


def _count(shape: Shape) -> str:
    return f"the {math.prod(shape)} elements of shape {shape}"


def _lengths(shape: Any) -> Shape:
    try:
        if isinstance(shape, (tuple, list)):
            return tuple([operator.index(n) for n in shape])
        return (operator.index(shape),)
    except TypeError:
        raise ArgumentError(
            f"[reshape] shape: expected an integer or a tuple of them, got {shape!r}"
        ) from None


@api
def ravel(x: ArrayLike, order: str = "C") -> Array:
    """The elements of `x` as a vector, in row-major order.

    Args:
        x: An array.
        order: ``"F"`` takes them in column-major order; ``"A"`` and ``"K"`` are ``"C"``.

    Example:
        >>> import rtorch as rt
        >>> rt.ravel(rt.asarray([[1, 2], [3, 4]]))
        Array([1, 2, 3, 4], dtype=int64)
    """
    x = operand(x, "ravel")
    if order != "C" and _is_column_major("ravel", order):
        x = transpose(x)
    shape = x.shape
    return x if len(shape) == 1 else reshape_p(x, shape=(math.prod(shape),))


@api
def expand_dims(x: ArrayLike, axis: int | Sequence[int]) -> Array:
    """`x` with axes of length 1 put in, at the places `axis` of the result.

    Example:
        >>> import rtorch as rt
        >>> rt.expand_dims(rt.ones((2, 3)), (0, -1)).shape
        (1, 2, 3, 1)
    """
    x = operand(x, "expand_dims")
    n_new = len(axis) if isinstance(axis, (tuple, list)) else 1
    if axis is None:
        raise ArgumentError("[expand_dims] axis: expected an integer or a tuple of them, got None")
    ndim = x.ndim + n_new
    axes = axes_of(axis, ndim, "expand_dims")
    old = iter(x.shape)
    return reshape_p(x, shape=tuple([1 if i in axes else next(old) for i in range(ndim)]))


@api
def squeeze(x: ArrayLike, axis: Axis = None) -> Array:
    """`x` without axes of length 1: those of `axis`, or all.

    Raises:
        ShapeError: if an axis in `axis` has another length.

    Example:
        >>> import rtorch as rt
        >>> rt.squeeze(rt.ones((1, 3, 1)), axis=0).shape
        (3, 1)
    """
    x = operand(x, "squeeze")
    shape = x.shape
    if axis is None:
        return reshape_p(x, shape=tuple([n for n in shape if n != 1]))
    axes = axes_of(axis, x.ndim, "squeeze")
    for a in axes:
        if shape[a] != 1:
            raise ShapeError(f"[squeeze] axis {a} of shape {shape} has length {shape[a]}, not 1")
    return reshape_p(x, shape=tuple([n for i, n in enumerate(shape) if i not in axes]))


def _at_least(name: str, xs: Sequence[Any], ndim: int) -> Any:
    out = [_with_axes(operand(x, name), ndim) for x in xs]
    return out[0] if len(out) == 1 else tuple(out)


def _with_axes(x: Array, ndim: int) -> Array:
    shape = x.shape
    if len(shape) >= ndim:
        return x
    if ndim == 3:  # NumPy puts the third axis last
        shape = {0: (1, 1, 1), 1: (1, *shape, 1), 2: (*shape, 1)}[len(shape)]
    else:
        shape = (*(1,) * (ndim - len(shape)), *shape)
    return reshape_p(x, shape=shape)


@api
def atleast_1d(*xs: ArrayLike) -> Any:
    """Each argument with at least one axis; a tuple of several.

    Example:
        >>> import rtorch as rt
        >>> rt.atleast_1d(rt.asarray(5)).shape
        (1,)
    """
    return _at_least("atleast_1d", xs, 1)


@api
def atleast_2d(*xs: ArrayLike) -> Any:
    """Each argument with at least two axes, new ones in front; a tuple of several.

    Example:
        >>> import rtorch as rt
        >>> rt.atleast_2d(rt.ones(3)).shape
        (1, 3)
    """
    return _at_least("atleast_2d", xs, 2)


@api
def atleast_3d(*xs: ArrayLike) -> Any:
    """Each argument with at least three axes, the third one last; a tuple of several.

    Example:
        >>> import rtorch as rt
        >>> rt.atleast_3d(rt.ones(3)).shape
        (1, 3, 1)
    """
    return _at_least("atleast_3d", xs, 3)


# ---- broadcasting --------------------------------------------------------------------------------


@api
def broadcast_shapes(*shapes: int | Sequence[int]) -> Shape:
    """The shape that arrays of `shapes` are broadcast to together.

    Example:
        >>> import rtorch as rt
        >>> rt.broadcast_shapes((3, 1), (4,))
        (3, 4)
    """
    name = "broadcast_shapes"
    return operands.broadcast_shapes(name, *[shape_of(shape, name) for shape in shapes])


@api
def broadcast_to(x: ArrayLike, shape: int | Sequence[int]) -> Array:
    """`x` repeated along new axes and axes of length 1, without memory of its own.

    Raises:
        ShapeError: if `x` does not broadcast to `shape`.

    Example:
        >>> import rtorch as rt
        >>> rt.broadcast_to(rt.arange(2), (2, 2))
        Array([[0, 1],
               [0, 1]], dtype=int64)
    """
    x = operand(x, "broadcast_to")
    target = shape_of(shape, "broadcast_to")
    if operands.broadcast_shapes("broadcast_to", x.shape, target) != target:
        raise ShapeError(f"[broadcast_to] shape {x.shape} does not broadcast to {target}")
    return operands.broadcast(x, target)


@api
def broadcast_arrays(*xs: ArrayLike) -> list[Array]:
    """All arguments with the shape that they broadcast to together.

    Example:
        >>> import rtorch as rt
        >>> [x.shape for x in rt.broadcast_arrays(rt.ones((3, 1)), rt.ones(2))]
        [(3, 2), (3, 2)]
    """
    arrays = [operand(x, "broadcast_arrays") for x in xs]
    shape = operands.broadcast_shapes("broadcast_arrays", *[x.shape for x in arrays])
    return [operands.broadcast(x, shape) for x in arrays]


# ---- order of axes -------------------------------------------------------------------------------


@api
def transpose(x: ArrayLike, axes: int | Sequence[int] | None = None, *more: int) -> Array:
    """`x` with its axes in the order `axes`; by default reversed.

    Example:
        >>> import rtorch as rt
        >>> rt.transpose(rt.ones((2, 3, 4))).shape
        (4, 3, 2)
    """
    x = operand(x, "transpose")
    if axes is None:
        return permute_dims_p(x, axes=tuple(range(len(x.shape) - 1, -1, -1)))
    return _permuted("transpose", x, (axes, *more) if isinstance(axes, int) else axes)


@api
def permute_dims(x: ArrayLike, axes: Sequence[int]) -> Array:
    """`x` with axis ``axes[i]`` at place ``i``.

    Example:
        >>> import rtorch as rt
        >>> rt.permute_dims(rt.ones((2, 3, 4)), (1, 2, 0)).shape
        (3, 4, 2)
    """
    return _permuted("permute_dims", operand(x, "permute_dims"), axes)


def _permuted(name: str, x: Array, axes: Any) -> Array:
    if not isinstance(axes, (tuple, list)):
        raise ArgumentError(f"[{name}] axes: expected a tuple of integers, got {describe(axes)}")
    order = tuple([axis_of(a, x.ndim, name, "axes") for a in axes])
    if len(order) != x.ndim or len(set(order)) != x.ndim:
        raise AxisError(
            f"[{name}] axes {tuple(axes)} are not a permutation of the {x.ndim} axes of "
            f"shape {x.shape}"
        )
    return permute_dims_p(x, axes=order)


@api
def matrix_transpose(x: ArrayLike) -> Array:
    """`x` with its last two axes swapped.

    Example:
        >>> import rtorch as rt
        >>> rt.matrix_transpose(rt.ones((5, 2, 3))).shape
        (5, 3, 2)
    """
    x = operand(x, "matrix_transpose")
    ndim = len(x.shape)
    if ndim < 2:
        raise ShapeError(f"[matrix_transpose] expected 2 or more axes, got shape {x.shape}")
    return permute_dims_p(x, axes=(*range(ndim - 2), ndim - 1, ndim - 2))


@api
def swapaxes(x: ArrayLike, axis1: int, axis2: int) -> Array:
    """`x` with two axes swapped.

    Example:
        >>> import rtorch as rt
        >>> rt.swapaxes(rt.ones((2, 3, 4)), 0, 2).shape
        (4, 3, 2)
    """
    x = operand(x, "swapaxes")
    i, j = (axis_of(a, x.ndim, "swapaxes", f"axis{k}") for k, a in ((1, axis1), (2, axis2)))
    order = list(range(x.ndim))
    order[i], order[j] = j, i
    return permute_dims_p(x, axes=tuple(order))


@api
def moveaxis(x: ArrayLike, source: int | Sequence[int], destination: int | Sequence[int]) -> Array:
    """`x` with the axes `source` moved to the places `destination`; the others keep their order.

    Example:
        >>> import rtorch as rt
        >>> rt.moveaxis(rt.ones((2, 3, 4)), 0, -1).shape
        (3, 4, 2)
    """
    x = operand(x, "moveaxis")
    src = _places("source", source, x.ndim)
    dst = _places("destination", destination, x.ndim)
    if len(src) != len(dst):
        raise AxisError(f"[moveaxis] {len(src)} axes in source, {len(dst)} in destination")
    order = [i for i in range(x.ndim) if i not in src]
    for place, axis in sorted(zip(dst, src)):
        order.insert(place, axis)
    return permute_dims_p(x, axes=tuple(order))


@api
def rollaxis(x: ArrayLike, axis: int, start: int = 0) -> Array:
    """`x` with `axis` moved before the axis that stands at `start`; `moveaxis` is clearer.

    Example:
        >>> import rtorch as rt
        >>> rt.rollaxis(rt.ones((2, 3, 4)), 2).shape
        (4, 2, 3)
    """
    x = operand(x, "rollaxis")
    source = axis_of(axis, x.ndim, "rollaxis")
    first = operands.integer_of(start, "rollaxis", "start")
    first = first + x.ndim if first < 0 else first
    if not 0 <= first <= x.ndim:
        raise AxisError(f"[rollaxis] start {start} is out of range for an array of {x.ndim} axes")
    return moveaxis(x, source, first - (source < first))


def _places(argument: str, axes: Any, ndim: int) -> list[int]:
    axes = axes if isinstance(axes, (tuple, list)) else (axes,)
    places = [axis_of(a, ndim, "moveaxis", argument) for a in axes]
    if len(set(places)) != len(places):
        raise AxisError(f"[moveaxis] {argument} {tuple(axes)} names an axis twice")
    return places


# ---- order of elements ---------------------------------------------------------------------------


@api
def flip(x: ArrayLike, axis: Axis = None) -> Array:
    """`x` with the order of its elements along `axis` reversed; None means all axes.

    Example:
        >>> import rtorch as rt
        >>> rt.flip(rt.arange(3))
        Array([2, 1, 0], dtype=int64)
    """
    x = operand(x, "flip")
    return flip_p(x, axes=axes_of(axis, x.ndim, "flip"))


@api
def flipud(x: ArrayLike) -> Array:
    """`x` with its first axis reversed.

    Example:
        >>> import rtorch as rt
        >>> rt.flipud(rt.arange(2))
        Array([1, 0], dtype=int64)
    """
    x = operand(x, "flipud")
    return flip_p(x, axes=(axis_of(0, x.ndim, "flipud"),))


@api
def fliplr(x: ArrayLike) -> Array:
    """`x` with its second axis reversed.

    Example:
        >>> import rtorch as rt
        >>> rt.fliplr(rt.asarray([[1, 2], [3, 4]]))
        Array([[2, 1],
               [4, 3]], dtype=int64)
    """
    x = operand(x, "fliplr")
    return flip_p(x, axes=(axis_of(1, x.ndim, "fliplr"),))


@api
def rot90(x: ArrayLike, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Array:
    """`x` rotated `k` times by 90 degrees in a plane, from the first of `axes` to the second.

    Example:
        >>> import rtorch as rt
        >>> rt.rot90(rt.asarray([[1, 2], [3, 4]]))
        Array([[2, 4],
               [1, 3]], dtype=int64)
    """
    x = operand(x, "rot90")
    places = [axis_of(a, x.ndim, "rot90", "axes") for a in items_of(axes, "rot90", "axes")]
    if len(places) != 2 or places[0] == places[1]:
        raise AxisError(f"[rot90] axes {tuple(axes)} must be two different ones")
    i, j = places
    k = integer_of(k, "rot90", "k") % 4
    if k == 0:
        return x
    if k == 2:
        return flip_p(x, axes=(min(i, j), max(i, j)))
    if k == 1:
        return swapaxes(flip_p(x, axes=(j,)), i, j)
    return flip_p(swapaxes(x, i, j), axes=(j,))


# ---- dtype ---------------------------------------------------------------------------------------
