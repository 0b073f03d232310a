"""Elements put in, taken out, and cut off."""

from __future__ import annotations

from typing import Any

import numpy as np

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.core.trace import Tracer
from rtorch.errors import (
    ArgumentError,
    ConcretizationError,
    OutOfBoundsError,
    ShapeError,
    api,
)
from rtorch.numpy.access import as_value, getitem
from rtorch.numpy.at import Place
from rtorch.numpy.creation import zeros
from rtorch.numpy.elementwise import where
from rtorch.numpy.joining import concatenate
from rtorch.numpy.layout import index_array
from rtorch.numpy.manipulation import broadcast_to, moveaxis, ravel
from rtorch.numpy.operands import ArrayLike, Axis, axes_of, axis_of, broadcast_shapes, operand
from rtorch.numpy.ranges import arange
from rtorch.numpy.reductions import sum as sum_along
from rtorch.numpy.sorting import argsort, sort
from rtorch.ops.base import reshape_p

__all__ = ["delete", "insert", "trim_zeros"]


# ---- insert --------------------------------------------------------------------------------------


@api
def insert(x: ArrayLike, obj: Any, values: ArrayLike, axis: int | None = None) -> Array:
    """`x` with `values` put in before the places `obj`.

    Args:
        x: Array.
        obj: An integer, a slice, integers or truth values; the places are those in `x`.
        values: Broadcasts to the slices that are put in; converted to the dtype of x.
        axis: An axis; None flattens `x`.

    Raises:
        OutOfBoundsError: if a place is outside; traced places are not checked.

    Example:
        >>> import rtorch as rt
        >>> rt.insert(rt.arange(4), [1, 3], [10, 20])
        Array([ 0, 10,  1,  2, 20,  3], dtype=int64)
    """
    x = operand(x, "insert")
    if axis is None:
        x, axis = ravel(x), 0
    place = axis_of(axis, x.ndim, "insert")
    value = as_value(x, values, "insert")
    value = reshape_p(value, shape=(1,) * (x.ndim - value.ndim) + value.shape)
    n = x.shape[place]
    places = index_array(obj) if _is_traced(obj) else _places(obj, n)
    if not places.ndim:  # one place: a block is put in, whose first axis may be the new one
        value = moveaxis(value, 0, place)
    count = value.shape[place] if places.size == 1 else places.size
    lengths = (*x.shape[:place], count, *x.shape[place + 1 :])
    if broadcast_shapes("insert", value.shape, lengths) != lengths:
        raise ShapeError(f"[insert] values of shape {value.shape} do not fit the shape {lengths}")
    if isinstance(places, Array):
        source: Any = _traced_source(places, n, count)
    else:
        new = np.arange(n, n + count)
        source = _edited("insert", lambda old: np.insert(old, places, new), n, place)
    return _take(concatenate([x, broadcast_to(value, lengths)], place), source, place)


def _places(obj: Any, n: int) -> Any:
    """Known places as an integer array."""
    if isinstance(obj, slice):
        return np.arange(n)[obj]
    raw = np.asarray(obj)
    if raw.dtype == bool:
        return np.flatnonzero(raw)
    if raw.size and not np.issubdtype(raw.dtype, np.integer):
        raise ArgumentError(f"[insert] obj: expected integers or truth values, got {obj!r}")
    return raw.astype(np.int64)


def _traced_source(places: Array, n: int, count: int) -> Array:
    """Where each element of the result stands in the array with the new ones joined to its end."""
    index = broadcast_to(ravel(places), (count,))
    index = where(index < 0, index + n, index)
    order = argsort(index)
    before = arange(n, device=index.device)
    new = index[order] + arange(count, device=index.device)
    old = before + sum_along(index <= before[:, None], axis=1)
    source = zeros(n + count, dtypes.int64, device=index.device)
    return Place(Place(source, new).set(order + n), old).set(before)


# ---- delete --------------------------------------------------------------------------------------


@api
def delete(
    x: ArrayLike, obj: Any, axis: int | None = None, *, assume_unique_indices: bool = False
) -> Array:
    """`x` without the elements (or slices) at the places `obj`.

    Args:
        x: Array.
        obj: An integer, a slice, integers or truth values.
        axis: An axis; None flattens `x`.
        assume_unique_indices: Promise that no place is named twice. Needed for several traced
            places, since the result's length depends on how many different ones there are.

    Raises:
        OutOfBoundsError: if a place is outside; traced places are not checked.

    Example:
        >>> import rtorch as rt
        >>> rt.delete(rt.arange(4), [1, 3])
        Array([0, 2], dtype=int64)
    """
    x = operand(x, "delete")
    if axis is None:
        x, axis = ravel(x), 0
    place = axis_of(axis, x.ndim, "delete")
    n = x.shape[place]
    if not _is_traced(obj):
        raw = np.asarray(obj) if isinstance(obj, Array) else obj
        return _take(x, _edited("delete", lambda old: np.delete(old, raw), n, place), place)
    if obj.dtype is dtypes.bool_ or (obj.size > 1 and not assume_unique_indices):
        raise ConcretizationError(
            "[delete] under jit and vmap the length of the result is not known: pass integers "
            "with assume_unique_indices=True"
        )
    index = ravel(index_array(obj))
    gone = sort(where(index < 0, index + n, index))
    kept = arange(max(n - gone.size, 0), device=gone.device)
    # Of the places that stay, number k is behind as many of those that go as there are gaps <= k.
    behind = sum_along(gone - arange(gone.size, device=gone.device) <= kept[:, None], axis=1)
    return _take(x, kept + behind, place)


def _take(x: Array, index: Any, axis: int) -> Array:
    return getitem(x, (slice(None),) * axis + (index,))


def _is_traced(obj: Any) -> bool:
    """Whether the values of `obj` are not known."""
    if not isinstance(obj, Tracer):
        return False
    try:
        obj._concrete("places")
    except ConcretizationError:
        return True
    return False


def _edited(name: str, edit: Any, n: int, axis: int) -> Any:
    """What NumPy's function makes of the places ``0, ..., n - 1``, with our errors."""
    try:
        return edit(np.arange(n))
    except IndexError:
        raise OutOfBoundsError(
            f"[{name}] an index is out of bounds for axis {axis} of length {n}"
        ) from None
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"[{name}] {error}") from None


# ---- trimming ------------------------------------------------------------------------------------


@api
def trim_zeros(x: ArrayLike, trim: str = "fb", axis: Axis = None) -> Array:
    """`x` without the zeros at its ends: without slices that hold nothing but zeros.

    Args:
        x: Array, whose values must be known: the shape of the result depends on them.
        trim: ``"f"`` cuts in front, ``"b"`` at the back, ``"fb"`` both.
        axis: An axis, several, or None for all.

    Example:
        >>> import rtorch as rt
        >>> rt.trim_zeros(rt.asarray([0, 0, 1, 0, 2, 0]))
        Array([1, 0, 2], dtype=int64)
    """
    x = operand(x, "trim_zeros")
    ends = str(trim).lower()
    if ends not in ("f", "b", "fb", "bf"):
        raise ArgumentError(f"[trim_zeros] trim: expected 'f', 'b' or 'fb', got {trim!r}")
    try:
        places = x._concrete("trim_zeros").nonzero() if x.ndim else ()
    except ConcretizationError:
        raise ConcretizationError(
            "[trim_zeros] the shape of the result depends on the values, which are not known "
            "under jit and vmap; call it outside"
        ) from None
    index = [slice(None)] * x.ndim
    for a in axes_of(axis, x.ndim, "trim_zeros"):
        found = places[a]
        start, stop = (int(found.min()), int(found.max()) + 1) if found.size else (0, 0)
        if found.size:  # else nothing stays
            start, stop = start if "f" in ends else 0, stop if "b" in ends else x.shape[a]
        index[a] = slice(start, stop)
    return getitem(x, tuple(index))
