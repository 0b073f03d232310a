"""Stochastic gradient descent with momentum."""

from __future__ import annotations

from typing import Any, NamedTuple

import rtorch as rt
from rtorch.errors import ArgumentError
from rtorch.optim.base import LearningRate, Number, Optimizer, check_not_negative, is_on
from rtorch.optim.leafwise import Leafwise, Scalars, leafwise


class SGDState(NamedTuple):
    """State of `sgd`.

    Attributes:
        step: Number of updates so far, int32.
        momentum: Running sum of the gradients, as the parameters; None without momentum.

    Example:
        >>> import rtorch as rt
        >>> rt.optim.sgd(0.1).init(rt.ones(2))
        SGDState(step=Array(0, dtype=int32), momentum=None)
    """

    step: rt.Array
    momentum: Any = None


def sgd(
    learning_rate: LearningRate = 1e-3,
    momentum: Number = 0.0,
    *,
    dampening: Number = 0.0,
    nesterov: bool = False,
    weight_decay: Number = 0.0,
) -> Optimizer:
    """Gradient descent as PyTorch has it.

    With ``g = grad + weight_decay * p`` and ``m = momentum * m + (1 - dampening) * g`` (``m = g``
    in the first step), the update is ``-learning_rate * m``, and
    ``-learning_rate * (g + momentum * m)`` with `nesterov`.

    Args:
        learning_rate: A number, or a function of the step (see `optim.schedules`).
        momentum: What remains of ``m`` from step to step.
        dampening: What is taken off the gradient in ``m``.
        nesterov: Look ahead by one step of the momentum.
        weight_decay: Factor of an L2 penalty of half the squared parameters.

    Raises:
        ArgumentError: if `nesterov` comes without momentum or with dampening.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.sgd(0.25, momentum=0.5)
        >>> x, state = rt.asarray(1.0), opt.init(rt.asarray(1.0))
        >>> for _ in range(30):
        ...     updates, state = opt.update(2 * x, state, x)
        ...     x = rt.optim.apply_updates(x, updates)
        >>> abs(float(x)) < 1e-3
        True

    References:
        Sutskever et al. 2013, On the importance of initialization and momentum in deep learning.
    """
    check_not_negative("sgd", momentum=momentum)
    if nesterov and (not is_on(momentum) or is_on(dampening)):
        raise ArgumentError(
            f"[sgd] nesterov needs momentum > 0 and dampening = 0, got momentum={momentum}, "
            f"dampening={dampening}"
        )

    def scalars(rate: Any, t: rt.Array) -> Scalars:
        # All of the gradient in the first step.
        taken = 1 - dampening * (t > 1).astype(rt.float64) if is_on(dampening) else 1.0
        return {"rate": rate, "momentum": momentum, "taken": taken}

    def rule(s: Scalars, p: rt.Array, g: rt.Array, *m: rt.Array) -> tuple[rt.Array, ...]:
        if not m:
            return (g * s.rate,)
        moved = m[0] * s.momentum + g * s.taken
        return (g + moved * s.momentum if nesterov else moved) * s.rate, moved

    slots = {"momentum": rt.zeros_like} if is_on(momentum) else {}
    return leafwise(Leafwise("sgd", SGDState, slots, rule, scalars), learning_rate, l2=weight_decay)
