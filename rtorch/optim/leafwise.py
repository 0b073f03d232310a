"""Optimizers that treat every leaf by itself: the frame around the rule that makes each of them.

A file of such an optimizer states three things: its state, the scalars of a step, and the rule of
one leaf. The rest is the same for all and stands here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple, TypeAlias

import rtorch as rt
from rtorch.errors import api
from rtorch.optim.base import (
    LearningRate,
    Number,
    Optimizer,
    Params,
    State,
    Updates,
    check_kind,
    check_not_negative,
    evaluated,
    first_step,
    is_on,
    map_trained,
    need_params,
    next_step,
    rate_at,
    updates_like,
)
from rtorch.optim.fit import check_state, check_updates

Scalars: TypeAlias = Any  # a namespace of floats and scalar arrays
Slots: TypeAlias = "dict[str, Callable[[rt.Array], rt.Array]]"


class Leafwise(NamedTuple):
    """What makes one optimizer of this kind.

    Attributes:
        name: For messages.
        state: A NamedTuple type with the fields ``step``, `carry` and `slots`.
        slots: What the state remembers of every leaf, by name: ``slots[name](p)`` is how it begins.
        rule: ``step, *slots = rule(s, p, g, *slots)``, where `s` has the scalars in the dtype of
            the leaf; the leaf moves by ``-step``.
        scalars: ``scalars(rate, t, **carry)``: what the rule needs to know of the step, by name;
            ``t`` counts from 1, in float64. New values of `carry` are among them.
        carry: Scalars that the state remembers, and their first values.
        uses_params: Whether the rule reads ``p``.
    """

    name: str
    state: Callable[..., Any]
    slots: Mapping[str, Callable[[rt.Array], rt.Array]]
    rule: Callable[..., tuple[rt.Array, ...]]
    scalars: Callable[..., dict[str, Any]]
    carry: dict[str, float] = {}  # noqa: RUF012  (never written to)
    uses_params: bool = False


def leafwise(
    kind: Leafwise, learning_rate: LearningRate, l2: Number = 0.0, decay: Number = 0.0
) -> Optimizer:
    """The optimizer of a rule.

    Args:
        kind: The rule and what belongs to it.
        learning_rate: A number, an array, or a function of the step.
        l2: Times the parameters is added to the gradients.
        decay: Times the learning rate, the fraction of the parameters that is taken off.
    """
    check_kind(kind.name, "learning_rate", learning_rate)
    check_not_negative(kind.name, learning_rate=learning_rate, weight_decay=l2)
    check_not_negative(kind.name, weight_decay=decay)
    decays = is_on(l2) or is_on(decay)

    @api
    def init(params: Params) -> State:
        slots = {name: map_trained(start, params) for name, start in kind.slots.items()}
        carry = {name: rt.asarray(x, dtype=rt.float64) for name, x in kind.carry.items()}
        return kind.state(step=first_step(), **carry, **slots)

    @api
    def update(
        grads: Updates, state: State, params: Params = None, **extra: Any
    ) -> tuple[Updates, State]:
        grads, _ = evaluated(grads, params, extra)
        if decays or kind.uses_params:
            need_params(kind.name + (" with weight_decay" if decays else ""), params)
        check_state(kind.name, state, kind.state)
        if params is None:
            params = grads
        else:
            check_updates(kind.name, "grads", params, grads)
        rate = rate_at(learning_rate, state.step)
        t = state.step.astype(rt.float64) + 1
        scalars = kind.scalars(rate, t, **{name: getattr(state, name) for name in kind.carry})
        scalars |= {"_l2": l2, "_decay": rate * decay}
        cast = _Cast(scalars)

        def one(p: rt.Array, g: Any, *slots: rt.Array) -> tuple[rt.Array, ...]:
            if g is None:  # no gradient: the leaf and what is known of it stay
                return rt.zeros_like(p), *slots
            dtype = _working(p.dtype)
            s = cast(dtype)
            wide, g = _as(p, dtype), _as(rt.asarray(g), dtype)
            if is_on(l2):
                g = g + wide * s._l2
            step, *new = kind.rule(s, wide, g, *(_as(x, _working(x.dtype)) for x in slots))
            if is_on(decay):
                step = step + wide * s._decay
            kept = (_as(x, old.dtype) for x, old in zip(new, slots, strict=True))
            return _as(-step, p.dtype), *kept

        old = [getattr(state, name) for name in kind.slots]
        updates, *slots = unzip(params, map_trained(one, params, grads, *old), 1 + len(old))
        updates = updates_like(params, updates)
        carry = {name: scalars[name] for name in kind.carry}
        return updates, kind.state(
            step=next_step(state.step), **carry, **dict(zip(kind.slots, slots, strict=True))
        )

    return Optimizer(init, update)


def unzip(params: Params, results: Any, width: int) -> list[Any]:
    """Trees of the first, second, ... of the tuples that `results` has at optimized leaves."""
    treedef = rt.tree.structure(params)
    rows = [(None,) * width if r is None else r for r in treedef.flatten_up_to(results)]
    return [rt.tree.unflatten(treedef, [row[i] for row in rows]) for i in range(width)]


def one_less_power(b: Number, t: rt.Array) -> rt.Array:
    """``1 - b**t`` in float64, by expm1 where the power is near 1."""
    return -rt.expm1(t * rt.log(rt.asarray(b, dtype=rt.float64))) if is_on(b) else rt.ones_like(t)


def squared(g: rt.Array) -> rt.Array:
    """``abs(g)**2`` in the dtype of `g`."""
    return g * rt.conj(g) if rt.isdtype(g.dtype, "complex floating") else g * g


class _Cast:
    """The scalars of a step in a dtype, converted once for all leaves of it."""

    def __init__(self, scalars: dict[str, Any]) -> None:
        self.scalars = scalars
        self.known: dict[Any, Scalars] = {}

    def __call__(self, dtype: Any) -> Scalars:
        if dtype not in self.known:
            real = rt.finfo(dtype).dtype
            self.known[dtype] = SimpleNamespace(
                **{
                    name: x.astype(real) if isinstance(x, rt.Array) else x
                    for name, x in self.scalars.items()
                }
            )
        return self.known[dtype]


def _as(x: rt.Array, dtype: Any) -> rt.Array:
    return x if x.dtype == dtype else x.astype(dtype)


def _working(dtype: Any) -> Any:
    """Leaves of half precision are computed in float32: there, 0.999 is 1 and 1e-8 is 0."""
    return rt.promote_types(dtype, rt.float32)
