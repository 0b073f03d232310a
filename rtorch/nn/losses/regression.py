"""Losses of numbers that are to be near other numbers."""

from __future__ import annotations

import math
from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, api
from rtorch.nn.losses.common import non_negative, operands, reduce_losses, same_shape

__all__ = ["huber_loss", "l1_loss", "log_cosh_loss", "mse_loss", "smooth_l1_loss"]


@api
def mse_loss(
    predictions: Any, targets: Any, *, weight: Any = None, reduction: str = "mean"
) -> rt.Array:
    """``(predictions - targets) ** 2``.

    Args:
        predictions: Real numbers of any shape.
        targets: Of the same shape.
        weight: A factor for each square, of the same shape.
        reduction: ``"mean"`` (the weighted one, if there is a weight), ``"sum"`` or ``"none"``.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.mse_loss(rt.asarray([1.0, 2.0]), rt.asarray([1.0, 4.0]))
        Array(2., dtype=float32)
    """
    dtype, (x, y) = operands(predictions=predictions, targets=targets)
    error = x - y
    return _weighted_mean(error * error, weight, reduction, dtype)


@api
def l1_loss(
    predictions: Any, targets: Any, *, weight: Any = None, reduction: str = "mean"
) -> rt.Array:
    """``|predictions - targets|``, with slope 0 where they are equal.

    Args:
        predictions: Real numbers of any shape.
        targets: Of the same shape.
        weight: A factor for each difference, of the same shape.
        reduction: ``"mean"`` (the weighted one, if there is a weight), ``"sum"`` or ``"none"``.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.l1_loss(rt.asarray([1.0, 2.0]), rt.asarray([1.0, 4.0]))
        Array(1., dtype=float32)
    """
    dtype, (x, y) = operands(predictions=predictions, targets=targets)
    return _weighted_mean(rt.abs(x - y), weight, reduction, dtype)


@api
def smooth_l1_loss(
    predictions: Any, targets: Any, *, beta: float = 1.0, reduction: str = "mean"
) -> rt.Array:
    """``d * d / (2 * beta)`` for differences ``d`` below `beta`, ``|d| - beta / 2`` above.

    Args:
        predictions: Real numbers of any shape.
        targets: Of the same shape.
        beta: Where the parabola ends; 0 gives `l1_loss`.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.smooth_l1_loss(rt.asarray([0.5, 3.0]), rt.zeros(2), reduction="none")
        Array([0.125, 2.5  ], dtype=float32)

    References:
        Girshick 2015, section 2.3 (arXiv:1504.08083).
    """
    non_negative(beta=beta)
    dtype, (x, y) = operands(predictions=predictions, targets=targets)
    size = rt.abs(x - y)
    if beta == 0:
        return reduce_losses(size, reduction, dtype)
    return reduce_losses(_huber(size, beta) / beta, reduction, dtype)


@api
def huber_loss(
    predictions: Any,
    targets: Any,
    *,
    delta: float = 1.0,
    weight: Any = None,
    reduction: str = "mean",
) -> rt.Array:
    """``d * d / 2`` for differences ``d`` below `delta`, ``delta * (|d| - delta / 2)`` above.

    Args:
        predictions: Real numbers of any shape.
        targets: Of the same shape.
        delta: Where the parabola ends; more than 0.
        weight: A factor for each loss, of the same shape. As in PyTorch the mean is then one over
            the number of elements, not over the sum of the weights.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.huber_loss(rt.asarray([0.5, 3.0]), rt.zeros(2), delta=2.0, reduction="none")
        Array([0.125, 4.   ], dtype=float32)

    References:
        Huber 1964 (doi:10.1214/aoms/1177703732).
    """
    if delta <= 0:
        raise ArgumentError(f"delta: expected a number above 0, got {delta!r}")
    dtype, (x, y) = operands(predictions=predictions, targets=targets)
    losses = _huber(rt.abs(x - y), delta)
    if weight is not None:
        losses = losses * _like(weight, losses)
    return reduce_losses(losses, reduction, dtype)


def _huber(size: rt.Array, delta: float) -> rt.Array:
    near = size < delta
    inside = rt.where(near, size, 0.0)  # the square of what is far might overflow
    return rt.where(near, 0.5 * inside * inside, delta * (size - 0.5 * delta))


@api
def log_cosh_loss(predictions: Any, targets: Any, *, reduction: str = "mean") -> rt.Array:
    """``log(cosh(predictions - targets))``, without overflow: smooth, and nearly `l1_loss` far out.

    Args:
        predictions: Real numbers of any shape.
        targets: Of the same shape.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.log_cosh_loss(rt.asarray([0.0, 1000.0]), rt.zeros(2), reduction="none")
        Array([  0.    , 999.3068], dtype=float32)
    """
    dtype, (x, y) = operands(predictions=predictions, targets=targets)
    error = x - y
    near = rt.abs(error) < 1
    inside, outside = rt.where(near, error, 0.0), rt.where(near, 1.0, rt.abs(error))
    # cosh(d) = 1 + 2 sinh(d/2)^2 keeps the digits of small losses.
    half = rt.sinh(0.5 * inside)
    far = outside + rt.log1p(rt.exp(-2 * outside)) - math.log(2)
    return reduce_losses(rt.where(near, rt.log1p(2 * half * half), far), reduction, dtype)


def _weighted_mean(losses: rt.Array, weight: Any, reduction: str, dtype: Any) -> rt.Array:
    if weight is None:
        return reduce_losses(losses, reduction, dtype)
    weight = _like(weight, losses)
    return reduce_losses(losses * weight, reduction, dtype, weight)


def _like(weight: Any, losses: rt.Array) -> rt.Array:
    weight = rt.asarray(weight).astype(losses.dtype)
    same_shape(predictions=losses, weight=weight)
    return weight
