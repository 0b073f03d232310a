"""Adan and Lion: momentum of another kind."""

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
from rtorch.optim.leafwise import Leafwise, Scalars, leafwise, one_less_power, squared


class AdanState(NamedTuple):
    """State of `adan`.

    Attributes:
        step: Number of updates so far, int32.
        m: Running mean of the gradients, as the parameters.
        d: Running mean of their differences from step to step.
        v: Running mean of the squares of the gradients looking ahead.
        last: The gradient before.

    Example:
        >>> import rtorch as rt
        >>> rt.optim.adan(0.1).init(rt.ones(1)).last
        Array([0.], dtype=float32)
    """

    step: rt.Array
    m: Any
    d: Any
    v: Any
    last: Any


def adan(
    learning_rate: LearningRate = 1e-3,
    b1: Number = 0.98,
    b2: Number = 0.92,
    b3: Number = 0.99,
    eps: Number = 1e-8,
    weight_decay: Number = 0.0,
) -> Optimizer:
    """Adan: Nesterov's momentum by the differences of gradients.

    With ``diff = g - last`` (0 in the first step), ``m = b1 * m + (1 - b1) * g``,
    ``d = b2 * d + (1 - b2) * diff`` and ``v = b3 * v + (1 - b3) * (g + b2 * diff)**2``, the step is
    ``learning_rate * (m_hat + b2 * d_hat) / (sqrt(v_hat) + eps)``, where a hat means division by
    ``1 - b**t``, and the parameters become ``(p - step) / (1 + learning_rate * weight_decay)``.

    Args:
        learning_rate: A number, or a function of the step (see `optim.schedules`).
        b1: Decay of the mean of the gradients.
        b2: Decay of the mean of their differences.
        b3: Decay of the mean of the squares.
        eps: Added to the root, against division by zero.
        weight_decay: Of the decoupled, proximal kind.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.adan(0.1)
        >>> opt.update(rt.full(1, 2.0), opt.init(rt.ones(1)), rt.ones(1))[0]
        Array([-0.1], dtype=float32)

    References:
        Xie et al. 2022 (arXiv:2208.06677), whose betas are 1 minus these.
    """
    check_fraction("adan", b1=b1, b2=b2, b3=b3)
    check_not_negative("adan", eps=eps, weight_decay=weight_decay)

    def scalars(rate: Any, t: rt.Array) -> Scalars:
        less1, less2 = one_less_power(b1, t), one_less_power(b2, t)
        shrink = 1 / (1 + rate * weight_decay)
        return {
            "of_m": shrink * rate / less1,
            "of_d": shrink * rate * b2 / less2,
            "of_p": 1 - shrink,
            "root": 1 / rt.sqrt(one_less_power(b3, t)),
            "begun": (t > 1).astype(rt.float64),
            "eps": eps,
            "b1": b1,
            "c1": 1 - b1,
            "b2": b2,
            "c2": 1 - b2,
            "b3": b3,
            "c3": 1 - b3,
        }

    def rule(
        s: Scalars, p: rt.Array, g: rt.Array, m: rt.Array, d: rt.Array, v: rt.Array, last: rt.Array
    ) -> tuple[rt.Array, ...]:
        diff = (g - last) * s.begun
        m, d = m * s.b1 + g * s.c1, d * s.b2 + diff * s.c2
        v = v * s.b3 + squared(g + diff * s.b2) * s.c3
        step = (m * s.of_m + d * s.of_d) / (rt.sqrt(v) * s.root + s.eps)
        return step + p * s.of_p, m, d, v, g

    slots = dict.fromkeys(("m", "d", "v", "last"), rt.zeros_like)
    kind = Leafwise("adan", AdanState, slots, rule, scalars, uses_params=True)
    return leafwise(kind, learning_rate)


class LionState(NamedTuple):
    """State of `lion`: the number of updates so far, and the running mean of the gradients.

    Example:
        >>> import rtorch as rt
        >>> rt.optim.lion().init(rt.ones(1))
        LionState(step=Array(0, dtype=int32), m=Array([0.], dtype=float32))
    """

    step: rt.Array
    m: Any


def lion(
    learning_rate: LearningRate = 1e-4,
    b1: Number = 0.9,
    b2: Number = 0.99,
    weight_decay: Number = 1e-3,
) -> Optimizer:
    """Lion: steps of one size in every coordinate.

    The update is ``-learning_rate * (sign(b1 * m + (1 - b1) * g) + weight_decay * p)``; then
    ``m = b2 * m + (1 - b2) * g``. Rates are 3 to 10 times smaller than Adam's, and decays larger.

    Args:
        learning_rate: A number, or a function of the step (see `optim.schedules`).
        b1: Weight of the mean in the direction.
        b2: Decay of the mean.
        weight_decay: Decoupled, as in `adamw`. The default is Optax's.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.lion(0.1, weight_decay=0.0)
        >>> opt.update(rt.asarray([3.0, -0.1]), opt.init(rt.ones(2)))[0]
        Array([-0.1,  0.1], dtype=float32)

    References:
        Chen et al. 2023 (arXiv:2302.06675).
    """
    check_fraction("lion", b1=b1, b2=b2)

    def scalars(rate: Any, t: rt.Array) -> Scalars:
        return {"rate": rate, "b1": b1, "c1": 1 - b1, "b2": b2, "c2": 1 - b2}

    def rule(s: Scalars, p: rt.Array, g: rt.Array, m: rt.Array) -> tuple[rt.Array, ...]:
        return rt.sign(m * s.b1 + g * s.c1) * s.rate, m * s.b2 + g * s.c2

    kind = Leafwise("lion", LionState, {"m": rt.zeros_like}, rule, scalars)
    return leafwise(kind, learning_rate, decay=weight_decay)
