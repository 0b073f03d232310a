"""What an index does to an array: parsed once into one item per axis.

An item is a slice, an integer, an array, or a new axis; where NumPy puts the axes of index arrays
is decided in `layout`.
"""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from rtorch.core import dtypes
from rtorch.core.array import Array, wrap
from rtorch.core.trace import Tracer
from rtorch.errors import (
    ArgumentError,
    AxisError,
    ConcretizationError,
    DTypeError,
    OutOfBoundsError,
    describe,
)
from rtorch.numpy import operands as op

MODES = ("raise", "clip", "wrap", "fill", "drop", "promise_in_bounds")
_MEANING = {None: "raise", "drop": "fill", "promise_in_bounds": "clip"}


def mode_of(mode: Any, name: str) -> str:
    """What `mode` means to the primitives: "raise", "clip", "wrap" or "fill"."""
    if mode is not None and mode not in MODES:
        raise ArgumentError(f"[{name}] mode: expected one of {MODES}, got {mode!r}")
    return _MEANING.get(mode, mode)


class Item(NamedTuple):
    """One part of an index: on `axis`, or a new axis (None), or neither (None, without `keep`)."""

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
        elif part is Ellipsis:  # it covers no axis, but stands between arrays, as in NumPy
            items.append(Item(None, keep=False))
        elif _is_mask(part):
            arrays = _nonzero(part, shape, axis)
            items += [Item(axis + i, array=a) for i, a in enumerate(arrays)]
            axis += len(arrays)
        else:
            items.append(_item(part, axis, shape[axis], mode))
            axis += 1
    return items


def n_axes(part: Any) -> int:
    """How many axes a part of an index covers."""
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
    used = sum(n_axes(p) for p in parts if p is not Ellipsis)
    if used > len(shape):
        raise OutOfBoundsError(f"[indexing] too many indices: {used} for an array of shape {shape}")
    rest: list[Any] = [slice(None)] * (len(shape) - used) or [...] * len(dots)
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
        return Item(axis, array=index_array(part))
    i = operator.index(part)
    if not -n <= i < n:
        if mode != "raise":
            return Item(axis, array=index_array(i))
        raise OutOfBoundsError(
            f"[indexing] index {i} is out of bounds for axis {axis} of length {n}"
        )
    return Item(axis, i % n, keep=False)


def index_array(part: Any) -> Array:
    """An index array or list as an Array of integers."""
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
        raise AxisError(  # an IndexError too, as NumPy has it
            f"[indexing] a boolean index of shape {own} does not match the "
            f"axes it covers, of shape {covered}"
        )
    try:
        data = mask._concrete("boolean index") if isinstance(mask, Array) else np.asarray(mask)
    except ConcretizationError:
        raise ConcretizationError(
            "[indexing] the number of elements that a traced boolean mask selects is not known. "
            "Use rt.where(mask, x, other), x.at[mask].set(number), x[rt.nonzero(mask, size=n)] "
            "with a number of them that you choose, or run eagerly"
        ) from None
    return [wrap(i.astype(np.int64)) for i in data.nonzero()]


def layout(shape: tuple[int, ...], index: Any, mode: str) -> Layout:
    """Parse `index` and find what it does to an array of `shape`."""
    items = parse(shape, index, mode)
    if any(i.array is not None for i in items):  # beside arrays, integers are arrays too
        items = [Item(i.axis, array=index_array(i.start)) if i.axis is not None and not i.keep
                 else i for i in items]  # fmt: skip
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
