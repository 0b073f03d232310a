"""DoG, DoWG and Prodigy: the learning rate from the distance to the start, nothing to tune."""

from __future__ import annotations

from collections.abc import Callable
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
    is_on,
    map_trained,
    need_params,
    rate_at,
    scale,
    updates_like,
)
from rtorch.optim.clipping import global_norm
from rtorch.optim.leafwise import one_less_power, squared, unzip


class DistanceState(NamedTuple):
    """State of `dog` and `dowg`.

    Attributes:
        step: Number of updates so far, int32.
        start: The parameters at first, float32 or wider.
        distance: The largest distance from there so far, float64.
        total: Sum of the squared norms of the gradients, weighted in `dowg`, float64.

    Example:
        >>> import rtorch as rt
        >>> float(rt.optim.dog(initial=0.5).init(rt.ones(1)).distance)
        1.0
    """

    step: rt.Array
    start: Any
    distance: rt.Array
    total: rt.Array


def dog(
    learning_rate: LearningRate = 1.0,
    initial: float = 1e-6,
    eps: Number = 1e-8,
    weight_decay: Number = 0.0,
) -> Optimizer:
    """Distance over gradients: SGD that finds its rate.

    With ``r`` the largest distance from the start so far, at least ``initial * (1 + norm(start))``,
    and ``G`` the sum of the squared norms of the gradients, the update is
    ``-learning_rate * r / sqrt(G + eps) * g``. Use it with an average of the parameters (`ema`).

    Args:
        learning_rate: A factor, best left at 1; a number, or a function of the step.
        initial: The first distance, as a part of the size of the parameters.
        eps: Added to ``G``.
        weight_decay: Factor of an L2 penalty.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.dog(initial=0.5, eps=0.0)
        >>> opt.update(rt.asarray([3.0]), opt.init(rt.ones(1)), rt.ones(1))[0]
        Array([-1.], dtype=float32)

    References:
        Ivgi et al. 2023 (arXiv:2302.12022). As ``optax.contrib.dog``.
    """
    check_positive("dog", initial=initial)

    def size(distance: rt.Array, total: rt.Array, square: rt.Array) -> tuple[rt.Array, rt.Array]:
        total = total + square
        return distance / rt.sqrt(total + eps), total

    def first(params: Params) -> Any:
        return (1 + global_norm(params).astype(rt.float64)) * initial

    return _by_distance("dog", learning_rate, first, size, eps, weight_decay)


def dowg(
    learning_rate: LearningRate = 1.0,
    initial: float = 1e-2,
    eps: Number = 1e-4,
    weight_decay: Number = 0.0,
) -> Optimizer:
    """Distance over weighted gradients: as `dog`, with later gradients counting for more.

    With ``r`` as there, at least `initial`, and ``G`` the sum of ``r**2 * norm(g)**2``, the update
    is ``-learning_rate * r**2 / (sqrt(G) + eps) * g``.

    Args:
        learning_rate: A factor, best left at 1; a number, or a function of the step.
        initial: The first distance.
        eps: Added to the root.
        weight_decay: Factor of an L2 penalty.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.dowg(initial=0.5, eps=0.0)
        >>> opt.update(rt.asarray([3.0]), opt.init(rt.ones(1)), rt.ones(1))[0]
        Array([-0.5], dtype=float32)

    References:
        Khaled et al. 2023 (arXiv:2305.16284). As ``optax.contrib.dowg``, which takes the square of
        `initial`.
    """
    check_positive("dowg", initial=initial)

    def size(distance: rt.Array, total: rt.Array, square: rt.Array) -> tuple[rt.Array, rt.Array]:
        total = total + distance * distance * square
        root = rt.sqrt(total) + eps
        return distance * distance / rt.where(root > 0, root, 1.0), total

    return _by_distance("dowg", learning_rate, lambda params: initial, size, eps, weight_decay)


def _by_distance(
    name: str,
    learning_rate: LearningRate,
    first: Callable[[Params], Any],
    size: Callable[[rt.Array, rt.Array, rt.Array], tuple[rt.Array, rt.Array]],
    eps: Number,
    weight_decay: Number,
) -> Optimizer:
    check_not_negative(name, learning_rate=learning_rate, eps=eps, weight_decay=weight_decay)

    @api
    def init(params: Params) -> DistanceState:
        distance = rt.asarray(first(params), dtype=rt.float64)
        return DistanceState(first_step(), _start(params), distance, rt.zeros((), dtype=rt.float64))

    @api
    def update(
        grads: Updates, state: DistanceState, params: Params = None, **extra: Any
    ) -> tuple[Updates, DistanceState]:
        need_params(name, params)
        grads, _ = evaluated(grads, params, extra)

        def penalised(p: rt.Array, g: Any) -> rt.Array:
            if g is None:  # no gradient: the leaf stays
                return rt.zeros_like(p)
            g = rt.asarray(g)
            return g + scale(p, weight_decay) if is_on(weight_decay) else g

        grads = map_trained(penalised, params, grads)
        way = map_trained(lambda p, start: start - p.astype(start.dtype), params, state.start)
        distance = rt.maximum(state.distance, global_norm(way).astype(rt.float64))
        norm = global_norm(grads).astype(rt.float64)
        factor, total = size(distance, state.total, norm * norm)
        factor = factor * rate_at(learning_rate, state.step)
        updates = map_trained(lambda p, g: -scale(_wide(g), factor).astype(p.dtype), params, grads)
        updates = updates_like(params, updates)
        return updates, DistanceState(state.step + 1, state.start, distance, total)

    return Optimizer(init, update)


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
        start = _start(params)
        zeros = [rt.tree.map(rt.zeros_like, start) for _ in range(3)]
        estimate = rt.asarray(initial, dtype=rt.float64)
        return ProdigyState(first_step(), estimate, rt.zeros_like(estimate), start, *zeros)

    @api
    def update(
        grads: Updates, state: ProdigyState, params: Params = None, **extra: Any
    ) -> tuple[Updates, ProdigyState]:
        need_params("prodigy", params)
        grads, _ = evaluated(grads, params, extra)
        t, d = (state.step + 1).astype(rt.float64), state.estimate
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
        state = ProdigyState(state.step + 1, estimate, numerator, state.start, total, m, v)
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


def _start(params: Params) -> Any:
    """A copy, since the parameters themselves may be donated."""
    return map_trained(lambda p: _wide(p) + 0, params)


def _wide(x: rt.Array) -> rt.Array:
    return x.astype(rt.promote_types(x.dtype, rt.float32))
