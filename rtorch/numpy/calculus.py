"""Differences, integrals and interpolation of values that are given at points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.core.dtypes import PYTHON_SCALARS
from rtorch.errors import ArgumentError, DTypeError, ShapeError, api
from rtorch.numpy.cumulative import cumsum, diff
from rtorch.numpy.elementwise import abs, clip, logical_and, where
from rtorch.numpy.indexing import take
from rtorch.numpy.joining import concat
from rtorch.numpy.manipulation import moveaxis, ravel
from rtorch.numpy.operands import ArrayLike, axis_of, floating, operand, promote
from rtorch.numpy.reductions import sum
from rtorch.numpy.sorting import argsort, searchsorted
from rtorch.numpy.ufuncs import equal, greater, less, remainder

__all__ = ["ediff1d", "gradient", "interp", "trapezoid", "unwrap"]


@api
def ediff1d(
    x: ArrayLike, to_end: ArrayLike | None = None, to_begin: ArrayLike | None = None
) -> Array:
    """The differences of neighbours in the flattened `x`.

    Args:
        x: An array.
        to_end: Put after the differences.
        to_begin: Put before them.

    Example:
        >>> import rtorch as rt
        >>> rt.ediff1d(rt.asarray([1, 4, 9]), to_begin=0).tolist()
        [0, 3, 5]
    """
    differences = diff(ravel(operand(x, "ediff1d")))
    parts = [to_begin, differences, to_end]
    lines = [ravel(operand(p, "ediff1d")) for p in parts if p is not None]
    return concat(lines) if len(lines) > 1 else differences


@api
def trapezoid(
    y: ArrayLike, x: ArrayLike | None = None, dx: ArrayLike = 1.0, axis: int = -1
) -> Array:
    """The integral of values along `axis` by the trapezoidal rule.

    Args:
        y: The values.
        x: The points they are at: a vector, or an array like `y`; None means at distance `dx`.
        dx: The distance of neighbours.
        axis: The axis of `y` to integrate along.

    Example:
        >>> import rtorch as rt
        >>> float(rt.trapezoid(rt.asarray([0.0, 1.0, 4.0])))
        3.0
    """
    values = floating(y, "trapezoid")
    place = axis_of(axis, values.ndim, "trapezoid")
    values = moveaxis(values, place, -1)
    steps: Any = dx
    if x is not None:
        points = floating(x, "trapezoid")
        steps = diff(points if points.ndim == 1 else moveaxis(points, place, -1))
    elif type(dx) not in PYTHON_SCALARS and operand(dx).ndim > 1:
        steps = moveaxis(operand(dx), place, -1)
    return sum(steps * (values[..., 1:] + values[..., :-1]), -1) * 0.5


# ---- gradient ------------------------------------------------------------------------------------


@api
def gradient(
    f: ArrayLike,
    *varargs: ArrayLike,
    axis: int | Sequence[int] | None = None,
    edge_order: int = 1,
) -> Any:
    """The slopes of values on a grid: central differences inside, one-sided ones at the ends.

    `rt.grad` is something else: the derivative of a function.

    Args:
        f: The values.
        *varargs: Distances of neighbours or vectors of coordinates: none (distance 1), one for
            all axes, or one for every axis.
        axis: Along which axes; None means all.
        edge_order: The order of accuracy at the ends, 1 or 2.

    Returns:
        An array like `f`; a tuple of them if there are several axes.

    Example:
        >>> import rtorch as rt
        >>> rt.gradient(rt.asarray([0.0, 1.0, 4.0])).tolist()
        [1.0, 2.0, 3.0]
    """
    values = floating(f, "gradient")
    if edge_order not in (1, 2):
        raise ArgumentError(f"[gradient] edge_order: expected 1 or 2, got {edge_order!r}")
    chosen = range(values.ndim) if axis is None else axis
    axes = [axis_of(a, values.ndim, "gradient") for a in (
        chosen if isinstance(chosen, (tuple, list, range)) else (chosen,))]  # fmt: skip
    spacings = varargs or (1.0,)
    if len(spacings) == 1:
        spacings = spacings * len(axes)
    if len(spacings) != len(axes):
        raise ArgumentError(f"[gradient] {len(varargs)} spacings for {len(axes)} axes")
    slopes = []
    for place, spacing in zip(axes, spacings):
        if values.shape[place] <= edge_order:
            raise ShapeError(
                f"[gradient] axis {place} has length {values.shape[place]}: too short for "
                f"edge_order={edge_order}"
            )
        line = moveaxis(values, place, -1)
        slopes.append(moveaxis(_slopes(line, spacing, edge_order), -1, place))
    return slopes[0] if len(slopes) == 1 and not isinstance(axis, (tuple, list)) else tuple(slopes)


def _slopes(f: Array, spacing: Any, edge_order: int) -> Array:
    """The slopes along the last axis."""
    h: Any = spacing if type(spacing) in PYTHON_SCALARS else operand(spacing, "gradient")
    if isinstance(h, Array) and h.ndim:
        if h.shape != f.shape[-1:]:
            raise ShapeError(f"[gradient] {h.shape} coordinates for {f.shape[-1]} values")
        h = diff(floating(h, "gradient"))
        inner = _uneven(f, h)
        steps = (h[:1], h[1:2]), (h[-1:], h[-2:-1])
    else:
        inner = (f[..., 2:] - f[..., :-2]) / (2 * h)
        steps = (h, h), (h, h)
    first = _at_end(f[..., :3], *steps[0], edge_order)
    last = -_at_end(f[..., -3:][..., ::-1], *steps[1], edge_order)
    return concat([first, inner, last], axis=-1)


def _uneven(f: Array, h: Array) -> Array:
    """Inner slopes: exact for parabolas, whatever the distances `h`."""
    before, after = h[:-1], h[1:]
    left = (f[..., 1:-1] - f[..., :-2]) / before
    right = (f[..., 2:] - f[..., 1:-1]) / after
    return (after * left + before * right) / (before + after)


def _at_end(f: Array, h: Any, h_next: Any, edge_order: int) -> Array:
    """The slope at the first of two or three values with the distances `h` and `h_next`."""
    slope = (f[..., 1:2] - f[..., :1]) / h
    if edge_order == 1:
        return slope
    slope_next = (f[..., 2:3] - f[..., 1:2]) / h_next
    return slope + (slope - slope_next) * (h / (h + h_next))


# ---- interpolation -------------------------------------------------------------------------------


@api
def interp(
    x: ArrayLike,
    xp: ArrayLike,
    fp: ArrayLike,
    left: ArrayLike | None = None,
    right: ArrayLike | None = None,
    period: ArrayLike | None = None,
) -> Array:
    """The values at `x` of the broken line through the points ``(xp, fp)``.

    Args:
        x: Where; an array of any shape.
        xp: The points, a vector in ascending order (in any order if there is a period).
        fp: The values there, real or complex.
        left: The value for `x` below all points; by default the first of `fp`.
        right: The value for `x` above all points; by default the last of `fp`.
        period: The values repeat after this distance; `left` and `right` are ignored then.

    Example:
        >>> import rtorch as rt
        >>> rt.interp([0.5, 9.0], [0.0, 1.0, 2.0], [0.0, 10.0, 5.0]).tolist()
        [5.0, 5.0]
    """
    at, points = (floating(z, "interp") for z in promote("interp", x, xp))
    values = floating(fp, "interp")
    if points.ndim != 1 or values.shape != points.shape or not points.size:
        raise ShapeError(
            f"[interp] expected two vectors of one length, got shapes {points.shape} and "
            f"{values.shape}"
        )
    if at.dtype in dtypes.COMPLEXES:
        raise DTypeError("[interp] x and xp must be real")
    if period is None:
        below = values[0] if left is None else left
        above = values[-1] if right is None else right
        out = _on_line(at, points, values)
        return where(less(at, points[0]), below, where(greater(at, points[-1]), above, out))
    at, points = remainder(at, period), remainder(points, period)
    order = argsort(points)
    points, values = take(points, order), take(values, order)
    points = concat([points[-1:] - period, points, points[:1] + period])
    return _on_line(at, points, concat([values[-1:], values, values[:1]]))


def _on_line(at: Array, points: Array, values: Array) -> Array:
    n = points.shape[0]
    if n == 1:
        return at * 0 + values[0]
    above = clip(searchsorted(points, at, side="right"), 1, n - 1)
    low, high = take(points, above - 1), take(points, above)
    start, end = take(values, above - 1), take(values, above)
    empty = equal(high, low)
    share = (at - low) / where(empty, 1.0, high - low)
    return where(empty, end, start + share * (end - start))


@api
def unwrap(
    p: ArrayLike, discont: float | None = None, axis: int = -1, *, period: float = 2 * math.pi
) -> Array:
    """`p` with multiples of the period added, so that neighbours are less than half of it apart.

    Args:
        p: Angles, or what else repeats.
        discont: Only jumps larger than this are taken away; by default half the period.
        axis: The axis that neighbours are on.
        period: What to add multiples of.

    Example:
        >>> import rtorch as rt
        >>> rt.unwrap(rt.asarray([0.0, 3.0, 5.0, 1.0]), period=6).tolist()
        [0.0, 3.0, 5.0, 7.0]
    """
    x = operand(p, "unwrap")
    place = axis_of(axis, x.ndim, "unwrap")
    whole = isinstance(period, int) and x.dtype in dtypes.INTEGERS
    x = moveaxis(x if whole else floating(x, "unwrap"), place, -1)
    half: Any = period // 2 if whole else period / 2
    jumps = diff(x)
    short = remainder(jumps + half, period) - half
    if not whole or period % 2 == 0:  # a jump of half the period up stays one up
        short = where(logical_and(equal(short, -half), greater(jumps, 0)), half, short)
    bound = period / 2 if discont is None else discont
    change = where(less(abs(jumps), bound), 0, short - jumps)
    out = concat([x[..., :1], x[..., 1:] + cumsum(change, -1).astype(x.dtype)], axis=-1)
    return moveaxis(out, -1, place)
