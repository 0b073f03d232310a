"""Measures of quality that are not differentiated, of all data at once or batch by batch.

Functions in lower case take all data. Constructors with a capital give a `Metric`, whose state is
a value: ``init()``, ``update(state, ...)``, ``result(state)``, ``merge(a, b)``.
"""

from __future__ import annotations

from rtorch.nn.metrics.classes import (
    accuracy,
    confusion_matrix,
    f1_score,
    precision,
    recall,
    top_k_accuracy,
)
from rtorch.nn.metrics.numbers import (
    mean_absolute_error,
    mean_squared_error,
    perplexity,
    r2_score,
)
from rtorch.nn.metrics.rankings import average_precision, roc_auc
from rtorch.nn.metrics.streaming import Accuracy, Mean, Metric, Perplexity
from rtorch.nn.metrics.streaming_counts import ConfusionMatrix, F1Score, Precision, Recall

__all__ = [
    "Accuracy",
    "ConfusionMatrix",
    "F1Score",
    "Mean",
    "Metric",
    "Perplexity",
    "Precision",
    "Recall",
    "accuracy",
    "average_precision",
    "confusion_matrix",
    "f1_score",
    "mean_absolute_error",
    "mean_squared_error",
    "perplexity",
    "precision",
    "r2_score",
    "recall",
    "roc_auc",
    "top_k_accuracy",
]
