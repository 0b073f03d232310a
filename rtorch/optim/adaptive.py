"""Adagrad, Adadelta and RMSprop: rates from the squares of past gradients."""

from __future__ import annotations

from typing import Any, NamedTuple

import rtorch as rt
from rtorch.optim.base import (
    LearningRate,
    Number,
    Optimizer,
    check_fraction,
    check_not_negative,
    is_on,
)
from rtorch.optim.leafwise import Leafwise, Scalars, leafwise, squared


class AdagradState(NamedTuple):
    """State of `adagrad`: the number of updates, and the sum of the squares of the gradients.

    Example:
        >>> import rtorch as rt
        >>> rt.optim.adagrad().init(rt.ones(1))
        AdagradState(step=Array(0, dtype=int32), sum=Array([0.], dtype=float32))
    """

    step: rt.Array
    sum: Any


def adagrad(
    learning_rate: LearningRate = 1e-2,
    lr_decay: Number = 0.0,
    weight_decay: Number = 0.0,
    initial_accumulator_value: float = 0.0,
    eps: Number = 1e-10,
) -> Optimizer:
    """Adagrad: the more a coordinate has been moved, the smaller its steps.

    With ``sum = sum + g**2``, the update is
    ``-learning_rate / (1 + (t - 1) * lr_decay) * g / (sqrt(sum) + eps)``.

    Args:
        learning_rate: A number, or a function of the step (see `optim.schedules`).
        lr_decay: How fast the rate falls beside.
        weight_decay: Factor of an L2 penalty.
        initial_accumulator_value: Where ``sum`` begins.
        eps: Added to the root, against division by zero.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.adagrad(0.1)
        >>> opt.update(rt.full(1, 2.0), opt.init(rt.ones(1)))[0]
        Array([-0.1], dtype=float32)

    References:
        Duchi et al. 2011, Adaptive subgradient methods for online learning.
    """
    check_not_negative(
        "adagrad", lr_decay=lr_decay, eps=eps, initial_accumulator_value=initial_accumulator_value
    )

    def scalars(rate: Any, t: rt.Array) -> Scalars:
        return {"rate": rate / (1 + (t - 1) * lr_decay), "eps": eps}

    def rule(s: Scalars, p: rt.Array, g: rt.Array, total: rt.Array) -> tuple[rt.Array, ...]:
        total = total + squared(g)
        return g / (rt.sqrt(total) + s.eps) * s.rate, total

    slots = {"sum": lambda p: rt.full_like(p, initial_accumulator_value)}
    kind = Leafwise("adagrad", AdagradState, slots, rule, scalars)
    return leafwise(kind, learning_rate, l2=weight_decay)


class AdadeltaState(NamedTuple):
    """State of `adadelta`: the number of updates, means of squares of gradients and of steps.

    Example:
        >>> import rtorch as rt
        >>> rt.optim.adadelta().init(rt.ones(1)).steps
        Array([0.], dtype=float32)
    """

    step: rt.Array
    v: Any
    steps: Any


def adadelta(
    learning_rate: LearningRate = 1.0,
    rho: Number = 0.9,
    eps: Number = 1e-6,
    weight_decay: Number = 0.0,
) -> Optimizer:
    """Adadelta: steps in the units of the parameters, from the size of the steps before.

    With ``v = rho * v + (1 - rho) * g**2``, ``d = sqrt(steps + eps) / sqrt(v + eps) * g`` and
    ``steps = rho * steps + (1 - rho) * d**2``, the update is ``-learning_rate * d``.

    Args:
        learning_rate: A number, or a function of the step (see `optim.schedules`).
        rho: Decay of both means.
        eps: Added to both means.
        weight_decay: Factor of an L2 penalty.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.adadelta()
        >>> updates, state = opt.update(rt.ones(1), opt.init(rt.ones(1)))
        >>> round(float(updates[0]), 5)
        -0.00316

    References:
        Zeiler 2012 (arXiv:1212.5701).
    """
    check_not_negative("adadelta", eps=eps)
    check_fraction("adadelta", rho=rho)

    def scalars(rate: Any, t: rt.Array) -> Scalars:
        return {"rate": rate, "rho": rho, "rest": 1 - rho, "eps": eps}

    def rule(
        s: Scalars, p: rt.Array, g: rt.Array, v: rt.Array, steps: rt.Array
    ) -> tuple[rt.Array, ...]:
        v = v * s.rho + squared(g) * s.rest
        d = rt.sqrt(steps + s.eps) / rt.sqrt(v + s.eps) * g
        return d * s.rate, v, steps * s.rho + squared(d) * s.rest

    slots = {"v": rt.zeros_like, "steps": rt.zeros_like}
    kind = Leafwise("adadelta", AdadeltaState, slots, rule, scalars)
    return leafwise(kind, learning_rate, l2=weight_decay)


class RMSpropState(NamedTuple):
    """State of `rmsprop`.

    Attributes:
        step: Number of updates so far, int32.
        v: Running mean of the squares of the gradients, as the parameters.
        mean: Running mean of the gradients, if `centered`; None if not.
        momentum: Running sum of the steps, with momentum; None without.

    Example:
        >>> import rtorch as rt
        >>> rt.optim.rmsprop(centered=True).init(rt.ones(1))
        RMSpropState(step=Array(0, dtype=int32), v=Array([0.], dtype=float32),
                     mean=Array([0.], dtype=float32), momentum=None)
    """

    step: rt.Array
    v: Any
    mean: Any = None
    momentum: Any = None


def rmsprop(
    learning_rate: LearningRate = 1e-2,
    alpha: Number = 0.99,
    eps: Number = 1e-8,
    weight_decay: Number = 0.0,
    momentum: Number = 0.0,
    *,
    centered: bool = False,
) -> Optimizer:
    """RMSprop, as PyTorch has it.

    With ``v = alpha * v + (1 - alpha) * g**2``, the step is ``d = g / (sqrt(v) + eps)``, with
    `centered` ``d = g / (sqrt(v - mean**2) + eps)``; with momentum, ``d`` is ``momentum`` times
    the step before and this. The update is ``-learning_rate * d``.

    Args:
        learning_rate: A number, or a function of the step (see `optim.schedules`).
        alpha: Decay of the means.
        eps: Added to the root, against division by zero.
        weight_decay: Factor of an L2 penalty.
        momentum: What remains of the steps before.
        centered: Divide by the standard deviation of the gradients.

    Raises:
        ArgumentError: if a hyperparameter is out of its range.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.rmsprop(0.1)
        >>> opt.update(rt.full(1, 2.0), opt.init(rt.ones(1)))[0]
        Array([-0.99999995], dtype=float32)

    References:
        Tieleman & Hinton 2012; Graves 2013 (arXiv:1308.0850) for `centered`.
    """
    check_fraction("rmsprop", alpha=alpha)
    check_not_negative("rmsprop", eps=eps, momentum=momentum)
    with_momentum = is_on(momentum)

    def scalars(rate: Any, t: rt.Array) -> Scalars:
        return {"rate": rate, "a": alpha, "rest": 1 - alpha, "eps": eps, "momentum": momentum}

    def rule(
        s: Scalars, p: rt.Array, g: rt.Array, v: rt.Array, *more: rt.Array
    ) -> tuple[rt.Array, ...]:
        new = [v * s.a + squared(g) * s.rest]
        spread = new[0]
        if centered:
            new.append(more[0] * s.a + g * s.rest)
            spread = spread - squared(new[1])
        step = g / (rt.sqrt(spread) + s.eps)
        if with_momentum:
            step = more[-1] * s.momentum + step
            new.append(step)
        return step * s.rate, *new

    names = ["v"] + ["mean"] * centered + ["momentum"] * with_momentum
    kind = Leafwise("rmsprop", RMSpropState, dict.fromkeys(names, rt.zeros_like), rule, scalars)
    return leafwise(kind, learning_rate, l2=weight_decay)
