"""Hinge losses: nothing to pay beyond a margin."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, OutOfBoundsError, ShapeError, api, describe
from rtorch.nn.checks import refuse
from rtorch.nn.losses.common import (
    class_numbers,
    integers,
    operands,
    positive_part,
    reduce_losses,
    widened,
)

__all__ = ["hinge_embedding_loss", "hinge_loss", "multi_margin_loss", "multilabel_margin_loss"]


@api
def hinge_loss(
    scores: Any, targets: Any, *, p: int = 1, margin: float = 1.0, reduction: str = "mean"
) -> rt.Array:
    """``max(0, margin - t x) ** p`` for targets ``t`` of 1 or -1.

    Args:
        scores: ``x`` of any size.
        targets: 1 or -1, of the same shape.
        p: 1, or 2 for the squared loss.
        margin: The score from which on nothing is to pay.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.hinge_loss(rt.asarray([3.0, 0.5, 0.5]), rt.asarray([1, 1, -1]), reduction="none")
        Array([0. , 0.5, 1.5], dtype=float32)

    References:
        Cortes & Vapnik 1995 (doi:10.1007/BF00994018).
    """
    dtype, (x, t) = operands(scores=scores, targets=targets)
    return reduce_losses(_hinge(margin - t * x, p), reduction, dtype)


@api
def hinge_embedding_loss(
    distances: Any, targets: Any, *, margin: float = 1.0, reduction: str = "mean"
) -> rt.Array:
    """The distance itself for targets of 1, ``max(0, margin - distance)`` for targets of -1.

    Args:
        distances: Real numbers of any shape.
        targets: 1 for pairs that are alike, -1 for others; of the same shape.
        margin: How far apart the others should be.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Example:
        >>> import rtorch as rt
        >>> distances, targets = rt.asarray([0.3, 0.3]), rt.asarray([1, -1])
        >>> rt.nn.hinge_embedding_loss(distances, targets, reduction="none")
        Array([0.3, 0.7], dtype=float32)
    """
    dtype, (x, t) = operands(distances=distances, targets=targets)
    alike, others = rt.where(t == -1, 0.0, x), rt.where(t == 1, 0.0, positive_part(margin - x))
    return reduce_losses(alike + others, reduction, dtype)


@api
def multi_margin_loss(
    scores: Any,
    labels: Any,
    *,
    p: int = 1,
    margin: float = 1.0,
    weight: Any = None,
    reduction: str = "mean",
) -> rt.Array:
    """The mean over the classes of ``max(0, margin - x[label] + x[class]) ** p``.

    Args:
        scores: ``x``, shape ``(..., classes)``.
        labels: Class numbers, shape ``(...)``.
        p: 1 or 2.
        margin: How far the score of the label should be above the others.
        weight: A factor for each class, shape ``(classes,)``, within the power's sum.
        reduction: ``"mean"``, ``"sum"`` or ``"none"`` of the losses of shape ``(...)``.

    Raises:
        OutOfBoundsError: if a label is no class (not under `jit`).

    Example:
        >>> import rtorch as rt
        >>> rt.nn.multi_margin_loss(rt.asarray([[0.1, 0.2, 0.4]]), rt.asarray([2]))
        Array(0.5, dtype=float32)

    References:
        Crammer & Singer 2001 (JMLR 2, 265).
    """
    dtype, (x,) = widened(scores=scores)
    labels = class_numbers(labels, x)
    classes = x.shape[-1]
    _check_range("labels", labels, 0, classes)
    here = rt.one_hot(labels, classes, dtype=bool)
    chosen = rt.sum(rt.where(here, x, 0.0), axis=-1, keepdims=True)
    each = _hinge(margin - chosen + x, p)
    if weight is not None:
        weight = rt.asarray(weight).astype(x.dtype)
        if weight.shape != (classes,):
            raise ShapeError(f"weight: expected one number per class, shape ({classes},), got "
                             f"{describe(weight)}")  # fmt: skip
        each = each * rt.take(weight, labels)[..., None]
    return reduce_losses(rt.sum(rt.where(here, 0.0, each), axis=-1) / classes, reduction, dtype)


@api
def multilabel_margin_loss(scores: Any, labels: Any, *, reduction: str = "mean") -> rt.Array:
    """``max(0, 1 - x[label] + x[class]) / classes``, over all labels and all other classes.

    Args:
        scores: ``x``, shape ``(..., classes)``.
        labels: The class numbers that apply, shape ``(..., n)``; the first negative one ends them.
            (PyTorch wants ``n == classes``.)
        reduction: ``"mean"``, ``"sum"`` or ``"none"`` of the losses of shape ``(...)``.

    Raises:
        OutOfBoundsError: if a label is no class (not under `jit`).

    Example:
        >>> import rtorch as rt
        >>> scores = rt.asarray([0.1, 0.2, 0.4, 0.8])
        >>> rt.nn.multilabel_margin_loss(scores, rt.asarray([3, 0, -1, 1]))
        Array(0.85, dtype=float32)
    """
    dtype, (x,) = widened(scores=scores)
    labels = integers("labels", labels)
    if x.ndim == 0 or labels.ndim != x.ndim or labels.shape[:-1] != x.shape[:-1]:
        raise ShapeError(f"labels: expected a list of classes for each of the scores "
                         f"{describe(x)}, got {describe(labels)}")  # fmt: skip
    classes = x.shape[-1]
    counted = rt.cumprod((labels >= 0).astype(rt.int32), axis=-1) == 1
    _check_range("labels", rt.where(counted, labels, 0), 0, classes)
    here = rt.one_hot(rt.where(counted, labels, -1), classes, dtype=bool)  # (..., n, classes)
    others = ~rt.any(here, axis=-2, keepdims=True)
    chosen = rt.sum(rt.where(here, x[..., None, :], 0.0), axis=-1, keepdims=True)
    each = _hinge(1.0 - chosen + x[..., None, :], 1)
    losses = rt.sum(rt.where(counted[..., None] & others, each, 0.0), axis=(-2, -1)) / classes
    return reduce_losses(losses, reduction, dtype)


def _hinge(gap: rt.Array, p: int) -> rt.Array:
    """``max(gap, 0) ** p``, with slope 0 at 0."""
    if p not in (1, 2):
        raise ArgumentError(f"p: expected 1 or 2, got {p!r}")
    gap = rt.where(gap <= 0, 0.0, gap)  # a nan stays
    return gap if p == 1 else gap * gap


def _check_range(name: str, labels: rt.Array, low: int, high: int) -> None:
    refuse(
        (labels < low) | (labels >= high),
        OutOfBoundsError(f"{name}: expected class numbers from {low} to {high - 1}"),
    )
