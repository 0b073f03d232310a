"""Limits on gradients, to stand before an optimizer in a `chain`."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import api
from rtorch.optim.base import (
    Optimizer,
    Params,
    Updates,
    check_not_negative,
    is_trained,
    map_trained,
    need_params,
    scale,
    transformation,
    updates_like,
)


@api
def global_norm(tree: Any) -> rt.Array:
    """The Euclidean norm of all floating leaves together, float32 or wider.

    Example:
        >>> import rtorch as rt
        >>> rt.optim.global_norm({"a": rt.asarray([3.0]), "b": rt.asarray(4.0)})
        Array(5., dtype=float32)
    """
    total: Any = rt.zeros((), dtype=rt.float32)
    for x in rt.tree.leaves(tree):
        if is_trained(x):
            size = rt.abs(x)
            wide = size.astype(rt.promote_types(size.dtype, rt.float32))  # float16 ends at 65504
            total = total + rt.sum(wide * wide)
    return rt.sqrt(total)


def clip_by_global_norm(max_norm: float) -> Optimizer:
    """Scales the gradients down so that their global norm is at most `max_norm`.

    By the factor ``min(1, max_norm / (norm + 1e-6))``, as PyTorch's ``clip_grad_norm_``.

    Args:
        max_norm: The largest norm that passes unchanged.

    Returns:
        An `Optimizer` without state.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.chain(rt.optim.clip_by_global_norm(1.0), rt.optim.sgd(1.0))
        >>> updates, state = opt.update(rt.asarray([30.0, 40.0]), opt.init(rt.zeros(2)))
        >>> updates
        Array([-0.6, -0.8], dtype=float32)

    References:
        Pascanu et al. 2013 (arXiv:1211.5063).
    """
    check_not_negative("clip_by_global_norm", max_norm=max_norm)

    def clip(grads: Updates, params: Params) -> Updates:
        factor = rt.minimum(max_norm / (global_norm(grads) + 1e-6), 1.0)
        return updates_like(grads, map_trained(lambda g: scale(g, factor), grads))

    return transformation(clip)


def clip_by_value(limit: float) -> Optimizer:
    """Brings every number of the gradients between ``-limit`` and ``limit``.

    Args:
        limit: The largest size that passes.

    Returns:
        An `Optimizer` without state.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.clip_by_value(1.0)
        >>> opt.update(rt.asarray([3.0, -0.5]), ())[0]
        Array([ 1. , -0.5], dtype=float32)
    """
    check_not_negative("clip_by_value", limit=limit)

    def clip(grads: Updates, params: Params) -> Updates:
        return updates_like(grads, map_trained(lambda g: rt.clip(g, -limit, limit), grads))

    return transformation(clip)


def clip_by_norm(max_norm: float) -> Optimizer:
    """Scales each leaf of the gradients down so that its norm is at most `max_norm`.

    Args:
        max_norm: The largest norm of a leaf that passes unchanged.

    Returns:
        An `Optimizer` without state.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.clip_by_norm(1.0)
        >>> updates, state = opt.update({"a": rt.asarray([3.0, 4.0]), "b": rt.asarray([0.5])}, ())
        >>> updates["b"]
        Array([0.5], dtype=float32)
    """
    check_not_negative("clip_by_norm", max_norm=max_norm)

    def one(g: rt.Array) -> rt.Array:
        return scale(g, rt.minimum(max_norm / (global_norm(g) + 1e-6), 1.0))

    def clip(grads: Updates, params: Params) -> Updates:
        return updates_like(grads, map_trained(one, grads))

    return transformation(clip)


def adaptive_clip(clipping: float = 0.01, eps: float = 1e-3) -> Optimizer:
    """Limits the norm of the gradient of each unit to a part of the norm of its weights (AGC).

    A unit is a row: what lies along all axes but the first, PyTorch's axis of outputs. Vectors and
    scalars are one unit.

    Args:
        clipping: The largest quotient of the norms.
        eps: Weights count as having this norm at least.

    Returns:
        An `Optimizer` without state, whose ``update`` needs the parameters.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.adaptive_clip(0.1)
        >>> params = rt.asarray([[3.0, 4.0], [3.0, 4.0]])
        >>> grads = rt.asarray([[0.0, 5.0], [0.0, 0.1]])
        >>> opt.update(grads, (), params)[0]
        Array([[0. , 0.5],
               [0. , 0.1]], dtype=float32)

    References:
        Brock et al. 2021 (arXiv:2102.06171).
    """
    check_not_negative("adaptive_clip", clipping=clipping, eps=eps)

    def one(p: rt.Array, g: rt.Array | None) -> rt.Array | None:
        if g is None:
            return None
        limit = rt.maximum(_unit_norm(p), eps) * clipping
        norm = _unit_norm(g)
        return (g * rt.where(norm > limit, limit / rt.maximum(norm, 1e-6), 1.0)).astype(g.dtype)

    def clip(grads: Updates, params: Params) -> Updates:
        need_params("adaptive_clip", params)
        return updates_like(params, map_trained(one, params, grads))

    return transformation(clip)


def _unit_norm(x: rt.Array) -> rt.Array:
    size = rt.abs(x)
    wide = size.astype(rt.promote_types(size.dtype, rt.float32))
    axes = tuple(range(1, x.ndim)) if x.ndim > 1 else None
    return rt.sqrt(rt.sum(wide * wide, axis=axes, keepdims=True))
