"""Adam, and AdamW with decoupled weight decay."""

from __future__ import annotations

from typing import Any, NamedTuple

import rtorch as rt
from rtorch.optim.base import (
    LearningRate,
    Number,
    Optimizer,
    check_fraction,
    check_not_negative,
)
from rtorch.optim.leafwise import Leafwise, Scalars, Slots, leafwise, one_less_power, squared


class AdamState(NamedTuple):
    """State of `adam` and `adamw`.

    Attributes:
        step: Number of updates so far, int32.
        m: Running mean of the gradients, as the parameters.
        v: Running mean of their squares, as the parameters.
        v_max: With `amsgrad`, the largest ``v`` so far; None without.

    Example:
        >>> import rtorch as rt
        >>> rt.optim.adam().init(rt.ones(1))
        AdamState(step=Array(0, dtype=int32), m=Array([0.], dtype=float32),
                  v=Array([0.], dtype=float32), v_max=None)
    """

    step: rt.Array
    m: Any
    v: Any
    v_max: Any = None


def adam(
    learning_rate: LearningRate = 1e-3,
    b1: Number = 0.9,
    b2: Number = 0.999,
    eps: Number = 1e-8,
    weight_decay: Number = 0.0,
    *,
    amsgrad: bool = False,
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
        amsgrad: Divide by the root of the largest ``v`` so far, so that steps never grow.

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
        Kingma & Ba 2015 (arXiv:1412.6980); Reddi et al. 2018 (arXiv:1904.09237) for `amsgrad`.
    """
    kind = _adam("adam", b1, b2, eps, amsgrad)
    return leafwise(kind, learning_rate, l2=weight_decay)


def adamw(
    learning_rate: LearningRate = 1e-3,
    b1: Number = 0.9,
    b2: Number = 0.999,
    eps: Number = 1e-8,
    weight_decay: Number = 1e-2,
    *,
    amsgrad: bool = False,
) -> Optimizer:
    """`adam` with decoupled weight decay: ``-learning_rate * weight_decay * p`` more per step.

    Args:
        learning_rate: A number, or a function of the step (see `optim.schedules`).
        b1: Decay of the mean of the gradients.
        b2: Decay of the mean of their squares.
        eps: Added to the root, against division by zero.
        weight_decay: The fraction of a parameter that a step at learning rate 1 takes off.
        amsgrad: Divide by the root of the largest ``v`` so far, so that steps never grow.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.adamw(0.1, weight_decay=0.5)
        >>> updates, state = opt.update(rt.zeros(1), opt.init(rt.ones(1)), rt.ones(1))
        >>> updates
        Array([-0.05], dtype=float32)

    References:
        Loshchilov & Hutter 2019 (arXiv:1711.05101).
    """
    kind = _adam("adamw", b1, b2, eps, amsgrad)
    return leafwise(kind, learning_rate, decay=weight_decay)


def _adam(name: str, b1: Number, b2: Number, eps: Number, amsgrad: bool) -> Leafwise:
    check_fraction(name, b1=b1, b2=b2)
    check_not_negative(name, eps=eps)

    def scalars(rate: Any, t: rt.Array) -> Scalars:
        root = 1 / rt.sqrt(one_less_power(b2, t))
        size = rate / one_less_power(b1, t)
        betas = {"b1": b1, "c1": 1 - b1, "b2": b2, "c2": 1 - b2}
        return {"size": size, "root": root, "eps": eps, **betas}

    def rule(
        s: Scalars, p: rt.Array, g: rt.Array, m: rt.Array, v: rt.Array, *top: rt.Array
    ) -> tuple[rt.Array, ...]:
        m = m * s.b1 + g * s.c1
        v = v * s.b2 + squared(g) * s.c2
        top = tuple(rt.maximum(x, v) for x in top)
        return m / (rt.sqrt(top[0] if top else v) * s.root + s.eps) * s.size, m, v, *top

    slots: Slots = {"m": rt.zeros_like, "v": rt.zeros_like}
    if amsgrad:
        slots["v_max"] = rt.zeros_like
    return Leafwise(name, AdamState, slots, rule, scalars)
