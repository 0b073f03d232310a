"""Arrays as sets: unique elements, unions, intersections, differences, membership.

How many elements there are depends on values: eagerly that is no problem; under `jit` and `vmap`
the number to return is given as ``size=``. All of it is sorting and comparing neighbours.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.errors import ConcretizationError, api
from rtorch.numpy.creation import full, zeros
from rtorch.numpy.cumulative import cumsum, diff
from rtorch.numpy.elementwise import clip, isnan, logical_and, logical_not, where
from rtorch.numpy.indexing import take
from rtorch.numpy.joining import concat
from rtorch.numpy.manipulation import moveaxis, ravel, reshape
from rtorch.numpy.operands import ArrayLike, axis_of, convert, integer_of, operand, promote
from rtorch.numpy.ranges import arange
from rtorch.numpy.reductions import any as any_along, count_nonzero
from rtorch.numpy.sorting import argsort, lexsort, searchsorted, sort
from rtorch.numpy.ufuncs import equal, not_equal, subtract

__all__ = [
    "intersect1d",
    "isin",
    "setdiff1d",
    "setxor1d",
    "union1d",
    "unique",
    "unique_all",
    "unique_counts",
    "unique_inverse",
    "unique_values",
]


class UniqueAll(NamedTuple):
    """What `unique_all` returns."""

    values: Array
    indices: Array
    inverse_indices: Array
    counts: Array


class UniqueCounts(NamedTuple):
    """What `unique_counts` returns."""

    values: Array
    counts: Array


class UniqueInverse(NamedTuple):
    """What `unique_inverse` returns."""

    values: Array
    inverse_indices: Array


@api
def unique(
    x: ArrayLike,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    *,
    equal_nan: bool = True,
    size: int | None = None,
    fill_value: ArrayLike | None = None,
) -> Any:
    """The elements of `x` in ascending order, each once.

    Args:
        x: An array.
        return_index: Also return where each is in `x` first.
        return_inverse: Also return the places in the result that the elements of `x` are at.
        return_counts: Also return how often each occurs.
        axis: Compare slices along this axis; None compares elements.
        equal_nan: Whether nan equals nan.
        size: How many to return. Needed under `jit` and `vmap`, where the number is not known.
        fill_value: What fills the places that are left over; by default the least element. Their
            counts are 0.

    Returns:
        The elements, or a tuple of these and what else is asked for; places and counts are int64.

    Raises:
        ConcretizationError: without `size`, if the values are not known.

    Example:
        >>> import rtorch as rt
        >>> rt.unique(rt.asarray([3, 1, 3]))
        Array([1, 3], dtype=int64)
        >>> rt.jit(lambda x: rt.unique(x, size=3, fill_value=0))(rt.asarray([3, 1, 3]))
        Array([1, 3, 0], dtype=int64)
    """
    found = _unique("unique", x, axis, equal_nan, size, fill_value)
    asked = (True, return_index, return_inverse, return_counts)
    out = tuple([part for part, wanted in zip(found, asked) if wanted])
    return out if len(out) > 1 else out[0]


@api
def unique_all(
    x: ArrayLike, /, *, size: int | None = None, fill_value: ArrayLike | None = None
) -> UniqueAll:
    """The unique elements, where each is first, where the elements of x are among them, counts.

    Every nan counts as an element of its own.

    Example:
        >>> import rtorch as rt
        >>> rt.unique_all(rt.asarray([3, 1, 3])).counts
        Array([1, 2], dtype=int64)
    """
    return _unique("unique_all", x, None, False, size, fill_value)


@api
def unique_counts(
    x: ArrayLike, /, *, size: int | None = None, fill_value: ArrayLike | None = None
) -> UniqueCounts:
    """The unique elements, and how often each occurs.

    Example:
        >>> import rtorch as rt
        >>> values, counts = rt.unique_counts(rt.asarray([3, 1, 3]))
        >>> counts
        Array([1, 2], dtype=int64)
    """
    found = _unique("unique_counts", x, None, False, size, fill_value)
    return UniqueCounts(found.values, found.counts)


@api
def unique_inverse(
    x: ArrayLike, /, *, size: int | None = None, fill_value: ArrayLike | None = None
) -> UniqueInverse:
    """The unique elements, and the places among them that the elements of x are at.

    Example:
        >>> import rtorch as rt
        >>> rt.unique_inverse(rt.asarray([3, 1, 3])).inverse_indices
        Array([1, 0, 1], dtype=int64)
    """
    found = _unique("unique_inverse", x, None, False, size, fill_value)
    return UniqueInverse(found.values, found.inverse_indices)


@api
def unique_values(
    x: ArrayLike, /, *, size: int | None = None, fill_value: ArrayLike | None = None
) -> Array:
    """The unique elements; every nan counts as one of its own.

    Example:
        >>> import rtorch as rt
        >>> rt.unique_values(rt.asarray([3, 1, 3]))
        Array([1, 3], dtype=int64)
    """
    return _unique("unique_values", x, None, False, size, fill_value).values


# ---- how -----------------------------------------------------------------------------------------


def _unique(
    name: str, x: Any, axis: int | None, equal_nan: bool, size: int | None, fill_value: Any
) -> UniqueAll:
    x = operand(x, name)
    if axis is None:
        rows = ravel(x)
        order = argsort(rows)
    else:
        axis = axis_of(axis, x.ndim, name)
        rows = moveaxis(x, axis, 0)
        order = _order_of_rows(rows)
    line = take(rows, order, axis=0)
    first = _first_of_equals(line, equal_nan)
    n = line.shape[0]
    starts = _places(name, first, size, n)
    values = _filled(line, starts, fill_value)
    if axis is not None:
        values = moveaxis(values, 0, axis)
    inverse = take(subtract(cumsum(first), 1), argsort(order))
    return UniqueAll(
        values,
        take(order, clip(_at_first(starts, n), 0, max(n - 1, 0))) if n else starts,
        reshape(inverse, x.shape) if axis is None else inverse,
        diff(concat([starts, full((1,), n, dtype=dtypes.int64)])),
    )


def _order_of_rows(rows: Array) -> Array:
    """The order of the slices along the first axis, by their elements from the first on."""
    flat = reshape(rows, (rows.shape[0], -1)) if rows.size else zeros((rows.shape[0], 1))
    return lexsort([flat[:, i] for i in reversed(range(flat.shape[1]))])


def _first_of_equals(line: Array, equal_nan: bool) -> Array:
    """Which slices along the first axis of a sorted array differ from the one before."""
    later, before = line[1:], line[:-1]
    differs = not_equal(later, before)
    if equal_nan and line.dtype in dtypes.INEXACT:
        differs = logical_and(differs, logical_not(logical_and(isnan(later), isnan(before))))
    if line.ndim > 1:
        differs = any_along(differs, tuple(range(1, line.ndim)))
    return concat([full(min(line.shape[0], 1), True, dtype=dtypes.bool_), differs])


def _places(name: str, chosen: Array, size: int | None, n: int) -> Array:
    """The places where `chosen` holds: all of them, or `size`, those left over being `n`."""
    if size is None:
        try:
            known = chosen._concrete(name)
        except ConcretizationError:
            raise ConcretizationError(
                f"[{name}] how many elements there are depends on values that are not known "
                "here; say how many to return with size=..., and what to fill up with by "
                "fill_value=..."
            ) from None
        return operand(np.flatnonzero(known if isinstance(known, np.ndarray) else known.get()))
    size = integer_of(size, name, "size")
    order = argsort(logical_not(chosen))[:size]  # stable: those that hold first, in order
    if size > n:
        order = concat([order, full((size - n,), n, dtype=dtypes.int64)])
    return where(arange(size) < count_nonzero(chosen), order, n)


def _at_first(starts: Array, n: int) -> Array:
    """`starts` with the first place for those that are left over."""
    return where(equal(starts, n), starts[:1], starts) if starts.shape[0] else starts


def _filled(line: Array, starts: Array, fill_value: Any) -> Array:
    """The slices of `line` at `starts`; `fill_value`, or the first, for what is left over."""
    n = line.shape[0]
    if n == 0:
        shape = (starts.shape[0], *line.shape[1:])
        return full(shape, 0 if fill_value is None else fill_value, dtype=line.dtype)
    if fill_value is None:
        return take(line, clip(_at_first(starts, n), 0, n - 1), axis=0)
    over = reshape(equal(starts, n), (-1,) + (1,) * (line.ndim - 1))
    values = take(line, clip(starts, 0, n - 1), axis=0)
    return where(over, convert(operand(fill_value), line.dtype), values)


# ---- two sets ------------------------------------------------------------------------------------


@api
def isin(
    x: ArrayLike, test_elements: ArrayLike, assume_unique: bool = False, invert: bool = False
) -> Array:
    """Whether each element of `x` is among `test_elements`.

    Args:
        x: An array.
        test_elements: An array of any shape.
        assume_unique: Exists for NumPy's sake.
        invert: Ask for the opposite.

    Example:
        >>> import rtorch as rt
        >>> rt.isin(rt.asarray([1, 2, 3]), [3, 1]).tolist()
        [True, False, True]
    """
    a, b = promote("isin", x, test_elements)
    line = sort(ravel(b))
    if line.shape[0] == 0:
        return full(a.shape, invert, dtype=dtypes.bool_)
    if line.dtype in dtypes.COMPLEXES or line.dtype is dtypes.bool_:
        found = any_along(equal(reshape(a, (*a.shape, 1)), line), -1)
    else:
        place = clip(searchsorted(line, a), 0, line.shape[0] - 1)
        found = equal(take(line, place), a)
    return logical_not(found) if invert else found


def _chosen_of_sorted(
    name: str, line: Array, chosen: Array, size: int | None, fill_value: Any
) -> tuple[Array, Array]:
    """The elements of a sorted line that differ from their neighbours and are chosen; places."""
    starts = _places(name, logical_and(_first_of_equals(line, True), chosen), size, line.shape[0])
    return _filled(line, starts, fill_value), starts


@api
def union1d(
    x: ArrayLike, y: ArrayLike, *, size: int | None = None, fill_value: ArrayLike | None = None
) -> Array:
    """The elements of both, each once, in ascending order; `size` as of `unique`.

    Example:
        >>> import rtorch as rt
        >>> rt.union1d([3, 1], [1, 2]).tolist()
        [1, 2, 3]
    """
    both = concat([ravel(z) for z in promote("union1d", x, y)])
    return _unique("union1d", both, None, True, size, fill_value).values


@api
def intersect1d(
    x: ArrayLike,
    y: ArrayLike,
    assume_unique: bool = False,
    return_indices: bool = False,
    *,
    size: int | None = None,
    fill_value: ArrayLike | None = None,
) -> Any:
    """The elements that are in both, each once, in ascending order.

    Args:
        x: An array.
        y: An array.
        assume_unique: Exists for NumPy's sake.
        return_indices: Also return where each is first in the flattened `x` and in `y`.
        size: As of `unique`.
        fill_value: As of `unique`.

    Example:
        >>> import rtorch as rt
        >>> rt.intersect1d([3, 1, 1], [1, 2]).tolist()
        [1]
    """
    a, b = (ravel(z) for z in promote("intersect1d", x, y))
    order = argsort(a)
    line = take(a, order)
    values, starts = _chosen_of_sorted("intersect1d", line, isin(line, b), size, fill_value)
    if not return_indices:
        return values
    at = clip(_at_first(starts, line.shape[0]), 0, max(line.shape[0] - 1, 0))
    in_b = argsort(b)
    there = searchsorted(take(b, in_b), take(line, at))
    return values, take(order, at), take(in_b, clip(there, 0, max(b.shape[0] - 1, 0)))


@api
def setdiff1d(
    x: ArrayLike,
    y: ArrayLike,
    assume_unique: bool = False,
    *,
    size: int | None = None,
    fill_value: ArrayLike | None = None,
) -> Array:
    """The elements of `x` that are not in `y`, each once, in ascending order.

    Args:
        x: An array.
        y: An array.
        assume_unique: The elements of `x` are known to differ; they keep their order then.
        size: As of `unique`.
        fill_value: As of `unique`.

    Example:
        >>> import rtorch as rt
        >>> rt.setdiff1d([3, 1, 2], [1, 5]).tolist()
        [2, 3]
    """
    a, b = (ravel(z) for z in promote("setdiff1d", x, y))
    if assume_unique:
        starts = _places("setdiff1d", isin(a, b, invert=True), size, a.shape[0])
        return _filled(a, starts, fill_value)
    line = sort(a)
    return _chosen_of_sorted("setdiff1d", line, isin(line, b, invert=True), size, fill_value)[0]


@api
def setxor1d(
    x: ArrayLike,
    y: ArrayLike,
    assume_unique: bool = False,
    *,
    size: int | None = None,
    fill_value: ArrayLike | None = None,
) -> Array:
    """The elements that are in one of both only, each once, in ascending order.

    Args:
        x: An array.
        y: An array.
        assume_unique: Exists for NumPy's sake.
        size: As of `unique`.
        fill_value: As of `unique`.

    Example:
        >>> import rtorch as rt
        >>> rt.setxor1d([3, 1], [1, 2]).tolist()
        [2, 3]
    """
    a, b = (ravel(z) for z in promote("setxor1d", x, y))
    line = sort(concat([a, b]))
    once = logical_not(logical_and(isin(line, a), isin(line, b)))
    return _chosen_of_sorted("setxor1d", line, once, size, fill_value)[0]
