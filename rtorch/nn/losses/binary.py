"""Losses of yes or no: of one label for each score."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, ShapeError, api, describe
from rtorch.nn.checks import refuse
from rtorch.nn.losses.common import operands, reduce_losses

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "multilabel_soft_margin_loss",
    "soft_margin_loss",
]


@api
def binary_cross_entropy_with_logits(
    logits: Any, targets: Any, *, weight: Any = None, pos_weight: Any = None,
    reduction: str = "mean",
) -> rt.Array:  # fmt: skip
    """``-t log(sigmoid(x)) - (1 - t) log(1 - sigmoid(x))``, without overflow.

    Args:
        logits: Scores ``x`` of any size.
        targets: ``t`` in ``[0, 1]``, of the same shape.
        weight: A factor for each loss; broadcast.
        pos_weight: A factor for the first term, to balance rare positives; broadcast.
        reduction: ``"mean"`` (over all elements), ``"sum"`` or ``"none"``.

    Example:
        >>> import rtorch as rt
        >>> logits, targets = rt.asarray([0.0, -100.0]), rt.asarray([1.0, 0.0])
        >>> rt.nn.binary_cross_entropy_with_logits(logits, targets)
        Array(0.346574, dtype=float32)
    """
    dtype, (x, t) = operands(logits=logits, targets=targets)
    if_zero, if_one = rt.logaddexp(x, 0.0), rt.logaddexp(-x, 0.0)
    if pos_weight is not None:
        if_one = if_one * _factor("pos_weight", pos_weight, x)
    losses = t * if_one + (1.0 - t) * if_zero
    if weight is not None:
        losses = losses * _factor("weight", weight, x)
    return reduce_losses(losses, reduction, dtype)


@api
def binary_cross_entropy(
    probs: Any, targets: Any, *, weight: Any = None, reduction: str = "mean"
) -> rt.Array:
    """``-t log(p) - (1 - t) log(1 - p)`` of probabilities.

    As in PyTorch logarithms end at -100, and the slope is ``(p - t) / max(p (1 - p), 1e-12)``.
    Where the probabilities come from a sigmoid, `binary_cross_entropy_with_logits` is exact.

    Args:
        probs: ``p`` in ``[0, 1]``.
        targets: ``t`` in ``[0, 1]``, of the same shape.
        weight: A factor for each loss; broadcast.
        reduction: ``"mean"`` (over all elements), ``"sum"`` or ``"none"``.

    Raises:
        ArgumentError: if a probability is outside ``[0, 1]`` (not under `jit`).

    Example:
        >>> import rtorch as rt
        >>> rt.nn.binary_cross_entropy(rt.asarray([0.5, 0.0]), rt.ones(2), reduction="none")
        Array([  0.6931472, 100.       ], dtype=float32)
    """
    dtype, (p, t) = operands(probs=probs, targets=targets)
    error = "probs: expected numbers from 0 to 1; binary_cross_entropy_with_logits takes any scores"
    refuse(~((p >= 0) & (p <= 1)), ArgumentError(error))
    losses = _cross_entropy(p, t)
    if weight is not None:
        losses = losses * _factor("weight", weight, p)
    return reduce_losses(losses, reduction, dtype)


@rt.custom_jvp
def _cross_entropy(p: rt.Array, t: rt.Array) -> rt.Array:
    if_one, if_zero = _clamped_logs(p)
    return -t * if_one - (1.0 - t) * if_zero


def _cross_entropy_jvp(primals: Any, tangents: Any) -> tuple[rt.Array, rt.Array]:
    (p, t), (p_dot, t_dot) = primals, tangents
    if_one, if_zero = _clamped_logs(p)
    slope = (p - t) / rt.maximum(p * (1.0 - p), 1e-12)
    return _cross_entropy(p, t), slope * p_dot + (if_zero - if_one) * t_dot


_cross_entropy.defjvp(_cross_entropy_jvp)


def _clamped_logs(p: rt.Array) -> tuple[rt.Array, rt.Array]:
    """``log(p)`` and ``log(1 - p)``, at least -100, with slope 0 at the ends."""
    some, not_all = p != 0, p != 1
    if_one = rt.where(some, rt.log(rt.where(some, p, 1.0)), -100.0)
    if_zero = rt.where(not_all, rt.log1p(-rt.where(not_all, p, 0.0)), -100.0)
    return rt.maximum(if_one, -100.0), rt.maximum(if_zero, -100.0)


@api
def soft_margin_loss(scores: Any, targets: Any, *, reduction: str = "mean") -> rt.Array:
    """``log(1 + exp(-t x))`` for targets ``t`` of 1 or -1, without overflow.

    Args:
        scores: ``x`` of any size.
        targets: 1 or -1, of the same shape.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.soft_margin_loss(rt.asarray([0.0, -200.0]), rt.ones(2), reduction="none")
        Array([  0.6931472, 200.       ], dtype=float32)
    """
    dtype, (x, t) = operands(scores=scores, targets=targets)
    return reduce_losses(rt.logaddexp(-t * x, 0.0), reduction, dtype)


@api
def multilabel_soft_margin_loss(
    logits: Any, targets: Any, *, weight: Any = None, reduction: str = "mean"
) -> rt.Array:
    """The mean over the classes of `binary_cross_entropy_with_logits`.

    Args:
        logits: Scores of any size, shape ``(..., classes)``.
        targets: 1 for each class that is there, 0 for the others; of the same shape.
        weight: A factor for each class, shape ``(classes,)``; broadcast.
        reduction: ``"mean"``, ``"sum"`` or ``"none"`` of the losses of shape ``(...)``.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.multilabel_soft_margin_loss(rt.asarray([[0.0, 9.0]]), rt.asarray([[1, 1]]))
        Array(0.3466353, dtype=float32)
    """
    dtype, (x, t) = operands(logits=logits, targets=targets)
    if x.ndim == 0:
        raise ShapeError("logits: expected an axis of classes, got a scalar")
    losses = t * rt.logaddexp(-x, 0.0) + (1.0 - t) * rt.logaddexp(x, 0.0)
    if weight is not None:
        losses = losses * _factor("weight", weight, x)
    return reduce_losses(rt.mean(losses, axis=-1), reduction, dtype)


def _factor(name: str, factor: Any, x: rt.Array) -> rt.Array:
    """A factor that fits the losses, and does not make them more."""
    factor = rt.asarray(factor)
    pairs = zip(reversed(factor.shape), reversed(x.shape), strict=False)
    if factor.ndim > x.ndim or any(n not in (1, m) for n, m in pairs):
        raise ShapeError(f"{name}: expected a shape that broadcasts to {x.shape}, got "
                         f"{describe(factor)}")  # fmt: skip
    return factor.astype(x.dtype)
