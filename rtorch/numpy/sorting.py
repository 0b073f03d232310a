"""Order: sorting by one key or several, the k largest, and places in sorted arrays."""

# Primitives return Any: an Array, or a tuple of them.

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.errors import (
    ArgumentError,
    DTypeError,
    OutOfBoundsError,
    ShapeError,
    api,
    describe,
)
from rtorch.numpy.indexing import take, take_along_axis
from rtorch.numpy.manipulation import ravel
from rtorch.numpy.operands import (
    ArrayLike,
    axis_of,
    convert,
    floating,
    integer_of,
    items_of,
    operand,
    promote,
)
from rtorch.ops.base import add_p, move_dim, neg_p, sub_p
from rtorch.ops.comparison import and_p, is_nan_p, le_p, lt_p, not_p, or_p, select_p
from rtorch.ops.creation import full_p
from rtorch.ops.indexing import gather_p
from rtorch.ops.shape import flip_p
from rtorch.ops.sorting import argsort_p, sort_p, top_k_p

__all__ = [
    "argpartition",
    "argsort",
    "lexsort",
    "partition",
    "searchsorted",
    "sort",
    "sort_complex",
    "top_k",
]


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
def lexsort(keys: ArrayLike, axis: int = -1) -> Array:
    """The places along `axis` in the order of several keys, the last of which goes first.

    Args:
        keys: Arrays of one shape, in a sequence or along the first axis of an array. Where the
            last key has equal elements the one before it decides, and so on.
        axis: An axis of a key.

    Returns:
        The places as int64, in the shape of a key.

    Example:
        >>> import rtorch as rt
        >>> rt.lexsort(([3, 1, 2], [0, 1, 0])).tolist()
        [2, 0, 1]
    """
    rows = [operand(k, "lexsort") for k in items_of(keys, "lexsort", "keys")]
    if not rows or any(k.shape != rows[0].shape for k in rows):
        raise ShapeError(f"[lexsort] expected keys of one shape, got {[k.shape for k in rows]}")
    place = axis_of(axis, rows[0].ndim, "lexsort")
    order: Array = argsort_p(rows[0], axis=place)
    for key in rows[1:]:  # a stable order of each key keeps that of the keys before it
        by_key = argsort_p(take_along_axis(key, order, place), axis=place)
        order = take_along_axis(order, by_key, place)
    return order


@api
def partition(x: ArrayLike, kth: int | Sequence[int], axis: int | None = -1) -> Array:
    """The elements along `axis`, those before place `kth` not larger than those after it.

    Args:
        x: An array.
        kth: Which element is in its place in the sorted order; may be several.
        axis: An axis; None flattens `x`.

    Returns:
        The line in full order, which is one of the partitions.

    Example:
        >>> import rtorch as rt
        >>> int(rt.partition(rt.asarray([3, 9, 1, 7]), 2)[2])
        7
    """
    line, place = _line("partition", x, axis)
    _check_kth("partition", kth, line.shape[place])
    out: Array = sort_p(line, axis=place)
    return out


@api
def argpartition(x: ArrayLike, kth: int | Sequence[int], axis: int | None = -1) -> Array:
    """The places along `axis` of the elements of `partition`, as int64.

    Example:
        >>> import rtorch as rt
        >>> int(rt.argpartition(rt.asarray([3, 9, 1, 7]), 2)[2])
        3
    """
    line, place = _line("argpartition", x, axis)
    _check_kth("argpartition", kth, line.shape[place])
    out: Array = argsort_p(line, axis=place)
    return out


def _check_kth(name: str, kth: Any, n: int) -> None:
    for k in kth if isinstance(kth, (tuple, list)) else (kth,):
        if not -n <= integer_of(k, name, "kth") < n:
            raise OutOfBoundsError(f"[{name}] kth={k} of an axis of length {n}")


@api
def sort_complex(x: ArrayLike) -> Array:
    """The elements along the last axis in the order of real, then imaginary parts, as complex.

    Example:
        >>> import rtorch as rt
        >>> rt.sort_complex(rt.asarray([2, 1j, 1])).tolist()
        [1j, (1+0j), (2+0j)]
    """
    out = floating(sort(x), "sort_complex")
    return convert(out, dtypes.complex_dtype(out.dtype))


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
def searchsorted(
    sorted_array: ArrayLike,
    values: ArrayLike,
    side: str = "left",
    sorter: ArrayLike | None = None,
) -> Array:
    """Where each of `values` would have to be put into a sorted vector to keep it sorted.

    Found by bisection of all values at once.

    Args:
        sorted_array: A vector in ascending order; nan comes last.
        values: An array.
        side: Before (``"left"``) or after (``"right"``) elements that are equal.
        sorter: Places that put the vector in order, if it is not: what `argsort` gives.

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
    if sorter is not None:
        line = take(line, sorter)
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
