"""Order: sort, argsort, the k largest, and places in sorted arrays."""

# Primitives return Any: an Array, or a tuple of them.

from __future__ import annotations

import operator
from typing import Any

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.errors import ArgumentError, DTypeError, ShapeError, api, describe
from rtorch.numpy.manipulation import ravel
from rtorch.numpy.operands import ArrayLike, axis_of, operand, promote
from rtorch.ops.base import add_p, move_dim, neg_p, sub_p
from rtorch.ops.comparison import and_p, is_nan_p, le_p, lt_p, not_p, or_p, select_p
from rtorch.ops.creation import full_p
from rtorch.ops.indexing import gather_p
from rtorch.ops.shape import flip_p
from rtorch.ops.sorting import argsort_p, sort_p, top_k_p

__all__ = ["argsort", "searchsorted", "sort", "top_k"]


def _line(name: str, x: Any, axis: int | None) -> tuple[Array, int]:
    x = operand(x, name)
    if axis is None:
        return ravel(x), 0
    return x, axis_of(axis, x.ndim, name)


@api
def sort(
    x: ArrayLike, axis: int | None = -1, *, descending: bool = False, stable: bool = True
) -> Array:
    """The elements along `axis` in ascending order; nan comes last.

    Args:
        x: An array.
        axis: An axis; None flattens `x`.
        descending: The largest first (and nan before them).
        stable: Has no effect: equal elements cannot be told apart.

    Example:
        >>> import rtorch as rt
        >>> rt.sort(rt.asarray([3, 1, 2]))
        Array([1, 2, 3], dtype=int64)
    """
    x, place = _line("sort", x, axis)
    out = sort_p(x, axis=place)
    return flip_p(out, axes=(place,)) if descending else out


@api
def argsort(
    x: ArrayLike, axis: int | None = -1, *, descending: bool = False, stable: bool = True
) -> Array:
    """The places along `axis` in the order of their elements, as int64; nan comes last.

    Args:
        x: An array.
        axis: An axis; None flattens `x`.
        descending: The largest first (and nan before them).
        stable: Has no effect: equal elements always keep their order.

    Example:
        >>> import rtorch as rt
        >>> rt.argsort(rt.asarray([3, 1, 2]))
        Array([1, 2, 0], dtype=int64)
    """
    x, place = _line("argsort", x, axis)
    if not descending:
        return argsort_p(x, axis=place)
    # The ascending order of the mirrored line, read backwards, leaves equal elements in order.
    order = flip_p(argsort_p(flip_p(x, axes=(place,)), axis=place), axes=(place,))
    return add_p(neg_p(order), x.shape[place] - 1)


@api
def top_k(x: ArrayLike, k: int, *, axis: int = -1) -> tuple[Array, Array]:
    """The `k` largest elements along `axis`, largest first, and their places.

    Args:
        x: An array.
        k: How many, at most the length of `axis`.
        axis: An axis.

    Returns:
        The elements, and their places as int64; of equal elements the first comes first.

    Example:
        >>> import rtorch as rt
        >>> rt.top_k(rt.asarray([3, 9, 5]), 2)
        (Array([9, 5], dtype=int64), Array([1, 2], dtype=int64))
    """
    x = operand(x, "top_k")
    place, last = axis_of(axis, x.ndim, "top_k"), x.ndim - 1
    try:
        k = operator.index(k)
    except TypeError:
        raise ArgumentError(f"[top_k] k: expected an integer, got {describe(k)}") from None
    if not 0 <= k <= x.shape[place]:
        raise ShapeError(f"[top_k] k={k} of an axis of length {x.shape[place]}")
    values, order = top_k_p(move_dim(x, place, last), k=k)
    return move_dim(values, last, place), move_dim(order, last, place)


@api
def searchsorted(sorted_array: ArrayLike, values: ArrayLike, *, side: str = "left") -> Array:
    """Where each of `values` would have to be put into a sorted vector to keep it sorted.

    Found by bisection of all values at once.

    Args:
        sorted_array: A vector in ascending order; nan comes last.
        values: An array.
        side: Before (``"left"``) or after (``"right"``) elements that are equal.

    Returns:
        Places from 0 to the length of the vector, with the shape of `values`, as int64.

    Example:
        >>> import rtorch as rt
        >>> rt.searchsorted(rt.asarray([1, 3, 5]), rt.asarray([0, 3, 9]))
        Array([0, 1, 3], dtype=int64)
    """
    if side not in ("left", "right"):
        raise ArgumentError(f"[searchsorted] side: expected 'left' or 'right', got {side!r}")
    line, x = promote("searchsorted", sorted_array, values)
    if line.ndim != 1:
        raise ShapeError(f"[searchsorted] expected a sorted vector, got shape {line.shape}")
    if line.dtype in dtypes.COMPLEXES:
        raise DTypeError("[searchsorted] complex numbers have no order")
    n = line.shape[0]
    place = full_p(shape=x.shape, value=0, dtype=dtypes.int64, device=x.device)
    for bit in reversed(range(n.bit_length())):
        # Go on by a power of two if the element just before that place comes before the value.
        probe = add_p(place, 1 << bit)
        element = gather_p(line, sub_p(probe, 1), axes=(0,), mode="clip", fill=0)
        ahead = and_p(le_p(probe, n), _comes_before(element, x, side))
        place = select_p(ahead, probe, place)
    return place


def _comes_before(element: Array, x: Array, side: str) -> Array:
    before = lt_p(element, x) if side == "left" else le_p(element, x)
    if x.dtype not in dtypes.INEXACT:
        return before
    last = is_nan_p(x)  # nan is larger than all else, and equal to itself
    if side == "left":
        last = and_p(last, not_p(is_nan_p(element)))
    return or_p(before, last)
