"""Samplers of continuous distributions with parameters: functions of uniform and normal numbers.

Derivatives by the parameters follow from these functions.
"""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import api
from rtorch.numpy import random_bits as raw
from rtorch.random.arguments import parameters
from rtorch.random.continuous import above_zero, exponential, normal
from rtorch.random.discrete import rademacher

__all__ = [
    "double_sided_maxwell",
    "lognormal",
    "maxwell",
    "pareto",
    "rayleigh",
    "triangular",
    "wald",
    "weibull_min",
]


@api
def lognormal(key: rt.Array, sigma: Any = 1.0, shape: Any = None, dtype: Any = None) -> rt.Array:
    """Numbers whose logarithm is normally distributed with mean 0 and deviation `sigma`.

    Args:
        key: A key, uint32 of shape (2,).
        sigma: The standard deviation of the logarithm, a number or an array.
        shape: Shape of the result, to which that of `sigma` broadcasts; by default that of it.
        dtype: A floating dtype; by default `rt.default_dtype()`.

    Example:
        >>> import rtorch as rt
        >>> bool((rt.random.lognormal(rt.random.key(0), 2.0, (100,)) > 0).all())
        True
    """
    shape, (s,) = parameters(key, "lognormal", shape, dtype, sigma=sigma)
    return rt.exp(normal(key, shape, s.dtype) * s)


@api
def pareto(key: rt.Array, b: Any, shape: Any = None, dtype: Any = None) -> rt.Array:
    """Numbers of the Pareto distribution, of density ``b / x**(b + 1)`` for x >= 1.

    Args:
        key: A key, uint32 of shape (2,).
        b: The exponent, a positive number or an array.
        shape: Shape of the result, to which that of `b` broadcasts; by default that of it.
        dtype: A floating dtype; by default `rt.default_dtype()`.

    Example:
        >>> import rtorch as rt
        >>> bool((rt.random.pareto(rt.random.key(0), 3.0, (100,)) >= 1).all())
        True
    """
    shape, (power,) = parameters(key, "pareto", shape, dtype, b=b)
    return rt.exp(exponential(key, shape, power.dtype) / power)


@api
def rayleigh(key: rt.Array, scale: Any, shape: Any = None, dtype: Any = None) -> rt.Array:
    """Numbers of the Rayleigh distribution: lengths of vectors of two normal numbers.

    Args:
        key: A key, uint32 of shape (2,).
        scale: The deviation of these normal numbers, a number or an array.
        shape: Shape of the result, to which that of `scale` broadcasts; by default that of it.
        dtype: A floating dtype; by default `rt.default_dtype()`.

    Example:
        >>> import rtorch as rt
        >>> rt.random.rayleigh(rt.random.key(0), rt.ones(3)).shape
        (3,)
    """
    shape, (s,) = parameters(key, "rayleigh", shape, dtype, scale=scale)
    return s * rt.sqrt(-2 * rt.log(above_zero(key, shape, s.dtype, "rayleigh")))


@api
def weibull_min(
    key: rt.Array, scale: Any, concentration: Any, shape: Any = (), dtype: Any = None
) -> rt.Array:
    """Numbers of the Weibull distribution, ``scale * e**(1 / concentration)`` of exponential e.

    Args:
        key: A key, uint32 of shape (2,).
        scale: A positive number or an array.
        concentration: Likewise; 1 is the exponential distribution, 2 is Rayleigh's.
        shape: Shape of the result, to which the parameters broadcast; if empty what they broadcast
            to.
        dtype: A floating dtype; by default `rt.default_dtype()`.

    Example:
        >>> import rtorch as rt
        >>> rt.random.weibull_min(rt.random.key(0), 2.0, 1.5, (3,)).shape
        (3,)
    """
    shape, (s, c) = parameters(
        key, "weibull_min", shape or None, dtype, scale=scale, concentration=concentration
    )
    return exponential(key, shape, s.dtype) ** (1 / c) * s


@api
def maxwell(key: rt.Array, shape: Any = (), dtype: Any = None) -> rt.Array:
    """Numbers of Maxwell's distribution: lengths of vectors of three normal numbers.

    Args:
        key: A key, uint32 of shape (2,).
        shape: Shape of the result.
        dtype: A floating dtype; by default `rt.default_dtype()`.

    Example:
        >>> import rtorch as rt
        >>> rt.random.maxwell(rt.random.key(0), (3,)).shape
        (3,)
    """
    x = normal(key, (*raw.check_shape(shape, "maxwell"), 3), raw.floating_dtype(dtype, "maxwell"))
    return rt.sqrt((x * x).sum(axis=-1))


@api
def double_sided_maxwell(
    key: rt.Array, loc: Any, scale: Any, shape: Any = (), dtype: Any = None
) -> rt.Array:
    """Numbers of Maxwell's distribution with a random sign, times `scale`, plus `loc`.

    Args:
        key: A key, uint32 of shape (2,).
        loc: The centre, a number or an array.
        scale: A number or an array.
        shape: Shape of the result, to which the parameters broadcast; if empty what they broadcast
            to.
        dtype: A floating dtype; by default `rt.default_dtype()`.

    Example:
        >>> import rtorch as rt
        >>> rt.random.double_sided_maxwell(rt.random.key(0), 1.0, 2.0, (3,)).shape
        (3,)
    """
    name = "double_sided_maxwell"
    shape, (centre, s) = parameters(key, name, shape or None, dtype, loc=loc, scale=scale)
    length_key, sign_key = raw.split(key, 2, name)
    length = maxwell(length_key, shape, s.dtype)
    return rademacher(sign_key, shape, s.dtype) * length * s + centre


@api
def wald(key: rt.Array, mean: Any, shape: Any = None, dtype: Any = None) -> rt.Array:
    """Numbers of the Wald (inverse Gaussian) distribution of scale 1.

    Of the two roots of a quadratic equation one is chosen at random; the smaller is computed from
    the larger, so that it loses no digits.

    Args:
        key: A key, uint32 of shape (2,).
        mean: A positive number or an array.
        shape: Shape of the result, to which that of `mean` broadcasts; by default that of it.
        dtype: A floating dtype; by default `rt.default_dtype()`.

    Example:
        >>> import rtorch as rt
        >>> bool((rt.random.wald(rt.random.key(0), 3.0, (100,)) > 0).all())
        True

    References:
        Michael, Schucany & Haas 1976, Generating random variates using transformations with
        multiple roots
    """
    shape, (m,) = parameters(key, "wald", shape, dtype, mean=mean)
    normal_key, choice_key = raw.split(key, 2, "wald")
    y = normal(normal_key, shape, m.dtype) ** 2
    half = m * y / 2
    square = m * m
    large = m * (1 + half) + m * rt.sqrt(half * (2 + half))
    small = square / large
    z = raw.unit(choice_key, shape, m.dtype, "wald")
    return rt.where(z <= m / (m + small), small, large)


@api
def triangular(
    key: rt.Array, left: Any, mode: Any, right: Any, shape: Any = None, dtype: Any = None
) -> rt.Array:
    """Numbers between `left` and `right` whose density is a triangle with its tip at `mode`.

    Args:
        key: A key, uint32 of shape (2,).
        left: The least, a number or an array.
        mode: The most probable one, likewise.
        right: The largest, likewise.
        shape: Shape of the result; by default what the parameters broadcast to.
        dtype: A floating dtype; by default `rt.default_dtype()`.

    Example:
        >>> import rtorch as rt
        >>> x = rt.random.triangular(rt.random.key(0), 0.0, 1.0, 4.0, (100,))
        >>> bool((x >= 0).all() & (x <= 4).all())
        True
    """
    shape, (low, tip, high) = parameters(
        key, "triangular", shape, dtype, left=left, mode=mode, right=right
    )
    u = raw.unit(key, shape, low.dtype, "triangular")
    width = high - low
    rising = low + rt.sqrt(u * width * (tip - low))
    falling = high - rt.sqrt((1 - u) * width * (high - tip))
    return rt.where(u < (tip - low) / width, rising, falling)
