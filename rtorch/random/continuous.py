"""Samplers of continuous distributions: functions of uniform numbers in [0, 1).

Each is the inverse of the distribution function, in the form that `jax.random` uses, so that the
numbers agree. Location and scale are left to the caller: ``mean + std * normal(...)``, of which
the derivatives by mean and std follow.
"""

from __future__ import annotations

import math
from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, api, describe
from rtorch.numpy import random_bits as raw
from rtorch.random.arguments import fit_all, fitting

__all__ = [
    "cauchy",
    "exponential",
    "gumbel",
    "laplace",
    "logistic",
    "normal",
    "truncated_normal",
    "uniform",
]


def _between(key: Any, shape: Any, dtype: Any, low: float, high: float, name: str) -> rt.Array:
    """Uniform numbers in [low, high) for static bounds, low <= high."""
    u = raw.unit(key, shape, dtype, name)
    # Bounds and width are rounded to the dtype one by one.
    bottom = u.dtype.type(low)
    span = u.dtype.type(high) - bottom
    if span != 1:
        u = u * float(span)
    return u + float(bottom) if bottom else u


@api
def uniform(
    key: rt.Array, shape: Any = (), dtype: Any = None, minval: Any = 0.0, maxval: Any = 1.0
) -> rt.Array:
    """Numbers distributed evenly over [minval, maxval).

    Args:
        key: A key, uint32 of shape (2,).
        shape: Shape of the result.
        dtype: A floating dtype; by default `rt.default_dtype()`.
        minval: Lower bound, a number or an array that broadcasts to `shape`.
        maxval: Upper bound, likewise.

    Raises:
        DTypeError: if `dtype` is not a floating one.
        ShapeError: if `shape` is none, or a bound does not broadcast to it.

    Example:
        >>> import rtorch as rt
        >>> x = rt.random.uniform(rt.random.key(0), (1000,), minval=2.0, maxval=3.0)
        >>> bool((x >= 2).all() & (x < 3).all())
        True
    """
    if isinstance(minval, (int, float)) and isinstance(maxval, (int, float)) and minval <= maxval:
        return _between(key, shape, dtype, minval, maxval, "uniform")
    u = raw.unit(key, shape, dtype, "uniform")
    low = fitting(rt.asarray(minval, u.dtype, device=u.device), u.shape, "uniform", "minval")
    high = fitting(rt.asarray(maxval, u.dtype, device=u.device), u.shape, "uniform", "maxval")
    return rt.maximum(low, u * (high - low) + low)


@api
def normal(key: rt.Array, shape: Any = (), dtype: Any = None) -> rt.Array:
    """Numbers of the normal distribution with mean 0 and variance 1.

    Complex numbers have independent parts of variance 1/2 each.

    Args:
        key: A key, uint32 of shape (2,).
        shape: Shape of the result.
        dtype: A floating or complex dtype; by default `rt.default_dtype()`.

    Example:
        >>> import rtorch as rt
        >>> x = rt.random.normal(rt.random.key(0), (10000,))
        >>> abs(float(x.mean())) < 0.05, abs(float(x.std()) - 1) < 0.05
        (True, True)
    """
    if dtype is not None and rt.isdtype(dtype, "complex floating"):
        real = rt.finfo(dtype).dtype
        real_key, imag_key = raw.split(key, 2, "normal")
        re, im = (raw.normal(k, shape, real, "normal") for k in (real_key, imag_key))
        return rt.asarray((re + 1j * im) / math.sqrt(2), dtype)
    return raw.normal(key, shape, dtype, "normal")


@api
def truncated_normal(
    key: rt.Array, lower: Any, upper: Any, shape: Any = None, dtype: Any = None
) -> rt.Array:
    """Numbers of the standard normal distribution within (lower, upper).

    Args:
        key: A key, uint32 of shape (2,).
        lower: Lower bound, a number or an array.
        upper: Upper bound, likewise.
        shape: Shape of the result; by default what the bounds broadcast to.
        dtype: A floating dtype; by default `rt.default_dtype()`.

    Example:
        >>> import rtorch as rt
        >>> x = rt.random.truncated_normal(rt.random.key(0), -1.0, 1.0, (1000,))
        >>> bool((abs(x) < 1).all())
        True
    """
    kind = raw.floating_dtype(dtype, "truncated_normal")
    key = raw.check_key(key, "truncated_normal")
    low = rt.asarray(lower, kind, device=key.device)
    high = rt.asarray(upper, kind, device=key.device)
    shape = fit_all("truncated_normal", shape, lower=low, upper=high)
    root2 = math.sqrt(2)
    u = uniform(key, shape, kind, rt.erf(low / root2), rt.erf(high / root2))
    inner = (
        rt.nextafter(rt.stop_gradient(low), math.inf),
        rt.nextafter(rt.stop_gradient(high), -math.inf),
    )
    return rt.clip(rt.erf_inv(u) * root2, *inner)


@api
def exponential(key: rt.Array, shape: Any = (), dtype: Any = None) -> rt.Array:
    """Numbers of the exponential distribution with mean 1.

    Args:
        key: A key, uint32 of shape (2,).
        shape: Shape of the result.
        dtype: A floating dtype; by default `rt.default_dtype()`.

    Example:
        >>> import rtorch as rt
        >>> bool((rt.random.exponential(rt.random.key(0), (100,)) >= 0).all())
        True
    """
    return -rt.log1p(-raw.unit(key, shape, dtype, "exponential"))


@api
def gumbel(key: rt.Array, shape: Any = (), dtype: Any = None, mode: str | None = None) -> rt.Array:
    """Numbers of the standard Gumbel distribution, ``-log(-log(u))``.

    Args:
        key: A key, uint32 of shape (2,).
        shape: Shape of the result.
        dtype: A floating dtype; by default `rt.default_dtype()`.
        mode: How large the results can be: ``"low"`` (the default) makes u of the bits of one
            mantissa, so none is above 16 in float32; ``"high"`` of two; ``"highest"`` of 64
            bits, in float32.

    Raises:
        ArgumentError: if there is no such mode.

    Example:
        >>> import rtorch as rt
        >>> rt.random.gumbel(rt.random.key(0), (3,)).shape
        (3,)
    """
    if mode not in (None, "low", "high", "highest"):
        raise ArgumentError(
            f"[gumbel] mode: expected 'low', 'high' or 'highest', got {describe(mode)}"
        )
    kind = raw.floating_dtype(dtype, "gumbel")
    if mode in (None, "low"):
        return -rt.log(-rt.log(above_zero(key, shape, kind, "gumbel")))
    shape = raw.check_shape(shape, "gumbel")
    return (_gumbel_of_64_bits if (mode, kind.name) == ("highest", "float32") else _gumbel_high)(
        key, shape, kind
    )


def _gumbel_high(key: Any, shape: Any, kind: Any) -> rt.Array:
    """Of 1 - u, which is close to 0 where the result is large, with two mantissas."""
    high, low = raw.unit(key, (2, *shape), kind, "gumbel")
    info = rt.finfo(kind)
    x = rt.where(high >= 0.5, high, high + float(info.eps) * low + float(info.tiny))
    return -rt.log(-rt.log1p(-x))


def _gumbel_of_64_bits(key: Any, shape: Any, kind: Any) -> rt.Array:
    high, low = raw.random_bits(key, (2, *shape), rt.uint32, "gumbel")
    flipped = high >= 2**31
    # Minus the number of 64 bits: the distance from 1, exactly.
    minus_low = ~low + 1
    minus_high = ~high + (minus_low == 0)
    high, low = rt.where(flipped, minus_high, high), rt.where(flipped, minus_low, low)
    x = (high.astype(rt.float64) * 2.0**-32 + low.astype(rt.float64) * 2.0**-64).astype(kind)
    return -rt.log(-rt.where(flipped, rt.log(x), rt.log1p(-x)))


@api
def laplace(key: rt.Array, shape: Any = (), dtype: Any = None) -> rt.Array:
    """Numbers of the Laplace distribution with mean 0 and scale 1.

    Args:
        key: A key, uint32 of shape (2,).
        shape: Shape of the result.
        dtype: A floating dtype; by default `rt.default_dtype()`.

    Example:
        >>> import rtorch as rt
        >>> rt.random.laplace(rt.random.key(0), (3,)).shape
        (3,)
    """
    kind = raw.floating_dtype(dtype, "laplace")
    low = -1.0 + float(rt.finfo(kind).epsneg)
    u = _between(key, shape, kind, low, 1.0, "laplace")
    return rt.sign(u) * rt.log1p(-abs(u))


@api
def logistic(key: rt.Array, shape: Any = (), dtype: Any = None) -> rt.Array:
    """Numbers of the logistic distribution with mean 0 and scale 1.

    Args:
        key: A key, uint32 of shape (2,).
        shape: Shape of the result.
        dtype: A floating dtype; by default `rt.default_dtype()`.

    Example:
        >>> import rtorch as rt
        >>> rt.random.logistic(rt.random.key(0), (3,)).shape
        (3,)
    """
    u = above_zero(key, shape, dtype, "logistic")
    return rt.log(u) - rt.log1p(-u)


@api
def cauchy(key: rt.Array, shape: Any = (), dtype: Any = None) -> rt.Array:
    """Numbers of the Cauchy distribution with median 0 and scale 1.

    Args:
        key: A key, uint32 of shape (2,).
        shape: Shape of the result.
        dtype: A floating dtype; by default `rt.default_dtype()`.

    Example:
        >>> import rtorch as rt
        >>> rt.random.cauchy(rt.random.key(0), (3,)).shape
        (3,)
    """
    kind = raw.floating_dtype(dtype, "cauchy")
    u = _between(key, shape, kind, float(rt.finfo(kind).eps), 1.0, "cauchy")
    return rt.tan((u - 0.5) * math.pi)


def above_zero(key: Any, shape: Any, dtype: Any, name: str) -> rt.Array:
    """Uniform numbers in (0, 1): those of [0, 1) with 0 replaced by the smallest normal one."""
    u = raw.unit(key, shape, dtype, name)
    tiny = float(rt.finfo(u.dtype).tiny)
    return rt.maximum(u, tiny)  # elsewhere adding so small a number changes nothing
