"""Averages of the parameters on the way: exponential, stochastic (SWA), lookahead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import rtorch as rt
from rtorch.errors import api
from rtorch.optim.base import (
    Optimizer,
    Params,
    State,
    Updates,
    check_fraction,
    check_not_negative,
    check_optimizer,
    check_positive,
    first_step,
    map_trained,
    need_params,
    next_step,
    updates_like,
)
from rtorch.optim.fit import check_state


class AverageState(NamedTuple):
    """State of `ema`, `swa` and `lookahead`.

    Attributes:
        step: Number of updates so far, int32.
        average: The average of the parameters, float32 or wider; None at leaves that are not
            floating. For `lookahead`, the slow weights.
        inner: The state of the optimizer.

    Example:
        >>> import rtorch as rt
        >>> rt.optim.ema(rt.optim.sgd(0.1)).init(rt.ones(1)).average
        Array([1.], dtype=float32)
    """

    step: rt.Array
    average: Any
    inner: State


def ema(optimizer: Optimizer, decay: float = 0.999) -> Optimizer:
    """`optimizer`, and an exponential moving average of the parameters in ``state.average``.

    After each update, ``average = decay * average + (1 - decay) * params``; the first takes the
    parameters as they are.

    Args:
        optimizer: The optimizer.
        decay: What remains of the average in each step.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.ema(rt.optim.sgd(1.0), 0.75)
        >>> params, state = rt.zeros(1), opt.init(rt.zeros(1))
        >>> for _ in range(2):
        ...     updates, state = opt.update(rt.ones(1), state, params)
        ...     params = rt.optim.apply_updates(params, updates)
        >>> params, state.average
        (Array([-2.], dtype=float32), Array([-1.25], dtype=float32))

    References:
        Polyak & Juditsky 1992, Acceleration of stochastic approximation by averaging.
    """
    check_fraction("ema", decay=decay)
    return _averaged("ema", optimizer, lambda t: 1 - decay * (t > 1).astype(rt.float64))


def swa(optimizer: Optimizer, start: int = 0, every: int = 1) -> Optimizer:
    """`optimizer`, and the plain mean of the parameters on the way in ``state.average``.

    With BatchNorm in the model, `update_bn` makes its running statistics for the mean.

    Args:
        optimizer: The optimizer, best with a constant or cyclic rate.
        start: Updates before the first that counts.
        every: One of so many counts.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.swa(rt.optim.sgd(1.0), start=1)
        >>> params, state = rt.zeros(1), opt.init(rt.zeros(1))
        >>> for _ in range(3):
        ...     updates, state = opt.update(rt.ones(1), state, params)
        ...     params = rt.optim.apply_updates(params, updates)
        >>> params, state.average
        (Array([-3.], dtype=float32), Array([-2.5], dtype=float32))

    References:
        Izmailov et al. 2018 (arXiv:1803.05407).
    """
    check_not_negative("swa", start=start)
    check_positive("swa", every=every)

    def weight(t: rt.Array) -> rt.Array:
        after = t - (start + 1)
        counted = rt.floor(after / every)
        counts = counted * every == after
        return rt.where(after < 0, 1.0, rt.where(counts, 1 / (rt.maximum(counted, 0.0) + 1), 0.0))

    return _averaged("swa", optimizer, weight)


def lookahead(optimizer: Optimizer, steps: int = 5, alpha: float = 0.5) -> Optimizer:
    """`optimizer`, set back to slow weights every `steps` updates, which go part of its way.

    Args:
        optimizer: The optimizer of the fast weights.
        steps: How many steps it looks ahead.
        alpha: The part of the way that the slow weights go.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.lookahead(rt.optim.sgd(1.0), steps=2)
        >>> params, state = rt.zeros(1), opt.init(rt.zeros(1))
        >>> for _ in range(2):
        ...     updates, state = opt.update(rt.ones(1), state, params)
        ...     params = rt.optim.apply_updates(params, updates)
        >>> params
        Array([-1.], dtype=float32)

    References:
        Zhang et al. 2019 (arXiv:1907.08610).
    """
    check_positive("lookahead", steps=steps, alpha=alpha)

    def next_slow(state: AverageState, params: Params, updates: Updates) -> tuple[Any, Updates]:
        now = (state.step + 1) % steps == 0

        def slower(p: rt.Array, u: rt.Array, slow: rt.Array) -> rt.Array:
            fast = (p + u).astype(slow.dtype)
            return rt.where(now, slow + (fast - slow) * alpha, slow)

        def jump(p: rt.Array, u: rt.Array, slow: rt.Array) -> rt.Array:
            return rt.where(now, (slow - p.astype(slow.dtype)).astype(u.dtype), u)

        slow = map_trained(slower, params, updates, state.average)
        return slow, updates_like(params, map_trained(jump, params, updates, slow))

    return _with_average("lookahead", optimizer, next_slow)


def _averaged(name: str, optimizer: Optimizer, weight: Callable[[rt.Array], rt.Array]) -> Optimizer:
    """With an average in which the newest parameters have ``weight(t)``, ``t = 1, 2, ...``."""

    def average(state: AverageState, params: Params, updates: Updates) -> tuple[Any, Updates]:
        w = weight(state.step.astype(rt.float64) + 1)

        def one(p: rt.Array, u: rt.Array, old: rt.Array) -> rt.Array:
            new = (p + u).astype(p.dtype).astype(old.dtype)
            return old + (new - old) * w.astype(rt.finfo(old.dtype).dtype)

        return map_trained(one, params, updates, state.average), updates

    return _with_average(name, optimizer, average)


def _with_average(
    name: str,
    optimizer: Optimizer,
    step: Callable[[AverageState, Params, Updates], tuple[Any, Updates]],
) -> Optimizer:
    check_optimizer(name, "optimizer", optimizer)

    @api
    def init(params: Params) -> AverageState:
        # A copy, since the parameters themselves may be donated.
        average = map_trained(lambda p: p.astype(rt.promote_types(p.dtype, rt.float32)) + 0, params)
        return AverageState(first_step(), average, optimizer.init(params))

    @api
    def update(
        grads: Updates, state: AverageState, params: Params = None, **extra: Any
    ) -> tuple[Updates, AverageState]:
        need_params(name, params)
        check_state(name, state, AverageState)
        updates, inner = optimizer.update(grads, state.inner, params, **extra)
        average, updates = step(state, params, updates)
        return updates, AverageState(next_step(state.step), average, inner)

    return Optimizer(init, update)
