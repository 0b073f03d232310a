"""NovoGrad: momentum of gradients that are normalised leaf by leaf."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.optim.adam import AdamState
from rtorch.optim.base import (
    LearningRate,
    Number,
    Optimizer,
    check_fraction,
    check_not_negative,
)
from rtorch.optim.leafwise import Leafwise, Scalars, Slots, leafwise, squared


def novograd(
    learning_rate: LearningRate = 1e-2,
    b1: Number = 0.9,
    b2: Number = 0.25,
    eps: Number = 1e-6,
    weight_decay: Number = 0.0,
) -> Optimizer:
    """NovoGrad: a second moment of one number per leaf, half of Adam's memory.

    With ``v = b2 * v + (1 - b2) * norm(g)**2`` (all of it in the first step) and
    ``m = b1 * m + g / (sqrt(v) + eps) + weight_decay * p``, the update is ``-learning_rate * m``.

    Args:
        learning_rate: A number, or a function of the step (see `optim.schedules`).
        b1: Decay of the sum of the normalised gradients.
        b2: Decay of the mean of the squared norms.
        eps: Added to the root, against division by zero.
        weight_decay: Added to the normalised gradients.

    Returns:
        An `Optimizer` with an `AdamState`, whose ``v`` is a scalar for each leaf.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.novograd(0.1, eps=0.0)
        >>> opt.update(rt.asarray([0.0, 5.0]), opt.init(rt.ones(2)), rt.ones(2))[0]
        Array([-0. , -0.1], dtype=float32)

    References:
        Ginsburg et al. 2019 (arXiv:1905.11286). As ``optax.novograd``.
    """
    check_fraction("novograd", b1=b1, b2=b2)
    check_not_negative("novograd", eps=eps, weight_decay=weight_decay)

    def scalars(rate: Any, t: rt.Array) -> Scalars:
        old = (t > 1).astype(rt.float64) * b2
        return {
            "rate": rate,
            "b1": b1,
            "old": old,
            "new": 1 - old,
            "eps": eps,
            "decay": weight_decay,
        }

    def rule(
        s: Scalars, p: rt.Array, g: rt.Array, m: rt.Array, v: rt.Array
    ) -> tuple[rt.Array, ...]:
        v = v * s.old + rt.sum(rt.real(squared(g))) * s.new
        size = rt.sqrt(v) + s.eps
        # A leaf without any gradient so far is divided by 1, not by 0.
        m = m * s.b1 + g / rt.where(size > 0, size, 1.0) + p * s.decay
        return m * s.rate, m, v

    slots: Slots = {"m": rt.zeros_like, "v": lambda p: rt.zeros_like(rt.sum(rt.real(p)))}
    kind = Leafwise("novograd", AdamState, slots, rule, scalars, uses_params=True)
    return leafwise(kind, learning_rate)
