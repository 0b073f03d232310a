"""Averages and spreads; how variables vary together."""

# Primitives return Any: an Array, or a tuple of them.

from __future__ import annotations

import math
from typing import Any

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.core.dtypes import DType
from rtorch.core.trace import Tracer
from rtorch.errors import (
    ArgumentError,
    ShapeError,
    ZeroWeightsError,
    api,
    describe,
)
from rtorch.numpy.contraction import matmul
from rtorch.numpy.creation import full_like
from rtorch.numpy.elementwise import clip, complex, imag, real
from rtorch.numpy.joining import concat
from rtorch.numpy.manipulation import matrix_transpose
from rtorch.numpy.matrices import diagonal
from rtorch.numpy.operands import (
    ArrayLike,
    Axis,
    axis_of,
    binary,
    broadcast,
    convert,
    floating,
    operand,
    promote,
)
from rtorch.numpy.reductions import (
    Plan,
    count_nonzero,
    masked,
    plan_of,
    sum as sum_along,
    surely_any,
    truth,
)
from rtorch.ops.base import (
    broadcast_p,
    mul_p,
    reduce_sum_p,
    reshape_p,
    sub_p,
)
from rtorch.ops.comparison import eq_p, gt_p, select_p
from rtorch.ops.convert import conj_p, convert_p, real_p
from rtorch.ops.elementwise import div_p, sqrt_p

__all__ = ["average", "corrcoef", "cov", "mean", "std", "var"]


def _wide(name: str, x: Any, dtype: Any) -> tuple[Array, DType]:
    """`x` in a dtype that sums do not overflow in, and the dtype wanted of the result."""
    x = floating(x, name)
    wanted = x.dtype if dtype is None else dtypes.to_float(dtypes.canonical(dtype))
    work = dtypes.float32 if wanted in dtypes.HALVES else wanted
    return x if x.dtype is work else convert_p(x, dtype=work), wanted


@api
def mean(
    x: ArrayLike,
    axis: Axis = None,
    *,
    dtype: Any = None,
    keepdims: bool = False,
    where: ArrayLike | None = None,
) -> Array:
    """The arithmetic mean along `axis`.

    Args:
        x: An array; integers and truth values are averaged in `default_dtype()`.
        axis: An axis, several, or None for all.
        dtype: The dtype of the result; by default that of `x`. Half precision is averaged in
            float32.
        keepdims: Keep the axes, with length 1.
        where: Truth values that broadcast with `x`: only elements where they hold count.

    Returns:
        The mean; nan of nothing.

    Example:
        >>> import rtorch as rt
        >>> rt.mean(rt.asarray([[1.0, 2.0], [3.0, 4.0]]), axis=1)
        Array([1.5, 3.5], dtype=float32)
    """
    x, wanted = _wide("mean", x, dtype)
    x, n = _chosen("mean", x, axis, where)
    plan = plan_of("mean", x.shape, axis)
    out = _mean(x, plan, n)
    if x.dtype is not wanted:
        out = convert_p(out, dtype=wanted)
    return reshape_p(out, shape=plan.kept) if keepdims else out


def _chosen(name: str, x: Array, axis: Axis, where: Any) -> tuple[Array, Array | None]:
    """`x` with 0 where `where` does not hold, and how many of its elements count along `axis`."""
    if where is None:
        return x, None
    x = masked(name, x, where, 0)
    chosen = broadcast(truth(name, where), x.shape)
    return x, convert(count_nonzero(chosen, axis), x.dtype)


def _mean(x: Array, plan: Plan, n: Array | None) -> Array:
    return _divided(reduce_sum_p(x, axes=plan.axes), plan.n if n is None else n)


def _divided(total: Array, n: Array | float) -> Array:
    """``total / n``, and nan where `n` is not above 0."""
    if not isinstance(n, Array):
        return div_p(total, n) if n > 0 else mul_p(total, math.nan)
    some = gt_p(n, 0)
    return select_p(some, div_p(total, select_p(some, n, 1)), math.nan)


@api
def var(
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
    """The variance along `axis`: the mean squared distance from the mean.

    Args:
        x: An array; of complex numbers the result is real.
        axis: An axis, several, or None for all.
        ddof: The sum of squares is divided by the number of elements minus this.
        correction: The array API's name for `ddof`.
        dtype: What to compute in; by default the dtype of `x`, and float32 for half precision.
        keepdims: Keep the axes, with length 1.
        where: Truth values that broadcast with `x`: only elements where they hold count.
        mean: The mean, if it is known, with the axes kept.

    Returns:
        The variance; nan where nothing is left to divide by.

    Example:
        >>> import rtorch as rt
        >>> rt.var(rt.asarray([1.0, 3.0]))
        Array(1., dtype=float32)
    """
    left = ddof if correction is None else correction
    return _var("var", x, axis, left, dtype, keepdims, where, mean)


@api
def std(
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
    """The standard deviation along `axis`: the square root of `var`, with slope 0 at 0.

    Example:
        >>> import rtorch as rt
        >>> rt.std(rt.asarray([1.0, 3.0]))
        Array(1., dtype=float32)
    """
    left = ddof if correction is None else correction
    return root(_var("std", x, axis, left, dtype, keepdims, where, mean))


def root(x: Array) -> Array:
    """The square root with slope 0 at 0."""
    # A double where: equal elements have no slope of infinity times zero.
    none = eq_p(x, 0)
    return select_p(none, 0, sqrt_p(select_p(none, 1, x)))


def _var(
    name: str, x: Any, axis: Axis, ddof: float, dtype: Any, keepdims: bool, where: Any, mean: Any
) -> Array:
    x, wanted = _wide(name, x, dtype)
    x, n = _chosen(name, x, axis, where)
    plan = plan_of(name, x.shape, axis)
    if mean is None:
        center = broadcast_p(_mean(x, plan, n), shape=x.shape, axes=plan.rest)
    else:
        center = broadcast(convert(operand(mean, name), x.dtype), x.shape)
    distance = masked(name, sub_p(x, center), where, 0)
    if x.dtype in dtypes.COMPLEXES:
        squares = real_p(mul_p(distance, conj_p(distance)))
    else:
        squares = mul_p(distance, distance)
    total = reduce_sum_p(squares, axes=plan.axes)
    if not isinstance(ddof, (int, float, Array)):
        raise ArgumentError(f"[{name}] ddof: expected a number, got {describe(ddof)}")
    left = plan.n - ddof if n is None else sub_p(convert(n, total.dtype), ddof)
    out = convert(_divided(total, left), dtypes.real_dtype(wanted))
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

    Raises:
        ZeroWeightsError: if weights sum to zero, as far as they are known; under `jit` and `vmap`
            the result is nan or infinite instead.

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
    values, w = promote(
        "average", x, spread_weights("average", x, operand(weights, "average"), axis)
    )
    total = sum_along(w, axis, keepdims=keepdims)
    if surely_any(eq_p, total, 0):
        raise ZeroWeightsError("[average] the weights sum to zero: there is nothing to divide by")
    out = div_p(sum_along(mul_p(values, w), axis, keepdims=keepdims), total)
    return (out, total) if returned else out


def spread_weights(name: str, x: Array, weights: Array, axis: Axis) -> Array:
    """`weights` in the shape of `x`."""
    if weights.shape == x.shape:
        return weights
    if axis is None or weights.ndim != 1 or isinstance(axis, (tuple, list)):
        raise ShapeError(
            f"[{name}] weights of shape {weights.shape} beside x of shape {x.shape}: expected "
            "the same shape, or a vector along one axis"
        )
    place = axis_of(axis, x.ndim, name)
    if weights.shape[0] != x.shape[place]:
        raise ShapeError(
            f"[{name}] {weights.shape[0]} weights for axis {place} of length {x.shape[place]}"
        )
    ones = (1,) * (x.ndim - place - 1)
    return broadcast(reshape_p(weights, shape=(*weights.shape, *ones)), x.shape)


# ---- variables together --------------------------------------------------------------------------


def _whole(name: str, argument: str, x: Any) -> Any:
    """`x`, refused if it is not a whole number, as far as it is known."""
    if isinstance(x, Tracer):
        return x
    try:
        is_whole = x == int(x)
    except (TypeError, ValueError, OverflowError):
        is_whole = False
    if not is_whole:
        raise ArgumentError(f"[{name}] {argument}: expected an integer, got {describe(x)}")
    return x


@api
def cov(
    m: ArrayLike,
    y: ArrayLike | None = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: float | None = None,
    fweights: ArrayLike | None = None,
    aweights: ArrayLike | None = None,
    *,
    dtype: Any = None,
) -> Array:
    """The covariances of variables, a matrix (a number if there is only one variable).

    Args:
        m: Observations: a vector of one variable, or a matrix with a row for each variable.
        y: Further variables, as `m`.
        rowvar: Whether variables are rows; else they are columns.
        bias: Divide by the number of observations instead of one less.
        ddof: Divide by that number minus this, an integer; goes before `bias`.
        fweights: How often each observation occurs, integers >= 0.
        aweights: How much each observation counts, >= 0.
        dtype: The dtype to compute in.

    Example:
        >>> import rtorch as rt
        >>> rt.cov(rt.asarray([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]))
        Array([[ 1., -1.],
               [-1.,  1.]], dtype=float32)
    """
    x, _ = _wide("cov", m, dtype)
    x = _variables("cov", x, rowvar)
    if y is not None:
        x = concat(promote("cov", x, _variables("cov", floating(y, "cov"), rowvar)))
    weights = _observation_weights("cov", x, fweights, aweights)
    less = (0 if bias else 1) if ddof is None else _whole("cov", "ddof", ddof)
    n: Any = x.shape[1]
    if weights is None:
        center, scaled = mean(x, 1, keepdims=True), None
        left = n - less
    else:
        n = sum_along(weights)
        center = div_p(sum_along(binary(mul_p, x, weights, "cov"), 1, keepdims=True),
                       broadcast(n, (x.shape[0], 1)))  # fmt: skip
        again = weights if aweights is None else binary(mul_p, weights, aweights, "cov")
        left = sub_p(n, div_p(mul_p(sum_along(again), less), n)) if less else n
        scaled = weights
    distance = binary(sub_p, x, center, "cov")
    other = distance if scaled is None else binary(mul_p, distance, scaled, "cov")
    products = matmul(other, _conjugated(matrix_transpose(distance)))
    if isinstance(left, Array):
        left = broadcast(left, products.shape)
    out = _divided(products, left)
    return reshape_p(out, shape=()) if out.shape == (1, 1) else out


def _conjugated(x: Array) -> Array:
    return conj_p(x) if x.dtype in dtypes.COMPLEXES else x


def _variables(name: str, x: Array, rowvar: bool) -> Array:
    """One row for every variable."""
    if x.ndim > 2:
        raise ShapeError(f"[{name}] expected a vector or a matrix, got shape {x.shape}")
    if x.ndim < 2:
        return reshape_p(x, shape=(1, x.size))
    return x if rowvar or x.shape[0] == 1 else matrix_transpose(x)


def _observation_weights(name: str, x: Array, fweights: Any, aweights: Any) -> Array | None:
    """The product of both kinds of weights in the dtype of `x`."""
    given = [operand(w, name) for w in (fweights, aweights) if w is not None]
    for w in given:
        if w.shape != (x.shape[1],):
            raise ShapeError(f"[{name}] {x.shape[1]} observations have weights of shape {w.shape}")
    if not given:
        return None
    weights = [convert(w, dtypes.real_dtype(x.dtype)) for w in given]
    return weights[0] if len(weights) == 1 else mul_p(*weights)


@api
def corrcoef(
    x: ArrayLike, y: ArrayLike | None = None, rowvar: bool = True, *, dtype: Any = None
) -> Array:
    """The correlations of variables: `cov` divided by their standard deviations.

    Args:
        x: Observations: a vector of one variable, or a matrix with a row for each variable.
        y: Further variables, as `x`.
        rowvar: Whether variables are rows; else they are columns.
        dtype: The dtype to compute in.

    Example:
        >>> import rtorch as rt
        >>> rt.corrcoef(rt.asarray([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]])).tolist()
        [[1.0, -1.0], [-1.0, 1.0]]
    """
    c = cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return div_p(c, c)
    spread = sqrt_p(real(diagonal(c)))
    c = binary(div_p, c, reshape_p(spread, shape=(c.shape[0], 1)), "corrcoef")
    return _within_one(binary(div_p, c, spread, "corrcoef"))


def _within_one(x: Array) -> Array:
    """`x` without what rounding put beyond -1 and 1."""
    if x.dtype in dtypes.COMPLEXES:
        return complex(clip(real(x), -1, 1), clip(imag(x), -1, 1))
    return clip(x, -1, 1)
