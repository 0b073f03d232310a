"""Activations with a sigmoid, tanh or normal distribution in them, and cheap ones like them."""

from __future__ import annotations

import math
from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, api
from rtorch.nn.checks import floating
from rtorch.nn.rectifiers import cut, relu6

__all__ = [
    "gelu",
    "hard_sigmoid",
    "hard_swish",
    "hard_tanh",
    "log_sigmoid",
    "mish",
    "sigmoid",
    "silu",
    "softplus",
    "softsign",
    "swish",
    "tanh",
]

sigmoid, tanh = rt.sigmoid, rt.tanh


@api
def gelu(x: Any, approximate: str = "none") -> rt.Array:
    """``x * P(N <= x)`` for a standard normal N.

    Args:
        x: A floating array.
        approximate: ``"none"``, or ``"tanh"`` for the approximation of the paper's section 2.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.gelu(rt.asarray([-1.0, 0.0, 1.0]))
        Array([-0.15865526,  0.        ,  0.8413447 ], dtype=float32)

    References:
        Hendrycks & Gimpel 2016 (arXiv:1606.08415).
    """
    x = floating(x)
    if approximate == "none":
        return x * 0.5 * rt.erfc(x * -math.sqrt(0.5))
    if approximate == "tanh":
        z = rt.clip(x, -30.0, 30.0)  # the tanh is ±1 long before, and the cube does not overflow
        cubic = (z + z * z * z * 0.044715) * math.sqrt(2 / math.pi)
        return x * 0.5 * (rt.tanh(cubic) + 1.0)
    raise ArgumentError(f"[gelu] approximate: expected 'none' or 'tanh', got {approximate!r}")


@api
def silu(x: Any) -> rt.Array:
    """``x * sigmoid(x)``, also called swish.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.silu(rt.asarray([-200.0, 0.0, 200.0])) + 0.0
        Array([  0.,   0., 200.], dtype=float32)

    References:
        Elfwing et al. 2018 (arXiv:1702.03118).
    """
    x = floating(x)
    return x * rt.sigmoid(x)


@api
def softplus(x: Any, beta: float = 1.0) -> rt.Array:
    """``log(1 + exp(beta * x)) / beta``, a smooth relu; exact for all x, so without a threshold.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.softplus(rt.asarray([-200.0, 0.0, 200.0]))
        Array([  0.      ,   0.693147, 200.      ], dtype=float32)
    """
    x = floating(x)
    if beta == 1:
        return rt.logaddexp(x, 0.0)
    return rt.logaddexp(x * beta, 0.0) / beta


@api
def log_sigmoid(x: Any) -> rt.Array:
    """``log(sigmoid(x))``, right where the sigmoid underflows.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.log_sigmoid(rt.asarray([-200.0, 0.0]))
        Array([-200.      ,   -0.693147], dtype=float32)
    """
    return -softplus(-floating(x))


@api
def mish(x: Any) -> rt.Array:
    """``x * tanh(softplus(x))``.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.mish(rt.asarray([0.0, 1.0]))
        Array([0.      , 0.865098], dtype=float32)

    References:
        Misra 2019 (arXiv:1908.08681).
    """
    x = floating(x)
    return x * rt.tanh(softplus(x))


@api
def hard_sigmoid(x: Any) -> rt.Array:
    """``relu6(x + 3) / 6``.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.hard_sigmoid(rt.asarray([-4.0, 0.0, 4.0]))
        Array([0. , 0.5, 1. ], dtype=float32)
    """
    return relu6(floating(x) + 3.0) / 6.0


@api
def hard_swish(x: Any) -> rt.Array:
    """``x * hard_sigmoid(x)``.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.hard_swish(rt.asarray([0.0, 3.0]))
        Array([0., 3.], dtype=float32)

    References:
        Howard et al. 2019, MobileNetV3 (arXiv:1905.02244).
    """
    x = floating(x)
    return x * hard_sigmoid(x)


@api
def hard_tanh(x: Any, min_val: float = -1.0, max_val: float = 1.0) -> rt.Array:
    """`x` cut to ``[min_val, max_val]``.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.hard_tanh(rt.asarray([-4.0, 0.5, 4.0]))
        Array([-1. ,  0.5,  1. ], dtype=float32)
    """
    if min_val > max_val:
        raise ArgumentError(f"[hard_tanh] min_val {min_val} is above max_val {max_val}")
    return cut(floating(x), min_val, max_val)


@api
def softsign(x: Any) -> rt.Array:
    """``x / (1 + |x|)``.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.softsign(rt.asarray([-1.0, 0.0, 3.0]))
        Array([-0.5 ,  0.  ,  0.75], dtype=float32)
    """
    x = floating(x)
    return x / (rt.abs(x) + 1.0)


swish = silu
