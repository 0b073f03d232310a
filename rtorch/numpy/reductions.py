"""Reductions: sums, products, extremes and their places, truth values."""

# Primitives return Any: an Array, or a tuple of them.

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.core.dtypes import DType
from rtorch.core.primitive import Primitive
from rtorch.core.trace import is_staging, state
from rtorch.errors import ArgumentError, ConcretizationError, DTypeError, ShapeError, api
from rtorch.numpy.operands import (
    ArrayLike,
    Axis,
    Shape,
    axes_of,
    axis_of,
    binary,
    broadcast,
    broadcast_shapes,
    convert,
    floating,
    operand,
)
from rtorch.ops.base import add_p, broadcast_p, mul_p, reduce_sum_p, reshape_p, sub_p
from rtorch.ops.comparison import is_finite_p, ne_p, select_p
from rtorch.ops.convert import convert_p, real_p, stop_gradient_p
from rtorch.ops.creation import full_p
from rtorch.ops.elementwise import exp_p, log_p, maximum_p, minimum_p
from rtorch.ops.reduction import (
    argmax_p,
    argmin_p,
    reduce_and_p,
    reduce_max_p,
    reduce_min_p,
    reduce_or_p,
    reduce_prod_p,
)

__all__ = [
    "all",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "count_nonzero",
    "logsumexp",
    "max",
    "min",
    "prod",
    "ptp",
    "sum",
]

# ---- shared --------------------------------------------------------------------------------------


class Plan(NamedTuple):
    """What a reduction does to a shape."""

    axes: Shape  # those that go
    rest: Shape  # those that stay
    kept: Shape  # the shape with those that go as length 1
    n: int  # how many elements go into one of the result


_PLAIN_AXES = (int, tuple, type(None))


@functools.lru_cache(4096, typed=True)
def _plan(name: str, shape: Shape, axis: Axis) -> Plan:
    axes = axes_of(axis, len(shape), name)
    return Plan(
        axes,
        tuple([i for i in range(len(shape)) if i not in axes]),
        tuple([1 if i in axes else n for i, n in enumerate(shape)]),
        math.prod([shape[i] for i in axes]),
    )


def plan_of(name: str, shape: Shape, axis: Axis) -> Plan:
    """What reducing `shape` over `axis` does; `name` is the function, for messages."""
    if type(axis) not in _PLAIN_AXES:
        axis = axes_of(axis, len(shape), name)
    return _plan(name, shape, axis)


def reduce(name: str, prim: Primitive, x: Array, axis: Axis, keepdims: bool) -> Array:
    """``prim(x)`` over `axis`."""
    plan = _plan(name, x.shape, axis) if type(axis) in _PLAIN_AXES else plan_of(name, x.shape, axis)
    out = state.trace.bind(prim, (x,), {"axes": plan.axes})
    return reshape_p(out, shape=plan.kept) if keepdims else out


def sum_dtype(dtype: DType) -> DType:
    """What NumPy sums `dtype` in: integers in 64 bits."""
    if dtype in dtypes.INEXACT:
        return dtype
    return dtypes.uint64 if dtype in dtypes.UNSIGNED else dtypes.int64


def widened(name: str, x: Any, dtype: Any) -> Array:
    """`x` in the dtype it is to be summed in."""
    x = operand(x, name)
    wanted = sum_dtype(x.dtype) if dtype is None else dtypes.canonical(dtype)
    return x if x.dtype is wanted else convert_p(x, dtype=wanted)


def truth(name: str, x: Any) -> Array:
    """Whether elements of `x` are not zero."""
    x = operand(x, name)
    return x if x.dtype is dtypes.bool_ else ne_p(x, 0)


def masked(name: str, x: Array, where: ArrayLike | None, instead: Any) -> Array:
    """`x` with `instead` where `where` does not hold; they broadcast."""
    if where is None:
        return x
    chosen = truth(name, where)
    shape = broadcast_shapes(name, x.shape, chosen.shape)
    return select_p(broadcast(chosen, shape), broadcast(x, shape), instead)


def surely_any(prim: Primitive, x: Array, y: Any) -> bool:
    """Whether ``prim(x, y)`` is known to hold for some element: not under `jit` and `vmap`."""
    if is_staging():
        return False
    try:
        return bool(reduce_or_p(prim(x, y), axes=tuple(range(x.ndim))))
    except ConcretizationError:
        return False


# ---- sums and products ---------------------------------------------------------------------------


@api
def sum(
    x: ArrayLike,
    axis: Axis = None,
    *,
    dtype: Any = None,
    keepdims: bool = False,
    initial: ArrayLike | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """The sum of the elements along `axis`.

    Args:
        x: An array.
        axis: An axis, several, or None for all.
        dtype: What to sum in; by default the dtype of `x`, for integers and truth values int64
            or uint64. Half precision is accumulated in float32.
        keepdims: Keep the axes, with length 1.
        initial: Added to the sum.
        where: Truth values that broadcast with `x`: only elements where they hold are summed.

    Raises:
        AxisError: if `x` has no such axis, or one is named twice.

    Example:
        >>> import rtorch as rt
        >>> rt.sum(rt.asarray([[1.0, 2.0], [3.0, 4.0]]), axis=0)
        Array([4., 6.], dtype=float32)
    """
    if not isinstance(x, Array) or dtype is not None or x.dtype not in dtypes.INEXACT:
        x = widened("sum", x, dtype)
    if where is not None:
        x = masked("sum", x, where, 0)
    out = reduce("sum", reduce_sum_p, x, axis, keepdims)
    return out if initial is None else binary(add_p, out, initial, "sum")


@api
def prod(
    x: ArrayLike,
    axis: Axis = None,
    *,
    dtype: Any = None,
    keepdims: bool = False,
    initial: ArrayLike | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """The product of the elements along `axis`; the arguments are those of `sum`.

    Example:
        >>> import rtorch as rt
        >>> rt.prod(rt.asarray([2, 3, 4]))
        Array(24, dtype=int64)
    """
    factors = masked("prod", widened("prod", x, dtype), where, 1)
    out = reduce("prod", reduce_prod_p, factors, axis, keepdims)
    return out if initial is None else binary(mul_p, out, initial, "prod")


@api
def count_nonzero(x: ArrayLike, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """How many elements along `axis` are not zero, as int64.

    Example:
        >>> import rtorch as rt
        >>> rt.count_nonzero(rt.asarray([1, 0, 2]))
        Array(2, dtype=int64)
    """
    ones = convert(truth("count_nonzero", x), dtypes.int64)
    return reduce("count_nonzero", reduce_sum_p, ones, axis, keepdims)


# ---- extremes ------------------------------------------------------------------------------------


def _extreme(
    name: str,
    prims: tuple[Primitive, Primitive],
    x: Any,
    axis: Axis,
    keepdims: bool,
    initial: ArrayLike | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """`prims`: what reduces an axis, and what combines two arrays."""
    x = operand(x, name)
    if initial is None:
        if where is not None:
            raise ArgumentError(
                f"[{name}] where= without initial=: what to return if no element is chosen?"
            )
        if 0 in x.shape:
            _check_not_empty(name, x, axes_of(axis, x.ndim, name))
        return reduce(name, prims[0], x, axis, keepdims)
    least = _limit(x.dtype, largest=prims[0] is reduce_min_p)
    x = masked(name, x, where, least)
    if 0 in x.shape:  # nothing is chosen: what comes out is `initial`
        plan = plan_of(name, x.shape, axis)
        shape = plan.kept if keepdims else tuple([x.shape[i] for i in plan.rest])
        out = full_p(shape=shape, value=least, dtype=x.dtype, device=x.device)
    else:
        out = reduce(name, prims[0], x, axis, keepdims)
    return binary(prims[1], out, initial, name)


def _limit(dtype: DType, largest: bool) -> Any:
    """The smallest value of `dtype`, or the largest."""
    if dtype is dtypes.bool_:
        return largest
    if dtype in dtypes.INTEGERS:
        limits = dtypes.iinfo(dtype)
        return int(limits.max if largest else limits.min)
    return math.inf if largest else -math.inf


_MAX, _MIN = (reduce_max_p, maximum_p), (reduce_min_p, minimum_p)


def _check_not_empty(name: str, x: Array, axes: Shape) -> None:
    if 0 in [x.shape[i] for i in axes]:
        raise ShapeError(
            f"[{name}] no elements to choose from: shape {x.shape} has length 0 along the "
            f"reduced axes {axes}"
        )


@api
def max(
    x: ArrayLike,
    axis: Axis = None,
    *,
    keepdims: bool = False,
    initial: ArrayLike | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """The largest element along `axis`; nan if there is one.

    Where elements tie, they share the derivative.

    Args:
        x: An array.
        axis: An axis, several, or None for all.
        keepdims: Keep the axes, with length 1.
        initial: The result is at least this; needed beside `where`.
        where: Truth values that broadcast with `x`: only elements where they hold count.

    Raises:
        ShapeError: if there are no elements to choose from.

    Example:
        >>> import rtorch as rt
        >>> rt.max(rt.asarray([[1, 5], [3, 2]]), axis=1)
        Array([5, 3], dtype=int64)
    """
    return _extreme("max", _MAX, x, axis, keepdims, initial, where)


@api
def min(
    x: ArrayLike,
    axis: Axis = None,
    *,
    keepdims: bool = False,
    initial: ArrayLike | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """The smallest element along `axis`; as `max` otherwise.

    Example:
        >>> import rtorch as rt
        >>> rt.min(rt.asarray([[1, 5], [3, 2]]))
        Array(1, dtype=int64)
    """
    return _extreme("min", _MIN, x, axis, keepdims, initial, where)


amax, amin = max, min


@api
def ptp(x: ArrayLike, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """The range of values along `axis`: the largest minus the smallest.

    Example:
        >>> import rtorch as rt
        >>> rt.ptp(rt.asarray([3, 1, 8]))
        Array(7, dtype=int64)
    """
    x = operand(x, "ptp")
    if x.dtype is dtypes.bool_:
        raise DTypeError("[ptp] truth values have no difference; convert x first")
    largest = _extreme("ptp", _MAX, x, axis, keepdims)
    return sub_p(largest, _extreme("ptp", _MIN, x, axis, keepdims))


# ---- places of extremes --------------------------------------------------------------------------


def _arg_extreme(name: str, prim: Primitive, x: Any, axis: int | None, keepdims: bool) -> Array:
    x = operand(x, name)
    shape = x.shape
    if axis is None:
        place, kept = 0, (1,) * len(shape)
        x = x if len(shape) == 1 else reshape_p(x, shape=(math.prod(shape),))
    else:
        place = axis_of(axis, len(shape), name)
        kept = (*shape[:place], 1, *shape[place + 1 :])
    if 0 in x.shape:
        _check_not_empty(name, x, (place,))
    out = prim(x, axis=place)
    return reshape_p(out, shape=kept) if keepdims else out


@api
def argmax(x: ArrayLike, axis: int | None = None, *, keepdims: bool = False) -> Array:
    """The place of the largest element along `axis`, the first one of equals, as int64.

    Args:
        x: An array.
        axis: An axis; None means the place in the flattened array.
        keepdims: Keep the axis, with length 1.

    Raises:
        ShapeError: if there are no elements to choose from.

    Example:
        >>> import rtorch as rt
        >>> rt.argmax(rt.asarray([[1, 5], [3, 2]]), axis=1)
        Array([1, 0], dtype=int64)
    """
    return _arg_extreme("argmax", argmax_p, x, axis, keepdims)


@api
def argmin(x: ArrayLike, axis: int | None = None, *, keepdims: bool = False) -> Array:
    """The place of the smallest element along `axis`; as `argmax` otherwise.

    Example:
        >>> import rtorch as rt
        >>> rt.argmin(rt.asarray([4, 1, 3]))
        Array(1, dtype=int64)
    """
    return _arg_extreme("argmin", argmin_p, x, axis, keepdims)


# ---- truth ---------------------------------------------------------------------------------------


@api
def all(
    x: ArrayLike,
    axis: Axis = None,
    *,
    keepdims: bool = False,
    where: ArrayLike | None = None,
) -> Array:
    """Whether all elements along `axis` are true (not zero).

    Args:
        x: An array.
        axis: An axis, several, or None for all.
        keepdims: Keep the axes, with length 1.
        where: Truth values that broadcast with `x`: only elements where they hold count.

    Example:
        >>> import rtorch as rt
        >>> rt.all(rt.asarray([True, False]))
        Array(False, dtype=bool)
    """
    return reduce("all", reduce_and_p, masked("all", truth("all", x), where, True), axis, keepdims)


@api
def any(
    x: ArrayLike,
    axis: Axis = None,
    *,
    keepdims: bool = False,
    where: ArrayLike | None = None,
) -> Array:
    """Whether any element along `axis` is true (not zero); arguments as of `all`.

    Example:
        >>> import rtorch as rt
        >>> rt.any(rt.asarray([True, False]))
        Array(True, dtype=bool)
    """
    return reduce("any", reduce_or_p, masked("any", truth("any", x), where, False), axis, keepdims)


# ---- log of a sum of exponentials ----------------------------------------------------------------


@api
def logsumexp(x: ArrayLike, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """``log(sum(exp(x)))`` along `axis`, without overflow.

    The largest element is taken out of the sum first. Of nothing, or of -inf only, it is -inf,
    with derivative 0.

    Example:
        >>> import rtorch as rt
        >>> rt.logsumexp(rt.asarray([1000.0, 1000.0]))
        Array(1000.6932, dtype=float32)
    """
    x = floating(x, "logsumexp")
    shape = x.shape
    plan = plan_of("logsumexp", shape, axis)
    if plan.n == 0:
        out = full_p(
            shape=tuple([shape[i] for i in plan.rest]), value=-math.inf, dtype=x.dtype,
            device=x.device,
        )  # fmt: skip
    else:
        out = _logsumexp(x, plan)
    return reshape_p(out, shape=plan.kept) if keepdims else out


def _logsumexp(x: Array, plan: Plan) -> Array:
    is_complex = x.dtype in dtypes.COMPLEXES
    largest = reduce_max_p(stop_gradient_p(real_p(x) if is_complex else x), axes=plan.axes)
    shift = select_p(is_finite_p(largest), largest, 0)
    if is_complex:
        largest, shift = convert(shift, x.dtype), convert(shift, x.dtype)
    powers = exp_p(sub_p(x, broadcast_p(shift, shape=x.shape, axes=plan.rest)))
    total = reduce_sum_p(powers, axes=plan.axes)
    if not is_complex:
        # At least 1, the power of the largest element, unless all are -inf: then the bound
        # keeps the logarithm and its slope finite, and adding the largest, -inf, is the answer.
        total = maximum_p(total, 0.5)
    return add_p(log_p(total), largest)
