"""Samplers that rest on gamma distributed numbers.

They have derivatives by their parameters, though gamma numbers are drawn by rejection: the
implicit ones (Figurnov, Mohamed & Mnih 2018), see `rtorch.ops.random_gamma`.
"""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import ShapeError, api, describe
from rtorch.numpy import random_bits as raw, random_draws as draws
from rtorch.random.arguments import fit_all, parameters
from rtorch.random.continuous import normal
from rtorch.random.discrete import rademacher

__all__ = [
    "beta",
    "chisquare",
    "dirichlet",
    "f",
    "gamma",
    "generalized_normal",
    "loggamma",
    "t",
]


@api
def gamma(key: rt.Array, a: Any, shape: Any = None, dtype: Any = None) -> rt.Array:
    """Numbers of the gamma distribution of shape `a` and scale 1.

    The derivative by `a` is that of the quantile: what keeps the distribution function at the
    number the same.

    Args:
        key: A key, uint32 of shape (2,).
        a: The shape parameter, a positive number or an array; nan is drawn where it is negative.
        shape: Shape of the result, to which that of `a` broadcasts; by default that of it.
        dtype: A floating dtype; by default `rt.default_dtype()`.

    Example:
        >>> import rtorch as rt
        >>> x = rt.random.gamma(rt.random.key(0), 5.0, (10000,))
        >>> abs(float(x.mean()) - 5) < 0.1, abs(float(x.var()) - 5) < 0.3
        (True, True)

    References:
        Marsaglia & Tsang 2000, A simple method for generating gamma variables
    """
    shape, (a,) = parameters(key, "gamma", shape, dtype, a=a)
    return draws.gamma(key, a, shape, "gamma", log_space=False)


@api
def loggamma(key: rt.Array, a: Any, shape: Any = None, dtype: Any = None) -> rt.Array:
    """Logarithms of numbers of the gamma distribution: of those too that are too small for floats.

    Args:
        key: A key, uint32 of shape (2,).
        a: The shape parameter, a positive number or an array; nan is drawn where it is negative.
        shape: Shape of the result, to which that of `a` broadcasts; by default that of it.
        dtype: A floating dtype; by default `rt.default_dtype()`.

    Example:
        >>> import rtorch as rt
        >>> x = rt.random.loggamma(rt.random.key(0), 1e-3, (1000,))
        >>> float(x.min()) < -500 and bool(rt.isfinite(x).all())
        True
    """
    shape, (a,) = parameters(key, "loggamma", shape, dtype, a=a)
    return draws.gamma(key, a, shape, "loggamma", log_space=True)


@api
def beta(key: rt.Array, a: Any, b: Any, shape: Any = None, dtype: Any = None) -> rt.Array:
    """Numbers of the beta distribution, of density ``x**(a - 1) (1 - x)**(b - 1)`` on [0, 1].

    Args:
        key: A key, uint32 of shape (2,).
        a: A positive number or an array.
        b: Likewise.
        shape: Shape of the result; by default what the parameters broadcast to.
        dtype: A floating dtype; by default `rt.default_dtype()`.

    Example:
        >>> import rtorch as rt
        >>> x = rt.random.beta(rt.random.key(0), 2.0, 6.0, (10000,))
        >>> abs(float(x.mean()) - 0.25) < 0.01
        True
    """
    shape, (a, b) = parameters(key, "beta", shape, dtype, a=a, b=b)
    first, second = raw.split(key, 2, "beta")
    x = draws.gamma(first, a, shape, "beta", log_space=True)
    y = draws.gamma(second, b, shape, "beta", log_space=True)
    top = rt.stop_gradient(rt.maximum(x, y))  # exp of large numbers overflows, ratios do not
    x, y = rt.exp(x - top), rt.exp(y - top)
    return x / (x + y)


@api
def dirichlet(key: rt.Array, alpha: Any, shape: Any = None, dtype: Any = None) -> rt.Array:
    """Vectors of positive numbers that sum to 1, of the Dirichlet distribution.

    Args:
        key: A key, uint32 of shape (2,).
        alpha: The concentrations, positive, along the last axis.
        shape: How many vectors: the shape of the result without its last axis, to which that of
            `alpha` without its last axis broadcasts; by default that.
        dtype: A floating dtype; by default `rt.default_dtype()`.

    Returns:
        An array of shape ``(*shape, alpha.shape[-1])``.

    Raises:
        ShapeError: if `alpha` has no axes.

    Example:
        >>> import rtorch as rt
        >>> x = rt.random.dirichlet(rt.random.key(0), rt.ones(3), (5,))
        >>> x.shape, bool(rt.allclose(x.sum(axis=-1), 1.0))
        ((5, 3), True)
    """
    _, (a,) = parameters(key, "dirichlet", None, dtype, alpha=alpha)
    if not a.ndim:
        raise ShapeError(f"[dirichlet] alpha: expected one axis or more, got {describe(a)}")
    lead = a.shape[:-1] if shape is None else raw.check_shape(shape, "dirichlet")
    shape = fit_all("dirichlet", (*lead, a.shape[-1]), alpha=a)
    x = draws.gamma(key, a, shape, "dirichlet", log_space=True)
    x = rt.exp(x - rt.stop_gradient(x.max(axis=-1, keepdims=True)))
    return x / x.sum(axis=-1, keepdims=True)


@api
def chisquare(key: rt.Array, df: Any, shape: Any = None, dtype: Any = None) -> rt.Array:
    """Numbers of the chi-square distribution: sums of squares of `df` normal numbers.

    Args:
        key: A key, uint32 of shape (2,).
        df: The degrees of freedom, a positive number or an array.
        shape: Shape of the result, to which that of `df` broadcasts; by default that of it.
        dtype: A floating dtype; by default `rt.default_dtype()`.

    Example:
        >>> import rtorch as rt
        >>> x = rt.random.chisquare(rt.random.key(0), 3.0, (10000,))
        >>> abs(float(x.mean()) - 3) < 0.1
        True
    """
    shape, (df,) = parameters(key, "chisquare", shape, dtype, df=df)
    return _chisquare(key, df, shape, "chisquare")


def _chisquare(key: Any, df: rt.Array, shape: tuple[int, ...], name: str) -> rt.Array:
    return rt.exp(draws.gamma(key, df / 2, shape, name, log_space=True)) * 2


@api
def f(key: rt.Array, dfnum: Any, dfden: Any, shape: Any = None, dtype: Any = None) -> rt.Array:
    """Numbers of the F distribution: ratios of two chi-square numbers, each over its freedom.

    Args:
        key: A key, uint32 of shape (2,).
        dfnum: The degrees of freedom of the numerator, a positive number or an array.
        dfden: Those of the denominator.
        shape: Shape of the result; by default what the parameters broadcast to.
        dtype: A floating dtype; by default `rt.default_dtype()`.

    Example:
        >>> import rtorch as rt
        >>> x = rt.random.f(rt.random.key(0), 5.0, 10.0, (10000,))
        >>> abs(float(x.mean()) - 1.25) < 0.1
        True
    """
    shape, (dfnum, dfden) = parameters(key, "f", shape, dtype, dfnum=dfnum, dfden=dfden)
    below, above = raw.split(key, 2, "f")
    return _chisquare(above, dfnum, shape, "f") / dfnum / (
        _chisquare(below, dfden, shape, "f") / dfden
    )  # fmt: skip


@api
def t(key: rt.Array, df: Any, shape: Any = None, dtype: Any = None) -> rt.Array:
    """Numbers of Student's t distribution.

    Args:
        key: A key, uint32 of shape (2,).
        df: The degrees of freedom, a positive number or an array.
        shape: Shape of the result, to which that of `df` broadcasts; by default that of it.
        dtype: A floating dtype; by default `rt.default_dtype()`.

    Example:
        >>> import rtorch as rt
        >>> x = rt.random.t(rt.random.key(0), 10.0, (10000,))
        >>> abs(float(x.mean())) < 0.05
        True
    """
    shape, (df,) = parameters(key, "t", shape, dtype, df=df)
    normal_key, gamma_key = raw.split(key, 2, "t")
    half = df / 2
    g = draws.gamma(gamma_key, half, shape, "t", log_space=False)
    return normal(normal_key, shape, df.dtype) * rt.sqrt(half / g)


@api
def generalized_normal(key: rt.Array, p: Any, shape: Any = (), dtype: Any = None) -> rt.Array:
    """Numbers of density proportional to ``exp(-abs(x)**p)``.

    Args:
        key: A key, uint32 of shape (2,).
        p: The exponent, a positive number or an array that broadcasts to `shape`.
        shape: Shape of the result.
        dtype: A floating dtype; by default `rt.default_dtype()`.

    Example:
        >>> import rtorch as rt
        >>> x = rt.random.generalized_normal(rt.random.key(0), 2.0, (10000,))
        >>> abs(float(x.var()) - 0.5) < 0.02
        True
    """
    name = "generalized_normal"
    shape, (p,) = parameters(key, name, shape, dtype, p=p)
    gamma_key, sign_key = raw.split(key, 2, name)
    size = draws.gamma(gamma_key, 1 / p, shape, name, log_space=False) ** (1 / p)
    return rademacher(sign_key, shape, p.dtype) * size
