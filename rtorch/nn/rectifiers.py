"""relu and its kin: the identity for positive numbers, something else for negative ones."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import api
from rtorch.nn.checks import floating

__all__ = ["celu", "cut", "elu", "leaky_relu", "relu", "relu6", "selu"]

relu = rt.relu

# Fixed point of the mean and variance: Klambauer et al. 2017, equation 14.
_SELU_ALPHA = 1.6732632423543772
_SELU_SCALE = 1.0507009873554805


def cut(x: Any, low: float, high: float) -> Any:
    """`x` from `low` to `high`; its slope at both is 0 as in PyTorch, not the half of `rt.clip`."""
    return rt.where((x > low) & (x < high), x, rt.clip(rt.stop_gradient(x), low, high))


@api
def relu6(x: Any) -> rt.Array:
    """``min(max(x, 0), 6)``.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.relu6(rt.asarray([-1.0, 3.0, 9.0]))
        Array([0., 3., 6.], dtype=float32)
    """
    return cut(floating(x), 0, 6)


@api
def leaky_relu(x: Any, negative_slope: float = 0.01) -> rt.Array:
    """`x` where it is positive, ``negative_slope * x`` elsewhere.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.leaky_relu(rt.asarray([-2.0, 2.0]), 0.5)
        Array([-1.,  2.], dtype=float32)
    """
    x = floating(x)
    return rt.where(x > 0, x, x * negative_slope)


@api
def elu(x: Any, alpha: float = 1.0) -> rt.Array:
    """`x` where it is positive, ``alpha * (exp(x) - 1)`` elsewhere.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.elu(rt.asarray([-50.0, 2.0]))
        Array([-1.,  2.], dtype=float32)

    References:
        Clevert et al. 2016 (arXiv:1511.07289).
    """
    x = floating(x)
    positive = x > 0
    return rt.where(positive, x, rt.expm1(rt.where(positive, 0.0, x)) * alpha)


@api
def celu(x: Any, alpha: float = 1.0) -> rt.Array:
    """`x` where it is positive, ``alpha * (exp(x / alpha) - 1)`` elsewhere.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.celu(rt.asarray([-50.0, 2.0]), alpha=0.5)
        Array([-0.5,  2. ], dtype=float32)

    References:
        Barron 2017 (arXiv:1704.07483).
    """
    x = floating(x)
    positive = x > 0
    return rt.where(positive, x, rt.expm1(rt.where(positive, 0.0, x) / alpha) * alpha)


@api
def selu(x: Any) -> rt.Array:
    """A scaled ELU that keeps mean 0 and variance 1 from layer to layer.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.selu(rt.asarray([0.0, 1.0]))
        Array([0.   , 1.050701], dtype=float32)

    References:
        Klambauer et al. 2017 (arXiv:1706.02515).
    """
    return elu(x, _SELU_ALPHA) * _SELU_SCALE
