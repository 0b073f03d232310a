"""Optimizers made of optimizers."""

from __future__ import annotations

from typing import Any

from rtorch.errors import api
from rtorch.optim.base import Optimizer, Params, Updates, check_optimizer, evaluated
from rtorch.optim.fit import check_states


def chain(*optimizers: Optimizer) -> Optimizer:
    """One after the other: the updates of each are the gradients of the next.

    Args:
        *optimizers: The one that makes steps of gradients (`sgd`, `adam`, ...) comes last.

    Returns:
        An `Optimizer` whose state is the tuple of theirs.

    Example:
        >>> import rtorch as rt
        >>> from rtorch import optim
        >>> opt = optim.chain(optim.clip_by_global_norm(1.0), optim.adam(1e-3))
        >>> clip_state, adam_state = opt.init({"w": rt.zeros(2)})
        >>> adam_state.step
        Array(0, dtype=int32)
    """
    for i, optimizer in enumerate(optimizers):
        check_optimizer("chain", f"argument {i}", optimizer)

    @api
    def init(params: Params) -> tuple[Any, ...]:
        return tuple(optimizer.init(params) for optimizer in optimizers)

    @api
    def update(
        grads: Updates, state: tuple[Any, ...], params: Params = None, **extra: Any
    ) -> tuple[Updates, tuple[Any, ...]]:
        states = []
        check_states("chain", state, optimizers)
        if len(optimizers) != 1:  # what the first changes must be there
            grads, extra = evaluated(grads, params, extra)
        for optimizer, own in zip(optimizers, state, strict=True):
            grads, own = optimizer.update(grads, own, params, **extra)
            states.append(own)
        return grads, tuple(states)

    return Optimizer(init, update)
