"""Schedule-free SGD and AdamW: no decay of the rate, and no end that must be known.

The parameters that are trained are ``y``, where gradients are taken. The result is the average
``x``, which `schedule_free_params` gives; it lies between ``y`` and the fast sequence ``z``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import rtorch as rt
from rtorch.errors import ArgumentError, api
from rtorch.optim.base import (
    LearningRate,
    Number,
    Optimizer,
    Params,
    check_fraction,
    check_not_negative,
    is_number,
    map_trained,
)
from rtorch.optim.leafwise import Leafwise, Scalars, Slots, leafwise, one_less_power, squared


class ScheduleFreeState(NamedTuple):
    """State of `schedule_free_sgd` and `schedule_free_adamw`.

    Attributes:
        step: Number of updates so far, int32.
        weight_sum: Sum of the weights in the average, float64.
        rate_max: The largest rate so far, float64.
        b1: Where ``y`` lies between ``z`` and ``x``, float64.
        z: The fast sequence, as the parameters.
        v: Running mean of the squares of the gradients; None without.

    Example:
        >>> import rtorch as rt
        >>> rt.optim.schedule_free_sgd(0.1).init(rt.ones(1)).z
        Array([1.], dtype=float32)
    """

    step: rt.Array
    weight_sum: rt.Array
    rate_max: rt.Array
    b1: rt.Array
    z: Any
    v: Any = None


def schedule_free_sgd(
    learning_rate: LearningRate = 1.0,
    b1: float = 0.9,
    weight_decay: Number = 0.0,
    *,
    warmup_steps: int = 0,
    r: Number = 0.0,
    weight_lr_power: Number = 2.0,
) -> Optimizer:
    """SGD with an average in the place of momentum and of a schedule.

    With ``g`` the gradient at ``y``, ``z = z - learning_rate * g`` and ``x`` an average of the
    ``z`` so far, in which a step weighs ``t**r * rate_max**weight_lr_power``;
    ``y = (1 - b1) * z + b1 * x`` are the parameters.

    Args:
        learning_rate: A number, or a function of the step (see `optim.schedules`); best without
            decay.
        b1: Where the gradients are taken: 0 at ``z``, 1 at ``x``.
        weight_decay: Factor of an L2 penalty at ``y``.
        warmup_steps: The rate grows in a straight line over these.
        r: Power of the step in the weights.
        weight_lr_power: Power of the largest rate so far in the weights.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.schedule_free_sgd(0.5)
        >>> x, state = rt.asarray(1.0), opt.init(rt.asarray(1.0))
        >>> for _ in range(50):
        ...     updates, state = opt.update(2 * x, state, x)
        ...     x = rt.optim.apply_updates(x, updates)
        >>> abs(float(rt.optim.schedule_free_params(state, x))) < 0.01
        True

    References:
        Defazio et al. 2024 (arXiv:2405.15682).
    """
    kind = _schedule_free("schedule_free_sgd", b1, None, 0.0, warmup_steps, r, weight_lr_power)
    return leafwise(kind, learning_rate, l2=weight_decay)


def schedule_free_adamw(
    learning_rate: LearningRate = 2.5e-3,
    b1: float = 0.9,
    b2: Number = 0.999,
    eps: Number = 1e-8,
    weight_decay: Number = 0.0,
    *,
    warmup_steps: int = 0,
    r: Number = 0.0,
    weight_lr_power: Number = 2.0,
) -> Optimizer:
    """AdamW with an average in the place of momentum and of a schedule.

    As `schedule_free_sgd`, with ``g / (sqrt(v_hat) + eps) + weight_decay * y`` in the place of
    ``g``, where ``v_hat`` is as in `adam`.

    Args:
        learning_rate: A number, or a function of the step (see `optim.schedules`); best without
            decay.
        b1: Where the gradients are taken: 0 at ``z``, 1 at ``x``.
        b2: Decay of the mean of the squares.
        eps: Added to the root, against division by zero.
        weight_decay: Decoupled from the squares, at ``y``.
        warmup_steps: The rate grows in a straight line over these.
        r: Power of the step in the weights.
        weight_lr_power: Power of the largest rate so far in the weights.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.schedule_free_adamw(0.1)
        >>> updates, state = opt.update(rt.ones(1), opt.init(rt.ones(1)), rt.ones(1))
        >>> state.z
        Array([0.9], dtype=float32)

    References:
        Defazio et al. 2024 (arXiv:2405.15682).
    """
    check_fraction("schedule_free_adamw", b2=b2)
    check_not_negative("schedule_free_adamw", eps=eps, weight_decay=weight_decay)
    kind = _schedule_free(
        "schedule_free_adamw", b1, b2, eps, warmup_steps, r, weight_lr_power, weight_decay
    )
    return leafwise(kind, learning_rate)


@api
def schedule_free_params(state: ScheduleFreeState, params: Params) -> Params:
    """The average ``x``, with which to evaluate, of a state and the parameters in training.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.schedule_free_sgd(0.5)
        >>> updates, state = opt.update(rt.ones(1), opt.init(rt.ones(1)), rt.ones(1))
        >>> params = rt.optim.apply_updates(rt.ones(1), updates)
        >>> rt.optim.schedule_free_params(state, params)
        Array([0.5], dtype=float32)
    """
    if not isinstance(state, ScheduleFreeState):
        raise ArgumentError(
            "[schedule_free_params] state: expected that of schedule_free_sgd or "
            f"schedule_free_adamw, got {type(state).__name__}"
        )

    def average(y: rt.Array, z: rt.Array) -> rt.Array:
        return (z + (y - z) * (1 / state.b1).astype(rt.finfo(y.dtype).dtype)).astype(y.dtype)

    found = map_trained(average, params, state.z)
    return rt.tree.map(lambda p, x: p if x is None else x, params, found)


def _schedule_free(
    name: str,
    b1: float,
    b2: Number | None,
    eps: Number,
    warmup_steps: int,
    r: Number,
    power: Number,
    decay: Number = 0.0,
) -> Leafwise:
    check_not_negative(name, warmup_steps=warmup_steps)
    if is_number(b1) and not 0 < b1 < 1:
        raise ArgumentError(f"[{name}] b1: expected 0 < b1 < 1, got {b1!r}")

    def scalars(rate: Any, t: rt.Array, weight_sum: Any, rate_max: Any, b1: Any) -> Scalars:
        rate = rate * rt.minimum(1.0, t / warmup_steps) if warmup_steps else rate
        rate_max = rt.maximum(rate_max, rate)
        weight = t**r * rate_max**power
        weight_sum = weight_sum + weight
        share = rt.where(weight_sum > 0, weight / rt.where(weight_sum > 0, weight_sum, 1.0), 0.0)
        found = {
            "rate": rate,
            "share": share,
            "of_g": rate * (1 - b1 * (1 - share)),
            "decay": decay,
        }
        if b2 is not None:
            root = 1 / rt.sqrt(one_less_power(b2, t))
            found |= {"b2": b2, "c2": 1 - b2, "root": root, "eps": eps}
        return {"weight_sum": weight_sum, "rate_max": rate_max, "b1": b1, **found}

    def rule(
        s: Scalars, y: rt.Array, g: rt.Array, z: rt.Array, *v: rt.Array
    ) -> tuple[rt.Array, ...]:
        if v:
            v = (v[0] * s.b2 + squared(g) * s.c2,)
            g = g / (rt.sqrt(v[0]) * s.root + s.eps) + y * s.decay
        return (y - z) * s.share + g * s.of_g, z - g * s.rate, *v

    slots: Slots = {"z": lambda p: p + 0}
    if b2 is not None:
        slots["v"] = rt.zeros_like
    carry = {"weight_sum": 0.0, "rate_max": 0.0, "b1": b1}
    return Leafwise(name, ScheduleFreeState, slots, rule, scalars, carry, uses_params=True)
