"""Evenly spaced numbers, and grids of them."""

# Primitives return Any: an Array, or a tuple of them.

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy import ndarray

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.core.dtypes import DType
from rtorch.errors import ArgumentError, ShapeError, api, describe
from rtorch.numpy.creation import float_dtype, place_of
from rtorch.numpy.operands import (
    ArrayLike,
    axis_of,
    broadcast,
    broadcast_shapes,
    convert,
    from_any,
    integer_of,
    operand,
    promote,
)
from rtorch.numpy.reductions import surely_any
from rtorch.ops.base import add_p, broadcast_p, move_dim, mul_p, sub_p
from rtorch.ops.comparison import eq_p, select_p
from rtorch.ops.creation import iota
from rtorch.ops.elementwise import div_p, floor_p, pow_p

__all__ = ["arange", "geomspace", "linspace", "logspace", "meshgrid"]


@api
def arange(
    start: Any, stop: Any = None, step: Any = 1, dtype: Any = None, *, device: Any = None
) -> Array:
    """The numbers from `start` up to, not including, `stop`, in steps of `step`.

    Args:
        start: The first number; the end, from 0, if it is the only argument.
        stop: The end.
        step: The distance of neighbours; may be negative.
        dtype: By default int64 if all arguments are integers, else `default_dtype()`.
        device: By default the CPU.

    Returns:
        A vector of ``ceil((stop - start) / step)`` numbers. They are computed as ``start + i *
        step``, so that for a fractional step rounding decides whether one close to `stop` is in;
        `linspace` is the better choice there.

    Example:
        >>> import rtorch as rt
        >>> rt.arange(2, 10, 3)
        Array([2, 5, 8], dtype=int64)
    """
    if stop is None:
        start, stop = 0, start
    arguments = zip(("start", "stop", "step"), (start, stop, step))
    start, stop, step = (_number(n, f"[arange] {name}") for name, n in arguments)
    if step == 0:
        raise ArgumentError("[arange] step must not be 0")
    whole = all(type(n) is int for n in (start, stop, step))
    if whole:
        n, work = -((start - stop) // step), dtypes.int64
        wanted = work if dtype is None else dtypes.canonical(dtype)
    else:
        n, wanted = math.ceil((stop - start) / step), float_dtype(dtype)
        work = dtypes.float64 if wanted not in dtypes.FLOATS else wanted
        # NumPy takes the step between the first two numbers as rounded, and so do we.
        step = float(work.type(start + step)) - float(work.type(start))
    n = max(n, 0)
    if n >= 2**63:
        raise ShapeError(f"[arange] no array is as long as {n}")
    if wanted.itemsize == 2 and wanted in dtypes.FLOATS:
        work = dtypes.float32
    out = iota(n, work, place_of(device))
    if step != 1:
        out = mul_p(out, step)
    if start != 0:
        out = add_p(out, start)
    return convert(out, wanted)


def _number(x: Any, what: str) -> Any:
    """A Python number from something that is one."""
    if isinstance(x, (Array, np.generic, ndarray)):
        x = x.item()
    if type(x) is bool:
        return int(x)
    if not isinstance(x, (int, float)):
        raise ArgumentError(f"{what}: expected a real number, got {describe(x)}")
    return x


@api
def linspace(
    start: ArrayLike,
    stop: ArrayLike,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
    *,
    device: Any = None,
) -> Any:
    """`num` evenly spaced numbers from `start` to `stop`.

    Args:
        start: The first number; an array gives a line of numbers for each element.
        stop: The last number (the one after it if not `endpoint`); broadcasts with `start`.
        num: How many.
        endpoint: Whether `stop` is among them.
        retstep: Also return the distance of neighbours.
        dtype: By default that of `start` and `stop` together, or `default_dtype()` for integers.
        axis: Where the new axis is in the result.
        device: By default the CPU.

    Returns:
        The numbers, shape ``(num, *shape of start and stop)``; with `retstep` a pair.

    Example:
        >>> import rtorch as rt
        >>> rt.linspace(0, 1, 5)
        Array([0.  , 0.25, 0.5 , 0.75, 1.  ], dtype=float32)
    """
    num = integer_of(num, "linspace", "num")
    if num < 0:
        raise ArgumentError(f"[linspace] num must not be negative, got {num}")
    (first, last), wanted, work = _ends("linspace", start, stop, dtype)
    steps = num - 1 if endpoint else num
    step = div_p(sub_p(last, first), steps) if steps > 0 else mul_p(last, math.nan)
    line = (num, *first.shape)
    inner = tuple(range(1, len(line)))
    count = iota(num, dtypes.int64, place_of(device))
    places = broadcast_p(count, shape=line, axes=(0,))
    firsts = broadcast_p(first, shape=line, axes=inner)
    if num > 1:
        lasts = broadcast_p(last, shape=line, axes=inner)
        by_step = mul_p(convert(places, work), broadcast_p(step, shape=line, axes=inner))
        out = add_p(by_step, firsts)
        out = select_p(eq_p(places, num - 1), lasts, out) if endpoint else out
    else:
        out = firsts
    if wanted in dtypes.INTEGERS:
        out = floor_p(out)
    out = move_dim(convert(out, wanted), 0, axis_of(axis, len(line), "linspace"))
    return (out, step) if retstep else out


def _ends(name: str, start: Any, stop: Any, dtype: Any) -> tuple[list[Array], DType, DType]:
    """Both ends as arrays to compute with, the dtype wanted, and the dtype to compute in."""
    ends = promote(name, start, stop)
    work = dtypes.to_float(ends[0].dtype)
    wanted = work if dtype is None else dtypes.canonical(dtype)
    if not isinstance(start, Array) and not isinstance(stop, Array):
        # Numbers that are known cost nothing to compute well.
        work = dtypes.complex128 if work in dtypes.COMPLEXES else dtypes.float64
        ends = [from_any(x, work, name) for x in (start, stop)]
    shape = broadcast_shapes(name, *[x.shape for x in ends])
    return [broadcast(convert(x, work), shape) for x in ends], wanted, work


@api
def logspace(
    start: ArrayLike,
    stop: ArrayLike,
    num: int = 50,
    endpoint: bool = True,
    base: float = 10.0,
    dtype: Any = None,
    axis: int = 0,
    *,
    device: Any = None,
) -> Array:
    """`num` numbers from ``base ** start`` to ``base ** stop``, evenly spaced in the logarithm.

    The other arguments are those of `linspace`.

    Example:
        >>> import rtorch as rt
        >>> rt.logspace(0, 2, 3)
        Array([  1.,  10., 100.], dtype=float32)
    """
    _, wanted, work = _ends("logspace", start, stop, dtype)
    exponents = linspace(start, stop, num, endpoint=endpoint, dtype=work, axis=axis, device=device)
    return convert(pow_p(float(_number(base, "[logspace] base")), exponents), wanted)


@api
def geomspace(
    start: ArrayLike,
    stop: ArrayLike,
    num: int = 50,
    endpoint: bool = True,
    dtype: Any = None,
    axis: int = 0,
    *,
    device: Any = None,
) -> Array:
    """`num` numbers from `start` to `stop`, each the one before it times the same factor.

    Args:
        start: The first number, not 0.
        stop: The last number, not 0, of the same sign if it is real; complex ones turn by the
            smaller angle.
        num: How many.
        endpoint: Whether `stop` is among them.
        dtype: By default that of `start` and `stop` together, or `default_dtype()` for integers.
        axis: Where the new axis is in the result.
        device: By default the CPU.

    Example:
        >>> import rtorch as rt
        >>> rt.geomspace(1, 1000, 4)
        Array([   1.,   10.,  100., 1000.], dtype=float32)
    """
    (first, last), wanted, work = _ends("geomspace", start, stop, dtype)
    if surely_any(eq_p, first, 0) or surely_any(eq_p, last, 0):
        raise ArgumentError("[geomspace] start and stop: no factor leads from or to 0")
    times = linspace(0.0, 1.0, num, endpoint, dtype=dtypes.real_dtype(work), device=device)
    n, line = times.shape[0], (*times.shape, *first.shape)
    inner = tuple(range(1, len(line)))
    firsts, lasts = (broadcast_p(z, shape=line, axes=inner) for z in (first, last))
    exponents = broadcast_p(convert(times, work), shape=line, axes=(0,))
    out = mul_p(firsts, pow_p(div_p(lasts, firsts), exponents))
    if endpoint and n > 1:
        places = broadcast_p(iota(n, dtypes.int64, place_of(device)), shape=line, axes=(0,))
        out = select_p(eq_p(places, n - 1), lasts, out)
    return move_dim(convert(out, wanted), 0, axis_of(axis, len(line), "geomspace"))


@api
def meshgrid(
    *xs: ArrayLike, copy: bool = True, sparse: bool = False, indexing: str = "xy"
) -> list[Array]:
    """Coordinate arrays of the grid that coordinate vectors span.

    Args:
        *xs: Vectors (or scalars) of coordinates.
        copy: Exists for NumPy's sake.
        sparse: Give every result length 1 along the axes of the others.
        indexing: ``"ij"``: axis ``i`` belongs to vector ``i``; ``"xy"``: the first two swapped.

    Example:
        >>> import rtorch as rt
        >>> x, y = rt.meshgrid(rt.arange(2), rt.arange(3))
        >>> x
        Array([[0, 1],
               [0, 1],
               [0, 1]], dtype=int64)
    """
    if indexing not in ("xy", "ij"):
        raise ArgumentError(f"[meshgrid] indexing: expected 'xy' or 'ij', got {indexing!r}")
    vectors = [operand(x, "meshgrid") for x in xs]
    for i, v in enumerate(vectors):
        if v.ndim > 1:
            raise ShapeError(f"[meshgrid] argument {i}: expected a vector, got shape {v.shape}")
    axes = list(range(len(vectors)))
    if indexing == "xy" and len(axes) > 1:
        axes[:2] = 1, 0
    shape = [1] * len(axes)
    for v, axis in zip(vectors, axes):
        shape[axis] = v.size
    return [_along(v, axis, shape, sparse) for v, axis in zip(vectors, axes)]


def _along(v: Array, axis: int, shape: list[int], sparse: bool) -> Array:
    if sparse:
        shape = [v.size if i == axis else 1 for i in range(len(shape))]
    return broadcast_p(v, shape=tuple(shape), axes=(axis,) if v.ndim else ())
