"""Confusion matrices of what comes in batches, and what is computed from them."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import api
from rtorch.nn.metrics.classes import averaged, confusion_matrix
from rtorch.nn.metrics.common import size_of
from rtorch.nn.metrics.streaming import Metric, sum_of_states

__all__ = ["ConfusionMatrix", "F1Score", "Precision", "Recall"]


@api
def ConfusionMatrix(num_classes: int) -> Metric:
    """How often each class was taken for each, see `confusion_matrix`.

    ``update(state, predictions, labels)`` takes class numbers.

    Args:
        num_classes: How many classes there are.

    Example:
        >>> import rtorch as rt
        >>> metric = rt.nn.metrics.ConfusionMatrix(2)
        >>> state = metric.update(metric.init(), rt.asarray([0, 1]), rt.asarray([0, 0]))
        >>> metric.result(metric.merge(state, state)).tolist()
        [[2, 2], [0, 0]]
    """
    size_of("num_classes", num_classes)

    def init() -> Any:
        return {"counts": rt.zeros((num_classes, num_classes), dtype=rt.int64)}

    @api
    def update(state: Any, predictions: Any, labels: Any) -> Any:
        new = confusion_matrix(predictions, labels, num_classes=num_classes)
        return {"counts": state["counts"] + new}

    def result(state: Any) -> rt.Array:
        counts: rt.Array = state["counts"]
        return counts

    return Metric(init, update, result, sum_of_states)


@api
def Precision(
    num_classes: int = 2, *, average: str = "binary", zero_division: float = 0.0
) -> Metric:
    """The fraction of what was predicted as a class that is of that class, see `precision`.

    ``update(state, predictions, labels)`` takes class numbers.

    Args:
        num_classes: How many classes there are.
        average: As for `precision`.
        zero_division: What stands for 0 / 0.

    Example:
        >>> import rtorch as rt
        >>> metric = rt.nn.metrics.Precision()
        >>> state = metric.update(metric.init(), rt.asarray([1, 1, 0]), rt.asarray([1, 0, 1]))
        >>> float(metric.result(state))
        0.5
    """
    return _of_counts(num_classes, 1.0, 0.0, average, zero_division)


@api
def Recall(num_classes: int = 2, *, average: str = "binary", zero_division: float = 0.0) -> Metric:
    """The fraction of the members of a class that were predicted as that class, see `recall`.

    ``update(state, predictions, labels)`` takes class numbers.

    Args:
        num_classes: How many classes there are.
        average: As for `precision`.
        zero_division: What stands for 0 / 0.

    Example:
        >>> import rtorch as rt
        >>> metric = rt.nn.metrics.Recall()
        >>> state = metric.update(metric.init(), rt.asarray([1, 1, 0]), rt.asarray([1, 0, 0]))
        >>> float(metric.result(state))
        1.0
    """
    return _of_counts(num_classes, 0.0, 1.0, average, zero_division)


@api
def F1Score(num_classes: int = 2, *, average: str = "binary", zero_division: float = 0.0) -> Metric:
    """The harmonic mean of precision and recall, see `f1_score`.

    ``update(state, predictions, labels)`` takes class numbers.

    Args:
        num_classes: How many classes there are.
        average: As for `precision`.
        zero_division: What stands for 0 / 0.

    Example:
        >>> import rtorch as rt
        >>> metric = rt.nn.metrics.F1Score(3, average="micro")
        >>> state = metric.update(metric.init(), rt.asarray([1, 0, 2, 2]), rt.asarray([1, 0, 1, 2]))
        >>> float(metric.result(state))
        0.75
    """
    return _of_counts(num_classes, 0.5, 0.5, average, zero_division)


def _of_counts(
    num_classes: int, of_predicted: float, of_true: float, average: str, zero_division: float
) -> Metric:
    counts = ConfusionMatrix(num_classes)

    def result(state: Any) -> rt.Array:
        return averaged(state["counts"], of_predicted, of_true, average, zero_division)

    result(counts.init())  # so that a wrong `average` is told now
    return Metric(counts.init, counts.update, result, counts.merge)
