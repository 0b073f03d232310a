"""Joining arrays, and cutting them into pieces."""

# Primitives return Any: an Array, or a tuple of them.

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.errors import ArgumentError, ShapeError, api, describe
from rtorch.numpy.manipulation import atleast_1d, atleast_2d, atleast_3d, ravel
from rtorch.numpy.operands import (
    ArrayLike,
    axis_of,
    common_dtype,
    convert,
    integer_of,
    operand,
)
from rtorch.ops.base import reshape_p
from rtorch.ops.shape import concat_p, slice_p, split_p, unstack_p

__all__ = [
    "append",
    "array_split",
    "column_stack",
    "concat",
    "concatenate",
    "dsplit",
    "dstack",
    "hsplit",
    "hstack",
    "split",
    "stack",
    "unstack",
    "vsplit",
    "vstack",
]

# ---- shared --------------------------------------------------------------------------------------


def _arrays(name: str, xs: Any) -> list[Array]:
    """The operands of a joining function, with one dtype."""
    if isinstance(xs, Array):
        items: Sequence[Any] = unstack(xs)
    elif isinstance(xs, (list, tuple)):
        items = xs
    else:
        raise ArgumentError(f"[{name}] expected a list or tuple of arrays, got {describe(xs)}")
    if not items:
        raise ShapeError(f"[{name}] expected at least one array, got none")
    arrays = [operand(x, name) for x in items]
    dtype = arrays[0].dtype
    if any(x.dtype is not dtype for x in arrays):
        dtype = common_dtype(*arrays)
        arrays = [convert(x, dtype) for x in arrays]
    return arrays


def piece(x: Array, axis: int, start: int, stop: int) -> Array:
    """``x[start:stop]`` along `axis`."""
    ndim = len(x.shape)
    starts, limits = [0] * ndim, list(x.shape)
    starts[axis], limits[axis] = start, stop
    return slice_p(x, starts=tuple(starts), limits=tuple(limits), strides=(1,) * ndim)


# ---- joining -------------------------------------------------------------------------------------


@api
def concatenate(
    arrays: Sequence[ArrayLike] | Array, axis: int | None = 0, dtype: Any = None
) -> Array:
    """The arrays one after the other along `axis`.

    Args:
        arrays: Arrays that differ in shape along `axis` only.
        axis: An axis; None flattens them first.
        dtype: By default that of all of them together.

    Raises:
        ShapeError: if there are none, or their other axes differ.

    Example:
        >>> import rtorch as rt
        >>> rt.concatenate([rt.arange(2), rt.arange(3)])
        Array([0, 1, 0, 1, 2], dtype=int64)
    """
    return _concatenate("concatenate", arrays, axis, dtype)


def _as(x: Array, dtype: Any) -> Array:
    return x if dtype is None else convert(x, dtypes.canonical(dtype))


@api
def concat(arrays: Sequence[ArrayLike] | Array, axis: int | None = 0) -> Array:
    """As `concatenate`, under the array API's name.

    Example:
        >>> import rtorch as rt
        >>> rt.concat([rt.ones((1, 2)), rt.zeros((1, 2))])
        Array([[1., 1.],
               [0., 0.]], dtype=float32)
    """
    return _concatenate("concat", arrays, axis)


def _concatenate(name: str, arrays: Any, axis: int | None, dtype: Any = None) -> Array:
    xs = [_as(x, dtype) for x in _arrays(name, arrays)]
    if axis is None:
        xs, axis = [ravel(x) for x in xs], 0
    shape = xs[0].shape
    if not shape:
        raise ShapeError(f"[{name}] arrays without axes cannot be joined; use rt.stack")
    place = axis_of(axis, len(shape), name)
    for i, x in enumerate(xs):
        other = x.shape
        if len(other) != len(shape) or other[:place] + other[place + 1 :] != (
            shape[:place] + shape[place + 1 :]
        ):
            raise ShapeError(
                f"[{name}] array {i} has shape {other}, array 0 has {shape}: they may differ "
                f"along axis {place} only"
            )
    return xs[0] if len(xs) == 1 else concat_p(*xs, axis=place)


@api
def stack(arrays: Sequence[ArrayLike] | Array, axis: int = 0, *, dtype: Any = None) -> Array:
    """The arrays, all of one shape, along a new axis.

    Args:
        arrays: Arrays of one shape.
        axis: The place of the new axis in the result.
        dtype: By default that of all of them together.

    Example:
        >>> import rtorch as rt
        >>> rt.stack([rt.arange(2), rt.arange(2)], axis=1)
        Array([[0, 0],
               [1, 1]], dtype=int64)
    """
    xs = _arrays("stack", arrays)
    shape = xs[0].shape
    for i, x in enumerate(xs):
        if x.shape != shape:
            raise ShapeError(f"[stack] array {i} has shape {x.shape}, array 0 has {shape}")
    place = axis_of(axis, len(shape) + 1, "stack")
    longer = (*shape[:place], 1, *shape[place:])
    xs = [_as(reshape_p(x, shape=longer), dtype) for x in xs]
    return xs[0] if len(xs) == 1 else concat_p(*xs, axis=place)


@api
def vstack(arrays: Sequence[ArrayLike] | Array, *, dtype: Any = None) -> Array:
    """The arrays one below the other: along the first axis, vectors as rows.

    Example:
        >>> import rtorch as rt
        >>> rt.vstack([rt.arange(2), rt.arange(2)]).shape
        (2, 2)
    """
    return _concatenate("vstack", [atleast_2d(x) for x in _arrays("vstack", arrays)], 0, dtype)


@api
def hstack(arrays: Sequence[ArrayLike] | Array, *, dtype: Any = None) -> Array:
    """The arrays side by side: along the second axis, vectors along their only one.

    Example:
        >>> import rtorch as rt
        >>> rt.hstack([rt.arange(2), rt.arange(2)])
        Array([0, 1, 0, 1], dtype=int64)
    """
    xs = [atleast_1d(x) for x in _arrays("hstack", arrays)]
    return _concatenate("hstack", xs, 0 if xs[0].ndim == 1 else 1, dtype)


@api
def dstack(arrays: Sequence[ArrayLike] | Array, *, dtype: Any = None) -> Array:
    """The arrays one behind the other, along the third axis.

    Example:
        >>> import rtorch as rt
        >>> rt.dstack([rt.arange(2), rt.arange(2)]).shape
        (1, 2, 2)
    """
    return _concatenate("dstack", [atleast_3d(x) for x in _arrays("dstack", arrays)], 2, dtype)


@api
def column_stack(arrays: Sequence[ArrayLike] | Array) -> Array:
    """Vectors as the columns of a matrix; matrices side by side.

    Example:
        >>> import rtorch as rt
        >>> rt.column_stack([rt.arange(2), rt.arange(2)])
        Array([[0, 0],
               [1, 1]], dtype=int64)
    """
    xs = _arrays("column_stack", arrays)
    columns = [x if x.ndim >= 2 else reshape_p(x, shape=(x.size, 1)) for x in xs]
    return _concatenate("column_stack", columns, 1)


@api
def append(x: ArrayLike, values: ArrayLike, axis: int | None = None) -> Array:
    """`values` joined to the end of `x` along `axis`; None flattens both.

    Example:
        >>> import rtorch as rt
        >>> rt.append(rt.arange(2), 7)
        Array([0, 1, 7], dtype=int64)
    """
    return _concatenate("append", [x, values], axis)


# ---- splitting -----------------------------------------------------------------------------------


@api
def split(x: ArrayLike, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Array]:
    """`x` cut into pieces along `axis`.

    Args:
        x: An array.
        indices_or_sections: How many pieces of equal length; or the places to cut at.
        axis: The axis to cut.

    Raises:
        ShapeError: if the length is no multiple of the number of pieces.

    Example:
        >>> import rtorch as rt
        >>> rt.split(rt.arange(5), [2])
        [Array([0, 1], dtype=int64), Array([2, 3, 4], dtype=int64)]
    """
    return _split("split", x, indices_or_sections, axis, equal=True)


@api
def array_split(
    x: ArrayLike, indices_or_sections: int | Sequence[int], axis: int = 0
) -> list[Array]:
    """As `split`, with pieces that may differ in length by one, longer ones first.

    Example:
        >>> import rtorch as rt
        >>> rt.array_split(rt.arange(3), 2)
        [Array([0, 1], dtype=int64), Array([2], dtype=int64)]
    """
    return _split("array_split", x, indices_or_sections, axis, equal=False)


@api
def vsplit(x: ArrayLike, indices_or_sections: int | Sequence[int]) -> list[Array]:
    """`split` along the first axis, of an array with two or more.

    Example:
        >>> import rtorch as rt
        >>> [piece.shape for piece in rt.vsplit(rt.ones((4, 3)), 2)]
        [(2, 3), (2, 3)]
    """
    return _split("vsplit", _at_least("vsplit", x, 2), indices_or_sections, 0, equal=True)


@api
def hsplit(x: ArrayLike, indices_or_sections: int | Sequence[int]) -> list[Array]:
    """`split` along the second axis, of a vector along its only one.

    Example:
        >>> import rtorch as rt
        >>> [piece.shape for piece in rt.hsplit(rt.ones((3, 4)), 2)]
        [(3, 2), (3, 2)]
    """
    x = _at_least("hsplit", x, 1)
    return _split("hsplit", x, indices_or_sections, 0 if x.ndim == 1 else 1, equal=True)


@api
def dsplit(x: ArrayLike, indices_or_sections: int | Sequence[int]) -> list[Array]:
    """`split` along the third axis.

    Example:
        >>> import rtorch as rt
        >>> [piece.shape for piece in rt.dsplit(rt.ones((1, 1, 4)), 2)]
        [(1, 1, 2), (1, 1, 2)]
    """
    return _split("dsplit", _at_least("dsplit", x, 3), indices_or_sections, 2, equal=True)


def _at_least(name: str, x: Any, ndim: int) -> Array:
    x = operand(x, name)
    if x.ndim < ndim:
        raise ShapeError(f"[{name}] expected an array of {ndim} or more axes, got shape {x.shape}")
    return x


def _split(name: str, x: Any, where: Any, axis: int, equal: bool) -> list[Array]:
    x = operand(x, name)
    place = axis_of(axis, x.ndim, name)
    n = x.shape[place]
    if isinstance(where, (list, tuple)) or getattr(where, "ndim", 0) == 1:
        ranges = _between([integer_of(i, name, "places") for i in where], n)
    else:
        ranges = _sections(name, integer_of(where, name, "number of pieces"), n, equal)
    if any(stop != start for (_, stop), (start, _) in itertools.pairwise(ranges)):  # they overlap
        return [piece(x, place, start, stop) for start, stop in ranges]
    return list(split_p(x, sizes=tuple([stop - start for start, stop in ranges]), axis=place))


def _between(cuts: list[int], n: int) -> list[tuple[int, int]]:
    pairs = (slice(a, b).indices(n)[:2] for a, b in zip([0, *cuts], [*cuts, n]))
    return [(start, max(start, stop)) for start, stop in pairs]


def _sections(name: str, count: int, n: int, equal: bool) -> list[tuple[int, int]]:
    if count < 1:
        raise ArgumentError(f"[{name}] the number of pieces must be positive, got {count}")
    size, longer = divmod(n, count)
    if equal and longer:
        raise ShapeError(
            f"[{name}] length {n} is no multiple of {count} pieces; rt.array_split allows it"
        )
    starts = [i * size + min(i, longer) for i in range(count + 1)]
    return list(itertools.pairwise(starts))


@api
def unstack(x: ArrayLike, axis: int = 0) -> tuple[Array, ...]:
    """The slices of `x` along `axis`, without that axis.

    Example:
        >>> import rtorch as rt
        >>> rt.unstack(rt.asarray([[1, 2], [3, 4]]))
        (Array([1, 2], dtype=int64), Array([3, 4], dtype=int64))
    """
    x = operand(x, "unstack")
    return tuple(unstack_p(x, axis=axis_of(axis, x.ndim, "unstack")))
