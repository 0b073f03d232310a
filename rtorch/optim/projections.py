"""Parameters that stay in a set: the nearest point of it, after every step.

The functions take a pytree and look at all of its floating leaves as one vector; others pass.
`project` makes one of them the last part of a `chain`, and `masked` gives it some of the leaves.

Example:
    >>> import rtorch as rt
    >>> from rtorch import optim
    >>> opt = optim.chain(optim.sgd(1.0), optim.project(optim.projections.simplex))
    >>> p = rt.asarray([0.5, 0.5, 0.0])
    >>> updates, state = opt.update(rt.asarray([-1.0, 1.0, 1.0]), opt.init(p), p)
    >>> optim.apply_updates(p, updates)
    Array([1., 0., 0.], dtype=float32)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, api, describe
from rtorch.optim.base import (
    Optimizer,
    Params,
    Updates,
    apply_updates,
    check_positive,
    is_number,
    is_trained,
    map_trained,
    need_params,
    scale,
    transformation,
    updates_like,
)
from rtorch.optim.clipping import global_norm

__all__ = ["box", "l1_ball", "l2_ball", "linf_ball", "non_negative", "simplex"]


@api
def non_negative(tree: Any) -> Any:
    """Negative numbers become 0.

    Example:
        >>> import rtorch as rt
        >>> rt.optim.projections.non_negative(rt.asarray([-1.0, 2.0]))
        Array([0., 2.], dtype=float32)
    """
    return _map(lambda x: rt.maximum(x, 0.0), tree)


@api
def box(tree: Any, low: Any, high: Any) -> Any:
    """Numbers between `low` and `high`, which are numbers or pytrees as `tree` (or prefixes of it).

    Raises:
        ArgumentError: if `low` is above `high`, where these are numbers.

    Example:
        >>> import rtorch as rt
        >>> rt.optim.projections.box(rt.asarray([-1.0, 0.5, 2.0]), 0.0, 1.0)
        Array([0. , 0.5, 1. ], dtype=float32)
    """
    if is_number(low) and is_number(high) and low > high:
        raise ArgumentError(f"[box] low: expected at most high={high!r}, got {low!r}")
    low, high = rt.tree.broadcast(low, tree), rt.tree.broadcast(high, tree)
    return _map(lambda x, a, b: rt.clip(x, a, b), tree, low, high)


@api
def linf_ball(tree: Any, radius: float = 1.0) -> Any:
    """Numbers between ``-radius`` and `radius`.

    Example:
        >>> import rtorch as rt
        >>> rt.optim.projections.linf_ball(rt.asarray([-3.0, 0.5]))
        Array([-1. ,  0.5], dtype=float32)
    """
    check_positive("linf_ball", radius=radius)
    return _map(lambda x: rt.clip(x, -radius, radius), tree)


@api
def l2_ball(tree: Any, radius: float = 1.0) -> Any:
    """A vector of a Euclidean norm of at most `radius`: shortened where it is longer.

    Example:
        >>> import rtorch as rt
        >>> rt.optim.projections.l2_ball(rt.asarray([3.0, 4.0]))
        Array([0.6, 0.8], dtype=float32)
    """
    check_positive("l2_ball", radius=radius)
    norm = global_norm(tree)
    factor = radius / rt.maximum(norm, radius)
    return _map(lambda x: scale(x, factor), tree)


@api
def simplex(tree: Any, total: float = 1.0) -> Any:
    """Numbers of 0 or more whose sum is `total`.

    Example:
        >>> import rtorch as rt
        >>> rt.optim.projections.simplex(rt.asarray([0.5, 1.5, -3.0]))
        Array([0., 1., 0.], dtype=float32)

    References:
        Duchi et al. 2008, Efficient projections onto the l1-ball for learning in high dimensions.
    """
    check_positive("simplex", total=total)
    theta = _level(_flat(tree), total)
    return _map(lambda x: rt.maximum(x - theta.astype(x.dtype), 0.0), tree)


@api
def l1_ball(tree: Any, radius: float = 1.0) -> Any:
    """A vector whose absolute values have a sum of at most `radius`.

    Example:
        >>> import rtorch as rt
        >>> rt.optim.projections.l1_ball(rt.asarray([-2.0, 1.5, 0.0]))
        Array([-0.75,  0.25,  0.  ], dtype=float32)

    References:
        Duchi et al. 2008, Efficient projections onto the l1-ball for learning in high dimensions.
    """
    check_positive("l1_ball", radius=radius)
    sizes = rt.abs(_flat(tree))
    theta = rt.where(rt.sum(sizes) > radius, _level(sizes, radius), 0.0)
    return _map(lambda x: rt.sign(x) * rt.maximum(rt.abs(x) - theta.astype(x.dtype), 0.0), tree)


def project(projection: Callable[[Params], Params]) -> Optimizer:
    """Updates that end in a set; for the end of a `chain`.

    Args:
        projection: From parameters to parameters, such as `projections.non_negative`.

    Returns:
        An `Optimizer` without state, whose ``update`` needs the parameters.

    Example:
        >>> import rtorch as rt
        >>> from rtorch import optim
        >>> opt = optim.chain(optim.sgd(1.0), optim.project(optim.projections.non_negative))
        >>> updates, state = opt.update(rt.full(1, 3.0), opt.init(rt.ones(1)), rt.ones(1))
        >>> updates
        Array([-1.], dtype=float32)
    """
    if not callable(projection):
        raise ArgumentError(
            f"[project] projection: expected a function of parameters, got {describe(projection)}"
        )

    def change(updates: Updates, params: Params) -> Updates:
        need_params("project", params)
        there = projection(apply_updates(params, updates))
        return updates_like(params, map_trained(lambda p, q: q - p, params, there))

    return transformation(change)


def _level(x: rt.Array, total: float) -> rt.Array:
    """What must be taken off `x` for its positive rest to have the sum `total`."""
    if not x.size:
        return rt.zeros((), dtype=x.dtype)
    falling = rt.flip(rt.sort(x))
    count = rt.arange(1, x.size + 1, dtype=x.dtype)
    levels = (rt.cumsum(falling) - total) / count
    last = rt.sum((falling > levels).astype(rt.int64)) - 1
    return levels[rt.maximum(last, 0)]


def _flat(tree: Any) -> rt.Array:
    """The floating leaves as one vector, float32 or wider."""
    parts = [rt.asarray(x) for x in rt.tree.leaves(tree) if is_trained(x)]
    dtype = rt.result_type(rt.float32, *parts)
    flat = [x.reshape(-1).astype(dtype) for x in parts]
    return rt.concatenate(flat) if flat else rt.zeros(0, dtype=dtype)


def _map(f: Any, tree: Any, *rest: Any) -> Any:
    return rt.tree.map(lambda x, *xs: f(rt.asarray(x), *xs) if is_trained(x) else x, tree, *rest)
