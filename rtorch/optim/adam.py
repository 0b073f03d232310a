"""Adam, and AdamW with decoupled weight decay."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import rtorch as rt
from rtorch.errors import api
from rtorch.optim.base import (
    LearningRate,
    Optimizer,
    Params,
    Updates,
    check_fraction,
    check_not_negative,
    first_step,
    map_trained,
    need_params,
    rate_at,
    scale,
    updates_like,
    zeros_like,
)


class AdamState(NamedTuple):
    """State of `adam` and `adamw`.

    Attributes:
        step: Number of updates so far, int32.
        m: Running mean of the gradients, as the parameters.
        v: Running mean of their squares, as the parameters.

    Example:
        >>> import rtorch as rt
        >>> rt.optim.adam().init(rt.ones(1))
        AdamState(step=Array(0, dtype=int32), m=Array([0.], dtype=float32),
                  v=Array([0.], dtype=float32))
    """

    step: rt.Array
    m: Any
    v: Any


def adam(
    learning_rate: LearningRate = 1e-3,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
) -> Optimizer:
    """Adam: steps of a size that does not depend on the scale of the gradients.

    With ``g = grad + weight_decay * p``, ``m = b1 * m + (1 - b1) * g``,
    ``v = b2 * v + (1 - b2) * g**2`` and ``m_hat = m / (1 - b1**t)``, ``v_hat`` likewise, the update
    is ``-learning_rate * m_hat / (sqrt(v_hat) + eps)``.

    Args:
        learning_rate: A number, or a function of the step (see `optim.schedules`).
        b1: Decay of the mean of the gradients.
        b2: Decay of the mean of their squares.
        eps: Added to the root, against division by zero.
        weight_decay: Factor of an L2 penalty, in the gradient; `adamw` keeps it out of the means.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.adam(0.1)
        >>> x, state = rt.asarray(1.0), opt.init(rt.asarray(1.0))
        >>> for _ in range(200):
        ...     updates, state = opt.update(2 * x, state, x)
        ...     x = rt.optim.apply_updates(x, updates)
        >>> abs(float(x)) < 1e-3
        True

    References:
        Kingma & Ba 2015 (arXiv:1412.6980).
    """
    return _adam("adam", learning_rate, b1, b2, eps, l2=weight_decay, decay=0.0)


def adamw(
    learning_rate: LearningRate = 1e-3,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 1e-2,
) -> Optimizer:
    """`adam` with decoupled weight decay: ``-learning_rate * weight_decay * p`` more per step.

    Args:
        learning_rate: A number, or a function of the step (see `optim.schedules`).
        b1: Decay of the mean of the gradients.
        b2: Decay of the mean of their squares.
        eps: Added to the root, against division by zero.
        weight_decay: The fraction of a parameter that a step at learning rate 1 takes off.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.adamw(0.1, weight_decay=0.5)
        >>> updates, state = opt.update(rt.zeros(1), opt.init(rt.ones(1)), rt.ones(1))
        >>> updates
        Array([-0.05], dtype=float32)

    References:
        Loshchilov & Hutter 2019 (arXiv:1711.05101).
    """
    return _adam("adamw", learning_rate, b1, b2, eps, l2=0.0, decay=weight_decay)


def _adam(
    name: str,
    learning_rate: LearningRate,
    b1: float,
    b2: float,
    eps: float,
    *,
    l2: float,
    decay: float,
) -> Optimizer:
    check_fraction(name, b1=b1, b2=b2)
    check_not_negative(name, learning_rate=learning_rate, eps=eps, weight_decay=l2 + decay)

    @api
    def init(params: Params) -> AdamState:
        return AdamState(first_step(), zeros_like(params), zeros_like(params))

    @api
    def update(
        grads: Updates, state: AdamState, params: Params = None
    ) -> tuple[Updates, AdamState]:
        if l2 or decay:
            need_params(f"{name} with weight_decay", params)
        params = grads if params is None else params
        if l2:
            grads = map_trained(lambda p, g: g + p * l2, params, grads)
        m = map_trained(lambda p, g, m: m * b1 + g * (1 - b1), params, grads, state.m)
        v = map_trained(lambda p, g, v: v * b2 + _squared(g) * (1 - b2), params, grads, state.v)

        step = state.step + 1
        rate = rate_at(learning_rate, state.step)
        size = rate / _one_less_power(b1, step)
        root = 1 / rt.sqrt(_one_less_power(b2, step))

        def step_of(p: rt.Array, m: rt.Array, v: rt.Array) -> rt.Array:
            moved = -scale(m / (scale(rt.sqrt(v), root) + eps), size)
            return moved - scale(p, rate * decay) if decay else moved

        updates = map_trained(step_of, params, m, v)
        return updates_like(params, updates), AdamState(step, m, v)

    return Optimizer(init, update)


def _squared(g: rt.Array) -> rt.Array:
    return g * rt.conj(g) if rt.isdtype(g.dtype, "complex floating") else g * g


def _one_less_power(b: float, step: rt.Array) -> rt.Array:
    """``1 - b**step`` in float64, by expm1 where the power is near 1."""
    t = step.astype(rt.float64)
    return -rt.expm1(t * math.log(b)) if b else rt.ones_like(t)
