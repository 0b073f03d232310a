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
    scale,
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

    @api
    def init(params: Params) -> tuple[()]:
        return ()

    @api
    def update(
        grads: Updates, state: tuple[()], params: Params = None
    ) -> tuple[Updates, tuple[()]]:
        factor = rt.minimum(max_norm / (global_norm(grads) + 1e-6), 1.0)
        clipped = map_trained(lambda g: scale(g, factor), grads)
        return updates_like(grads, clipped), state

    return Optimizer(init, update)
