"""Losses for few positives among many negatives: detection and segmentation."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, api
from rtorch.nn.activations import sigmoid
from rtorch.nn.losses.common import non_negative, operands, reduce_losses

__all__ = ["dice_loss", "focal_loss"]


@api
def focal_loss(
    logits: Any,
    targets: Any,
    *,
    alpha: float | None = 0.25,
    gamma: float = 2.0,
    reduction: str = "mean",
) -> rt.Array:
    """``a_t (1 - p_t) ** gamma * -log(p_t)``: cross entropy with less weight on what is certain.

    ``p_t`` is the probability ``sigmoid(logits)`` of what the target says. Computes the same as
    torchvision's ``sigmoid_focal_loss``, whose default reduction is ``"none"``.

    Args:
        logits: Scores of any size.
        targets: 0 or 1 (or between), of the same shape.
        alpha: The weight of ones, ``1 - alpha`` that of zeros; None for no weights.
        gamma: How much less; 0 gives `binary_cross_entropy_with_logits`.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.focal_loss(rt.asarray([0.0, 9.0]), rt.ones(2), alpha=None) * 2
        Array(0.1732868, dtype=float32)

    References:
        Lin et al. 2017, equation 5 (arXiv:1708.02002).
    """
    non_negative(gamma=gamma)
    if alpha is not None and not 0 <= alpha <= 1:
        raise ArgumentError(f"alpha: expected 0 to 1 or None, got {alpha!r}")
    dtype, (x, t) = operands(logits=logits, targets=targets)
    losses = t * rt.logaddexp(-x, 0.0) + (1.0 - t) * rt.logaddexp(x, 0.0)
    if gamma:
        missed = t * sigmoid(-x) + (1.0 - t) * sigmoid(x)
        # The slope of a root at 0 is infinite, and what it is multiplied with is 0.
        tiny = float(rt.finfo(x.dtype).tiny)
        losses = losses * rt.where(missed > tiny, missed, tiny) ** gamma
    if alpha is not None:
        losses = losses * (t * alpha + (1.0 - t) * (1.0 - alpha))
    return reduce_losses(losses, reduction, dtype)


@api
def dice_loss(
    probs: Any,
    targets: Any,
    *,
    axis: int | tuple[int, ...] | None = None,
    smooth: float = 1.0,
    squared: bool = False,
    reduction: str = "mean",
) -> rt.Array:
    """``1 - (2 sum(p t) + smooth) / (sum(p) + sum(t) + smooth)``: one minus the overlap.

    Args:
        probs: ``p`` in ``[0, 1]``, such as one map for each image, shape ``(n, ...)``.
        targets: ``t``: 0 or 1 (or between), of the same shape.
        axis: The axes that the sums are over; by default all but the first. For maps of classes
            ``(n, height, width, classes)``, ``(1, 2)`` gives each class its own overlap.
        smooth: Keeps empty maps defined: their loss is 0.
        squared: Whether the sums below the line are those of squares (Milletari's form).
        reduction: ``"mean"``, ``"sum"`` or ``"none"`` over what `axis` leaves.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.dice_loss(rt.asarray([[1.0, 1.0, 0.0]]), rt.asarray([[1, 0, 0]]), smooth=0.0)
        Array(0.3333333, dtype=float32)

    References:
        Milletari et al. 2016, section 3 (arXiv:1606.04797).
    """
    non_negative(smooth=smooth)
    dtype, (p, t) = operands(probs=probs, targets=targets)
    over = tuple(range(1, p.ndim)) if axis is None else axis
    both = rt.sum(p * t, axis=over)
    each = rt.sum(p * p + t * t if squared else p + t, axis=over) + smooth
    empty = each == 0  # only without `smooth`
    overlap = rt.where(empty, 1.0, (2.0 * both + smooth) / rt.where(empty, 1.0, each))
    return reduce_losses(1.0 - overlap, reduction, dtype)
