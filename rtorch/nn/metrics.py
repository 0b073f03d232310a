"""Measures of quality that are not differentiated."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import ShapeError, api, describe
from rtorch.nn.activations import check_axis

__all__ = ["accuracy"]


@api
def accuracy(logits: Any, labels: Any, *, axis: int = -1) -> rt.Array:
    """The fraction of the labels at which the logits are largest.

    Args:
        logits: Scores or probabilities, classes along `axis`.
        labels: Class numbers, of the shape of `logits` without `axis`.
        axis: The axis of the classes.

    Returns:
        A scalar from 0 to 1.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.accuracy(rt.asarray([[2.0, 0.0], [0.0, 2.0]]), rt.asarray([0, 0]))
        Array(0.5, dtype=float32)
    """
    logits, labels = rt.asarray(logits), rt.asarray(labels)
    check_axis("accuracy", logits, axis)
    chosen = rt.argmax(logits, axis=axis)
    if chosen.shape != labels.shape:
        raise ShapeError(
            f"[accuracy] labels: expected shape {chosen.shape} for logits {describe(logits)}, "
            f"got {describe(labels)}"
        )
    return rt.mean(chosen == labels)
