"""Contrastive losses: each vector should find its partner among all others of the batch."""

from __future__ import annotations

import math
from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, ShapeError, api, describe
from rtorch.nn.activations import log_softmax
from rtorch.nn.losses.common import operands, reduce_losses
from rtorch.nn.losses.similarity import unit

__all__ = ["info_nce_loss", "nt_xent_loss"]


@api
def info_nce_loss(
    queries: Any, keys: Any, *, temperature: float = 0.1, reduction: str = "mean"
) -> rt.Array:
    """Cross entropy of finding key ``i`` for query ``i`` by their cosines over `temperature`.

    Args:
        queries: Vectors, shape ``(n, d)``.
        keys: Their partners, shape ``(n, d)``.
        temperature: What the cosines are divided by; more than 0.
        reduction: ``"mean"``, ``"sum"`` or ``"none"`` of the `n` losses.

    Example:
        >>> import rtorch as rt
        >>> x = rt.eye(2)
        >>> round(float(rt.nn.info_nce_loss(x, x, temperature=1.0)), 4)
        0.3133

    References:
        van den Oord et al. 2018 (arXiv:1807.03748).
    """
    dtype, q, k = _pairs("queries", queries, "keys", keys, temperature)
    return reduce_losses(-rt.diagonal(log_softmax(q @ k.T / temperature)), reduction, dtype)


@api
def nt_xent_loss(
    x1: Any, x2: Any, *, temperature: float = 0.5, reduction: str = "mean"
) -> rt.Array:
    """Normalised cross entropy of two views: each of ``2 n`` vectors among the ``2 n - 1`` others.

    Args:
        x1: One view, shape ``(n, d)``.
        x2: The other, shape ``(n, d)``.
        temperature: What the cosines are divided by; more than 0.
        reduction: ``"mean"``, ``"sum"`` or ``"none"`` of the ``2 n`` losses, those of `x1` first.

    Example:
        >>> import rtorch as rt
        >>> x = rt.eye(2)
        >>> round(float(rt.nn.nt_xent_loss(x, x, temperature=1.0)), 4)
        0.5514

    References:
        Chen et al. 2020, equation 1 (arXiv:2002.05709).
    """
    dtype, x1, x2 = _pairs("x1", x1, "x2", x2, temperature)
    both, n = rt.concat([x1, x2]), x1.shape[0]
    itself = rt.eye(2 * n, dtype=bool)
    scores = rt.where(itself, -math.inf, both @ both.T / temperature)
    partner = (rt.arange(2 * n) + n) % (2 * n)
    found = rt.take_along_axis(log_softmax(scores), partner[:, None], axis=1)
    return reduce_losses(-found[:, 0], reduction, dtype)


def _pairs(
    name1: str, x1: Any, name2: str, x2: Any, temperature: float
) -> tuple[Any, rt.Array, rt.Array]:
    """Vectors of length 1 in pairs."""
    if temperature <= 0:
        raise ArgumentError(f"temperature: expected a number above 0, got {temperature!r}")
    dtype, (x1, x2) = operands(**{name1: x1, name2: x2})
    if x1.ndim != 2 or x1.shape[0] == 0:
        raise ShapeError(f"{name1}: expected vectors of shape (n, d), n > 0, got {describe(x1)}")
    return dtype, unit(x1, 1, 1e-8), unit(x2, 1, 1e-8)
