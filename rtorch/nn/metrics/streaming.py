"""Metrics of what comes in batches: a state that is a value, and functions of it.

All states are sums. So two of them merge by addition, those of the devices of a named axis by
`rt.psum`, and the result is that of all data at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import rtorch as rt
from rtorch.errors import ShapeError, api, describe
from rtorch.nn.losses import cross_entropy
from rtorch.nn.losses.classification import signed
from rtorch.nn.metrics.classes import found, ratio
from rtorch.nn.metrics.common import real, size_of

__all__ = ["Accuracy", "Mean", "Metric", "Perplexity", "sum_of_states"]


class Metric(NamedTuple):
    """A metric of a stream of batches.

    The state is a dict of arrays that keeps its structure, shapes and dtypes, so it can be jitted,
    carried through `rt.scan`, and saved.

    Attributes:
        init: ``state = metric.init()``: nothing seen yet.
        update: ``state = metric.update(state, ...)``, with the arguments of that metric.
        result: ``metric.result(state)``: the metric of all that was seen.
        merge: ``state = metric.merge(a, b)``: of what either has seen. Over a named axis,
            ``rt.psum(state, axis_name)`` does the same.

    Example:
        >>> import rtorch as rt
        >>> mean = rt.nn.metrics.Mean()
        >>> state = mean.init()
        >>> for batch in ([1.0, 2.0], [6.0]):
        ...     state = mean.update(state, rt.asarray(batch))
        >>> float(mean.result(state))
        3.0
    """

    init: Callable[[], Any]
    update: Callable[..., Any]
    result: Callable[[Any], Any]
    merge: Callable[[Any, Any], Any]


@api
def sum_of_states(a: Any, b: Any) -> Any:
    """The state of what either has seen."""
    return rt.tree.map(lambda x, y: x + y, a, b)


def Mean() -> Metric:
    """The (weighted) mean of numbers; nan if none was seen.

    ``update(state, values, weight=None)`` takes values of any shape, and weights that broadcast to
    it: pass the number of examples where a value is the mean of a batch. Sums are float64.

    Example:
        >>> import rtorch as rt
        >>> loss = rt.nn.metrics.Mean()
        >>> state = loss.update(loss.init(), rt.asarray(1.0), weight=30)
        >>> state = loss.update(state, rt.asarray(2.0), weight=10)
        >>> float(loss.result(state))
        1.25
    """

    def init() -> Any:
        return {"total": rt.zeros((), dtype=rt.float64), "weight": rt.zeros((), dtype=rt.float64)}

    @api
    def update(state: Any, values: Any, weight: Any = None) -> Any:
        values = _wide("values", values)
        factor = _wide("weight", 1.0 if weight is None else weight)
        try:
            factor = rt.broadcast_to(factor, values.shape)
        except ShapeError:
            raise ShapeError(
                f"[Mean] weight: expected a shape that broadcasts to that of the values "
                f"{values.shape}, got {describe(factor)}"
            ) from None
        # What has no weight may be nan: padding, say.
        seen = rt.where(factor == 0, 0.0, values)
        return {
            "total": state["total"] + rt.sum(seen * factor),
            "weight": state["weight"] + rt.sum(factor),
        }

    def result(state: Any) -> rt.Array:
        return ratio(state["total"], state["weight"], float("nan"))

    return Metric(init, update, result, sum_of_states)


@api
def Accuracy(k: int = 1, *, ignore_index: int = -100, axis: int = -1) -> Metric:
    """The fraction of the labels that are among the `k` largest logits.

    ``update(state, logits, labels)`` takes the arguments of `accuracy`.

    Args:
        k: How many guesses there are.
        ignore_index: The label that does not count.
        axis: The axis of the classes.

    Example:
        >>> import rtorch as rt
        >>> metric = rt.nn.metrics.Accuracy()
        >>> state = metric.init()
        >>> for label in (0, 1, -100):
        ...     state = metric.update(state, rt.asarray([[3.0, 2.0]]), rt.asarray([label]))
        >>> float(metric.result(state))
        0.5
    """
    size_of("k", k)
    mean = Mean()

    @api
    def update(state: Any, logits: Any, labels: Any) -> Any:
        right = found("Accuracy", logits, labels, k, axis)
        return mean.update(state, right, weight=signed(labels) != ignore_index)

    return Metric(mean.init, update, mean.result, mean.merge)


def Perplexity(*, ignore_index: int = -100, axis: int = -1) -> Metric:
    """``exp`` of the mean cross entropy over all labels that count.

    ``update(state, logits, labels)`` takes the arguments of `perplexity`.

    Args:
        ignore_index: The label that does not count.
        axis: The axis of the classes.

    Example:
        >>> import rtorch as rt
        >>> metric = rt.nn.metrics.Perplexity()
        >>> state = metric.update(metric.init(), rt.zeros((3, 8)), rt.asarray([0, 5, -100]))
        >>> round(float(metric.result(state)), 4)
        8.0
    """
    mean = Mean()

    @api
    def update(state: Any, logits: Any, labels: Any) -> Any:
        losses = cross_entropy(
            logits, labels, ignore_index=ignore_index, reduction="none", axis=axis
        )
        return mean.update(state, losses, weight=signed(labels) != ignore_index)

    def result(state: Any) -> rt.Array:
        return rt.exp(mean.result(state))

    return Metric(mean.init, update, result, mean.merge)


def _wide(name: str, x: Any) -> rt.Array:
    return real(f"[Mean] {name}", x).astype(rt.float64)
