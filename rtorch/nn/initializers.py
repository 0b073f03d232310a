"""Where parameters start: functions ``(key, shape, dtype) -> array``.

Weights are stored as PyTorch stores them, (out, in, *window): ``fan_in`` is ``in`` times the size
of the window, ``fan_out`` is ``out`` times it.

References:
    Glorot & Bengio 2010, Understanding the difficulty of training deep feedforward networks.
    He et al. 2015, Delving deep into rectifiers (arXiv:1502.01852).
    LeCun et al. 1998, Efficient backprop.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import rtorch as rt
from rtorch.errors import ArgumentError, ShapeError

__all__ = [
    "constant",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "kaiming_normal",
    "kaiming_uniform",
    "lecun_normal",
    "lecun_uniform",
    "normal",
    "ones",
    "uniform",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]

Shape: TypeAlias = tuple[int, ...]
Initializer: TypeAlias = Callable[[Any, Shape, Any], rt.Array]


def zeros(key: Any, shape: Shape, dtype: Any = float) -> rt.Array:
    """Zeros; the key is not used.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.initializers.zeros(None, (2,))
        Array([0., 0.], dtype=float32)
    """
    return rt.zeros(shape, dtype=dtype)


def ones(key: Any, shape: Shape, dtype: Any = float) -> rt.Array:
    """Ones; the key is not used.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.initializers.ones(None, (2,))
        Array([1., 1.], dtype=float32)
    """
    return rt.ones(shape, dtype=dtype)


def constant(value: float) -> Initializer:
    """The same number everywhere.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.initializers.constant(0.5)(None, (2,), rt.float32)
        Array([0.5, 0.5], dtype=float32)
    """

    def init(key: Any, shape: Shape, dtype: Any = float) -> rt.Array:
        return rt.full(shape, value, dtype=dtype)

    return init


def uniform(low: float = 0.0, high: float = 1.0) -> Initializer:
    """Uniform in ``[low, high)``.

    Example:
        >>> import rtorch as rt
        >>> x = rt.nn.initializers.uniform(-2.0, -1.0)(rt.random.key(0), (100,), rt.float32)
        >>> bool(rt.all((x >= -2) & (x < -1)))
        True
    """

    def init(key: Any, shape: Shape, dtype: Any = float) -> rt.Array:
        return rt.random.uniform(key, shape, dtype, minval=low, maxval=high)

    return init


def normal(std: float = 1.0, mean: float = 0.0) -> Initializer:
    """Normal with the given standard deviation and mean.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.initializers.normal(0.02)(rt.random.key(0), (3, 2), rt.float64).dtype
        dtype('float64')
    """

    def init(key: Any, shape: Shape, dtype: Any = float) -> rt.Array:
        return rt.random.normal(key, shape, dtype) * std + mean

    return init


def fans(shape: Shape) -> tuple[int, int]:
    """``(fan_in, fan_out)`` of a weight of shape ``(out, in, *window)``."""
    if len(shape) < 2:
        raise ShapeError(
            f"[initializers] fans need a weight of shape (out, in, *window), got {shape}; "
            "use zeros, constant, uniform or normal for a vector"
        )
    window = math.prod(shape[2:])
    return shape[1] * window, shape[0] * window


def _variance(scale: float, mode: str, distribution: str) -> Initializer:
    """Variance ``scale / fan``, as all of the schemes below have it."""

    def init(key: Any, shape: Shape, dtype: Any = float) -> rt.Array:
        fan_in, fan_out = fans(shape)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[mode]
        std = math.sqrt(scale / fan) if fan else 0.0
        if distribution == "normal":
            return normal(std)(key, shape, dtype)
        bound = math.sqrt(3) * std
        return uniform(-bound, bound)(key, shape, dtype)

    return init


def _check_mode(function: str, mode: str) -> str:
    if mode not in ("fan_in", "fan_out"):
        raise ArgumentError(f"[{function}] mode: expected 'fan_in' or 'fan_out', got {mode!r}")
    return mode


def kaiming_uniform(a: float = 0.0, mode: str = "fan_in") -> Initializer:
    """He et al.: uniform with variance ``2 / ((1 + a**2) fan)``.

    Args:
        a: Slope of the leaky ReLU that follows, for negative numbers; ``sqrt(5)`` gives PyTorch's
            default for linear layers, ``U(-1/sqrt(in), 1/sqrt(in))``.
        mode: ``"fan_in"`` keeps the variance of the values, ``"fan_out"`` that of the gradients.

    Example:
        >>> import rtorch as rt
        >>> w = rt.nn.initializers.kaiming_uniform()(rt.random.key(0), (8, 6), rt.float32)
        >>> bool(rt.all(abs(w) <= 1))
        True
    """
    return _variance(2 / (1 + a * a), _check_mode("kaiming_uniform", mode), "uniform")


def kaiming_normal(a: float = 0.0, mode: str = "fan_in") -> Initializer:
    """He et al.: normal with variance ``2 / ((1 + a**2) fan)``; see `kaiming_uniform`.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.initializers.kaiming_normal()(rt.random.key(0), (8, 6), rt.float32).shape
        (8, 6)
    """
    return _variance(2 / (1 + a * a), _check_mode("kaiming_normal", mode), "normal")


def glorot_uniform(gain: float = 1.0) -> Initializer:
    """Glorot & Bengio: uniform with variance ``2 gain**2 / (fan_in + fan_out)``.

    Example:
        >>> import rtorch as rt
        >>> w = rt.nn.initializers.glorot_uniform()(rt.random.key(0), (4, 2), rt.float32)
        >>> bool(rt.all(abs(w) <= 1))
        True
    """
    return _variance(gain * gain, "fan_avg", "uniform")


def glorot_normal(gain: float = 1.0) -> Initializer:
    """Glorot & Bengio: normal with variance ``2 gain**2 / (fan_in + fan_out)``.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.initializers.glorot_normal()(rt.random.key(0), (4, 2), rt.float32).shape
        (4, 2)
    """
    return _variance(gain * gain, "fan_avg", "normal")


def lecun_uniform() -> Initializer:
    """LeCun et al.: uniform with variance ``1 / fan_in``.

    Example:
        >>> import rtorch as rt
        >>> w = rt.nn.initializers.lecun_uniform()(rt.random.key(0), (4, 3), rt.float32)
        >>> bool(rt.all(abs(w) <= 1))
        True
    """
    return _variance(1.0, "fan_in", "uniform")


def lecun_normal() -> Initializer:
    """LeCun et al.: normal with variance ``1 / fan_in``, as SELU wants it.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.initializers.lecun_normal()(rt.random.key(0), (4, 3), rt.float32).shape
        (4, 3)
    """
    return _variance(1.0, "fan_in", "normal")


he_uniform, he_normal = kaiming_uniform, kaiming_normal
xavier_uniform, xavier_normal = glorot_uniform, glorot_normal
