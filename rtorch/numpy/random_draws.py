"""Draws with parameters, as `rtorch.random` needs them: operands checked, broadcast, converted.

Half precision is drawn in float32 and rounded.
"""

from __future__ import annotations

from typing import Any

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.core.dtypes import DType
from rtorch.numpy.operands import Shape, convert
from rtorch.numpy.random_bits import consume_key
from rtorch.ops.base import broadcast_p
from rtorch.ops.random_counts import random_binomial_p, random_poisson_p
from rtorch.ops.random_gamma import random_gamma_p

__all__ = ["binomial", "gamma", "poisson"]


def _spread(x: Array, shape: Shape) -> Array:
    """`x`, which broadcasts to `shape`, as an array of it; halves as float32."""
    x = convert(x, dtypes.float32 if x.dtype in dtypes.HALVES else x.dtype)
    if x.shape == shape:
        return x
    return broadcast_p(x, shape=shape, axes=tuple(range(len(shape) - x.ndim, len(shape))))


def gamma(key: Any, a: Array, shape: Shape, name: str, log_space: bool) -> Array:
    """Gamma distributed numbers of shape parameter `a`, or their logarithms."""
    key = consume_key(key, name)
    return convert(random_gamma_p(key, _spread(a, shape), log_space=log_space), a.dtype)


def poisson(key: Any, mean: Array, shape: Shape, dtype: DType, name: str) -> Array:
    """Poisson distributed integers."""
    return random_poisson_p(consume_key(key, name), _spread(mean, shape), dtype=dtype)


def binomial(key: Any, n: Array, p: Array, shape: Shape, name: str) -> Array:
    """Binomially distributed numbers, in float32 for half precision."""
    return random_binomial_p(consume_key(key, name), _spread(n, shape), _spread(p, shape))
