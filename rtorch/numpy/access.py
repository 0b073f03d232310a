"""Reading and writing what an index names: slices become `slice_p`, arrays gather and scatter.

An index out of bounds raises unless a mode says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.core.trace import Tracer
from rtorch.errors import (
    ConcretizationError,
    DTypeError,
    ShapeError,
)
from rtorch.numpy import operands as op, ufuncs
from rtorch.numpy.layout import Layout, layout, n_axes
from rtorch.ops import indexing as ix
from rtorch.ops.base import move_dim, permute_dims_p, reshape_p
from rtorch.ops.comparison import select_p
from rtorch.ops.shape import flip_p, slice_p

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


def _without_bare_truth(x: Array, index: Any) -> tuple[Array, Any]:
    """True and False as indices become index arrays of length 1 and 0 on new axes of length 1."""
    parts = index if isinstance(index, tuple) else (index,)
    if not any(_is_truth(p) for p in parts):
        return x, index
    shape, out, axis = list(x.shape), [], 0
    n_rest = x.ndim - sum(n_axes(p) for p in parts if p is not Ellipsis)
    for part in parts:
        if _is_truth(part):
            shape.insert(axis, 1)
            out.append(np.zeros(1 if bool(part) else 0, np.int64))
            axis += 1
        else:
            out.append(part)
            axis += n_rest if part is Ellipsis else n_axes(part)
    return _reshaped(x, tuple(shape)), tuple(out)


def _is_truth(part: Any) -> bool:
    if type(part) is bool:
        return True
    return getattr(part, "shape", None) == () and part.dtype == np.bool_


def getitem(x: Array, index: Any, mode: str = "raise", fill: Any = 0) -> Array:
    """``x[index]``."""
    x, index = _without_bare_truth(x, index)
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
    value = as_value(x, value, how)
    mask = index[0] if isinstance(index, tuple) and len(index) == 1 else index
    if isinstance(mask, Tracer) and mask.dtype is dtypes.bool_:
        return _set_where(x, mask, value, how)
    longer, index = _without_bare_truth(x, index)
    if longer is not x:
        return _reshaped(setitem(longer, index, value, how, mode), x.shape)
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


def as_value(x: Array, value: Any, how: str) -> Array:
    """`value` in the dtype of `x`, into which it is written."""
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
    value = op.convert(value, x.dtype)
    if value.shape == () and not isinstance(value, Tracer) and value.device != x.device:
        value = value.to(x.device)  # a number joins an array on a GPU
    return value


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
    """A traced mask: every element (or slice) stays or becomes what the value makes of it."""
    if mask.shape != x.shape[: mask.ndim]:
        raise ShapeError(f"[at[].{how}] mask of shape {mask.shape} on an array of {x.shape}")
    extra = value.ndim - (x.ndim - mask.ndim)
    if extra > 0 and any(n != 1 for n in value.shape[:extra]):
        raise ConcretizationError(
            f"[at[].{how}] with a traced boolean mask the value must be the same for all elements "
            f"that the mask selects, not {value.aval}: how many there are is not known. Use "
            "rt.where(mask, value, x) with a value for every element of x"
        )
    value = _reshaped(value, value.shape[max(extra, 0) :])
    mask = _reshaped(mask, mask.shape + (1,) * (x.ndim - mask.ndim))
    new = op.broadcast(value, x.shape)
    new = new if how == "set" else _COMBINE[how](x, new)
    return select_p(op.broadcast(mask, x.shape), new, x)
