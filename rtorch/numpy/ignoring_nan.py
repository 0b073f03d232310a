"""Reductions, averages and running sums that ignore nan. Quantiles are in `quantiles`."""

# Primitives return Any: an Array, or a tuple of them.

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.errors import api
from rtorch.numpy import reductions, statistics
from rtorch.numpy.cumulative import cumprod, cumsum
from rtorch.numpy.elementwise import isnan, logical_and, logical_not, where as choose
from rtorch.numpy.operands import ArrayLike, Axis, floating, operand
from rtorch.numpy.reductions import any as any_along

__all__ = [
    "nanargmax",
    "nanargmin",
    "nancumprod",
    "nancumsum",
    "nanmax",
    "nanmean",
    "nanmin",
    "nanprod",
    "nanstd",
    "nansum",
    "nanvar",
]


def _numbers(x: Array, where: ArrayLike | None = None) -> Array | None:
    """Which elements count; None if all do."""
    if x.dtype not in dtypes.INEXACT:
        return None if where is None else operand(where)
    valid = logical_not(isnan(x))
    return valid if where is None else logical_and(valid, where)


@api
def nansum(
    x: ArrayLike,
    axis: Axis = None,
    *,
    dtype: Any = None,
    keepdims: bool = False,
    initial: ArrayLike | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """As `sum`, with nan counting as 0.

    Example:
        >>> import rtorch as rt
        >>> rt.nansum(rt.asarray([1.0, rt.nan]))
        Array(1., dtype=float32)
    """
    x = operand(x, "nansum")
    return reductions.sum(
        x, axis, dtype=dtype, keepdims=keepdims, initial=initial, where=_numbers(x, where)
    )


@api
def nanprod(
    x: ArrayLike,
    axis: Axis = None,
    *,
    dtype: Any = None,
    keepdims: bool = False,
    initial: ArrayLike | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """As `prod`, with nan counting as 1.

    Example:
        >>> import rtorch as rt
        >>> rt.nanprod(rt.asarray([2.0, rt.nan]))
        Array(2., dtype=float32)
    """
    x = operand(x, "nanprod")
    return reductions.prod(
        x, axis, dtype=dtype, keepdims=keepdims, initial=initial, where=_numbers(x, where)
    )


@api
def nanmax(
    x: ArrayLike,
    axis: Axis = None,
    *,
    keepdims: bool = False,
    initial: ArrayLike | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """As `max`, ignoring nan; nan where there is nothing else.

    Example:
        >>> import rtorch as rt
        >>> rt.nanmax(rt.asarray([1.0, rt.nan]))
        Array(1., dtype=float32)
    """
    return _extreme(reductions.max, -math.inf, "nanmax", x, axis, keepdims, initial, where)


@api
def nanmin(
    x: ArrayLike,
    axis: Axis = None,
    *,
    keepdims: bool = False,
    initial: ArrayLike | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """As `min`, ignoring nan; nan where there is nothing else.

    Example:
        >>> import rtorch as rt
        >>> rt.nanmin(rt.asarray([1.0, rt.nan]))
        Array(1., dtype=float32)
    """
    return _extreme(reductions.min, math.inf, "nanmin", x, axis, keepdims, initial, where)


def _extreme(
    extreme: Callable[..., Array], least: float, name: str, x: Any, axis: Axis, keepdims: bool,
    initial: Any, where: Any,
) -> Array:  # fmt: skip
    x = operand(x, name)
    if x.dtype not in dtypes.INEXACT or (initial is None and where is not None):
        return extreme(x, axis, keepdims=keepdims, initial=initial, where=where)
    if initial is not None:
        return extreme(x, axis, keepdims=keepdims, initial=initial, where=_numbers(x, where))
    valid = _numbers(x)
    assert valid is not None
    out = extreme(choose(valid, x, least), axis, keepdims=keepdims)
    return choose(any_along(valid, axis, keepdims=keepdims), out, math.nan)


def _arg_extreme(
    place: Callable[..., Array], least: float, name: str, x: Any, axis: int | None, keepdims: bool
) -> Array:
    x = operand(x, name)
    if x.dtype not in dtypes.FLOATS:
        return place(x, axis, keepdims=keepdims)
    valid = logical_not(isnan(x))
    out = place(choose(valid, x, least), axis, keepdims=keepdims)
    return choose(any_along(valid, axis, keepdims=keepdims), out, -1)


@api
def nanargmax(x: ArrayLike, axis: int | None = None, *, keepdims: bool = False) -> Array:
    """As `argmax`, ignoring nan; -1 where there is nothing else.

    NumPy raises there, which it cannot under `jit`.

    Example:
        >>> import rtorch as rt
        >>> rt.nanargmax(rt.asarray([1.0, rt.nan, 2.0]))
        Array(2, dtype=int64)
    """
    return _arg_extreme(reductions.argmax, -math.inf, "nanargmax", x, axis, keepdims)


@api
def nanargmin(x: ArrayLike, axis: int | None = None, *, keepdims: bool = False) -> Array:
    """As `argmin`, ignoring nan; -1 where there is nothing else.

    Example:
        >>> import rtorch as rt
        >>> rt.nanargmin(rt.asarray([1.0, rt.nan, 2.0]))
        Array(0, dtype=int64)
    """
    return _arg_extreme(reductions.argmin, math.inf, "nanargmin", x, axis, keepdims)


@api
def nanmean(
    x: ArrayLike,
    axis: Axis = None,
    *,
    dtype: Any = None,
    keepdims: bool = False,
    where: ArrayLike | None = None,
) -> Array:
    """As `mean`, ignoring nan; nan where there is nothing else.

    Example:
        >>> import rtorch as rt
        >>> rt.nanmean(rt.asarray([1.0, rt.nan, 3.0]))
        Array(2., dtype=float32)
    """
    x = floating(x, "nanmean")
    return statistics.mean(x, axis, dtype=dtype, keepdims=keepdims, where=_numbers(x, where))


@api
def nanvar(
    x: ArrayLike,
    axis: Axis = None,
    *,
    ddof: float = 0,
    correction: float | None = None,
    dtype: Any = None,
    keepdims: bool = False,
    where: ArrayLike | None = None,
    mean: ArrayLike | None = None,
) -> Array:
    """As `var`, ignoring nan.

    Example:
        >>> import rtorch as rt
        >>> rt.nanvar(rt.asarray([1.0, rt.nan, 3.0]))
        Array(1., dtype=float32)
    """
    x = floating(x, "nanvar")
    return statistics.var(
        x, axis, ddof=ddof, correction=correction, dtype=dtype, keepdims=keepdims,
        where=_numbers(x, where), mean=mean,
    )  # fmt: skip


@api
def nanstd(
    x: ArrayLike,
    axis: Axis = None,
    *,
    ddof: float = 0,
    correction: float | None = None,
    dtype: Any = None,
    keepdims: bool = False,
    where: ArrayLike | None = None,
    mean: ArrayLike | None = None,
) -> Array:
    """As `std`, ignoring nan.

    Example:
        >>> import rtorch as rt
        >>> rt.nanstd(rt.asarray([1.0, rt.nan, 3.0]))
        Array(1., dtype=float32)
    """
    return statistics.root(
        nanvar(
            x, axis, ddof=ddof, correction=correction, dtype=dtype, keepdims=keepdims, where=where,
            mean=mean,
        )
    )  # fmt: skip


def _replaced(name: str, x: Any, instead: float) -> Array:
    x = operand(x, name)
    return choose(isnan(x), instead, x) if x.dtype in dtypes.INEXACT else x


@api
def nancumsum(
    x: ArrayLike, axis: int | None = None, *, dtype: Any = None, reverse: bool = False
) -> Array:
    """As `cumsum`, with nan counting as 0.

    Example:
        >>> import rtorch as rt
        >>> rt.nancumsum(rt.asarray([1.0, rt.nan, 2.0])).tolist()
        [1.0, 1.0, 3.0]
    """
    return cumsum(_replaced("nancumsum", x, 0.0), axis, dtype=dtype, reverse=reverse)


@api
def nancumprod(
    x: ArrayLike, axis: int | None = None, *, dtype: Any = None, reverse: bool = False
) -> Array:
    """As `cumprod`, with nan counting as 1.

    Example:
        >>> import rtorch as rt
        >>> rt.nancumprod(rt.asarray([2.0, rt.nan, 3.0])).tolist()
        [2.0, 2.0, 6.0]
    """
    return cumprod(_replaced("nancumprod", x, 1.0), axis, dtype=dtype, reverse=reverse)
