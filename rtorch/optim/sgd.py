"""Stochastic gradient descent with momentum."""

from __future__ import annotations

from typing import Any, NamedTuple

import rtorch as rt
from rtorch.errors import ArgumentError, api
from rtorch.optim.base import (
    LearningRate,
    Optimizer,
    Params,
    Updates,
    check_not_negative,
    first_step,
    map_trained,
    need_params,
    rate_at,
    scale,
    updates_like,
    zeros_like,
)


class SGDState(NamedTuple):
    """State of `sgd`.

    Attributes:
        step: Number of updates so far, int32.
        momentum: Running sum of the gradients, as the parameters; None without momentum.

    Example:
        >>> import rtorch as rt
        >>> rt.optim.sgd(0.1).init(rt.ones(2))
        SGDState(step=Array(0, dtype=int32), momentum=None)
    """

    step: rt.Array
    momentum: Any


def sgd(
    learning_rate: LearningRate,
    momentum: float = 0.0,
    *,
    dampening: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
) -> Optimizer:
    """Gradient descent as PyTorch has it.

    With ``g = grad + weight_decay * p`` and ``m = momentum * m + (1 - dampening) * g`` (``m = g``
    in the first step), the update is ``-learning_rate * m``, and
    ``-learning_rate * (g + momentum * m)`` with `nesterov`.

    Args:
        learning_rate: A number, or a function of the step (see `optim.schedules`).
        momentum: What remains of ``m`` from step to step.
        dampening: What is taken off the gradient in ``m``.
        nesterov: Look ahead by one step of the momentum.
        weight_decay: Factor of an L2 penalty of half the squared parameters.

    Raises:
        ArgumentError: if `nesterov` comes without momentum or with dampening.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.sgd(0.25, momentum=0.5)
        >>> x, state = rt.asarray(1.0), opt.init(rt.asarray(1.0))
        >>> for _ in range(30):
        ...     updates, state = opt.update(2 * x, state, x)
        ...     x = rt.optim.apply_updates(x, updates)
        >>> abs(float(x)) < 1e-3
        True

    References:
        Sutskever et al. 2013, On the importance of initialization and momentum in deep learning.
    """
    check_not_negative(
        "sgd", learning_rate=learning_rate, momentum=momentum, weight_decay=weight_decay
    )
    if nesterov and (momentum == 0 or dampening != 0):
        raise ArgumentError(
            f"[sgd] nesterov needs momentum > 0 and dampening = 0, got momentum={momentum}, "
            f"dampening={dampening}"
        )

    @api
    def init(params: Params) -> SGDState:
        return SGDState(first_step(), zeros_like(params) if momentum else None)

    def decayed(p: rt.Array, g: rt.Array) -> rt.Array:
        return g + p * weight_decay if weight_decay else g

    @api
    def update(grads: Updates, state: SGDState, params: Params = None) -> tuple[Updates, SGDState]:
        if weight_decay:
            need_params("sgd with weight_decay", params)
        params = grads if params is None else params
        moved = map_trained(decayed, params, grads)
        m = state.momentum
        if momentum:
            # 1 in the first step. In float64, as all scalars that depend on the step.
            taken = 1.0 - dampening * (state.step > 0).astype(rt.float64) if dampening else 1.0
            m = map_trained(lambda g, m: m * momentum + scale(g, taken), moved, m)
            moved = map_trained(lambda g, m: g + m * momentum, moved, m) if nesterov else m
        rate = rate_at(learning_rate, state.step)
        updates = map_trained(lambda g: -scale(g, rate), moved)
        return updates_like(params, updates), SGDState(state.step + 1, m)

    return Optimizer(init, update)
