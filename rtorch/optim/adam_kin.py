"""Kin of Adam: NAdam, RAdam, Adamax, Adan and Lion."""

from __future__ import annotations

from typing import Any, NamedTuple

import rtorch as rt
from rtorch.optim.adam import AdamState
from rtorch.optim.base import (
    LearningRate,
    Number,
    Optimizer,
    check_fraction,
    check_not_negative,
)
from rtorch.optim.leafwise import Leafwise, Scalars, Slots, leafwise, one_less_power, squared


class NAdamState(NamedTuple):
    """State of `nadam`: as `AdamState`, and the product of the momenta so far, float64.

    Example:
        >>> import rtorch as rt
        >>> rt.optim.nadam().init(rt.ones(1)).mu_product
        Array(1., dtype=float64)
    """

    step: rt.Array
    mu_product: rt.Array
    m: Any
    v: Any


def nadam(
    learning_rate: LearningRate = 2e-3,
    b1: Number = 0.9,
    b2: Number = 0.999,
    eps: Number = 1e-8,
    weight_decay: Number = 0.0,
    *,
    momentum_decay: Number = 4e-3,
    decoupled_weight_decay: bool = False,
) -> Optimizer:
    """Adam with Nesterov's momentum, as PyTorch has it.

    With ``mu_t = b1 * (1 - 0.96 ** (t * momentum_decay) / 2)`` and ``M_t`` the product of
    ``mu_1 .. mu_t``, the update is ``-learning_rate * m_hat / (sqrt(v_hat) + eps)`` where
    ``m_hat = mu_{t+1} * m / (1 - M_{t+1}) + (1 - mu_t) * g / (1 - M_t)``; ``m``, ``v`` and
    ``v_hat`` as in `adam`.

    Args:
        learning_rate: A number, or a function of the step (see `optim.schedules`).
        b1: Decay of the mean of the gradients, as it is in the end.
        b2: Decay of the mean of their squares.
        eps: Added to the root, against division by zero.
        weight_decay: Factor of an L2 penalty, or of decoupled decay.
        momentum_decay: How fast the momentum comes to `b1`.
        decoupled_weight_decay: Take the decay off the parameters, as `adamw`.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.nadam(0.1)
        >>> updates, state = opt.update(rt.ones(1), opt.init(rt.ones(1)))
        >>> bool(updates[0] < 0)
        True

    References:
        Dozat 2016, Incorporating Nesterov momentum into Adam.
    """
    check_fraction("nadam", b1=b1, b2=b2)
    check_not_negative("nadam", eps=eps, momentum_decay=momentum_decay)

    def mu(t: rt.Array) -> rt.Array:
        return (1 - 0.5 * 0.96 ** (t * momentum_decay)) * b1

    def scalars(rate: Any, t: rt.Array, mu_product: rt.Array) -> Scalars:
        now = mu_product * mu(t)
        return {
            "mu_product": now,
            "of_g": rate * (1 - mu(t)) / (1 - now),
            "of_m": rate * mu(t + 1) / (1 - now * mu(t + 1)),
            "root": 1 / rt.sqrt(one_less_power(b2, t)),
            "eps": eps,
            **_betas(b1, b2),
        }

    def rule(
        s: Scalars, p: rt.Array, g: rt.Array, m: rt.Array, v: rt.Array
    ) -> tuple[rt.Array, ...]:
        m, v = m * s.b1 + g * s.c1, v * s.b2 + squared(g) * s.c2
        return (g * s.of_g + m * s.of_m) / (rt.sqrt(v) * s.root + s.eps), m, v

    slots = {"m": rt.zeros_like, "v": rt.zeros_like}
    kind = Leafwise("nadam", NAdamState, slots, rule, scalars, carry={"mu_product": 1.0})
    return _decayed(kind, learning_rate, weight_decay, decoupled_weight_decay)


def radam(
    learning_rate: LearningRate = 1e-3,
    b1: Number = 0.9,
    b2: Number = 0.999,
    eps: Number = 1e-8,
    weight_decay: Number = 0.0,
    *,
    decoupled_weight_decay: bool = False,
) -> Optimizer:
    """Adam that begins as SGD with momentum, until its ``v`` is worth something.

    With ``r = 2 / (1 - b2) - 1`` and ``r_t = r - 2 * t * b2**t / (1 - b2**t)``, the update is
    ``-learning_rate * m_hat`` while ``r_t <= 5``; then it is that of `adam` times
    ``sqrt((r_t - 4) * (r_t - 2) * r / ((r - 4) * (r - 2) * r_t))``, with `eps` added to
    ``sqrt(v)`` before the correction, as PyTorch does.

    Args:
        learning_rate: A number, or a function of the step (see `optim.schedules`).
        b1: Decay of the mean of the gradients.
        b2: Decay of the mean of their squares.
        eps: Added to the root, against division by zero.
        weight_decay: Factor of an L2 penalty, or of decoupled decay.
        decoupled_weight_decay: Take the decay off the parameters, as `adamw`.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.radam(0.1)
        >>> opt.update(rt.full(1, 2.0), opt.init(rt.ones(1)))[0]
        Array([-0.2], dtype=float32)

    References:
        Liu et al. 2020 (arXiv:1908.03265).
    """
    check_fraction("radam", b1=b1, b2=b2)
    check_not_negative("radam", eps=eps)
    limit = 2 / (1 - b2) - 1

    def scalars(rate: Any, t: rt.Array) -> Scalars:
        less = one_less_power(b2, t)
        r = limit - 2 * t * (1 - less) / less
        safe = rt.maximum(r, 5.0)
        factor = (safe - 4) * (safe - 2) * limit / ((limit - 4) * (limit - 2) * safe)
        size = rate / one_less_power(b1, t)
        adaptive = (r > 5).astype(rt.float64)
        return {
            "plain": size * (1 - adaptive),
            "rectified": size * adaptive * rt.sqrt(rt.abs(factor) * less),
            "eps": eps,
            **_betas(b1, b2),
        }

    def rule(
        s: Scalars, p: rt.Array, g: rt.Array, m: rt.Array, v: rt.Array
    ) -> tuple[rt.Array, ...]:
        m, v = m * s.b1 + g * s.c1, v * s.b2 + squared(g) * s.c2
        return m * s.plain + m / (rt.sqrt(v) + s.eps) * s.rectified, m, v

    slots = {"m": rt.zeros_like, "v": rt.zeros_like}
    kind = Leafwise("radam", AdamState, slots, rule, scalars)
    return _decayed(kind, learning_rate, weight_decay, decoupled_weight_decay)


def adamax(
    learning_rate: LearningRate = 2e-3,
    b1: Number = 0.9,
    b2: Number = 0.999,
    eps: Number = 1e-8,
    weight_decay: Number = 0.0,
) -> Optimizer:
    """Adam with a maximum in the place of the mean of squares.

    With ``m`` as in `adam` and ``v = maximum(b2 * v, abs(g) + eps)``, the update is
    ``-learning_rate * m / (1 - b1**t) / v``.

    Args:
        learning_rate: A number, or a function of the step (see `optim.schedules`).
        b1: Decay of the mean of the gradients.
        b2: Decay of the maximum.
        eps: Added to the size of the gradient, against division by zero.
        weight_decay: Factor of an L2 penalty.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.adamax(0.1)
        >>> opt.update(rt.full(1, 2.0), opt.init(rt.ones(1)))[0]
        Array([-0.1], dtype=float32)

    References:
        Kingma & Ba 2015 (arXiv:1412.6980), section 7.
    """
    check_fraction("adamax", b1=b1, b2=b2)
    check_not_negative("adamax", eps=eps)

    def scalars(rate: Any, t: rt.Array) -> Scalars:
        return {"size": rate / one_less_power(b1, t), "eps": eps, **_betas(b1, b2)}

    def rule(
        s: Scalars, p: rt.Array, g: rt.Array, m: rt.Array, v: rt.Array
    ) -> tuple[rt.Array, ...]:
        m, v = m * s.b1 + g * s.c1, rt.maximum(v * s.b2, rt.abs(g) + s.eps)
        return m / v * s.size, m, v

    slots: Slots = {"m": rt.zeros_like, "v": _real_zeros}
    return leafwise(
        Leafwise("adamax", AdamState, slots, rule, scalars), learning_rate, l2=weight_decay
    )


def _betas(b1: Number, b2: Number) -> Scalars:
    return {"b1": b1, "c1": 1 - b1, "b2": b2, "c2": 1 - b2}


def _real_zeros(p: rt.Array) -> rt.Array:
    return rt.zeros_like(rt.real(p))


def _decayed(
    kind: Leafwise, rate: LearningRate, weight_decay: Number, decoupled: bool
) -> Optimizer:
    if decoupled:
        return leafwise(kind, rate, decay=weight_decay)
    return leafwise(kind, rate, l2=weight_decay)
