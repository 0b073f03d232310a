"""Prodigy: AdamW with the learning rate from the distance to the start."""

from __future__ import annotations

from typing import Any, NamedTuple

import rtorch as rt
from rtorch.errors import api
from rtorch.optim.base import (
    LearningRate,
    Number,
    Optimizer,
    Params,
    Updates,
    check_fraction,
    check_not_negative,
    check_positive,
    evaluated,
    first_step,
    map_trained,
    need_params,
    next_step,
    rate_at,
    scale,
    updates_like,
)
from rtorch.optim.fit import check_state, check_updates
from rtorch.optim.leafwise import one_less_power, squared, unzip
from rtorch.optim.parameter_free import start_of


class ProdigyState(NamedTuple):
    """State of `prodigy`.

    Attributes:
        step: Number of updates so far, int32.
        estimate: The rate that was found, float64.
        numerator: Of the estimate, float64.
        start: The parameters at first, float32 or wider, as are the rest.
        total: Weighted sum of the gradients.
        m: Running mean of the gradients.
        v: Running mean of their squares.

    Example:
        >>> import rtorch as rt
        >>> float(rt.optim.prodigy().init(rt.ones(1)).estimate)
        1e-06
    """

    step: rt.Array
    estimate: rt.Array
    numerator: rt.Array
    start: Any
    total: Any
    m: Any
    v: Any


def prodigy(
    learning_rate: LearningRate = 1.0,
    b1: Number = 0.9,
    b2: Number = 0.999,
    b3: Number | None = None,
    eps: Number = 1e-8,
    weight_decay: Number = 0.0,
    *,
    initial: float = 1e-6,
    growth: Number = 1.0,
    safeguard_warmup: bool = False,
) -> Optimizer:
    """Prodigy: AdamW that finds its rate.

    The rate ``d`` is the largest so far of ``growth * numerator / sum(abs(total))``: how far the
    gradients have led from the start, divided by their size. The rest is `adamw` with gradients
    ``d * g`` and the rate ``d * learning_rate``.

    Args:
        learning_rate: A factor, best 1 with a decay to 0; a number, or a function of the step.
        b1: Decay of the mean of the gradients.
        b2: Decay of the mean of their squares.
        b3: Decay of the sums in the estimate; ``sqrt(b2)`` by default.
        eps: Times the estimate, added to the root.
        weight_decay: Decoupled, as in `adamw`.
        initial: The first, too small estimate.
        growth: Factor of the estimates.
        safeguard_warmup: Leave the schedule out of the estimate, for long warm-ups.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.prodigy()
        >>> x = rt.asarray(1.0)
        >>> state = opt.init(x)
        >>> for _ in range(100):
        ...     updates, state = opt.update(2 * x, state, x)
        ...     x = rt.optim.apply_updates(x, updates)
        >>> abs(float(x)) < 0.1
        True

    References:
        Mishchenko & Defazio 2023 (arXiv:2306.06101). As ``optax.contrib.prodigy``.
    """
    b3 = b2**0.5 if b3 is None else b3
    check_fraction("prodigy", b1=b1, b2=b2, b3=b3)
    check_not_negative("prodigy", eps=eps, weight_decay=weight_decay, learning_rate=learning_rate)
    check_positive("prodigy", initial=initial, growth=growth)

    @api
    def init(params: Params) -> ProdigyState:
        start = start_of(params)
        zeros = [rt.tree.map(rt.zeros_like, start) for _ in range(3)]
        estimate = rt.asarray(initial, dtype=rt.float64)
        return ProdigyState(first_step(), estimate, rt.zeros_like(estimate), start, *zeros)

    @api
    def update(
        grads: Updates, state: ProdigyState, params: Params = None, **extra: Any
    ) -> tuple[Updates, ProdigyState]:
        need_params("prodigy", params)
        grads, _ = evaluated(grads, params, extra)
        check_state("prodigy", state, ProdigyState)
        check_updates("prodigy", "grads", params, grads)
        t, d = state.step.astype(rt.float64) + 1, state.estimate
        correction = rt.sqrt(one_less_power(b2, t)) / one_less_power(b1, t)
        rate = d * rate_at(learning_rate, state.step) * correction
        weight = d * (d if safeguard_warmup else rate) / initial

        def moments(
            p: rt.Array, g: Any, total: rt.Array, m: rt.Array, v: rt.Array
        ) -> tuple[rt.Array, ...]:
            if g is None:
                return total, m, v
            g = rt.asarray(g).astype(m.dtype)
            m = m * b1 + scale(g, d * (1 - b1))
            v = v * b2 + scale(squared(g), d * d * (1 - b2))
            return total * b3 + scale(g, weight), m, v

        old = (state.total, state.m, state.v)
        total, m, v = unzip(params, map_trained(moments, params, grads, *old), 3)
        way = _sum(map_trained(_progress, params, grads, state.start))
        numerator = state.numerator * b3 + d / initial * rate * way
        size = _sum(map_trained(lambda p, s: rt.sum(rt.abs(s)), params, total))
        found = growth * numerator / rt.where(size > 0, size, 1.0)
        estimate = rt.maximum(d, rt.where(size > 0, found, 0.0))

        def step(p: rt.Array, g: Any, m: rt.Array, v: rt.Array) -> rt.Array:
            if g is None:
                return rt.zeros_like(p)
            u = m / (rt.sqrt(v) + (estimate * eps).astype(rt.finfo(v.dtype).dtype))
            return -scale(u + p.astype(m.dtype) * weight_decay, rate).astype(p.dtype)

        updates = updates_like(params, map_trained(step, params, grads, m, v))
        state = ProdigyState(next_step(state.step), estimate, numerator, state.start, total, m, v)
        return updates, state

    return Optimizer(init, update)


def _progress(p: rt.Array, g: Any, start: rt.Array) -> rt.Array:
    """The product of a gradient with the way that its leaf has gone."""
    if g is None:
        return rt.zeros((), dtype=rt.float32)
    way = start - p.astype(start.dtype)
    return rt.sum(rt.real(rt.conj(rt.asarray(g).astype(way.dtype)) * way))


def _sum(tree: Any) -> rt.Array:
    total = rt.zeros((), dtype=rt.float64)
    for x in rt.tree.leaves(tree):
        total = total + x.astype(rt.float64)
    return total
