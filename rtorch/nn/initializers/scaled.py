"""Initializers of a variance that goes with the size of the weight, and `calculate_gain`.

References:
    Glorot & Bengio 2010, Understanding the difficulty of training deep feedforward networks.
    He et al. 2015, Delving deep into rectifiers (arXiv:1502.01852).
    LeCun et al. 1998, Efficient backprop.
"""

from __future__ import annotations

import math
from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, ShapeError
from rtorch.nn.initializers.draws import Initializer, Shape, normal, truncated_normal, uniform

# Standard deviation of a standard normal number that is cut off at ±2.
_CUT_STD = 0.8796256610342398


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
        fan = {
            "fan_in": fan_in,
            "fan_out": fan_out,
            "fan_avg": (fan_in + fan_out) / 2,
            "fan_geo_avg": math.sqrt(fan_in * fan_out),
        }[mode]
        std = math.sqrt(scale / fan) if fan else 0.0
        if distribution == "truncated_normal":
            return truncated_normal(std / _CUT_STD)(key, shape, dtype)
        if distribution == "normal":
            return normal(std)(key, shape, dtype)
        bound = math.sqrt(3) * std
        return uniform(-bound, bound)(key, shape, dtype)

    return init


def variance_scaling(
    scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal"
) -> Initializer:
    """Variance ``scale / fan``: what the named schemes below are cases of.

    Args:
        scale: A factor.
        mode: ``"fan_in"``, ``"fan_out"``, their mean ``"fan_avg"``, or ``"fan_geo_avg"``.
        distribution: ``"truncated_normal"`` (cut off at two standard deviations, and as wide as the
            variance asks then), ``"normal"`` or ``"uniform"``.

    Example:
        >>> import rtorch as rt
        >>> init = rt.nn.initializers.variance_scaling(2.0, "fan_out")
        >>> init(rt.random.key(0), (8, 6), rt.float32).shape
        (8, 6)
    """
    modes = ("fan_in", "fan_out", "fan_avg", "fan_geo_avg")
    distributions = ("truncated_normal", "normal", "uniform")
    for name, value, choices in (("mode", mode, modes),
                                 ("distribution", distribution, distributions)):  # fmt: skip
        if value not in choices:
            raise ArgumentError(
                f"[variance_scaling] {name}: expected one of {choices}, got {value!r}"
            )
    return _variance(scale, mode, distribution)


_GAINS = {
    "linear": 1.0, "conv1d": 1.0, "conv2d": 1.0, "conv3d": 1.0, "sigmoid": 1.0, "tanh": 5 / 3,
    "relu": math.sqrt(2.0), "selu": 3 / 4,
}  # fmt: skip


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """PyTorch's recommended factor for weights in front of an activation.

    Args:
        nonlinearity: ``"linear"``, ``"sigmoid"``, ``"tanh"``, ``"relu"``, ``"leaky_relu"``,
            ``"selu"``, or ``"conv1d"`` to ``"conv3d"``.
        param: The slope of ``"leaky_relu"``, by default 0.01.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.initializers.calculate_gain("leaky_relu", 1.0)
        1.0
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        return math.sqrt(2 / (1 + slope * slope))
    if not isinstance(nonlinearity, str) or nonlinearity not in _GAINS:
        raise ArgumentError(f"[calculate_gain] nonlinearity: expected one of "
                            f"{[*_GAINS, 'leaky_relu']}, got {nonlinearity!r}")  # fmt: skip
    return _GAINS[nonlinearity]


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
