"""How well scores order what is from what is not; ties are exact."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, OutOfBoundsError, ShapeError, api, describe
from rtorch.nn.metrics.common import integers, real, values_known

__all__ = ["average_precision", "roc_auc"]


@api
def roc_auc(scores: Any, labels: Any, *, average: str = "macro") -> rt.Array:
    """The area under the ROC curve: how often one that is scores above one that is not.

    Computed from the ranks, in which ties count half (Mann and Whitney's statistic): exact, and
    without thresholds.

    Args:
        scores: Shape ``(n,)``; or ``(n, classes)``, each class against the rest.
        labels: 0 or 1, or bools, shape ``(n,)``; or class numbers.
        average: Over classes: ``"macro"``, the mean; ``"weighted"`` by their numbers; ``"none"``.

    Returns:
        A scalar from 0 to 1, or shape ``(classes,)``; nan where there is nothing to compare.

    Raises:
        ShapeError: if the shapes do not fit together.
        OutOfBoundsError: if a label is no class (not under `jit`).

    Example:
        >>> import rtorch as rt
        >>> scores, labels = rt.asarray([0.1, 0.4, 0.35, 0.8]), rt.asarray([0, 0, 1, 1])
        >>> rt.nn.metrics.roc_auc(scores, labels)
        Array(0.75, dtype=float32)

    References:
        Hanley & McNeil 1982 (doi:10.1148/radiology.143.1.7063747).
    """
    return _per_class(_auc, scores, labels, average)


def _auc(scores: rt.Array, positive: rt.Array) -> rt.Array:
    ordered = rt.sort(scores)
    below = rt.searchsorted(ordered, scores, side="left")
    twice_rank = below + rt.searchsorted(ordered, scores, side="right") + 1  # exact integers
    many = rt.sum(positive)
    pairs = (many * (scores.shape[0] - many)).astype(rt.float64)
    above = 0.5 * (rt.sum(rt.where(positive, twice_rank, 0)) - many * (many + 1)).astype(rt.float64)
    return _nan_if(pairs == 0, above, pairs)


@api
def average_precision(scores: Any, labels: Any, *, average: str = "macro") -> rt.Array:
    """The precision at the score of each one that is, averaged over them.

    The sum of ``(recall_k - recall_{k - 1}) * precision_k`` over all thresholds, without
    interpolation.

    Args:
        scores: Shape ``(n,)``; or ``(n, classes)``, each class against the rest.
        labels: 0 or 1, or bools, shape ``(n,)``; or class numbers.
        average: Over classes: ``"macro"``, the mean; ``"weighted"`` by their numbers; ``"none"``.

    Returns:
        A scalar from 0 to 1, or shape ``(classes,)``; nan where none is.

    Raises:
        ShapeError: if the shapes do not fit together.
        OutOfBoundsError: if a label is no class (not under `jit`).

    Example:
        >>> import rtorch as rt
        >>> scores, labels = rt.asarray([0.1, 0.4, 0.35, 0.8]), rt.asarray([0, 0, 1, 1])
        >>> rt.nn.metrics.average_precision(scores, labels)
        Array(0.8333333, dtype=float32)
    """
    return _per_class(_average_precision, scores, labels, average)


def _average_precision(scores: rt.Array, positive: rt.Array) -> rt.Array:
    order = rt.argsort(scores)
    below = rt.searchsorted(rt.take(scores, order), scores, side="left")
    hits_to = rt.concat([rt.zeros(1), rt.cumsum(rt.take(positive, order).astype(rt.float64))])
    many = hits_to[-1]
    at_score = (many - rt.take(hits_to, below)) / (scores.shape[0] - below)
    return _nan_if(many == 0, rt.sum(rt.where(positive, at_score, 0.0)), many)


def _nan_if(empty: rt.Array, x: rt.Array, y: rt.Array) -> rt.Array:
    return rt.where(empty, float("nan"), x / rt.where(empty, 1, y))


def _per_class(
    measure: Callable[[rt.Array, rt.Array], rt.Array], scores: Any, labels: Any, average: str
) -> rt.Array:
    """`measure` of scores, or of each column of them against the rest, in the default dtype."""
    scores, labels = real("scores", scores), integers("labels", labels)
    if scores.ndim not in (1, 2) or labels.shape != scores.shape[:1]:
        raise ShapeError(f"scores and labels: expected shapes (n,) or (n, classes) and (n,), got "
                         f"{describe(scores)} and {describe(labels)}")  # fmt: skip
    if average not in ("macro", "weighted", "none"):
        raise ArgumentError(f"average: expected 'macro', 'weighted' or 'none', got {average!r}")
    classes = 2 if scores.ndim == 1 else scores.shape[1]
    if values_known((labels < 0) | (labels >= classes)):
        raise OutOfBoundsError(f"labels: expected class numbers from 0 to {classes - 1}")
    if scores.ndim == 1:
        return measure(scores, labels == 1).astype(rt.default_dtype())
    here = labels[:, None] == rt.arange(classes)
    each = rt.vmap(measure, in_axes=1)(scores, here)
    if average == "macro":
        each = rt.mean(each)
    elif average == "weighted":
        each = rt.sum(each * rt.mean(here, axis=0))
    return each.astype(rt.default_dtype())
