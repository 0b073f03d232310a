"""DoG and DoWG: the learning rate from the distance to the start, nothing to tune."""

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
    check_not_negative,
    check_positive,
    evaluated,
    first_step,
    is_on,
    map_trained,
    need_params,
    next_step,
    rate_at,
    scale,
    updates_like,
)
from rtorch.optim.clipping import global_norm
from rtorch.optim.fit import check_state, check_updates


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
        return DistanceState(
            first_step(), start_of(params), distance, rt.zeros((), dtype=rt.float64)
        )

    @api
    def update(
        grads: Updates, state: DistanceState, params: Params = None, **extra: Any
    ) -> tuple[Updates, DistanceState]:
        need_params(name, params)
        grads, _ = evaluated(grads, params, extra)
        check_state(name, state, DistanceState)
        check_updates(name, "grads", params, grads)

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
        return updates, DistanceState(next_step(state.step), state.start, distance, total)

    return Optimizer(init, update)


def start_of(params: Params) -> Any:
    """A copy, since the parameters themselves may be donated."""
    return map_trained(lambda p: _wide(p) + 0, params)


def _wide(x: rt.Array) -> rt.Array:
    return x.astype(rt.promote_types(x.dtype, rt.float32))
