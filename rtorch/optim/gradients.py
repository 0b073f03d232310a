"""Changes of gradients, to stand before an optimizer in a `chain`: noise, centring."""

from __future__ import annotations

from typing import Any, NamedTuple

import rtorch as rt
from rtorch.errors import api
from rtorch.optim.base import (
    Optimizer,
    Params,
    Updates,
    check_not_negative,
    evaluated,
    first_step,
    is_trained,
    map_trained,
    next_step,
    transformation,
    updates_like,
)


class NoiseState(NamedTuple):
    """State of `add_noise`: the number of updates so far, and the key.

    Example:
        >>> import rtorch as rt
        >>> rt.optim.add_noise(rt.random.key(0)).init(rt.ones(1)).step
        Array(0, dtype=int32)
    """

    step: rt.Array
    key: Any


def add_noise(key: Any, eta: float = 0.01, gamma: float = 0.55) -> Optimizer:
    """Adds normal noise of the variance ``eta / (1 + step) ** gamma`` to the gradients.

    Args:
        key: Of `rtorch.random`; each step draws with a key made of it and of the step.
        eta: Variance in the first step.
        gamma: How fast it falls.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.chain(rt.optim.add_noise(rt.random.key(0)), rt.optim.sgd(0.1))
        >>> updates, state = opt.update(rt.zeros(1), opt.init(rt.zeros(1)))
        >>> bool(updates[0] != 0)
        True

    References:
        Neelakantan et al. 2015 (arXiv:1511.06807).
    """
    check_not_negative("add_noise", eta=eta, gamma=gamma)

    @api
    def init(params: Params) -> NoiseState:
        return NoiseState(first_step(), rt.array(key))  # a copy, since states are donated

    @api
    def update(
        grads: Updates, state: NoiseState, params: Params = None, **extra: Any
    ) -> tuple[Updates, NoiseState]:
        grads, _ = evaluated(grads, params, extra)
        size = rt.sqrt(eta / (state.step.astype(rt.float64) + 1) ** gamma)
        leaves, treedef = rt.tree.flatten(grads)
        # The same state gives the same noise, on purpose.
        own = rt.random.clone(rt.random.fold_in(state.key, state.step))
        keys = [rt.random.clone(key) for key in rt.random.split(own, max(len(leaves), 1))]
        noisy = [
            g + rt.random.normal(keys[i], g.shape, dtype=g.dtype) * size.astype(g.dtype)
            if is_trained(g)
            else g
            for i, g in enumerate(leaves)
        ]
        return rt.tree.unflatten(treedef, noisy), NoiseState(next_step(state.step), state.key)

    return Optimizer(init, update)


def centralize() -> Optimizer:
    """Takes off each unit's gradient its mean, in leaves of two axes or more.

    A unit is what lies along all axes but the first, PyTorch's axis of outputs.

    Returns:
        An `Optimizer` without state.

    Example:
        >>> import rtorch as rt
        >>> rt.optim.centralize().update(rt.asarray([[1.0, 3.0], [5.0, 5.0]]), ())[0]
        Array([[-1.,  1.],
               [ 0.,  0.]], dtype=float32)

    References:
        Yong et al. 2020 (arXiv:2004.01461).
    """

    def one(g: rt.Array) -> rt.Array:
        return g - rt.mean(g, axis=tuple(range(1, g.ndim)), keepdims=True) if g.ndim > 1 else g

    def centred(grads: Updates, params: Params) -> Updates:
        return updates_like(grads, map_trained(one, grads))

    return transformation(centred)
