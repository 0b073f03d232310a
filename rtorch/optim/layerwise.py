"""LAMB and LARS: steps in proportion to the norm of each leaf, for large batches."""

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
from rtorch.optim.leafwise import Leafwise, Scalars, leafwise, one_less_power, squared


def lamb(
    learning_rate: LearningRate = 1e-3,
    b1: Number = 0.9,
    b2: Number = 0.999,
    eps: Number = 1e-6,
    weight_decay: Number = 0.0,
) -> Optimizer:
    """LAMB: Adam whose step in each leaf is scaled to the norm of the leaf.

    With ``u = m_hat / (sqrt(v_hat) + eps) + weight_decay * p``, all as in `adam`, the update is
    ``-learning_rate * norm(p) / norm(u) * u``; without the quotient where a norm is 0.

    Args:
        learning_rate: A number, or a function of the step (see `optim.schedules`).
        b1: Decay of the mean of the gradients.
        b2: Decay of the mean of their squares.
        eps: Added to the root, against division by zero.
        weight_decay: Decoupled, and part of the step that is scaled.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.lamb(0.1)
        >>> opt.update(rt.full(1, 2.0), opt.init(rt.ones(1)), rt.full(1, 5.0))[0]
        Array([-0.5], dtype=float32)

    References:
        You et al. 2020 (arXiv:1904.00962). As ``optax.lamb``.
    """
    check_fraction("lamb", b1=b1, b2=b2)
    check_not_negative("lamb", eps=eps, weight_decay=weight_decay)

    def scalars(rate: Any, t: rt.Array) -> Scalars:
        return {
            "rate": rate,
            "size": 1 / one_less_power(b1, t),
            "root": 1 / rt.sqrt(one_less_power(b2, t)),
            "b1": b1,
            "c1": 1 - b1,
            "b2": b2,
            "c2": 1 - b2,
            "eps": eps,
            "decay": weight_decay,
        }

    def rule(
        s: Scalars, p: rt.Array, g: rt.Array, m: rt.Array, v: rt.Array
    ) -> tuple[rt.Array, ...]:
        m, v = m * s.b1 + g * s.c1, v * s.b2 + squared(g) * s.c2
        u = m / (rt.sqrt(v) * s.root + s.eps) * s.size + p * s.decay
        return u * (trust(p, u) * s.rate), m, v

    slots = {"m": rt.zeros_like, "v": rt.zeros_like}
    return leafwise(
        Leafwise("lamb", AdamState, slots, rule, scalars, uses_params=True), learning_rate
    )


class LARSState(NamedTuple):
    """State of `lars`: the number of updates so far, and the running sum of the steps.

    Example:
        >>> import rtorch as rt
        >>> rt.optim.lars(0.1).init(rt.ones(1))
        LARSState(step=Array(0, dtype=int32), momentum=Array([0.], dtype=float32))
    """

    step: rt.Array
    momentum: Any


def lars(
    learning_rate: LearningRate,
    momentum: Number = 0.9,
    weight_decay: Number = 0.0,
    *,
    trust_coefficient: Number = 1e-3,
    eps: Number = 0.0,
    nesterov: bool = False,
) -> Optimizer:
    """LARS: SGD with momentum whose rate in each leaf follows the norms of leaf and gradient.

    With ``u = g + weight_decay * p``, ``m`` is ``momentum * m`` and
    ``learning_rate * trust_coefficient * norm(p) / (norm(u) + eps) * u``; without the quotient
    where a norm is 0. The update is ``-m``; with `nesterov`, one step of the momentum further.

    Args:
        learning_rate: A number, or a function of the step (see `optim.schedules`).
        momentum: What remains of ``m`` from step to step.
        weight_decay: Factor of an L2 penalty.
        trust_coefficient: The relative size of a step at learning rate 1.
        eps: Added to the norm of the gradient.
        nesterov: Look ahead by one step of the momentum.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.lars(1.0)
        >>> opt.update(rt.full(1, 2.0), opt.init(rt.ones(1)), rt.full(1, 5.0))[0]
        Array([-0.005], dtype=float32)

    References:
        You et al. 2017 (arXiv:1708.03888). As ``optax.lars``.
    """
    check_not_negative("lars", momentum=momentum, trust_coefficient=trust_coefficient, eps=eps)

    def scalars(rate: Any, t: rt.Array) -> Scalars:
        return {"rate": rate * trust_coefficient, "plain": rate, "momentum": momentum, "eps": eps}

    def rule(s: Scalars, p: rt.Array, g: rt.Array, m: rt.Array) -> tuple[rt.Array, ...]:
        step = g * trust(p, g, s.rate, s.plain, s.eps)
        m = m * s.momentum + step
        return (m * s.momentum + step if nesterov else m), m

    slots = {"momentum": rt.zeros_like}
    kind = Leafwise("lars", LARSState, slots, rule, scalars, uses_params=True)
    return leafwise(kind, learning_rate, l2=weight_decay)


def trust(
    p: rt.Array, u: rt.Array, factor: Any = 1.0, otherwise: Any = 1.0, eps: Any = 0.0
) -> rt.Array:
    """``factor * norm(p) / (norm(u) + eps)``, or `otherwise` where a norm is 0."""
    of_p, of_u = _norm(p), _norm(u)
    known = (of_p > 0) & (of_u > 0)
    return rt.where(known, factor * of_p / rt.where(known, of_u + eps, 1.0), otherwise)


def _norm(x: rt.Array) -> rt.Array:
    return rt.sqrt(rt.sum(rt.real(x * rt.conj(x))))
