"""Optimizers for some of the leaves: masks, frozen parameters, groups by path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, api, describe
from rtorch.optim.base import (
    LearningRate,
    Number,
    Optimizer,
    Params,
    State,
    Updates,
    check_not_negative,
    check_optimizer,
    evaluated,
    first_step,
    map_trained,
    need_params,
    next_step,
    rate_at,
    scale,
    transformation,
    updates_like,
)
from rtorch.optim.fit import check_states


def masked(optimizer: Optimizer, mask: Any) -> Optimizer:
    """`optimizer` for the leaves in the mask; elsewhere gradients pass as they are.

    Args:
        optimizer: It sees None in the place of the other leaves, and has no state for them.
        mask: A pattern of paths or several (``"*.bias"``; names are joined by dots), a pytree of
            bools which may be a prefix of the parameters, or a function from the parameters to it.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.masked(rt.optim.sgd(0.5), "*bias")
        >>> grads = {"weight": rt.ones(1), "bias": rt.ones(1)}
        >>> opt.update(grads, opt.init(grads))[0]
        {'bias': Array([-0.5], dtype=float32), 'weight': Array([1.], dtype=float32)}
    """
    check_optimizer("masked", "optimizer", optimizer)

    @api
    def init(params: Params) -> State:
        return optimizer.init(_only(params, params, in_mask(mask, params)))

    @api
    def update(
        grads: Updates, state: State, params: Params = None, **extra: Any
    ) -> tuple[Updates, State]:
        grads, extra = evaluated(grads, params, extra)
        like = grads if params is None else params
        keep = in_mask(mask, like)
        updates, state = _update_some(optimizer, keep, grads, state, params, extra)
        return _merge(like, keep, updates, grads), state

    return Optimizer(init, update)


def freeze(mask: Any) -> Optimizer:
    """Sets the updates of the leaves in the mask to zero; for the end of a `chain`.

    Args:
        mask: As of `masked`.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.chain(rt.optim.sgd(0.5), rt.optim.freeze("embed*"))
        >>> grads = {"embedding": rt.ones(1), "head": rt.ones(1)}
        >>> opt.update(grads, opt.init(grads))[0]
        {'embedding': Array([0.], dtype=float32), 'head': Array([-0.5], dtype=float32)}
    """
    return masked(_zero(), mask)


def groups(optimizers: Mapping[str, Optimizer | None]) -> Optimizer:
    """An optimizer for each group of leaves; a leaf belongs to the first pattern that it fits.

    Args:
        optimizers: By pattern of the path, in which names are joined by dots: ``*`` stands for any
            text, ``?`` for one character. None freezes a group, without state.

    Returns:
        An `Optimizer` whose state is a dict of theirs, by pattern.

    Raises:
        ArgumentError: in ``init``, if a leaf fits no pattern.

    Example:
        >>> import rtorch as rt
        >>> from rtorch import optim
        >>> opt = optim.groups({"*bias": optim.sgd(0.5), "*": None})
        >>> grads = {"weight": rt.ones(1), "bias": rt.ones(1)}
        >>> opt.update(grads, opt.init(grads))[0]
        {'bias': Array([-0.5], dtype=float32), 'weight': Array([0.], dtype=float32)}
    """
    parts = {name: _zero() if part is None else part for name, part in optimizers.items()}
    for name, part in parts.items():
        check_optimizer("groups", repr(name), part)

    @api
    def init(params: Params) -> dict[str, State]:
        labels = _labels(parts, params)
        return {
            name: part.init(_only(params, params, [label == name for label in labels]))
            for name, part in parts.items()
        }

    @api
    def update(
        grads: Updates, state: dict[str, State], params: Params = None, **extra: Any
    ) -> tuple[Updates, dict[str, State]]:
        grads, extra = evaluated(grads, params, extra)
        like = grads if params is None else params
        check_states("groups", state, parts)
        labels, updates, new = _labels(parts, like), grads, {}
        for name, part in parts.items():
            keep = [label == name for label in labels]
            moved, new[name] = _update_some(part, keep, grads, state[name], params, extra)
            updates = _merge(like, keep, moved, updates)
        return updates, new

    return Optimizer(init, update)


def decay_weights(
    weight_decay: Number, learning_rate: LearningRate = 1.0, mask: Any = None
) -> Optimizer:
    """Takes ``learning_rate * weight_decay * p`` off the updates; for the end of a `chain`.

    Args:
        weight_decay: The fraction of a parameter that a step at learning rate 1 takes off.
        learning_rate: A number, or a function of the step.
        mask: The leaves that decay, as of `masked`; None for all.

    Example:
        >>> import rtorch as rt
        >>> from rtorch import optim
        >>> rate = optim.schedules.cosine(1e-3, 100)
        >>> opt = optim.chain(optim.adam(rate), optim.decay_weights(0.01, rate, "*weight"))

    References:
        Loshchilov & Hutter 2019 (arXiv:1711.05101).
    """
    check_not_negative("decay_weights", weight_decay=weight_decay, learning_rate=learning_rate)

    @api
    def init(params: Params) -> rt.Array:
        return first_step()

    @api
    def update(
        grads: Updates, state: rt.Array, params: Params = None, **extra: Any
    ) -> tuple[Updates, rt.Array]:
        need_params("decay_weights", params)
        grads, _ = evaluated(grads, params, extra)
        factor = rate_at(learning_rate, state) * weight_decay
        moved = map_trained(lambda p, g: None if g is None else g - scale(p, factor), params, grads)
        return updates_like(params, moved), next_step(state)

    whole = Optimizer(init, update)
    return whole if mask is None else masked(whole, mask)


def in_mask(mask: Any, params: Params) -> list[bool]:
    """Whether each leaf is in the mask."""
    if callable(mask):
        mask = mask(params)
    if isinstance(mask, str):
        mask = [mask]
    if isinstance(mask, Sequence) and mask and all(isinstance(x, str) for x in mask):
        return [any(fnmatchcase(path, pattern) for pattern in mask) for path in _paths(params)]
    found = rt.tree.leaves(rt.tree.broadcast(mask, params))
    for keep in found:
        if not isinstance(keep, bool):
            raise ArgumentError(
                f"[masked] mask: expected bools or patterns of paths, got {describe(keep)}"
            )
    return found


def _paths(params: Params) -> list[str]:
    return [
        rt.tree.keystr(path, simple=True, separator=".")
        for path, _ in rt.tree.leaves_with_path(params)
    ]


def _labels(patterns: Mapping[str, Any], params: Params) -> list[str]:
    labels = []
    for path in _paths(params):
        found = next((pattern for pattern in patterns if fnmatchcase(path, pattern)), None)
        if found is None:
            raise ArgumentError(
                f"[groups] no pattern fits the leaf {path!r}: there are {list(patterns)}; "
                'add "*" for the rest'
            )
        labels.append(found)
    return labels


def _update_some(
    optimizer: Optimizer,
    keep: list[bool],
    grads: Updates,
    state: State,
    params: Params,
    extra: dict[str, Any],
) -> tuple[Updates, State]:
    """The update of the leaves that are kept, with a loss that is a function of these alone."""
    if params is None:
        return optimizer.update(_only(grads, grads, keep), state, None, **extra)
    if (f := extra.get("value_and_grad")) is not None:

        def of_some(some: Params) -> tuple[Any, Updates]:
            value, grads = f(_merge(params, keep, some, params))
            return value, _only(params, grads, keep)

        extra = extra | {"value_and_grad": of_some}
    some = _only(params, params, keep)
    return optimizer.update(_only(params, grads, keep), state, some, **extra)


def _only(like: Params, tree: Any, keep: list[bool]) -> Any:
    """`tree` with None in the place of leaves that are not kept."""
    treedef = rt.tree.structure(like)
    xs = treedef.flatten_up_to(tree)
    return rt.tree.unflatten(treedef, [x if k else None for x, k in zip(xs, keep, strict=True)])


def _merge(like: Params, keep: list[bool], kept: Any, others: Any) -> Any:
    treedef = rt.tree.structure(like)
    columns = treedef.flatten_up_to(kept), treedef.flatten_up_to(others)
    return rt.tree.unflatten(
        treedef, [a if k else b for k, a, b in zip(keep, *columns, strict=True)]
    )


def _zero() -> Optimizer:
    return transformation(lambda grads, params: rt.tree.map(rt.zeros_like, grads))
