"""Functions along the axis of classes: softmax and its kin, one_hot."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import api
from rtorch.nn.checks import check_axis, floating

__all__ = ["log_softmax", "one_hot", "softmax", "softmin"]


@api
def softmax(x: Any, axis: int = -1) -> rt.Array:
    """``exp(x) / sum(exp(x))`` along `axis`: positive numbers with sum 1.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.softmax(rt.asarray([1000.0, 1000.0]))
        Array([0.5, 0.5], dtype=float32)
    """
    powers = rt.exp(_below_zero("softmax", x, axis))
    return powers / rt.sum(powers, axis=axis, keepdims=True)


@api
def log_softmax(x: Any, axis: int = -1) -> rt.Array:
    """``log(softmax(x))``, right where the softmax underflows.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.log_softmax(rt.asarray([0.0, 1000.0]))
        Array([-1000.,     0.], dtype=float32)
    """
    x = _below_zero("log_softmax", x, axis)
    return x - rt.log(rt.sum(rt.exp(x), axis=axis, keepdims=True))


@api
def softmin(x: Any, axis: int = -1) -> rt.Array:
    """``softmax(-x)``.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.softmin(rt.asarray([0.0, 1000.0]))
        Array([1., 0.], dtype=float32)
    """
    return softmax(-floating(x), axis)


def _below_zero(name: str, x: Any, axis: int) -> rt.Array:
    """`x` less its maximum along `axis`, which changes neither the softmax nor its slopes."""
    x = floating(x)
    check_axis(name, x, axis)
    if x.shape[axis] == 0:
        return x
    return x - rt.max(rt.stop_gradient(x), axis=axis, keepdims=True)


@api
def one_hot(labels: Any, num_classes: int, dtype: Any = float, axis: int = -1) -> rt.Array:
    """1 at the place of the label, 0 elsewhere, along a new axis.

    Args:
        labels: Integers; one outside ``0 .. num_classes - 1`` gives zeros only.
        num_classes: Length of the new axis.
        dtype: Of the result; by default `rt.default_dtype()`. (PyTorch gives int64.)
        axis: Where the new axis is in the result.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.one_hot(rt.asarray([0, 2]), 3, dtype=rt.int8).tolist()
        [[1, 0, 0], [0, 0, 1]]
    """
    return rt.one_hot(labels, num_classes, dtype=dtype, axis=axis)
