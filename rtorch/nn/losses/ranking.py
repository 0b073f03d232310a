"""Losses that compare: one thing should be above, or nearer than, another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, ShapeError, api, describe
from rtorch.nn.losses.common import operands, positive_part, reduce_losses
from rtorch.nn.losses.similarity import p_distance, pairwise_distance

__all__ = ["margin_ranking_loss", "triplet_margin_loss", "triplet_margin_with_distance_loss"]


@api
def margin_ranking_loss(
    scores1: Any, scores2: Any, targets: Any, *, margin: float = 0.0, reduction: str = "mean"
) -> rt.Array:
    """``max(0, margin - t (x1 - x2))``: the first score should be above for ``t`` of 1.

    Args:
        scores1: ``x1`` of any shape.
        scores2: ``x2`` of the same shape.
        targets: ``t``: 1 if the first should be above, -1 if the second; of the same shape.
        margin: By how much.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Example:
        >>> import rtorch as rt
        >>> higher, lower = rt.asarray([2.0, 0.0]), rt.asarray([1.0, 1.0])
        >>> rt.nn.margin_ranking_loss(higher, lower, rt.ones(2), reduction="none")
        Array([0., 1.], dtype=float32)
    """
    dtype, (x1, x2, t) = operands(scores1=scores1, scores2=scores2, targets=targets)
    return reduce_losses(positive_part(margin - t * (x1 - x2)), reduction, dtype)


@api
def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    *,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: str = "mean",
) -> rt.Array:
    """``max(0, margin + d(anchor, positive) - d(anchor, negative))``.

    Args:
        anchor: Vectors, shape ``(..., n)``.
        positive: Vectors that should be near, of the same shape.
        negative: Vectors that should be far, of the same shape.
        margin: By how much farther; more than 0.
        p: Which norm of the differences, see `pairwise_distance`.
        eps: Added to each difference.
        swap: Whether the distance of positive and negative stands in where it is the smaller.
        reduction: ``"mean"``, ``"sum"`` or ``"none"`` of the losses of shape ``(...)``.

    Example:
        >>> import rtorch as rt
        >>> anchor, far = rt.zeros((1, 2)), rt.asarray([[0.0, 0.75]])
        >>> loss = rt.nn.triplet_margin_loss(anchor, anchor, far)
        >>> round(float(loss), 4)
        0.25

    References:
        Balntas et al. 2016, for the swap (doi:10.5244/C.30.119).
    """
    dtype, (a, near, far) = operands(anchor=anchor, positive=positive, negative=negative)
    if a.ndim == 0:
        raise ShapeError("anchor: expected vectors along the last axis, got a scalar")
    losses = _triplet(a, near, far, lambda x, y: p_distance(x, y, p, eps), margin, swap)
    return reduce_losses(losses, reduction, dtype)


@api
def triplet_margin_with_distance_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    *,
    distance_function: Callable[[rt.Array, rt.Array], rt.Array] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> rt.Array:
    """`triplet_margin_loss` with a distance of one's own.

    Args:
        anchor: Vectors, shape ``(..., n)``.
        positive: Vectors that should be near, of the same shape.
        negative: Vectors that should be far, of the same shape.
        distance_function: From two arrays of vectors to distances; by default
            `pairwise_distance`.
        margin: By how much farther; more than 0.
        swap: Whether the distance of positive and negative stands in where it is the smaller.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Example:
        >>> import rtorch as rt
        >>> def angle(x, y):
        ...     return 1 - rt.nn.cosine_similarity(x, y)
        >>> x, y = rt.asarray([[1.0, 0.0]]), rt.asarray([[0.0, 1.0]])
        >>> rt.nn.triplet_margin_with_distance_loss(x, y, x, distance_function=angle)
        Array(2., dtype=float32)
    """
    dtype, (a, near, far) = operands(anchor=anchor, positive=positive, negative=negative)
    distance = pairwise_distance if distance_function is None else distance_function
    if not callable(distance):
        raise ArgumentError(f"distance_function: expected a function, got {describe(distance)}")
    return reduce_losses(_triplet(a, near, far, distance, margin, swap), reduction, dtype)


def _triplet(
    anchor: rt.Array,
    positive: rt.Array,
    negative: rt.Array,
    distance: Callable[[rt.Array, rt.Array], rt.Array],
    margin: float,
    swap: bool,
) -> rt.Array:
    if margin <= 0:
        raise ArgumentError(f"margin: expected a number above 0, got {margin!r}")
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = rt.minimum(far, distance(positive, negative))
    return positive_part(margin + near - far)
