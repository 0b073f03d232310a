"""repeat: many layers of one kind, as one loop."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, ShapeError, api
from rtorch.nn.combinators import check_names
from rtorch.nn.layer import Layer, Params, State, as_layer, as_spec, spec_after
from rtorch.nn.parts import apply_part, init_part

__all__ = ["repeat"]


def repeat(layer: Any, n: int, *, unroll: int = 1, checkpoint: int | str | None = None) -> Layer:
    """`n` layers of one kind one after the other, each with parameters of its own.

    They run as one loop (`rt.scan`), so that a deep network is staged and compiled as fast as one
    layer. Parameters and state are stacked along a new first axis, and stand under the name
    ``"*"``; `state_dict` takes them apart again.

    Args:
        layer: A layer whose output has the shape and dtype of its input.
        n: How many.
        unroll: See `rt.scan`.
        checkpoint: See `rt.scan`; 1 keeps the inputs of the layers alone for derivatives, and
            ``"sqrt"`` less.

    Raises:
        ShapeError: (``init``) if the layer changes shape or dtype.

    Example:
        >>> import rtorch as rt
        >>> net = rt.nn.repeat(rt.nn.residual(rt.nn.Linear(4), rt.nn.relu), 12)
        >>> params, state = net.init(rt.random.key(0), rt.spec((2, 4)))
        >>> params["*"]["body"]["0"]["weight"].shape
        (12, 4, 4)
        >>> net.apply(params, state, rt.ones((2, 4)))[0].shape
        (2, 4)
    """
    if not isinstance(n, int) or n < 1:
        raise ArgumentError(f"[repeat] n: expected an int of 1 or more, got {n!r}")
    inner = as_layer(layer)

    @api
    def init(key: Any, spec: Any) -> tuple[Params, State]:
        spec = as_spec(spec)
        if key is None:
            made = init_part("repeat", "*", inner, None, spec)
            made = rt.tree.map(lambda p: rt.broadcast_to(p, (n, *p.shape)), made)
        else:
            made = rt.vmap(lambda k: init_part("repeat", "*", inner, k, spec))(
                rt.random.split(key, n)
            )
        first = rt.tree.map(lambda p: p[0], made)
        after = spec_after(inner, first[0], first[1], spec)
        if after != spec:
            raise ShapeError(f"[repeat] expected a layer that keeps shape and dtype, got one from "
                             f"{spec} to {after}")  # fmt: skip
        params, state = ({"*": stacked} if stacked else {} for stacked in made)
        return params, state

    @api
    def apply(
        params: Params, state: State, x: Any, *, key: Any = None, train: bool = False
    ) -> tuple[Any, State]:
        check_names("repeat", params, {"*": inner}, state)
        keys = None if key is None else rt.random.split(key, n)

        def step(x: Any, own: Any) -> tuple[Any, State]:
            p, s, k = own
            return apply_part("repeat", "*", inner, p, s, x, key=k, train=train)

        own = params.get("*", {}), state.get("*", {}), keys
        y, new = rt.scan(step, x, own, n, unroll=unroll, checkpoint=checkpoint)
        return y, {"*": new} if new else {}

    apply.__qualname__ = "repeat.apply"
    return Layer(init, apply)
