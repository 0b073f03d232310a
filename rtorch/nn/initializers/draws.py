"""Initializers that look at no fans: constants, uniform and normal numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import rtorch as rt

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
