"""Indexing as NumPy defines it, on immutable arrays: ``x[index]`` and ``x.at[index].set(...)``.

An index is parsed once (`parse`) into one item per axis: a slice, an integer, an array, or a new
axis. Slices become `slice_p`, arrays `gather_p` or `scatter_p`; where NumPy puts the axes of
index arrays is decided in `_layout`. An index out of bounds raises unless a mode says otherwise.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from rtorch.core import backend, dtypes
from rtorch.core.array import Array, wrap
from rtorch.core.trace import EVAL, Tracer, state
from rtorch.errors import (
    ArgumentError,
    ConcretizationError,
    DTypeError,
    OutOfBoundsError,
    ShapeError,
    api,
    describe,
)
from rtorch.numpy import operands as op
from rtorch.numpy import ufuncs
from rtorch.ops import indexing as ix
from rtorch.ops.base import move_dim, permute_dims_p, reshape_p
from rtorch.ops.comparison import select_p
from rtorch.ops.creation import full_p
from rtorch.ops.shape import flip_p, slice_p

MODES = ("raise", "clip", "wrap", "fill")


class Item(NamedTuple):
    """One part of an index: on `axis`, or a new axis (None)."""

    axis: int | None
    start: int = 0
    length: int = 1
    step: int = 1
    keep: bool = True  # False: an integer, whose axis goes
    array: Array | None = None


class Layout(NamedTuple):
    """What an index does to an array of a given shape."""

    items: list[Item]
    arrays: list[Item]  # those with an index array, all of one shape
    block: tuple[int, ...]  # that shape
    place: int  # where the axes of `block` stand among the sliced axes
    sliced: tuple[int, ...]  # the lengths of all axes after slicing
    shape: tuple[int, ...]  # the result's shape


# ---- parsing -------------------------------------------------------------------------------------


def parse(shape: tuple[int, ...], index: Any, mode: str) -> list[Item]:
    """`index` as items, one for every axis of `shape` and every new one."""
    parts = _expand_ellipsis(list(index) if isinstance(index, tuple) else [index], shape)
    items: list[Item] = []
    axis = 0
    for part in parts:
        if part is None:
            items.append(Item(None))
        elif _is_mask(part):
            arrays = _nonzero(part, shape, axis)
            items += [Item(axis + i, array=a) for i, a in enumerate(arrays)]
            axis += len(arrays)
        else:
            items.append(_item(part, axis, shape[axis], mode))
            axis += 1
    return items


def _n_axes(part: Any) -> int:
    if part is None:
        return 0
    return len(_shape_of(part)) if _is_mask(part) else 1


def _shape_of(part: Any) -> tuple[int, ...]:
    return part.shape if isinstance(part, Array) else np.shape(part)


def _is_mask(part: Any) -> bool:
    if isinstance(part, (Array, ndarray)):
        return part.dtype == bool
    if isinstance(part, list) and part:
        try:
            return np.asarray(part).dtype == bool
        except (ValueError, TypeError):  # `operand` will say what is wrong with it
            return False
    return isinstance(part, (bool, np.bool_))


def _expand_ellipsis(parts: list[Any], shape: tuple[int, ...]) -> list[Any]:
    dots = [i for i, p in enumerate(parts) if p is Ellipsis]
    if len(dots) > 1:
        raise ArgumentError("[indexing] an index has at most one ellipsis (...)")
    used = sum(_n_axes(p) for p in parts if p is not Ellipsis)
    if used > len(shape):
        raise OutOfBoundsError(f"[indexing] too many indices: {used} for an array of shape {shape}")
    rest = [slice(None)] * (len(shape) - used)
    at = dots[0] if dots else len(parts)
    return parts[:at] + rest + parts[at + bool(dots) :]


def _item(part: Any, axis: int, n: int, mode: str) -> Item:
    if isinstance(part, slice):
        try:
            start, stop, step = part.indices(n)
        except TypeError:
            if any(isinstance(p, Tracer) for p in (part.start, part.stop, part.step)):
                raise ConcretizationError(
                    "[indexing] the ends of a slice must be known numbers, since the result's "
                    "shape depends on them; use rt.dynamic_slice(x, starts, sizes)"
                ) from None
            raise ArgumentError(f"[indexing] expected integers in {part}") from None
        except ValueError:
            raise ArgumentError("[indexing] the step of a slice must not be 0") from None
        return Item(axis, start, len(range(start, stop, step)), step)
    if isinstance(part, (Array, ndarray)) or not hasattr(type(part), "__index__"):
        return Item(axis, array=_index_array(part))
    i = operator.index(part)
    if not -n <= i < n:
        if mode != "raise":
            return Item(axis, array=_index_array(i))
        raise OutOfBoundsError(
            f"[indexing] index {i} is out of bounds for axis {axis} of length {n}"
        )
    return Item(axis, i % n, keep=False)


def _index_array(part: Any) -> Array:
    if isinstance(part, (list, tuple)) and not part:
        part = np.zeros(0, np.int64)
    if not isinstance(part, (Array, ndarray, np.generic, list, tuple, int)):
        raise ArgumentError(
            "[indexing] expected integers, slices, None, ..., boolean or integer arrays, got "
            f"{describe(part)}"
        )
    array = op.operand(part, "indexing")
    if array.dtype not in dtypes.INTEGERS:
        raise DTypeError(
            f"[indexing] an index array must have an integer or bool dtype, got {array.aval}"
        )
    return op.convert(array, dtypes.int64)


def _nonzero(mask: Any, shape: tuple[int, ...], axis: int) -> list[Array]:
    """A boolean index as index arrays: its shape must match the axes it covers."""
    own = _shape_of(mask)
    covered = shape[axis : axis + len(own)]
    if not own:
        raise ArgumentError("[indexing] True and False are no indices; use x[None] or rt.where")
    if own != covered:
        raise ShapeError(
            f"[indexing] a boolean index of shape {own} does not match the "
            f"axes it covers, of shape {covered}"
        )
    try:
        data = mask._concrete("boolean index") if isinstance(mask, Array) else np.asarray(mask)
    except ConcretizationError:
        raise ConcretizationError(
            "[indexing] the number of elements that a traced boolean mask selects is not known. "
            "Use rt.where(mask, x, other), x.at[mask].set(number), or run eagerly"
        ) from None
    return [wrap(i.astype(np.int64)) for i in data.nonzero()]


def layout(shape: tuple[int, ...], index: Any, mode: str) -> Layout:
    """Parse `index` and find what it does to an array of `shape`."""
    items = parse(shape, index, mode)
    if any(i.array is not None for i in items):  # beside arrays, integers are arrays too
        items = [i if i.keep else Item(i.axis, array=_index_array(i.start)) for i in items]
    arrays = [i for i in items if i.array is not None]
    block = op.broadcast_shapes("indexing", *[i.array.shape for i in arrays if i.array is not None])
    arrays = [i._replace(array=op.broadcast(i.array, block)) for i in arrays if i.array is not None]
    sliced = [*shape]
    for i in items:
        if i.axis is not None and i.array is None:
            sliced[i.axis] = i.length
    where = [n for n, i in enumerate(items) if i.array is not None]
    together = bool(where) and where[-1] - where[0] == len(where) - 1
    first = where[0] if together else 0
    place = sum(i.axis is not None for i in items[:first])
    lengths = [i.length for i in items[:first] if i.array is None and i.keep]
    after = [i.length for i in items[first:] if i.array is None and i.keep]
    return Layout(items, arrays, block, place, tuple(sliced), (*lengths, *block, *after))


# ---- reading -------------------------------------------------------------------------------------


def _bounds(x: Array, at: Layout) -> dict[str, tuple[int, ...]]:
    """The positive-step slice that covers the items' slices."""
    starts, limits, strides = [0] * x.ndim, list(x.shape), [1] * x.ndim
    for i in at.items:
        if i.axis is None or i.array is not None:
            continue
        last = i.start + (i.length - 1) * i.step
        low, high = (i.start, last) if i.step > 0 else (last, i.start)
        starts[i.axis], strides[i.axis] = (low, abs(i.step)) if i.length else (0, 1)
        limits[i.axis] = high + 1 if i.length else 0
    return {"starts": tuple(starts), "limits": tuple(limits), "strides": tuple(strides)}


def _flipped(at: Layout) -> tuple[int, ...]:
    return tuple([i.axis for i in at.items if i.axis is not None and i.step < 0])


def _slice(x: Array, at: Layout, bounds: dict[str, tuple[int, ...]]) -> Array:
    if at.sliced != x.shape or any(s != 1 for s in bounds["strides"]):
        x = slice_p(x, **bounds)
    return flip_p(x, axes=flips) if (flips := _flipped(at)) else x


def _block_axes(at: Layout, ndim: int) -> tuple[int, ...]:
    """The order of axes that moves the block from the front to its place."""
    n = len(at.block)
    rest = range(n, n + ndim - len(at.arrays))
    return (*rest[: at.place], *range(n), *rest[at.place :])


def _reshaped(x: Array, shape: tuple[int, ...]) -> Array:
    return x if x.shape == shape else reshape_p(x, shape=shape)


def getitem(x: Array, index: Any, mode: str = "raise", fill: Any = 0) -> Array:
    """``x[index]``."""
    at = layout(x.shape, index, mode)
    out = _slice(x, at, _bounds(x, at))
    if at.arrays:
        axes = tuple([i.axis for i in at.arrays])
        out = ix.gather_p(out, *[i.array for i in at.arrays], axes=axes, mode=mode, fill=fill)
        if at.place:
            out = permute_dims_p(out, axes=_block_axes(at, x.ndim))
    return _reshaped(out, at.shape)


# ---- writing -------------------------------------------------------------------------------------

# For each kind of update: the function for slices, and what `scatter_p` calls it.
_COMBINE: dict[str, Callable[[Any, Any], Any]] = {
    "add": ufuncs.add,
    "mul": ufuncs.multiply,
    "min": ufuncs.minimum,
    "max": ufuncs.maximum,
}


def setitem(x: Array, index: Any, value: Any, how: str, mode: str) -> Array:
    """`x` with `value` set at `index`, or combined with what is there."""
    value = _as_value(x, value, how)
    mask = index[0] if isinstance(index, tuple) and len(index) == 1 else index
    if isinstance(mask, Tracer) and mask.dtype is dtypes.bool_:
        return _set_where(x, mask, value, how)
    at = layout(x.shape, index, mode)
    if (extra := len(value.shape) - len(at.shape)) > 0 and value.shape[:extra] == (1,) * extra:
        value = reshape_p(value, shape=value.shape[extra:])  # NumPy takes them too
    if value.shape != at.shape:
        joint = op.broadcast_shapes(f"at[].{how}", value.shape, at.shape)
        if joint != at.shape:
            raise ShapeError(
                f"[at[].{how}] a value of shape {value.shape} does not broadcast to the shape "
                f"{at.shape} of x[index]"
            )
        value = op.broadcast(value, at.shape)
    bounds = _bounds(x, at)
    whole = at.sliced == x.shape and not _flipped(at) and all(s == 1 for s in bounds["strides"])
    part = x if whole else _slice(x, at, bounds)
    part = _update(part, value, at, how, mode)
    if whole:
        return part
    if flips := _flipped(at):
        part = flip_p(part, axes=flips)
    return ix.update_slice_p(x, part, **bounds)


def _as_value(x: Array, value: Any, how: str) -> Array:
    if type(value) is int and x.dtype in dtypes.INTEGERS:
        op.check_range(value, x.dtype, f"at[].{how}")
    value = op.operand(value, f"at[].{how}")
    joint = op.common_dtype(x, value) if x.dtype is not value.dtype else x.dtype
    kinds = (dtypes.INEXACT, dtypes.COMPLEXES)
    if any(joint in kind and x.dtype not in kind for kind in kinds):
        raise DTypeError(
            f"[at[].{how}] a value of dtype {value.dtype} would lose in an array of dtype "
            f"{x.dtype}; convert one of them with .astype(...)"
        )
    return op.convert(value, x.dtype)


def _update(part: Array, value: Array, at: Layout, how: str, mode: str) -> Array:
    """The sliced region with `value` in it."""
    if not at.arrays:
        value = _reshaped(value, part.shape)
        return value if how == "set" else _COMBINE[how](part, value)
    rest = [n for a, n in enumerate(part.shape) if all(i.axis != a for i in at.arrays)]
    placed = (*rest[: at.place], *at.block, *rest[at.place :])
    value = _reshaped(value, placed)
    for i in range(len(at.block)):
        value = move_dim(value, at.place + i, i)
    axes = tuple([i.axis for i in at.arrays])
    indices = [i.array for i in at.arrays]
    return ix.scatter_p(part, value, *indices, axes=axes, mode=mode, op=how)


def _set_where(x: Array, mask: Array, value: Array, how: str) -> Array:
    """A traced mask: every element stays or becomes what a value without axes makes of it."""
    if value.ndim:
        raise ConcretizationError(
            f"[at[].{how}] with a traced boolean mask the value must be a number, not "
            f"{value.aval}: how many elements the mask selects is not known. Use rt.where"
        )
    if mask.shape != x.shape[: mask.ndim]:
        raise ShapeError(f"[at[].{how}] mask of shape {mask.shape} on an array of {x.shape}")
    mask = _reshaped(mask, mask.shape + (1,) * (x.ndim - mask.ndim))
    new = op.broadcast(value, x.shape)
    new = new if how == "set" else _COMBINE[how](x, new)
    return select_p(op.broadcast(mask, x.shape), new, x)


# ---- x[...] and x.at[...] ------------------------------------------------------------------------

_BASIC = frozenset({int, slice, type(None), type(Ellipsis)})


def _raw_index(index: Any) -> Any:
    """What NumPy takes for `index` and reads as we do; None if there is more to it."""
    kind = type(index)
    if kind is Array:
        return index._data if index.shape or index.dtype is not dtypes.bool_ else None
    if kind is int or kind is slice:
        return index
    if kind is tuple and _BASIC.issuperset(map(type, index)):
        return index
    return None


@api
def array_getitem(x: Array, index: Any) -> Array:
    """``x[index]`` as an entry point."""
    return getitem(x, index)


def fast_getitem(x: Array, index: Any) -> Array:
    """``x[index]``: directly by NumPy where nothing is traced."""
    if type(x) is Array and state.trace is EVAL and (raw := _raw_index(index)) is not None:
        try:
            out = x._data[raw]
        except (IndexError, TypeError, ValueError):
            pass  # the long way round has the better message
        else:
            return Array(out) if type(out) is ndarray else wrap(out)
    return array_getitem(x, index)


class At:
    """``x.at``: index it, then say what to do there."""

    __slots__ = ("_x",)

    def __init__(self, x: Array) -> None:
        self._x = x

    def __getitem__(self, index: Any) -> Place:
        return Place(self._x, index)

    def __repr__(self) -> str:
        return f"{self._x!r}.at"


class Place:
    """``x.at[index]``: methods that return a new array, updated at `index`.

    `mode` says what an index out of bounds does: ``"raise"`` (the default), ``"clip"``,
    ``"wrap"``, or ``"fill"`` (nothing is written). Updates of one place named several times all
    count; of `set`, the last.

    Example:
        >>> import rtorch as rt
        >>> x = rt.zeros(3)
        >>> x.at[rt.asarray([0, 0, 2])].add(1.0).tolist()
        [2.0, 0.0, 1.0]
    """

    __slots__ = ("_index", "_x")

    def __init__(self, x: Array, index: Any) -> None:
        self._x = x
        self._index = index

    @api
    def _apply(self, value: Any, how: str, mode: str) -> Array:
        if mode not in MODES:
            raise ArgumentError(f"[at[].{how}] mode: expected one of {MODES}, got {mode!r}")
        return setitem(self._x, self._index, value, how, mode)

    def set(self, value: Any, *, mode: str = "raise") -> Array:
        """x with x[index] replaced by `value`."""
        x = self._x
        if type(x) is Array and state.trace is EVAL and mode == "raise":
            raw = _raw_index(self._index)
            kind = type(value)
            plain = kind is Array and value.dtype is x.dtype
            if raw is not None and (plain or (kind is float and x.dtype in dtypes.FLOATS)):
                out = x._data.copy()
                try:
                    out[raw] = value._data if plain else value
                    return Array(out)
                except (IndexError, TypeError, ValueError):
                    pass  # the long way round has the better message
        return self._apply(value, "set", mode)

    def add(self, value: Any, *, mode: str = "raise") -> Array:
        """x with `value` added to x[index]."""
        return self._apply(value, "add", mode)

    def subtract(self, value: Any, *, mode: str = "raise") -> Array:
        """x with `value` subtracted from x[index]."""
        return self._apply(ufuncs.negative(value), "add", mode)

    def multiply(self, value: Any, *, mode: str = "raise") -> Array:
        """x with x[index] multiplied by `value`."""
        return self._apply(value, "mul", mode)

    mul = multiply

    def divide(self, value: Any, *, mode: str = "raise") -> Array:
        """x with x[index] divided by `value`."""
        divisor = ones_like(self._x).at[self._index].multiply(value, mode=mode)
        return ufuncs.divide(self._x, divisor)

    def power(self, value: Any, *, mode: str = "raise") -> Array:
        """x with x[index] to the power `value`."""
        exponent = ones_like(self._x).at[self._index].multiply(value, mode=mode)
        return ufuncs.power(self._x, exponent)

    def min(self, value: Any, *, mode: str = "raise") -> Array:
        """x with the smaller of x[index] and `value`."""
        return self._apply(value, "min", mode)

    def max(self, value: Any, *, mode: str = "raise") -> Array:
        """x with the larger of x[index] and `value`."""
        return self._apply(value, "max", mode)

    def apply(self, function: Callable[[Array], Array], *, mode: str = "raise") -> Array:
        """x with x[index] replaced by ``function(x[index])``."""
        if not callable(function):
            raise ArgumentError(f"[at[].apply] expected a function, got {describe(function)}")
        return self.set(function(self.get(mode=mode)), mode=mode)

    @api
    def get(self, *, mode: str = "raise", fill_value: Any = None) -> Array:
        """x[index], where `mode` "fill" gives `fill_value` (default: nan, or 0 of integers)."""
        if mode not in MODES:
            raise ArgumentError(f"[at[].get] mode: expected one of {MODES}, got {mode!r}")
        if fill_value is None:
            fill_value = float("nan") if self._x.dtype in dtypes.INEXACT else 0
        return getitem(self._x, self._index, mode, fill_value)


def ones_like(x: Array) -> Array:
    """Ones of the shape and dtype of `x`."""
    return full_p(shape=x.shape, value=1, dtype=x.dtype, device=backend.CPU)


# ---- functions -----------------------------------------------------------------------------------


@api
def take(
    x: Any, indices: Any, /, axis: int | None = None, *, mode: str = "raise", fill_value: Any = None
) -> Array:
    """The elements of x at `indices` along `axis` (of the flattened x for None).

    Args:
        x: Array.
        indices: Integer array of any shape; negative ones count from the end.
        axis: The axis to take along.
        mode: What an index out of bounds does: "raise", "clip", "wrap" or "fill".
        fill_value: What "fill" gives.

    Example:
        >>> import rtorch as rt
        >>> rt.take(rt.asarray([10, 20, 30]), rt.asarray([2, 0])).tolist()
        [30, 10]
    """
    x = op.operand(x, "take")
    if axis is None:
        x, axis = reshape_p(x, shape=(x.size,)), 0
    axis = op.axis_of(axis, x.ndim, "take")
    index = (slice(None),) * axis + (_index_array(indices),)
    return Place(x, index).get(mode=mode, fill_value=fill_value)


@api
def take_along_axis(x: Any, indices: Any, /, axis: int = -1) -> Array:
    """``out[.., i, ..] = x[.., indices[.., i, ..], ..]`` along `axis`.

    Args:
        x: Array.
        indices: Integer array with as many axes as x; the other axes broadcast.
        axis: The axis that `indices` indexes.

    Example:
        >>> import rtorch as rt
        >>> x = rt.asarray([[3, 1, 2]])
        >>> rt.take_along_axis(x, rt.argsort(x), axis=-1).tolist()
        [[1, 2, 3]]
    """
    x, index = op.operand(x, "take_along_axis"), _index_array(indices)
    if x.ndim != index.ndim:
        raise ShapeError(
            f"[take_along_axis] x has {x.ndim} axes and indices have {index.ndim}; they must agree"
        )
    axis = op.axis_of(axis, x.ndim, "take_along_axis")
    others = op.broadcast_shapes(
        "take_along_axis",
        *[(*s[:axis], 1, *s[axis + 1 :]) for s in (x.shape, index.shape)],
    )
    x = op.broadcast(x, (*others[:axis], x.shape[axis], *others[axis + 1 :]))
    index = op.broadcast(index, (*others[:axis], index.shape[axis], *others[axis + 1 :]))
    return ix.take_along(x, index, axis)


@api
def dynamic_slice(x: Any, starts: Any, sizes: Any) -> Array:
    """A block of `sizes` elements from `starts` on, which may be traced.

    A start too near the end (or negative) is moved so that the block lies inside.

    Args:
        x: Array.
        starts: One integer or integer array without axes for every axis of x.
        sizes: The result's shape.

    Example:
        >>> import rtorch as rt
        >>> rt.dynamic_slice(rt.arange(5), (1,), (3,)).tolist()
        [1, 2, 3]
    """
    x = op.operand(x, "dynamic_slice")
    sizes = op.shape_of(sizes, "dynamic_slice")
    if len(sizes) != x.ndim or any(m > n for m, n in zip(sizes, x.shape)):
        raise ShapeError(f"[dynamic_slice] sizes {sizes} do not fit into the shape {x.shape}")
    return ix.dynamic_slice_p(x, *_starts(x, starts, "dynamic_slice"), sizes=sizes)


@api
def dynamic_update_slice(x: Any, update: Any, starts: Any) -> Array:
    """x with the block `update` written from `starts` on, which may be traced.

    A start too near the end (or negative) is moved so that the block lies inside.

    Args:
        x: Array.
        update: Array with as many axes as x, none longer.
        starts: One integer or integer array without axes for every axis of x.

    Example:
        >>> import rtorch as rt
        >>> rt.dynamic_update_slice(rt.zeros(4), rt.ones(2), (1,)).tolist()
        [0.0, 1.0, 1.0, 0.0]
    """
    x = op.operand(x, "dynamic_update_slice")
    value = _as_value(x, update, "dynamic_update_slice")
    if value.ndim != x.ndim or any(m > n for m, n in zip(value.shape, x.shape)):
        raise ShapeError(
            f"[dynamic_update_slice] update {value.shape} does not fit into the shape {x.shape}"
        )
    return ix.dynamic_update_slice_p(x, value, *_starts(x, starts, "dynamic_update_slice"))


def _starts(x: Array, starts: Any, name: str) -> list[Array]:
    starts = list(starts) if isinstance(starts, (tuple, list)) else list(op.operand(starts, name))
    if len(starts) != x.ndim:
        raise ShapeError(f"[{name}] expected {x.ndim} starts, one per axis, got {len(starts)}")
    return [_index_array(s) for s in starts]
