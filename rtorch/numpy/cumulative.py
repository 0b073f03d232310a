"""Running sums, products and extremes along an axis; differences of neighbours."""

# Primitives return Any: an Array, or a tuple of them.

from __future__ import annotations

import math
from typing import Any

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.core.primitive import Primitive
from rtorch.errors import ArgumentError, AxisError, DTypeError, ShapeError, api
from rtorch.numpy.joining import concat
from rtorch.numpy.operands import ArrayLike, axis_of, broadcast, floating, integer_of, operand
from rtorch.numpy.reductions import widened
from rtorch.ops.base import add_p, reshape_p, sub_p
from rtorch.ops.comparison import eq_p, is_finite_p, ne_p, select_p
from rtorch.ops.convert import stop_gradient_p
from rtorch.ops.cumulative import cummax_p, cummin_p, cumprod_p, cumsum_p, recurrence_p
from rtorch.ops.elementwise import exp_p, log_p, maximum_p
from rtorch.ops.shape import concat_p, pad_p, slice_p

__all__ = [
    "cummax",
    "cummin",
    "cumprod",
    "cumsum",
    "cumulative_prod",
    "cumulative_sum",
    "diff",
    "logcumsumexp",
]


def _cumulative(name: str, prim: Primitive, x: Array, axis: int | None, reverse: bool) -> Array:
    if axis is None:
        x = x if len(x.shape) == 1 else reshape_p(x, shape=(math.prod(x.shape),))
        return prim(x, axis=0, reverse=reverse)
    return prim(x, axis=axis_of(axis, len(x.shape), name), reverse=reverse)


@api
def cumsum(
    x: ArrayLike, axis: int | None = None, *, dtype: Any = None, reverse: bool = False
) -> Array:
    """The sum of all elements up to each one along `axis`.

    Args:
        x: An array.
        axis: An axis; None flattens `x`.
        dtype: What to sum in; by default the dtype of `x`, for integers and truth values int64
            or uint64.
        reverse: Sum from each element on to the end instead.

    Example:
        >>> import rtorch as rt
        >>> rt.cumsum(rt.asarray([1, 2, 3]))
        Array([1, 3, 6], dtype=int64)
    """
    return _cumulative("cumsum", cumsum_p, widened("cumsum", x, dtype), axis, reverse)


@api
def cumprod(
    x: ArrayLike, axis: int | None = None, *, dtype: Any = None, reverse: bool = False
) -> Array:
    """The product of all elements up to each one along `axis`; arguments as of `cumsum`.

    Example:
        >>> import rtorch as rt
        >>> rt.cumprod(rt.asarray([1, 2, 3]))
        Array([1, 2, 6], dtype=int64)
    """
    return _cumulative("cumprod", cumprod_p, widened("cumprod", x, dtype), axis, reverse)


@api
def cummax(x: ArrayLike, axis: int | None = None, *, reverse: bool = False) -> Array:
    """The largest of all elements up to each one along `axis`.

    Example:
        >>> import rtorch as rt
        >>> rt.cummax(rt.asarray([1, 3, 2]))
        Array([1, 3, 3], dtype=int64)
    """
    return _cumulative("cummax", cummax_p, operand(x, "cummax"), axis, reverse)


@api
def cummin(x: ArrayLike, axis: int | None = None, *, reverse: bool = False) -> Array:
    """The smallest of all elements up to each one along `axis`.

    Example:
        >>> import rtorch as rt
        >>> rt.cummin(rt.asarray([2, 3, 1]))
        Array([2, 2, 1], dtype=int64)
    """
    return _cumulative("cummin", cummin_p, operand(x, "cummin"), axis, reverse)


@api
def logcumsumexp(x: ArrayLike, axis: int | None = None, *, reverse: bool = False) -> Array:
    """``log(cumsum(exp(x)))`` along `axis`, without overflow; arguments as of `cummax`.

    Example:
        >>> import rtorch as rt
        >>> rt.logcumsumexp(rt.asarray([1000.0, 1000.0]))
        Array([1000.    , 1000.6932], dtype=float32)
    """
    x = floating(x, "logcumsumexp")
    if x.dtype in dtypes.COMPLEXES:
        raise DTypeError("[logcumsumexp] expected real numbers: complex ones have no largest")
    x = reshape_p(x, shape=(x.size,)) if axis is None else x
    place = axis_of(0 if axis is None else axis, x.ndim, "logcumsumexp")
    largest = cummax_p(stop_gradient_p(x), axis=place, reverse=reverse)
    shift = select_p(is_finite_p(largest), largest, 0)
    # The sums of exp(x - largest): where the largest changes, so does the scale of all before.
    before = _previous(largest, place, reverse)
    same = eq_p(before, largest)
    scale = exp_p(sub_p(select_p(same, 0, before), select_p(same, 0, largest)))
    sums = recurrence_p(scale, exp_p(sub_p(x, shift)), axis=place, reverse=reverse)
    # At least 1 unless all are -inf: then the bound keeps the logarithm and its slope finite.
    return add_p(log_p(maximum_p(sums, 0.5)), largest)


def _previous(x: Array, axis: int, reverse: bool) -> Array:
    """What stands one place before each element; before the first, itself."""
    n = x.shape[axis]
    ends = (_range(x, axis, 0, min(n, 1)), _range(x, axis, 0, max(n - 1, 0)))
    if reverse:
        ends = (_range(x, axis, min(n, 1), n), _range(x, axis, max(n - 1, 0), n))
    return concat_p(*ends, axis=axis)


@api
def cumulative_sum(
    x: ArrayLike, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Array:
    """As `cumsum`, in the array API's form.

    Args:
        x: An array.
        axis: An axis; may be left out if `x` has only one.
        dtype: What to sum in.
        include_initial: Begin with the sum of nothing, 0, which makes one element more.

    Example:
        >>> import rtorch as rt
        >>> rt.cumulative_sum(rt.asarray([1, 2]), include_initial=True)
        Array([0, 1, 3], dtype=int64)
    """
    return _standard("cumulative_sum", cumsum_p, 0, x, axis, dtype, include_initial)


@api
def cumulative_prod(
    x: ArrayLike, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Array:
    """As `cumprod`, in the array API's form; the arguments are those of `cumulative_sum`.

    Example:
        >>> import rtorch as rt
        >>> rt.cumulative_prod(rt.asarray([2, 3]), include_initial=True)
        Array([1, 2, 6], dtype=int64)
    """
    return _standard("cumulative_prod", cumprod_p, 1, x, axis, dtype, include_initial)


def _standard(
    name: str, prim: Primitive, initial: int, x: Any, axis: int | None, dtype: Any, include: bool
) -> Array:
    x = widened(name, x, dtype)
    if axis is None and x.ndim != 1:
        raise AxisError(f"[{name}] axis must be given for an array of {x.ndim} axes")
    place = axis_of(0 if axis is None else axis, x.ndim, name)
    out = prim(x, axis=place, reverse=False)
    if not include:
        return out
    none = (0,) * x.ndim
    low = (*none[:place], 1, *none[place + 1 :])
    return pad_p(out, value=initial, low=low, high=none, interior=none)


@api
def diff(
    x: ArrayLike, /, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None
) -> Array:
    """The differences of neighbours along `axis`, taken `n` times.

    Truth values give whether neighbours differ.

    Args:
        x: An array with axes.
        n: How often.
        axis: Along which neighbours are.
        prepend: What comes before `x` first: an array, or a number for one element.
        append: What comes after it.

    Example:
        >>> import rtorch as rt
        >>> rt.diff(rt.asarray([1, 4, 9]))
        Array([3, 5], dtype=int64)
    """
    out = operand(x, "diff")
    n = integer_of(n, "diff", "n")
    if n < 0:
        raise ArgumentError(f"[diff] n must not be negative, got {n}")
    if out.ndim == 0:
        raise ShapeError("[diff] an array without axes has no neighbours")
    place = axis_of(axis, out.ndim, "diff")
    if n and (prepend is not None or append is not None):
        out = _extended(out, prepend, append, place)
    subtract = ne_p if out.dtype is dtypes.bool_ else sub_p
    for _ in range(n):
        out = subtract(*_neighbours(out, place))
    return out


def _extended(x: Array, prepend: Any, append: Any, axis: int) -> Array:
    """`x` with `prepend` and `append` at the ends of an axis."""
    parts = [x]
    for end, where in ((prepend, 0), (append, 2)):
        if end is None:
            continue
        part = operand(end, "diff")
        if part.ndim == 0:
            shape = tuple([1 if i == axis else n for i, n in enumerate(x.shape)])
            part = broadcast(part, shape)
        parts.insert(where, part)
    return concat(parts, axis=axis)


def _neighbours(x: Array, axis: int) -> tuple[Array, Array]:
    """All elements but the first, all but the last."""
    n = x.shape[axis]
    return _range(x, axis, min(1, n), n), _range(x, axis, 0, max(n - 1, 0))


def _range(x: Array, axis: int, start: int, stop: int) -> Array:
    starts, limits = [0] * x.ndim, list(x.shape)
    starts[axis], limits[axis] = start, stop
    return slice_p(x, starts=tuple(starts), limits=tuple(limits), strides=(1,) * x.ndim)
