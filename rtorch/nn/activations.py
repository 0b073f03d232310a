"""Activation functions, with PyTorch's names and defaults.

Plain functions of arrays, and so layers too: ``serial(Linear(8), relu)``. They do not overflow,
and neither do their derivatives; branches that are not taken are fed harmless numbers (`where`
alone would let a nan of theirs into the derivative).
"""

from __future__ import annotations

import math
import operator
from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, AxisError, ShapeError, api

__all__ = [
    "celu",
    "elu",
    "gelu",
    "glu",
    "hard_sigmoid",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "one_hot",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "swish",
    "tanh",
]

relu, sigmoid, tanh = rt.relu, rt.sigmoid, rt.tanh

# Fixed point of the mean and variance: Klambauer et al. 2017, equation 14.
_SELU_ALPHA = 1.6732632423543772
_SELU_SCALE = 1.0507009873554805


def _floating(x: Any) -> rt.Array:
    x = rt.asarray(x)
    return x if rt.isdtype(x.dtype, "real floating") else x.astype(rt.default_dtype())


@api
def relu6(x: Any) -> rt.Array:
    """``min(max(x, 0), 6)``.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.relu6(rt.asarray([-1.0, 3.0, 9.0]))
        Array([0., 3., 6.], dtype=float32)
    """
    return rt.clip(_floating(x), 0, 6)


@api
def leaky_relu(x: Any, negative_slope: float = 0.01) -> rt.Array:
    """`x` where it is positive, ``negative_slope * x`` elsewhere.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.leaky_relu(rt.asarray([-2.0, 2.0]), 0.5)
        Array([-1.,  2.], dtype=float32)
    """
    x = _floating(x)
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
    x = _floating(x)
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
    x = _floating(x)
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
    x = _floating(x)
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
    x = _floating(x)
    return x * rt.sigmoid(x)


swish = silu


@api
def softplus(x: Any, beta: float = 1.0) -> rt.Array:
    """``log(1 + exp(beta * x)) / beta``, a smooth relu; exact for all x, so without a threshold.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.softplus(rt.asarray([-200.0, 0.0, 200.0]))
        Array([  0.      ,   0.693147, 200.      ], dtype=float32)
    """
    x = _floating(x)
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
    return -softplus(-_floating(x))


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
    x = _floating(x)
    return x * rt.tanh(softplus(x))


@api
def hard_sigmoid(x: Any) -> rt.Array:
    """``relu6(x + 3) / 6``.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.hard_sigmoid(rt.asarray([-4.0, 0.0, 4.0]))
        Array([0. , 0.5, 1. ], dtype=float32)
    """
    return relu6(_floating(x) + 3.0) / 6.0


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
    x = _floating(x)
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
    return rt.clip(_floating(x), min_val, max_val)


@api
def softsign(x: Any) -> rt.Array:
    """``x / (1 + |x|)``.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.softsign(rt.asarray([-1.0, 0.0, 3.0]))
        Array([-0.5 ,  0.  ,  0.75], dtype=float32)
    """
    x = _floating(x)
    return x / (rt.abs(x) + 1.0)


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


def _below_zero(name: str, x: Any, axis: int) -> rt.Array:
    """`x` less its maximum along `axis`, which changes neither the softmax nor its slopes."""
    x = _floating(x)
    check_axis(name, x, axis)
    if x.shape[axis] == 0:
        return x
    return x - rt.stop_gradient(rt.max(x, axis=axis, keepdims=True))


def check_axis(name: str, x: rt.Array, axis: int) -> int:
    """`axis` as a number from 0 to ``ndim - 1``."""
    try:
        index = operator.index(axis)
    except TypeError:
        raise ArgumentError(f"[{name}] axis: expected an integer, got {axis!r}") from None
    if not -x.ndim <= index < x.ndim:
        raise AxisError(f"[{name}] axis {index} is out of range for an array of shape {x.shape}")
    return index % x.ndim


@api
def glu(x: Any, axis: int = -1) -> rt.Array:
    """The first half along `axis` times the sigmoid of the second.

    Raises:
        ShapeError: if the axis has an odd length.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.glu(rt.asarray([2.0, 4.0, 0.0, 0.0]))
        Array([1., 2.], dtype=float32)

    References:
        Dauphin et al. 2017 (arXiv:1612.08083).
    """
    x = _floating(x)
    axis = check_axis("glu", x, axis)
    if x.shape[axis] % 2:
        raise ShapeError(f"[glu] axis {axis} must have an even length, got shape {x.shape}")
    value, gate = rt.split(x, 2, axis=axis)
    return value * rt.sigmoid(gate)


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
