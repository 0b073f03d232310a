"""Distances and angles between vectors along the last axis, or another."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import ShapeError, api, describe
from rtorch.nn.activations import check_axis
from rtorch.nn.losses.common import operands, positive_part, reduce_losses, widened

__all__ = ["cosine_embedding_loss", "cosine_similarity", "pairwise_distance"]


@api
def pairwise_distance(
    x1: Any, x2: Any, *, p: float = 2.0, eps: float = 1e-6, keepdims: bool = False
) -> rt.Array:
    """The `p`-norm of ``x1 - x2 + eps``, along the last axis.

    Args:
        x1: Vectors, shape ``(..., n)``.
        x2: Vectors; the shapes are broadcast.
        p: Which norm; also 0 and infinity.
        eps: Added to each difference, as in PyTorch: the slope of a norm at 0 is 0, and a pair
            that begins equal would never move.
        keepdims: Whether the last axis stays, with length 1.

    Returns:
        Distances of shape ``(...)``.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.pairwise_distance(rt.asarray([[3.0, 4.0]]), rt.zeros((1, 2)), eps=0.0)
        Array([5.], dtype=float32)
    """
    dtype, (x1, x2) = widened(x1=x1, x2=x2)
    return p_distance(x1, x2, p, eps, keepdims).astype(dtype)


def p_distance(
    x1: rt.Array, x2: rt.Array, p: float, eps: float, keepdims: bool = False
) -> rt.Array:
    """The norm along the last axis, without overflow of the powers."""
    apart = x1 - x2 + eps
    if p == 0:  # a number of differences
        return rt.linalg.vector_norm(apart, ord=0, axis=-1, keepdims=keepdims)
    scale = _scale(apart, -1)
    distance = scale * rt.linalg.vector_norm(apart / scale, ord=p, axis=-1, keepdims=True)
    return distance if keepdims else distance[..., 0]


@api
def cosine_similarity(x1: Any, x2: Any, *, axis: int = -1, eps: float = 1e-8) -> rt.Array:
    """``x1 . x2 / (max(|x1|, eps) max(|x2|, eps))``.

    Args:
        x1: Vectors along `axis`.
        x2: Vectors; the shapes are broadcast.
        axis: The axis to sum over. (PyTorch's is 1.)
        eps: The least length that is divided by: 0 vectors are at right angles to all others.

    Returns:
        Cosines, of the broadcast shape without `axis`.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.cosine_similarity(rt.asarray([1.0, 1.0]), rt.asarray([1.0, 0.0]))
        Array(0.7071068, dtype=float32)
    """
    dtype, (x1, x2) = widened(x1=x1, x2=x2)
    x1, x2 = rt.broadcast_arrays(x1, x2)
    axis = check_axis("cosine_similarity", x1, axis)
    return rt.sum(unit(x1, axis, eps) * unit(x2, axis, eps), axis=axis).astype(dtype)


def unit(x: rt.Array, axis: int, eps: float) -> rt.Array:
    """`x` with length 1 along `axis`."""
    scale = _scale(x, axis)
    x = x / scale
    length = rt.linalg.vector_norm(x, axis=axis, keepdims=True)
    return x / rt.maximum(length, eps / scale)


def _scale(x: rt.Array, axis: int) -> rt.Array:
    """What to divide by before squares are taken, so that none overflows."""
    return rt.max(rt.abs(rt.stop_gradient(x)), axis=axis, keepdims=True, initial=1.0)


@api
def cosine_embedding_loss(
    x1: Any, x2: Any, targets: Any, *, margin: float = 0.0, reduction: str = "mean"
) -> rt.Array:
    """``1 - cos(x1, x2)`` for targets of 1, ``max(0, cos(x1, x2) - margin)`` for -1.

    Args:
        x1: Vectors, shape ``(..., n)``.
        x2: Vectors of the same shape.
        targets: 1 for pairs that are alike, -1 for others; shape ``(...)``.
        margin: The cosine below which the others may stay.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Example:
        >>> import rtorch as rt
        >>> x = rt.asarray([[1.0, 0.0], [1.0, 0.0]])
        >>> rt.nn.cosine_embedding_loss(x, x, rt.asarray([1, -1]), reduction="none")
        Array([0., 1.], dtype=float32)
    """
    dtype, (x1, x2) = operands(x1=x1, x2=x2)
    targets = rt.asarray(targets)
    if x1.ndim == 0 or targets.shape != x1.shape[:-1]:
        raise ShapeError(f"targets: expected shape {x1.shape[:-1]}, one for each pair of vectors "
                         f"{describe(x1)}, got {describe(targets)}")  # fmt: skip
    cosines = rt.sum(_direction(x1) * _direction(x2), axis=-1)
    losses = rt.where(targets == -1, positive_part(cosines - margin), 0.0)
    return reduce_losses(rt.where(targets == 1, 1.0 - cosines, losses), reduction, dtype)


def _direction(x: rt.Array) -> rt.Array:
    """``x / sqrt(|x| ** 2 + 1e-12)``: PyTorch's way for this one loss, smooth at 0."""
    scale = _scale(x, -1)
    x = x / scale
    return x / rt.sqrt(rt.sum(x * x, axis=-1, keepdims=True) + 1e-12 / (scale * scale))
