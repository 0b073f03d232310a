"""How far predicted numbers are off, and how surprised a model is."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import ShapeError, api, describe
from rtorch.nn.losses import cross_entropy
from rtorch.nn.metrics.common import one_shape, real

__all__ = ["mean_absolute_error", "mean_squared_error", "perplexity", "r2_score"]


@api
def mean_absolute_error(predictions: Any, targets: Any) -> rt.Array:
    """The mean of ``|predictions - targets|``.

    Args:
        predictions: Real numbers of any shape.
        targets: Of the same shape.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.metrics.mean_absolute_error(rt.asarray([1.0, 2.0]), rt.asarray([1.0, 4.0]))
        Array(1., dtype=float32)
    """
    return rt.mean(rt.abs(_errors(predictions, targets)))


@api
def mean_squared_error(predictions: Any, targets: Any) -> rt.Array:
    """The mean of ``(predictions - targets) ** 2``.

    Args:
        predictions: Real numbers of any shape.
        targets: Of the same shape.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.metrics.mean_squared_error(rt.asarray([1.0, 2.0]), rt.asarray([1.0, 4.0]))
        Array(2., dtype=float32)
    """
    return rt.mean(_errors(predictions, targets) ** 2)


@api
def r2_score(predictions: Any, targets: Any) -> rt.Array:
    """The part of the variance of the targets that the predictions explain.

    1 if all is right, 0 for predicting the mean, negative for worse. For targets of shape
    ``(n, outputs)``, the mean over the outputs. An output that never varies scores 1 if it is
    predicted exactly, otherwise 0.

    Args:
        predictions: Real numbers, shape ``(n,)`` or ``(n, outputs)``.
        targets: Of the same shape.

    Example:
        >>> import rtorch as rt
        >>> targets = rt.asarray([1.0, 2.0, 3.0])
        >>> rt.nn.metrics.r2_score(rt.asarray([1.0, 2.0, 4.0]), targets)
        Array(0.5, dtype=float32)
    """
    errors, targets = _errors(predictions, targets), rt.asarray(targets)
    if targets.ndim not in (1, 2):
        raise ShapeError(f"targets: expected shape (n,) or (n, outputs), got {describe(targets)}")
    unexplained = rt.sum(errors**2, axis=0)
    whole = rt.sum((targets - rt.mean(targets, axis=0)) ** 2, axis=0)
    constant = whole == 0
    if_constant = rt.where(unexplained == 0, 1.0, 0.0)
    return rt.mean(
        rt.where(constant, if_constant, 1.0 - unexplained / rt.where(constant, 1.0, whole))
    )


def _errors(predictions: Any, targets: Any) -> rt.Array:
    predictions, targets = real("predictions", predictions), real("targets", targets)
    one_shape(predictions=predictions, targets=targets)
    return predictions.astype(rt.result_type(predictions, rt.float32)) - targets


@api
def perplexity(logits: Any, labels: Any, *, ignore_index: int = -100, axis: int = -1) -> rt.Array:
    """``exp(cross_entropy)``: among how many equally likely classes the model hesitates.

    Args:
        logits: Scores of any size, classes along `axis`.
        labels: Class numbers, of the shape of `logits` without `axis`.
        ignore_index: The label that does not count.
        axis: The axis of the classes.

    Returns:
        A scalar, at least 1.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.metrics.perplexity(rt.zeros((3, 8)), rt.asarray([0, 5, -100]))
        Array(8., dtype=float32)
    """
    return rt.exp(cross_entropy(logits, labels, ignore_index=ignore_index, axis=axis))
