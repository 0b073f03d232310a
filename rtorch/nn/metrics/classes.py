"""How often classes are right, and which are taken for which."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, OutOfBoundsError, ShapeError, api, describe
from rtorch.nn.activations import check_axis
from rtorch.nn.metrics.common import integers, one_shape, real, size_of, values_known

__all__ = [
    "accuracy",
    "confusion_matrix",
    "f1_score",
    "precision",
    "recall",
    "top_k_accuracy",
]


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
    return rt.mean(found("accuracy", logits, labels, 1, axis))


@api
def top_k_accuracy(logits: Any, labels: Any, *, k: int = 5, axis: int = -1) -> rt.Array:
    """The fraction of the labels whose logits are among the `k` largest.

    Args:
        logits: Scores or probabilities, classes along `axis`; of equal ones the first comes first.
        labels: Class numbers, of the shape of `logits` without `axis`.
        k: How many guesses there are; at most the number of classes.
        axis: The axis of the classes.

    Returns:
        A scalar from 0 to 1.

    Example:
        >>> import rtorch as rt
        >>> logits = rt.asarray([[0.1, 0.5, 0.4], [0.6, 0.3, 0.1]])
        >>> rt.nn.metrics.top_k_accuracy(logits, rt.asarray([2, 2]), k=2)
        Array(0.5, dtype=float32)
    """
    return rt.mean(found("top_k_accuracy", logits, labels, k, axis))


def found(name: str, logits: Any, labels: Any, k: int, axis: int) -> rt.Array:
    """Which labels are among the `k` first guesses; `name` is that of the metric."""
    logits, labels = real(f"[{name}] logits", logits), integers(f"[{name}] labels", labels)
    axis = check_axis(name, logits, axis)
    wanted = logits.shape[:axis] + logits.shape[axis + 1 :]
    if labels.shape != wanted:
        raise ShapeError(
            f"[{name}] labels: expected shape {wanted} for logits {describe(logits)}, "
            f"got {describe(labels)}"
        )
    if k == 1:
        return rt.argmax(logits, axis=axis) == labels
    if size_of(f"[{name}] k", k) > logits.shape[axis]:
        raise ArgumentError(f"[{name}] k: expected at most {logits.shape[axis]} classes, got {k}")
    _, guesses = rt.top_k(logits, k, axis=axis)
    return rt.any(guesses == rt.expand_dims(labels, axis=axis), axis=axis)


@api
def confusion_matrix(predictions: Any, labels: Any, *, num_classes: int) -> rt.Array:
    """How often each class was taken for each.

    Args:
        predictions: Predicted class numbers (``argmax`` of scores), any shape.
        labels: True class numbers, of the same shape.
        num_classes: How many classes there are.

    Returns:
        int64 of shape ``(num_classes, num_classes)``; rows are true classes, columns predicted
        ones.

    Raises:
        OutOfBoundsError: if a number is no class (not under `jit`, where such pairs do not count).

    Example:
        >>> import rtorch as rt
        >>> predictions, labels = rt.asarray([0, 1, 1]), rt.asarray([0, 0, 1])
        >>> rt.nn.metrics.confusion_matrix(predictions, labels, num_classes=2).tolist()
        [[1, 1], [0, 1]]
    """
    predictions, labels = integers("predictions", predictions), integers("labels", labels)
    one_shape(predictions=predictions, labels=labels)
    n = size_of("num_classes", num_classes)
    for name, x in (("predictions", predictions), ("labels", labels)):
        if values_known((x < 0) | (x >= n)):
            raise OutOfBoundsError(f"{name}: expected class numbers from 0 to {n - 1}")
    # A product of one-hot rows: no scatter, and exact, as float64 counts to 2 ** 53.
    rows = rt.one_hot(labels.reshape(-1), n, dtype=rt.float64)
    columns = rt.one_hot(predictions.reshape(-1), n, dtype=rt.float64)
    return (rows.T @ columns).astype(rt.int64)


@api
def precision(
    predictions: Any,
    labels: Any,
    *,
    num_classes: int = 2,
    average: str = "binary",
    zero_division: float = 0.0,
) -> rt.Array:
    """The fraction of what was predicted as a class that is of that class.

    Args:
        predictions: Predicted class numbers, any shape.
        labels: True class numbers, of the same shape.
        num_classes: How many classes there are.
        average: ``"binary"`` (of class 1 of two), ``"micro"`` (all decisions together),
            ``"macro"`` (the mean over the classes), ``"weighted"`` (by their true numbers), or
            ``"none"``, one number for each class.
        zero_division: What stands for 0 / 0.

    Returns:
        A scalar from 0 to 1, or shape ``(num_classes,)``.

    Example:
        >>> import rtorch as rt
        >>> predictions, labels = rt.asarray([1, 1, 1, 0]), rt.asarray([1, 0, 1, 1])
        >>> rt.nn.metrics.precision(predictions, labels)
        Array(0.6666667, dtype=float32)
    """
    counts = confusion_matrix(predictions, labels, num_classes=num_classes)
    return averaged(counts, 1.0, 0.0, average, zero_division)


@api
def recall(
    predictions: Any,
    labels: Any,
    *,
    num_classes: int = 2,
    average: str = "binary",
    zero_division: float = 0.0,
) -> rt.Array:
    """The fraction of the members of a class that were predicted as that class.

    Args:
        predictions: Predicted class numbers, any shape.
        labels: True class numbers, of the same shape.
        num_classes: How many classes there are.
        average: As for `precision`.
        zero_division: What stands for 0 / 0.

    Returns:
        A scalar from 0 to 1, or shape ``(num_classes,)``.

    Example:
        >>> import rtorch as rt
        >>> predictions, labels = rt.asarray([1, 0, 0, 0]), rt.asarray([1, 0, 1, 1])
        >>> rt.nn.metrics.recall(predictions, labels, average="none")
        Array([1.        , 0.33333334], dtype=float32)
    """
    counts = confusion_matrix(predictions, labels, num_classes=num_classes)
    return averaged(counts, 0.0, 1.0, average, zero_division)


@api
def f1_score(
    predictions: Any,
    labels: Any,
    *,
    num_classes: int = 2,
    average: str = "binary",
    zero_division: float = 0.0,
) -> rt.Array:
    """The harmonic mean of `precision` and `recall`.

    Args:
        predictions: Predicted class numbers, any shape.
        labels: True class numbers, of the same shape.
        num_classes: How many classes there are.
        average: As for `precision`.
        zero_division: What stands for 0 / 0.

    Returns:
        A scalar from 0 to 1, or shape ``(num_classes,)``.

    Example:
        >>> import rtorch as rt
        >>> predictions, labels = rt.asarray([1, 0, 2, 2]), rt.asarray([1, 0, 1, 2])
        >>> rt.nn.metrics.f1_score(predictions, labels, num_classes=3, average="micro")
        Array(0.75, dtype=float32)

    References:
        van Rijsbergen 1979, Information Retrieval, chapter 7.
    """
    counts = confusion_matrix(predictions, labels, num_classes=num_classes)
    return averaged(counts, 0.5, 0.5, average, zero_division)


def averaged(
    counts: rt.Array, of_predicted: float, of_true: float, average: str, zero_division: float
) -> rt.Array:
    """Hits per class over a mixture of the predicted and the true numbers of that class."""
    hits = rt.diagonal(counts)
    predicted, true = rt.sum(counts, axis=0), rt.sum(counts, axis=1)
    if average == "binary":
        if counts.shape[0] != 2:
            raise ArgumentError(
                f"average: 'binary' is for 2 classes, not {counts.shape[0]}; 'micro', 'macro', "
                "'weighted' and 'none' are for more"
            )
        hits, predicted, true = hits[1], predicted[1], true[1]
    elif average == "micro":
        hits, predicted, true = rt.sum(hits), rt.sum(predicted), rt.sum(true)
    elif average not in ("macro", "weighted", "none"):
        raise ArgumentError(
            f"average: expected 'binary', 'micro', 'macro', 'weighted' or 'none', got {average!r}"
        )
    each = ratio(hits, of_predicted * predicted + of_true * true, zero_division)
    if average == "macro":
        return rt.mean(each)
    if average == "weighted":
        return ratio(rt.sum(each * true), rt.sum(true), zero_division)
    return each


def ratio(x: rt.Array, y: rt.Array, if_zero: float) -> rt.Array:
    """``x / y`` in the default dtype, or `if_zero` where `y` is 0."""
    empty = y == 0
    return rt.where(empty, if_zero, x / rt.where(empty, 1, y)).astype(rt.default_dtype())
