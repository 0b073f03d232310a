"""Yogi, AdaBelief and AdEMAMix: Adam with another variance, or with a second, long memory."""

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


def yogi(
    learning_rate: LearningRate = 1e-2,
    b1: Number = 0.9,
    b2: Number = 0.999,
    eps: Number = 1e-3,
    *,
    initial_accumulator_value: float = 1e-6,
) -> Optimizer:
    """Yogi: Adam whose mean of squares moves by the size of a square, and so never jumps up.

    As `adam`, but ``v = v - (1 - b2) * sign(v - g**2) * g**2``.

    Args:
        learning_rate: A number, or a function of the step (see `optim.schedules`).
        b1: Decay of the mean of the gradients.
        b2: 1 minus the part of a square by which ``v`` moves.
        eps: Added to the root, against division by zero.
        initial_accumulator_value: Where ``m`` and ``v`` begin, as in Optax.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.yogi(0.1)
        >>> updates, state = opt.update(rt.full(1, 2.0), opt.init(rt.ones(1)))
        >>> round(float(updates[0]), 2)
        -0.1

    References:
        Zaheer et al. 2018, Adaptive methods for nonconvex optimization. As ``optax.yogi``.
    """
    check_fraction("yogi", b1=b1, b2=b2)
    check_not_negative("yogi", eps=eps, initial_accumulator_value=initial_accumulator_value)

    def rule(
        s: Scalars, p: rt.Array, g: rt.Array, m: rt.Array, v: rt.Array
    ) -> tuple[rt.Array, ...]:
        square = rt.real(squared(g))
        m = m * s.b1 + g * s.c1
        v = v - rt.sign(v - square) * square * s.c2
        return m / (rt.sqrt(v) * s.root + s.eps) * s.size, m, v

    slots: Slots = {
        "m": lambda p: rt.full_like(p, initial_accumulator_value),
        "v": lambda p: rt.full_like(rt.real(p), initial_accumulator_value),
    }
    kind = Leafwise("yogi", AdamState, slots, rule, _scalars(b1, b2, eps))
    return leafwise(kind, learning_rate)


def adabelief(
    learning_rate: LearningRate = 1e-3,
    b1: Number = 0.9,
    b2: Number = 0.999,
    eps: Number = 1e-16,
    eps_root: Number = 1e-16,
    weight_decay: Number = 0.0,
) -> Optimizer:
    """AdaBelief: large steps where gradients are as their mean predicts.

    As `adam`, but ``v = b2 * v + (1 - b2) * (g - m)**2 + eps_root``.

    Args:
        learning_rate: A number, or a function of the step (see `optim.schedules`).
        b1: Decay of the mean of the gradients.
        b2: Decay of the mean of the squared differences from it.
        eps: Added to the root.
        eps_root: Added to ``v`` in every step.
        weight_decay: Decoupled, as in `adamw`.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.adabelief(0.1)
        >>> updates, state = opt.update(rt.full(1, 2.0), opt.init(rt.ones(1)))
        >>> round(float(updates[0]), 4)
        -0.1111

    References:
        Zhuang et al. 2020 (arXiv:2010.07468). As ``optax.adabelief``.
    """
    check_fraction("adabelief", b1=b1, b2=b2)
    check_not_negative("adabelief", eps=eps, eps_root=eps_root)

    def scalars(rate: Any, t: rt.Array) -> Scalars:
        return _scalars(b1, b2, eps)(rate, t) | {"eps_root": eps_root}

    def rule(
        s: Scalars, p: rt.Array, g: rt.Array, m: rt.Array, v: rt.Array
    ) -> tuple[rt.Array, ...]:
        m = m * s.b1 + g * s.c1
        v = v * s.b2 + squared(g - m) * s.c2 + s.eps_root
        return m / (rt.sqrt(v) * s.root + s.eps) * s.size, m, v

    slots = {"m": rt.zeros_like, "v": rt.zeros_like}
    kind = Leafwise("adabelief", AdamState, slots, rule, scalars)
    return leafwise(kind, learning_rate, decay=weight_decay)


class AdEMAMixState(NamedTuple):
    """State of `ademamix`.

    Attributes:
        step: Number of updates so far, int32.
        m: Running mean of the gradients, as the parameters.
        slow: Another, with the longer memory `b3`.
        v: Running mean of the squares.

    Example:
        >>> import rtorch as rt
        >>> rt.optim.ademamix().init(rt.ones(1)).slow
        Array([0.], dtype=float32)
    """

    step: rt.Array
    m: Any
    slow: Any
    v: Any


def ademamix(
    learning_rate: LearningRate = 1e-3,
    b1: Number = 0.9,
    b2: Number = 0.999,
    b3: LearningRate = 0.9999,
    alpha: LearningRate = 5.0,
    eps: Number = 1e-8,
    weight_decay: Number = 0.0,
) -> Optimizer:
    """AdEMAMix: AdamW with a second mean of the gradients, which remembers thousands of steps.

    With ``m``, ``m_hat`` and ``v_hat`` as in `adam` and ``slow = b3 * slow + (1 - b3) * g``, the
    update is ``-learning_rate * (m_hat + alpha * slow) / (sqrt(v_hat) + eps)``.

    Args:
        learning_rate: A number, or a function of the step (see `optim.schedules`).
        b1: Decay of the mean of the gradients.
        b2: Decay of the mean of their squares.
        b3: Decay of the slow mean; a number or a function of the step.
        alpha: Weight of the slow mean; a number or a function of the step.
        eps: Added to the root, against division by zero.
        weight_decay: Decoupled, as in `adamw`.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.ademamix(0.1, alpha=0.0)
        >>> opt.update(rt.full(1, 2.0), opt.init(rt.ones(1)))[0]
        Array([-0.1], dtype=float32)

    References:
        Pagliardini et al. 2024 (arXiv:2409.03137). As ``optax.contrib.ademamix``.
    """
    check_fraction("ademamix", b1=b1, b2=b2, b3=b3)
    check_not_negative("ademamix", eps=eps, alpha=alpha)

    def scalars(rate: Any, t: rt.Array) -> Scalars:
        step = (t - 1).astype(rt.int32)
        long = b3(step) if callable(b3) else b3
        mixed = alpha(step) if callable(alpha) else alpha
        of_slow = {"b3": long, "c3": 1 - long, "of_slow": rate * mixed}
        return _scalars(b1, b2, eps)(rate, t) | of_slow

    def rule(
        s: Scalars, p: rt.Array, g: rt.Array, m: rt.Array, slow: rt.Array, v: rt.Array
    ) -> tuple[rt.Array, ...]:
        m, slow = m * s.b1 + g * s.c1, slow * s.b3 + g * s.c3
        v = v * s.b2 + squared(g) * s.c2
        return (m * s.size + slow * s.of_slow) / (rt.sqrt(v) * s.root + s.eps), m, slow, v

    slots = dict.fromkeys(("m", "slow", "v"), rt.zeros_like)
    kind = Leafwise("ademamix", AdEMAMixState, slots, rule, scalars)
    return leafwise(kind, learning_rate, decay=weight_decay)


def _scalars(b1: Number, b2: Number, eps: Number) -> Any:
    """Of the step: Adam's corrections."""
    return lambda rate, t: {
        "size": rate / one_less_power(b1, t),
        "root": 1 / rt.sqrt(one_less_power(b2, t)),
        "eps": eps,
        "b1": b1,
        "c1": 1 - b1,
        "b2": b2,
        "c2": 1 - b2,
    }
