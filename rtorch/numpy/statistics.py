"""Averages and spreads: mean, var, std, median, quantile."""

# Primitives return Any: an Array, or a tuple of them.

from __future__ import annotations

import math
from typing import Any

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.core.dtypes import DType
from rtorch.errors import ArgumentError, ShapeError, api
from rtorch.numpy.creation import full_like
from rtorch.numpy.operands import (
    ArrayLike,
    Axis,
    axis_of,
    broadcast,
    convert,
    floating,
    operand,
    promote,
)
from rtorch.numpy.reductions import Plan, count_nonzero, nansum, plan_of, sum as sum_along
from rtorch.ops.base import (
    add_p,
    broadcast_p,
    mul_p,
    permute_dims_p,
    reduce_sum_p,
    reshape_p,
    sub_p,
)
from rtorch.ops.comparison import eq_p, is_nan_p, not_p, select_p
from rtorch.ops.convert import conj_p, convert_p, real_p
from rtorch.ops.elementwise import div_p, sqrt_p
from rtorch.ops.shape import slice_p
from rtorch.ops.sorting import sort_p

__all__ = ["average", "mean", "median", "nanmean", "quantile", "std", "var"]


def _wide(name: str, x: Any, dtype: Any) -> tuple[Array, DType]:
    """`x` in a dtype that sums do not overflow in, and the dtype wanted of the result."""
    x = floating(x, name)
    wanted = x.dtype if dtype is None else dtypes.to_float(dtypes.canonical(dtype))
    work = dtypes.float32 if wanted in dtypes.HALVES else wanted
    return x if x.dtype is work else convert_p(x, dtype=work), wanted


@api
def mean(x: ArrayLike, axis: Axis = None, *, dtype: Any = None, keepdims: bool = False) -> Array:
    """The arithmetic mean along `axis`.

    Args:
        x: An array; integers and truth values are averaged in `default_dtype()`.
        axis: An axis, several, or None for all.
        dtype: The dtype of the result; by default that of `x`. Half precision is averaged in
            float32.
        keepdims: Keep the axes, with length 1.

    Returns:
        The mean; nan of nothing.

    Example:
        >>> import rtorch as rt
        >>> rt.mean(rt.asarray([[1.0, 2.0], [3.0, 4.0]]), axis=1)
        Array([1.5, 3.5], dtype=float32)
    """
    x, wanted = _wide("mean", x, dtype)
    plan = plan_of("mean", x.shape, axis)
    out = _mean(x, plan)
    if x.dtype is not wanted:
        out = convert_p(out, dtype=wanted)
    return reshape_p(out, shape=plan.kept) if keepdims else out


def _mean(x: Array, plan: Plan) -> Array:
    total, n = reduce_sum_p(x, axes=plan.axes), plan.n
    return div_p(total, n) if n else mul_p(total, math.nan)  # nan of nothing


@api
def var(
    x: ArrayLike,
    axis: Axis = None,
    *,
    ddof: float = 0,
    correction: float | None = None,
    dtype: Any = None,
    keepdims: bool = False,
) -> Array:
    """The variance along `axis`: the mean squared distance from the mean.

    Args:
        x: An array; of complex numbers the result is real.
        axis: An axis, several, or None for all.
        ddof: The sum of squares is divided by the number of elements minus this.
        correction: The array API's name for `ddof`.
        dtype: What to compute in; by default the dtype of `x`, and float32 for half precision.
        keepdims: Keep the axes, with length 1.

    Returns:
        The variance; nan where nothing is left to divide by.

    Example:
        >>> import rtorch as rt
        >>> rt.var(rt.asarray([1.0, 3.0]))
        Array(1., dtype=float32)
    """
    return _var("var", x, axis, ddof, correction, dtype, keepdims)


@api
def std(
    x: ArrayLike,
    axis: Axis = None,
    *,
    ddof: float = 0,
    correction: float | None = None,
    dtype: Any = None,
    keepdims: bool = False,
) -> Array:
    """The standard deviation along `axis`: the square root of `var`, with slope 0 at 0.

    Example:
        >>> import rtorch as rt
        >>> rt.std(rt.asarray([1.0, 3.0]))
        Array(1., dtype=float32)
    """
    out = _var("std", x, axis, ddof, correction, dtype, keepdims)
    # A double where: equal elements have no slope of infinity times zero.
    none = eq_p(out, 0)
    return select_p(none, 0, sqrt_p(select_p(none, 1, out)))


def _var(
    name: str, x: Any, axis: Axis, ddof: float, correction: float | None, dtype: Any, keepdims: bool
) -> Array:
    x, wanted = _wide(name, x, dtype)
    plan = plan_of(name, x.shape, axis)
    distance = sub_p(x, broadcast_p(_mean(x, plan), shape=x.shape, axes=plan.rest))
    if x.dtype in dtypes.COMPLEXES:
        squares = real_p(mul_p(distance, conj_p(distance)))
    else:
        squares = mul_p(distance, distance)
    total = reduce_sum_p(squares, axes=plan.axes)
    left = plan.n - (ddof if correction is None else correction)
    out = div_p(total, left) if left > 0 else mul_p(total, math.nan)
    out = convert(out, dtypes.real_dtype(wanted))
    return reshape_p(out, shape=plan.kept) if keepdims else out


@api
def average(
    x: ArrayLike,
    axis: Axis = None,
    weights: ArrayLike | None = None,
    *,
    returned: bool = False,
    keepdims: bool = False,
) -> Any:
    """The weighted mean along `axis`.

    Args:
        x: An array.
        axis: An axis, several, or None for all.
        weights: As `x` in shape, or a vector along `axis`; None weighs all the same.
        returned: Also return the sum of the weights.
        keepdims: Keep the axes, with length 1.

    Example:
        >>> import rtorch as rt
        >>> rt.average(rt.asarray([1.0, 2.0]), weights=rt.asarray([3.0, 1.0]))
        Array(1.25, dtype=float32)
    """
    x = floating(x, "average")
    if weights is None:
        out = mean(x, axis, keepdims=keepdims)
        if not returned:
            return out
        return out, full_like(out, plan_of("average", x.shape, axis).n)
    values, w = promote("average", x, _weights(x, operand(weights, "average"), axis))
    total = sum_along(w, axis, keepdims=keepdims)
    out = div_p(sum_along(mul_p(values, w), axis, keepdims=keepdims), total)
    return (out, total) if returned else out


def _weights(x: Array, weights: Array, axis: Axis) -> Array:
    """`weights` in the shape of `x`."""
    if weights.shape == x.shape:
        return weights
    if axis is None or weights.ndim != 1 or isinstance(axis, (tuple, list)):
        raise ShapeError(
            f"[average] weights of shape {weights.shape} beside x of shape {x.shape}: expected "
            "the same shape, or a vector along one axis"
        )
    place = axis_of(axis, x.ndim, "average")
    if weights.shape[0] != x.shape[place]:
        raise ShapeError(
            f"[average] {weights.shape[0]} weights for axis {place} of length {x.shape[place]}"
        )
    ones = (1,) * (x.ndim - place - 1)
    return broadcast(reshape_p(weights, shape=(*weights.shape, *ones)), x.shape)


@api
def nanmean(x: ArrayLike, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """As `mean`, ignoring nan; nan where there is nothing else.

    Example:
        >>> import rtorch as rt
        >>> rt.nanmean(rt.asarray([1.0, rt.nan, 3.0]))
        Array(2., dtype=float32)
    """
    x = floating(x, "nanmean")
    n = count_nonzero(not_p(is_nan_p(x)), axis, keepdims=keepdims)
    total = nansum(x, axis, keepdims=keepdims)
    none = eq_p(n, 0)
    n = convert_p(select_p(none, 1, n), dtype=x.dtype)
    return select_p(none, math.nan, div_p(total, n))


# ---- order statistics ----------------------------------------------------------------------------


@api
def median(x: ArrayLike, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """The middle of the sorted elements along `axis`, or the mean of the two middle ones.

    Example:
        >>> import rtorch as rt
        >>> rt.median(rt.asarray([5.0, 1.0, 3.0]))
        Array(3., dtype=float32)
    """
    return _quantile("median", x, 0.5, axis, keepdims)


@api
def quantile(x: ArrayLike, q: ArrayLike, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """The value that a share `q` of the elements along `axis` is below.

    Between neighbours in the order it is interpolated linearly.

    Args:
        x: An array, not complex; if it holds nan along `axis`, the result is nan.
        q: Shares from 0 to 1: a number or a list of numbers, known before the call.
        axis: An axis, several, or None for all.
        keepdims: Keep the axes, with length 1.

    Returns:
        The shape of `q`, then that of the reduction.

    Example:
        >>> import rtorch as rt
        >>> rt.quantile(rt.asarray([1.0, 2.0, 3.0, 4.0, 5.0]), 0.25)
        Array(2., dtype=float32)
    """
    shares: Any = q.tolist() if hasattr(q, "tolist") else q  # not rounded to float32
    if not isinstance(shares, (list, tuple)):
        return _quantile("quantile", x, shares, axis, keepdims)
    from rtorch.numpy.joining import stack

    if any(isinstance(share, (list, tuple)) for share in shares) or not shares:
        raise ShapeError(f"[quantile] q: expected a number or some in a list, got {q!r}")
    return stack([_quantile("quantile", x, share, axis, keepdims) for share in shares])


def _quantile(name: str, x: Any, q: float, axis: Axis, keepdims: bool) -> Array:
    if not 0 <= q <= 1:
        raise ArgumentError(f"[{name}] q must be from 0 to 1, got {q}")
    x = floating(x, name)
    line = _sorted_lines(name, x, axis)
    n = line.shape[-1]
    if n == 0:
        raise ShapeError(f"[{name}] no elements to choose from: shape {x.shape}")
    place = q * (n - 1)
    low = math.floor(place)
    out = _element(line, low)
    if low != place:
        out = add_p(out, mul_p(sub_p(_element(line, low + 1), out), place - low))
    # nan is sorted to the end.
    last = _element(line, n - 1)
    out = select_p(is_nan_p(last), last, out)
    return reshape_p(out, shape=plan_of(name, x.shape, axis).kept) if keepdims else out


def _sorted_lines(name: str, x: Array, axis: Axis) -> Array:
    """`x` with `axis` moved to the end, made one axis, and sorted."""
    axes, rest, _, count = plan_of(name, x.shape, axis)
    line = permute_dims_p(x, axes=(*rest, *axes))
    line = reshape_p(line, shape=(*[x.shape[i] for i in rest], count))
    return sort_p(line, axis=len(rest))


def _element(line: Array, i: int) -> Array:
    shape, first = line.shape[:-1], (0,) * (line.ndim - 1)
    piece = slice_p(line, starts=(*first, i), limits=(*shape, i + 1), strides=(1,) * line.ndim)
    return reshape_p(piece, shape=shape)
