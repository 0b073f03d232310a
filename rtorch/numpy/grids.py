"""Index tricks: grids of coordinates from slices, and arrays joined by brackets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rtorch.core import dtypes
from rtorch.core.array import Array, wrap
from rtorch.errors import ArgumentError, ShapeError, api, describe
from rtorch.numpy.creation import place_of
from rtorch.numpy.joining import concatenate, stack
from rtorch.numpy.layout import index_array
from rtorch.numpy.operands import convert, operand, shape_of
from rtorch.numpy.ranges import arange, linspace
from rtorch.numpy.searching import flatnonzero
from rtorch.ops.base import move_dim, reshape_p
from rtorch.ops.creation import iota_p

__all__ = ["c_", "index_exp", "indices", "ix_", "mgrid", "ogrid", "r_", "s_"]


@api
def indices(
    dimensions: int | Sequence[int], dtype: Any = None, sparse: bool = False, *, device: Any = None
) -> Any:
    """The index of every element of an array of shape `dimensions`, one array for every axis.

    Args:
        dimensions: A shape.
        dtype: By default int64.
        sparse: Return a tuple of arrays of length 1 along all axes but their own.
        device: By default the CPU.

    Returns:
        Shape ``(len(dimensions), *dimensions)``, or with `sparse` a tuple.

    Example:
        >>> import rtorch as rt
        >>> rt.indices((2, 2))
        Array([[[0, 0],
                [1, 1]],
               [[0, 1],
                [0, 1]]], dtype=int64)
    """
    shape = shape_of(dimensions, "indices")
    wanted = dtypes.int64 if dtype is None else dtypes.canonical(dtype)
    ndim, place = len(shape), place_of(device)
    lines = [
        iota_p(
            shape=tuple([n if not sparse or i == axis else 1 for i, n in enumerate(shape)]),
            dtype=wanted, axis=axis, device=place,
        )
        for axis in range(ndim)
    ]  # fmt: skip
    if sparse:
        return tuple(lines)
    return stack(lines) if lines else wrap(np.zeros((0,), wanted))


@api
def ix_(*xs: Any) -> tuple[Array, ...]:
    """Vectors of indices so shaped that ``x[ix_(a, b)]`` has all rows `a` and all columns `b`.

    Args:
        *xs: Vectors of integers, or of truth values (which stand for the places of True).

    Example:
        >>> import rtorch as rt
        >>> rt.arange(9).reshape(3, 3)[rt.ix_([0, 2], [1, 2])].tolist()
        [[1, 2], [7, 8]]
    """
    out = []
    for i, given in enumerate(xs):
        x = operand(given, "ix_")
        if x.ndim != 1:
            raise ShapeError(f"[ix_] argument {i}: expected a vector, got shape {x.shape}")
        if x.dtype is dtypes.bool_:
            x = flatnonzero(x)
        x = index_array(x if x.size else [])
        out.append(reshape_p(x, shape=tuple([x.size if j == i else 1 for j in range(len(xs))])))
    return tuple(out)


# ---- grids ---------------------------------------------------------------------------------------


def _line(part: Any) -> Array:
    """The numbers of ``start:stop:step``; a step of ``5j`` means 5 numbers, `stop` included."""
    if not isinstance(part, slice):
        raise ArgumentError(f"[grid] expected start:stop:step, got {describe(part)}")
    start, stop, step = (
        x.item() if hasattr(x, "item") else x for x in (part.start, part.stop, part.step)
    )
    start = 0 if start is None else start
    if isinstance(step, complex):
        return linspace(start, stop, int(abs(step)))
    if stop is None:
        raise ArgumentError("[grid] a slice needs an end")
    return arange(start, stop, 1 if step is None else step)


class _Grid:
    """Coordinates of the grid that slices in brackets span.

    ``start:stop:step`` as in `arange`; with an imaginary step of ``5j``, 5 numbers up to and
    including the end, as in `linspace`.

    Example:
        >>> import rtorch as rt
        >>> rt.mgrid[0:2, 0:3].shape
        (2, 2, 3)
        >>> [x.shape for x in rt.ogrid[0:2, 0:1:3j]]
        [(2, 1), (1, 3)]
    """

    def __init__(self, name: str, sparse: bool) -> None:
        self._name, self._sparse = name, sparse

    def __repr__(self) -> str:
        return f"rt.{self._name}"

    @api
    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, tuple):
            return _line(key)
        lines = [_line(part) for part in key]
        dtype = dtypes.promote(*[(x.dtype, False) for x in lines])[0]
        shape = tuple([x.size for x in lines])
        out = []
        for axis, x in enumerate(lines):
            own = tuple([n if i == axis else 1 for i, n in enumerate(shape)])
            out.append(reshape_p(convert(x, dtype), shape=own))
        if self._sparse:
            return tuple(out)
        from rtorch.numpy.manipulation import broadcast_arrays

        return stack(broadcast_arrays(*out))


mgrid, ogrid = _Grid("mgrid", sparse=False), _Grid("ogrid", sparse=True)

# ---- joining by brackets -------------------------------------------------------------------------


class _Join:
    """Arrays, numbers and slices in brackets, one after the other.

    ``rt.r_[...]`` joins along the first axis, ``rt.c_[...]`` along the last one, vectors as
    columns. A slice stands for its numbers, as in `mgrid`. A text first, ``"axis"`` or
    ``"axis,ndmin"`` or ``"axis,ndmin,place"``, says along which axis, how many axes the items get
    at least, and where their own axes begin among those.

    Example:
        >>> import rtorch as rt
        >>> rt.r_[0:3, 7, rt.asarray([5, 6])].tolist()
        [0, 1, 2, 7, 5, 6]
        >>> rt.c_[rt.arange(2), rt.arange(2)].tolist()
        [[0, 0], [1, 1]]
    """

    def __init__(self, name: str, axis: int, ndmin: int, place: int) -> None:
        self._name = name
        self._how = axis, ndmin, place

    def __repr__(self) -> str:
        return f"rt.{self._name}"

    @api
    def __getitem__(self, key: Any) -> Array:
        parts = key if isinstance(key, tuple) else (key,)
        (axis, ndmin, place), parts = self._directive(parts)
        items = []
        for part in parts:
            x = _line(part) if isinstance(part, slice) else operand(part, self._name)
            own = 1 if isinstance(part, slice) else x.ndim
            items.append(self._with_axes(x, max(ndmin, 1), place, own))
        return concatenate(items, axis)

    def _directive(self, parts: tuple[Any, ...]) -> tuple[tuple[int, int, int], tuple[Any, ...]]:
        if not parts or not isinstance(parts[0], str):
            return self._how, parts
        try:
            axis, ndmin, place = (*map(int, parts[0].split(",")), *self._how[1:])[:3]
            given = parts[0].count(",") + 1
            return (axis, ndmin if given > 1 else self._how[1],
                    place if given > 2 else self._how[2]), parts[1:]  # fmt: skip
        except ValueError:
            raise ArgumentError(
                f"[{self._name}] expected 'axis,ndmin,place' in integers, got {parts[0]!r}"
            ) from None

    def _with_axes(self, x: Array, ndmin: int, place: int, own: int) -> Array:
        missing = ndmin - x.ndim
        if missing <= 0:
            return x
        x = reshape_p(x, shape=(*(1,) * missing, *x.shape))
        if place == -1 or own == 0 or own >= ndmin:
            return x
        first = place + missing + 1 if place < 0 else place
        for i in range(own):  # its own axes stand last: move them to `first`
            x = move_dim(x, missing + i, first + i)
        return x


r_, c_ = _Join("r_", 0, 1, -1), _Join("c_", -1, 2, 0)


class _Index:
    """What stands in brackets, to be used as an index later; ``index_exp`` always as a tuple.

    Example:
        >>> import rtorch as rt
        >>> rt.s_[1:3], rt.index_exp[::2]
        (slice(1, 3, None), (slice(None, None, 2),))
    """

    def __init__(self, name: str, always: bool) -> None:
        self._name, self._always = name, always

    def __repr__(self) -> str:
        return f"rt.{self._name}"

    def __getitem__(self, key: Any) -> Any:
        return (key,) if self._always and not isinstance(key, tuple) else key


s_, index_exp = _Index("s_", always=False), _Index("index_exp", always=True)
