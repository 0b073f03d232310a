"""Layers side by side.

`fan_out` gives one input to several layers, `parallel` gives each its own, and `fan_in_sum` and
`fan_in_concat` join what came out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, ShapeError, api, describe
from rtorch.nn.combinators import check_names, named_layers, split_key
from rtorch.nn.layer import Layer, Params, State, as_layer, as_spec
from rtorch.nn.parts import apply_part, init_part

__all__ = [
    "fan_in_concat",
    "fan_in_sum",
    "fan_out",
    "identity",
    "lambda_",
    "parallel",
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

    return side_by_side("parallel", named, parts)


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
    return side_by_side("fan_out", named, lambda x: (x,) * len(named))


def side_by_side(combinator: str, named: dict[str, Layer], parts: Callable[[Any], Any]) -> Layer:
    """Each layer on its part of the input."""

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
def fan_in_sum(xs: Any = None) -> Any:
    """The sum of a tuple of arrays of one shape.

    Args:
        xs: The tuple. Without it the function itself is returned, so that ``fan_in_sum()`` stands
            beside ``fan_in_concat()``.

    Raises:
        ShapeError: if shapes differ: nothing is broadcast.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.fan_in_sum((rt.ones(2), rt.ones(2), rt.ones(2)))
        Array([3., 3.], dtype=float32)
    """
    if xs is None:
        return fan_in_sum
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
