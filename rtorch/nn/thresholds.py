"""Activations that cut or shrink at a threshold, with PyTorch's defaults."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, api
from rtorch.nn.checks import floating

__all__ = ["hard_shrink", "soft_shrink", "squareplus", "tanh_shrink", "threshold"]


@api
def threshold(x: Any, threshold: float, value: float) -> rt.Array:
    """`x` where it is above `threshold`, `value` elsewhere.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.threshold(rt.asarray([0.5, 2.0]), 1.0, -1.0)
        Array([-1.,  2.], dtype=float32)
    """
    x = floating(x)
    return rt.where(x <= threshold, value, x)  # nan stays, as in all of these


@api
def hard_shrink(x: Any, lambd: float = 0.5) -> rt.Array:
    """`x` where it is above `lambd` or below ``-lambd``, 0 between.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.hard_shrink(rt.asarray([-2.0, 0.4, 2.0]))
        Array([-2.,  0.,  2.], dtype=float32)
    """
    x = floating(x)
    return rt.where(rt.abs(x) <= _positive("hard_shrink", lambd), 0.0, x)


@api
def soft_shrink(x: Any, lambd: float = 0.5) -> rt.Array:
    """`x` brought nearer to 0 by `lambd`, and 0 where it is nearer already.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.soft_shrink(rt.asarray([-2.0, 0.4, 2.0]))
        Array([-1.5,  0. ,  1.5], dtype=float32)
    """
    x = floating(x)
    lambd = _positive("soft_shrink", lambd)
    return rt.where(rt.abs(x) <= lambd, 0.0, x - rt.sign(x) * lambd)


@api
def tanh_shrink(x: Any) -> rt.Array:
    """``x - tanh(x)``.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.tanh_shrink(rt.asarray([0.0, 50.0]))
        Array([ 0., 49.], dtype=float32)
    """
    x = floating(x)
    return x - rt.tanh(x)


@api
def squareplus(x: Any, b: float = 4.0) -> rt.Array:
    """``(x + sqrt(x**2 + b)) / 2``, a smooth relu without exponentials.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.squareplus(rt.asarray([-1.5, 0.0, 1.5]))
        Array([0.5, 1. , 2. ], dtype=float32)

    References:
        Barron 2021 (arXiv:2112.11687).
    """
    x = floating(x)
    # hypot does not overflow, and for negative x the other form does not cancel.
    root = rt.hypot(x, b**0.5)
    negative = x < 0
    small = b / (root - rt.where(negative, x, 0.0))
    return rt.where(negative, small, x + root) / 2


def _positive(name: str, lambd: float) -> float:
    if isinstance(lambd, int | float) and lambd < 0:
        raise ArgumentError(f"[{name}] lambd: expected a number of at least 0, got {lambd!r}")
    return lambd
