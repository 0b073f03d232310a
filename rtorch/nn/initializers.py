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
from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, ShapeError
from rtorch.nn.structured import (
    Initializer as Initializer,
    Shape as Shape,
    delta_orthogonal,
    dirac,
    eye,
    orthogonal,
    sparse,
)

__all__ = [
    "calculate_gain",
    "constant",
    "delta_orthogonal",
    "dirac",
    "eye",
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
    "orthogonal",
    "sparse",
    "trunc_normal",
    "truncated_normal",
    "uniform",
    "variance_scaling",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]

# Standard deviation of a standard normal number that is cut off at ±2.
_CUT_STD = 0.8796256610342398


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


def truncated_normal(
    std: float = 1.0, mean: float = 0.0, lower: float = -2.0, upper: float = 2.0
) -> Initializer:
    """Normal numbers without those beyond `lower` and `upper` standard deviations, as in JAX.

    Args:
        std: Standard deviation before the tails are cut off.
        mean: Mean, likewise.
        lower: In units of `std`.
        upper: In units of `std`.

    Example:
        >>> import rtorch as rt
        >>> w = rt.nn.initializers.truncated_normal(0.5)(rt.random.key(0), (100,), rt.float32)
        >>> bool(rt.all(abs(w) <= 1))
        True
    """

    def init(key: Any, shape: Shape, dtype: Any = float) -> rt.Array:
        of = rt.default_dtype() if dtype is float else dtype
        return rt.random.truncated_normal(key, lower, upper, shape, of) * std + mean

    return init


def trunc_normal(
    mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0
) -> Initializer:
    """Normal numbers without those outside of ``[a, b]``, as PyTorch's ``trunc_normal_``.

    Args:
        mean: Mean before the tails are cut off.
        std: Standard deviation, likewise.
        a: The least number (not in units of `std`).
        b: The largest.

    Example:
        >>> import rtorch as rt
        >>> init = rt.nn.initializers.trunc_normal(std=5.0)
        >>> bool(rt.all(abs(init(rt.random.key(0), (100,), rt.float32)) <= 2))
        True
    """
    return truncated_normal(std, mean, (a - mean) / std, (b - mean) / std)


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
