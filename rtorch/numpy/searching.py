"""Where something holds: nonzero and its relatives, of a length that depends on the values.

Where values are not known, under ``jit`` and ``vmap``, the length must be: ``size=`` gives it.
"""

# Primitives return Any: an Array, or a tuple of them.

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rtorch.core import dtypes
from rtorch.core.array import Array, wrap
from rtorch.errors import ArgumentError, ConcretizationError, ShapeError, api
from rtorch.numpy import access
from rtorch.numpy.at import Place
from rtorch.numpy.cumulative import cumsum
from rtorch.numpy.elementwise import where
from rtorch.numpy.joining import stack
from rtorch.numpy.manipulation import ravel
from rtorch.numpy.operands import ArrayLike, Shape, axis_of, broadcast, convert, integer_of, operand
from rtorch.numpy.ufuncs import floor_divide, less, remainder
from rtorch.ops.comparison import ne_p
from rtorch.ops.creation import full_p, iota

__all__ = ["argwhere", "compress", "extract", "flatnonzero", "nonzero"]


def truth(x: Any, name: str) -> Array:
    """`x` as truth values."""
    x = operand(x, name)
    return x if x.dtype is dtypes.bool_ else ne_p(x, 0)


@api
def nonzero(x: ArrayLike, *, size: int | None = None, fill_value: Any = None) -> tuple[Array, ...]:
    """The indices of the elements that are not zero, one vector for every axis.

    Args:
        x: Array of one or more axes.
        size: How many indices to return: the rest is cut off, or filled up. Needed where values
            are not known, under `jit` and `vmap`.
        fill_value: What fills up: a number, or one for every axis; 0 by default.

    Raises:
        ConcretizationError: if the values are not known and there is no `size`.

    Example:
        >>> import rtorch as rt
        >>> rt.nonzero(rt.asarray([0, 3, 0, 4]))
        (Array([1, 3], dtype=int64),)
        >>> rt.jit(lambda x: rt.nonzero(x, size=3, fill_value=-1))(rt.asarray([0, 3, 0, 4]))
        (Array([ 1,  3, -1], dtype=int64),)
    """
    x = operand(x, "nonzero")
    if not x.ndim:
        raise ShapeError("[nonzero] an array without axes has no indices; use rt.atleast_1d first")
    return _nonzero(x, size, fill_value, "nonzero")


def _nonzero(x: Array, size: Any, fill_value: Any, name: str, flat: bool = False) -> Any:
    """The indices on every axis, or of the flattened array."""
    if size is not None:
        mask = ravel(truth(x, name)) if flat else truth(x, name)
        return _nonzero_of_size(mask, integer_of(size, name, "size"), fill_value, name)
    try:
        data = x._concrete(name)
    except ConcretizationError:
        raise ConcretizationError(
            f"[{name}] the number of elements is not known under jit and vmap: give the length "
            f"of the result with size=, as in rt.{name}(x, size=10, fill_value=0); or use "
            "rt.where(condition, x, y), whose result has the shape of its arguments"
        ) from None
    found = (data.reshape(-1) if flat or not data.ndim else data).nonzero()
    return tuple([wrap(i.astype(np.int64, copy=False)) for i in found])


def _nonzero_of_size(mask: Array, size: int, fill_value: Any, name: str) -> tuple[Array, ...]:
    if size < 0:
        raise ArgumentError(f"[{name}] size must not be negative, got {size}")
    fills = list(fill_value) if isinstance(fill_value, (tuple, list)) else [fill_value] * mask.ndim
    if len(fills) != mask.ndim:
        raise ArgumentError(
            f"[{name}] fill_value: expected a number or {mask.ndim} of them, got {fill_value!r}"
        )
    flat = ravel(mask)
    n = flat.shape[0]
    # Every element that counts has a place: the number of those before it. The rest has none.
    counts = cumsum(convert(flat, dtypes.int64))
    places = where(flat, counts - 1, size)
    none = full_p(shape=(size,), value=0, dtype=dtypes.int64, device=mask.device)
    found = Place(none, places).set(iota(n, dtypes.int64, mask.device), mode="fill")
    total = counts[-1] if n else 0
    valid = less(iota(size, dtypes.int64, mask.device), total)
    return tuple([
        where(valid, index, broadcast(convert(operand(0 if fill is None else fill, name),
                                              dtypes.int64), (size,)))
        for index, fill in zip(unraveled(found, mask.shape), fills)
    ])  # fmt: skip


def unraveled(flat: Array, shape: Shape) -> list[Array]:
    """Indices in row-major order as indices of the axes."""
    out = []
    for i, n in enumerate(shape):
        rest = math.prod(shape[i + 1 :])
        index = floor_divide(flat, max(rest, 1)) if rest != 1 else flat
        out.append(remainder(index, max(n, 1)) if i else index)
    return out


@api
def flatnonzero(x: ArrayLike, *, size: int | None = None, fill_value: Any = None) -> Array:
    """The indices of the elements of the flattened `x` that are not zero; see `nonzero`.

    Example:
        >>> import rtorch as rt
        >>> rt.flatnonzero(rt.asarray([[0, 3], [4, 0]]))
        Array([1, 2], dtype=int64)
    """
    x = operand(x, "flatnonzero")
    (out,) = _nonzero(x, size, fill_value, "flatnonzero", flat=True)
    return out


@api
def argwhere(x: ArrayLike, *, size: int | None = None, fill_value: Any = None) -> Array:
    """The indices of the elements that are not zero, a row for each; see `nonzero`.

    Example:
        >>> import rtorch as rt
        >>> rt.argwhere(rt.asarray([[0, 3], [4, 0]])).tolist()
        [[0, 1], [1, 0]]
    """
    x = operand(x, "argwhere")
    out = stack(_nonzero(x, size, fill_value, "argwhere", flat=not x.ndim), axis=1)
    return out if x.ndim else out[:, :0]


@api
def compress(
    condition: ArrayLike,
    x: ArrayLike,
    axis: int | None = None,
    *,
    size: int | None = None,
    fill_value: Any = 0,
) -> Array:
    """The elements (or slices) of `x` along `axis` for which `condition` holds.

    Args:
        condition: Vector of truth values, at most as long as the axis.
        x: Array.
        axis: An axis; None flattens `x`.
        size: How many to return, as in `nonzero`.
        fill_value: What fills up if there are fewer.

    Example:
        >>> import rtorch as rt
        >>> rt.compress([True, False, True], rt.asarray([5, 6, 7]))
        Array([5, 7], dtype=int64)
    """
    chosen, x = operand(condition, "compress"), operand(x, "compress")
    if chosen.ndim != 1:
        raise ShapeError(f"[compress] condition: expected a vector, got shape {chosen.shape}")
    if axis is None:
        x, axis = ravel(x), 0
    place = axis_of(axis, x.ndim, "compress")
    return _chosen("compress", chosen, x, place, size, fill_value)


@api
def extract(
    condition: ArrayLike, x: ArrayLike, *, size: int | None = None, fill_value: Any = 0
) -> Array:
    """The elements of the flattened `x` where the flattened `condition` holds; see `compress`.

    Example:
        >>> import rtorch as rt
        >>> x = rt.arange(6)
        >>> rt.extract(x % 3 == 0, x)
        Array([0, 3], dtype=int64)
    """
    chosen = operand(condition, "extract")
    return _chosen("extract", chosen, ravel(operand(x, "extract")), 0, size, fill_value)


def _chosen(name: str, mask: Array, x: Array, axis: int, size: Any, fill_value: Any) -> Array:
    n = x.shape[axis]
    # Where there are fewer than `size`, the index n reads `fill_value`.
    (index,) = _nonzero(mask, size, n, name, flat=True)
    at = (slice(None),) * axis + (index,)
    if size is None:
        return access.getitem(x, at)
    return access.getitem(x, at, "fill", fill_value)
