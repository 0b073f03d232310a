"""Samplers of vectors and matrices."""

from __future__ import annotations

import importlib
import math
from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, DTypeError, ShapeError, api, describe
from rtorch.numpy import random_bits as raw
from rtorch.random.arguments import fitting, parameters
from rtorch.random.continuous import exponential, normal
from rtorch.random.gammas import generalized_normal

__all__ = ["ball", "multivariate_normal", "orthogonal"]


@api
def multivariate_normal(
    key: rt.Array,
    mean: Any,
    cov: Any,
    shape: Any = None,
    dtype: Any = None,
    method: str = "cholesky",
) -> rt.Array:
    """Normally distributed vectors with a mean and a covariance matrix.

    Args:
        key: A key, uint32 of shape (2,).
        mean: The mean, of shape ``(..., n)``.
        cov: The covariance, symmetric and positive (semi)definite, of shape ``(..., n, n)``.
        shape: How many vectors: the shape of the result without its last axis; by default what the
            leading axes of `mean` and `cov` broadcast to.
        dtype: A floating dtype; by default that of `mean` and `cov`.
        method: How `cov` is taken apart: ``"cholesky"`` is the fastest, ``"eigh"`` and ``"svd"``
            take singular ones too.

    Returns:
        An array of shape ``(*shape, n)``.

    Raises:
        ArgumentError: if there is no such method.
        ShapeError: if the shapes do not fit together.

    Example:
        >>> import rtorch as rt
        >>> cov = rt.asarray([[2.0, 1.0], [1.0, 3.0]])
        >>> x = rt.random.multivariate_normal(rt.random.key(0), rt.zeros(2), cov, (10000,))
        >>> bool(rt.allclose(x.T @ x / 10000, cov, atol=0.1))
        True
    """
    name = "multivariate_normal"
    if method not in ("cholesky", "eigh", "svd"):
        raise ArgumentError(
            f"[{name}] method: expected 'cholesky', 'eigh' or 'svd', got {describe(method)}"
        )
    device = raw.check_key(key, name).device
    mean, cov = rt.asarray(mean, device=device), rt.asarray(cov, device=device)
    kind = raw.floating_dtype(dtype or _inexact(mean, cov, name), name)
    mean, cov = mean.astype(kind), cov.astype(kind)
    n = mean.shape[-1] if mean.ndim else None
    if n is None or cov.shape[-2:] != (n, n):
        raise ShapeError(
            f"[{name}] expected a mean of shape (..., n) and a cov of shape (..., n, n), got "
            f"{describe(mean)} and {describe(cov)}"
        )
    if shape is None:
        shape = rt.broadcast_shapes(mean.shape[:-1], cov.shape[:-2])
    shape = raw.check_shape(shape, name)
    fitting(mean, (*shape, n), name, "mean")
    fitting(cov, (*shape, n, n), name, "cov")
    x = normal(key, (*shape, n), kind)
    return mean + (_root(cov, method) @ x[..., None])[..., 0]


def _inexact(mean: rt.Array, cov: rt.Array, name: str) -> Any:
    kind = rt.result_type(mean, cov)
    if rt.isdtype(kind, "real floating"):
        return kind
    if not rt.isdtype(kind, ("integral", "bool")):
        raise DTypeError(f"[{name}] mean and cov: expected real numbers, got {kind}")
    return rt.default_dtype()


def _linalg() -> Any:
    """`rt.linalg`, which is imported late."""
    return importlib.import_module("rtorch.linalg")


def _root(cov: rt.Array, method: str) -> rt.Array:
    """A matrix A with ``A @ A.T == cov``."""
    linalg = _linalg()
    if method == "cholesky":
        return linalg.cholesky(cov)
    if method == "eigh":
        values, vectors = linalg.eigh(cov)
    else:
        vectors, values, _ = linalg.svd(cov)
    return vectors * rt.sqrt(values)[..., None, :]


@api
def orthogonal(
    key: rt.Array, n: int, shape: Any = (), dtype: Any = None, m: int | None = None
) -> rt.Array:
    """Orthogonal matrices, distributed evenly (by Haar's measure).

    Args:
        key: A key, uint32 of shape (2,).
        n: The number of rows.
        shape: How many: the shape of the result without its last two axes.
        dtype: A floating or complex dtype (then they are unitary); by default
            `rt.default_dtype()`.
        m: The number of columns, by default `n`; if it is another, the rows or the columns are
            orthonormal, whichever are fewer.

    Returns:
        An array of shape ``(*shape, n, m)``.

    Raises:
        ArgumentError: if `n` or `m` is not an integer >= 0.

    Example:
        >>> import rtorch as rt
        >>> q = rt.random.orthogonal(rt.random.key(0), 3)
        >>> bool(rt.allclose(q @ q.T, rt.eye(3), atol=1e-5))
        True

    References:
        Mezzadri 2007, How to generate random matrices from the classical compact groups
    """
    columns = n if m is None else m
    for argument, size in (("n", n), ("m", columns)):
        if not isinstance(size, int) or size < 0:
            raise ArgumentError(
                f"[orthogonal] {argument}: expected an integer >= 0, got {describe(size)}"
            )
    lead = raw.check_shape(shape, "orthogonal")
    z = normal(key, (*lead, max(n, columns), min(n, columns)), dtype)
    q, r = _linalg().qr(z)
    q = q * rt.sign(rt.diagonal(r, axis1=-2, axis2=-1))[..., None, :]
    return q.mT if n < columns else q


@api
def ball(key: rt.Array, d: int, p: Any = 2, shape: Any = (), dtype: Any = None) -> rt.Array:
    """Points distributed evenly over the ball of radius 1 in `d` dimensions, by the p-norm.

    Args:
        key: A key, uint32 of shape (2,).
        d: The number of dimensions.
        p: Which norm, a positive number; ``rt.inf`` for a cube.
        shape: How many points: the shape of the result without its last axis.
        dtype: A floating dtype; by default `rt.default_dtype()`.

    Returns:
        An array of shape ``(*shape, d)``.

    Raises:
        ArgumentError: if `d` is not an integer >= 0.

    Example:
        >>> import rtorch as rt
        >>> x = rt.random.ball(rt.random.key(0), 3, shape=(100,))
        >>> bool(((x * x).sum(axis=-1) <= 1).all())
        True

    References:
        Barthe, Guédon, Mendelson & Naor 2005, A probabilistic approach to the geometry of the
        l_p^n-ball
    """
    if not isinstance(d, int) or d < 0:
        raise ArgumentError(f"[ball] d: expected an integer >= 0, got {describe(d)}")
    lead = raw.check_shape(shape, "ball")
    if isinstance(p, float) and math.isinf(p):
        u = raw.unit(key, (*lead, d), dtype, "ball")
        return 2 * u - 1
    _, (p,) = parameters(key, "ball", None, dtype, p=p)
    inner, outer = raw.split(key, 2, "ball")
    x = generalized_normal(inner, p, (*lead, d), p.dtype)
    size = (abs(x) ** p).sum(axis=-1) + exponential(outer, lead, p.dtype)
    return x / (size ** (1 / p))[..., None]
