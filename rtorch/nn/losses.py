"""Loss functions, with PyTorch's names and conventions.

`reduction` is ``"mean"``, ``"sum"`` or ``"none"``. Shapes must agree: nothing is broadcast, since
a loss over ``(n, 1)`` and ``(n,)`` is nearly always a mistake.
"""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, DTypeError, ShapeError, api, describe
from rtorch.nn.activations import _floating, check_axis, log_softmax

__all__ = [
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "l1_loss",
    "mse_loss",
    "nll_loss",
]


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
    log_probs, labels = log_softmax(logits, axis), rt.asarray(labels)
    axis = check_axis("cross_entropy", log_probs, axis)
    if rt.isdtype(labels.dtype, "real floating"):
        return _soft(log_probs, labels, weight, label_smoothing, reduction, axis)
    losses, counts = _at_labels("cross_entropy", log_probs, labels, weight, ignore_index, axis)
    if label_smoothing:
        each = -rt.sum(_weighted("cross_entropy", log_probs, weight, axis), axis=axis)
        spread = rt.where(labels == ignore_index, 0.0, each) / log_probs.shape[axis]
        losses = losses * (1 - label_smoothing) + spread * label_smoothing
    return _reduce("cross_entropy", losses, reduction, counts)


def _soft(
    log_probs: rt.Array, probs: rt.Array, weight: Any, smoothing: float, reduction: str, axis: int
) -> rt.Array:
    """Cross entropy against probabilities."""
    _same_shape("cross_entropy", ("logits", log_probs), ("labels (floating: probabilities)", probs))
    probs = probs.astype(log_probs.dtype)
    if smoothing:
        probs = probs * (1 - smoothing) + smoothing / log_probs.shape[axis]
    losses = -rt.sum(_weighted("cross_entropy", log_probs, weight, axis) * probs, axis=axis)
    return _reduce("cross_entropy", losses, reduction)


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
    log_probs, labels = _floating(log_probs), rt.asarray(labels)
    axis = check_axis("nll_loss", log_probs, axis)
    losses, counts = _at_labels("nll_loss", log_probs, labels, weight, ignore_index, axis)
    return _reduce("nll_loss", losses, reduction, counts)


def _at_labels(
    name: str, log_probs: rt.Array, labels: rt.Array, weight: Any, ignore_index: int, axis: int
) -> tuple[rt.Array, rt.Array]:
    """Weighted losses at the labels, and how much each counts in the mean."""
    _check_labels(name, log_probs, labels, axis)
    ignored = labels == ignore_index
    chosen = rt.expand_dims(rt.where(ignored, 0, labels), axis=axis)
    losses = -rt.squeeze(rt.take_along_axis(log_probs, chosen, axis=axis), axis=axis)
    factor = rt.ones_like(losses)
    if weight is not None:
        weight = _class_weight(name, weight, log_probs, axis)
        factor = rt.take(weight, rt.squeeze(chosen, axis=axis))
    factor = rt.where(ignored, 0.0, factor)
    return rt.where(ignored, 0.0, losses) * factor, factor


def _check_labels(name: str, log_probs: rt.Array, labels: rt.Array, axis: int) -> None:
    if not rt.isdtype(labels.dtype, "integral"):
        raise DTypeError(f"[{name}] labels: expected integers (class numbers), got {labels.dtype}")
    wanted = log_probs.shape[:axis] + log_probs.shape[axis + 1 :]
    if labels.shape != wanted:
        raise ShapeError(
            f"[{name}] labels: expected shape {wanted} for scores of shape {log_probs.shape} with "
            f"the classes along axis {axis}, got {describe(labels)}; `axis` says where they are"
        )


def _class_weight(name: str, weight: Any, log_probs: rt.Array, axis: int) -> rt.Array:
    weight = rt.asarray(weight).astype(log_probs.dtype)
    if weight.shape != (log_probs.shape[axis],):
        raise ShapeError(
            f"[{name}] weight: expected one number per class, shape ({log_probs.shape[axis]},), "
            f"got shape {weight.shape}"
        )
    return weight


def _weighted(name: str, log_probs: rt.Array, weight: Any, axis: int) -> rt.Array:
    if weight is None:
        return log_probs
    along = [1] * log_probs.ndim
    along[axis] = -1
    factor = rt.reshape(_class_weight(name, weight, log_probs, axis), tuple(along))
    return log_probs * factor


@api
def mse_loss(predictions: Any, targets: Any, *, reduction: str = "mean") -> rt.Array:
    """``(predictions - targets) ** 2``.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.mse_loss(rt.asarray([1.0, 2.0]), rt.asarray([1.0, 4.0]))
        Array(2., dtype=float32)
    """
    error = _error("mse_loss", predictions, targets)
    return _reduce("mse_loss", error * error, reduction)


@api
def l1_loss(predictions: Any, targets: Any, *, reduction: str = "mean") -> rt.Array:
    """``|predictions - targets|``, with slope 0 where they are equal.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.l1_loss(rt.asarray([1.0, 2.0]), rt.asarray([1.0, 4.0]))
        Array(1., dtype=float32)
    """
    return _reduce("l1_loss", rt.abs(_error("l1_loss", predictions, targets)), reduction)


def _error(name: str, predictions: Any, targets: Any) -> rt.Array:
    predictions, targets = _floating(predictions), rt.asarray(targets)
    _same_shape(name, ("predictions", predictions), ("targets", targets))
    return predictions - targets


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
    name = "binary_cross_entropy_with_logits"
    x, t = _floating(logits), rt.asarray(targets)
    _same_shape(name, ("logits", x), ("targets", t))
    t = t.astype(x.dtype)
    if_zero, if_one = rt.logaddexp(x, 0.0), rt.logaddexp(-x, 0.0)
    if pos_weight is not None:
        if_one = if_one * rt.asarray(pos_weight).astype(x.dtype)
    losses = t * if_one + (1.0 - t) * if_zero
    if weight is not None:
        losses = losses * rt.asarray(weight).astype(x.dtype)
    return _reduce(name, losses, reduction)


def _same_shape(name: str, one: tuple[str, rt.Array], other: tuple[str, rt.Array]) -> None:
    if one[1].shape != other[1].shape:
        raise ShapeError(
            f"[{name}] {one[0]} and {other[0]} must have the same shape, got {describe(one[1])} "
            f"and {describe(other[1])}"
        )


def _reduce(
    name: str, losses: rt.Array, reduction: str, counts: rt.Array | None = None
) -> rt.Array:
    if reduction == "none":
        return losses
    if reduction == "sum":
        return rt.sum(losses)
    if reduction == "mean":
        return rt.mean(losses) if counts is None else rt.sum(losses) / rt.sum(counts)
    raise ArgumentError(f"[{name}] reduction: expected 'mean', 'sum' or 'none', got {reduction!r}")
