"""Losses of one class out of many: cross entropy and the negative log-likelihood."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, DTypeError, ShapeError, api, describe
from rtorch.nn.activations import check_axis, log_softmax
from rtorch.nn.losses.common import reduce_losses, same_shape, widened

__all__ = ["cross_entropy", "nll_loss"]


@api
def cross_entropy(
    logits: Any,
    labels: Any,
    *,
    weight: Any = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
    axis: int = -1,
) -> rt.Array:
    """``-log(softmax(logits))`` at the labels: the negative log-likelihood of the classes.

    Args:
        logits: Scores of any size, classes along `axis`.
        labels: Class numbers, of the shape of `logits` without `axis`; or probabilities of all
            classes, floating and of the shape of `logits`.
        weight: A factor for each class, shape ``(classes,)``. The mean over class numbers is then
            a weighted one.
        ignore_index: The label that does not count.
        label_smoothing: The fraction of the probability that is spread evenly over the classes.
        reduction: ``"mean"`` over the labels that count, ``"sum"``, or ``"none"``.
        axis: The axis of the classes. (PyTorch's is 1 from two axes on.)

    Returns:
        A scalar, or one loss per label.

    Raises:
        ShapeError: if labels or weight do not fit the logits.
        OutOfBoundsError: if a label is no class.

    Example:
        >>> import rtorch as rt
        >>> logits = rt.asarray([[2.0, 0.0], [0.0, 2.0]])
        >>> rt.nn.cross_entropy(logits, rt.asarray([0, 1]))
        Array(0.126928, dtype=float32)

    References:
        Szegedy et al. 2016, section 7, for the smoothing (arXiv:1512.00567).
    """
    if not 0 <= label_smoothing <= 1:
        raise ArgumentError(
            f"[cross_entropy] label_smoothing: expected 0 to 1, got {label_smoothing!r}"
        )
    dtype, (logits,) = widened(logits=logits)
    axis = check_axis("cross_entropy", logits, axis)
    log_probs, labels = log_softmax(logits, axis), signed(labels)
    if rt.isdtype(labels.dtype, "real floating"):
        losses = _soft(log_probs, labels, weight, label_smoothing, axis)
        return reduce_losses(losses, reduction, dtype)
    losses, counts = _at_labels(log_probs, labels, weight, ignore_index, axis)
    if label_smoothing:
        each = -rt.sum(_weighted(log_probs, weight, axis), axis=axis)
        spread = rt.where(labels == ignore_index, 0.0, each) / log_probs.shape[axis]
        losses = losses * (1 - label_smoothing) + spread * label_smoothing
    return reduce_losses(losses, reduction, dtype, counts)


def _soft(
    log_probs: rt.Array, probs: rt.Array, weight: Any, smoothing: float, axis: int
) -> rt.Array:
    """Cross entropy against probabilities."""
    same_shape(**{"logits": log_probs, "labels (floating: probabilities)": probs})
    probs = probs.astype(log_probs.dtype)
    if smoothing:
        probs = probs * (1 - smoothing) + smoothing / log_probs.shape[axis]
    return -rt.sum(_weighted(log_probs, weight, axis) * probs, axis=axis)


@api
def nll_loss(
    log_probs: Any,
    labels: Any,
    *,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    axis: int = -1,
) -> rt.Array:
    """Minus the log-probabilities at the labels.

    Args:
        log_probs: As `log_softmax` gives them, classes along `axis`.
        labels: Class numbers, of the shape of `log_probs` without `axis`.
        weight: A factor for each class, shape ``(classes,)``.
        ignore_index: The label that does not count.
        reduction: ``"mean"`` (weighted, over the labels that count), ``"sum"`` or ``"none"``.
        axis: The axis of the classes.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.nll_loss(rt.log(rt.asarray([[0.25, 0.75]])), rt.asarray([1]))
        Array(0.287682, dtype=float32)
    """
    dtype, (log_probs,) = widened(log_probs=log_probs)
    axis = check_axis("nll_loss", log_probs, axis)
    losses, counts = _at_labels(log_probs, signed(labels), weight, ignore_index, axis)
    return reduce_losses(losses, reduction, dtype, counts)


def signed(labels: Any) -> rt.Array:
    """Labels as an array that `ignore_index` fits into, which is negative by default."""
    labels = rt.asarray(labels)
    unsigned = rt.isdtype(labels.dtype, "unsigned integer")
    return labels.astype(rt.int64) if unsigned else labels


def _at_labels(
    log_probs: rt.Array, labels: rt.Array, weight: Any, ignore_index: int, axis: int
) -> tuple[rt.Array, rt.Array]:
    """Weighted losses at the labels, and how much each counts in the mean."""
    _check_labels(log_probs, labels, axis)
    ignored = labels == ignore_index
    chosen = rt.expand_dims(rt.where(ignored, 0, labels), axis=axis)
    losses = -rt.squeeze(rt.take_along_axis(log_probs, chosen, axis=axis), axis=axis)
    factor = rt.ones_like(losses)
    if weight is not None:
        weight = _class_weight(weight, log_probs, axis)
        factor = rt.take(weight, rt.squeeze(chosen, axis=axis))
    factor = rt.where(ignored, 0.0, factor)
    return rt.where(ignored, 0.0, losses) * factor, factor


def _check_labels(log_probs: rt.Array, labels: rt.Array, axis: int) -> None:
    if not rt.isdtype(labels.dtype, "integral"):
        raise DTypeError(f"labels: expected integers (class numbers), got {labels.dtype}")
    wanted = log_probs.shape[:axis] + log_probs.shape[axis + 1 :]
    if labels.shape != wanted:
        raise ShapeError(
            f"labels: expected shape {wanted} for scores of shape {log_probs.shape} with "
            f"the classes along axis {axis}, got {describe(labels)}; `axis` says where they are"
        )


def _class_weight(weight: Any, log_probs: rt.Array, axis: int) -> rt.Array:
    weight = rt.asarray(weight).astype(log_probs.dtype)
    if weight.shape != (log_probs.shape[axis],):
        raise ShapeError(
            f"weight: expected one number per class, shape ({log_probs.shape[axis]},), "
            f"got shape {weight.shape}"
        )
    return weight


def _weighted(log_probs: rt.Array, weight: Any, axis: int) -> rt.Array:
    if weight is None:
        return log_probs
    along = [1] * log_probs.ndim
    along[axis] = -1
    factor = rt.reshape(_class_weight(weight, log_probs, axis), tuple(along))
    return log_probs * factor
