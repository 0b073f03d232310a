"""Layers side by side, around others, and repeated.

`fan_out` gives one input to several layers, `parallel` gives each its own, and `fan_in_sum` and
`fan_in_concat` join what came out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, ShapeError, api, describe
from rtorch.nn.combinators import check_names, named_layers, serial, split_key
from rtorch.nn.layer import (
    Layer,
    Params,
    State,
    apply_part,
    as_layer,
    as_spec,
    init_part,
    spec_after,
)

__all__ = [
    "fan_in_concat",
    "fan_in_sum",
    "fan_out",
    "identity",
    "lambda_",
    "parallel",
    "repeat",
    "residual",
]


def identity(x: Any) -> Any:
    """`x` itself; a layer as all functions are.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.identity(3)
        3
    """
    return x


def lambda_(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Layer:
    """The layer ``x -> function(x, *args, **kwargs)``.

    Functions of the input alone are layers already.

    Args:
        function: Of the input and what follows.
        *args: Behind the input.
        **kwargs: Likewise.

    Example:
        >>> import rtorch as rt
        >>> layer = rt.nn.lambda_(rt.nn.softmax, axis=0)
        >>> layer.apply({}, {}, rt.zeros((2, 1)))[0].tolist()
        [[0.5], [0.5]]
    """
    if not callable(function) or isinstance(function, Layer):
        raise ArgumentError(f"[lambda_] expected a function, got {describe(function)}")

    def call(x: Any) -> Any:
        return function(x, *args, **kwargs)

    call.__name__ = getattr(function, "__name__", "lambda_")
    return as_layer(call)


def parallel(*layers: Any) -> Layer:
    """Each layer works on its own part of a tuple; the result is the tuple of theirs.

    Args:
        *layers: As in `serial`, names included.

    Example:
        >>> import rtorch as rt
        >>> net = rt.nn.parallel(rt.nn.Linear(4), rt.nn.relu)
        >>> params, state = net.init(rt.random.key(0), (rt.spec((2, 3)), rt.spec((5,))))
        >>> ys, state = net.apply(params, state, (rt.ones((2, 3)), rt.ones(5)))
        >>> [y.shape for y in ys]
        [(2, 4), (5,)]
    """
    named = named_layers("parallel", layers)

    def parts(x: Any) -> Any:
        if not isinstance(x, tuple | list) or len(x) != len(named):
            raise ArgumentError(f"[parallel] input: expected a tuple of {len(named)}, one for each "
                                f"layer, got {describe(x)}")  # fmt: skip
        return x

    return _side_by_side("parallel", named, parts)


def fan_out(*layers: Any) -> Layer:
    """All layers work on the same input; the result is the tuple of theirs.

    Args:
        *layers: As in `serial`, names included.

    Example:
        >>> import rtorch as rt
        >>> net = rt.nn.serial(rt.nn.fan_out(rt.nn.relu, rt.tanh), rt.nn.fan_in_concat())
        >>> net.apply({}, {}, rt.asarray([-1.0, 1.0]))[0]
        Array([ 0.       ,  1.       , -0.7615942,  0.7615942], dtype=float32)
    """
    named = named_layers("fan_out", layers)
    return _side_by_side("fan_out", named, lambda x: (x,) * len(named))


def _side_by_side(combinator: str, named: dict[str, Layer], parts: Callable[[Any], Any]) -> Layer:
    @api
    def init(key: Any, spec: Any) -> tuple[Params, State]:
        params, state, specs = {}, {}, parts(as_spec(spec))
        for (name, layer), k, s in zip(
            named.items(), split_key(key, len(named)), specs, strict=True
        ):
            p, s = init_part(combinator, name, layer, k, s)
            params.update({name: p} if p else {})
            state.update({name: s} if s else {})
        return params, state

    @api
    def apply(
        params: Params, state: State, x: Any, *, key: Any = None, train: bool = False
    ) -> tuple[Any, State]:
        check_names(combinator, params, named, state)
        ys, new_state = [], {}
        for (name, layer), k, x_i in zip(
            named.items(), split_key(key, len(named)), parts(x), strict=True
        ):
            y, s = apply_part(combinator, name, layer, params.get(name, {}), state.get(name, {}),
                              x_i, key=k, train=train)  # fmt: skip
            ys.append(y)
            new_state.update({name: s} if s else {})
        return tuple(ys), new_state

    apply.__qualname__ = f"{combinator}.apply"
    return Layer(init, apply)


@api
def fan_in_sum(xs: Any) -> rt.Array:
    """The sum of a tuple of arrays of one shape.

    Raises:
        ShapeError: if shapes differ: nothing is broadcast.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.fan_in_sum((rt.ones(2), rt.ones(2), rt.ones(2)))
        Array([3., 3.], dtype=float32)
    """
    total, *others = (rt.asarray(x) for x in xs)
    for i, x in enumerate(others):
        if x.shape != total.shape:
            raise ShapeError(f"[fan_in_sum] expected arrays of one shape, got {describe(total)} "
                             f"and at {i + 1} {describe(x)}")  # fmt: skip
        total = total + x
    return total


def fan_in_concat(axis: int = -1) -> Callable[[Any], rt.Array]:
    """A function, and so a layer, that joins a tuple of arrays along an axis.

    Args:
        axis: That axis.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.fan_in_concat()((rt.ones((2, 3)), rt.ones((2, 1)))).shape
        (2, 4)
    """

    def join(xs: Any) -> rt.Array:
        return rt.concat([rt.asarray(x) for x in xs], axis=axis)

    join.__name__ = "fan_in_concat"
    return join


def residual(*layers: Any, shortcut: Any = identity) -> Layer:
    """``shortcut(x) + f(x)``, where ``f`` is the layers one after the other.

    Args:
        *layers: One layer, or several as in `serial`.
        shortcut: A layer or a function; needed where ``f`` changes the shape.

    Returns:
        A `Layer` with parameters ``body`` and, if it has some, ``shortcut``.

    Raises:
        ShapeError: (``init``, ``apply``) if the two shapes differ.

    Example:
        >>> import rtorch as rt
        >>> net = rt.nn.residual(rt.nn.Linear(3), rt.nn.relu)
        >>> params, state = net.init(rt.random.key(0), rt.spec((2, 3)))
        >>> rt.tree.map(lambda p: p.shape, params)
        {'body': {'0': {'bias': (3,), 'weight': (3, 3)}}}

    References:
        He et al. 2016 (arXiv:1512.03385).
    """
    alone = len(layers) == 1 and (isinstance(layers[0], Layer) or callable(layers[0]))
    body = as_layer(layers[0]) if alone else serial(named_layers("residual", layers))
    parts = named_layers("residual", (("body", body), ("shortcut", shortcut)))
    both = _side_by_side("residual", parts, lambda x: (x, x))

    @api
    def init(key: Any, spec: Any) -> tuple[Params, State]:
        params, state = both.init(key, spec)
        _check_sum(*spec_after(both, params, state, spec))
        return params, state

    @api
    def apply(
        params: Params, state: State, x: Any, *, key: Any = None, train: bool = False
    ) -> tuple[Any, State]:
        ys, state = both.apply(params, state, x, key=key, train=train)
        _check_sum(*ys)
        return ys[0] + ys[1], state

    apply.__qualname__ = "residual.apply"
    return Layer(init, apply)


def _check_sum(y: Any, x: Any) -> None:
    if y.shape != x.shape:
        raise ShapeError(
            f"[residual] the layers give {describe(y)}, and the shortcut {describe(x)}: give a "
            "shortcut of the same shape, such as a Linear layer"
        )


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
