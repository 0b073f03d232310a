"""Relatives of softmax: sparsemax and gumbel_softmax; and standardize."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, AxisError, api, describe

__all__ = ["gumbel_softmax", "sparsemax", "standardize"]


@api
def sparsemax(x: Any, axis: int = -1) -> rt.Array:
    """The nearest numbers to `x` that are not negative and have sum 1: many are 0.

    Args:
        x: Real numbers.
        axis: Along which the sum is 1.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.sparsemax(rt.asarray([1.0, 0.5, -1.0]))
        Array([0.75, 0.25, 0.  ], dtype=float32)

    References:
        Martins & Astudillo 2016 (arXiv:1602.02068), algorithm 1.
    """
    x = _checked("sparsemax", x, axis)
    lines = rt.moveaxis(x, axis, -1)
    ordered = rt.flip(rt.sort(lines, axis=-1), axis=-1)
    k = rt.arange(1, lines.shape[-1] + 1, dtype=x.dtype, device=x.device)
    in_support = 1 + k * ordered > rt.cumsum(ordered, axis=-1)
    total = rt.sum(rt.where(in_support, ordered, 0.0), axis=-1, keepdims=True)
    count = rt.sum(in_support.astype(x.dtype), axis=-1, keepdims=True)
    off = lines - (total - 1) / count
    return rt.moveaxis(rt.where(off > 0, off, 0.0), -1, axis)


@api
def gumbel_softmax(
    key: Any, logits: Any, tau: float = 1.0, hard: bool = False, axis: int = -1
) -> rt.Array:
    """A sample of a categorical distribution, smoothed so that it has a derivative.

    Args:
        key: A random key.
        logits: Logarithms of probabilities, up to a constant.
        tau: The temperature: the lower, the nearer to one-hot vectors.
        hard: Whether the values are one-hot vectors, with the derivatives of the smooth ones.
        axis: Of the classes.

    Example:
        >>> import rtorch as rt
        >>> logits = rt.log(rt.asarray([0.1, 0.1, 0.8]))
        >>> y = rt.nn.gumbel_softmax(rt.random.key(0), logits, hard=True)
        >>> y.shape, float(y.sum()), float(y.max())
        ((3,), 1.0, 1.0)

    References:
        Jang et al. 2017 (arXiv:1611.01144).
    """
    logits = _checked("gumbel_softmax", logits, axis)
    if isinstance(tau, (int, float)) and tau <= 0:
        raise ArgumentError(f"[gumbel_softmax] tau: expected a positive number, got {tau!r}")
    noise = rt.random.gumbel(key, logits.shape, logits.dtype)
    smooth = rt.special.softmax((logits + noise) / tau, axis=axis)
    if not hard:
        return smooth
    best = rt.argmax(smooth, axis=axis)
    sample = rt.one_hot(best, logits.shape[axis], dtype=smooth.dtype, axis=axis)
    return smooth + rt.stop_gradient(sample - smooth)


@api
def standardize(x: Any, axis: Any = -1, eps: float = 1e-5) -> rt.Array:
    """``(x - mean) / sqrt(variance + eps)`` along `axis`: layer normalisation without weights.

    Args:
        x: Real numbers.
        axis: One axis or several.
        eps: Added to the variance.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.standardize(rt.asarray([1.0, 3.0])).round(3)
        Array([-1.,  1.], dtype=float32)
    """
    for one in axis if isinstance(axis, (tuple, list)) else (axis,):
        x = _checked("standardize", x, one)
    off = x - rt.mean(x, axis=axis, keepdims=True)
    return off / rt.sqrt(rt.mean(off * off, axis=axis, keepdims=True) + eps)


def _checked(name: str, x: Any, axis: Any) -> rt.Array:
    x = rt.asarray(x)
    if not isinstance(axis, int) or not -x.ndim <= axis < x.ndim:
        raise AxisError(f"[{name}] axis: {describe(x)} has no axis {axis!r}")
    return x if rt.isdtype(x.dtype, "real floating") else x.astype(rt.default_dtype())
