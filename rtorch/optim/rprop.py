"""Rprop, for gradients without noise, and averaged stochastic gradient descent."""

from __future__ import annotations

from typing import Any, NamedTuple

import rtorch as rt
from rtorch.errors import ArgumentError, DTypeError
from rtorch.optim.base import LearningRate, Number, Optimizer, check_not_negative, rate_at
from rtorch.optim.leafwise import Leafwise, Scalars, Slots, leafwise


class RpropState(NamedTuple):
    """State of `rprop`: the number of updates, the gradients before, and the sizes of the steps.

    Example:
        >>> import rtorch as rt
        >>> rt.optim.rprop(0.5).init(rt.ones(1)).size
        Array([0.5], dtype=float32)
    """

    step: rt.Array
    last: Any
    size: Any


def rprop(
    learning_rate: LearningRate = 1e-2,
    etas: tuple[float, float] = (0.5, 1.2),
    step_sizes: tuple[float, float] = (1e-6, 50.0),
) -> Optimizer:
    """Rprop: a step size for every coordinate, which the signs of the gradients make and break.

    Where the sign is that of the gradient before, the size grows by ``etas[1]``; where it has
    changed, it shrinks by ``etas[0]`` and the coordinate rests for this step. For whole data sets:
    with mini-batches the signs are noise.

    Args:
        learning_rate: The size at the beginning; of a schedule, its value at step 0.
        etas: Factors of shrinking and of growing.
        step_sizes: The smallest and the largest size.

    Raises:
        ArgumentError: unless ``0 < etas[0] < 1 < etas[1]`` and the sizes rise.
        DTypeError: in ``init``, for complex parameters.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.rprop(0.1)
        >>> opt.update(rt.asarray([30.0, -0.1]), opt.init(rt.ones(2)))[0]
        Array([-0.1,  0.1], dtype=float32)

    References:
        Riedmiller & Braun 1993, A direct adaptive method for faster backpropagation learning.
    """
    shrink, grow = etas
    if not 0 < shrink < 1 < grow:
        raise ArgumentError(f"[rprop] etas: expected 0 < etas[0] < 1 < etas[1], got {etas!r}")
    low, high = step_sizes
    if not 0 <= low <= high:
        raise ArgumentError(
            f"[rprop] step_sizes: expected 0 <= step_sizes[0] <= step_sizes[1], got {step_sizes!r}"
        )

    def first_size(p: rt.Array) -> rt.Array:
        if rt.isdtype(p.dtype, "complex floating"):
            raise DTypeError("[rprop] expected real parameters, got complex: split them into parts")
        return rt.zeros_like(p) + rt.asarray(
            rate_at(learning_rate, rt.asarray(0, dtype=rt.int32)), dtype=p.dtype
        )

    def rule(
        s: Scalars, p: rt.Array, g: rt.Array, last: rt.Array, size: rt.Array
    ) -> tuple[rt.Array, ...]:
        agreed = g * last
        turned = agreed < 0
        size = rt.where(turned, size * shrink, rt.where(agreed > 0, size * grow, size))
        size = rt.clip(size, low, high)
        g = rt.where(turned, 0.0, g)
        return rt.sign(g) * size, g, size

    slots: Slots = {"last": rt.zeros_like, "size": first_size}
    return leafwise(Leafwise("rprop", RpropState, slots, rule, lambda rate, t: {}), learning_rate)


class ASGDState(NamedTuple):
    """State of `asgd`: the number of updates, and the running average of the parameters.

    Example:
        >>> import rtorch as rt
        >>> rt.optim.asgd().init(rt.ones(1)).average
        Array([0.], dtype=float32)
    """

    step: rt.Array
    average: Any


def asgd(
    learning_rate: LearningRate = 1e-2,
    lambd: Number = 1e-4,
    alpha: Number = 0.75,
    t0: Number = 1e6,
    weight_decay: Number = 0.0,
) -> Optimizer:
    """Gradient descent whose result is the average of the parameters on the way.

    With ``eta = learning_rate / (1 + lambd * learning_rate * (t - 1)) ** alpha``, the update is
    ``-eta * (g + lambd * p)``; from step `t0` on, ``state.average`` is the mean of the parameters,
    before that the parameters themselves.

    Args:
        learning_rate: A number, or a function of the step (see `optim.schedules`).
        lambd: Decay of the parameters and of the rate.
        alpha: Power of the decay of the rate.
        t0: The step where averaging begins.
        weight_decay: Factor of an L2 penalty.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.asgd(0.1, lambd=0.0)
        >>> updates, state = opt.update(rt.ones(1), opt.init(rt.ones(1)), rt.ones(1))
        >>> updates, state.average
        (Array([-0.1], dtype=float32), Array([0.9], dtype=float32))

    References:
        Polyak & Juditsky 1992, Acceleration of stochastic approximation by averaging.
    """
    check_not_negative("asgd", lambd=lambd, alpha=alpha, t0=t0)

    def scalars(rate: Any, t: rt.Array) -> Scalars:
        eta = rate / (1 + (t - 1) * (rate * lambd)) ** alpha
        return {"eta": eta, "shrink": eta * lambd, "mu": 1 / rt.maximum(1.0, t - 1 - t0)}

    def rule(s: Scalars, p: rt.Array, g: rt.Array, average: rt.Array) -> tuple[rt.Array, ...]:
        step = p * s.shrink + g * s.eta
        return step, average + (p - step - average) * s.mu

    kind = Leafwise("asgd", ASGDState, {"average": rt.zeros_like}, rule, scalars, uses_params=True)
    return leafwise(kind, learning_rate, l2=weight_decay)
